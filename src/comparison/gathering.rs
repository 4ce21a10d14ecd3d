//! What the runs of one side hold of a cell's phase.

use super::document::{SideFigures, Statistic};
use crate::footprint::Receipt;
use crate::mechanism::Phase;
use crate::recording::{Cell, Recorded, Status, Trial, plain};
use crate::statistics::{Histogram, samples_needed};
use crate::units::exact_size;

/// What one side has of a cell's phase.
pub(super) enum Found<'a> {
    /// No run of it knows the cell, or none has trials of it.
    Nothing(String),
    /// It was measured.
    Measured(Box<Measured<'a>>),
    /// It can't be used, and why.
    Unusable(String),
}

/// A cell's phase as one side measured it.
pub(super) struct Measured<'a> {
    /// The cell, in the first sitting that has it.
    pub cell: &'a Cell,
    /// For each sitting: the trials' values, as logarithms of nanoseconds.
    pub sittings: Vec<Vec<f64>>,
    /// All trials' receipts.
    pub receipts: Vec<&'a Receipt>,
    /// All samples; `None` where some trial's are not there any more.
    pub samples: Option<Histogram>,
    /// How many samples that is.
    count: u64,
}

/// A cell's phase on both sides, or why there is nothing to judge.
pub(super) type Pair<'a> = Result<[Box<Measured<'a>>; 2], String>;

/// Gathers the trials of a cell's phase from the runs of one side.
pub(super) fn gather<'a>(
    side: &'a [Recorded],
    id: &str,
    phase: Phase,
    statistic: Statistic,
) -> Found<'a> {
    let mut measured: Option<Measured> = None;
    let mut nothing = "it is not there".to_owned();
    for recorded in side {
        let Some(cell) = recorded.run.cells.iter().find(|cell| cell.id == id) else {
            continue;
        };
        let run = plain(&recorded.run.id);
        let reason = || plain(cell.reason.as_deref().unwrap_or("no reason is given"));
        match cell.status {
            Status::Failed => return Found::Unusable(format!("it failed in {run}: {}", reason())),
            Status::Skipped => {
                nothing = format!("it was skipped in {run}: {}", reason());
                continue;
            }
            Status::Ok => {}
        }
        match sitting(recorded, cell, phase, statistic) {
            Ok(None) => nothing = format!("{run} has no trials of its `{}`", phase.name()),
            Err(reason) => return Found::Unusable(format!("{run}: {reason}")),
            Ok(Some(more)) => match &mut measured {
                None => measured = Some(more),
                Some(before) => {
                    if let Some(odd) = unlike(before.cell, cell) {
                        return Found::Unusable(format!(
                            "its runs measured different cells: {odd}"
                        ));
                    }
                    before.join(more);
                }
            },
        }
    }
    match measured {
        Some(measured) => Found::Measured(Box::new(measured)),
        None => Found::Nothing(nothing),
    }
}

/// One sitting's trials; `None` where it has none of that phase.
fn sitting<'a>(
    recorded: &'a Recorded,
    cell: &'a Cell,
    phase: Phase,
    statistic: Statistic,
) -> Result<Option<Measured<'a>>, String> {
    let histograms = recorded.trial_histograms.get(&cell.id);
    let (mut values, mut receipts, mut count) = (Vec::new(), Vec::new(), 0u64);
    let mut samples = Some(Histogram::new());
    let mut in_arms = false;
    for (number, trial) in cell.trials.iter().enumerate() {
        let Some(of_phase) = trial.phases.get(&phase) else {
            continue;
        };
        if !trial.arm.is_empty() {
            in_arms = true;
            continue;
        }
        let own = histograms.and_then(|all| all.get(number)?.get(&phase));
        let value = value(trial, phase, own, statistic)?;
        if value == 0 {
            return Err(format!(
                "a trial's {} is 0 ns: the clock is too coarse for it, or the times are made up",
                statistic.name()
            ));
        }
        values.push((value as f64).ln());
        receipts.push(&trial.receipt);
        count = count.saturating_add(of_phase.quantiles.count);
        samples = samples.zip(own).map(|(mut all, own)| {
            all.add(own);
            all
        });
    }
    if values.is_empty() && in_arms {
        return Err(
            "its trials are arms of an A/B comparison, which has its own verdict; name runs of \
                    `forkbench run` or `cargo bench`"
                .to_owned(),
        );
    }
    Ok((!values.is_empty()).then(|| Measured {
        cell,
        sittings: vec![values],
        receipts,
        samples,
        count,
    }))
}

/// What stands for a trial: its own quantile, and where its samples are too few for one to be recorded, the same
/// order statistic from its histogram, which is off by 0.1 % at most.
fn value(
    trial: &Trial,
    phase: Phase,
    samples: Option<&Histogram>,
    statistic: Statistic,
) -> Result<u64, String> {
    let quantiles = &trial.phases[&phase].quantiles;
    let named = quantiles.named();
    let recorded = named
        .iter()
        .find(|(name, _, _)| *name == statistic.name())
        .and_then(|(_, _, value)| *value);
    let counted = || samples.map(|samples| samples.at(statistic.quantile()));
    recorded.or_else(counted).ok_or_else(|| {
        format!(
            "a trial of {} samples has no {} of its own (that takes {}), and its histogram is not there; restore \
             trials.jsonl, or choose another --statistic",
            quantiles.count,
            statistic.name(),
            samples_needed(statistic.quantile())
        )
    })
}

/// In what two cells of one name differ, if they do.
pub(super) fn unlike(one: &Cell, other: &Cell) -> Option<String> {
    let exec = |cell: &Cell| plain(cell.exec.as_deref().unwrap_or("none"));
    let message = |cell: &Cell| cell.message.map_or("none".to_owned(), exact_size);
    let parts = [
        ("subject", plain(&one.subject), plain(&other.subject)),
        ("mechanism", plain(&one.mechanism), plain(&other.mechanism)),
        (
            "footprint",
            one.footprint.to_string(),
            other.footprint.to_string(),
        ),
        ("message", message(one), message(other)),
        (
            "placement",
            one.placement.name().to_owned(),
            other.placement.name().to_owned(),
        ),
        ("exec", exec(one), exec(other)),
    ];
    let mut odd = parts.into_iter().filter(|(_, one, other)| one != other);
    odd.next()
        .map(|(name, one, other)| format!("{name} {one} against {other}"))
}

impl Measured<'_> {
    /// Takes in another sitting.
    fn join(&mut self, more: Self) {
        self.sittings.extend(more.sittings);
        self.receipts.extend(more.receipts);
        self.count = self.count.saturating_add(more.count);
        self.samples = self.samples.take().zip(more.samples).map(|(mut all, own)| {
            all.add(&own);
            all
        });
    }

    /// Trials of all sittings.
    pub(super) fn trials(&self) -> usize {
        self.sittings.iter().map(Vec::len).sum()
    }

    /// Whether every trial of a sitting gave one and the same value, in all of them.
    pub(super) fn never_varies(&self) -> bool {
        let same = |trials: &Vec<f64>| trials.iter().all(|value| *value == trials[0]);
        self.sittings.iter().all(same)
    }

    /// What the document says of this side. `value` is the logarithm of its mean over sittings.
    pub(super) fn figures(&self, value: f64) -> SideFigures {
        let at = |q: f64| {
            let samples = self.samples.as_ref()?;
            (samples.count() >= samples_needed(q)).then(|| samples.at(q))
        };
        SideFigures {
            cell: self.cell.id.clone(),
            trials: self.trials() as u64,
            sittings: self.sittings.len() as u64,
            samples: self.count,
            value: value.exp(),
            p50: at(0.50),
            p90: at(0.90),
            p99: at(0.99),
        }
    }
}
