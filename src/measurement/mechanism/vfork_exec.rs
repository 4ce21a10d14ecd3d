//! libc's `vfork`, then `execve` in the child.

use super::claim::{Claim, Event};
use super::vfork::vfork;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage, Work};

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
    work: Work::Child(iterate),
};

fn iterate(stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
    let child = stage.executing_child(iteration, true);
    vfork(stage, iteration, child)
}
