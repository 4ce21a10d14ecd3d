//! The run directory: written as trials finish, read back whole.
//!
//! `trials.jsonl` is the truth; `run.json` and `histograms.hlog` are derived from it and can be made
//! anew. docs/FORMATS.md describes every file for other readers.

mod assembly;
mod directory;
mod error;
mod interval_log;
mod journal;
mod lines;
mod problems;
mod reader;
mod samples;
mod schema;
mod soundness;
mod summary;
mod writer;

pub use directory::{rfc3339, run_id};
pub use error::RecordingError;
pub use reader::{locate, read};
pub use samples::read_samples;
pub use schema::*;
pub use summary::summarise;
pub use writer::{RunWriter, rebuild};

use std::collections::BTreeMap;

use crate::mechanism::Phase;
use crate::statistics::Histogram;

/// A run as it was read back, with what `run.json` leaves out.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The run.
    pub run: Run,
    /// All samples of a cell, by cell id and phase.
    pub histograms: BTreeMap<String, BTreeMap<Phase, Histogram>>,
    /// What was wrong with its files, in words; empty for a sound run.
    pub problems: Vec<String>,
}
