//! From trials to what is said of a cell.

use std::collections::BTreeMap;

use super::schema::{PhaseSummary, Trial};
use super::soundness::histogram_of;
use crate::mechanism::Phase;
use crate::statistics::{
    Histogram, Interval, Quantiles, Resampling, median, samples_needed, trials_disagree,
};

/// Trials that an interval takes.
const INTERVAL_TRIALS: usize = 3;

/// One trial's share of one phase.
struct Part<'a> {
    quantiles: &'a Quantiles,
    samples: Option<&'a Histogram>,
}

/// What each phase comes to over all `trials`, from their quantiles and the histograms inside them.
///
/// p10, p25 and p50 are the median over trials of the trials' own where every trial has one. Where
/// trials are too short, and for p90, p99 and p999, a quantile is that of all samples together where
/// they are enough ([`samples_needed`]), to the histogram's 0.1 %. Without histograms these are `None`.
pub fn summarise(trials: &[Trial]) -> BTreeMap<Phase, PhaseSummary> {
    let samples: Vec<BTreeMap<Phase, Histogram>> = trials.iter().map(samples_of).collect();
    let pairs: Vec<_> = trials.iter().zip(&samples).collect();
    summarise_with(&pairs)
}

/// The sound histograms inside a trial.
fn samples_of(trial: &Trial) -> BTreeMap<Phase, Histogram> {
    let read = trial.phases.iter().filter_map(|(phase, measured)| {
        let text = measured.histogram.as_deref()?;
        Some((*phase, histogram_of(text, &measured.quantiles).ok()?))
    });
    read.collect()
}

/// [`summarise`], with the histograms decoded already.
pub(crate) fn summarise_with(
    trials: &[(&Trial, &BTreeMap<Phase, Histogram>)],
) -> BTreeMap<Phase, PhaseSummary> {
    let mut summaries = BTreeMap::new();
    for phase in Phase::ALL {
        let parts: Vec<Part> = trials
            .iter()
            .filter_map(|(trial, samples)| {
                Some(Part {
                    quantiles: &trial.phases.get(&phase)?.quantiles,
                    samples: samples.get(&phase),
                })
            })
            .collect();
        if let Some(summary) = summary_of(&parts) {
            summaries.insert(phase, summary);
        }
    }
    summaries
}

fn summary_of(parts: &[Part]) -> Option<PhaseSummary> {
    let min = parts.iter().map(|part| part.quantiles.min).min()?;
    let max = parts.iter().map(|part| part.quantiles.max).max()?;
    let all: Option<Vec<&Histogram>> = parts.iter().map(|part| part.samples).collect();
    let all = all.unwrap_or_default();
    let mut pooled = Histogram::new();
    all.iter().for_each(|samples| pooled.add(samples));

    let draws = Resampling::new(parts.len());
    let mut intervals = BTreeMap::new();
    let mut quantile = |name: &str, q: f64| {
        let own: Option<Vec<u64>> = parts.iter().map(|part| own_of(part.quantiles, q)).collect();
        let (value, interval) = match own {
            Some(own) => (median_of(&own), draws.of_medians(&own)),
            None if pooled.count() < samples_needed(q) => return None,
            None => (pooled.at(q), draws.of_pooled(&all, q)),
        };
        // A histogram's value is the highest of its bucket, which can lie beyond the greatest sample.
        let inside = |ns: u64| ns.clamp(min, max);
        if let (Some(Interval { low, high }), true) = (interval, parts.len() >= INTERVAL_TRIALS) {
            intervals.insert(name.to_owned(), [inside(low), inside(high)]);
        }
        Some(inside(value))
    };
    let [p10, p25, p50] =
        [("p10", 0.10), ("p25", 0.25), ("p50", 0.50)].map(|(n, q)| quantile(n, q));
    let [p90, p99, p999] =
        [("p90", 0.90), ("p99", 0.99), ("p999", 0.999)].map(|(n, q)| quantile(n, q));
    Some(PhaseSummary {
        count: count_of(parts),
        min,
        p10,
        p25,
        p50,
        p90,
        p99,
        p999,
        max,
        mean: mean_of(parts),
        intervals,
        trials_disagree: trials_disagree(&all),
    })
}

/// A trial's own quantile, for those that are summarised over trials.
fn own_of(quantiles: &Quantiles, q: f64) -> Option<u64> {
    let central = q <= 0.5;
    let named = quantiles.named();
    let own = named.iter().find(|(_, of, _)| *of == q)?.2;
    own.filter(|_| central)
}

fn median_of(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    median(&sorted).unwrap_or(0)
}

fn count_of(parts: &[Part]) -> u64 {
    let add = |sum: u64, part: &Part| sum.saturating_add(part.quantiles.count);
    parts.iter().fold(0, add)
}

fn mean_of(parts: &[Part]) -> f64 {
    let counts: f64 = parts.iter().map(|part| part.quantiles.count as f64).sum();
    let sum: f64 = parts
        .iter()
        .map(|part| part.quantiles.mean * part.quantiles.count as f64)
        .sum();
    sum / counts
}
