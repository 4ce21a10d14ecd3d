//! The axes of a trend: levels that lie close together, and time.

use crate::report::scale::round_step;
use crate::units::Nanoseconds;

use super::words::date;

/// How a level is written at the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Nanoseconds.
    Time,
    /// Thousandths of the first run's.
    Share,
}

/// An axis of levels: logarithmic, so that the same share is the same height everywhere, and as narrow as what it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels {
    low: f64,
    high: f64,
    bottom: f64,
    top: f64,
    unit: Unit,
}

/// An axis spans this factor at least: noise of a tenth of a percent is no mountain range.
const LEAST: f64 = 1.12;

impl Levels {
    /// An axis that holds all of `values` with a little air, from place `bottom` up to place `top`.
    pub fn holding(values: impl Iterator<Item = f64>, unit: Unit, bottom: f64, top: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0f64);
        for value in values.filter(|value| value.is_finite()) {
            let value = value.clamp(1.0, 1e20);
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (1e3, 1e3);
        }
        let air = (high / low).powf(0.05).max(1.005);
        (low, high) = (low / air, high * air);
        let lacking = (LEAST / (high / low)).sqrt().max(1.0);
        Self {
            low: low / lacking,
            high: high * lacking,
            bottom,
            top,
            unit,
        }
    }

    /// Where a level lies.
    pub fn at(&self, level: f64) -> f64 {
        let level = if level.is_finite() {
            level.clamp(self.low, self.high)
        } else {
            self.low
        };
        let share = (level / self.low).ln() / (self.high / self.low).ln();
        self.bottom + share * (self.top - self.bottom)
    }

    /// Round levels with their names, each with `room` CSS pixels.
    pub fn ticks(&self, room: f64) -> Vec<(f64, String)> {
        let most = ((self.bottom - self.top).abs() / room).max(2.0);
        if self.high / self.low > 8.0 {
            let decades = (self.low.log10().floor() as i32..=self.high.log10().ceil() as i32)
                .map(|power| 10f64.powi(power));
            let every = ((self.high / self.low).log10() / most).ceil().max(1.0) as i32;
            let kept = decades.filter(|tick| (tick.log10().round() as i32) % every == 0);
            return self.named(
                kept.flat_map(|tick| [tick, 3.0 * tick])
                    .filter(|tick| every == 1 || tick.log10().fract() < 0.1),
            );
        }
        let step = round_step((self.high - self.low) / most);
        let first = (self.low / step).ceil();
        self.named((0..=32).map(|index| (first + f64::from(index)) * step))
    }

    /// Ticks within the axis, each name once.
    fn named(&self, ticks: impl Iterator<Item = f64>) -> Vec<(f64, String)> {
        let mut named: Vec<(f64, String)> = Vec::new();
        for tick in ticks.filter(|tick| (self.low..=self.high).contains(tick)) {
            let name = self.name(tick);
            if named.iter().all(|(_, other)| *other != name) {
                named.push((tick, name));
            }
        }
        named
    }

    fn name(&self, level: f64) -> String {
        match self.unit {
            Unit::Time => Nanoseconds(level).to_string(),
            Unit::Share => share(level),
        }
    }
}

/// Thousandths of the first run's as a percentage more or less.
pub(super) fn share(thousandths: f64) -> String {
    let percent = (thousandths / 10.0 - 100.0).clamp(-100.0, 1e9);
    let digits = format!("{:.1}", percent.abs());
    let digits = digits.strip_suffix(".0").unwrap_or(&digits);
    match percent {
        _ if digits == "0" => "0 %".to_owned(),
        percent if percent < 0.0 => format!("−{digits} %"),
        _ => format!("+{digits} %"),
    }
}

/// An axis of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    first: f64,
    last: f64,
    left: f64,
    right: f64,
}

impl Times {
    /// From the first to the last moment, in seconds since 1970.
    pub fn between(first: f64, last: f64, left: f64, right: f64) -> Self {
        Self {
            first,
            last: last.max(first),
            left,
            right,
        }
    }

    /// Where a moment lies; a single one in the middle.
    pub fn at(&self, seconds: f64) -> f64 {
        if self.last <= self.first {
            return (self.left + self.right) / 2.0;
        }
        let share = ((seconds - self.first) / (self.last - self.first)).clamp(0.0, 1.0);
        self.left + share * (self.right - self.left)
    }

    /// Days to write below it, evenly apart, each with `room` CSS pixels, each once.
    pub fn ticks(&self, room: f64) -> Vec<(f64, String)> {
        let most = ((self.right - self.left) / room).floor().clamp(1.0, 12.0) as u32;
        let mut named: Vec<(f64, String)> = Vec::new();
        for index in 0..=most {
            let at = self.first + (self.last - self.first) * f64::from(index) / f64::from(most);
            let name = date(at as i64);
            if named.iter().all(|(_, other)| *other != name) {
                named.push((self.at(at), name));
            }
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_hold_what_they_were_made_for_and_have_ticks() {
        for values in [
            vec![41_200.0, 43_900.0],
            vec![5.0],
            vec![],
            vec![f64::NAN, 0.0],
            vec![1.0, 1.8e19],
            vec![900.0, 12_000.0],
        ] {
            let levels = Levels::holding(values.iter().copied(), Unit::Time, 120.0, 20.0);
            for value in values {
                assert!((20.0..=120.0).contains(&levels.at(value)));
            }
            let ticks = levels.ticks(24.0);
            assert!((1..=9).contains(&ticks.len()), "{ticks:?}");
        }
        let levels = Levels::holding([41_200.0, 43_900.0].into_iter(), Unit::Time, 120.0, 20.0);
        let names: Vec<String> = levels
            .ticks(24.0)
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        assert_eq!(names, ["42.0 µs", "44.0 µs"]);
    }

    #[test]
    fn shares_are_percentages() {
        for (thousandths, text) in [
            (1_000.0, "0 %"),
            (1_050.0, "+5 %"),
            (985.0, "−1.5 %"),
            (1_000.3, "0 %"),
        ] {
            assert_eq!(share(thousandths), text);
        }
    }

    #[test]
    fn times_lie_between_the_first_and_the_last() {
        let times = Times::between(0.0, 864_000.0, 40.0, 340.0);
        assert_eq!(
            (times.at(0.0), times.at(864_000.0), times.at(1e12)),
            (40.0, 340.0, 340.0)
        );
        let ticks = times.ticks(100.0);
        assert_eq!(
            (ticks.len(), ticks[0].1.as_str(), ticks[3].1.as_str()),
            (4, "1970-01-01", "1970-01-11")
        );
        let once = Times::between(5.0, 5.0, 40.0, 340.0);
        assert_eq!((once.at(5.0), once.ticks(100.0).len()), (190.0, 1));
    }
}
