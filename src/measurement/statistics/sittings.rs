//! Two sides measured in sittings of their own: what may be said of their difference.
//!
//! The same program measured again an hour later is not as slow as before: the host has moved, for all of the
//! sitting's trials together. More trials don't help, more sittings do. So a sitting counts as one value, the
//! median of its trials, and the interval carries how far sittings stray.
//!
//! With one sitting a side nobody knows that, and [`BETWEEN`] is taken for it. With more, the sittings tell it
//! themselves, as Student's t (1908) makes of few values, and the interval is never narrower than the assumption
//! would have made it: two sittings can agree by chance.

use super::Shift;
use super::student::student_quantile;

/// How far sittings of one host are taken to stray, as a standard deviation of log values: sittings of one and the
/// same program, ninety minutes apart, strayed by about that at p10.
pub const BETWEEN: f64 = 0.015;

/// What sittings say of the difference of two sides, in logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strayed {
    /// The difference of the sides' means over sittings, with its interval.
    pub shift: Shift,
    /// Its standard deviation, which the interval follows from.
    pub deviation: f64,
    /// Standard deviation of one sitting's value, the part of its trials included.
    pub sitting: f64,
    /// Whether sittings told how far they stray; [`BETWEEN`] was assumed otherwise, and where it is more.
    pub estimated: bool,
}

/// One sitting's value, and what its trials say of it.
struct Sitting {
    value: f64,
    trials: f64,
    /// Variance of the trials; `None` for a single one.
    variance: Option<f64>,
}

/// The difference of candidate and base, each a list of sittings with the log values of their trials, and its
/// interval at a two-sided `level`. `None` where a side is empty, a value is no number, or
/// nothing tells the trials' spread: one trial in each of two sittings.
pub fn compare_sittings(base: &[Vec<f64>], candidate: &[Vec<f64>], level: f64) -> Option<Strayed> {
    let base: Vec<Sitting> = base
        .iter()
        .map(|trials| sitting(trials))
        .collect::<Option<_>>()?;
    let candidate: Vec<Sitting> = candidate
        .iter()
        .map(|trials| sitting(trials))
        .collect::<Option<_>>()?;
    if base.is_empty() || candidate.is_empty() {
        return None;
    }
    let centre = mean(&candidate) - mean(&base);
    let per_sitting = 1.0 / base.len() as f64 + 1.0 / candidate.len() as f64;

    let assumed = assumed(&base, &candidate);
    let freedom = base.len() + candidate.len() - 2;
    let told = (freedom > 0).then(|| {
        let pooled = (squares(&base) + squares(&candidate)) / freedom as f64;
        (pooled * per_sitting, freedom as f64)
    });
    let half = |(variance, freedom): (f64, f64)| variance.sqrt() * student_quantile(level, freedom);
    let (estimated, (variance, freedom)) = match (told, assumed) {
        (Some(told), Some(assumed)) if half(told) > half(assumed) => (true, told),
        (_, Some(assumed)) => (false, assumed),
        // One trial a sitting: the sittings' own spread holds that of trials.
        (Some((variance, freedom)), None) => {
            let floor = BETWEEN.powi(2) * per_sitting;
            (variance > floor, (variance.max(floor), freedom))
        }
        (None, None) => return None,
    };
    let reach = half((variance, freedom));
    Some(Strayed {
        shift: Shift {
            centre,
            low: centre - reach,
            high: centre + reach,
        },
        deviation: variance.sqrt(),
        sitting: (variance / per_sitting).sqrt(),
        estimated,
    })
    .filter(|strayed| strayed.shift.low.is_finite() && strayed.shift.high.is_finite())
}

/// A side's value: the mean over its sittings of the medians over their trials, all in logarithms. `None` where it has
/// no sitting, one without trials, or a value that is no number.
pub fn value_of_sittings(sittings: &[Vec<f64>]) -> Option<f64> {
    let sittings: Vec<Sitting> = sittings
        .iter()
        .map(|trials| sitting(trials))
        .collect::<Option<_>>()?;
    (!sittings.is_empty()).then(|| mean(&sittings))
}

fn sitting(trials: &[f64]) -> Option<Sitting> {
    let mut sorted = trials.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let value = (upper + sorted[(sorted.len() - 1) / 2]) / 2.0;
    if !sorted.iter().all(|value| value.is_finite()) {
        return None;
    }
    let trials = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / trials;
    let squares: f64 = sorted.iter().map(|value| (value - mean).powi(2)).sum();
    Some(Sitting {
        value,
        trials,
        variance: (trials > 1.0).then(|| squares / (trials - 1.0)),
    })
}

/// The variance of the median of that many normal values, for a variance of 1: within 2 % of the true one for odd
/// counts, above it for even ones.
fn share_of_median(count: f64) -> f64 {
    let limit = std::f64::consts::FRAC_PI_2;
    limit / (count + limit - 1.0)
}

fn mean(sittings: &[Sitting]) -> f64 {
    sittings.iter().map(|sitting| sitting.value).sum::<f64>() / sittings.len() as f64
}

fn squares(sittings: &[Sitting]) -> f64 {
    let mean = mean(sittings);
    let squares = sittings
        .iter()
        .map(|sitting| (sitting.value - mean).powi(2));
    squares.sum()
}

/// The variance of the difference if sittings stray by [`BETWEEN`], the trials' spread added, with the degrees
/// of freedom of Welch (1947) and Satterthwaite (1946): the first part is taken as known.
fn assumed(base: &[Sitting], candidate: &[Sitting]) -> Option<(f64, f64)> {
    // What a sitting of one trial does not tell is taken to be like the others' worst.
    let told = base.iter().chain(candidate).filter_map(|one| one.variance);
    let worst = told.max_by(f64::total_cmp)?;
    let (mut variance, mut uncertain) = (0.0, 0.0);
    for side in [base, candidate] {
        let weight = (side.len() as f64).powi(-2);
        for sitting in side {
            let through_trials =
                sitting.variance.unwrap_or(worst) * share_of_median(sitting.trials);
            variance += weight * (BETWEEN.powi(2) + through_trials);
            uncertain += (weight * through_trials).powi(2) / (sitting.trials - 1.0).max(1.0);
        }
    }
    Some((variance, variance.powi(2) / uncertain))
}
