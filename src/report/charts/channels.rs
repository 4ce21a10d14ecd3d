//! Round trips through channels: how they are distributed, a figure for each message, a row for each channel.

use super::rows::Rows;
use super::{Draw, Figure, Form, Frame, Numbers, figure};
use crate::mechanism::Phase;
use crate::recording::{Cell, PhaseSummary, Placement, Run};
use crate::report::ReportError;
use crate::report::channels::{Group, Row, groups};
use crate::report::palette::{Look, MUTED, Marker, look_of};
use crate::report::pen::{Anchor, Pen, text_width};
use crate::report::reading::{centre, is_measured, short};
use crate::report::scale::{LogScale, size_name};
use crate::units::{Nanoseconds, exact_size, human_time};

const MOST_ROWS: usize = 30;
const MOST_FIGURES: usize = 6;
/// CSS pixels between the placements of one channel.
const STEP: f64 = 9.0;

/// How each placement is marked and named, top down.
const MARKED: [(Placement, Marker, &str); 3] = [
    (Placement::Pinned, Marker::Circle, "one CPU"),
    (Placement::Two, Marker::HollowDiamond, "two CPUs"),
    (Placement::Free, Marker::HollowSquare, "free"),
];

struct Chart<'a> {
    rows: Vec<Row<'a>>,
}

/// The figures; none where no channel was measured.
pub(super) fn figures(run: &Run, with_png: bool) -> Result<Vec<Figure>, ReportError> {
    let groups = groups(run);
    let drawn = groups.iter().filter_map(|group| {
        let measured = |row: &&Row<'_>| row.cells().any(is_measured);
        let rows = group.rows.iter().filter(measured).take(MOST_ROWS);
        let chart = Chart {
            rows: rows.copied().collect(),
        };
        (!chart.rows.is_empty()).then_some((group, chart))
    });
    drawn
        .take(MOST_FIGURES)
        .map(|(group, chart)| figure(frame(group, &chart), &chart, with_png))
        .collect()
}

fn frame(group: &Group<'_>, chart: &Chart<'_>) -> Frame {
    Frame {
        name: format!("channels-{}", exact_size(group.message)),
        title: format!("{} there and back", size_name(group.message)),
        caption: "From before the parent sends until it has all of the answer. The mark is the median, the bar reaches \
                  from p10 to p90, the dashes to p99. One CPU: parent and child take turns on it. Two: each has its \
                  own, and sleeping on one that then idles costs the time to wake it. The time axis is logarithmic; \
                  reading the clock twice is in every figure."
            .to_owned(),
        numbers: chart.numbers(),
    }
}

/// p10, p90 and p99, where they are.
fn band(summary: &PhaseSummary) -> [Option<f64>; 3] {
    [summary.p10, summary.p90, summary.p99].map(|ns| ns.map(|ns| ns as f64))
}

fn measured<'a>(row: &Row<'a>) -> impl Iterator<Item = &'a Cell> + use<'a> {
    row.cells().filter(|cell| is_measured(cell))
}

impl Chart<'_> {
    fn numbers(&self) -> Numbers {
        let mut numbers =
            Numbers::headed(["cell", "p10", "p50", "p90", "p99", "open p50", "setup p50"]);
        for cell in self.rows.iter().flat_map(measured) {
            let told = |ns: Option<u64>| ns.map_or("–".to_owned(), human_time);
            let trip = cell.phases.get(&Phase::RoundTrip);
            let of = |pick: fn(&PhaseSummary) -> Option<u64>| told(trip.and_then(pick));
            let middle = |phase| {
                centre(cell, phase).map_or("–".to_owned(), |it| Nanoseconds(it.ns).to_string())
            };
            numbers.rows.push(vec![
                short(&cell.id, 80),
                of(|it| it.p10),
                middle(Phase::RoundTrip),
                of(|it| it.p90),
                of(|it| it.p99),
                middle(Phase::Open),
                middle(Phase::Setup),
            ]);
        }
        numbers
    }

    fn layout(&self, form: Form) -> Rows {
        Rows::new(form, self.rows.len(), 30.0)
    }

    fn scale(&self, rows: &Rows) -> LogScale {
        let mut values = Vec::new();
        for cell in self.rows.iter().flat_map(measured) {
            values.extend(centre(cell, Phase::RoundTrip).map(|centre| centre.ns));
            let summary = cell.phases.get(&Phase::RoundTrip);
            values.extend(summary.into_iter().flat_map(band).flatten());
        }
        LogScale::holding(values, rows.left + 8.0, rows.right - 8.0)
    }

    /// The placements that stand in it.
    fn marks(&self) -> impl Iterator<Item = (Marker, &'static str)> {
        let there = |placement: Placement| {
            let mut cells = self.rows.iter().flat_map(measured);
            cells.any(|cell| cell.placement == placement)
        };
        MARKED
            .into_iter()
            .filter(move |(placement, ..)| there(*placement))
            .map(|(_, marker, name)| (marker, name))
    }

    fn legend(&self, pen: &mut Pen, left: f64) {
        let mut x = left + 8.0;
        for (marker, name) in self.marks() {
            pen.marker((x, 12.0), Look { ink: MUTED, marker }, 4.0);
            pen.text((x + 10.0, 12.0), name, 12.0, MUTED, Anchor::Start);
            x += 10.0 + text_width(name, 12.0) + 20.0;
        }
    }
}

impl Draw for Chart<'_> {
    fn height(&self, form: Form) -> f64 {
        self.layout(form).height()
    }

    fn draw(&self, pen: &mut Pen, form: Form) {
        let rows = self.layout(form);
        let scale = self.scale(&rows);
        rows.log_axis(pen, &scale);
        self.legend(pen, rows.left);
        for (index, row) in self.rows.iter().enumerate() {
            let Some(first) = measured(row).next() else {
                continue;
            };
            let look = look_of(&first.mechanism);
            let value = centre(first, Phase::RoundTrip)
                .map_or(String::new(), |centre| Nanoseconds(centre.ns).to_string());
            rows.label(pen, index, &short(&row.name(), 80), &value, look.ink);
            let cells: Vec<&Cell> = measured(row).collect();
            for (line, cell) in cells.iter().enumerate() {
                let offset = line as f64 - (cells.len() - 1) as f64 / 2.0;
                draw_cell(pen, &scale, cell, rows.middle(index) + offset * STEP);
            }
        }
    }
}

fn draw_cell(pen: &mut Pen, scale: &LogScale, cell: &Cell, y: f64) {
    let phase = Phase::RoundTrip;
    let (Some(centre), Some(summary)) = (centre(cell, phase), cell.phases.get(&phase)) else {
        return;
    };
    let look = look_of(&cell.mechanism);
    let [low, high, tail] = band(summary).map(|ns| ns.map(|ns| scale.at(ns)));
    if let (Some(high), Some(tail)) = (high, tail) {
        pen.dashes(&[(high, y), (tail, y)], look.ink, 1.0, 3.0, 3.0);
        pen.line(&[(tail, y - 3.0), (tail, y + 3.0)], look.ink, 1.4);
    }
    if let (Some(low), Some(high)) = (low, high) {
        pen.rect(
            (low, y - 2.0),
            (high.max(low + 1.0), y + 2.0),
            look.ink,
            0.3,
        );
    }
    let marker = MARKED
        .into_iter()
        .find(|(placement, ..)| *placement == cell.placement)
        .map_or(look.marker, |(_, marker, _)| marker);
    pen.marker((scale.at(centre.ns), y), Look { marker, ..look }, 3.4);
}
