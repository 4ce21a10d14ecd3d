//! Latency against footprint: both axes logarithmic, one line for each mechanism.

mod drawing;

use std::collections::BTreeMap;

use super::{Figure, Frame, Numbers, figure};
use crate::footprint::Footprint;
use crate::mechanism::Phase;
use crate::recording::{Cell, Placement, Run, Status};
use crate::report::ReportError;
use crate::report::palette::{Look, look_of, rank_of};
use crate::report::reading::{centre, children, disagrees, is_measured, label, p99, short, spread};
use crate::report::scale::size_name;
use crate::statistics::fit_line;
use crate::units::{Nanoseconds, human_time};

/// Lines beyond this are left to the tables: nobody could tell them apart.
const MOST_LINES: usize = 16;
const GIB: f64 = (1u64 << 30) as f64;

struct Point {
    bytes: u64,
    centre: f64,
    is_mean: bool,
    spread: Option<(u64, u64)>,
    p99: Option<u64>,
    disagrees: bool,
}

struct Line {
    name: String,
    look: Look,
    points: Vec<Point>,
    /// Nanoseconds per GiB.
    slope: Option<f64>,
}

struct Chart {
    lines: Vec<Line>,
    phase: Phase,
}

/// One figure for each phase that has a line: a mechanism at two sizes or more.
pub(super) fn figures(run: &Run, with_png: bool) -> Result<Vec<Figure>, ReportError> {
    let mut figures = Vec::new();
    for phase in Phase::LIFE {
        let (lines, left_out) = lines(run, phase);
        if lines.is_empty() {
            continue;
        }
        let chart = Chart { lines, phase };
        let missing = missing(run);
        let mut numbers = chart.numbers();
        numbers
            .rows
            .extend(missing.iter().map(|cell| missing_row(cell)));
        let frame = Frame {
            name: format!("footprint-{}", phase.name()),
            title: format!("{} against the parent's memory", what(phase)),
            caption: caption(phase, left_out, &missing),
            numbers,
        };
        figures.push(figure(frame, &chart, with_png && phase == Phase::Call)?);
    }
    Ok(figures)
}

fn what(phase: Phase) -> &'static str {
    match phase {
        Phase::Call => "How long the parent stands still",
        Phase::Start => "Until the child runs",
        Phase::Exec => "Until the new image runs",
        _ => "The child's whole life, teardown included,",
    }
}

fn caption(phase: Phase, left_out: usize, missing: &[&Cell]) -> String {
    let mut text = format!(
        "Phase “{}”. Points are medians over trials; the band reaches from the lowest to the highest \
         trial, dashes are p99. Both axes are logarithmic; 0 stands left of the break. At each line: \
         what a GiB adds.",
        phase.name()
    );
    if left_out > 0 {
        text.push_str(&format!(" {left_out} more lines are in the full table."));
    }
    if !missing.is_empty() {
        let names: Vec<String> = missing
            .iter()
            .take(6)
            .map(|cell| short(&cell.id, 60))
            .collect();
        let more = if missing.len() > 6 { ", and more" } else { "" };
        let names = names.join(", ");
        text.push_str(&format!(
            " Not measured: {names}{more}; the numbers say why."
        ));
    }
    text
}

/// The plain cells that should have been points and are not.
fn missing(run: &Run) -> Vec<&Cell> {
    let plain = |cell: &&Cell| {
        let is_plain = cell.footprint == Footprint::of(cell.footprint.bytes);
        is_plain && cell.placement == Placement::Pinned && cell.status != Status::Ok
    };
    children(run).filter(plain).take(200).collect()
}

fn missing_row(cell: &Cell) -> Vec<String> {
    let word = if cell.status == Status::Failed {
        "failed"
    } else {
        "skipped"
    };
    let reason = cell.reason.as_deref().unwrap_or("no reason was recorded");
    let text = format!("{word}: {}", short(reason, 400));
    vec![
        short(&label(cell), 80),
        size_name(cell.footprint.bytes),
        text,
    ]
}

fn lines(run: &Run, phase: Phase) -> (Vec<Line>, usize) {
    let mut groups: BTreeMap<(usize, String), Vec<&Cell>> = BTreeMap::new();
    for cell in run.cells.iter().filter(|cell| is_measured(cell)) {
        if cell.placement == Placement::Pinned && centre(cell, phase).is_some() {
            let shape = Footprint {
                bytes: 0,
                ..cell.footprint
            }
            .to_string();
            let name = format!("{}{}", label(cell), &shape[1..].replace('+', " +"));
            groups
                .entry((rank_of(&cell.mechanism), name))
                .or_default()
                .push(cell);
        }
    }
    let mut lines: Vec<Line> = groups
        .into_iter()
        .map(|((_, name), cells)| line(name, &cells, phase))
        .filter(|line| line.points.len() >= 2)
        .collect();
    let left_out = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    (lines, left_out)
}

fn line(name: String, cells: &[&Cell], phase: Phase) -> Line {
    let mut points: Vec<Point> = cells
        .iter()
        .filter_map(|cell| {
            let centre = centre(cell, phase)?;
            Some(Point {
                bytes: cell.footprint.bytes,
                centre: centre.ns,
                is_mean: centre.is_mean,
                spread: spread(cell, phase),
                p99: p99(cell, phase),
                disagrees: disagrees(cell, phase),
            })
        })
        .collect();
    points.sort_by_key(|point| point.bytes);
    points.dedup_by_key(|point| point.bytes);
    let mechanism = cells.first().map_or("", |cell| cell.mechanism.as_str());
    Line {
        name,
        look: look_of(mechanism),
        slope: slope(&points),
        points,
    }
}

/// Nanoseconds per GiB.
fn slope(points: &[Point]) -> Option<f64> {
    let places = points.iter().filter(|point| point.centre > 0.0);
    let places: Vec<(f64, f64)> = places
        .map(|point| (point.bytes as f64 / GIB, point.centre))
        .collect();
    Some(fit_line(&places)?.slope)
}

fn per_gib(slope: f64) -> String {
    let ms = slope / 1e6;
    let ms = if ms.abs() < 0.005 { 0.0 } else { ms };
    let digits = if ms.abs() >= 99.95 {
        0
    } else if ms.abs() >= 9.995 {
        1
    } else {
        2
    };
    let sign = if ms < 0.0 { "−" } else { "" };
    format!("{sign}{:.digits$} ms/GiB", ms.abs())
}

impl Chart {
    fn numbers(&self) -> Numbers {
        let p = self.phase.name();
        let mut numbers = Numbers::headed([
            "mechanism",
            "memory",
            p,
            "lowest to highest trial",
            "p99",
            "fit",
        ]);
        for line in &self.lines {
            for point in &line.points {
                let mut centre = Nanoseconds(point.centre).to_string();
                if point.is_mean {
                    centre.push_str(" (mean)");
                }
                if point.disagrees {
                    centre.push_str(" *");
                }
                numbers.rows.push(vec![
                    line.name.clone(),
                    size_name(point.bytes),
                    centre,
                    point.spread.map_or("–".to_owned(), |(low, high)| {
                        format!("{} to {}", human_time(low), human_time(high))
                    }),
                    point.p99.map_or("–".to_owned(), human_time),
                    line.slope.map_or("–".to_owned(), per_gib),
                ]);
            }
        }
        numbers
    }
}
