//! Latency against the rate of requests: both axes logarithmic, one line for each server, its knee marked.

use super::{Draw, Figure, Form, Frame, Numbers, figure, time_axis};
use crate::footprint::Footprint;
use crate::mechanism::Phase;
use crate::recording::{BOUND, Placement, Run, rate_of};
use crate::report::ReportError;
use crate::report::answer;
use crate::report::palette::{AXIS, Look, MUTED, TEXT, look_of};
use crate::report::pen::{Anchor, Pen, fitted, text_width};
use crate::report::reading::{centre, grouped, is_measured, p99};
use crate::report::scale::{LogScale, spread_out};
use crate::report::servers::{HEADS, Series, row, series};
use crate::units::human_time;

/// Lines beyond this are left to the tables: nobody could tell them apart.
const MOST_LINES: usize = 12;

struct Point {
    rate: f64,
    median: f64,
    p99: Option<f64>,
    is_knee: bool,
}

struct Line {
    name: String,
    look: Look,
    points: Vec<Point>,
    knee: String,
}

struct Chart {
    lines: Vec<Line>,
}

/// One figure for each parent.
pub(super) fn figures(run: &Run) -> Result<Vec<Figure>, ReportError> {
    let all = series(run);
    let mut figures = Vec::new();
    for group in all.chunk_by(|a, b| a.place() == b.place()) {
        let Some((footprint, placement)) = group.first().and_then(Series::place) else {
            continue;
        };
        let lines: Vec<Line> = group.iter().filter_map(line).take(MOST_LINES).collect();
        if lines.is_empty() {
            continue;
        }
        let mut numbers = Numbers::headed(HEADS);
        for series in group {
            let rows = series.cells.iter().map(|cell| row(series, cell).to_vec());
            numbers.rows.extend(rows);
        }
        let frame = Frame {
            name: format!("servers-{}", figures.len() + 1),
            title: title(&footprint, placement),
            caption: format!(
                "Phase “response”: from when a request was due until the last byte of its reply. Points are medians, \
                 dashes p99. A ring marks the knee: the highest rate at which every request was answered with a p99 \
                 below {}. Requests that were not answered count with their age.",
                human_time(BOUND)
            ),
            numbers,
        };
        figures.push(figure(frame, &Chart { lines }, false)?);
    }
    Ok(figures)
}

fn title(footprint: &Footprint, placement: Placement) -> String {
    let free = match placement {
        Placement::Free => ", not pinned",
        Placement::Pinned | Placement::Two => "",
    };
    format!(
        "Response against the rate of requests, from a {}{free}",
        answer::parent(footprint)
    )
}

fn line(series: &Series) -> Option<Line> {
    let known = series.knee.lost.is_some();
    let points: Vec<Point> = series
        .cells
        .iter()
        .filter(|cell| is_measured(cell))
        .filter_map(|cell| {
            let rate = rate_of(cell);
            Some(Point {
                rate: f64::from(rate),
                median: centre(cell, Phase::Response)?.ns,
                p99: p99(cell, Phase::Response).map(|ns| ns as f64),
                is_knee: known && series.knee.held == Some(rate),
            })
        })
        .collect();
    (!points.is_empty()).then(|| Line {
        name: series.name.clone(),
        look: look_of(series.mechanism()),
        points,
        knee: series.knee_words(),
    })
}

/// The plot's edges.
struct Edges {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Chart {
    fn edges(&self, form: Form) -> Edges {
        match form {
            Form::Wide => Edges {
                left: 84.0,
                right: 960.0 - 30.0 - self.name_width() - self.knee_width() - 14.0,
                top: 16.0,
                bottom: 404.0,
            },
            Form::Narrow => Edges {
                left: 66.0,
                right: 322.0,
                top: 12.0,
                bottom: 272.0,
            },
        }
    }

    fn name_width(&self) -> f64 {
        // Bold is a little wider than what is measured.
        let widths = self
            .lines
            .iter()
            .map(|line| text_width(&line.name, 13.0) * 1.06);
        widths.fold(40.0, f64::max).min(200.0)
    }

    fn knee_width(&self) -> f64 {
        let widths = self.lines.iter().map(|line| text_width(&line.knee, 12.5));
        widths.fold(0.0, f64::max).min(150.0)
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        self.lines.iter().flat_map(|line| &line.points)
    }

    fn scales(&self, edges: &Edges) -> (LogScale, LogScale) {
        let times = self
            .points()
            .flat_map(|point| [Some(point.median), point.p99].into_iter().flatten());
        let rates = self.points().map(|point| point.rate);
        let x = LogScale::holding(rates, edges.left + 12.0, edges.right - 10.0);
        let y = LogScale::holding(times.chain([BOUND as f64]), edges.bottom, edges.top);
        (x, y)
    }

    fn axes(&self, pen: &mut Pen, form: Form, edges: &Edges, (x, y): (&LogScale, &LogScale)) {
        let Edges {
            left,
            right,
            bottom,
            ..
        } = *edges;
        let size = form.text();
        time_axis(pen, y, (left, right), size);
        pen.line(&[(left, bottom), (right, bottom)], AXIS, 1.0);
        for tick in x.ticks(56.0) {
            let at = x.at(tick);
            pen.line(&[(at, bottom), (at, bottom + 5.0)], AXIS, 1.0);
            let name = grouped(tick.round() as u64);
            pen.text((at, bottom + 17.0), &name, size, MUTED, Anchor::Middle);
        }
        let at = y.at(BOUND as f64);
        pen.dashes(&[(left, at), (right, at)], AXIS, 1.4, 2.0, 4.0);
        let name = "requests in a second";
        let middle = (left + right) / 2.0;
        pen.text((middle, bottom + 36.0), name, size, MUTED, Anchor::Middle);
    }

    fn draw_line(pen: &mut Pen, line: &Line, x: &LogScale, y: &LogScale) {
        let ink = line.look.ink;
        let at = |point: &Point, ns: f64| (x.at(point.rate), y.at(ns));
        let tails = line
            .points
            .iter()
            .filter_map(|point| Some(at(point, point.p99?)));
        pen.dashes(&tails.collect::<Vec<_>>(), ink, 1.2, 5.0, 4.0);
        let middle: Vec<_> = line
            .points
            .iter()
            .map(|point| at(point, point.median))
            .collect();
        pen.line(&middle, ink, 2.2);
        for point in &line.points {
            pen.marker(at(point, point.median), line.look, 4.0);
            if point.is_knee {
                ring(pen, at(point, point.median), line.look);
            }
        }
    }

    fn labels_beside(&self, pen: &mut Pen, x: &LogScale, y: &LogScale, edges: &Edges) {
        let ends = self.lines.iter().map(|line| {
            let last = line.points.last();
            last.map_or((edges.right, edges.bottom), |point| {
                (x.at(point.rate), y.at(point.median))
            })
        });
        let ends: Vec<(f64, f64)> = ends.collect();
        let wanted: Vec<f64> = ends.iter().map(|(_, at)| *at).collect();
        let places = spread_out(&wanted, 19.0, edges.top + 6.0, edges.bottom - 6.0);
        for ((line, end), place) in self.lines.iter().zip(&ends).zip(places) {
            let start = edges.right + 22.0;
            let path = [
                (end.0 + 7.0, end.1),
                (edges.right + 8.0, end.1),
                (start - 4.0, place),
            ];
            // Dots, lest what leads to a label look measured.
            pen.dashes(&path, AXIS, 1.2, 1.2, 5.0);
            let name = fitted(&line.name, 13.0, self.name_width() / 1.06);
            pen.bold((start, place), &name, 13.0, line.look.ink, Anchor::Start);
            let knee = fitted(&line.knee, 12.5, self.knee_width());
            pen.text((956.0, place), &knee, 12.5, MUTED, Anchor::End);
        }
    }

    fn labels_below(&self, pen: &mut Pen, bottom: f64) {
        for (index, line) in self.lines.iter().enumerate() {
            let at = bottom + 62.0 + 21.0 * index as f64;
            pen.line(&[(6.0, at), (34.0, at)], line.look.ink, 2.2);
            pen.marker((20.0, at), line.look, 4.0);
            let knee = fitted(&line.knee, 12.5, 130.0);
            let room = 340.0 - 44.0 - text_width(&knee, 12.5) - 12.0;
            let name = fitted(&line.name, 13.0, room);
            pen.bold((44.0, at), &name, 13.0, TEXT, Anchor::Start);
            pen.text((336.0, at), &knee, 12.5, MUTED, Anchor::End);
        }
    }
}

/// A ring around a point.
fn ring(pen: &mut Pen, (x, y): (f64, f64), look: Look) {
    let points: Vec<(f64, f64)> = (0..=24)
        .map(|step| {
            let turn = f64::from(step) / 24.0 * std::f64::consts::TAU;
            (x + 9.0 * turn.cos(), y + 9.0 * turn.sin())
        })
        .collect();
    pen.line(&points, look.ink, 1.6);
}

impl Draw for Chart {
    fn height(&self, form: Form) -> f64 {
        let lines = self.lines.len() as f64;
        match form {
            Form::Wide => (452.0_f64).max(60.0 + 19.0 * lines),
            Form::Narrow => 272.0 + 62.0 + 21.0 * lines,
        }
    }

    fn draw(&self, pen: &mut Pen, form: Form) {
        let edges = self.edges(form);
        let (x, y) = self.scales(&edges);
        self.axes(pen, form, &edges, (&x, &y));
        for line in &self.lines {
            Self::draw_line(pen, line, &x, &y);
        }
        match form {
            Form::Wide => self.labels_beside(pen, &x, &y, &edges),
            Form::Narrow => self.labels_below(pen, edges.bottom),
        }
    }
}
