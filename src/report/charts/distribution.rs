//! How one cell's samples are distributed: a histogram and a percentile curve, small enough that a
//! page holds hundreds.

use super::Numbers;
use crate::mechanism::Phase;
use crate::recording::{Cell, Recorded};
use crate::report::ReportError;
use crate::report::palette::{AXIS, GRID, Ink, MUTED, look_of};
use crate::report::pen::{self, Anchor, Pen, text_width};
use crate::report::reading::{grouped, short};
use crate::report::scale::{LogScale, spread_out, tick_name};
use crate::statistics::Histogram;
use crate::units::human_time;

/// CSS pixels. One shape serves desk and phone: it is as wide as a phone.
const SIZE: (f64, f64) = (316.0, 138.0);
const MOST_BINS: usize = 44;

/// A cell's two small charts and the histogram's figures.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct CellFigure {
    pub histogram: String,
    pub percentiles: String,
    pub bins: Numbers,
}

/// One phase's recorded values with their counts, rising.
struct Samples {
    phase: Phase,
    values: Vec<(u64, u64)>,
    count: u64,
}

impl Samples {
    fn of(phase: Phase, histogram: &Histogram) -> Option<Self> {
        let values: Vec<(u64, u64)> = histogram.values().collect();
        let count = values
            .iter()
            .fold(0, |sum: u64, (_, count)| sum.saturating_add(*count));
        (count > 0).then_some(Self {
            phase,
            values,
            count,
        })
    }

    /// The values at rising quantiles.
    fn at(&self, quantiles: &[f64]) -> Vec<u64> {
        let mut walk = self.values.iter();
        let mut here = walk.next().copied().unwrap_or_default();
        let mut below = here.1;
        let mut found = Vec::with_capacity(quantiles.len());
        for q in quantiles {
            let rank = ((q * self.count as f64) - 1e-9).ceil().max(1.0) as u64;
            while below < rank {
                let Some(&next) = walk.next() else { break };
                here = next;
                below = below.saturating_add(here.1);
            }
            found.push(here.0);
        }
        found
    }
}

/// The charts of a cell; `None` where no sample of it was kept.
///
/// # Errors
/// [`ReportError::Chart`] where a chart cannot be drawn.
pub(crate) fn cell_figure(
    recorded: &Recorded,
    cell: &Cell,
) -> Result<Option<CellFigure>, ReportError> {
    let Some(phases) = recorded.histograms.get(&cell.id) else {
        return Ok(None);
    };
    let samples: Vec<Samples> = phases
        .iter()
        .filter_map(|(&phase, histogram)| Samples::of(phase, histogram))
        .collect();
    if samples.is_empty() {
        return Ok(None);
    }
    let ink = look_of(&cell.mechanism).ink;
    let name = short(&cell.id, 80);
    let bars = Bars::of(&samples);
    Ok(Some(CellFigure {
        histogram: pen::svg(SIZE, &format!("Histogram of {name}"), |pen| {
            bars.draw(pen, ink)
        })?,
        percentiles: pen::svg(SIZE, &format!("Percentiles of {name}"), |pen| {
            draw_percentiles(pen, ink, &samples);
        })?,
        bins: bars.numbers(),
    }))
}

/// How strongly a phase's bars are inked.
fn strength(phase: Phase) -> f64 {
    match phase {
        Phase::Reap | Phase::After | Phase::Service => 0.42,
        _ => 1.0,
    }
}

/// `call` and `reap`, of writes `second-pass` and `after`, of channels `round-trip`, of requests both phases, fall into one
/// set of bins; the far tail is counted, not drawn.
struct Bars {
    edges: Vec<u64>,
    /// For each phase its counts, and the samples above the last edge.
    counts: Vec<(Phase, Vec<u64>, u64)>,
}

impl Bars {
    fn of(samples: &[Samples]) -> Self {
        let chosen: Vec<&Samples> = samples
            .iter()
            .filter(|samples| {
                use Phase::{After, Call, Reap, Response, RoundTrip, SecondPass, Service};
                let phase = samples.phase;
                let of_others = matches!(phase, RoundTrip | Response | Service);
                of_others || matches!(phase, Call | Reap | SecondPass | After)
            })
            .collect();
        let chosen = if chosen.is_empty() {
            samples.iter().collect()
        } else {
            chosen
        };
        let low = chosen
            .iter()
            .filter_map(|s| Some(s.values.first()?.0))
            .min()
            .unwrap_or(1);
        let high = chosen
            .iter()
            .filter_map(|s| {
                let far = s.at(&[0.5, 0.98]);
                let most = s.values.last()?.0;
                // A tail of a few samples must not squeeze the body of the distribution.
                Some(
                    most.min(far[1].saturating_add(far[1] / 8))
                        .max(far[0].saturating_add(1)),
                )
            })
            .max()
            .unwrap_or(2);
        let edges = edges(low, high);
        let counts = chosen
            .iter()
            .map(|s| (s.phase, s.counts(&edges), s.above(&edges)))
            .collect();
        Self { edges, counts }
    }

    fn draw(&self, pen: &mut Pen, ink: Ink) {
        let (left, right, top, bottom) = (6.0, SIZE.0 - 6.0, 22.0, SIZE.1 - 24.0);
        let (first, last) = (
            self.edges[0].max(1),
            self.edges[self.edges.len() - 1].max(2),
        );
        let scale = LogScale::exactly(first as f64, last as f64, left, right);
        let counts = self.counts.iter().flat_map(|(_, counts, _)| counts);
        let most = counts.copied().max().unwrap_or(0).max(1) as f64;
        let ticks = scale.ticks(54.0);
        for &tick in &ticks {
            let x = scale.at(tick);
            pen.line(&[(x, top), (x, bottom + 3.0)], GRID, 1.0);
        }
        for &tick in &ticks {
            let half = text_width(&tick_name(tick), 11.5) / 2.0;
            let at = scale.at(tick).clamp(half, SIZE.0 - half);
            let name = tick_name(tick);
            pen.text((at, bottom + 13.0), &name, 11.5, MUTED, Anchor::Middle);
        }
        // The later phase first: where they overlap, the earlier one is seen.
        for (phase, counts, _) in self.counts.iter().rev() {
            for (edge, &count) in self.edges.windows(2).zip(counts) {
                if count > 0 {
                    let (x0, x1) = (scale.at(edge[0] as f64), scale.at(edge[1] as f64));
                    // A bin with one sample in a million is still there.
                    let height = (count as f64 / most * (bottom - top - 4.0)).max(1.0);
                    let corner = (x0 + 0.5, bottom - height);
                    pen.rect(corner, (x1.max(x0 + 1.5), bottom), ink, strength(*phase));
                }
            }
        }
        pen.line(&[(left, bottom), (right, bottom)], AXIS, 1.0);
        self.legend(pen, ink, left);
    }

    fn legend(&self, pen: &mut Pen, ink: Ink, mut x: f64) {
        for (phase, _, above) in &self.counts {
            let swatch = [(x, 3.0), (x + 11.0, 3.0), (x + 11.0, 14.0), (x, 14.0)];
            pen.fill(&swatch, ink, strength(*phase));
            let mut name = phase.name().to_owned();
            if *above > 0 {
                name.push_str(&format!(" (+{} beyond)", grouped(*above)));
            }
            pen.text((x + 15.0, 8.5), &name, 11.5, MUTED, Anchor::Start);
            x += 15.0 + text_width(&name, 11.5) + 12.0;
        }
    }

    fn numbers(&self) -> Numbers {
        let mut head = vec!["up to".to_owned()];
        head.extend(
            self.counts
                .iter()
                .map(|(phase, _, _)| phase.name().to_owned()),
        );
        let mut rows = Vec::new();
        for (index, edge) in self.edges.iter().skip(1).enumerate() {
            if self.counts.iter().any(|(_, counts, _)| counts[index] > 0) {
                let mut row = vec![human_time(*edge)];
                row.extend(
                    self.counts
                        .iter()
                        .map(|(_, counts, _)| counts[index].to_string()),
                );
                rows.push(row);
            }
        }
        if self.counts.iter().any(|(_, _, above)| *above > 0) {
            let mut row = vec!["beyond".to_owned()];
            row.extend(self.counts.iter().map(|(_, _, above)| above.to_string()));
            rows.push(row);
        }
        Numbers { head, rows }
    }
}

impl Samples {
    fn counts(&self, edges: &[u64]) -> Vec<u64> {
        let mut counts = vec![0u64; edges.len() - 1];
        for &(value, count) in &self.values {
            let right = edges.partition_point(|&edge| edge < value);
            if right > 0 && right < edges.len() {
                counts[right - 1] = counts[right - 1].saturating_add(count);
            }
        }
        counts
    }

    fn above(&self, edges: &[u64]) -> u64 {
        let last = edges[edges.len() - 1];
        let above = self.values.iter().filter(|(value, _)| *value > last);
        above.fold(0, |sum: u64, (_, count)| sum.saturating_add(*count))
    }
}

/// Two edges or more, rising, evenly spaced in the logarithm; the first is below `low`.
pub(in crate::report) fn edges(low: u64, high: u64) -> Vec<u64> {
    let (from, to) = (low.saturating_sub(1).max(1) as f64, high.max(2) as f64);
    let mut edges: Vec<u64> = (0..=MOST_BINS)
        .map(|index| (from * (to / from).powf(index as f64 / MOST_BINS as f64)).round() as u64)
        .collect();
    edges[0] = low.saturating_sub(1);
    edges[MOST_BINS] = high;
    // Between neighbours of a few nanoseconds there is no room for all of them.
    edges.sort_unstable();
    edges.dedup();
    if edges.len() < 2 {
        edges.push(edges[0].saturating_add(1));
    }
    edges
}

/// The quantiles that are named below a percentile curve.
const NINES: [(f64, &str); 5] = [
    (0.5, "p50"),
    (0.9, "p90"),
    (0.99, "p99"),
    (0.999, "p99.9"),
    (0.9999, "p99.99"),
];

/// How far right a quantile stands: each nine takes as much room as the one before.
fn nines(q: f64) -> f64 {
    -(1.0 - q).log10()
}

/// Left, top and bottom of the percentile curves.
const CURVES: (f64, f64, f64) = (54.0, 8.0, SIZE.1 - 24.0);

/// Where the percentile curves end, so that their names have room.
fn right_of(samples: &[Samples]) -> f64 {
    let names = samples.iter().map(|s| text_width(s.phase.name(), 11.5));
    SIZE.0 - names.fold(30.0, f64::max) - 10.0
}

fn percentile_axes(pen: &mut Pen, scale: &LogScale, far: f64, right: f64, x: impl Fn(f64) -> f64) {
    let (left, top, bottom) = CURVES;
    let ticks = scale.ticks(24.0);
    let mut named: Vec<(f64, &str)> = Vec::new();
    for (q, name) in NINES.into_iter().filter(|(q, _)| nines(*q) <= far + 1e-9) {
        let at = x(nines(q));
        if named.last().is_none_or(|(last, _)| at - last >= 34.0) {
            named.push((at, name));
        }
    }
    for &tick in &ticks {
        let y = scale.at(tick);
        pen.line(&[(left, y), (right, y)], GRID, 1.0);
    }
    for &(at, _) in &named {
        pen.line(&[(at, top), (at, bottom + 3.0)], GRID, 1.0);
    }
    for &tick in &ticks {
        let at = (left - 6.0, scale.at(tick));
        pen.text(at, &tick_name(tick), 11.5, MUTED, Anchor::End);
    }
    for (at, name) in named {
        pen.text((at, bottom + 13.0), name, 11.5, MUTED, Anchor::Middle);
    }
    pen.line(&[(left, bottom), (right, bottom)], AXIS, 1.0);
}

fn draw_percentiles(pen: &mut Pen, ink: Ink, samples: &[Samples]) {
    let (left, top, bottom) = CURVES;
    let right = right_of(samples);
    let curves: Vec<(Phase, Vec<(f64, u64)>)> = samples.iter().map(curve).collect();
    let values = curves
        .iter()
        .flat_map(|(_, curve)| curve)
        .map(|(_, ns)| *ns as f64);
    let scale = LogScale::holding(values.collect::<Vec<_>>(), bottom, top);
    let far = curves
        .iter()
        .flat_map(|(_, curve)| curve)
        .map(|(at, _)| *at)
        .fold(0.5, f64::max);
    let x = |at: f64| left + (at / far) * (right - left);
    percentile_axes(pen, &scale, far, right, x);
    let ends: Vec<f64> = curves
        .iter()
        .map(|(_, curve)| curve.last().map_or(bottom, |(_, ns)| scale.at(*ns as f64)))
        .collect();
    let places = spread_out(&ends, 13.0, top + 4.0, bottom - 2.0);
    for (phase, curve) in &curves {
        let points: Vec<_> = curve
            .iter()
            .map(|(at, ns)| (x(*at), scale.at(*ns as f64)))
            .collect();
        match phase {
            Phase::Call | Phase::SecondPass | Phase::RoundTrip | Phase::Response => {
                pen.line(&points, ink, 2.2);
            }
            Phase::Start | Phase::FirstPass => pen.faint_line(&points, ink, 1.2, 0.9),
            Phase::Exec | Phase::Before | Phase::Open => pen.dashes(&points, ink, 1.4, 4.0, 3.0),
            Phase::Reap | Phase::After | Phase::Setup | Phase::Service => {
                pen.faint_line(&points, ink, 2.2, 0.5);
            }
        }
    }
    for ((phase, _), place) in curves.iter().zip(places) {
        pen.text(
            (right + 6.0, place),
            phase.name(),
            11.5,
            MUTED,
            Anchor::Start,
        );
    }
}

/// The quantiles that the samples bear: ten samples lie beyond the last of them.
fn curve(samples: &Samples) -> (Phase, Vec<(f64, u64)>) {
    let last = nines(1.0 - 10.0 / samples.count.max(20) as f64);
    let steps = 28;
    let at: Vec<f64> = (0..=steps)
        .map(|step| last * f64::from(step) / f64::from(steps))
        .collect();
    let quantiles: Vec<f64> = at.iter().map(|at| 1.0 - 10f64.powf(-at)).collect();
    let values = samples.at(&quantiles);
    (samples.phase, at.into_iter().zip(values).collect())
}
