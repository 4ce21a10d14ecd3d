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
mod rates;
mod reader;
mod recorded;
mod samples;
mod schema;
mod soundness;
mod summary;
mod writer;

pub(crate) use directory::{file_name, replace};
pub use directory::{rfc3339, run_id, runs};
pub use error::RecordingError;
pub(crate) use error::plain;
pub use rates::{Knee, holds, is_held, rate_of};
pub(crate) use reader::folder_of;
pub use reader::{locate, read};
pub use recorded::Recorded;
pub use samples::read_samples;
pub use schema::*;
pub use summary::summarise;
pub(crate) use summary::summarise_with;
pub use writer::{RunWriter, rebuild};
