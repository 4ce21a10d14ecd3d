//! The life of one child as stacked phases, one bar for each mechanism.

use super::rows::Rows;
use super::{Draw, Figure, Form, Frame, Numbers, figure};
use crate::footprint::Footprint;
use crate::mechanism::Phase;
use crate::recording::{Cell, Placement, Run};
use crate::report::ReportError;
use crate::report::answer;
use crate::report::palette::{Ink, MUTED, PAPER, TEXT, look_of};
use crate::report::pen::{Anchor, Pen, text_width};
use crate::report::reading::{centre, children, is_measured, label};
use crate::report::scale::LinearScale;
use crate::units::Nanoseconds;

struct Bar {
    name: String,
    ink: Ink,
    /// Phases in the order in which they end, nanoseconds from the call.
    ends: Vec<(Phase, f64)>,
}

struct Chart {
    bars: Vec<Bar>,
    phases: Vec<Phase>,
}

/// A figure at the smallest parent, and one at the parent of the headline.
pub(super) fn figures(run: &Run, with_png: bool) -> Result<Vec<Figure>, ReportError> {
    let pinned = |cell: &&Cell| cell.placement == Placement::Pinned && is_measured(cell);
    let smallest = children(run)
        .filter(pinned)
        .map(|cell| cell.footprint)
        .min();
    let answered = answer::answer(run).map(|answer| answer.dear.footprint);
    let mut footprints: Vec<Footprint> = smallest.into_iter().chain(answered).collect();
    footprints.dedup();
    let mut figures = Vec::new();
    for (index, footprint) in footprints.iter().enumerate() {
        let mut bars: Vec<Bar> = children(run)
            .filter(pinned)
            .filter(|cell| cell.footprint == *footprint && cell.mechanism != "null")
            .map(bar)
            .collect();
        bars.sort_by(|a, b| a.last().total_cmp(&b.last()));
        bars.truncate(40);
        let phases: Vec<Phase> = Phase::LIFE
            .into_iter()
            .filter(|phase| {
                bars.iter()
                    .any(|bar| bar.ends.iter().any(|(p, _)| p == phase))
            })
            .collect();
        if phases.is_empty() || phases == [Phase::Call] {
            continue;
        }
        let chart = Chart { bars, phases };
        let frame = Frame {
            name: format!("phases-{}", if index == 0 { "smallest" } else { "headline" }),
            title: format!("One child of a {}", answer::parent(footprint)),
            caption: "Every phase begins with the call; a bar shows where each ends, at its median. \
                      “call” is when the parent goes on, “reap” when nothing is left of the child. Where \
                      “start” or “exec” comes before “call”, the child ran inside the call, or the two \
                      differ by less than their samples."
                .to_owned(),
            numbers: chart.numbers(),
        };
        figures.push(figure(frame, &chart, with_png && index == 0)?);
    }
    Ok(figures)
}

fn bar(cell: &Cell) -> Bar {
    let mut ends: Vec<(Phase, f64)> = Phase::LIFE
        .into_iter()
        .filter_map(|phase| Some((phase, centre(cell, phase)?.ns)))
        .collect();
    ends.sort_by(|a, b| a.1.total_cmp(&b.1));
    Bar {
        name: label(cell),
        ink: look_of(&cell.mechanism).ink,
        ends,
    }
}

impl Bar {
    fn last(&self) -> f64 {
        self.ends.last().map_or(0.0, |(_, ns)| *ns)
    }
}

impl Bar {
    fn draw(&self, pen: &mut Pen, scale: &LinearScale, middle: f64) {
        let (top, bottom) = (middle - 11.0, middle + 11.0);
        let mut from = scale.at(0.0);
        for &(phase, ns) in &self.ends {
            // What is too short to be seen is still drawn.
            let to = scale.at(ns).max(from + 0.75);
            pen.rect((from, top), (to, bottom), PAPER, 1.0);
            pen.rect((from, top), (to, bottom), self.ink, strength(phase));
            if to - from > 5.0 {
                pen.line(&[(to, top), (to, bottom)], PAPER, 1.5);
            }
            let value = Nanoseconds(ns).to_string();
            let texts = [
                format!("{} {value}", phase.name()),
                value,
                phase.name().to_owned(),
            ];
            let fits = |text: &&String| text_width(text, 12.0) + 10.0 <= to - from;
            if let Some(text) = texts.iter().find(fits) {
                let ink = if phase == Phase::Call { PAPER } else { TEXT };
                pen.text(((from + to) / 2.0, middle), text, 12.0, ink, Anchor::Middle);
            }
            from = to;
        }
    }
}

/// How strongly a phase's part of a bar is inked.
fn strength(phase: Phase) -> f64 {
    match phase {
        Phase::Call => 1.0,
        Phase::Start => 0.55,
        Phase::Exec => 0.38,
        _ => 0.18,
    }
}

impl Chart {
    fn rows(&self, form: Form) -> Rows {
        Rows::new(form, self.bars.len(), 34.0)
    }

    fn legend(&self, pen: &mut Pen, rows: &Rows) {
        let mut x = rows.left;
        for &phase in &self.phases {
            pen.rect((x, 8.0), (x + 16.0, 20.0), MUTED, strength(phase));
            let name = format!("until {}", phase.name());
            pen.text((x + 21.0, 14.0), &name, 12.0, MUTED, Anchor::Start);
            x += 21.0 + text_width(&name, 12.0) + 12.0;
        }
    }

    fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::headed(["mechanism"]);
        numbers
            .head
            .extend(self.phases.iter().map(|phase| phase.name().to_owned()));
        for bar in &self.bars {
            let mut row = vec![bar.name.clone()];
            for phase in &self.phases {
                let end = bar.ends.iter().find(|(p, _)| p == phase);
                row.push(end.map_or("–".to_owned(), |(_, ns)| Nanoseconds(*ns).to_string()));
            }
            numbers.rows.push(row);
        }
        numbers
    }
}

impl Draw for Chart {
    fn height(&self, form: Form) -> f64 {
        self.rows(form).height()
    }

    fn draw(&self, pen: &mut Pen, form: Form) {
        let rows = self.rows(form);
        let longest = self.bars.iter().map(Bar::last).fold(1.0, f64::max);
        let scale = LinearScale::up_to(longest * 1.02, rows.left, rows.right);
        self.legend(pen, &rows);
        rows.linear_axis(pen, &scale);
        for (index, bar) in self.bars.iter().enumerate() {
            let middle = rows.middle(index);
            let whole = Nanoseconds(bar.last()).to_string();
            rows.label(pen, index, &bar.name, &whole, bar.ink);
            bar.draw(pen, &scale, middle);
        }
    }
}
