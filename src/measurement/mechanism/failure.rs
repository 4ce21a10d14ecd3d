//! What can go wrong with an iteration.

use std::io;

use crate::footprint::HoldError;

/// Why an iteration is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The kernel or a sandbox does not offer the system call.
    #[error(
        "{call} is not available here ({source}): the kernel lacks it or a seccomp filter forbids it"
    )]
    Unavailable {
        /// The system call.
        call: &'static str,
        /// What it answered.
        source: io::Error,
    },
    /// The call failed.
    #[error("{call} failed: {source}{}", remedy(source))]
    Call {
        /// The call.
        call: &'static str,
        /// What it answered.
        source: io::Error,
    },
    /// Another child than ours was reaped.
    #[error("waited for the child {expected} and was given {got}")]
    WrongChild {
        /// The pid that the call returned.
        expected: i64,
        /// The pid that was reaped.
        got: i64,
    },
    /// The child ended in another way than it was told to.
    #[error("the child should have ended with status {expected} and ended with {got}")]
    WrongEnd {
        /// The status it was told.
        expected: i32,
        /// How it ended.
        got: String,
    },
    /// The child's writes were seen where they should not be, or not where they should.
    #[error("the child {} its parent's memory; the mechanism did something else than it claims",
        if *.expected { "did not share" } else { "shared" })]
    Memory {
        /// Whether it should have shared memory.
        expected: bool,
    },
    /// A child's life was asked for where iterations are writes.
    #[error("an iteration is a write, not a child: it has no life to tell, and takes no stamps")]
    NoChild,
    /// A child that was to share memory meanwhile was gone before it was told to go.
    #[error("the child ended before it was told to: the writes met no memory that is shared")]
    Gone,
    /// The ballast could not be made what it was before the last pass.
    #[error(transparent)]
    Ballast(#[from] HoldError),
    /// Writes to shared memory copied too little of it.
    #[error(
        "{pages} pages were written after a fork with {faults} page faults{}: no fork shared them, or nothing was copied",
        copied.map_or(String::new(), |bytes| format!(" and {bytes} bytes copied"))
    )]
    NotCopied {
        /// Pages written.
        pages: u64,
        /// The writer's minor page faults meanwhile.
        faults: u64,
        /// Bytes that the kernel says were copied.
        copied: Option<u64>,
    },
    /// A stamped iteration without a stamp.
    #[error("the child left no reading of the clock")]
    NoStamp,
    /// The child's readings of the clock don't lie between the parent's.
    #[error(
        "the child's clock readings ({start} and {exec} ns after t0) do not lie before its end at {reap} ns"
    )]
    Order {
        /// First reading, or 0.
        start: u64,
        /// First instruction of the new image, or 0.
        exec: u64,
        /// When it was reaped.
        reap: u64,
    },
}

fn remedy(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EAGAIN) => {
            "; a limit of processes or threads was met: raise `ulimit -u` or the cgroup's pids.max"
        }
        Some(libc::ENOMEM) => {
            "; memory was not granted: ask for a smaller footprint with --max-footprint, or set vm.overcommit_memory=1"
        }
        Some(libc::ENOENT) => "; the program is not there: name another with --exec",
        Some(libc::EACCES) => {
            "; the program cannot be executed: check its mode and the mount's noexec"
        }
        _ => "",
    }
}

impl Failure {
    /// The failure of `call` that `errno` tells of.
    pub(super) fn of_call(call: &'static str) -> Self {
        Self::with_errno(call, io::Error::last_os_error())
    }

    /// The failure of `call` with an error number it returned itself.
    pub(super) fn of_number(call: &'static str, number: i32) -> Self {
        Self::with_errno(call, io::Error::from_raw_os_error(number))
    }

    fn with_errno(call: &'static str, source: io::Error) -> Self {
        match source.raw_os_error() {
            Some(libc::ENOSYS | libc::EPERM) => Self::Unavailable { call, source },
            _ => Self::Call { call, source },
        }
    }
}
