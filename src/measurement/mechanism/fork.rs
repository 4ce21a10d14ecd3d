//! libc's `fork`; the child leaves at once.

use super::child::Child;
use super::claim::{Claim, Event};
use super::reap::reap;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage, Work};
use crate::clock;

pub(super) const MECHANISM: Mechanism = Mechanism {
    name: "fork",
    summary: "libc fork; the child calls _exit",
    phases: &[Phase::Call, Phase::Start, Phase::Reap],
    claim: Claim {
        event: Event::Fork,
        calls: &["clone", "fork"],
        flags: &["SIGCHLD"],
        without: &["CLONE_VM", "CLONE_VFORK", "CLONE_PIDFD"],
        exec: false,
        also: &["!socketpair"],
    },
    returns_twice: true,
    needs: Needs {
        image: false,
        stack: false,
    },
    work: Work::Child(iterate),
};

fn iterate(stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
    let child = stage.child(iteration, false);
    fork(stage, iteration, &child)
}

/// Forks a child that does what it was told, and waits for it.
pub(super) fn fork(
    stage: &mut Stage,
    iteration: Iteration,
    child: &Child,
) -> Result<Sample, Failure> {
    let t0 = stage.begin();
    // SAFETY: the child only stamps and departs, which is safe between fork and exec or _exit.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: this is the child; `child` and its strings are in its copy of the parent's memory.
        unsafe {
            child.arrive(0);
            child.depart()
        }
    }
    let called = clock::after_call();
    if pid < 0 {
        return Err(Failure::of_call("fork"));
    }
    let reaped = reap(stage, pid, iteration.status())?;
    stage.check_memory(false)?;
    stage.sample(iteration, t0, called, reaped)
}
