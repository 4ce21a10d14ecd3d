//! Ctrl-C: what is under way ends, what was measured is kept.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::{pipe2, write};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Becomes readable when the user asks to stop, and stays so: its read end, and its write end.
static NOTICE: OnceLock<(OwnedFd, OwnedFd)> = OnceLock::new();

extern "C" fn note(_: i32) {
    // A second signal finds the default action and ends the program at once.
    INTERRUPTED.store(true, Ordering::Relaxed);
    // Whoever was interrupted may be about to look at errno.
    let errno = Errno::last_raw();
    if let Some((_, end)) = NOTICE.get() {
        let _ = write(end, b"!");
    }
    Errno::set_raw(errno);
}

/// From now on SIGINT and SIGTERM are noted instead of ending the program; a second one ends it.
///
/// Reads that wait are interrupted, so that the note is seen at once.
pub fn listen() {
    if let Ok(pipe) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK) {
        let _ = NOTICE.set(pipe);
    }
    let flags = SaFlags::SA_RESETHAND;
    let action = SigAction::new(SigHandler::Handler(note), flags, SigSet::empty());
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        // SAFETY: the handler stores to an atomic and writes to a descriptor that is never closed, both
        // of which are async-signal-safe.
        let _ = unsafe { sigaction(signal, &action) };
    }
}

/// Whether the user asked to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// A descriptor that becomes readable when the user asks to stop; `None` where nobody listens.
pub(super) fn notice() -> Option<BorrowedFd<'static>> {
    NOTICE.get().map(|(end, _)| end.as_fd())
}
