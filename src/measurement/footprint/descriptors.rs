//! File descriptors beyond those of the bare subject.

use std::os::fd::RawFd;

use super::error::HoldError;
use super::proc::{open_descriptors, scratch};
use super::region::{Region, errno};

/// What the table may grow by for other reasons.
const SLACK: u64 = 16;
const BYTES: usize = size_of::<RawFd>();

/// Duplicates of /dev/null, closed on exec as nearly every library's descriptors are.
#[derive(Debug)]
pub(super) struct Descriptors {
    /// Their numbers, in memory that no child inherits.
    numbers: Region,
    count: usize,
}

impl Descriptors {
    /// Opens `count` descriptors, at least one.
    ///
    /// # Errors
    /// [`HoldError::Descriptors`] where RLIMIT_NOFILE is in the way.
    pub(super) fn hold(count: u32) -> Result<Self, HoldError> {
        let open = scratch()
            .ok()
            .and_then(|mut scratch| open_descriptors(scratch.bytes()));
        allow(open.unwrap_or(16) + u64::from(count) + SLACK)?;
        let failed = |call, errno| HoldError::System {
            call,
            thing: format!("{count} file descriptors"),
            errno,
        };
        let numbers =
            Region::bookkeeping(count as usize * BYTES).map_err(|errno| failed("mmap", errno))?;
        let mut descriptors = Self { numbers, count: 0 };
        // SAFETY: the path is a C string.
        let first = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
        descriptors
            .push(first)
            .map_err(|errno| failed("open", errno))?;
        for _ in 1..count {
            // SAFETY: `first` is open.
            let next = unsafe { libc::fcntl(first, libc::F_DUPFD_CLOEXEC, 0) };
            descriptors
                .push(next)
                .map_err(|errno| failed("fcntl(F_DUPFD_CLOEXEC)", errno))?;
        }
        Ok(descriptors)
    }

    fn push(&mut self, fd: RawFd) -> Result<(), i32> {
        if fd < 0 {
            return Err(errno());
        }
        let at = self.count * BYTES;
        self.numbers.bytes()[at..at + BYTES].copy_from_slice(&fd.to_ne_bytes());
        self.count += 1;
        Ok(())
    }
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        let count = self.count;
        for fd in self.numbers.bytes().chunks_exact(BYTES).take(count) {
            let fd = RawFd::from_ne_bytes([fd[0], fd[1], fd[2], fd[3]]);
            // SAFETY: opened by this value, and closed by nobody else.
            unsafe { libc::close(fd) };
        }
    }
}

/// Raises the soft limit of open files to `needed`, and the hard one where that is permitted.
fn allow(needed: u64) -> Result<(), HoldError> {
    let mut limit = libc::rlimit64 {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a live value.
    unsafe { libc::getrlimit64(libc::RLIMIT_NOFILE, &raw mut limit) };
    if limit.rlim_cur >= needed {
        return Ok(());
    }
    let raised = libc::rlimit64 {
        rlim_cur: needed,
        rlim_max: limit.rlim_max.max(needed),
    };
    // SAFETY: the pointer is to a live value.
    if unsafe { libc::setrlimit64(libc::RLIMIT_NOFILE, &raw const raised) } == 0 {
        return Ok(());
    }
    Err(HoldError::Descriptors {
        needed,
        limit: limit.rlim_max,
    })
}
