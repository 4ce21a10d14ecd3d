//! The effect in pairs: Hodges and Lehmann's estimate, with the interval of Wilcoxon's signed-rank test.
//!
//! The order within each pair is a coin, so under "no change" each difference is as likely as its negative,
//! whatever drifts on the host: the test's distribution follows from the coins alone and needs no
//! assumption about latencies (Wilcoxon 1945; Hodges and Lehmann 1963; Lehmann, *Nonparametrics*, 1975,
//! chapter 4).
//!
//! Differences of zero are kept. Dropping them, as Wilcoxon's first paper does, would make nine ties and one
//! difference look like that difference; with them in, the closed interval covers at least as often as it
//! says (Noether 1967).

use super::middle::median_of;

/// A shift with its interval, ends included, in the unit of the differences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Hodges–Lehmann estimate: the median of all means of two differences.
    pub centre: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The fewest pairs with which an interval of that two-sided level (0 to 1) can exclude anything.
pub fn fewest_pairs(level: f64) -> usize {
    // 2^(1-n) <= level; a level that is a power of two must not be missed by a rounding.
    (1.0 - level.log2() - 1e-9).ceil().max(1.0) as usize
}

/// Which mean of two differences, counted from 1 and from either side, is the end of the interval. `None` where so
/// few pairs have no interval of that two-sided level.
///
/// The exact distribution of the rank sum of `pairs` coins, summed from its end: chances, halved with every
/// rank, stay above the least positive number up to a thousand pairs.
pub fn trimmed(pairs: usize, level: f64) -> Option<usize> {
    if pairs < fewest_pairs(level) || pairs > MOST_PAIRS {
        return None;
    }
    let sums = pairs * (pairs + 1) / 2;
    // By symmetry the lower half is enough.
    let mut chances = vec![0.0; sums / 2 + 1];
    chances[0] = 1.0;
    for rank in 1..=pairs {
        for sum in (0..chances.len()).rev() {
            let without = chances[sum];
            let with = if sum >= rank {
                chances[sum - rank]
            } else {
                0.0
            };
            chances[sum] = (without + with) / 2.0;
        }
    }
    let mut below = 0.0;
    let outside = chances.iter().take_while(|chance| {
        below += *chance;
        // The sum of a few hundred roundings must not lose a level that is met exactly.
        below <= level / 2.0 * (1.0 + 1e-12)
    });
    Some(outside.count()).filter(|&outside| outside > 0)
}

/// More pairs than any schedule asks for; the time for [`trimmed`] grows with the cube.
const MOST_PAIRS: usize = 1_000;

/// The shift of paired `differences`, with an interval whose ends are the `trimmed`-th mean of two differences from
/// either side (see [`trimmed`]). `None` for no differences, one that is no number, or fewer means than that.
pub fn shift(differences: &[f64], trimmed: usize) -> Option<Shift> {
    if differences.iter().any(|difference| !difference.is_finite()) {
        return None;
    }
    let mut sorted = differences.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = (sorted.len() * (sorted.len() + 1) / 2).checked_sub(1)?;
    if trimmed == 0 || trimmed > last / 2 + 1 {
        return None;
    }
    let (low, high) = (
        mean_at(&sorted, trimmed - 1),
        mean_at(&sorted, last + 1 - trimmed),
    );
    let centre = (mean_at(&sorted, last / 2) + mean_at(&sorted, last.div_ceil(2))) / 2.0;
    Some(Shift { centre, low, high })
}

/// The mean of two of the `sorted` values that has `rank` others before it. Counting means is quick where making
/// and sorting them is not (180 pairs have 16,290): the line between two means is halved until they meet.
fn mean_at(sorted: &[f64], rank: usize) -> f64 {
    let (mut low, mut high) = (place(sorted[0]), place(sorted[sorted.len() - 1]));
    while low < high {
        let middle = ((i128::from(low) + i128::from(high)) >> 1) as i64;
        let (count, below, above) = means_about(sorted, number(middle));
        if count > rank {
            high = place(below);
        } else {
            low = place(above);
        }
    }
    number(low)
}

/// How many means of two of the `sorted` values, each with itself included, are at most `limit`; the greatest of
/// those, and the least of the others.
fn means_about(sorted: &[f64], limit: f64) -> (usize, f64, f64) {
    let (mut count, mut below, mut above) = (0, f64::NEG_INFINITY, f64::INFINITY);
    let mut right = sorted.len();
    for (left, one) in sorted.iter().enumerate() {
        let mut least = f64::INFINITY;
        while right > left {
            let mean = (one + sorted[right - 1]) / 2.0;
            if mean <= limit {
                below = below.max(mean);
                break;
            }
            least = mean;
            right -= 1;
        }
        above = above.min(least);
        if right <= left {
            break;
        }
        count += right - left;
    }
    (count, below, above)
}

/// Where a number stands on the line of all numbers that `f64` has; -0 stands where 0 does.
fn place(number: f64) -> i64 {
    let bits = number.to_bits() as i64;
    if bits < 0 {
        (bits ^ i64::MAX) + 1
    } else {
        bits
    }
}

/// The number at a [`place`].
fn number(place: i64) -> f64 {
    let bits = if place < 0 {
        (place - 1) ^ i64::MAX
    } else {
        place
    };
    f64::from_bits(bits as u64)
}

/// The spread of differences: their standard deviation if they were normal, from the median absolute deviation, so
/// that single wild pairs don't count. `None` for no differences.
pub fn spread(differences: &[f64]) -> Option<f64> {
    let middle = median_of(differences.iter().copied())?;
    let deviations = differences.iter().map(|one| (one - middle).abs());
    Some(TO_NORMAL * median_of(deviations)?)
}

/// 1 / the upper quartile of the standard normal law.
const TO_NORMAL: f64 = 1.482_602_218_505_602;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Random;

    #[test]
    fn what_is_left_out_is_what_printed_tables_say() {
        // Critical values of the signed-rank statistic T, two-sided (for example Lehmann, table H): the interval
        // leaves out T + 1 sums.
        for (pairs, level, critical) in [
            (6, 0.05, 0),
            (10, 0.05, 8),
            (10, 0.01, 3),
            (16, 0.05, 29),
            (16, 0.01, 19),
            (25, 0.05, 89),
            (25, 0.01, 68),
            (50, 0.05, 434),
            (50, 0.01, 373),
        ] {
            assert_eq!(
                trimmed(pairs, level),
                Some(critical + 1),
                "{pairs} at {level}"
            );
        }
        assert_eq!(trimmed(5, 0.05), None);
        assert_eq!(trimmed(6, 1.0 / 32.0), Some(1));
        assert_eq!((fewest_pairs(1.0 / 32.0), fewest_pairs(0.05)), (6, 6));
        assert_eq!(trimmed(MOST_PAIRS + 1, 0.05), None);
    }

    #[test]
    fn a_small_example_by_hand() {
        // Differences 1, 2, 4: means 1, 1.5, 2, 2.5, 3, 4.
        let found = shift(&[4.0, 1.0, 2.0], 1).unwrap();
        assert_eq!((found.low, found.centre, found.high), (1.0, 2.25, 4.0));
        let found = shift(&[4.0, 1.0, 2.0], 2).unwrap();
        assert_eq!((found.low, found.high), (1.5, 3.0));
        assert_eq!(shift(&[4.0, 1.0, 2.0], 7), None);
        assert_eq!(shift(&[], 1), None);
        assert_eq!(shift(&[1.0, f64::NAN], 1), None);
    }

    #[test]
    fn counting_finds_the_means_that_sorting_finds() {
        let mut random = Random::new(8);
        for pairs in [1, 2, 7, 24, 61] {
            // Far apart, close together, with ties, and of both signs.
            let wild = |random: &mut Random| random.normal() * 10f64.powf(9.0 * random.normal());
            let coarse = |random: &mut Random| (3.0 * random.normal()).round();
            let differences: Vec<f64> = (0..pairs)
                .map(|number| match number % 2 {
                    0 => wild(&mut random),
                    _ => coarse(&mut random),
                })
                .collect();
            let mut means = Vec::new();
            for (index, one) in differences.iter().enumerate() {
                means.extend(differences[index..].iter().map(|other| (one + other) / 2.0));
            }
            means.sort_unstable_by(f64::total_cmp);
            for trimmed in 1..=means.len().div_ceil(2) {
                let found = shift(&differences, trimmed).unwrap();
                assert_eq!(found.low, means[trimmed - 1], "{differences:?}");
                assert_eq!(found.high, means[means.len() - trimmed], "{differences:?}");
            }
        }
        assert_eq!(shift(&[-0.0, -0.0], 1).unwrap().low.to_bits(), 0);
    }

    #[test]
    fn many_ties_and_a_difference_are_mostly_ties() {
        let mut differences = [0.0; 40];
        differences[..6].fill(0.05);
        let found = shift(&differences, trimmed(40, 0.05).unwrap()).unwrap();
        assert_eq!((found.low, found.centre), (0.0, 0.0));
    }

    #[test]
    fn the_spread_is_that_of_the_middle_of_the_pairs() {
        let mut random = Random::new(4);
        let mut normal: Vec<f64> = (0..20_000).map(|_| 0.02 * random.normal() + 0.5).collect();
        let clean = spread(&normal).unwrap();
        assert!((clean / 0.02 - 1.0).abs() < 0.03, "{clean}");
        normal[..1_000].fill(9.0);
        let soiled = spread(&normal).unwrap();
        assert!((soiled / 0.02 - 1.0).abs() < 0.10, "{soiled}");
        assert_eq!(spread(&[]), None);
    }
}
