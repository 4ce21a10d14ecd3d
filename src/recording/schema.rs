//! The types of `run.json` and of the lines of `trials.jsonl`.
//!
//! Times are nanoseconds and sizes bytes. `docs/run.schema.json` says the same as a JSON Schema; a
//! test holds the two together. Everything read from these files is untrusted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::footprint::{Footprint, Receipt};
use crate::mechanism::Phase;
use crate::statistics::Quantiles;

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

/// The host, as it was when the run began. `None` is "could not be read".
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// The host's own name.
    pub name: String,
    /// `x86_64` or `aarch64`.
    pub architecture: String,
    /// CPU model.
    pub cpu: Option<String>,
    /// CPUs this process may run on.
    pub cpus: u32,
    /// Kernel release.
    pub kernel: String,
    /// Kernel build.
    pub kernel_version: Option<String>,
    /// The kernel's command line.
    pub kernel_command_line: Option<String>,
    /// The boot this is: runs of one boot share page-table and allocator state.
    pub boot_id: Option<String>,
    /// C library and version.
    pub libc: Option<String>,
    /// What it is virtualised by, nested virtualisation included; `Some("none")` on bare metal.
    pub virtualization: Option<String>,
    /// Clock source behind `CLOCK_MONOTONIC`.
    pub clock_source: Option<String>,
    /// CPU frequency governor.
    pub governor: Option<String>,
    /// Transparent huge pages: `always`, `madvise` or `never`.
    pub thp: Option<String>,
    /// Transparent huge pages for shared memory.
    pub thp_shmem: Option<String>,
    /// Sizes of multi-size THP that are not `never`, as in `64kB=inherit`.
    pub mthp: Vec<String>,
    /// Huge pages reserved, of 2 MiB.
    pub hugetlb_pages: Option<u64>,
    /// Whether DAMON or another reclaimer walks page tables.
    pub damon: Option<bool>,
    /// `vm.overcommit_memory`.
    pub overcommit: Option<u32>,
    /// Mitigations that are on, as in `spectre_v2=Mitigation: …`.
    pub mitigations: BTreeMap<String, String>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Bytes that were available when the run began.
    pub memory_available: Option<u64>,
    /// The cgroup's memory limit.
    pub cgroup_memory_limit: Option<u64>,
    /// The cgroup's limit of processes.
    pub cgroup_pids_limit: Option<u64>,
    /// What the doctor said when the run began.
    pub findings: Vec<Finding>,
}

/// One thing about a host that disturbs a measurement or forbids it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// A word for it that stays: `unpinnable`, `steal`, `damon`, `governor`, …
    pub name: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was seen.
    pub seen: String,
    /// What it does to a measurement.
    pub effect: String,
    /// How to mend it; empty where nothing can be done from inside.
    pub remedy: String,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Fine,
    /// Figures are true, and differ from those of a host without it.
    Note,
    /// Figures are noisier, or not comparable.
    Warning,
    /// Something cannot be measured here.
    Refused,
}

/// Where subject and harness run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// Subject and children on one CPU, the harness on another.
    #[default]
    Pinned,
    /// The scheduler chooses.
    Free,
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

/// One mechanism at one footprint in one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// What the cell is called, unique in a run: `[SUBJECT:]MECHANISM/FOOTPRINT[@free][@exec=PROGRAM]`,
    /// as in `fork/64MiB`, `static:fork/64MiB`, `thread/0@free`.
    pub id: String,
    /// `native`, or the name given with `--subject`.
    pub subject: String,
    /// The mechanism's name.
    pub mechanism: String,
    /// The parent's shape, as asked for.
    pub footprint: Footprint,
    /// Where it ran.
    pub placement: Placement,
    /// The foreign program the child executed, if one was named with `--exec`.
    pub exec: Option<String>,
    /// How it ended.
    pub status: Status,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// Over all trials.
    pub phases: BTreeMap<Phase, PhaseSummary>,
    /// In the order in which they were measured.
    pub trials: Vec<Trial>,
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

/// One subject lifetime: the unit of statistical independence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// One side of an A/B comparison, or empty.
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
}

/// One child's life: what happened, when, and what each side saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Life {
    /// The cell.
    pub cell: String,
    /// The mechanism's name.
    pub mechanism: String,
    /// The system call that made the child, as in `clone(SIGCHLD)`; `None` where ptrace is denied.
    pub system_call: Option<String>,
    /// The parent's pid.
    pub parent_pid: i32,
    /// What the call returned in the parent: the child's pid (a thread's tid), 0 for the null operation.
    pub returned_in_parent: i64,
    /// What the call returned in the child; `None` where it returns once (posix_spawn, threads).
    pub returned_in_child: Option<i64>,
    /// What the child says its pid is; `None` where no code of ours runs in it.
    pub child_pid: Option<i32>,
    /// What the child says its parent's pid is.
    pub child_parent_pid: Option<i32>,
    /// Moments after `t0`, in nanoseconds; those that were seen.
    pub moments: LifeMoments,
    /// Nanoseconds the child ran on a CPU, as the scheduler counted.
    pub ran_ns: Option<u64>,
    /// Nanoseconds it was ready and waited for a CPU.
    pub waited_ns: Option<u64>,
    /// Its minor page faults.
    pub minor_faults: Option<u64>,
    /// Its major page faults.
    pub major_faults: Option<u64>,
    /// Times it gave up the CPU.
    pub voluntary_switches: Option<u64>,
    /// Times the CPU was taken from it.
    pub involuntary_switches: Option<u64>,
    /// Exit status.
    pub exit_status: Option<i32>,
}

/// Moments of a child's life, nanoseconds after the parent's last instant before the call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifeMoments {
    /// The call returned in the parent.
    pub call: u64,
    /// The child first read the clock.
    pub start: Option<u64>,
    /// The new image's first instruction.
    pub exec: Option<u64>,
    /// The child's last instruction before it ended.
    pub end: Option<u64>,
    /// The parent was told that it has ended.
    pub ended: Option<u64>,
    /// The parent reaped it.
    pub reap: u64,
}

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
    /// [`RUN_SCHEMA`].
    pub schema: String,
    /// As in [`Run`].
    pub id: String,
    /// As in [`Run`].
    pub started: String,
    /// As in [`Run`].
    pub seed: u64,
    /// As in [`Run`].
    pub command: String,
    /// As in [`Run`].
    pub tool: Tool,
    /// As in [`Run`].
    pub host: Host,
    /// What processes join this run: the pid and start time of their common parent. Empty: none.
    #[serde(default)]
    pub sitting: String,
}

/// What names a cell, in every line about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellKey {
    /// As in [`Cell`].
    pub id: String,
    /// As in [`Cell`].
    pub subject: String,
    /// As in [`Cell`].
    pub mechanism: String,
    /// As in [`Cell`].
    pub footprint: Footprint,
    /// As in [`Cell`].
    pub placement: Placement,
    /// As in [`Cell`].
    pub exec: Option<String>,
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
