//! Children that have ended are reaped as servers do it: a handler for SIGCHLD waits for all there are.

use std::ffi::c_int;
use std::mem;
use std::ptr;

use super::error::ServerError;
use super::scoreboard::{self, Scoreboard, Step};

/// How long what was started may take to end after the last request: longer than a silent peer is heard.
const PATIENCE_SECONDS: u64 = 5;

/// While it lives, children are reaped as they end.
pub(super) struct Reaping {
    before: libc::sigaction,
}

/// Begins to reap.
pub(super) fn begin() -> Reaping {
    // SAFETY: all zeros is a sigaction with an empty mask; the handler is async-signal-safe.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = reap as extern "C" fn(c_int) as usize;
        action.sa_flags = libc::SA_RESTART | libc::SA_NOCLDSTOP;
        let mut before: libc::sigaction = mem::zeroed();
        libc::sigaction(libc::SIGCHLD, &action, &mut before);
        Reaping { before }
    }
}

impl Drop for Reaping {
    fn drop(&mut self) {
        // SAFETY: what was there before.
        unsafe { libc::sigaction(libc::SIGCHLD, &self.before, ptr::null_mut()) };
    }
}

/// One signal may stand for many children.
extern "C" fn reap(_: c_int) {
    let Some(board) = scoreboard::current() else {
        return;
    };
    // SAFETY: errno is put back for the code that was interrupted; waitpid is async-signal-safe.
    unsafe {
        let errno = *libc::__errno_location();
        let mut status = 0;
        while libc::waitpid(-1, &mut status, libc::WNOHANG) > 0 {
            let number = board.ended();
            if board.counts_by_status() {
                board.answered(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0);
            }
            board.note(number, Step::Reaped);
        }
        *libc::__errno_location() = errno;
    }
}

/// Waits until all that was started has ended.
///
/// # Errors
/// [`ServerError::Stuck`].
pub(super) fn wait_for_all(board: &Scoreboard) -> Result<(), ServerError> {
    let begun = crate::clock::now();
    while board.alive() > 0 {
        if crate::clock::now() - begun > PATIENCE_SECONDS * 1_000_000_000 {
            return Err(ServerError::Stuck {
                left: board.alive(),
                seconds: PATIENCE_SECONDS,
            });
        }
        let pause = libc::timespec {
            tv_sec: 0,
            tv_nsec: 1_000_000,
        };
        // A child's end cuts it short. SAFETY: `pause` is a valid timespec; null wants no rest.
        unsafe { libc::nanosleep(&pause, ptr::null_mut()) };
    }
    Ok(())
}
