//! libc's `vfork` through a shim in C, because it returns twice on one stack.

use std::ffi::c_void;

use super::child::Child;
use super::claim::{Claim, Event};
use super::reap::reap;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage, Work};
use crate::clock;

pub(super) const MECHANISM: Mechanism = Mechanism {
    name: "vfork",
    summary: "libc vfork; the child calls _exit, and only then does the call return",
    phases: &[Phase::Call, Phase::Start, Phase::Reap],
    claim: Claim {
        event: Event::Vfork,
        calls: &["vfork", "clone"],
        flags: &["CLONE_VM", "CLONE_VFORK", "SIGCHLD"],
        without: &["STACK"],
        exec: false,
        also: &[],
    },
    returns_twice: true,
    needs: Needs {
        image: false,
        stack: false,
    },
    work: Work::Child(iterate),
};

unsafe extern "C" {
    /// Runs `child(argument)` in a vforked child, which must not return, and returns its pid.
    fn forkbench_vfork(
        child: unsafe extern "C" fn(*mut c_void),
        argument: *mut c_void,
    ) -> libc::pid_t;
}

fn iterate(stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
    let child = stage.child(iteration, true);
    vfork(stage, iteration, child)
}

/// Vforks a child that does what it was told, and waits for it.
pub(super) fn vfork(
    stage: &mut Stage,
    iteration: Iteration,
    mut child: Child,
) -> Result<Sample, Failure> {
    let t0 = stage.begin();
    // SAFETY: `run` does not return and touches only `child`, its strings and the stamps, as vfork
    // demands.
    let pid = unsafe { forkbench_vfork(run, (&raw mut child).cast()) };
    let called = clock::after_call();
    if pid < 0 {
        return Err(Failure::of_call("vfork"));
    }
    let reaped = reap(stage, pid, iteration.status())?;
    stage.check_memory(true)?;
    stage.sample(iteration, t0, called, reaped)
}

unsafe extern "C" fn run(child: *mut c_void) {
    // SAFETY: the parent stands still and keeps `child` alive; this is a process of its own.
    unsafe {
        let child = &*child.cast::<Child>();
        child.arrive(0);
        child.depart()
    }
}
