//! `std::process::Command` on its fast path, which is posix_spawn.

use std::process::Command;

use super::claim::{Claim, Event};
use super::reap::reap;
use super::stage::STAMP_FD;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage, Work};
use crate::clock;

pub(super) const MECHANISM: Mechanism = Mechanism {
    name: "command",
    summary: "std::process::Command::spawn with nothing that keeps it from posix_spawn",
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
    let mut command = command(stage, iteration);
    let t0 = stage.begin();
    let child = command.spawn();
    let called = clock::now();
    let child = child.map_err(|source| Failure::Call {
        call: "Command::spawn",
        source,
    })?;
    let reaped = reap(stage, child.id() as libc::pid_t, iteration.status())?;
    stage.sample(iteration, t0, called, reaped)
}

/// The command for an iteration, ready to be spawned. Its making is not timed: it can be made once and
/// spawned often.
pub(super) fn command(stage: &Stage, iteration: Iteration) -> Command {
    let image = stage
        .image()
        .expect("a stage whose mechanism needs an image has one");
    let mut command = Command::new(&image.path);
    match &image.foreign {
        Some(arguments) => {
            command.args(arguments);
        }
        None => {
            command.arg(iteration.status().to_string());
            if iteration.stamped {
                command.arg(STAMP_FD.to_string());
            }
        }
    }
    command
}
