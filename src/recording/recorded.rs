//! What reading a run gives.

use std::collections::BTreeMap;

use super::schema::Run;
use crate::mechanism::Phase;
use crate::statistics::Histogram;

/// A run as it was read back, with what `run.json` leaves out.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The run.
    pub run: Run,
    /// All samples of a cell, by cell id and phase.
    pub histograms: BTreeMap<String, BTreeMap<Phase, Histogram>>,
    /// Each trial's own samples, by cell id and phase, in the order of the cell's trials. Empty where
    /// only `run.json` was there.
    pub trial_histograms: BTreeMap<String, Vec<BTreeMap<Phase, Histogram>>>,
    /// What was wrong with its files, in words; empty for a sound run.
    pub problems: Vec<String>,
}
