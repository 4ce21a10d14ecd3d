//! One phase of a cell in one run.

use super::figures::TrialFigures;
use crate::mechanism::Phase;
use crate::recording::Status;
use crate::statistics::median;

/// What a run says of one phase of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// The cell's id.
    pub cell: String,
    /// The phase; `None` for what Criterion timed.
    pub phase: Option<Phase>,
    /// At least one, in the order in which they were measured.
    pub trials: Vec<TrialFigures>,
    /// When Criterion wrote it, in seconds since 1970; `None` for forkbench's own.
    pub written: Option<i64>,
}

/// A cell without figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmeasured {
    /// The cell's id.
    pub cell: String,
    /// [`Status::Skipped`] or [`Status::Failed`].
    pub status: Status,
    /// Why, and what to do.
    pub reason: Option<String>,
}

/// What trials come to, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub p10: u64,
    pub p50: u64,
    pub low: u64,
    pub high: u64,
}

impl Levels {
    /// The median over trials, and how far the trials' p10 lie apart.
    pub(super) fn level(&self) -> Level {
        let sorted = |of: fn(&TrialFigures) -> u64| {
            let mut values: Vec<u64> = self.trials.iter().map(of).collect();
            values.sort_unstable();
            values
        };
        let (p10, p50) = (sorted(|trial| trial.p10), sorted(|trial| trial.p50));
        Level {
            p10: median(&p10).unwrap_or(0),
            p50: median(&p50).unwrap_or(0),
            low: p10.first().copied().unwrap_or(0),
            high: p10.last().copied().unwrap_or(0),
        }
    }

    /// The word for its phase in the store.
    pub(super) fn phase_word(&self) -> &'static str {
        self.phase.map_or("", Phase::name)
    }
}

/// The word for a status in the store.
pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Skipped => "skipped",
        Status::Failed => "failed",
    }
}
