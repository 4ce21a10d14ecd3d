//! What is judged: the runs of one host, and what each cell took in them.

use super::document::RunSeen;
use crate::mechanism::Phase;
use crate::protocol::family_of;

/// Runs of one host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostRuns {
    /// What tells the host from others.
    pub fingerprint: String,
    /// Its name.
    pub name: String,
    /// Of which branch the runs are; `None` where no branch is known of them.
    pub branch: Option<String>,
    /// In the order of time.
    pub runs: Vec<RunSeen>,
    /// What was measured in them.
    pub cells: Vec<CellRuns>,
}

/// One phase of a cell in a host's runs.
#[derive(Debug, Clone, PartialEq)]
pub struct CellRuns {
    /// The cell's id.
    pub id: String,
    /// `None` for what has no phases.
    pub phase: Option<Phase>,
    /// Whether it is one of those that tell what a sitting did to all.
    pub is_reference: bool,
    /// Whether something is to be said of it. Those that aren't may be references all the same.
    pub is_asked_for: bool,
    /// In the order of time, each run once.
    pub measured: Vec<Measured>,
}

/// What a run says of a cell. Times are nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Which of the host's runs.
    pub run: usize,
    /// Median over trials of their p10.
    pub p10: u64,
    /// The least p10 of a trial.
    pub low: u64,
    /// The greatest p10 of a trial.
    pub high: u64,
    /// Trials.
    pub trials: u32,
}

/// The mechanism in a cell's id, `[SUBJECT:]MECHANISM/FOOTPRINT`; of a family such as `ipc` with the family's name.
pub fn mechanism_of(id: &str) -> &str {
    let whole = id.split('/').next().unwrap_or(id);
    match family_of(whole) {
        Some(_) => whole,
        None => whole.rsplit(':').next().unwrap_or(whole),
    }
}
