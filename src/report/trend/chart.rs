//! A cell over time, with its changes.

use crate::report::ReportError;
use crate::report::charts::{Draw, Figure, Form, Frame, Numbers, figure};
use crate::report::comparison::numbers::signed;
use crate::report::palette::{AXIS, GRID, Ink, Look, MUTED, Marker, TEXT, look_of};
use crate::report::pen::{Anchor, Pen, fitted, svg, text_width};
use crate::trend::{CellHistory, ChangeSeen, RunSeen, mechanism_of};
use crate::units::Nanoseconds;

use super::axes::{Levels, Times, Unit, share};
use super::stretches::{Bucket, buckets, stretches};
use super::words;

/// Places along a wide chart and along a narrow one. More runs share them.
const MOST_WIDE: usize = 240;
const MOST_NARROW: usize = 100;
/// Where the labels of changes stand.
const HEAD: f64 = 40.0;
const FOOT: f64 = 26.0;
/// Lines of labels above a chart.
const LABEL_LINES: [f64; 2] = [9.0, 24.0];

/// One cell of one host.
pub(super) struct Trend<'a> {
    cell: &'a CellHistory,
    runs: &'a [RunSeen],
    look: Look,
    wide: Vec<Bucket>,
    narrow: Vec<Bucket>,
}

impl<'a> Trend<'a> {
    /// The trend of a cell in its host's runs; `None` without points.
    pub fn of(cell: &'a CellHistory, runs: &'a [RunSeen]) -> Option<Self> {
        let (wide, narrow) = (
            buckets(cell, runs, MOST_WIDE),
            buckets(cell, runs, MOST_NARROW),
        );
        let look = match cell.is_common() {
            true => Look {
                ink: TEXT,
                marker: Marker::Circle,
            },
            false => look_of(mechanism_of(&cell.id)),
        };
        (!narrow.is_empty()).then_some(Self {
            cell,
            runs,
            look,
            wide,
            narrow,
        })
    }

    /// The chart in both forms.
    pub fn figure(&self, name: String) -> Result<Figure, ReportError> {
        let frame = Frame {
            name,
            title: words::name(self.cell),
            caption: self.caption(),
            numbers: self.numbers(),
        };
        figure(frame, self, false)
    }

    /// The narrow chart alone.
    pub fn small(&self) -> Result<String, ReportError> {
        let size = (Form::Narrow.width(), self.height(Form::Narrow));
        svg(size, &words::name(self.cell), |pen| {
            self.draw(pen, Form::Narrow)
        })
    }

    /// What the drawing leaves out.
    pub fn caption(&self) -> String {
        let mut text = match (self.cell.is_common(), self.cell.normalised) {
            (true, _) => "What sittings did to all cells alike, against the first run.".to_owned(),
            (_, true) => "The strong line is the p10 as if every sitting had been like the newest; the faint one is what was \
                          measured."
                .to_owned(),
            (_, false) => "The p10 as it was measured.".to_owned(),
        };
        if self.cell.points.len() > self.narrow.len() {
            text.push_str(" Runs share places: a line goes through their medians, a band spans the least to the greatest.");
        }
        text
    }

    /// What is drawn on a phone, in rows: the wide drawing has places for more, and nothing else.
    pub fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::headed([
            "from",
            "to",
            "runs",
            "least",
            "median",
            "greatest",
            "without sittings",
        ]);
        let value = |value: f64| match self.unit() {
            Unit::Time => Nanoseconds(value).to_string(),
            Unit::Share => share(value),
        };
        let name = |run: usize| self.runs.get(run).map_or("–".to_owned(), words::run);
        for bucket in &self.narrow {
            let last = if bucket.count > 1 {
                name(bucket.runs[1])
            } else {
                "–".to_owned()
            };
            numbers.rows.push(vec![
                name(bucket.runs[0]),
                last,
                bucket.count.to_string(),
                value(bucket.low),
                value(bucket.middle),
                value(bucket.high),
                bucket.adjusted.map_or("–".to_owned(), value),
            ]);
        }
        numbers
    }

    fn unit(&self) -> Unit {
        if self.cell.is_common() {
            Unit::Share
        } else {
            Unit::Time
        }
    }

    fn buckets(&self, form: Form) -> &[Bucket] {
        match form {
            Form::Wide => &self.wide,
            Form::Narrow => &self.narrow,
        }
    }

    /// Levels upwards, times to the right. All cells of a host have the same times.
    fn axes(&self, form: Form) -> (Levels, Times) {
        let (left, right) = match form {
            Form::Wide => (84.0, 944.0),
            Form::Narrow => (70.0, 332.0),
        };
        let drawn = self.buckets(form).iter();
        let values = drawn.flat_map(|bucket| {
            [
                bucket.low,
                bucket.high,
                bucket.adjusted.unwrap_or(bucket.middle),
            ]
        });
        let levels = Levels::holding(values, self.unit(), self.height(form) - FOOT, HEAD);
        let moment = |run: Option<&RunSeen>| run.map_or(0.0, |run| run.seconds as f64);
        (
            levels,
            Times::between(
                moment(self.runs.first()),
                moment(self.runs.last()),
                left,
                right,
            ),
        )
    }

    fn grid(&self, pen: &mut Pen, form: Form, levels: &Levels, times: &Times) {
        let (left, right) = match form {
            Form::Wide => (84.0, 948.0),
            Form::Narrow => (70.0, 334.0),
        };
        let bottom = self.height(form) - FOOT;
        for (level, name) in levels.ticks(26.0) {
            let y = levels.at(level);
            pen.line(&[(left - 4.0, y), (right, y)], GRID, 1.0);
            pen.text((left - 8.0, y), &name, form.text(), MUTED, Anchor::End);
        }
        pen.line(
            &[(left - 4.0, bottom + 4.0), (right, bottom + 4.0)],
            AXIS,
            1.0,
        );
        let ticks = times.ticks(124.0);
        for (index, (x, name)) in ticks.iter().enumerate() {
            let anchor = match index {
                _ if ticks.len() == 1 => Anchor::Middle,
                0 => Anchor::Start,
                last if last + 1 == ticks.len() => Anchor::End,
                _ => Anchor::Middle,
            };
            pen.line(&[(*x, bottom + 4.0), (*x, bottom + 8.0)], AXIS, 1.0);
            pen.text((*x, bottom + 18.0), name, form.text(), MUTED, anchor);
        }
    }

    /// The levels that are judged, and behind them what was measured.
    fn lines(&self, pen: &mut Pen, form: Form, levels: &Levels, times: &Times) {
        let ink = self.look.ink;
        for stretch in stretches(self.buckets(form)) {
            let place = |value: fn(&Bucket) -> f64| -> Vec<(f64, f64)> {
                stretch
                    .iter()
                    .map(|bucket| (times.at(bucket.at), levels.at(value(bucket))))
                    .collect()
            };
            let mut band = place(|bucket| bucket.high);
            band.extend(place(|bucket| bucket.low).into_iter().rev());
            pen.fill(&band, ink, 0.14);
            let measured = place(|bucket| bucket.middle);
            match self.cell.normalised {
                true => {
                    pen.faint_line(&measured, ink, 1.0, 0.35);
                    let known = stretch.iter().filter_map(|bucket| {
                        Some((times.at(bucket.at), levels.at(bucket.adjusted?)))
                    });
                    let known: Vec<(f64, f64)> = known.collect();
                    self.line(pen, &known, ink);
                }
                false => self.line(pen, &measured, ink),
            }
        }
        let last = self.buckets(form).last();
        if let Some(bucket) = last {
            let level = bucket.adjusted.unwrap_or(bucket.middle);
            pen.marker((times.at(bucket.at), levels.at(level)), self.look, 3.6);
        }
    }

    /// A line; a single point would be none.
    fn line(&self, pen: &mut Pen, points: &[(f64, f64)], ink: Ink) {
        match points {
            [] => {}
            [(x, y)] => pen.rect((x - 1.2, y - 1.2), (x + 1.2, y + 1.2), ink, 1.0),
            _ => pen.line(points, ink, 1.8),
        }
    }

    /// A dashed upright at each change; labels at as many as there is room for, the newest first.
    fn changes(&self, pen: &mut Pen, form: Form, times: &Times) {
        let bottom = self.height(form) - FOOT;
        let mut taken: Vec<(usize, f64, f64)> = Vec::new();
        for change in self.cell.changes.iter().rev() {
            let x = times.at(change.after.seconds as f64);
            pen.dashes(&[(x, HEAD - 4.0), (x, bottom + 4.0)], TEXT, 1.2, 4.0, 3.0);
            let label = label(change, form);
            let half = text_width(&label, form.text()) / 2.0;
            let middle = x.clamp(half + 1.0, form.width() - half - 1.0);
            let (from, to) = (middle - half - 5.0, middle + half + 5.0);
            let is_free = |line: &usize| {
                taken
                    .iter()
                    .all(|(other, a, b)| other != line || to <= *a || from >= *b)
            };
            if let Some(line) = (0..LABEL_LINES.len()).rev().find(is_free) {
                pen.text(
                    (middle, LABEL_LINES[line]),
                    &label,
                    form.text(),
                    TEXT,
                    Anchor::Middle,
                );
                taken.push((line, from, to));
            }
        }
    }
}

/// What is written at a change: its effect, and where there is room the commit.
fn label(change: &ChangeSeen, form: Form) -> String {
    let effect = signed(Some(change.effect));
    match form {
        Form::Wide => format!(
            "{effect} {}",
            fitted(&words::commit(&change.after), form.text(), 110.0)
        ),
        Form::Narrow => effect,
    }
}

impl Draw for Trend<'_> {
    fn height(&self, form: Form) -> f64 {
        match form {
            Form::Wide => 280.0,
            Form::Narrow => 190.0,
        }
    }

    fn draw(&self, pen: &mut Pen, form: Form) {
        let (levels, times) = self.axes(form);
        self.grid(pen, form, &levels, &times);
        self.lines(pen, form, &levels, &times);
        self.changes(pen, form, &times);
    }
}
