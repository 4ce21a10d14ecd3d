//! One child's life, told step by step.

use std::io;

use super::{Subject, failed};
use crate::mechanism::{Iteration, Mechanism, Sample, Trace};
use crate::protocol::{Answer, Observed};

/// Iterations before the one that is told, so that it is a usual one.
const WARMUP: u32 = 3;

/// Obeys a `life` order.
pub(super) fn tell(subject: &mut Subject, mechanism: &Mechanism) -> io::Result<()> {
    let mut stage = match subject.stage(mechanism, true) {
        Ok(stage) => stage,
        Err(answer) => return subject.wire.send(&answer),
    };
    let mut last = Sample::default();
    let mut status = 0;
    for step in 0..=WARMUP {
        if step == WARMUP {
            stage.watch();
        }
        subject.before_iteration();
        let stamped = mechanism.stamps(stage.is_foreign());
        let iteration = Iteration {
            number: subject.next,
            stamped,
        };
        subject.next += 1;
        status = iteration.status();
        match (mechanism.iterate)(&mut stage, iteration) {
            Ok(sample) => last = sample,
            Err(failure) => return subject.wire.send(&failed(mechanism, &failure)),
        }
    }
    let status = if stage.is_foreign() { 0 } else { status };
    let observed = observed(mechanism, last, &stage.observed(), status);
    subject.wire.send(&Answer::Life(Box::new(observed)))
}

fn observed(mechanism: &Mechanism, sample: Sample, trace: &Trace, status: i32) -> Observed {
    let stamps = &trace.stamps;
    let after_t0 = |time: u64| (time != 0).then(|| time.wrapping_sub(trace.t0));
    let told = |pid: i64| (pid != 0).then_some(pid as i32);
    let zombie = trace.zombie.as_ref();
    let own_code = stamps.pid != 0;
    let has_child = sample.reap != 0;
    Observed {
        parent_pid: std::process::id() as i32,
        returned: if trace.pid != 0 {
            trace.pid.into()
        } else {
            stamps.pid
        },
        child_returned: (mechanism.returns_twice && own_code).then_some(stamps.returned),
        child_pid: told(stamps.pid),
        child_parent_pid: told(stamps.parent),
        call: sample.call,
        start: Some(sample.start).filter(|&ns| ns != 0),
        exec: Some(sample.exec).filter(|&ns| ns != 0),
        end: after_t0(stamps.end),
        // A thread's parent is not told of an end before the join.
        ended: zombie.and_then(|zombie| after_t0(zombie.ended)),
        reap: sample.reap.max(sample.call),
        ran: zombie.and_then(|zombie| zombie.ran),
        waited: zombie.and_then(|zombie| zombie.waited),
        minor_faults: zombie.and_then(|zombie| zombie.minor_faults),
        major_faults: zombie.and_then(|zombie| zombie.major_faults),
        voluntary_switches: zombie.and_then(|zombie| zombie.voluntary_switches),
        involuntary_switches: zombie.and_then(|zombie| zombie.involuntary_switches),
        status: has_child.then_some(status),
    }
}
