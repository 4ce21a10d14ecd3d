//! What can go wrong between a parent and its child.

use std::ffi::c_int;
use std::io;

/// Why a channel gives no measurement.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The kernel, a sandbox or a limit does not let it be opened.
    #[error(
        "{call} is not available here ({source}): the kernel lacks it or a seccomp filter forbids it"
    )]
    Unavailable {
        /// The system call.
        call: &'static str,
        /// What it answered.
        source: io::Error,
    },
    /// A call failed.
    #[error("{call} failed: {source}{}", remedy(source))]
    Call {
        /// The call.
        call: &'static str,
        /// What it answered.
        source: io::Error,
    },
    /// A call of the child failed.
    #[error(
        "{call} failed in the child in round trip {round}: {source}{}",
        remedy(source)
    )]
    InChild {
        /// The call.
        call: &'static str,
        /// The round trip, from 1.
        round: u64,
        /// What it answered.
        source: io::Error,
    },
    /// The kernel did not give what was asked for.
    #[error("{what} was asked for and is not there")]
    NotGiven {
        /// What.
        what: &'static str,
    },
    /// The answer is not the message with its first byte inverted.
    #[error(
        "the answer in round trip {round} is not what was sent: byte {at} should be {expected:#04x} and is {got:#04x}"
    )]
    WrongAnswer {
        /// The round trip, from 1.
        round: u64,
        /// The first byte that is wrong, from 0.
        at: usize,
        /// What it should be.
        expected: u8,
        /// What it is.
        got: u8,
    },
    /// The child ended before it had answered everything.
    #[error("the child was to answer {rounds} times and ended in round trip {round}: {how}")]
    Gone {
        /// The round trip, from 1.
        round: u64,
        /// How many there should have been.
        rounds: u64,
        /// How it ended.
        how: String,
    },
    /// The child did not answer.
    #[error("the child did not answer within {seconds} s in round trip {round}, and was ended")]
    Silent {
        /// The round trip, from 1.
        round: u64,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The child ended otherwise than it was told to.
    #[error("the child should have ended with status {expected} and ended with {got}")]
    WrongEnd {
        /// The status it was told.
        expected: i32,
        /// How it ended.
        got: String,
    },
    /// The child ran elsewhere than it should.
    #[error(
        "the child should have run on CPU {expected} and ran on CPU {got}: another cpuset or a hot-unplugged CPU?"
    )]
    Misplaced {
        /// Where it should have run.
        expected: u32,
        /// Where it ran.
        got: i32,
    },
}

/// What to do about a call that failed.
fn remedy(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EAGAIN) => {
            "; a limit was met: of processes (`ulimit -u`) or of queued signals (`ulimit -i`)"
        }
        Some(libc::EMFILE | libc::ENFILE) => "; a limit of descriptors was met: raise `ulimit -n`",
        Some(libc::ENOMEM) => "; memory was not granted: free some, or ask for a smaller message",
        Some(libc::ENOSPC) => {
            "; there is no room: in TMPDIR or /var/tmp for a file, of fs.inotify.max_user_watches for a watch, of \
             kernel.sem for a semaphore (`ipcs -s` lists them)"
        }
        _ => "",
    }
}

impl Failure {
    /// The failure of `call` that `errno` tells of.
    pub(super) fn of_call(call: &'static str) -> Self {
        Self::with_error(call, io::Error::last_os_error())
    }

    /// The failure of `call` with that error.
    pub(super) fn with_error(call: &'static str, source: io::Error) -> Self {
        match source.raw_os_error() {
            Some(libc::ENOSYS | libc::EPERM | libc::EAFNOSUPPORT) => {
                Self::Unavailable { call, source }
            }
            _ => Self::Call { call, source },
        }
    }
}

/// Why one side could not go on. A child can make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// The other side has hung up, or ended.
    Ended,
    /// The other side is there and has said nothing for too long.
    Quiet,
    /// A call failed.
    Call(Call, c_int),
}

impl Broken {
    /// The failure of `call` that `errno` tells of. Async-signal-safe.
    #[inline]
    pub(super) fn of_call(call: Call) -> Self {
        Self::Call(call, errno())
    }
}

/// The calls that can fail in a round trip: a child tells of one by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Call {
    Read = 1,
    Write,
    Sigqueue,
    Sigwaitinfo,
    SemWait,
    SemPost,
    Semop,
    Futex,
    SchedSetaffinity,
    Prctl,
}

impl Call {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Read, "read"),
        (Self::Write, "write"),
        (Self::Sigqueue, "sigqueue"),
        (Self::Sigwaitinfo, "sigwaitinfo"),
        (Self::SemWait, "sem_wait"),
        (Self::SemPost, "sem_post"),
        (Self::Semop, "semop"),
        (Self::Futex, "futex"),
        (Self::SchedSetaffinity, "sched_setaffinity"),
        (Self::Prctl, "prctl"),
    ];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        Self::named(self as u32)
    }

    /// The name of the call with that number.
    pub(super) fn named(number: u32) -> &'static str {
        let mut all = Self::ALL.into_iter();
        let known = all.find(|(call, _)| *call as u32 == number);
        known.map_or("a call", |(_, name)| name)
    }
}

/// The calling thread's error number. Async-signal-safe.
#[inline]
pub(super) fn errno() -> c_int {
    // SAFETY: the C library's own place, which is always there.
    unsafe { *libc::__errno_location() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_a_name_of_its_own() {
        for (index, (call, name)) in Call::ALL.into_iter().enumerate() {
            assert_eq!(call as usize, index + 1);
            assert_eq!(call.name(), name);
        }
        assert_eq!(Call::named(0), "a call");
    }

    #[test]
    fn what_is_missing_here_is_told_from_what_went_wrong() {
        let of = |errno| Failure::with_error("tried", io::Error::from_raw_os_error(errno));
        assert!(matches!(of(libc::ENOSYS), Failure::Unavailable { .. }));
        let full = of(libc::EMFILE).to_string();
        assert!(full.contains("ulimit -n"), "{full}");
    }
}
