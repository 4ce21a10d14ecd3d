//! One trial of a cell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::requests::Requests;
use crate::footprint::Receipt;
use crate::mechanism::Phase;
use crate::statistics::Quantiles;

/// The arm of trials that a comparison makes first, to see how long they take, and does not count.
pub const PILOT: &str = "pilot";

/// One subject lifetime: the unit of statistical independence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// One side of an A/B comparison, [`PILOT`], or empty.
    #[serde(default)]
    pub arm: String,
    /// The block of the schedule it stood in.
    pub block: u32,
    /// Its number within the cell, from 0.
    pub index: u32,
    /// When it began, RFC 3339.
    pub started: String,
    /// The CPU it was pinned to.
    pub cpu: Option<u32>,
    /// What the kernel gave the subject.
    pub receipt: Receipt,
    /// What the host did meanwhile.
    pub host: TrialHost,
    /// The first iteration, kept apart: by phase, nanoseconds.
    pub first: BTreeMap<Phase, u64>,
    /// All the others.
    pub phases: BTreeMap<Phase, TrialPhase>,
    /// What was sent to a server, and what became of it; left out where nothing serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Requests>,
}

/// One phase of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialPhase {
    /// Of the samples themselves, not of the histogram.
    #[serde(flatten)]
    pub quantiles: Quantiles,
    /// The samples as a base64 HdrHistogram (V2, deflated; 3 significant digits). In `trials.jsonl`
    /// alone: `run.json` leaves it out, `histograms.hlog` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<String>,
}

/// What the host did while a trial ran.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialHost {
    /// Time the hypervisor took from all CPUs, nanoseconds (10 ms ticks).
    pub steal_ns: Option<u64>,
    /// Longest pause a spinning clock saw before the trial, nanoseconds.
    pub gap_ns: Option<u64>,
    /// Wall time of the timed loop, nanoseconds.
    pub wall_ns: u64,
    /// The part of it inside timed operations, nanoseconds.
    pub timed_ns: u64,
    /// The subject's minor page faults in the timed loop.
    pub minor_faults: Option<u64>,
    /// The subject's major page faults in the timed loop.
    pub major_faults: Option<u64>,
    /// Times the subject gave up the CPU.
    pub voluntary_switches: Option<u64>,
    /// Times the CPU was taken from it.
    pub involuntary_switches: Option<u64>,
    /// Bytes that the kernel copied for the writes of `first-pass` and `second-pass`; left out where none
    /// were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_bytes: Option<u64>,
}
