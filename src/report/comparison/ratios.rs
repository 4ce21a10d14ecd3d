//! An axis of ratios less one, even in their logarithm, so that a change and its reverse are as far from zero.

use crate::report::palette::{AXIS, GRID, Ink};
use crate::report::pen::Pen;
use crate::report::scale::round_step;

use super::numbers::signed;

/// No axis goes further than a factor of about 1,000.
const FARTHEST: f64 = 7.0;
/// What stands for a threshold of zero.
const USUAL: f64 = 0.01;

/// The logarithm of a ratio less one, within what is drawn; `None` for no number.
fn log(ratio_less_one: f64) -> Option<f64> {
    let log = ratio_less_one.max(-1.0).ln_1p();
    (!log.is_nan()).then(|| log.clamp(-2.0 * FARTHEST, 2.0 * FARTHEST))
}

/// Where ratios lie, from `from` at the low end to `to` at the high one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ratios {
    low: f64,
    high: f64,
    /// The threshold as a logarithm; 0 for none.
    pub bound: f64,
    from: f64,
    to: f64,
}

/// An interval on paper.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub low: f64,
    pub high: f64,
    /// Whether it goes on beyond the axis.
    pub is_cut: [bool; 2],
}

impl Ratios {
    /// An axis that holds both thresholds and the `ends` of intervals, those left out that would squeeze the rest.
    pub fn holding(
        ends: impl IntoIterator<Item = f64>,
        threshold: f64,
        from: f64,
        to: f64,
    ) -> Self {
        let is_usable = threshold.is_finite() && threshold > 0.0;
        let bound = if is_usable {
            threshold.ln_1p().min(FARTHEST / 2.0)
        } else {
            0.0
        };
        let unit = if is_usable { bound } else { USUAL };
        let mut ends: Vec<f64> = ends.into_iter().filter_map(log).collect();
        ends.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let typical = ends.get(ends.len() / 2).map_or(0.0, |end| end.abs());
        let limit = (typical * 8.0).max(unit * 15.0).min(FARTHEST);
        let held = ends.iter().filter(|end| end.abs() <= limit);
        let (low, high) = held.fold((-1.6 * unit, 1.6 * unit), |(low, high), &end| {
            (f64::min(low, end), f64::max(high, end))
        });
        let air = (high - low) * 0.03;
        Self {
            low: low - air,
            high: high + air,
            bound,
            from,
            to,
        }
    }

    fn of_log(&self, log: f64) -> f64 {
        let share = (log.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    /// Where a ratio less one lies, at an end if it lies beyond it; `None` for no number.
    pub fn at(&self, ratio_less_one: f64) -> Option<f64> {
        log(ratio_less_one).map(|log| self.of_log(log))
    }

    /// Where an interval lies; an end that is no number is open. `None` where both are none.
    pub fn span(&self, low: f64, high: f64) -> Option<Span> {
        if low.is_nan() && high.is_nan() {
            return None;
        }
        let (low, high) = if low > high { (high, low) } else { (low, high) };
        let (low, high) = (log(low).unwrap_or(f64::MIN), log(high).unwrap_or(f64::MAX));
        Some(Span {
            low: self.of_log(low),
            high: self.of_log(high),
            is_cut: [low < self.low, high > self.high],
        })
    }

    /// Where the thresholds lie, and what they are.
    pub fn thresholds(&self) -> Vec<(f64, String)> {
        let bounds = [-self.bound, self.bound].into_iter();
        bounds
            .filter(|_| self.bound > 0.0)
            .map(|bound| (self.of_log(bound), signed(Some(bound.exp_m1()))))
            .collect()
    }

    /// Places of round percentages with their names, zero among them, each with `room` CSS pixels.
    pub fn ticks(&self, room: f64) -> Vec<(f64, String)> {
        let span = self.high.exp_m1() - self.low.exp_m1();
        let most = ((self.to - self.from).abs() / room).max(2.0);
        let step = round_step(span / most);
        let zero = self.of_log(0.0);
        let mut ticks = vec![(zero, "0".to_owned())];
        for direction in [-1.0, 1.0] {
            let mut last = zero;
            for index in 1..=60 {
                let value = direction * step * f64::from(index);
                let Some(log) = (value > -1.0).then(|| value.ln_1p()) else {
                    break;
                };
                if !(self.low..=self.high).contains(&log) {
                    break;
                }
                let at = self.of_log(log);
                if (at - last).abs() >= room * 0.8 {
                    ticks.push((at, round_percent(value)));
                    last = at;
                }
            }
        }
        ticks
    }

    /// The band within the thresholds with its edges, and zero; `across` are the ends of the other axis.
    pub fn draw_band(&self, pen: &mut Pen, across: (f64, f64), is_horizontal: bool, ink: Ink) {
        let point = |along: f64, across: f64| match is_horizontal {
            true => (along, across),
            false => (across, along),
        };
        let places: Vec<f64> = self.thresholds().iter().map(|(at, _)| *at).collect();
        if let [low, high] = places[..] {
            pen.rect(point(low, across.0), point(high, across.1), GRID, 0.55);
            for at in [low, high] {
                pen.dashes(
                    &[point(at, across.0), point(at, across.1)],
                    ink,
                    1.0,
                    4.0,
                    3.0,
                );
            }
        }
        let zero = self.of_log(0.0);
        pen.line(&[point(zero, across.0), point(zero, across.1)], AXIS, 1.2);
    }
}

/// `+5 %`, `−0.2 %`, `+300 %`.
fn round_percent(value: f64) -> String {
    let text = format!("{:.3}", (value * 100.0).abs());
    let sign = if value < 0.0 { "−" } else { "+" };
    format!(
        "{sign}{} %",
        text.trim_end_matches('0').trim_end_matches('.')
    )
}
