//! Where the time goes: each parent of the headline's size, parted into what its pieces cost.

use super::kinds::shape_name;
use super::rows::Rows;
use super::{Draw, Figure, Form, Frame, Numbers, figure};
use crate::model::{Fit, Fitted, Part};
use crate::recording::Run;
use crate::report::ReportError;
use crate::report::costs::{Costs, costs, headline_parent, is_copied, part_words};
use crate::report::palette::{Ink, MUTED, PAPER, TEXT, look_of};
use crate::report::pen::{Anchor, Pen, text_width};
use crate::report::scale::{LinearScale, size_name};
use crate::units::Nanoseconds;

const MOST_BARS: usize = 12;
const LEGEND_PITCH: f64 = 20.0;

struct Bar {
    name: String,
    measured: f64,
    /// What each part comes to, nanoseconds.
    parts: Vec<(Part, f64)>,
}

struct Chart {
    bars: Vec<Bar>,
    /// Those that are in some bar.
    parts: Vec<Part>,
}

/// The figure; none where no costs are told.
pub(super) fn figures(run: &Run, with_png: bool) -> Result<Vec<Figure>, ReportError> {
    let (Some(costs), Some(parent)) = (costs(run), headline_parent(run)) else {
        return Ok(Vec::new());
    };
    let bytes = parent.footprint.bytes;
    let chart = Chart::of(&costs, |fitted| {
        let cell = run.cells.iter().find(|cell| cell.id == fitted.id)?;
        let is_shown = cell.footprint.bytes == bytes && is_copied(&cell.footprint);
        is_shown.then(|| shape_name(&cell.footprint))
    });
    if chart.bars.is_empty() {
        return Ok(Vec::new());
    }
    let frame = Frame {
        name: "parts".to_owned(),
        title: format!("What fork’s time goes to, parents of {}", size_name(bytes)),
        caption: "Phase “call”. A bar is the sum of what the parent’s pieces cost by the fit; the tick and \
                  the time beside it are the middle of what the trials measured. What is too small to be seen stands in the \
                  numbers."
            .to_owned(),
        numbers: chart.numbers(),
    };
    Ok(vec![figure(frame, &chart, with_png)?])
}

fn ink(part: Part) -> Ink {
    let mechanism = match part {
        Part::Bare => return MUTED,
        Part::PageNear => "fork",
        Part::PageMid => "clone3",
        Part::PageFar => "fork-exec",
        Part::PageThp => "posix_spawn",
        Part::Vma => "vfork",
        Part::VmaDontfork => "vfork-exec",
        Part::Fd => "command",
        Part::Thread => "pthread",
        Part::Busy => "thread",
    };
    look_of(mechanism).ink
}

impl Chart {
    fn of(costs: &Costs, name: impl Fn(&Fitted) -> Option<String>) -> Self {
        let bar = |fit: &Fit, cell: &Fitted| {
            Some(Bar {
                name: name(cell)?,
                measured: cell.measured_ns,
                parts: fit.parts(&cell.shape),
            })
        };
        let mut bars: Vec<Bar> = Vec::new();
        for fit in &costs.fits {
            bars.extend(fit.cells.iter().filter_map(|cell| bar(fit, cell)));
        }
        bars.sort_by(|a, b| b.measured.total_cmp(&a.measured));
        bars.truncate(MOST_BARS);
        let is_there = |part: &Part| {
            let mut all = bars.iter().flat_map(|bar| &bar.parts);
            all.any(|(there, ns)| there == part && *ns > 0.0)
        };
        Self {
            parts: Part::ALL.into_iter().filter(is_there).collect(),
            bars,
        }
    }

    fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::headed(["parent", "measured", "sum"]);
        let names = self.parts.iter().map(|&part| part_words(part).to_owned());
        numbers.head.extend(names);
        for bar in &self.bars {
            let written = |ns: f64| Nanoseconds(ns).to_string();
            let mut row = vec![bar.name.clone(), written(bar.measured), written(bar.sum())];
            for part in &self.parts {
                let cost = bar.parts.iter().find(|(there, _)| there == part);
                row.push(cost.map_or("–".to_owned(), |&(_, ns)| written(ns)));
            }
            numbers.rows.push(row);
        }
        numbers
    }

    /// Where each part's name stands in the legend: from the left, and in which line.
    fn places(&self, form: Form) -> Vec<(f64, usize)> {
        let (mut x, mut line) = (0.0, 0);
        let room = form.width() - 16.0;
        let place = |&part: &Part| {
            let width = 22.0 + text_width(part_words(part), form.text()) + 16.0;
            if x > 0.0 && x + width > room {
                (x, line) = (0.0, line + 1);
            }
            let place = (x, line);
            x += width;
            place
        };
        self.parts.iter().map(place).collect()
    }

    fn rows(&self, form: Form) -> Rows {
        let lines = self.places(form).last().map_or(0, |(_, line)| line + 1);
        Rows::new(form, self.bars.len(), 12.0 + LEGEND_PITCH * lines as f64)
    }

    fn legend(&self, pen: &mut Pen, form: Form) {
        for (&part, (x, line)) in self.parts.iter().zip(self.places(form)) {
            let (x, y) = (8.0 + x, 14.0 + LEGEND_PITCH * line as f64);
            pen.rect((x, y - 6.0), (x + 16.0, y + 6.0), ink(part), 1.0);
            let at = (x + 22.0, y);
            pen.text(at, part_words(part), form.text(), MUTED, Anchor::Start);
        }
    }
}

impl Bar {
    fn sum(&self) -> f64 {
        self.parts.iter().map(|(_, ns)| ns).sum()
    }

    fn draw(&self, pen: &mut Pen, scale: &LinearScale, middle: f64) {
        let (top, bottom) = (middle - 9.0, middle + 9.0);
        let mut from = 0.0;
        for &(part, ns) in &self.parts {
            let to = from + ns;
            pen.rect(
                (scale.at(from), top),
                (scale.at(to), bottom),
                ink(part),
                1.0,
            );
            from = to;
        }
        let x = scale.at(self.measured);
        pen.line(&[(x, top - 4.0), (x, bottom + 4.0)], PAPER, 4.0);
        pen.line(&[(x, top - 4.0), (x, bottom + 4.0)], TEXT, 1.8);
    }
}

impl Draw for Chart {
    fn height(&self, form: Form) -> f64 {
        self.rows(form).height()
    }

    fn draw(&self, pen: &mut Pen, form: Form) {
        let rows = self.rows(form);
        let ends = self.bars.iter().map(|bar| bar.sum().max(bar.measured));
        let longest = ends.fold(1.0, f64::max);
        let scale = LinearScale::up_to(longest * 1.02, rows.left, rows.right);
        self.legend(pen, form);
        rows.linear_axis(pen, &scale);
        for (index, bar) in self.bars.iter().enumerate() {
            let value = Nanoseconds(bar.measured).to_string();
            rows.label(pen, index, &bar.name, &value, TEXT);
            bar.draw(pen, &scale, rows.middle(index));
        }
    }
}
