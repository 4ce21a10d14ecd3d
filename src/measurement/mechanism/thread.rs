//! `std::thread::spawn` and `join`.

use super::account::Moment;
use super::claim::{Claim, Event};
use super::reap::look_at_thread;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage, Work};
use crate::clock;

pub(super) const MECHANISM: Mechanism = Mechanism {
    name: "thread",
    summary: "std::thread::spawn, then join",
    phases: &[Phase::Call, Phase::Start, Phase::Reap],
    claim: Claim {
        event: Event::Clone,
        calls: &["clone", "clone3"],
        flags: &["CLONE_VM", "CLONE_THREAD", "CLONE_SIGHAND", "CLONE_FILES"],
        without: &["CLONE_VFORK"],
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

/// A child's orders, for a closure that must be `Send`.
struct Orders(super::child::Child);

// SAFETY: the parent joins the thread before it touches the stage again, and what the orders point to
// outlives it.
unsafe impl Send for Orders {}

fn iterate(stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
    let orders = Orders(stage.child(iteration, true));
    let watch = stage.watching;
    let t0 = stage.begin();
    let thread = std::thread::Builder::new().spawn(move || {
        let orders = &orders;
        // SAFETY: the stage's stamps are mapped, and this is its only child.
        unsafe { orders.0.arrive(0) };
        (orders.0.status(), watch.then(look_at_thread))
    });
    let called = clock::after_call();
    let thread = thread.map_err(|source| Failure::Call {
        call: "thread::spawn",
        source,
    })?;
    stage.note(Moment::Called);
    let result = thread.join();
    let reaped = clock::now();
    let wrong = |got: String| Failure::WrongEnd {
        expected: iteration.status(),
        got,
    };
    let (status, looked) = result.map_err(|_| wrong("a panic".to_owned()))?;
    if status != iteration.status() {
        return Err(wrong(status.to_string()));
    }
    let reaped = stage.keep_thread(looked, reaped);
    stage.check_memory(true)?;
    stage.sample(iteration, t0, called, reaped)
}
