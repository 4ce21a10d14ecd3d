//! From a host's runs to what is said of each cell.

mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use super::document::{COMMON, CellHistory, ChangeSeen, HostHistory, PendingSeen, RunSeen, Seen};
use super::runs::{CellRuns, HostRuns};
use crate::mechanism::Phase;
use crate::statistics::change_points::{
    Change, Detector, FEWEST, FEWEST_REFERENCES, Normalised, Reading, common_part,
};
use crate::statistics::median_of;

/// So many runs a cell needs for anything to be said of it.
pub const FEWEST_RUNS: usize = FEWEST;
/// A cell that was in none of the newest runs, so many, is gone however seldom it was measured: nothing is said of its newest
/// level.
pub const GONE: usize = 30;
/// Values that tell a level as it was measured.
const LEVEL: usize = 30;
/// A change of less than this, in nanoseconds, is none: clocks are read in whole ones.
const RESOLVED: f64 = 1.5;
/// What stands for 1 in the points of what all cells have in common.
const WHOLE: f64 = 1_000.0;

/// What is asked of a host's runs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// The smallest change that makes a verdict, as a ratio less one.
    pub threshold: f64,
    /// Changes whose first run began before this moment (seconds since 1970) are known: they make no verdict.
    pub known: Option<i64>,
    /// Whether what was measured is handed out as well.
    pub with_points: bool,
}

/// One series on its way to a verdict.
struct Series<'a> {
    id: &'a str,
    phase: Option<Phase>,
    normalised: bool,
    /// Newest runs that have it, and of which nobody knows what the sitting did.
    unjudged: usize,
    /// Of each value the run.
    runs: Vec<usize>,
    detector: Detector,
    changes: Vec<Change>,
    cell: Option<&'a CellRuns>,
    points: Vec<Seen>,
}

/// Judges the runs of one host.
///
/// What sittings did to all cells of a phase is taken out of each, and judged as a series of its own. A cell whose runs have
/// too few others is judged as it was measured. Cells keep the order in which they were given; what they have in common
/// stands before them.
pub fn judge(host: &HostRuns, asked: &Asked) -> HostHistory {
    let mut all: Vec<Series> = Vec::new();
    for phase in pools(host) {
        let cells: Vec<&CellRuns> = host
            .cells
            .iter()
            .filter(|cell| pool(cell) == phase)
            .collect();
        all.extend(series(host, &cells, asked));
    }
    let together = together(&all);
    // What all have in common comes first; a sort keeps the order of the others.
    all.sort_by_key(|one| one.cell.is_some());
    let judged = all
        .into_iter()
        .filter(|one| one.cell.is_none_or(|cell| cell.is_asked_for));
    HostHistory {
        host: host.fingerprint.clone(),
        name: host.name.clone(),
        branch: host.branch.clone(),
        count: host.runs.len(),
        newest: host.runs.last().cloned(),
        runs: if asked.with_points {
            host.runs.clone()
        } else {
            Vec::new()
        },
        cells: judged
            .map(|one| one.said(&host.runs, asked, &together))
            .collect(),
    }
}

/// Which cells are each other's references: those of one phase.
fn pool(cell: &CellRuns) -> Option<Phase> {
    cell.phase
        .map(|phase| match Phase::WRITES.contains(&phase) {
            // A run has few cells of writes; the calls beside them say what the sitting did.
            true => Phase::Call,
            false => phase,
        })
}

fn pools(host: &HostRuns) -> BTreeSet<Option<Phase>> {
    host.cells.iter().map(pool).collect()
}

/// The series of one pool of cells.
fn series<'a>(host: &'a HostRuns, cells: &[&'a CellRuns], asked: &Asked) -> Vec<Series<'a>> {
    let count = host.runs.len();
    let measured: Vec<Vec<f64>> = cells.iter().map(|cell| logs(cell, count)).collect();
    let values: Vec<&[f64]> = measured.iter().map(Vec::as_slice).collect();
    let references: Vec<bool> = cells.iter().map(|cell| cell.is_reference).collect();
    let parted = common_part(&values, &references);
    let mut all = common(cells, &parted, &references, asked);
    // Each is judged for itself, so they share the processors.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = cells.len().div_ceil(threads).max(1);
    let order: Vec<usize> = (0..cells.len()).collect();
    std::thread::scope(|scope| {
        let handles: Vec<_> = order
            .chunks(share)
            .map(|part| {
                let one =
                    |&at: &usize| Series::of(cells[at], &measured[at], &parted.cells[at], asked);
                scope.spawn(move || part.iter().map(one).collect::<Vec<_>>())
            })
            .collect();
        for handle in handles {
            match handle.join() {
                Ok(part) => all.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    all
}

/// Log values by run, NaN where there is none.
fn logs(cell: &CellRuns, count: usize) -> Vec<f64> {
    let mut values = vec![f64::NAN; count];
    for measured in &cell.measured {
        if let Some(value) = values.get_mut(measured.run) {
            *value = (measured.p10.max(1) as f64).ln();
        }
    }
    values
}

/// What the cells of a pool have in common, if enough of them say it.
fn common<'a>(
    cells: &[&'a CellRuns],
    parted: &Normalised,
    references: &[bool],
    asked: &Asked,
) -> Vec<Series<'a>> {
    let witnesses = references
        .iter()
        .filter(|is_reference| **is_reference)
        .count();
    if witnesses <= FEWEST_REFERENCES || parted.common.iter().all(|value| value.is_nan()) {
        return Vec::new();
    }
    let mut one = Series::new(
        COMMON,
        cells.first().and_then(|cell| pool(cell)),
        &parted.common,
        0.0,
    );
    if asked.with_points {
        let point = |(&run, reading): (&usize, f64)| {
            let p10 = (WHOLE * reading.exp()).round().clamp(1.0, 1e15) as u64;
            Seen {
                run,
                p10,
                low: p10,
                high: p10,
                adjusted: None,
                trials: 1,
            }
        };
        let values = one.runs.iter().map(|&run| parted.common[run]);
        one.points = one.runs.iter().zip(values).map(point).collect();
    }
    vec![one]
}

impl<'a> Series<'a> {
    fn new(id: &'a str, phase: Option<Phase>, values: &[f64], resolution: f64) -> Self {
        let finite = values
            .iter()
            .enumerate()
            .filter(|(_, value)| value.is_finite());
        let (runs, readings): (Vec<usize>, Vec<Reading>) = finite
            .map(|(run, &value)| {
                (
                    run,
                    Reading {
                        at: run as f64,
                        value,
                    },
                )
            })
            .unzip();
        let detector = Detector::new(readings, resolution);
        Self {
            id,
            phase,
            normalised: false,
            unjudged: 0,
            changes: detector.told(runs.len(), 0),
            runs,
            detector,
            cell: None,
            points: Vec::new(),
        }
    }

    /// The series of a cell: `parted` is `measured` without what sittings did.
    fn of(cell: &'a CellRuns, measured: &[f64], parted: &[f64], asked: &Asked) -> Self {
        let count = |values: &[f64]| values.iter().filter(|value| value.is_finite()).count();
        // A series that is half the one and half the other would have steps that nothing made.
        let mut normalised = 2 * count(parted) >= count(measured) && count(parted) >= FEWEST;
        let mut unjudged = unparted(measured, parted);
        if unjudged >= FEWEST {
            // That is how it is measured now: all of it is judged as it was measured.
            normalised = false;
        }
        if !normalised {
            unjudged = 0;
        }
        let values = if normalised { parted } else { measured };
        let mut sorted: Vec<u64> = cell.measured.iter().map(|one| one.p10).collect();
        sorted.sort_unstable();
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(1).max(1);
        let mut one = Self::new(
            &cell.id,
            cell.phase,
            values,
            (RESOLVED / middle as f64).ln_1p(),
        );
        one.normalised = normalised;
        one.unjudged = unjudged;
        one.cell = Some(cell);
        if asked.with_points {
            let parted = if normalised { parted } else { &[] };
            one.points = points(cell, measured, parted);
        }
        one
    }

    fn said(self, runs: &[RunSeen], asked: &Asked, together: &Together) -> CellHistory {
        let changes: Vec<ChangeSeen> = self
            .changes
            .iter()
            .enumerate()
            .map(|(index, change)| {
                let before = index.checked_sub(1).map(|last| self.changes[last].at);
                self.seen(change, before, runs, together)
            })
            .collect();
        let pending = self
            .detector
            .pending(self.runs.len())
            .map(|pending| PendingSeen {
                after: runs[self.runs[pending.at]].clone(),
                runs: pending.runs,
                effect: pending.effect.exp_m1(),
            });
        let (verdict, reason) = self.verdict(&changes, pending.as_ref(), runs, asked);
        CellHistory {
            id: self.id.to_owned(),
            phase: self.phase,
            verdict,
            reason,
            count: self
                .cell
                .map_or(self.runs.len(), |cell| cell.measured.len()),
            normalised: self.normalised,
            level: self.level(),
            changes,
            pending,
            points: self.points,
        }
    }

    /// The median of the newest level, as it was measured.
    fn level(&self) -> Option<f64> {
        let cell = self.cell?;
        let first = self.changes.last().map_or(0, |change| change.at);
        let from = self.runs.get(first).copied().unwrap_or(0);
        let newest = cell
            .measured
            .iter()
            .rev()
            .take_while(|one| one.run >= from)
            .take(LEVEL);
        median_of(newest.map(|one| one.p10 as f64))
    }

    /// A change as it is told; `last` is the value that the one before begins with.
    fn seen(
        &self,
        change: &Change,
        last: Option<usize>,
        runs: &[RunSeen],
        together: &Together,
    ) -> ChangeSeen {
        let run = self.runs[change.at];
        let from = last.map_or(0, |at| self.runs[at]);
        let (before, after) = (&runs[self.runs[change.at - 1]], &runs[run]);
        let kernels = match (&before.kernel, &after.kernel) {
            (Some(old), Some(new)) if old != new => Some([old.clone(), new.clone()]),
            _ => None,
        };
        ChangeSeen {
            before: before.clone(),
            after: after.clone(),
            run,
            effect: change.effect.exp_m1(),
            low: change.low.exp_m1(),
            high: change.high.exp_m1(),
            measured: self.measured(from, run, run + change.after),
            confidence: self.detector.confidence(change),
            runs: change.after,
            kernels,
            together: match self.cell {
                Some(_) => together.with(run, change.effect),
                None => 1,
            },
        }
    }

    /// How far what was measured from run `run` to run `to` lies from what was before, but no earlier than run `from`.
    fn measured(&self, from: usize, run: usize, to: usize) -> Option<f64> {
        let measured = &self.cell?.measured;
        let place = |run: usize| measured.partition_point(|one| one.run < run);
        let (begin, cut, end) = (place(from), place(run), place(to));
        let p10 =
            |from: usize, to: usize| median_of(measured[from..to].iter().map(|one| one.p10 as f64));
        Some(p10(cut, end)? / p10(begin.max(cut.saturating_sub(LEVEL)), cut)? - 1.0)
            .filter(|ratio| ratio.is_finite())
    }
}

/// How many of a cell's newest runs nobody knows of what the sitting did.
fn unparted(measured: &[f64], parted: &[f64]) -> usize {
    let known = parted.iter().rposition(|value| value.is_finite());
    let newest = &measured[known.map_or(0, |last| last + 1)..];
    newest.iter().filter(|value| value.is_finite()).count()
}

/// What was measured of a cell, and beside it, where that is known, without what the sittings did.
fn points(cell: &CellRuns, measured: &[f64], parted: &[f64]) -> Vec<Seen> {
    let both = measured
        .iter()
        .zip(parted)
        .map(|(measured, parted)| measured - parted);
    let mut newest: Vec<f64> = both.filter(|common| common.is_finite()).collect();
    newest.drain(..newest.len().saturating_sub(LEVEL));
    newest.sort_unstable_by(f64::total_cmp);
    let common = newest.get(newest.len() / 2).copied();
    let adjusted = |run: usize| {
        let value = (parted.get(run)? + common?).exp();
        value
            .is_finite()
            .then(|| value.round().clamp(1.0, 1e18) as u64)
    };
    let seen = cell.measured.iter().map(|one| Seen {
        run: one.run,
        p10: one.p10,
        low: one.low,
        high: one.high,
        adjusted: adjusted(one.run),
        trials: one.trials,
    });
    seen.collect()
}

/// How many cells changed in each run, by direction.
struct Together {
    counts: BTreeMap<(usize, bool), usize>,
}

impl Together {
    /// Cells that changed in the direction of `effect` in that run or a neighbour of it.
    fn with(&self, run: usize, effect: f64) -> usize {
        let count = |run: usize| self.counts.get(&(run, effect > 0.0)).copied().unwrap_or(0);
        let earlier = run.checked_sub(1).map_or(0, count);
        (earlier + count(run) + count(run + 1)).max(1)
    }
}

fn together(all: &[Series]) -> Together {
    let mut counts = BTreeMap::new();
    for one in all.iter().filter(|one| one.cell.is_some()) {
        for change in &one.changes {
            let key = (one.runs[change.at], change.effect > 0.0);
            *counts.entry(key).or_insert(0) += 1;
        }
    }
    Together { counts }
}

#[cfg(test)]
mod tests;
