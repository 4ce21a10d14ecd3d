//! Whether trials of one cell tell the same story.

use crate::statistics::{Histogram, median};

/// How often trials of one and the same median may be said to disagree.
const FALSE_ALARMS: f64 = 0.01;
/// The difference that matters to a reader: less is true and of no use.
const RELEVANT: f64 = 0.10;

/// Whether the medians of trials differ by more than their own samples explain, and by enough to
/// matter.
///
/// Each trial gets an interval for its median that stands at 1 % / trials (Bonferroni). If all have one
/// median, all intervals hold it at once 99 times in 100, and so every two of them overlap. They disagree
/// when two intervals have no value in common and the medians range over more than 10 % of their middle.
///
/// An interval runs between two of the trial's own sorted samples. The number of samples below the true
/// median is a fair coin tossed n times; Hoeffding's inequality (1963) bounds how far it strays from
/// n/2, so the level holds for every n and every distribution, without a table, and is on the safe side. It
/// supposes that a trial's samples don't hang together; where they do, the 10 % keeps small things quiet.
/// A trial of fewer samples than about ten has no such interval and disagrees with nobody.
pub fn trials_disagree(trials: &[&Histogram]) -> bool {
    let trials: Vec<_> = trials.iter().filter(|trial| trial.count() > 0).collect();
    let level = FALSE_ALARMS / trials.len() as f64;
    let intervals: Vec<(u64, u64)> = trials
        .iter()
        .filter_map(|trial| median_interval(trial, level))
        .collect();
    let highest_low = intervals.iter().map(|interval| interval.0).max();
    let lowest_high = intervals.iter().map(|interval| interval.1).min();
    let mut medians: Vec<u64> = trials.iter().map(|trial| trial.at(0.5)).collect();
    medians.sort_unstable();
    match (highest_low, lowest_high, median(&medians)) {
        (Some(low), Some(high), Some(middle)) => {
            let range = medians[medians.len() - 1] - medians[0];
            low > high && range as f64 > RELEVANT * middle as f64
        }
        _ => false,
    }
}

/// Between which values the median lies, but for a chance of `level`.
fn median_interval(trial: &Histogram, level: f64) -> Option<(u64, u64)> {
    let n = trial.count() as f64;
    // P(toss <= n/2 - t) <= exp(-2 t² / n), on either side half the level.
    let stray = (n * (2.0 / level).ln() / 2.0).sqrt();
    let rank = (n / 2.0 + 1.0 - stray).floor();
    (rank >= 1.0).then(|| {
        let rank = rank as u64;
        (trial.at_rank(rank), trial.at_rank(trial.count() + 1 - rank))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Random;

    /// Skewed as latencies are: a floor, a bulk, and one in twenty far out.
    fn latencies(random: &mut Random, level: f64, count: usize) -> Histogram {
        let mut samples = Vec::new();
        for _ in 0..count {
            let bulk = 1.0 + 0.1 * (random.unit() + random.unit() - 1.0);
            let far = if random.below(20) == 0 {
                1.0 + 4.0 * random.unit()
            } else {
                1.0
            };
            samples.push((level * bulk * far) as u64);
        }
        Histogram::of(&samples)
    }

    const SETS: usize = 300;

    /// How many of that many sets of trials with these levels disagree.
    fn disagreements(levels: &[f64], count: usize) -> usize {
        let mut random = Random::new(17);
        let mut seen = 0;
        for _ in 0..SETS {
            let trials: Vec<_> = levels
                .iter()
                .map(|level| latencies(&mut random, *level, count))
                .collect();
            seen += usize::from(trials_disagree(&trials.iter().collect::<Vec<_>>()));
        }
        seen
    }

    #[test]
    fn trials_of_one_median_hardly_ever_disagree() {
        for count in [12, 20, 100, 500] {
            for trials in [2, 5, 20] {
                let seen = disagreements(&vec![40_000.0; trials], count);
                assert!(
                    seen <= SETS / 100,
                    "{seen} of {SETS}: {trials} trials of {count}"
                );
            }
        }
    }

    #[test]
    fn a_trial_that_is_a_seventh_slower_is_noticed() {
        let levels = [40_000.0, 40_000.0, 40_000.0, 40_000.0, 46_000.0];
        assert!(disagreements(&levels, 1_000) >= SETS * 99 / 100);
        assert!(disagreements(&levels, 200) >= SETS * 9 / 10);
    }

    #[test]
    fn a_difference_too_small_to_matter_is_not_reported_however_sure() {
        let levels = [40_000.0, 40_000.0, 40_000.0, 40_000.0, 43_000.0];
        assert_eq!(disagreements(&levels, 2_000), 0);
    }

    #[test]
    fn trials_too_short_for_an_interval_disagree_with_nobody() {
        let (short, long) = (Histogram::of(&[9_000; 5]), Histogram::of(&[40_000; 500]));
        assert!(!trials_disagree(&[&short, &long]));
        assert!(!trials_disagree(&[]));
        assert!(!trials_disagree(&[&long]));
        let other = Histogram::of(&[50_000; 500]);
        assert!(trials_disagree(&[&long, &other]));
    }
}
