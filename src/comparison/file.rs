//! `verdict.json`, written beside the trials it was made from, and read back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::document::{CellVerdict, Comparison, VERDICT_SCHEMA};
use super::{Compared, document::Kind};
use crate::recording::{self, Recorded, RecordingError};
use crate::statistics::Histogram;

/// The file's name in a run's directory.
pub const VERDICT: &str = "verdict.json";

/// Far above any real one: a verdict may come from a stranger.
const MOST_BYTES: u64 = 64 << 20;

/// Why a comparison could not be written, read or made.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonError {
    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}; check the folder, its permissions and the room on its disk", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// It is no comparison of this version.
    #[error("`{}` is cut off, or no comparison that this forkbench reads ({VERDICT_SCHEMA}): {reason}; the trials beside it are whole: remove it, and `forkbench report` draws them without a verdict", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The two sides measured different things.
    #[error(
        "no cell is on both sides, so there is nothing to compare: the base has {base}, the candidate has {candidate}; name runs that measured the same cells"
    )]
    NothingInCommon {
        /// What the base has, in words.
        base: String,
        /// What the candidate has.
        candidate: String,
    },
    /// No cell has what is asked for.
    #[error("no cell on both sides has trials with {phases}; choose another --phase")]
    NoPhase {
        /// The phases that were asked for.
        phases: String,
    },
    /// A sitting that is counted twice would look like two that agree.
    #[error("the {side} names the run {run} twice; name each sitting once")]
    Twice {
        /// `base` or `candidate`.
        side: &'static str,
        /// The run.
        run: String,
    },
    /// The trials beside it.
    #[error(transparent)]
    Recording(#[from] RecordingError),
}

/// Writes a comparison into `directory`, in one step, and returns the file's path.
///
/// # Errors
/// Where it can't be written.
pub fn write(directory: &Path, comparison: &Comparison) -> Result<PathBuf, ComparisonError> {
    let path = directory.join(VERDICT);
    recording::replace(&path, |mut file| {
        serde_json::to_writer_pretty(&mut file, comparison)?;
        file.write_all(b"\n")
    })?;
    Ok(path)
}

/// Reads the comparison in a run's directory with the samples of its arms; `None` where the run compares
/// nothing.
///
/// # Errors
/// Where it can't be read.
pub fn read(directory: &Path, recorded: &Recorded) -> Result<Option<Compared>, ComparisonError> {
    let path = directory.join(VERDICT);
    let failed = |source| ComparisonError::Io {
        action: "read",
        path: path.clone(),
        source,
    };
    let bytes = match fs::metadata(&path) {
        Ok(there) if there.is_file() && there.len() <= MOST_BYTES => {
            fs::read(&path).map_err(failed)?
        }
        Ok(there) => {
            let reason = format!("{} bytes, or no ordinary file", there.len());
            return Err(ComparisonError::Malformed { path, reason });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let comparison = parse(&bytes).map_err(|reason| ComparisonError::Malformed {
        path: path.clone(),
        reason,
    })?;
    if comparison.kind != Kind::Ab {
        return Ok(None);
    }
    let samples = comparison
        .cells
        .iter()
        .map(|cell| arms(recorded, cell))
        .collect();
    Ok(Some(Compared {
        comparison,
        samples,
    }))
}

fn parse(bytes: &[u8]) -> Result<Comparison, String> {
    #[derive(Deserialize)]
    struct Probe {
        schema: String,
    }
    match serde_json::from_slice::<Comparison>(bytes) {
        Ok(comparison) if comparison.schema == VERDICT_SCHEMA => Ok(comparison),
        Ok(comparison) => Err(format!("its schema is `{}`", comparison.schema)),
        Err(error) => match serde_json::from_slice::<Probe>(bytes) {
            Ok(probe) if probe.schema != VERDICT_SCHEMA => {
                Err(format!("its schema is `{}`", probe.schema))
            }
            _ => Err(error.to_string()),
        },
    }
}

/// All samples of both arms of a cell's phase.
fn arms(recorded: &Recorded, cell: &CellVerdict) -> Option<[Histogram; 2]> {
    let base = arm(recorded, &cell.base.as_ref()?.cell, "a", cell)?;
    let candidate = arm(recorded, &cell.candidate.as_ref()?.cell, "b", cell)?;
    Some([base, candidate])
}

fn arm(recorded: &Recorded, id: &str, arm: &str, judged: &CellVerdict) -> Option<Histogram> {
    let cell = recorded.run.cells.iter().find(|cell| cell.id == id)?;
    let samples = recorded.trial_histograms.get(id)?;
    let mut all = Histogram::new();
    for (trial, samples) in cell.trials.iter().zip(samples) {
        if trial.arm == arm {
            all.add(samples.get(&judged.phase)?);
        }
    }
    (all.count() > 0).then_some(all)
}
