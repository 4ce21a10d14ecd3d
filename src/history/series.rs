//! Levels over time, as they are read from a store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::fingerprint::HostFingerprint;
use super::selection::Source;
use crate::mechanism::Phase;

/// What the store knows of a run, its figures left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// The run's own id: the name of its directory.
    pub id: String,
    /// The run's own seed, which tells runs of one id apart; 0 for Criterion.
    pub seed: u64,
    /// Who measured.
    pub source: Source,
    /// When it began, to the second.
    pub started: SystemTime,
    /// On which host.
    pub host: HostFingerprint,
    /// That host's name.
    pub host_name: String,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The commit of what was measured.
    pub commit: Option<String>,
    /// The branch of what was measured.
    pub branch: Option<String>,
    /// The run's directory when it was added. It may be gone.
    pub path: Option<PathBuf>,
    /// Cells with figures.
    pub cells: u32,
    /// Cells that failed or were skipped.
    pub unmeasured: u32,
    /// Whether the run had ended when it was added.
    pub finished: bool,
}

/// One phase of a cell on one host over time: what trends and change points are made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// On which host.
    pub host: HostFingerprint,
    /// That host's name.
    pub host_name: String,
    /// Who measured.
    pub source: Source,
    /// The cell's id; of Criterion the benchmark's full id.
    pub cell: String,
    /// Which phase; `None` for what Criterion timed, whose iterations have none.
    pub phase: Option<Phase>,
    /// Runs by the time at which they began, then by their id; series that were read together share them. Not all need have
    /// measured this one.
    pub runs: Arc<[StoredRun]>,
    /// At least one, in the order of their runs.
    pub points: Vec<Point>,
}

impl Series {
    /// The run that a point of this series is of.
    ///
    /// # Panics
    /// Of a point of another reading.
    pub fn run(&self, point: &Point) -> &StoredRun {
        &self.runs[point.run]
    }
}

/// What one run says of a series. Times are nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The run's place among the series' runs.
    pub run: usize,
    /// Trials with figures, 1 or more; of Criterion 1, as all its batches come from one process.
    pub trials: u32,
    /// Median over trials of the trials' p10.
    pub p10: u64,
    /// Median over trials of the trials' p50.
    pub p50: u64,
    /// The least p10 of a trial.
    pub low: u64,
    /// The greatest p10 of a trial.
    pub high: u64,
}
