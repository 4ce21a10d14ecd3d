//! From nanoseconds and bytes to places on a chart.

use crate::units::human_time;

use super::pen::text_width;

/// No axis goes further, in nanoseconds: a little more than what 64 bits hold.
const LONGEST: f64 = 1e20;

/// A logarithmic axis of nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogScale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl LogScale {
    /// An axis that holds all of `values` with a little air, `from` and `to` being the places of its
    /// ends. It spans at least a factor of two; without any value it spans a microsecond to a
    /// millisecond.
    pub fn holding(values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0f64);
        for value in values.into_iter().filter(|v| v.is_finite()) {
            let value = value.clamp(1.0, LONGEST);
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (1e3, 1e6);
        }
        let air = (high / low).powf(0.04).max(1.05);
        (low, high) = (low / air, high * air);
        if high / low < 2.0 {
            let middle = (low * high).sqrt();
            (low, high) = (middle / 2f64.sqrt(), middle * 2f64.sqrt());
        }
        Self {
            low,
            high,
            from,
            to,
        }
    }

    /// An axis of just `low` to `high`, both at least 1.
    pub fn exactly(low: f64, high: f64, from: f64, to: f64) -> Self {
        let low = low.clamp(1.0, LONGEST);
        Self {
            low,
            high: high.min(LONGEST).max(low * 1.001),
            from,
            to,
        }
    }

    /// Where `value` lies; what is below a nanosecond, and what is no number, lies at the low end.
    pub fn at(&self, value: f64) -> f64 {
        let value = if value.is_finite() { value } else { self.low };
        let share =
            (value.clamp(self.low, self.high) / self.low).ln() / (self.high / self.low).ln();
        self.from + share * (self.to - self.from)
    }

    /// Round values to write at the axis: as many as leave `room` CSS pixels for each.
    pub fn ticks(&self, room: f64) -> Vec<f64> {
        let length = (self.to - self.from).abs();
        let steps: [&[f64]; 4] = [
            &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
            &[1.0, 2.0, 3.0, 5.0],
            &[1.0, 2.0, 5.0],
            &[1.0, 3.0],
        ];
        for step in steps {
            let ticks = self.multiples(step, 1);
            if self.apart(&ticks) >= room {
                return ticks;
            }
        }
        let decades = (self.high / self.low).log10();
        let most = (length / room).max(1.0);
        let every = (decades / most).ceil().max(1.0) as i32;
        self.multiples(&[1.0], every)
    }

    fn apart(&self, ticks: &[f64]) -> f64 {
        ticks
            .windows(2)
            .map(|pair| (self.at(pair[1]) - self.at(pair[0])).abs())
            .fold(f64::INFINITY, f64::min)
    }

    fn multiples(&self, steps: &[f64], every: i32) -> Vec<f64> {
        let first = self.low.log10().floor() as i32;
        let last = self.high.log10().ceil() as i32;
        (first..=last)
            .filter(|decade| decade % every == 0)
            .flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)))
            .filter(|tick| (self.low..=self.high).contains(tick))
            .collect()
    }
}

/// A linear axis from 0 nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinearScale {
    high: f64,
    from: f64,
    to: f64,
}

impl LinearScale {
    /// From 0 at `from` to `high` at `to`; `high` of 1 ns at least.
    pub fn up_to(high: f64, from: f64, to: f64) -> Self {
        let high = if high.is_finite() {
            high.clamp(1.0, LONGEST)
        } else {
            1.0
        };
        Self { high, from, to }
    }

    /// Where `value` lies, within the axis.
    pub fn at(&self, value: f64) -> f64 {
        let share = if value.is_finite() {
            (value / self.high).clamp(0.0, 1.0)
        } else {
            0.0
        };
        self.from + share * (self.to - self.from)
    }

    /// Round values, 0 first, each with `room` CSS pixels.
    pub fn ticks(&self, room: f64) -> Vec<f64> {
        let most = ((self.to - self.from).abs() / room).max(1.0);
        let step = round_step(self.high / most).max(1.0);
        (0..=64)
            .map(|index| f64::from(index) * step)
            .take_while(|tick| *tick <= self.high * 1.000_001)
            .collect()
    }
}

/// The least of 1, 2 and 5 times a power of ten that is no smaller than `raw`, which is above 0.
pub(super) fn round_step(raw: f64) -> f64 {
    let decade = 10f64.powf(raw.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * decade);
    steps.into_iter().find(|step| *step >= raw).unwrap_or(raw)
}

/// An axis of bytes: logarithmic, with zero as a category of its own left of a break.
#[derive(Debug, Clone)]
pub(super) struct SizeScale {
    low: f64,
    high: f64,
    zero: f64,
    from: f64,
    to: f64,
    /// The sizes that were measured, rising; ticks stand on them.
    pub sizes: Vec<u64>,
}

impl SizeScale {
    /// An axis for `sizes` from place `from` to place `to`.
    pub fn of(mut sizes: Vec<u64>, from: f64, to: f64) -> Self {
        sizes.sort_unstable();
        sizes.dedup();
        let positive: Vec<f64> = sizes
            .iter()
            .filter(|&&b| b > 0)
            .map(|&b| b as f64)
            .collect();
        let low = positive.first().copied().unwrap_or(1.0);
        let high = positive.last().copied().unwrap_or(1.0);
        let has_zero = sizes.first() == Some(&0);
        let start = if has_zero {
            from + 0.16 * (to - from)
        } else {
            from
        };
        Self {
            low,
            high,
            zero: from,
            from: start,
            to,
            sizes,
        }
    }

    /// Where `bytes` lies.
    pub fn at(&self, bytes: u64) -> f64 {
        if bytes == 0 {
            return self.zero;
        }
        if self.high <= self.low {
            return (self.from + self.to) / 2.0;
        }
        let share = (bytes as f64 / self.low).ln() / (self.high / self.low).ln();
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// The place of the axis break, if zero bytes stand left of one.
    pub fn axis_break(&self) -> Option<f64> {
        let has_both = self.sizes.first() == Some(&0) && self.sizes.len() > 1;
        has_both.then(|| (self.zero + self.at(self.sizes[1])) / 2.0)
    }

    /// The sizes whose names fit beside each other at `size` CSS pixels, the ends first.
    pub fn labelled(&self, size: f64) -> Vec<(u64, String)> {
        let mut kept: Vec<(u64, String, f64, f64)> = Vec::new();
        let ends = self.sizes.first().into_iter().chain(self.sizes.last());
        for &bytes in ends.chain(&self.sizes) {
            let name = size_name(bytes);
            let half = text_width(&name, size) / 2.0 + 4.0;
            let (left, right) = (self.at(bytes) - half, self.at(bytes) + half);
            if kept.iter().all(|(_, _, l, r)| right <= *l || left >= *r) {
                kept.push((bytes, name, left, right));
            }
        }
        kept.into_iter()
            .map(|(bytes, name, _, _)| (bytes, name))
            .collect()
    }
}

/// A size as an axis and a heading say it: `0`, `64 MiB`, `1 GiB`.
pub(super) fn size_name(bytes: u64) -> String {
    if bytes == 0 {
        return "0".to_owned();
    }
    let exact = crate::units::exact_size(bytes);
    let split = exact
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(exact.len());
    let (number, unit) = exact.split_at(split);
    if number.len() > 4 {
        return crate::units::human_size(bytes);
    }
    format!("{number} {unit}")
}

/// A round time as an axis says it: `50 µs`, `1.5 ms`.
pub(super) fn tick_name(ns: f64) -> String {
    let (value, unit) = match ns {
        v if v < 1e3 => (v, "ns"),
        v if v < 1e6 => (v / 1e3, "µs"),
        v if v < 1e9 => (v / 1e6, "ms"),
        v => (v / 1e9, "s"),
    };
    if value >= 1e4 {
        return human_time(ns as u64);
    }
    let text = format!("{value:.1}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

/// `at`, moved apart so that neighbours are `gap` from each other, within `low..=high` where that is
/// possible; in the order of `at`, which need not be sorted.
pub(super) fn spread_out(at: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..at.len()).collect();
    order.sort_by(|&a, &b| at[a].total_cmp(&at[b]));
    let mut placed: Vec<f64> = order
        .iter()
        .map(|&index| at[index].clamp(low, high))
        .collect();
    // Push down, then back up from the end: two passes settle it, since order never changes.
    for index in 1..placed.len() {
        placed[index] = placed[index].max(placed[index - 1] + gap);
    }
    let mut ceiling = high;
    for place in placed.iter_mut().rev() {
        *place = place.min(ceiling);
        ceiling = *place - gap;
    }
    let mut result = vec![0.0; at.len()];
    for (rank, &index) in order.iter().enumerate() {
        result[index] = placed[rank];
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_axis_holds_what_it_was_made_for() {
        for values in [
            vec![40e3, 55.6e6],
            vec![1.0],
            vec![],
            vec![f64::NAN, 0.0],
            vec![1.8e19, 1.0],
        ] {
            let scale = LogScale::holding(values.clone(), 10.0, 210.0);
            for value in values {
                assert!((10.0..=210.0).contains(&scale.at(value)), "{value}");
            }
            let ticks = scale.ticks(40.0);
            assert!((1..=6).contains(&ticks.len()), "{ticks:?}");
        }
    }

    #[test]
    fn zero_bytes_stand_left_of_a_break() {
        let scale = SizeScale::of(vec![1 << 30, 0, 1 << 24, 1 << 24], 50.0, 450.0);
        assert_eq!(scale.at(0), 50.0);
        assert_eq!(scale.at(1 << 30), 450.0);
        let gap = scale.axis_break().unwrap();
        assert!(gap > 50.0 && gap < scale.at(1 << 24));
        assert_eq!(SizeScale::of(vec![0], 0.0, 1.0).axis_break(), None);
    }

    #[test]
    fn labels_keep_their_distance_and_their_order() {
        let places = spread_out(&[50.0, 48.0, 99.0, 51.0], 10.0, 0.0, 100.0);
        let mut sorted = places.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(
            sorted.windows(2).all(|pair| pair[1] - pair[0] >= 9.999),
            "{places:?}"
        );
        assert!(
            sorted.iter().all(|place| (0.0..=100.0).contains(place)),
            "{places:?}"
        );
        assert!(places[1] < places[0] && places[0] < places[3] && places[3] < places[2]);
    }

    #[test]
    fn names_on_axes_are_short() {
        assert_eq!(tick_name(1.5e6), "1.5 ms");
        assert_eq!(tick_name(50e3), "50 µs");
        assert_eq!(size_name(64 << 20), "64 MiB");
        assert_eq!(size_name(70_464_307), "67.2 MiB");
    }
}
