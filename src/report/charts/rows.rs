//! What charts with one row for each mechanism share: where rows lie, their labels, the time axis.

use super::Form;
use crate::report::palette::{AXIS, GRID, Ink, MUTED};
use crate::report::pen::{Anchor, Pen, fitted};
use crate::report::scale::{LinearScale, LogScale, tick_name};

/// The layout of `count` rows. Labels stand left of their row, on a phone above it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    form: Form,
    count: usize,
    /// Where the time axis begins and ends, CSS pixels.
    pub left: f64,
    pub right: f64,
    top: f64,
}

impl Rows {
    /// Rows below a head of `top` CSS pixels.
    pub fn new(form: Form, count: usize, top: f64) -> Self {
        let (left, right) = match form {
            Form::Wide => (224.0, 960.0 - 84.0),
            Form::Narrow => (8.0, 340.0 - 12.0),
        };
        Self {
            form,
            count,
            left,
            right,
            top,
        }
    }

    fn pitch(&self) -> f64 {
        match self.form {
            Form::Wide => 34.0,
            Form::Narrow => 54.0,
        }
    }

    /// The height of the whole chart.
    pub fn height(&self) -> f64 {
        self.bottom() + 30.0
    }

    fn bottom(&self) -> f64 {
        self.top + self.pitch() * self.count as f64 + 4.0
    }

    /// The middle of row `index`.
    pub fn middle(&self, index: usize) -> f64 {
        let offset = match self.form {
            Form::Wide => 0.5,
            Form::Narrow => 0.68,
        };
        self.top + self.pitch() * (index as f64 + offset)
    }

    /// Writes a row's label, and on a phone `value` at the other end of it.
    pub fn label(&self, pen: &mut Pen, index: usize, text: &str, value: &str, ink: Ink) {
        let middle = self.middle(index);
        match self.form {
            Form::Wide => {
                let text = fitted(text, 13.0, self.left - 22.0);
                pen.bold((self.left - 14.0, middle), &text, 13.0, ink, Anchor::End);
                pen.text((952.0, middle), value, 12.5, MUTED, Anchor::End);
            }
            Form::Narrow => {
                let text = fitted(text, 13.0, 228.0);
                let above = middle - 22.0;
                pen.bold((self.left, above), &text, 13.0, ink, Anchor::Start);
                pen.text((self.right, above), value, 12.5, MUTED, Anchor::End);
            }
        }
    }

    /// Draws a logarithmic time axis below the rows and its grid behind them.
    pub fn log_axis(&self, pen: &mut Pen, scale: &LogScale) {
        self.grid(pen, &scale.ticks(self.room()), time_name, |tick| {
            scale.at(tick)
        });
    }

    /// Draws a linear time axis below the rows and its grid behind them.
    pub fn linear_axis(&self, pen: &mut Pen, scale: &LinearScale) {
        let ticks = scale.ticks(self.room() + 14.0);
        self.grid(pen, &ticks, time_name, |tick| scale.at(tick));
    }

    /// Draws an axis of shares from 0 to 1 below the rows and its grid behind them.
    pub fn share_axis(&self, pen: &mut Pen, scale: &LinearScale) {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        self.grid(pen, &[0.0, 0.25, 0.5, 0.75, 1.0], percent, |tick| {
            scale.at(tick)
        });
    }

    fn room(&self) -> f64 {
        match self.form {
            Form::Wide => 62.0,
            Form::Narrow => 56.0,
        }
    }

    fn grid(
        &self,
        pen: &mut Pen,
        ticks: &[f64],
        name: impl Fn(f64) -> String,
        at: impl Fn(f64) -> f64,
    ) {
        let bottom = self.bottom();
        for &tick in ticks {
            let x = at(tick);
            pen.line(&[(x, self.top), (x, bottom)], GRID, 1.0);
            // Labels at the ends stay on the sheet.
            let name = name(tick);
            let half = crate::report::pen::text_width(&name, self.form.text()) / 2.0;
            let x = x.clamp(half + 2.0, self.form.width() - half - 2.0);
            pen.text(
                (x, bottom + 15.0),
                &name,
                self.form.text(),
                MUTED,
                Anchor::Middle,
            );
        }
        pen.line(&[(self.left, bottom), (self.right, bottom)], AXIS, 1.0);
    }
}

fn time_name(tick: f64) -> String {
    if tick == 0.0 {
        "0".to_owned()
    } else {
        tick_name(tick)
    }
}
