//! How far a series strays about its level, from what it did before.

use std::f64::consts::SQRT_2;

use super::window::Window;
use crate::statistics::BETWEEN;

/// Differences that the spread is taken from.
const MEMORY: usize = 160;
/// Of so many differences' worth is the assumption that sittings stray by [`BETWEEN`].
const ASSUMED: f64 = 6.0;
/// The standard deviation of a normal law is so many of its median absolute deviations.
const NORMAL: f64 = 1.482_602_218_505_602;
/// The spread of means of three may be so much more than that of independent values before nights are said to resemble each
/// other: it is known less well.
const ALIKE: f64 = 1.3;
/// No series is taken to be quieter, in logarithms: a clock that happens to agree with itself tells nothing.
const LEAST: f64 = 0.002;

/// For each of `values` (log values, finite, in the order of time) the standard deviation of what surrounds their level,
/// from that value and the [`MEMORY`] before it. Always above 0.
///
/// It is taken from differences of neighbours, on which steps and drift hardly tell, by their median, on which bad nights do
/// not. Nights that resemble each other would make it too small for telling a week from the week before, so the differences
/// of neighbouring means of three are looked at too, less what the drift makes of them, and the larger counts. Where there is little to go by, what is assumed
/// of sittings elsewhere counts as well.
pub fn running_scale(values: &[f64]) -> Vec<f64> {
    let (mut singles, mut threes) = (Window::new(MEMORY), Window::new(MEMORY));
    let mut drifts = Window::new(MEMORY);
    let mut scales = Vec::with_capacity(values.len());
    for at in 0..values.len() {
        if at >= 1 {
            singles.push((values[at] - values[at - 1]).abs());
        }
        if at >= 5 {
            let mean = |end: usize| values[end - 2..=end].iter().sum::<f64>() / 3.0;
            let apart = mean(at) - mean(at - 3);
            drifts.push(apart);
            threes.push((apart - drifts.median().unwrap_or(0.0)).abs());
        }
        let single = singles.median().unwrap_or(0.0) * NORMAL / SQRT_2;
        let three = threes.median().unwrap_or(0.0) * NORMAL * 1.5f64.sqrt();
        // Means of three overlap: few of them say less than their number.
        let seen = match threes.count() {
            count if count < MEMORY / 4 => single,
            _ => single.max(three / ALIKE),
        };
        let count = singles.count() as f64;
        let variance = (ASSUMED * BETWEEN.powi(2) + count * seen.powi(2)) / (ASSUMED + count);
        scales.push(variance.sqrt().max(LEAST));
    }
    scales
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Random;

    fn last(values: &[f64]) -> f64 {
        *running_scale(values).last().unwrap()
    }

    #[test]
    fn it_finds_the_spread_despite_steps_drift_and_bad_nights() {
        for spread in [0.006, 0.014, 0.04] {
            let mut random = Random::new(11);
            let values: Vec<f64> = (0..400)
                .map(|night| {
                    let bad = if night % 50 == 7 { 0.3 } else { 0.0 };
                    let step = f64::from(night / 90) * 0.15;
                    spread * random.normal() + bad + step + 0.001 * f64::from(night)
                })
                .collect();
            let found = last(&values) / spread;
            assert!((0.85..1.5).contains(&found), "{spread}: {found}");
        }
    }

    #[test]
    fn nights_that_resemble_each_other_count_for_less() {
        let mut random = Random::new(2);
        let (mut alike, mut value) = (Vec::new(), 0.0);
        for _ in 0..2_000 {
            value = 0.7 * value + 0.01 * random.normal();
            alike.push(value);
        }
        let scales = running_scale(&alike);
        let mean = scales[200..].iter().sum::<f64>() / 1_800.0;
        // Neighbours differ as if it were 0.0108; it strays by 0.014.
        assert!(mean > 0.011_2, "{mean}");
    }

    #[test]
    fn without_anything_to_go_by_it_is_what_is_assumed() {
        assert!(running_scale(&[]).is_empty());
        assert!((running_scale(&[1.0])[0] - BETWEEN).abs() < 1e-12);
        assert_eq!(
            last(&[0.5; 300]),
            (ASSUMED * BETWEEN.powi(2) / (ASSUMED + MEMORY as f64))
                .sqrt()
                .max(LEAST)
        );
    }
}
