//! Quantiles of raw samples, and how many samples one takes.

use serde::{Deserialize, Serialize};

/// What is left of a trial's samples of one phase, in nanoseconds.
///
/// A quantile `q` stands only where at least 10 samples lie beyond it (see [`samples_needed`]): fewer
/// say more about chance than about the host.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// Samples.
    pub count: u64,
    /// The least.
    pub min: u64,
    /// Tenth percentile.
    pub p10: Option<u64>,
    /// Lower quartile.
    pub p25: Option<u64>,
    /// Median.
    pub p50: Option<u64>,
    /// Ninetieth percentile.
    pub p90: Option<u64>,
    /// 99th percentile.
    pub p99: Option<u64>,
    /// 99.9th percentile.
    pub p999: Option<u64>,
    /// The greatest.
    pub max: u64,
    /// Arithmetic mean.
    pub mean: f64,
}

/// How many samples a quantile `q` of 0 to 1 (exclusive) takes: 10 on its thinner side.
pub fn samples_needed(q: f64) -> u64 {
    // 1 − 0.9 is a little more than 0.1 in binary; a hair is taken off before rounding up.
    (10.0 / q.min(1.0 - q) - 1e-6).ceil() as u64
}

/// The quantile `q` of sorted samples: the smallest that at least a share `q` of them do not exceed, whatever their
/// number. `None` for no samples.
pub fn order_statistic(sorted: &[u64], q: f64) -> Option<u64> {
    let rank = ((q * sorted.len() as f64) - 1e-9).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

impl Quantiles {
    /// The quantiles of `samples`, which are sorted on the way. `None` for no samples.
    ///
    /// A quantile is the smallest sample that at least a share `q` of the samples do not exceed
    /// (Hyndman and Fan's definition 1, which is HdrHistogram's too): always a value that occurred.
    pub fn of(samples: &mut [u64]) -> Option<Self> {
        samples.sort_unstable();
        let (min, max) = (*samples.first()?, *samples.last()?);
        let count = samples.len() as u64;
        let sum: u128 = samples.iter().map(|&ns| u128::from(ns)).sum();
        let at = |q: f64| match count >= samples_needed(q) {
            true => order_statistic(samples, q),
            false => None,
        };
        Some(Self {
            count,
            min,
            p10: at(0.10),
            p25: at(0.25),
            p50: at(0.50),
            p90: at(0.90),
            p99: at(0.99),
            p999: at(0.999),
            max,
            mean: sum as f64 / count as f64,
        })
    }

    /// The quantiles with their names, as columns are headed.
    pub fn named(&self) -> [(&'static str, f64, Option<u64>); 6] {
        [
            ("p10", 0.10, self.p10),
            ("p25", 0.25, self.p25),
            ("p50", 0.50, self.p50),
            ("p90", 0.90, self.p90),
            ("p99", 0.99, self.p99),
            ("p999", 0.999, self.p999),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_needs_ten_samples_beyond_it() {
        assert_eq!(samples_needed(0.5), 20);
        assert_eq!(samples_needed(0.9), 100);
        assert_eq!(samples_needed(0.10), 100);
        assert_eq!(samples_needed(0.99), 1_000);
        assert_eq!(samples_needed(0.999), 10_000);
    }

    #[test]
    fn quantiles_are_values_that_occurred() {
        let mut samples: Vec<u64> = (1..=1_000).rev().collect();
        let q = Quantiles::of(&mut samples).unwrap();
        assert_eq!((q.count, q.min, q.max, q.mean), (1_000, 1, 1_000, 500.5));
        assert_eq!(
            (q.p10, q.p50, q.p90, q.p99),
            (Some(100), Some(500), Some(900), Some(990))
        );
        assert_eq!(q.p999, None);
        let q = Quantiles::of(&mut [7; 19]).unwrap();
        assert_eq!((q.p50, q.min), (None, 7));
        assert_eq!(Quantiles::of(&mut []), None);
    }
}
