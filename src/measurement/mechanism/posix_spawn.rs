//! libc's `posix_spawn`; no code of ours runs before the image does.

use std::ffi::c_char;
use std::ptr;

use super::child::environ;
use super::claim::{Claim, Event};
use super::reap::reap;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage, Work};
use crate::clock;

pub(super) const MECHANISM: Mechanism = Mechanism {
    name: "posix_spawn",
    summary: "libc posix_spawn without actions or attributes",
    phases: &[Phase::Call, Phase::Exec, Phase::Reap],
    claim: Claim {
        event: Event::Vfork,
        calls: &["clone", "clone3"],
        flags: &["CLONE_VM", "CLONE_VFORK", "SIGCHLD", "STACK"],
        without: &["CLONE_THREAD"],
        exec: true,
        also: &[],
    },
    returns_twice: false,
    needs: Needs {
        image: true,
        stack: false,
    },
    work: Work::Child(iterate),
};

fn iterate(stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
    let argv = stage.argv(iteration);
    let path = stage.path();
    let mut pid = 0;
    let t0 = stage.begin();
    // SAFETY: the strings are null-terminated and outlive the call; null stands for no actions and no
    // attributes.
    let error = unsafe {
        libc::posix_spawn(
            &mut pid,
            path,
            ptr::null(),
            ptr::null(),
            argv.cast::<*mut c_char>(),
            environ,
        )
    };
    let called = clock::now();
    if error != 0 {
        return Err(Failure::of_number("posix_spawn", error));
    }
    let reaped = reap(stage, pid, iteration.status())?;
    stage.sample(iteration, t0, called, reaped)
}
