//! `--plan FILE`: what to measure, in a file that a reviewer can read.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::judgement;
use crate::units::parse_size;

/// Trials per cell that can be asked for.
const TRIALS: RangeInclusive<u32> = 1..=10_000;
/// Seconds per cell that can be asked for.
pub(super) const TIME: RangeInclusive<f64> = 0.001..=86_400.0;

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
    /// For `ab`: the smallest change that matters, as in `3%`.
    pub threshold: Option<String>,
    /// For `ab`: with which probability all verdicts hold, as in `99%`.
    pub confidence: Option<String>,
    /// For `ab`: seconds for deciding, for each cell.
    pub budget: Option<f64>,
    /// Commands of further subjects, by name; `ab` takes `a` and `b`.
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
        let wrong = |message| PlanFileError::Parse {
            path: path.to_owned(),
            message,
        };
        let plan: Self = basic_toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        plan.check().map_err(wrong)?;
        Ok(plan)
    }

    /// The threshold, a ratio less one.
    pub(super) fn threshold(&self) -> Option<f64> {
        self.threshold
            .as_deref()
            .and_then(|text| judgement::threshold(text).ok())
    }

    /// The confidence, between 0 and 1.
    pub(super) fn confidence(&self) -> Option<f64> {
        self.confidence
            .as_deref()
            .and_then(|text| judgement::confidence(text).ok())
    }

    /// Holds its figures to the limits of the flags.
    fn check(&self) -> Result<(), String> {
        if let Some(trials) = self.trials.filter(|trials| !TRIALS.contains(trials)) {
            return Err(format!("trials = {trials} is not between 1 and 10000"));
        }
        if let Some(time) = self.time.filter(|time| !TIME.contains(time)) {
            return Err(format!("time = {time} is not between 1 ms and a day"));
        }
        if let Some(budget) = self.budget.filter(|budget| !TIME.contains(budget)) {
            return Err(format!("budget = {budget} is not between 1 ms and a day"));
        }
        if let Some(Err(error)) = self.threshold.as_deref().map(judgement::threshold) {
            return Err(format!("threshold: {error}"));
        }
        if let Some(Err(error)) = self.confidence.as_deref().map(judgement::confidence) {
            return Err(format!("confidence: {error}"));
        }
        match self.max_footprint.as_deref().map(parse_size) {
            Some(Err(error)) => Err(format!("max-footprint: {error}")),
            _ => Ok(()),
        }
    }
}
