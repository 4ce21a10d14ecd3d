//! A whole run: what `run.json` holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::host::Host;
use super::life::Life;
use super::trial::Trial;
use crate::footprint::Footprint;
use crate::mechanism::Phase;

/// The schema this program writes and reads.
pub const RUN_SCHEMA: &str = "forkbench.run/1";

/// A set of cells measured on one host in one sitting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// [`RUN_SCHEMA`].
    pub schema: String,
    /// UTC time and host: the name of the run's directory.
    pub id: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// When it ended; `None` while it is under way or if it was cut off.
    pub finished: Option<String>,
    /// What the schedule was drawn from.
    pub seed: u64,
    /// The command that repeats it.
    pub command: String,
    /// What measured.
    pub tool: Tool,
    /// What it ran on.
    pub host: Host,
    /// In the order in which they were first seen.
    pub cells: Vec<Cell>,
    /// One child's life per mechanism, told step by step.
    #[serde(default)]
    pub lives: Vec<Life>,
}

/// The program that measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Cargo's version of forkbench.
    pub version: String,
    /// The commit it was built from, where known.
    pub commit: Option<String>,
    /// Who asked for iterations: `forkbench run` or `cargo bench`.
    pub driver: String,
}

/// Who asks for the iterations of a calibration.
pub const CALIBRATES: &str = "forkbench predict";

/// One mechanism at one footprint in one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// What the cell is called, unique in a run: `[SUBJECT:]MECHANISM/FOOTPRINT[@free][@rate=N][@exec=PROGRAM]`,
    /// as in `fork/64MiB`, `static:fork/64MiB`, `thread/0@free`; of a channel
    /// `[SUBJECT:]ipc:CHANNEL/MESSAGE[@two|@free]`, as in `ipc:pipe/64KiB`.
    pub id: String,
    /// `native`, or the name given with `--subject`.
    pub subject: String,
    /// The mechanism's name.
    pub mechanism: String,
    /// The parent's shape, as asked for.
    pub footprint: Footprint,
    /// Bytes of the message that goes through a channel and comes back; left out where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<u64>,
    /// Where it ran.
    pub placement: Placement,
    /// The foreign program the child executed, if one was named with `--exec`.
    pub exec: Option<String>,
    /// The version of the interpreter that the subject is a script of, as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The mechanism of the native subject that asks the same of the kernel, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<String>,
    /// Requests in a second, of a server that was not asked at the usual rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// How it ended.
    pub status: Status,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// Over all trials.
    pub phases: BTreeMap<Phase, PhaseSummary>,
    /// In the order in which they were measured.
    pub trials: Vec<Trial>,
}

/// Where subject and harness run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// Subject and children on one CPU, the harness on another.
    #[default]
    Pinned,
    /// The scheduler chooses.
    Free,
    /// A parent and its child on a CPU each, as they talk; the harness sleeps meanwhile.
    Two,
}

impl Placement {
    /// Every placement.
    pub const ALL: [Self; 3] = [Self::Pinned, Self::Free, Self::Two];

    /// The word for it in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Free => "free",
            Self::Two => "two",
        }
    }

    /// What a cell's id ends with for it.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Pinned => "",
            Self::Free => "@free",
            Self::Two => "@two",
        }
    }
}

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Measured.
    Ok,
    /// Not measured, because this host cannot; the reason says what would change that.
    Skipped,
    /// Something went wrong; trials that had finished are kept.
    Failed,
}

/// One phase of a cell over all its trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseSummary {
    /// Samples in all trials.
    pub count: u64,
    /// The least.
    pub min: u64,
    /// Median over trials of the trials' own; over all samples where trials are too short for one.
    pub p10: Option<u64>,
    /// Likewise.
    pub p25: Option<u64>,
    /// Likewise.
    pub p50: Option<u64>,
    /// Of all samples.
    pub p90: Option<u64>,
    /// Of all samples.
    pub p99: Option<u64>,
    /// Of all samples.
    pub p999: Option<u64>,
    /// The greatest.
    pub max: u64,
    /// Arithmetic mean of all samples.
    pub mean: f64,
    /// 95 % intervals of the quantiles, from resampling whole trials; a quantile stands here only with
    /// three trials or more.
    pub intervals: BTreeMap<String, [u64; 2]>,
    /// Whether the trials' medians differ by more than their samples explain.
    pub trials_disagree: bool,
}
