//! Drawing the lines: axes, bands, tails, points, and a label at each line.

use super::{Chart, Line, Point, per_gib};
use crate::report::charts::{Draw, Form, time_axis};
use crate::report::palette::{AXIS, MUTED, PAPER, TEXT};
use crate::report::pen::{Anchor, Pen, fitted, text_width};
use crate::report::scale::{LogScale, SizeScale, spread_out};

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
                right: 960.0 - self.label_width() - 30.0,
                top: 16.0,
                bottom: 424.0,
            },
            Form::Narrow => Edges {
                left: 66.0,
                right: 318.0,
                top: 12.0,
                bottom: 272.0,
            },
        }
    }

    /// The room that labels right of the lines take: the name, then the slope.
    fn label_width(&self) -> f64 {
        self.name_width() + 14.0 + self.slope_width()
    }

    fn name_width(&self) -> f64 {
        // Bold is a little wider than what is measured.
        let widths = self
            .lines
            .iter()
            .map(|line| text_width(&line.name, 13.0) * 1.06);
        widths.fold(40.0, f64::max).min(200.0)
    }

    fn slope_width(&self) -> f64 {
        let slopes = self.lines.iter().filter_map(|line| line.slope);
        slopes
            .map(|slope| text_width(&per_gib(slope), 12.5))
            .fold(0.0, f64::max)
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.lines
            .iter()
            .flat_map(|line| &line.points)
            .flat_map(|point| {
                let band = point.spread.map(|(low, high)| [low as f64, high as f64]);
                let tail = point.p99.map(|p99| p99 as f64);
                [point.centre]
                    .into_iter()
                    .chain(band.into_iter().flatten())
                    .chain(tail)
            })
    }

    fn axes(&self, pen: &mut Pen, form: Form) -> (SizeScale, LogScale) {
        let Edges {
            left,
            right,
            top,
            bottom,
        } = self.edges(form);
        let sizes = self
            .lines
            .iter()
            .flat_map(|line| &line.points)
            .map(|point| point.bytes)
            .collect();
        let x = SizeScale::of(sizes, left + 18.0, right - 10.0);
        let y = LogScale::holding(self.values(), bottom, top);
        let size = form.text();
        time_axis(pen, &y, (left, right), size);
        pen.line(&[(left, bottom), (right, bottom)], AXIS, 1.0);
        for &bytes in &x.sizes {
            let at = x.at(bytes);
            pen.line(&[(at, bottom), (at, bottom + 5.0)], AXIS, 1.0);
        }
        for (bytes, name) in x.labelled(size) {
            pen.text(
                (x.at(bytes), bottom + 17.0),
                &name,
                size,
                MUTED,
                Anchor::Middle,
            );
        }
        if let Some(at) = x.axis_break() {
            pen.rect(
                (at - 3.0, bottom - 2.0),
                (at + 3.0, bottom + 2.0),
                PAPER,
                1.0,
            );
            for shift in [-3.0, 3.0] {
                let (x0, x1) = (at + shift - 2.5, at + shift + 2.5);
                pen.line(&[(x0, bottom + 6.0), (x1, bottom - 6.0)], AXIS, 1.2);
            }
        }
        let middle = (left + right) / 2.0;
        pen.text(
            (middle, bottom + 36.0),
            "memory of the parent",
            size,
            MUTED,
            Anchor::Middle,
        );
        (x, y)
    }

    fn draw_line(&self, pen: &mut Pen, line: &Line, x: &SizeScale, y: &LogScale) {
        let ink = line.look.ink;
        // Zero bytes are a category: nothing was measured between them and the first size.
        let (zero, sized): (Vec<&Point>, Vec<&Point>) =
            line.points.iter().partition(|point| point.bytes == 0);
        let at = |point: &Point, value: f64| (x.at(point.bytes), y.at(value));
        let banded: Vec<_> = sized.iter().filter_map(|p| Some((p, p.spread?))).collect();
        let low = banded.iter().map(|(p, (low, _))| at(p, *low as f64));
        let high = banded
            .iter()
            .rev()
            .map(|(p, (_, high))| at(p, *high as f64));
        pen.fill(&low.chain(high).collect::<Vec<_>>(), ink, 0.18);
        if let Some((low, high)) = zero.first().and_then(|point| point.spread) {
            let center = x.at(0);
            let (a, b) = (
                (center - 4.0, y.at(low as f64)),
                (center + 4.0, y.at(high as f64)),
            );
            pen.rect(a, b, ink, 0.28);
        }
        let tails: Vec<_> = sized
            .iter()
            .filter_map(|p| Some(at(p, p.p99? as f64)))
            .collect();
        pen.dashes(&tails, ink, 1.2, 5.0, 4.0);
        if let (Some(&from), Some(&to)) = (zero.first(), sized.first()) {
            pen.faint_line(&[at(from, from.centre), at(to, to.centre)], ink, 1.2, 0.45);
            if let Some(p99) = from.p99 {
                let end = (x.at(0), y.at(p99 as f64));
                pen.line(&[(end.0 - 5.0, end.1), (end.0 + 5.0, end.1)], ink, 1.2);
            }
        }
        let middle: Vec<_> = sized.iter().map(|p| at(p, p.centre)).collect();
        pen.line(&middle, ink, 2.2);
        for point in &line.points {
            let place = at(point, point.centre);
            pen.marker(place, line.look, 4.0);
            if point.disagrees {
                pen.bold(
                    (place.0 + 9.0, place.1 - 9.0),
                    "*",
                    15.0,
                    ink,
                    Anchor::Middle,
                );
            }
        }
    }

    fn labels_beside(&self, pen: &mut Pen, x: &SizeScale, y: &LogScale, edges: &Edges) {
        let ends: Vec<(f64, f64)> = self
            .lines
            .iter()
            .filter_map(|line| line.points.last())
            .map(|point| (x.at(point.bytes), y.at(point.centre)))
            .collect();
        let wanted: Vec<f64> = ends.iter().map(|(_, at)| *at).collect();
        let places = spread_out(&wanted, 19.0, edges.top + 6.0, edges.bottom - 6.0);
        for ((line, end), place) in self.lines.iter().zip(&ends).zip(places) {
            let start = edges.right + 22.0;
            let knee = edges.right + 8.0;
            // A line that ends early is led to its label by dots, lest they look measured.
            let from = (end.0 + 7.0, end.1);
            let path = [from, (knee, end.1), (start - 4.0, place)];
            if end.0 + 20.0 < edges.right {
                pen.dashes(&path, AXIS, 1.2, 1.2, 5.0);
            } else {
                pen.faint_line(&path, line.look.ink, 1.0, 0.6);
            }
            let name = fitted(&line.name, 13.0, self.name_width() / 1.06);
            pen.bold((start, place), &name, 13.0, line.look.ink, Anchor::Start);
            let slope = line.slope.map(per_gib).unwrap_or_default();
            let end = start + self.label_width();
            pen.text((end, place), &slope, 12.5, MUTED, Anchor::End);
        }
    }

    fn labels_below(&self, pen: &mut Pen, bottom: f64) {
        for (index, line) in self.lines.iter().enumerate() {
            let at = bottom + 62.0 + 21.0 * index as f64;
            pen.line(&[(6.0, at), (34.0, at)], line.look.ink, 2.2);
            pen.marker((20.0, at), line.look, 4.0);
            let slope = line.slope.map(per_gib).unwrap_or_default();
            let room = 340.0 - 44.0 - text_width(&slope, 12.5) - 12.0;
            pen.bold(
                (44.0, at),
                &fitted(&line.name, 13.0, room),
                13.0,
                TEXT,
                Anchor::Start,
            );
            pen.text((336.0, at), &slope, 12.5, MUTED, Anchor::End);
        }
    }
}

impl Draw for Chart {
    fn height(&self, form: Form) -> f64 {
        match form {
            Form::Wide => (472.0_f64).max(60.0 + 19.0 * self.lines.len() as f64),
            Form::Narrow => 272.0 + 62.0 + 21.0 * self.lines.len() as f64,
        }
    }

    fn draw(&self, pen: &mut Pen, form: Form) {
        let edges = self.edges(form);
        let (x, y) = self.axes(pen, form);
        for line in &self.lines {
            self.draw_line(pen, line, &x, &y);
        }
        match form {
            Form::Wide => self.labels_beside(pen, &x, &y, &edges),
            Form::Narrow => self.labels_below(pen, edges.bottom),
        }
    }
}
