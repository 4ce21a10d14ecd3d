//! libc's `fork`, then `execve` in the child: what shells and most launchers do.

use super::claim::{Claim, Event};
use super::reap::reap;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage};
use crate::clock;

pub(super) const MECHANISM: Mechanism = Mechanism {
    name: "fork-exec",
    summary: "libc fork, then execve in the child",
    phases: &[Phase::Call, Phase::Start, Phase::Exec, Phase::Reap],
    claim: Claim {
        event: Event::Fork,
        calls: &["clone", "fork"],
        flags: &["SIGCHLD"],
        without: &["CLONE_VM", "CLONE_VFORK", "CLONE_PIDFD"],
        exec: true,
        also: &["!pipe2", "!socketpair"],
    },
    returns_twice: true,
    needs: Needs {
        image: true,
        stack: false,
    },
    iterate,
};

fn iterate(stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
    let child = stage.executing_child(iteration, false);
    let t0 = clock::now();
    // SAFETY: the child only stamps and executes, which is safe between fork and exec.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: this is the child; `child` and its strings are in its copy of the parent's memory.
        unsafe {
            child.arrive(0);
            child.execute()
        }
    }
    let called = clock::now();
    if pid < 0 {
        return Err(Failure::of_call("fork"));
    }
    let reaped = reap(stage, pid, iteration.status())?;
    stage.check_memory(false)?;
    stage.sample(iteration, t0, called, reaped)
}
