//! When requests are due.

use crate::statistics::Random;

/// The moments, in nanoseconds from the first's, at which `requests` are due at `rate` in a second: a Poisson
/// process, as of many users who know nothing of each other. Requests at even distances would never meet, and a
/// server that can do one after the other would show no queue until it is full.
///
/// The whole sequence follows from `seed`.
pub fn arrivals(rate: u32, requests: u64, seed: u64) -> Vec<u64> {
    let mut random = Random::new(seed);
    let mean = 1e9 / f64::from(rate.max(1));
    let mut at = 0.0;
    let due = (0..requests).map(|index| {
        if index > 0 {
            // 1 − unit() is never 0.
            at -= ln(1.0 - random.unit()) * mean;
        }
        at as u64
    });
    due.collect()
}

/// The natural logarithm of a number above 0. libm's would be one library more for the subject to map, and all its
/// children to copy.
fn ln(number: f64) -> f64 {
    const FRACTION: u64 = (1 << 52) - 1;
    let bits = number.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1023;
    // From 1 up to but without 2.
    let fraction = f64::from_bits(bits & FRACTION | 1023 << 52);
    // ln x = 2 artanh((x − 1) / (x + 1)), whose series is short where its argument is at most 1/3.
    let argument = (fraction - 1.0) / (fraction + 1.0);
    let (mut power, mut sum) = (argument, 0.0);
    for odd in (1..32).step_by(2) {
        sum += power / f64::from(odd);
        power *= argument * argument;
    }
    f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_a_poisson_process_of_the_rate() {
        let due = arrivals(1_000, 100_000, 7);
        assert!(due.windows(2).all(|two| two[0] <= two[1]));
        let gaps: Vec<f64> = due.windows(2).map(|two| (two[1] - two[0]) as f64).collect();
        let count = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / count;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
        assert!((mean / 1e6 - 1.0).abs() < 0.02, "{mean}");
        // Of an exponential law the deviation is the mean.
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.02, "{variance}");
    }

    #[test]
    fn the_logarithm_is_that_of_the_library() {
        let mut random = Random::new(3);
        let numbers = (0..10_000).map(|_| 1.0 - random.unit());
        for number in numbers.chain([1.0, 0.5, f64::MIN_POSITIVE, 2f64.powi(-53)]) {
            let (ours, theirs) = (ln(number), number.ln());
            assert!(
                (ours - theirs).abs() <= 1e-14 * theirs.abs().max(0.1),
                "{number}"
            );
        }
    }

    #[test]
    fn a_seed_makes_the_sequence() {
        assert_eq!(arrivals(50, 100, 1), arrivals(50, 100, 1));
        assert_ne!(arrivals(50, 100, 1), arrivals(50, 100, 2));
        assert!(arrivals(50, 0, 1).is_empty());
    }
}
