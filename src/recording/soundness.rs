//! Whether a trial's figures can be true: they may come from a stranger's file.

use std::collections::BTreeSet;

use super::error::plain;
use super::problems::Problems;
use super::schema::{Cell, CellKey, PhaseSummary, Run, Trial};
use crate::statistics::{Histogram, LONGEST, Quantiles};
use crate::units::exact_size;

/// Cells in a run: far above any real one, and a bound on what a hostile one costs.
pub(super) const MOST_CELLS: usize = 2_000;

/// What is wrong with a trial's figures, in words.
pub(super) fn flaw(trial: &Trial) -> Option<String> {
    if trial.phases.is_empty() {
        return Some("it has no phase".to_owned());
    }
    if let Some((phase, ns)) = trial.first.iter().find(|(_, ns)| **ns > LONGEST) {
        return Some(format!(
            "its first `{}` of {ns} ns is longer than an hour",
            phase.name()
        ));
    }
    if trial
        .requests
        .as_ref()
        .is_some_and(|requests| !requests.adds_up())
    {
        return Some("its requests don't add up to those that were due".to_owned());
    }
    trial.phases.iter().find_map(|(phase, measured)| {
        flaw_of(&measured.quantiles).map(|flaw| format!("its `{}` {flaw}", phase.name()))
    })
}

fn flaw_of(quantiles: &Quantiles) -> Option<String> {
    if quantiles.count == 0 {
        return Some("has no samples".to_owned());
    }
    let mut least = quantiles.min;
    let named = quantiles.named();
    let rising = named
        .iter()
        .filter_map(|(name, _, value)| value.map(|value| (*name, value)));
    for (name, value) in rising.chain([("max", quantiles.max)]) {
        if value < least {
            return Some(format!(
                "has a {name} of {value} ns below a lesser quantile of {least} ns"
            ));
        }
        least = value;
    }
    if quantiles.max > LONGEST {
        return Some(format!(
            "has a max of {} ns, longer than an hour",
            quantiles.max
        ));
    }
    // The mean was summed exactly and rounded once.
    let (low, high) = (quantiles.min as f64 - 1.0, quantiles.max as f64 + 1.0);
    let inside = low <= quantiles.mean && quantiles.mean <= high;
    (!inside).then(|| format!("has a mean of {} outside min to max", quantiles.mean))
}

/// The histogram in a trial, if it is one of the same samples as the quantiles.
pub(super) fn histogram_of(text: &str, quantiles: &Quantiles) -> Result<Histogram, String> {
    let histogram = Histogram::from_base64(text).map_err(|error| plain(&error.to_string()))?;
    if histogram.count() != quantiles.count {
        return Err(format!(
            "a histogram holds {} samples where {} were counted",
            histogram.count(),
            quantiles.count
        ));
    }
    if histogram.min() > quantiles.min || histogram.max() < quantiles.max {
        return Err("a histogram's range is not that of the quantiles".to_owned());
    }
    Ok(histogram)
}

/// What a cell's parts make, where that is not its id: `[SUBJECT:]MECHANISM/FOOTPRINT[@free][@rate=N][@exec=NAME]`, with
/// a message in the footprint's place where one goes through a channel.
pub(super) fn name_of_parts(key: &CellKey) -> Option<String> {
    let subject = match key.subject.as_str() {
        "native" => String::new(),
        subject => format!("{subject}:"),
    };
    let size = match key.message {
        Some(bytes) => exact_size(bytes),
        None => key.footprint.to_string(),
    };
    let place = key.placement.suffix();
    let rate = key.rate.map(|rate| format!("@rate={rate}"));
    let rate = rate.unwrap_or_default();
    let name = format!("{subject}{}/{size}{place}{rate}", key.mechanism);
    // The id has the program's file name, the key the whole command.
    let matches = match (&key.exec, key.id.strip_prefix(&name)) {
        (None, Some(rest)) => rest.is_empty(),
        (Some(_), Some(rest)) => rest.starts_with("@exec="),
        (_, None) => false,
    };
    (!matches).then(|| plain(&name))
}

/// Leaves out of a `run.json` what contradicts itself: nothing else is there to make it anew from.
pub(super) fn sift(run: &mut Run, problems: &mut Problems) {
    if run.cells.len() > MOST_CELLS {
        problems.note(format!("only the first {MOST_CELLS} cells are read"));
        run.cells.truncate(MOST_CELLS);
    }
    let mut ids = BTreeSet::new();
    run.cells.retain(|cell| {
        let new = ids.insert(cell.id.clone());
        if !new {
            problems.note(format!(
                "cell `{}` is there twice; the first counts",
                plain(&cell.id)
            ));
        }
        new
    });
    for cell in &mut run.cells {
        sift_cell(cell, problems);
    }
}

fn sift_cell(cell: &mut Cell, problems: &mut Problems) {
    let id = plain(&cell.id);
    let mut indices = BTreeSet::new();
    cell.trials.retain(|trial| {
        let twice = !indices.insert((trial.arm.clone(), trial.index));
        let flaw = flaw(trial).or_else(|| twice.then(|| "it is there twice".to_owned()));
        if let Some(flaw) = &flaw {
            problems.note(format!(
                "trial {} of cell `{id}` left out: {flaw}",
                trial.index
            ));
        }
        flaw.is_none()
    });
    for trial in &mut cell.trials {
        trial
            .phases
            .values_mut()
            .for_each(|measured| measured.histogram = None);
    }
    cell.phases.retain(|phase, summary| {
        let sound = is_sound(summary);
        if !sound {
            let phase = phase.name();
            problems.note(format!(
                "`{phase}` of cell `{id}` left out: it contradicts itself"
            ));
        }
        sound
    });
}

/// Whether all of a summary lies between its least and its greatest. Its quantiles need not rise: some are
/// medians over trials, some of all samples.
fn is_sound(summary: &PhaseSummary) -> bool {
    let PhaseSummary { min, max, .. } = *summary;
    let quantiles = [
        summary.p10,
        summary.p25,
        summary.p50,
        summary.p90,
        summary.p99,
        summary.p999,
    ];
    let ends = summary.intervals.values().flatten().copied();
    let mut figures = quantiles.into_iter().flatten().chain(ends);
    let mean = min as f64 - 1.0 <= summary.mean && summary.mean <= max as f64 + 1.0;
    summary.count > 0
        && max <= LONGEST
        && mean
        && figures.all(|ns| (min..=max).contains(&ns))
        && summary.intervals.values().all(|[low, high]| low <= high)
}
