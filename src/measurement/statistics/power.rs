//! How many pairs it takes, before they are made.

use super::normal::normal_quantile;

/// The signed-rank interval of normal differences is this much wider than the mean's: √(π/3).
const RANKS: f64 = 1.023_326_707_946_488_5;
/// That the estimate lies no further from the truth than this, in its standard deviations, nine times in ten.
const NINE_IN_TEN: f64 = 1.281_551_565_545;

/// How far from a threshold, in log ratios, an effect has to lie for `pairs` pairs to tell them apart nine times in ten.
///
/// `spread` is the standard deviation of the pairs' log ratios, `level` the two-sided level of the interval.
pub fn reach(spread: f64, pairs: usize, level: f64) -> f64 {
    let ends = normal_quantile(1.0 - level / 2.0) + NINE_IN_TEN;
    ends * RANKS * spread / (pairs.max(1) as f64).sqrt()
}

/// How many pairs tell an effect `way` (in log ratios, above 0) from a threshold nine times in ten: the reverse of [`reach`].
pub fn pairs_to_reach(way: f64, spread: f64, level: f64) -> f64 {
    (reach(spread, 1, level) / way).powi(2).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{Random, shift, trimmed};

    #[test]
    fn so_many_pairs_tell_an_effect_apart_nine_times_in_ten() {
        let (spread, level) = (0.02, 0.01 / 7.0);
        for pairs in [36, 120] {
            let way = reach(spread, pairs, level);
            assert!((pairs_to_reach(way, spread, level) - pairs as f64).abs() <= 1.0);
            let (mut random, trimmed) = (Random::new(8), trimmed(pairs, level).unwrap());
            let told = (0..400).filter(|_| {
                let drawn: Vec<f64> = (0..pairs).map(|_| way + spread * random.normal()).collect();
                shift(&drawn, trimmed).is_some_and(|seen| seen.low > 0.0)
            });
            let told = told.count();
            assert!(
                (340..=380).contains(&told),
                "{told} of 400 with {pairs} pairs"
            );
        }
    }
}
