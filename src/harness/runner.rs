//! Makes the trials of a schedule, one after the other, whatever becomes of each.

use std::time::{Duration, Instant};

use super::cell::Cell;
use super::launcher::Launcher;
use super::schedule::Slot;
use super::serving::{self, Sent};
use super::trial::{LiveTrial, TrialError};
use crate::protocol::{Count, TimedSample};
use crate::recording::{CellKey, CellLine, Status, TrialLine};

/// What came of a slot.
#[derive(Debug)]
pub enum Outcome {
    /// A trial, and its samples in order.
    Done(Box<TrialLine>, Vec<TimedSample>),
    /// The cell is not measured any further: it was skipped or has failed.
    Dropped(Box<CellLine>),
    /// The user asked to stop.
    Interrupted,
}

/// Makes one trial. The schedule's own tests put another in the real one's place.
pub trait Executor {
    /// Makes the trial of a slot.
    fn trial(&mut self, cell: &Cell, slot: Slot) -> Outcome;
}

/// Hears what happens, between trials and never during one.
pub trait Observer {
    /// What went wrong with keeping a trial.
    type Error;
    /// A trial is about to begin; `done` of `total` are made.
    fn begins(&mut self, cell: &Cell, done: usize, total: usize);
    /// A trial has ended.
    ///
    /// # Errors
    /// Where it cannot be kept; the run then ends.
    fn ended(&mut self, cell: &Cell, outcome: &Outcome) -> Result<(), Self::Error>;
}

/// How a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Trials made.
    pub trials: usize,
    /// Cells that were skipped.
    pub skipped: usize,
    /// Cells that failed.
    pub failed: usize,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

/// Makes the trials of `slots` in order. A cell that was skipped or failed is left out from then on, and
/// the others go on.
///
/// # Errors
/// The observer's, at once.
pub fn run<E: Executor, O: Observer>(
    executor: &mut E,
    observer: &mut O,
    cells: &[Cell],
    slots: &[Slot],
) -> Result<Tally, O::Error> {
    let mut dropped = vec![false; cells.len()];
    let mut tally = Tally::default();
    for (done, slot) in slots.iter().enumerate() {
        if dropped[slot.cell] {
            continue;
        }
        let cell = &cells[slot.cell];
        observer.begins(cell, done, slots.len());
        let outcome = executor.trial(cell, *slot);
        observer.ended(cell, &outcome)?;
        match outcome {
            Outcome::Done(..) => tally.trials += 1,
            Outcome::Dropped(line) => {
                dropped[slot.cell] = true;
                match line.status {
                    Status::Skipped => tally.skipped += 1,
                    _ => tally.failed += 1,
                }
            }
            Outcome::Interrupted => {
                tally.interrupted = true;
                break;
            }
        }
    }
    Ok(tally)
}

/// How long, and how often, a trial measures.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// How long a trial's iterations should take, about.
    pub time: Duration,
    /// The least plain iterations, however long they take: a median takes 20.
    pub least: u64,
    /// The most plain iterations.
    pub most: u64,
    /// Whether children of some iterations stamp the clock, too.
    pub stamped: bool,
    /// The least requests to a server, however long they take.
    pub requests: u64,
    /// What the arrivals of requests are drawn from.
    pub seed: u64,
}

/// Plain iterations for each stamped one.
const PLAIN_PER_STAMPED: u64 = 4;
/// Plain iterations of the batch that finds out how long one takes.
const PROBE: u64 = 4;
/// Of round trips: so many that the fork before them hardly counts.
const PROBE_OF_EXCHANGES: u64 = 200;
/// What a trial spends on warming up at the most: iterations, and time.
const WARMUP: (u64, Duration) = (50, Duration::from_millis(20));

/// The real executor: a fresh subject for every trial.
#[derive(Debug)]
pub struct SubjectExecutor<'a> {
    /// What subjects are started with.
    pub launcher: &'a Launcher,
    /// How much each trial measures.
    pub budget: Budget,
}

impl SubjectExecutor<'_> {
    fn measure(&self, cell: &Cell, slot: Slot) -> Result<LiveTrial, TrialError> {
        let mut trial = LiveTrial::begin(self.launcher, cell, slot.block, slot.index)?;
        let count = |plain: u64| Count {
            plain,
            stamped: match self.budget.stamped {
                true => plain.div_ceil(PLAIN_PER_STAMPED),
                false => 0,
            },
            ..Count::default()
        };
        // A first batch says how long an iteration takes, rewriting the ballast included.
        let begin = Instant::now();
        let mut each = if trial.exchanges() {
            let few = Count {
                plain: PROBE_OF_EXCHANGES,
                ..Count::default()
            };
            let probe = trial.iterate(few, guess(cell))?;
            Duration::from_nanos(probe.wall / PROBE_OF_EXCHANGES)
        } else {
            let probe = trial.iterate(count(PROBE), guess(cell))?;
            begin.elapsed() / (probe.iterations + 1) as u32
        };
        // Writes were warmed up by being made before, and a subject has its first pass but once.
        let most = if trial.writes() { 0 } else { WARMUP.0 };
        let warmups = |each: Duration| {
            (WARMUP.1.as_nanos() / each.as_nanos().max(1)).min(u128::from(most)) as u64
        };
        // Cheap iterations take several times as long cold, and the order itself longer than a few of them.
        if warmups(each) == WARMUP.0 && !trial.exchanges() {
            let warm = trial.iterate(count(WARMUP.0), each)?;
            each = Duration::from_nanos(warm.wall / warm.iterations.max(1));
        }
        let warmup = warmups(each);
        let left = self.budget.time.saturating_sub(begin.elapsed()).as_nanos();
        // What comes from iterations of its own takes a quarter more; of channels, with a fork each, as much again.
        let share = if trial.exchanges() {
            1
        } else {
            PLAIN_PER_STAMPED
        };
        let per_plain = each.as_nanos().max(1) * u128::from(share + 1) / u128::from(share);
        let mut least = self.budget.least.saturating_sub(PROBE);
        if warmup > 0 {
            trial.forget();
            least = self.budget.least;
        }
        let plain = ((left / per_plain) as u64).clamp(least, self.budget.most.max(least));
        trial.iterate(
            Count {
                warmup,
                ..count(plain)
            },
            each,
        )?;
        Ok(trial)
    }
}

/// About how long an iteration takes, before one was made: half a second for each GiB is what rewriting
/// scattered pages can take.
pub(super) fn guess(cell: &Cell) -> Duration {
    Duration::from_millis(10 + (cell.footprint.bytes >> 21))
}

impl Executor for SubjectExecutor<'_> {
    fn trial(&mut self, cell: &Cell, slot: Slot) -> Outcome {
        let Budget {
            time,
            requests,
            seed,
            ..
        } = self.budget;
        let made = match cell.model() {
            Some(_) => {
                let sent = Sent::within(cell, time, requests, seed, slot.index);
                serving::trial(self.launcher, cell, slot, sent)
            }
            None => self.measure(cell, slot).map(LiveTrial::finish),
        };
        match made {
            Ok((line, rows)) => Outcome::Done(Box::new(line), rows),
            Err(error) => outcome_of(&error, self.launcher.key(cell)),
        }
    }
}

/// What becomes of a cell whose trial was no measurement.
pub fn outcome_of(error: &TrialError, cell: CellKey) -> Outcome {
    if error.is_interrupt() {
        return Outcome::Interrupted;
    }
    let status = if error.is_skip() {
        Status::Skipped
    } else {
        Status::Failed
    };
    Outcome::Dropped(Box::new(CellLine {
        cell,
        status,
        reason: error.to_string(),
    }))
}
