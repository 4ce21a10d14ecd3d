//! The child's side of an exchange: it receives, inverts the first byte, and sends, as often as it is to.
//!
//! All of it is async-signal-safe.

use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

use super::failure::{Broken, Call};
use super::{Ends, Side, Vigil};

/// What the child of a broken exchange ends with: outside the statuses that children are told.
pub(super) const BROKEN: i32 = 126;

/// What a child leaves for its parent, in memory that both see.
#[repr(C)]
pub(super) struct Report {
    /// The call of its that failed, by number, and the error.
    pub(super) call: AtomicU32,
    pub(super) errno: AtomicI32,
    /// The CPU it ran on when it began and when it ended, and one more: 0 is "was not told".
    pub(super) began_on: AtomicU32,
    pub(super) ended_on: AtomicU32,
    /// Messages it has answered.
    pub(super) answered: AtomicU64,
}

/// What a child is told before it exists.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    /// How often it answers.
    pub(super) rounds: u64,
    /// What it ends with then.
    pub(super) status: i32,
    /// Its parent's pid.
    pub(super) parent: libc::pid_t,
    /// The CPU that it runs on, where that is not its parent's.
    pub(super) peer: Option<u32>,
}

/// The child: it answers as often as it is to, and ends.
///
/// # Safety
/// To be called in a forked child alone: it ends the process.
pub(super) unsafe fn answer(
    report: &Report,
    room: &mut [u8],
    ends: &mut dyn Ends,
    task: Task,
) -> ! {
    let done = live(report, room, ends, task);
    if let Err(Broken::Call(call, errno)) = done {
        report.errno.store(errno, Ordering::Relaxed);
        report.call.store(call as u32, Ordering::Relaxed);
    }
    let end = if done.is_ok() { task.status } else { BROKEN };
    // SAFETY: the call does not return, and runs nothing of the parent's.
    unsafe { libc::_exit(end) }
}

/// What a child does.
#[inline(always)]
fn live(report: &Report, room: &mut [u8], ends: &mut dyn Ends, task: Task) -> Result<(), Broken> {
    // Whoever kills the parent ends the child: in most channels it would wait for ever.
    // SAFETY: both calls take plain numbers.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
            return Err(Broken::of_call(Call::Prctl));
        }
        if libc::getppid() != task.parent {
            // It died before.
            return Err(Broken::Ended);
        }
    }
    ends.take(Side::Child, task.parent);
    // Its parent moves it, and may not have come to that yet.
    if task
        .peer
        .is_some_and(|cpu| current_cpu() != cpu + 1 && !run_on(0, cpu))
    {
        return Err(Broken::of_call(Call::SchedSetaffinity));
    }
    report.began_on.store(current_cpu(), Ordering::Relaxed);
    let vigil = Vigil::none();
    for round in 0..task.rounds {
        let received = ends.receive(room, &vigil);
        if let Some(byte) = room.first_mut() {
            *byte = !*byte;
        }
        let sent = match received {
            Ok(()) => ends.send(room, &vigil),
            broken => broken,
        };
        if sent.is_err() {
            report.answered.store(round, Ordering::Relaxed);
            return sent;
        }
    }
    report.ended_on.store(current_cpu(), Ordering::Relaxed);
    Ok(())
}

/// Pins a process, 0 for the calling one; whether that was done. Async-signal-safe.
pub(super) fn run_on(pid: libc::pid_t, cpu: u32) -> bool {
    // SAFETY: all zeros is an empty set; `set` outlives the call.
    let pinned = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        if (cpu as usize) < 8 * size_of::<libc::cpu_set_t>() {
            libc::CPU_SET(cpu as usize, &mut set);
        }
        libc::sched_setaffinity(pid, size_of::<libc::cpu_set_t>(), &set)
    };
    pinned == 0
}

/// The CPU that the calling thread runs on, and one more; 0 where that is not known. Async-signal-safe.
fn current_cpu() -> u32 {
    // SAFETY: the call takes nothing.
    let cpu = unsafe { libc::sched_getcpu() };
    u32::try_from(cpu + 1).unwrap_or(0)
}
