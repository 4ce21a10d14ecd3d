//! `std::process::Command` pushed off its fast path by `pre_exec`.
//!
//! std then forks, runs the closure in the child, and waits on a pipe until the exec has happened: what
//! that one line costs.

use std::os::unix::process::CommandExt;

use super::claim::{Claim, Event};
use super::command::command;
use super::reap::reap;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage, Work};
use crate::clock;

pub(super) const MECHANISM: Mechanism = Mechanism {
    name: "command-fork",
    summary: "std::process::Command::spawn with a pre_exec closure: fork, and a pipe to wait for the exec",
    phases: &[Phase::Call, Phase::Start, Phase::Exec, Phase::Reap],
    claim: Claim {
        event: Event::Fork,
        calls: &["clone", "fork"],
        flags: &["SIGCHLD"],
        without: &["CLONE_VM", "CLONE_VFORK", "CLONE_PIDFD"],
        exec: true,
        also: &["pipe2|socketpair"],
    },
    returns_twice: false,
    needs: Needs {
        image: true,
        stack: false,
    },
    work: Work::Child(iterate),
};

/// A child's orders, for a closure that must be `Send`.
struct Orders(super::child::Child);

// SAFETY: the closure runs in the forked child alone, whose memory is a copy; nothing is sent to a thread.
unsafe impl Send for Orders {}
// SAFETY: as above.
unsafe impl Sync for Orders {}

fn iterate(stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
    let mut command = command(stage, iteration);
    let orders = Orders(stage.child(iteration, false));
    // SAFETY: the closure only stamps the clock, which is safe between fork and exec.
    unsafe {
        command.pre_exec(move || {
            let orders = &orders;
            orders.0.arrive(0);
            Ok(())
        });
    }
    let t0 = stage.begin();
    let child = command.spawn();
    let called = clock::now();
    let child = child.map_err(|source| Failure::Call {
        call: "Command::spawn",
        source,
    })?;
    let reaped = reap(stage, child.id() as libc::pid_t, iteration.status())?;
    stage.check_memory(false)?;
    stage.sample(iteration, t0, called, reaped)
}
