//! Starting a subject and its keeper so that neither outlives us.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{Pid, getppid, setpgid};

use crate::harness::launcher::SubjectCommand;

/// Has the kernel keep what children end with until we ask. Whoever started us may have had SIGCHLD
/// ignored (`trap '' CHLD`): children are then reaped unasked, and their pids are others' at once.
pub fn keep_exit_statuses() {
    answer(Signal::SIGCHLD, SigHandler::SigDfl);
}

/// Does what may write to a process that is gone, which is then an error and no signal: the command line
/// lets SIGPIPE end it, for the sake of `forkbench list | head`.
pub(in crate::harness) fn without_sigpipe<T>(write: impl FnOnce() -> T) -> T {
    let before = answer(Signal::SIGPIPE, SigHandler::SigIgn);
    let written = write();
    if let Some(before) = before {
        answer(Signal::SIGPIPE, before);
    }
    written
}

/// Answers a signal otherwise from now on, and returns how it was answered before.
fn answer(which: Signal, how: SigHandler) -> Option<SigHandler> {
    // SAFETY: only the default action, none, or what was there before: no handler of ours.
    unsafe { signal(which, how) }.ok()
}

/// Starts a subject in a process group of its own.
pub(super) fn spawn_subject(command: &SubjectCommand, allowed: CpuSet) -> io::Result<Child> {
    let parent = Pid::this();
    let mut process = command.to_command();
    process.stdin(Stdio::piped()).stdout(Stdio::piped());
    // SAFETY: the closure makes system calls alone, and allocates nothing.
    unsafe {
        process.pre_exec(move || {
            // A group of its own: the terminal's Ctrl-C is the harness's to answer, and whatever the
            // subject leaves behind can be ended with it.
            setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            if getppid() != parent {
                // The harness died before the death signal was set.
                return Err(io::Error::from_raw_os_error(nix::libc::ESRCH));
            }
            // The harness pinned itself; its subjects choose for themselves.
            let _ = sched_setaffinity(Pid::from_raw(0), &allowed);
            Ok(())
        });
    }
    process.spawn()
}

/// Starts the process that ends the subject's group when this process is gone.
pub(super) fn spawn_keeper(keeper: &SubjectCommand, group: u32) -> io::Result<Child> {
    Command::new(&keeper.program)
        .arg("keep")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(group as i32)
        .spawn()
}

/// A descriptor that is readable once the child of ours with this pid has ended, waited for or not; `None` where the
/// kernel has none.
pub(super) fn exit_descriptor(pid: u32) -> Option<OwnedFd> {
    let number = nix::libc::SYS_pidfd_open;
    // SAFETY: the call takes plain numbers, and what it returns is a descriptor of nobody else's.
    unsafe {
        let fd = nix::libc::syscall(number, pid as nix::libc::pid_t, 0);
        let fd = i32::try_from(fd).ok().filter(|&fd| fd >= 0)?;
        Some(OwnedFd::from_raw_fd(fd))
    }
}
