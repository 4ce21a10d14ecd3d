//! Watching over a child that may not answer, without a system call in each round trip.
//!
//! A timer interrupts the parent four times a second. Whatever it waits in returns early then, and it looks whether
//! its child is still there and for how long it has said nothing. A tick that falls between two calls is lost; the
//! next one is not.

use std::cell::Cell;
use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use super::failure::{Broken, Failure};

/// Time between ticks.
const TICK_MICROSECONDS: i64 = 250_000;
/// Ticks without an answer after which a child is given up.
const PATIENCE: u32 = 20;
/// The same in seconds.
pub(super) const PATIENCE_SECONDS: u64 = PATIENCE as u64 * TICK_MICROSECONDS as u64 / 1_000_000;

/// Ticks so far.
static TICKS: AtomicU32 = AtomicU32::new(0);

extern "C" fn tick(_: c_int) {
    TICKS.fetch_add(1, Ordering::Relaxed);
}

/// The running timer. Dropping it stops it.
pub(super) struct Timer {
    before: libc::sigaction,
}

impl Timer {
    /// Starts it. SIGALRM is its own until it is dropped.
    ///
    /// # Errors
    /// Where the kernel refuses it.
    pub(super) fn start() -> Result<Self, Failure> {
        // SAFETY: all zeros is a valid sigaction with an empty mask and without SA_RESTART: calls are to be
        // interrupted. The handler adds to a number, which is async-signal-safe.
        let before = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let mut before: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = tick as extern "C" fn(c_int) as libc::sighandler_t;
            if libc::sigaction(libc::SIGALRM, &action, &mut before) != 0 {
                return Err(Failure::of_call("sigaction"));
            }
            before
        };
        let timer = Self { before };
        if set(TICK_MICROSECONDS) != 0 {
            return Err(Failure::of_call("setitimer"));
        }
        Ok(timer)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        set(0);
        // SAFETY: what was there before.
        unsafe { libc::sigaction(libc::SIGALRM, &self.before, ptr::null_mut()) };
    }
}

fn set(microseconds: i64) -> c_int {
    let every = libc::timeval {
        tv_sec: 0,
        tv_usec: microseconds as libc::suseconds_t,
    };
    let value = libc::itimerval {
        it_interval: every,
        it_value: every,
    };
    // SAFETY: `value` is a valid place; what was set before is of no interest.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &value, ptr::null_mut()) }
}

/// Over whom one side watches.
#[derive(Debug)]
pub(super) struct Vigil {
    /// 0: nobody. A child has no timer, and dies with its parent.
    child: libc::pid_t,
    /// Ticks when the present round trip began.
    begun: u32,
    /// Whether the child was seen to have ended in it.
    gone: Cell<bool>,
}

impl Vigil {
    /// A parent's.
    pub(super) fn over(child: libc::pid_t) -> Self {
        Self {
            child,
            begun: TICKS.load(Ordering::Relaxed),
            gone: Cell::new(false),
        }
    }

    /// A child's.
    pub(super) fn none() -> Self {
        Self {
            child: 0,
            begun: 0,
            gone: Cell::new(false),
        }
    }

    /// A round trip begins.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.begun = TICKS.load(Ordering::Relaxed);
        self.gone.set(false);
    }

    /// For who was interrupted: whether to wait on, and look for the message once more. A child that was to answer for
    /// the last time may have done so and ended since its parent has looked. Async-signal-safe.
    pub(super) fn look(&self) -> Result<(), Broken> {
        if self.child == 0 {
            return Ok(());
        }
        if has_ended(self.child) {
            return match self.gone.replace(true) {
                true => Err(Broken::Ended),
                false => Ok(()),
            };
        }
        let waited = TICKS.load(Ordering::Relaxed).wrapping_sub(self.begun);
        if waited > PATIENCE {
            return Err(Broken::Quiet);
        }
        Ok(())
    }

    /// For who waits without sleeping: whether there was a tick since this round trip began, after which to look.
    #[inline]
    pub(super) fn ticked(&self) -> bool {
        self.child != 0 && TICKS.load(Ordering::Relaxed) != self.begun
    }
}

/// Whether a child has ended; it is left to be reaped.
pub(super) fn has_ended(child: libc::pid_t) -> bool {
    // SAFETY: all zeros is a valid siginfo_t, and waitid fills it in where the child has ended.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        let waited = libc::waitid(libc::P_PID, child as libc::id_t, &mut info, flags);
        waited != 0 || info.si_pid() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_looked_for_once_more_before_a_child_is_said_to_be_gone() {
        // SAFETY: the child leaves at once, which is safe between fork and _exit.
        let child = unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::_exit(3)
            }
            child
        };
        while !has_ended(child) {}
        let mut vigil = Vigil::over(child);
        assert_eq!(vigil.look(), Ok(()));
        assert_eq!(vigil.look(), Err(Broken::Ended));
        vigil.begin();
        assert_eq!(vigil.look(), Ok(()));
        // SAFETY: a child of this process.
        unsafe { libc::waitpid(child, ptr::null_mut(), 0) };
    }
}
