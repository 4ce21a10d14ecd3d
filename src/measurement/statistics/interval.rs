//! Intervals of quantiles, from resampling whole trials.
//!
//! A trial's iterations share its physical pages, its address space layout and its CPU, so they are no
//! independent witnesses; trials are. The bootstrap therefore draws trials with replacement and takes
//! each with all its samples (the cluster bootstrap: Davison and Hinkley, *Bootstrap Methods and their
//! Application*, 1997, section 3.8), and the interval lies between the 2.5th and the 97.5th
//! percentile of what comes out.
//!
//! With few trials such an interval is too narrow: of three trials it can only span the least to the
//! greatest, which covers the true median three times in four; of ten, about nine in ten. It is
//! drawn to show the spread, and no verdict rests on it.

use crate::statistics::{Histogram, Random};

/// Where a figure lies with 95 % confidence, ends included. In nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Lower end.
    pub low: u64,
    /// Upper end.
    pub high: u64,
}

/// The same for every call, so that the same run always shows the same interval.
const SEED: u64 = 0x666f_726b;
/// Resamplings for an interval, and the fewest where there are absurdly many trials.
const ROUNDS: usize = 1_000;
const FEWEST_ROUNDS: usize = 50;
/// Draws that all rounds take together: the input may come from a stranger.
const MOST_DRAWS: usize = 2_000_000;

/// The middle of sorted values; of two middle ones the whole number between, rounded down.
pub fn median(sorted: &[u64]) -> Option<u64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = sorted[sorted.len() / 2 - 1];
    Some(lower + (upper - lower) / 2)
}

/// Draws of as many trials as there are, with replacement, made once for all figures of a phase.
#[derive(Debug, Clone)]
pub struct Resampling {
    trials: usize,
    /// How often each trial came up: a row for each round.
    weights: Vec<u32>,
}

impl Resampling {
    /// The draws for that many trials: always the same ones.
    pub fn new(trials: usize) -> Self {
        let rounds = (MOST_DRAWS / trials.max(1)).clamp(FEWEST_ROUNDS, ROUNDS);
        let mut random = Random::new(SEED);
        let mut weights = vec![0; rounds * trials];
        for row in weights.chunks_exact_mut(trials.max(1)) {
            for _ in 0..trials {
                row[random.below(trials as u64) as usize] += 1;
            }
        }
        Self { trials, weights }
    }

    /// The interval of the median of trials' own figures. `None` for no trial, or another number of them
    /// than the draws are for.
    pub fn of_medians(&self, figures: &[u64]) -> Option<Interval> {
        let mut sorted = figures.to_vec();
        sorted.sort_unstable();
        let middles = [sorted.len().checked_sub(1)? / 2, sorted.len() / 2];
        let once = |row: &[u32]| {
            let (mut below, mut found, mut next) = (0, [0, 0], 0);
            for (&value, &weight) in sorted.iter().zip(row) {
                below += weight as usize;
                while next < 2 && middles[next] < below {
                    found[next] = value;
                    next += 1;
                }
            }
            found[0] + (found[1] - found[0]) / 2
        };
        self.between(figures.len(), once)
    }

    /// The interval of quantile `q` (0 to 1) of all samples of all trials taken together. `None` where no
    /// trial has a sample, or there are not as many as the draws are for.
    pub fn of_pooled(&self, trials: &[&Histogram], q: f64) -> Option<Interval> {
        let stair = Stair::new(trials, q)?;
        self.between(trials.len(), |row| stair.quantile(row, q))
    }

    fn between(&self, trials: usize, figure: impl Fn(&[u32]) -> u64) -> Option<Interval> {
        if trials != self.trials || trials == 0 {
            return None;
        }
        let rows = self.weights.chunks_exact(trials);
        let mut figures: Vec<u64> = rows.map(figure).collect();
        let cut = figures.len() / 40;
        let high = figures.len() - 1 - cut;
        Some(Interval {
            low: *figures.select_nth_unstable(cut).1,
            high: *figures.select_nth_unstable(high).1,
        })
    }
}

/// The samples of all trials, rising, where the quantile of any mixture of them can lie.
struct Stair {
    /// Value, trial, and how many samples that trial has there.
    steps: Vec<(u64, usize, f64)>,
    /// For each trial: its samples.
    totals: Vec<f64>,
    /// Before every so many steps, for each trial: its samples so far. A mixture is found by bisection.
    landings: Vec<f64>,
    stride: usize,
    greatest: u64,
}

impl Stair {
    fn new(trials: &[&Histogram], q: f64) -> Option<Self> {
        let with_samples = trials.iter().filter(|trial| trial.count() > 0);
        let own: Vec<u64> = with_samples.map(|trial| trial.at(q)).collect();
        // However trials are weighted, the quantile of all lies between the least and the greatest of
        // their own: outside nothing need be walked.
        let (least, greatest) = (*own.iter().min()?, *own.iter().max()?);
        let mut so_far = vec![0.0; trials.len()];
        let mut steps = Vec::new();
        for (at, trial) in trials.iter().enumerate() {
            for (value, count) in trial.values().take_while(|step| step.0 <= greatest) {
                if value < least {
                    so_far[at] += count as f64;
                } else {
                    steps.push((value, at, count as f64));
                }
            }
        }
        steps.sort_unstable_by_key(|step| (step.0, step.1));
        // No more landings than steps, whatever the number of trials.
        let stride = trials.len().max(16);
        let mut landings = Vec::new();
        for (number, &(_, at, count)) in steps.iter().enumerate() {
            if number % stride == 0 {
                landings.extend(&so_far);
            }
            so_far[at] += count;
        }
        Some(Self {
            steps,
            totals: trials.iter().map(|trial| trial.count() as f64).collect(),
            landings,
            stride,
            greatest,
        })
    }

    /// The quantile of a mixture in which each trial comes as often as its weight says.
    fn quantile(&self, weights: &[u32], q: f64) -> u64 {
        let mixed = |counts: &[f64]| -> f64 {
            let pairs = counts.iter().zip(weights);
            pairs
                .map(|(count, &weight)| count * f64::from(weight))
                .sum()
        };
        let rank = q * mixed(&self.totals) - 1e-6;
        let landing = |number: usize| &self.landings[number * weights.len()..][..weights.len()];
        let (mut low, mut high) = (0, self.landings.len() / weights.len());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match mixed(landing(middle)) < rank {
                true => low = middle,
                false => high = middle,
            }
        }
        let mut reached = mixed(landing(low));
        for &(value, at, count) in &self.steps[low * self.stride..] {
            reached += count * f64::from(weights[at]);
            if reached >= rank {
                return value;
            }
        }
        self.greatest
    }
}

/// [`Resampling::of_medians`], with draws of its own.
pub fn resample_medians(figures: &[u64]) -> Option<Interval> {
    Resampling::new(figures.len()).of_medians(figures)
}

/// [`Resampling::of_pooled`], with draws of its own.
pub fn resample_trials(trials: &[&Histogram], q: f64) -> Option<Interval> {
    Resampling::new(trials.len()).of_pooled(trials, q)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// About normal, mean 0, standard deviation 1: the sum of twelve uniform numbers, less six.
    fn normal(random: &mut Random) -> f64 {
        (0..12).map(|_| random.unit()).sum::<f64>() - 6.0
    }

    /// A trial whose samples lie about 100 µs times its own factor.
    fn trial(random: &mut Random, between: f64, within: f64, count: usize) -> Vec<u64> {
        let level = 100_000.0 * (1.0 + between * normal(random));
        (0..count)
            .map(|_| (level * (1.0 + within * normal(random))) as u64)
            .collect()
    }

    #[test]
    fn medians_of_few() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3]), Some(3));
        assert_eq!(median(&[1, 4]), Some(2));
        assert_eq!(median(&[u64::MAX - 1, u64::MAX]), Some(u64::MAX - 1));
        assert_eq!(resample_medians(&[]), None);
        assert_eq!(resample_medians(&[7]), Some(Interval { low: 7, high: 7 }));
        // Of three trials the least comes up as median in 7 of 27 draws: the interval is the range.
        assert_eq!(
            resample_medians(&[30, 10, 20]),
            Some(Interval { low: 10, high: 30 })
        );
    }

    #[test]
    fn the_pooled_quantile_lies_in_its_interval_and_two_calls_agree() {
        let mut random = Random::new(5);
        let trials: Vec<Histogram> = (0..7)
            .map(|_| Histogram::of(&trial(&mut random, 0.05, 0.02, 300)))
            .collect();
        let all: Vec<&Histogram> = trials.iter().collect();
        let mut pooled = Histogram::new();
        all.iter().for_each(|one| pooled.add(one));
        for q in [0.5, 0.9, 0.99] {
            let interval = resample_trials(&all, q).unwrap();
            let value = pooled.at(q);
            assert!(
                interval.low <= value && value <= interval.high,
                "{q}: {interval:?} {value}"
            );
            assert!(interval.low < interval.high);
            assert_eq!(resample_trials(&all, q), Some(interval));
        }
        assert_eq!(resample_trials(&[], 0.5), None);
        assert_eq!(resample_trials(&[&Histogram::new()], 0.5), None);
    }

    const SETS: usize = 150;

    /// Share of intervals of a pooled quantile that hold the true one.
    fn coverage(trials: usize, q: f64, z: f64) -> f64 {
        let (mut random, mut held) = (Random::new(99), 0);
        // Trial and sample deviations add up to one normal law of 5.39 %.
        let truth = (100_000.0 * (1.0 + z * (0.05f64.powi(2) + 0.02f64.powi(2)).sqrt())) as u64;
        for _ in 0..SETS {
            let drawn: Vec<Histogram> = (0..trials)
                .map(|_| Histogram::of(&trial(&mut random, 0.05, 0.02, 30)))
                .collect();
            let interval = resample_trials(&drawn.iter().collect::<Vec<_>>(), q).unwrap();
            held += usize::from(interval.low <= truth && truth <= interval.high);
        }
        held as f64 / SETS as f64
    }

    #[test]
    fn intervals_of_many_trials_cover_and_those_of_three_are_as_narrow_as_said() {
        let many = coverage(30, 0.5, 0.0);
        assert!((0.90..=0.99).contains(&many), "{many}");
        let tail = coverage(30, 0.9, 1.2816);
        assert!((0.80..=0.99).contains(&tail), "{tail}");
        let three = coverage(3, 0.5, 0.0);
        assert!((0.65..0.85).contains(&three), "{three}");
        let ten = coverage(10, 0.5, 0.0);
        assert!((0.85..0.96).contains(&ten), "{ten}");
    }

    #[test]
    fn resampling_samples_instead_of_trials_would_cover_far_less() {
        // The mistake this module exists to avoid: pool, then treat samples as independent.
        let (mut random, mut held) = (Random::new(3), 0);
        for _ in 0..200 {
            let mut all: Vec<u64> = (0..10)
                .flat_map(|_| trial(&mut random, 0.05, 0.02, 100))
                .collect();
            all.truncate(1_000);
            let interval = resample_medians(&all).unwrap();
            held += usize::from(interval.low <= 100_000 && 100_000 <= interval.high);
        }
        assert!(held < 120, "{held} of 200");
    }
}
