//! libc's `vfork`, then `execve` in the child.

use std::ffi::c_void;

use super::claim::{Claim, Event};
use super::reap::reap;
use super::stage::Child;
use super::vfork::forkbench_vfork;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage};
use crate::clock;

pub(super) const MECHANISM: Mechanism = Mechanism {
    name: "vfork-exec",
    summary: "libc vfork, then execve in the child, which lets the parent go on",
    phases: &[Phase::Call, Phase::Start, Phase::Exec, Phase::Reap],
    claim: Claim {
        event: Event::Vfork,
        calls: &["vfork", "clone"],
        flags: &["CLONE_VM", "CLONE_VFORK", "SIGCHLD"],
        without: &["STACK"],
        exec: true,
        also: &[],
    },
    returns_twice: true,
    needs: Needs {
        image: true,
        stack: false,
    },
    iterate,
};

fn iterate(stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
    let mut child = stage.executing_child(iteration, true);
    let t0 = clock::now();
    // SAFETY: `run` does not return and touches only `child`, the stamps and the image's strings.
    let pid = unsafe { forkbench_vfork(run, (&raw mut child).cast()) };
    let called = clock::now();
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
        child.execute()
    }
}
