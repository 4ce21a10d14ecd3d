//! The host a run was measured on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
