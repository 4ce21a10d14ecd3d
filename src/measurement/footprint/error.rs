//! Why a footprint could not be held.

use crate::units::{exact_size, human_size};

/// Why a footprint could not be held. Every message names the thing, the value and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// The pool of reserved huge pages is too small.
    #[error(
        "needs {needed} huge pages, {free} are free: sysctl vm.nr_hugepages={}",
        total + needed - free
    )]
    HugePages {
        /// Huge pages of 2 MiB that the ballast takes.
        needed: u64,
        /// Those that are neither in use nor promised.
        free: u64,
        /// Those in the pool, used ones included.
        total: u64,
    },
    /// The kernel gives this process no transparent huge pages.
    #[error("transparent huge pages are `{setting}` in {file}: echo {remedy} > {file}")]
    Thp {
        /// The file that decides.
        file: String,
        /// What stands in it.
        setting: String,
        /// What has to stand in it.
        remedy: &'static str,
    },
    /// `prctl` has switched transparent huge pages off for this process or one of its ancestors.
    #[error(
        "transparent huge pages are switched off for this process (PR_SET_THP_DISABLE, inherited): \
         start it from a process that has not done so"
    )]
    ThpDisabled,
    /// The hard limit of open files is too low.
    #[error("needs {needed} file descriptors, the hard limit is {limit}: ulimit -Hn {needed}")]
    Descriptors {
        /// Descriptors of the whole process.
        needed: u64,
        /// RLIMIT_NOFILE, hard.
        limit: u64,
    },
    /// The kernel's limit of VMAs per process is too low.
    #[error("needs {needed} VMAs, the limit is {limit}: sysctl vm.max_map_count={needed}")]
    Mappings {
        /// VMAs of the whole process.
        needed: u64,
        /// `vm.max_map_count`.
        limit: u64,
    },
    /// The kernel refused one more thread.
    #[error(
        "needs {needed} threads, {made} were granted: raise RLIMIT_NPROC (ulimit -u, now {limit}) \
         or the cgroup's pids.max"
    )]
    Threads {
        /// Threads beyond the main one.
        needed: u64,
        /// Those that were granted.
        made: u64,
        /// RLIMIT_NPROC, soft.
        limit: String,
    },
    /// Spinning threads need a CPU each, and the subject has one to itself.
    #[error(
        "needs {needed} CPUs beside the subject's own, {others} may be used: ask for busy={others} \
         or allow more (taskset, cpuset)"
    )]
    Cpus {
        /// Threads that spin.
        needed: u64,
        /// CPUs beside the subject's own.
        others: u64,
    },
    /// There is less memory than the footprint takes.
    #[error(
        "needs {}, {} are available: ask for a smaller footprint",
        human_size(*needed),
        human_size(*available)
    )]
    Memory {
        /// Bytes that holding the footprint takes.
        needed: u64,
        /// Bytes that are available, cgroup limits counted in.
        available: u64,
    },
    /// The kernel refused to promise the memory.
    #[error(
        "the kernel does not grant {} (ENOMEM): ask for a smaller footprint, or set \
         vm.overcommit_memory=0 and raise RLIMIT_AS (ulimit -v)",
        exact_size(*needed)
    )]
    Refused {
        /// Bytes that were asked for.
        needed: u64,
    },
    /// The folder for the ballast's file has too little room.
    #[error(
        "needs {} in {folder}, {} are free: set TMPDIR to a folder with more room",
        human_size(*needed),
        human_size(*free)
    )]
    Disk {
        /// The folder.
        folder: String,
        /// Bytes of the file.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A system call failed that should not have.
    #[error("{call} for {thing} failed: {}", std::io::Error::from_raw_os_error(*errno))]
    System {
        /// The system call.
        call: &'static str,
        /// What it was for.
        thing: String,
        /// Its errno.
        errno: i32,
    },
}

impl HoldError {
    /// Whether the host does not offer what was asked (the cell is skipped), as against something
    /// that went wrong (the cell has failed).
    pub fn is_skip(&self) -> bool {
        !matches!(self, Self::System { .. })
    }
}
