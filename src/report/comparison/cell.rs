//! One cell: both sides' samples over each other, and how its interval closed, small enough that a page holds
//! hundreds.

use crate::comparison::{CellVerdict, LookSeen};
use crate::report::ReportError;
use crate::report::charts::{Numbers, edges};
use crate::report::palette::{AXIS, GRID, MUTED, TEXT, sides};
use crate::report::pen::{self, Anchor, Pen, text_width};
use crate::report::reading::{grouped, short};
use crate::report::scale::{LogScale, tick_name};
use crate::statistics::Histogram;
use crate::units::human_time;

use super::forest::look;
use super::numbers;
use super::ratios::Ratios;

/// CSS pixels, as wide as a phone.
const SIZE: (f64, f64) = (316.0, 152.0);
const TEXT_SIZE: f64 = 11.5;
/// More looks than any plan has come from a stranger.
const MOST_LOOKS: usize = 24;

/// The samples of both sides on one logarithmic axis; the far tail is counted, not drawn.
pub(super) struct Overlay<'a> {
    arms: &'a [Histogram; 2],
    edges: Vec<u64>,
    counts: [Vec<u64>; 2],
}

impl<'a> Overlay<'a> {
    /// Of what was sampled; `None` where a side has nothing.
    pub fn of(arms: &'a [Histogram; 2]) -> Option<Self> {
        if arms.iter().any(|arm| arm.count() == 0) {
            return None;
        }
        let low = arms.iter().map(Histogram::min).min().unwrap_or(1);
        // A tail of a few samples must not squeeze the body.
        let far = |arm: &Histogram| arm.max().min(arm.at(0.93).saturating_add(arm.at(0.93) / 8));
        let high = arms
            .iter()
            .map(far)
            .max()
            .unwrap_or(2)
            .max(low.saturating_add(1));
        let edges = edges(low, high);
        let counts = [&arms[0], &arms[1]].map(|arm| arm.counts_between(&edges));
        Some(Self {
            arms,
            edges,
            counts,
        })
    }

    fn beyond(&self, side: usize) -> u64 {
        let drawn = self.counts[side]
            .iter()
            .fold(0, |sum: u64, &n| sum.saturating_add(n));
        self.arms[side].count().saturating_sub(drawn)
    }

    /// Draws it.
    pub fn svg(&self, cell: &CellVerdict) -> Result<String, ReportError> {
        let label = format!("Samples of {} in A and B", short(&cell.id, 80));
        pen::svg(SIZE, &label, |pen| self.draw(pen))
    }

    fn draw(&self, pen: &mut Pen) {
        let (left, right, top, bottom) = (8.0, SIZE.0 - 8.0, 38.0, SIZE.1 - 22.0);
        let first = self.edges[0].max(1) as f64;
        let last = self.edges[self.edges.len() - 1].max(2) as f64;
        let scale = LogScale::exactly(first, last, left, right);
        for tick in scale.ticks(58.0) {
            let (x, name) = (scale.at(tick), tick_name(tick));
            let half = text_width(&name, TEXT_SIZE) / 2.0;
            pen.line(&[(x, top), (x, bottom + 3.0)], GRID, 1.0);
            let at = (x.clamp(half, SIZE.0 - half), bottom + 13.0);
            pen.text(at, &name, TEXT_SIZE, MUTED, Anchor::Middle);
        }
        // Shares, for the sides need not have as many samples.
        let shares = [0, 1].map(|side| {
            let total = self.arms[side].count() as f64;
            let share = |&count: &u64| count as f64 / total;
            self.counts[side].iter().map(share).collect::<Vec<f64>>()
        });
        let most = shares.iter().flatten().copied().fold(1e-9, f64::max);
        for (side, ink) in sides().into_iter().enumerate() {
            let mut steps = vec![(scale.at(first), bottom)];
            for (edge, share) in self.edges.windows(2).zip(&shares[side]) {
                let y = bottom - share / most * (bottom - top - 2.0);
                steps.push((scale.at(edge[0].max(1) as f64), y));
                steps.push((scale.at(edge[1] as f64), y));
            }
            steps.push((scale.at(last), bottom));
            if side == 0 {
                pen.fill(&steps, ink, 0.22);
            }
            pen.line(&steps, ink, if side == 0 { 1.2 } else { 2.0 });
        }
        pen.line(&[(left, bottom), (right, bottom)], AXIS, 1.0);
        self.marks(pen, &scale, top, bottom);
        self.legend(pen, left);
    }

    /// p10 (dashed) and the median of either side, where samples bear them.
    fn marks(&self, pen: &mut Pen, scale: &LogScale, top: f64, bottom: f64) {
        let mut named: Option<f64> = None;
        for (q, name, fewest) in [(0.5, "p50", 20), (0.1, "p10", 100)] {
            let mut places = Vec::new();
            for (arm, ink) in self.arms.iter().zip(sides()) {
                if arm.count() >= fewest {
                    let x = scale.at(arm.at(q) as f64);
                    let mark = [(x, top - 5.0), (x, bottom)];
                    match name {
                        "p50" => pen.line(&mark, ink, 1.4),
                        _ => pen.dashes(&mark, ink, 1.2, 3.0, 2.5),
                    }
                    places.push(x);
                }
            }
            let middle = places.iter().sum::<f64>() / places.len().max(1) as f64;
            // Away from each other, so that both have room where the quantiles are close.
            let (x, anchor) = match name {
                "p50" => ((middle - 7.0).min(SIZE.0 - 28.0), Anchor::Start),
                _ => ((middle + 7.0).max(28.0), Anchor::End),
            };
            if !places.is_empty() && named.is_none_or(|other| other - x > 3.0) {
                pen.text((x, top - 12.0), name, TEXT_SIZE, MUTED, anchor);
                named = Some(x);
            }
        }
    }

    fn legend(&self, pen: &mut Pen, mut x: f64) {
        for (side, ink) in sides().into_iter().enumerate() {
            let swatch = [(x, 3.0), (x + 11.0, 3.0), (x + 11.0, 13.0), (x, 13.0)];
            if side == 0 {
                pen.fill(&swatch, ink, 0.22);
            }
            let outline = [swatch[0], swatch[1], swatch[2], swatch[3], swatch[0]];
            pen.line(&outline, ink, if side == 0 { 1.2 } else { 2.0 });
            let mut name = ["A", "B"][side].to_owned();
            if self.beyond(side) > 0 {
                name.push_str(&format!(" (+{} beyond)", grouped(self.beyond(side))));
            }
            pen.text((x + 16.0, 8.0), &name, TEXT_SIZE, MUTED, Anchor::Start);
            x += 16.0 + text_width(&name, TEXT_SIZE) + 14.0;
        }
    }

    /// The bins that hold anything.
    pub fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::headed(["up to", "A", "B"]);
        let [a, b] = &self.counts;
        for ((edge, a), b) in self.edges.iter().skip(1).zip(a).zip(b) {
            if a + b > 0 {
                numbers
                    .rows
                    .push(vec![human_time(*edge), a.to_string(), b.to_string()]);
            }
        }
        let beyond = [0, 1].map(|side| self.beyond(side));
        if beyond != [0, 0] {
            let [a, b] = beyond.map(|count| count.to_string());
            numbers.rows.push(vec!["beyond".to_owned(), a, b]);
        }
        numbers
    }
}

fn looks(cell: &CellVerdict) -> &[LookSeen] {
    &cell.looks[..cell.looks.len().min(MOST_LOOKS)]
}

/// How the interval closed, look by look, and what fresh pairs said; `None` without a look.
pub(super) fn closing(cell: &CellVerdict, threshold: f64) -> Result<Option<String>, ReportError> {
    if cell.looks.is_empty() {
        return Ok(None);
    }
    let label = format!("How the interval of {} closed", short(&cell.id, 80));
    pen::svg(SIZE, &label, |pen| draw_closing(pen, cell, threshold)).map(Some)
}

fn draw_closing(pen: &mut Pen, cell: &CellVerdict, threshold: f64) {
    let (left, right, top, bottom) = (56.0, SIZE.0 - 10.0, 8.0, SIZE.1 - 36.0);
    let looks = looks(cell);
    let fresh = cell.confirmation;
    let ends = looks.iter().flat_map(|look| [look.low, look.high]);
    let ends = ends.chain(fresh.iter().flat_map(|seen| [seen.low, seen.high]));
    let axis = Ratios::holding(ends.collect::<Vec<_>>(), threshold, bottom, top);
    let ink = look(cell.verdict).ink;
    axis.draw_band(pen, (left, right), false, MUTED);
    let mut taken: Vec<f64> = Vec::new();
    let zero = axis.at(0.0).map(|at| (at, "0".to_owned()));
    let ticks = axis.ticks(26.0);
    for (y, name) in axis.thresholds().into_iter().chain(zero).chain(ticks) {
        if taken.iter().all(|other| (other - y).abs() >= 13.0) {
            pen.text((left - 6.0, y), &name, TEXT_SIZE, MUTED, Anchor::End);
            taken.push(y);
        }
    }
    // Looks are half again as many pairs each: evenly spaced is about logarithmic.
    let columns = looks.len() + usize::from(fresh.is_some());
    let pitch = (right - left) / columns as f64;
    let x = |index: usize| left + pitch * (index as f64 + 0.5);
    let drawn: Vec<_> = looks
        .iter()
        .map(|look| axis.span(look.low, look.high))
        .collect();
    let along = |end: fn(&super::ratios::Span) -> f64| {
        let places = drawn.iter().enumerate();
        places.filter_map(move |(index, span)| span.as_ref().map(|span| (x(index), end(span))))
    };
    let mut band: Vec<(f64, f64)> = along(|span| span.high).collect();
    band.extend(along(|span| span.low).collect::<Vec<_>>().into_iter().rev());
    pen.fill(&band, ink, 0.22);
    let mut last_name = f64::NEG_INFINITY;
    for (index, look) in looks.iter().enumerate() {
        if let Some(span) = drawn[index] {
            pen.line(&[(x(index), span.low), (x(index), span.high)], ink, 1.6);
        }
        let name = if look.pairs > 999_999 {
            "…".to_owned()
        } else {
            look.pairs.to_string()
        };
        let half = text_width(&name, TEXT_SIZE) / 2.0;
        if x(index) - half > last_name + 4.0 {
            pen.text(
                (x(index), bottom + 12.0),
                &name,
                TEXT_SIZE,
                MUTED,
                Anchor::Middle,
            );
            last_name = x(index) + half;
        }
    }
    let estimates = looks.iter().enumerate();
    let estimates: Vec<(f64, f64)> = estimates
        .filter_map(|(index, look)| Some((x(index), axis.at(look.effect)?)))
        .collect();
    pen.line(&estimates, ink, 1.6);
    for at in estimates {
        pen.marker(at, look(cell.verdict), 3.4);
    }
    if let Some(seen) = fresh {
        let x = x(looks.len());
        pen.dashes(
            &[(x - pitch / 2.0, top), (x - pitch / 2.0, bottom)],
            AXIS,
            1.0,
            2.0,
            2.0,
        );
        if let Some(span) = axis.span(seen.low, seen.high) {
            pen.line(&[(x, span.low), (x, span.high)], TEXT, 1.6);
        }
        if let Some(y) = axis.at(seen.effect) {
            pen.line(&[(x - 4.0, y), (x + 4.0, y)], TEXT, 1.8);
        }
        pen.text(
            (x, bottom + 12.0),
            "fresh",
            TEXT_SIZE,
            MUTED,
            Anchor::Middle,
        );
    }
    pen.line(&[(left, bottom), (right, bottom)], AXIS, 1.0);
    pen.text(
        ((left + right) / 2.0, bottom + 28.0),
        "pairs",
        TEXT_SIZE,
        MUTED,
        Anchor::Middle,
    );
}

/// Every look in figures, and the fresh pairs.
pub(super) fn look_numbers(cell: &CellVerdict) -> Numbers {
    let mut numbers = Numbers::headed(["pairs", "effect", "interval"]);
    for look in looks(cell) {
        numbers.rows.push(vec![
            grouped(look.pairs),
            numbers::signed(Some(look.effect)),
            numbers::interval(Some(look.low), Some(look.high)),
        ]);
    }
    numbers.rows.extend(cell.confirmation.map(|seen| {
        vec![
            format!("{} fresh", grouped(seen.pairs)),
            numbers::signed(Some(seen.effect)),
            numbers::interval(Some(seen.low), Some(seen.high)),
        ]
    }));
    numbers
}
