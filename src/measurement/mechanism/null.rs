//! Nothing at all: two readings of the clock, the floor under every other figure.

use super::claim::{Claim, Event};
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage, Work};
use crate::clock;

pub(super) const MECHANISM: Mechanism = Mechanism {
    name: "null",
    summary: "nothing: two readings of the clock",
    phases: &[Phase::Call],
    claim: Claim {
        event: Event::None,
        calls: &[],
        flags: &[],
        without: &[],
        exec: false,
        also: &[],
    },
    returns_twice: false,
    needs: Needs {
        image: false,
        stack: false,
    },
    work: Work::Child(iterate),
};

fn iterate(_: &mut Stage, _: Iteration) -> Result<Sample, Failure> {
    let t0 = clock::now();
    // The compiler must not find out that nothing happens here.
    std::hint::black_box(());
    let t1 = clock::now();
    Ok(Sample {
        call: t1 - t0,
        ..Sample::default()
    })
}
