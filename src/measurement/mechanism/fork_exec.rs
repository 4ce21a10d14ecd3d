//! libc's `fork`, then `execve` in the child: what shells and most launchers do.

use super::claim::{Claim, Event};
use super::fork::fork;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage, Work};

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
    work: Work::Child(iterate),
};

fn iterate(stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
    let child = stage.executing_child(iteration, false);
    fork(stage, iteration, &child)
}
