//! First writes after a fork: how each kind is distributed, a row for each cell.

use super::rows::Rows;
use super::{Draw, Figure, Form, Frame, Numbers, figure};
use crate::mechanism::Phase;
use crate::recording::{Cell, PhaseSummary, Run};
use crate::report::ReportError;
use crate::report::palette::{Look, MUTED, Marker, look_of};
use crate::report::pen::{Anchor, Pen, text_width};
use crate::report::reading::{centre, is_measured, short};
use crate::report::scale::LogScale;
use crate::report::writes;
use crate::units::{Nanoseconds, human_time};

const MOST_ROWS: usize = 40;
/// CSS pixels between the phases of one cell.
const STEP: f64 = 7.5;

/// How each phase is marked, top down.
const MARKED: [(Phase, Marker); 4] = [
    (Phase::Before, Marker::HollowCircle),
    (Phase::FirstPass, Marker::HollowDiamond),
    (Phase::SecondPass, Marker::Circle),
    (Phase::After, Marker::HollowSquare),
];

struct Chart<'a> {
    cells: Vec<&'a Cell>,
}

/// The figure; none where no first writes were measured.
pub(super) fn figures(run: &Run) -> Result<Vec<Figure>, ReportError> {
    let measured = writes::cells(run).filter(|cell| is_measured(cell));
    let cells: Vec<&Cell> = measured.take(MOST_ROWS).collect();
    if cells.is_empty() {
        return Ok(Vec::new());
    }
    let chart = Chart { cells };
    let frame = Frame {
        name: "copies".to_owned(),
        title: "Writing one byte to a page".to_owned(),
        caption: "The mark is the median, the bar reaches from p10 to p90, the dashes to p99. before: the page is \
                  nobody else's. first-pass: the first write after a fork, the child alive, the copy on memory that \
                  is new to the subject. second-pass: the same, the copy on memory that was given back before. \
                  after: the first write when the child is gone. The time axis is logarithmic; reading the clock \
                  is in every figure."
            .to_owned(),
        numbers: chart.numbers(),
    };
    Ok(vec![figure(frame, &chart, false)?])
}

/// p10, p90 and p99, where they are.
fn band(summary: &PhaseSummary) -> [Option<f64>; 3] {
    [summary.p10, summary.p90, summary.p99].map(|ns| ns.map(|ns| ns as f64))
}

impl Chart<'_> {
    fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::headed([
            "cell",
            "phase",
            "p10",
            "p50",
            "p90",
            "p99",
            "copied per write",
        ]);
        for cell in &self.cells {
            for (phase, _) in MARKED {
                let Some(summary) = cell.phases.get(&phase) else {
                    continue;
                };
                let told = |ns: Option<u64>| ns.map_or("–".to_owned(), human_time);
                let copies = matches!(phase, Phase::FirstPass | Phase::SecondPass);
                numbers.rows.push(vec![
                    short(&cell.id, 80),
                    phase.name().to_owned(),
                    told(summary.p10),
                    told(summary.p50),
                    told(summary.p90),
                    told(summary.p99),
                    match copies {
                        true => writes::copied_text(cell),
                        false => "–".to_owned(),
                    },
                ]);
            }
        }
        numbers
    }

    fn rows(&self, form: Form) -> Rows {
        let head = match form {
            Form::Wide => 30.0,
            Form::Narrow => 46.0,
        };
        Rows::new(form, self.cells.len(), head)
    }

    fn scale(&self, rows: &Rows) -> LogScale {
        let mut values = Vec::new();
        for cell in &self.cells {
            for (phase, _) in MARKED {
                values.extend(centre(cell, phase).map(|centre| centre.ns));
                let summary = cell.phases.get(&phase);
                values.extend(summary.into_iter().flat_map(band).flatten());
            }
        }
        LogScale::holding(values, rows.left + 8.0, rows.right - 8.0)
    }
}

fn legend(pen: &mut Pen, form: Form, left: f64) {
    let (mut x, mut y) = (left + 8.0, 12.0);
    for (index, (phase, marker)) in MARKED.into_iter().enumerate() {
        if form == Form::Narrow && index == 2 {
            (x, y) = (left + 8.0, 30.0);
        }
        pen.marker((x, y), Look { ink: MUTED, marker }, 4.0);
        pen.text((x + 10.0, y), phase.name(), 12.0, MUTED, Anchor::Start);
        x += 10.0 + text_width(phase.name(), 12.0) + 20.0;
    }
}

impl Draw for Chart<'_> {
    fn height(&self, form: Form) -> f64 {
        self.rows(form).height()
    }

    fn draw(&self, pen: &mut Pen, form: Form) {
        let rows = self.rows(form);
        let scale = self.scale(&rows);
        rows.log_axis(pen, &scale);
        legend(pen, form, rows.left);
        for (index, cell) in self.cells.iter().enumerate() {
            let look = look_of(&cell.mechanism);
            let value = centre(cell, Phase::SecondPass)
                .map_or(String::new(), |centre| Nanoseconds(centre.ns).to_string());
            rows.label(pen, index, &short(&cell.id, 80), &value, look.ink);
            for (line, (phase, marker)) in MARKED.into_iter().enumerate() {
                let (Some(centre), Some(summary)) = (centre(cell, phase), cell.phases.get(&phase))
                else {
                    continue;
                };
                let y = rows.middle(index) + (line as f64 - 1.5) * STEP;
                let [low, high, tail] = band(summary).map(|ns| ns.map(|ns| scale.at(ns)));
                if let (Some(high), Some(tail)) = (high, tail) {
                    pen.dashes(&[(high, y), (tail, y)], look.ink, 1.0, 3.0, 3.0);
                    pen.line(&[(tail, y - 3.0), (tail, y + 3.0)], look.ink, 1.4);
                }
                if let (Some(low), Some(high)) = (low, high) {
                    let high = high.max(low + 1.0);
                    pen.rect((low, y - 2.0), (high, y + 2.0), look.ink, 0.3);
                }
                let look = Look { marker, ..look };
                pen.marker((scale.at(centre.ns), y), look, 3.0);
            }
        }
    }
}
