//! All cells' intervals below each other, against the threshold.

use crate::comparison::{CellVerdict, Comparison};
use crate::report::ReportError;
use crate::report::charts::{Draw, Figure, Form, Frame, Numbers, figure};
use crate::report::palette::{Ink, Look, MUTED, Marker, TEXT, look_of};
use crate::report::pen::{Anchor, Pen, fitted, text_width};
use crate::statistics::Verdict;

use super::numbers;
use super::ratios::Ratios;
use super::words;

/// Rows of the chart; more are in the table.
const MOST_ROWS: usize = 80;
const HEAD: f64 = 46.0;
const FOOT: f64 = 10.0;

/// How a verdict looks: colour, and a shape of its own.
pub(super) fn look(verdict: Verdict) -> Look {
    let (ink, marker) = match verdict {
        Verdict::Regressed => (look_of("fork").ink, Marker::Square),
        Verdict::Improved => (look_of("posix_spawn").ink, Marker::Diamond),
        Verdict::Unchanged => (look_of("vfork").ink, Marker::Circle),
        Verdict::Inconclusive => (look_of("clone3").ink, Marker::HollowCircle),
        Verdict::NotMeasurable => (MUTED, Marker::Cross),
    };
    Look { ink, marker }
}

struct Forest<'a> {
    threshold: f64,
    rows: Vec<&'a CellVerdict>,
}

/// The chart of all cells, in the order given; `None` without cells.
pub(super) fn forest(
    comparison: &Comparison,
    cells: &[(usize, &CellVerdict)],
) -> Result<Option<Figure>, ReportError> {
    if cells.is_empty() {
        return Ok(None);
    }
    let rows: Vec<&CellVerdict> = cells
        .iter()
        .take(MOST_ROWS)
        .map(|(_, cell)| *cell)
        .collect();
    let left = cells.len() - rows.len();
    let mut caption = "Each interval against the band of changes that do not matter: wholly right of it is regressed, \
                       wholly left improved, wholly within unchanged, over an edge inconclusive. An arrow goes on beyond \
                       the axis."
        .to_owned();
    if left > 0 {
        caption.push_str(&format!(
            " {left} more, none of them worse, stand in the table."
        ));
    }
    let frame = Frame {
        name: "forest".to_owned(),
        title: "Every effect with its interval".to_owned(),
        caption,
        numbers: Numbers::default(),
    };
    let chart = Forest {
        threshold: comparison.threshold,
        rows,
    };
    figure(frame, &chart, false).map(Some)
}

fn pitch(form: Form) -> f64 {
    match form {
        Form::Wide => 28.0,
        Form::Narrow => 46.0,
    }
}

fn plot(form: Form) -> (f64, f64) {
    match form {
        Form::Wide => (236.0, 740.0),
        Form::Narrow => (10.0, 330.0),
    }
}

impl Draw for Forest<'_> {
    fn height(&self, form: Form) -> f64 {
        HEAD + pitch(form) * self.rows.len() as f64 + FOOT
    }

    fn draw(&self, pen: &mut Pen, form: Form) {
        let (left, right) = plot(form);
        let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let ends = self
            .rows
            .iter()
            .flat_map(|cell| [number(cell.low), number(cell.high)]);
        let axis = Ratios::holding(ends, self.threshold, left, right);
        let bottom = self.height(form) - FOOT;
        self.head(pen, &axis, form);
        axis.draw_band(pen, (HEAD, bottom), true, MUTED);
        for (index, cell) in self.rows.iter().enumerate() {
            let top = HEAD + pitch(form) * index as f64;
            let y = match form {
                Form::Wide => top + pitch(form) / 2.0,
                Form::Narrow => top + 33.0,
            };
            label(pen, cell, form, top, y);
            let look = look(cell.verdict);
            interval(pen, &axis, number(cell.low), number(cell.high), y, look.ink);
            if let Some(x) = cell.effect.and_then(|effect| axis.at(effect)) {
                pen.marker((x, y), look, 5.0);
            }
        }
    }
}

impl Forest<'_> {
    /// Directions, and round percentages where no threshold stands.
    fn head(&self, pen: &mut Pen, axis: &Ratios, form: Form) {
        let (left, right) = plot(form);
        let size = form.text();
        pen.text((left, 11.0), "B is faster", size, MUTED, Anchor::Start);
        pen.text((right, 11.0), "B is slower", size, MUTED, Anchor::End);
        let clamped = |at: f64, text: &str| {
            let half = text_width(text, size) / 2.0;
            at.clamp(left + half - 4.0, right - half + 4.0)
        };
        let mut taken: Vec<(f64, f64)> = Vec::new();
        // Where there is no room for both, the one for the worse stays.
        let thresholds = axis.thresholds().into_iter().rev().map(|mark| (mark, TEXT));
        let ticks = axis.ticks(64.0).into_iter().map(|mark| (mark, MUTED));
        for ((at, name), ink) in thresholds.chain(ticks) {
            let half = text_width(&name, size) / 2.0 + 7.0;
            let x = clamped(at, &name);
            if taken
                .iter()
                .all(|(from, to)| x + half <= *from || x - half >= *to)
            {
                pen.text((x, 32.0), &name, size, ink, Anchor::Middle);
                taken.push((x - half, x + half));
            }
        }
    }
}

fn label(pen: &mut Pen, cell: &CellVerdict, form: Form, top: f64, y: f64) {
    let (left, right) = plot(form);
    let size = form.text();
    let name = words::name(cell);
    let effect = numbers::signed(cell.effect);
    match form {
        Form::Wide => {
            let name = fitted(&name, size, left - 16.0);
            pen.text((0.0, y), &name, size, TEXT, Anchor::Start);
            pen.bold((right + 74.0, y), &effect, size, TEXT, Anchor::End);
            let said = words::said(cell);
            pen.text((right + 88.0, y), &said, size, MUTED, Anchor::Start);
        }
        Form::Narrow => {
            let said = format!("{effect} {}", words::said(cell));
            let room = right - left - text_width(&said, size) - 12.0;
            pen.text(
                (left, top + 16.0),
                &fitted(&name, size, room),
                size,
                TEXT,
                Anchor::Start,
            );
            pen.text((right, top + 16.0), &said, size, MUTED, Anchor::End);
        }
    }
}

/// A bar from end to end, with caps, or arrows where it goes on.
fn interval(pen: &mut Pen, axis: &Ratios, low: f64, high: f64, y: f64, ink: Ink) {
    let Some(span) = axis.span(low, high) else {
        return;
    };
    pen.line(&[(span.low, y), (span.high, y)], ink, 2.4);
    for (x, is_cut, way) in [
        (span.low, span.is_cut[0], -1.0),
        (span.high, span.is_cut[1], 1.0),
    ] {
        if is_cut {
            let back = x - way * 7.0;
            pen.fill(&[(x, y), (back, y - 5.0), (back, y + 5.0)], ink, 1.0);
        } else {
            pen.line(&[(x, y - 4.5), (x, y + 4.5)], ink, 2.0);
        }
    }
}
