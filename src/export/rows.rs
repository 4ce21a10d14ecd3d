//! A run by cell, arm and phase.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::mechanism::Phase;
use crate::recording::{Cell, PhaseSummary, Recorded, Status, Trial, summarise};
use crate::statistics::Histogram;

use super::{cut, told};

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
    /// Whether they disagree; not known of one arm among several, whose histograms are not kept apart.
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

/// The rows of a cell. Arms are never summarised together: a comparison is between them.
pub(super) fn of_cell(cell: &Cell) -> Vec<Row<'_>> {
    let mut arms: BTreeMap<&str, Vec<&Trial>> = BTreeMap::new();
    for trial in &cell.trials {
        arms.entry(&trial.arm).or_default().push(trial);
    }
    if arms.len() <= 1 {
        // A run.json may have lost its trials and kept what they came to.
        let arm = arms.keys().next().copied().unwrap_or_default();
        let phases = cell.phases.iter();
        return phases
            .map(|(&phase, summary)| Row {
                cell,
                arm,
                trials: cell.trials.len(),
                first: cell.trials.first(),
                phase,
                summary: Cow::Borrowed(summary),
                disagree: Some(summary.trials_disagree),
            })
            .collect();
    }
    let mut rows = Vec::new();
    for (arm, trials) in arms {
        let own: Vec<Trial> = trials.iter().map(|&trial| trial.clone()).collect();
        rows.extend(summarise(&own).into_iter().map(|(phase, summary)| Row {
            cell,
            arm,
            trials: own.len(),
            first: trials.first().copied(),
            phase,
            summary: Cow::Owned(summary),
            disagree: None,
        }));
    }
    rows
}

/// The rows of all cells that were measured, for formats whose figures will be compared.
pub(super) fn measured(recorded: &Recorded) -> impl Iterator<Item = Row<'_>> {
    let cells = recorded.run.cells.iter();
    let measured = cells.filter(|cell| cell.status == Status::Ok);
    measured.flat_map(of_cell)
}

/// Every histogram of a cell that was measured.
pub(super) fn histograms(recorded: &Recorded) -> impl Iterator<Item = (&Cell, Phase, &Histogram)> {
    let cells = recorded.run.cells.iter();
    let cells = cells.filter(|cell| cell.status == Status::Ok);
    cells.flat_map(|cell| {
        let own = recorded.histograms.get(&cell.id).into_iter().flatten();
        let own = own.filter(|(_, histogram)| histogram.count() > 0);
        own.map(move |(&phase, histogram)| (cell, phase, histogram))
    })
}

/// What a reader of histograms has to know: which are missing, which lack a trial, which hold two arms.
pub(super) fn about_histograms(recorded: &Recorded) -> Vec<String> {
    let counts: BTreeMap<(&str, Phase), u64> = histograms(recorded)
        .map(|(cell, phase, histogram)| ((cell.id.as_str(), phase), histogram.count()))
        .collect();
    let (mut missing, mut partial, mut mixed) = (Vec::new(), Vec::new(), Vec::new());
    for cell in &recorded.run.cells {
        if cell.status != Status::Ok {
            continue;
        }
        for (&phase, summary) in &cell.phases {
            let name = || format!("{} {}", cut(&cell.id), phase.name());
            match counts.get(&(cell.id.as_str(), phase)) {
                None => missing.push(name()),
                Some(&count) if count != summary.count => partial.push(name()),
                Some(_) => {}
            }
        }
        let first = cell.trials.first().map(|trial| &trial.arm);
        if cell.trials.iter().any(|trial| Some(&trial.arm) != first) {
            mixed.push(cell.id.clone());
        }
    }
    [
        told(
            "left out, without a histogram (restore trials.jsonl or histograms.hlog)",
            missing,
        ),
        told("the histogram lacks some trials", partial),
        told("the histogram holds all arms together", mixed),
    ]
    .into_iter()
    .flatten()
    .collect()
}
