//! libc's `pthread_create` and `pthread_join`.

use std::ffi::c_void;
use std::ptr;

use super::account::Moment;
use super::child::Child;
use super::claim::{Claim, Event};
use super::reap::{Zombie, look_at_thread};
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage, Work};
use crate::clock;

pub(super) const MECHANISM: Mechanism = Mechanism {
    name: "pthread",
    summary: "pthread_create with default attributes, then pthread_join",
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

fn iterate(stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
    let mut errand = Errand {
        child: stage.child(iteration, true),
        watch: stage.watching,
        looked: None,
    };
    let mut thread = 0;
    let mut result = ptr::null_mut();
    let t0 = stage.begin();
    // SAFETY: `errand` outlives the thread, which is joined below; null stands for default attributes.
    let error =
        unsafe { libc::pthread_create(&mut thread, ptr::null(), run, (&raw mut errand).cast()) };
    let called = clock::now();
    if error != 0 {
        return Err(Failure::of_number("pthread_create", error));
    }
    stage.note(Moment::Called);
    // SAFETY: the thread was made above and is joined once.
    let error = unsafe { libc::pthread_join(thread, &mut result) };
    let reaped = clock::now();
    if error != 0 {
        return Err(Failure::of_number("pthread_join", error));
    }
    if result as i32 != iteration.status() {
        let got = (result as i32).to_string();
        return Err(Failure::WrongEnd {
            expected: iteration.status(),
            got,
        });
    }
    let reaped = stage.keep_thread(errand.looked, reaped);
    stage.check_memory(true)?;
    stage.sample(iteration, t0, called, reaped)
}

struct Errand {
    child: Child,
    watch: bool,
    looked: Option<(Zombie, u64)>,
}

extern "C" fn run(errand: *mut c_void) -> *mut c_void {
    // SAFETY: the parent keeps the errand alive until it has joined and does not touch it before.
    let errand = unsafe { &mut *errand.cast::<Errand>() };
    // SAFETY: the stage's stamps are mapped, and this is its only child.
    unsafe { errand.child.arrive(0) };
    if errand.watch {
        errand.looked = Some(look_at_thread());
    }
    errand.child.status() as usize as *mut c_void
}
