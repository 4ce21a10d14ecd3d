//! The lines of `trials.jsonl`.

use serde::{Deserialize, Serialize};

use super::host::Host;
use super::life::Life;
use super::run::{Placement, Status, Tool};
use super::trial::Trial;
use crate::footprint::Footprint;

/// A line of `trials.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "lowercase")]
pub enum Line {
    /// The first line: the run as it was when it began, without cells.
    Run(Box<RunLine>),
    /// A trial that finished.
    Trial(Box<TrialLine>),
    /// A cell that was skipped or failed.
    Cell(Box<CellLine>),
    /// One child's life.
    Life(Box<Life>),
    /// The run ended; a later line of another kind takes it back.
    Finished(FinishedLine),
}

/// See [`Line::Run`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// [`super::RUN_SCHEMA`].
    pub schema: String,
    /// As in [`super::Run`].
    pub id: String,
    /// As in [`super::Run`].
    pub started: String,
    /// As in [`super::Run`].
    pub seed: u64,
    /// As in [`super::Run`].
    pub command: String,
    /// As in [`super::Run`].
    pub tool: Tool,
    /// As in [`super::Run`].
    pub host: Host,
    /// What processes join this run: the pid and start time of their common parent. Empty: none.
    #[serde(default)]
    pub sitting: String,
}

/// What names a cell, in every line about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellKey {
    /// As in [`super::Cell`].
    pub id: String,
    /// As in [`super::Cell`].
    pub subject: String,
    /// As in [`super::Cell`].
    pub mechanism: String,
    /// As in [`super::Cell`].
    pub footprint: Footprint,
    /// As in [`super::Cell`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<u64>,
    /// As in [`super::Cell`].
    pub placement: Placement,
    /// As in [`super::Cell`].
    pub exec: Option<String>,
    /// As in [`super::Cell`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// As in [`super::Cell`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<String>,
    /// As in [`super::Cell`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
}

/// See [`Line::Trial`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialLine {
    /// Which cell.
    pub cell: CellKey,
    /// The trial.
    pub trial: Trial,
}

/// See [`Line::Cell`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellLine {
    /// Which cell.
    pub cell: CellKey,
    /// [`Status::Skipped`] or [`Status::Failed`].
    pub status: Status,
    /// Why, and what to do.
    pub reason: String,
}

/// See [`Line::Finished`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishedLine {
    /// RFC 3339.
    pub finished: String,
}
