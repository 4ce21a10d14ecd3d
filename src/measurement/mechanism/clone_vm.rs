//! `clone(CLONE_VM | CLONE_VFORK)` on a stack of its own: what `posix_spawn` does inside.

use std::ffi::{c_int, c_void};

use super::child::Child;
use super::claim::{Claim, Event};
use super::reap::reap;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage, Work};
use crate::clock;

pub(super) const MECHANISM: Mechanism = Mechanism {
    name: "clone-vm",
    summary: "clone(CLONE_VM|CLONE_VFORK) on a stack of its own; the child calls _exit",
    phases: &[Phase::Call, Phase::Start, Phase::Reap],
    claim: Claim {
        event: Event::Vfork,
        calls: &["clone"],
        flags: &["CLONE_VM", "CLONE_VFORK", "SIGCHLD", "STACK"],
        without: &["CLONE_THREAD", "CLONE_CLEAR_SIGHAND"],
        exec: false,
        also: &[],
    },
    returns_twice: false,
    needs: Needs {
        image: false,
        stack: true,
    },
    work: Work::Child(iterate),
};

fn iterate(stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
    let mut child = stage.child(iteration, true);
    let stack = stage.stack_top();
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let t0 = stage.begin();
    // SAFETY: the stack is the stage's own and used by one child at a time, since CLONE_VFORK keeps the
    // parent standing; `run` does not return.
    let pid = unsafe { libc::clone(run, stack, flags, (&raw mut child).cast()) };
    let called = clock::now();
    if pid < 0 {
        return Err(Failure::of_call("clone"));
    }
    let reaped = reap(stage, pid, iteration.status())?;
    stage.check_memory(true)?;
    stage.sample(iteration, t0, called, reaped)
}

extern "C" fn run(child: *mut c_void) -> c_int {
    // SAFETY: the parent stands still and keeps `child` alive; this is a process of its own.
    unsafe {
        let child = &*child.cast::<Child>();
        child.arrive(0);
        child.depart()
    }
}
