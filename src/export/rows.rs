//! A run by cell, arm and phase.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{cut, told};
use crate::mechanism::Phase;
use crate::recording::{Cell, PILOT, PhaseSummary, Recorded, Status, Trial, summarise_with};
use crate::statistics::Histogram;

/// One phase of one arm of a cell.
pub(super) struct Row<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// The side of an A/B comparison, or empty.
    pub arm: &'a str,
    /// How many trials measured it.
    pub trials: usize,
    /// The first of them, whose receipt stands for all: each was held against the footprint.
    pub first: Option<&'a Trial>,
    /// The phase.
    pub phase: Phase,
    /// Over those trials.
    pub summary: Cow<'a, PhaseSummary>,
    /// Their samples, as far as they have histograms.
    pub histogram: Option<Cow<'a, Histogram>>,
    /// Whether they disagree; not known where the histograms of an arm are missing.
    pub disagree: Option<bool>,
}

impl Row<'_> {
    /// What names it: the cell's id, the arm if it has one, the phase.
    pub(super) fn name(&self) -> String {
        let arm = match self.arm {
            "" => String::new(),
            arm => format!(" arm {}", cut(arm)),
        };
        format!("{}{arm} {}", cut(&self.cell.id), self.phase.name())
    }
}

type Samples = BTreeMap<Phase, Histogram>;

/// The rows of a cell. Arms are never summarised together: a comparison is between them.
pub(super) fn of_cell<'a>(recorded: &'a Recorded, cell: &'a Cell) -> Vec<Row<'a>> {
    static NONE: Samples = Samples::new();
    // Empty where only run.json was there.
    let samples = recorded.trial_histograms.get(&cell.id);
    let samples = samples.filter(|samples| samples.len() == cell.trials.len());
    let mut arms: BTreeMap<&str, Vec<(&Trial, &Samples)>> = BTreeMap::new();
    for (number, trial) in cell.trials.iter().enumerate() {
        let own = samples.map_or(&NONE, |samples| &samples[number]);
        // Pilot trials of a comparison count nowhere.
        if trial.arm != PILOT {
            arms.entry(&trial.arm).or_default().push((trial, own));
        }
    }
    let counted: usize = arms.values().map(Vec::len).sum();
    if arms.len() > 1 || counted < cell.trials.len() {
        let rows = arms.into_iter();
        return rows
            .flat_map(|(arm, trials)| of_arm(cell, arm, &trials))
            .collect();
    }
    let pooled = recorded.histograms.get(&cell.id);
    // A run.json may have lost its trials and kept what they came to.
    let arm = arms.keys().next().copied().unwrap_or_default();
    let row = |(&phase, summary): (&Phase, &'a PhaseSummary)| Row {
        cell,
        arm,
        trials: cell.trials.len(),
        first: cell.trials.first(),
        phase,
        summary: Cow::Borrowed(summary),
        histogram: pooled.and_then(|pooled| Some(Cow::Borrowed(pooled.get(&phase)?))),
        disagree: Some(summary.trials_disagree),
    };
    cell.phases.iter().map(row).collect()
}

/// The rows of one arm among several.
fn of_arm<'a>(cell: &'a Cell, arm: &'a str, trials: &[(&'a Trial, &Samples)]) -> Vec<Row<'a>> {
    let row = |(phase, summary): (Phase, PhaseSummary)| {
        let mut histogram = Histogram::new();
        let own = trials.iter().filter_map(|(_, samples)| samples.get(&phase));
        own.for_each(|own| histogram.add(own));
        Row {
            cell,
            arm,
            trials: trials.len(),
            first: trials.first().map(|(trial, _)| *trial),
            phase,
            disagree: (histogram.count() == summary.count).then_some(summary.trials_disagree),
            summary: Cow::Owned(summary),
            histogram: Some(Cow::Owned(histogram)),
        }
    };
    summarise_with(trials).into_iter().map(row).collect()
}

/// The rows of all cells that were measured, for formats whose figures will be compared.
pub(super) fn measured(recorded: &Recorded) -> impl Iterator<Item = Row<'_>> {
    let cells = recorded.run.cells.iter();
    let measured = cells.filter(|cell| cell.status == Status::Ok);
    measured.flat_map(|cell| of_cell(recorded, cell))
}

/// Those of them that have a histogram, and what a reader has to know of the others: which have none, and
/// which lack some trials.
pub(super) fn histograms<'a>(rows: &'a [Row]) -> (Vec<(&'a Row<'a>, &'a Histogram)>, Vec<String>) {
    let (mut there, mut missing, mut partial) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        match row.histogram.as_deref().filter(|own| own.count() > 0) {
            None => missing.push(row.name()),
            Some(own) => {
                there.push((row, own));
                if own.count() != row.summary.count {
                    partial.push(row.name());
                }
            }
        }
    }
    let missing = told(
        "left out, without a histogram (restore trials.jsonl or histograms.hlog)",
        missing,
    );
    let partial = told("the histogram lacks some trials", partial);
    (there, missing.into_iter().chain(partial).collect())
}
