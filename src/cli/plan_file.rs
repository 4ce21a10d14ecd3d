//! `--plan FILE`: what to measure, in a file that a reviewer can read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A plan, as TOML. Flags override it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PlanFile {
    /// Filters.
    #[serde(default)]
    pub cells: Vec<String>,
    /// Trials per cell.
    pub trials: Option<u32>,
    /// Seconds per cell.
    pub time: Option<f64>,
    /// What the order is drawn from.
    pub seed: Option<u64>,
    /// `pinned` or `free`.
    pub placement: Option<super::selection::PlacementChoice>,
    /// The largest ballast, as in `1GiB`.
    pub max_footprint: Option<String>,
    /// The program that children execute.
    pub exec: Option<String>,
    /// Commands of further subjects, by name.
    #[serde(default)]
    pub subjects: BTreeMap<String, String>,
}

/// Why a plan could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlanFileError {
    /// The file.
    #[error("--plan {}: {source}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What it holds.
    #[error("--plan {}: {message}", path.display())]
    Parse {
        /// Its path.
        path: PathBuf,
        /// What is wrong, with the line.
        message: String,
    },
}

impl PlanFile {
    /// Reads a plan; no path is an empty one.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, PlanFileError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(path).map_err(|source| PlanFileError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| PlanFileError::Parse {
            path: path.to_owned(),
            message: error.to_string(),
        })
    }
}
