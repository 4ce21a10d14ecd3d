//! One child's life, told step by step.

use std::io;

use super::{Subject, failed};
use crate::mechanism::{Iteration, Mechanism, Sample, Tables, Trace, fault_cost};
use crate::protocol::{Answer, Observed};

/// Iterations before the one that is told, so that it is a usual one.
const WARMUP: u32 = 3;

/// Obeys a `life` order. `kept`: whether the ballast is kept from the child.
pub(super) fn tell(subject: &mut Subject, mechanism: &Mechanism, kept: bool) -> io::Result<()> {
    let told = keep_ballast(subject, kept).and_then(|()| live(subject, mechanism));
    // What a fault costs does not hang on the ballast, and the child that it takes shall not either.
    let fault = keep_ballast(subject, true).ok().and_then(|()| fault_cost());
    let answer = match told.and_then(|told| keep_ballast(subject, false).map(|()| told)) {
        Ok(observed) => Answer::Life(Box::new(Observed { fault, ..observed })),
        Err(answer) => answer,
    };
    subject.wire.send(&answer)
}

fn keep_ballast(subject: &Subject, kept: bool) -> Result<(), Answer> {
    let held = subject.held.as_ref();
    held.map_or(Ok(()), |held| held.keep_ballast(kept))
        .map_err(|errno| {
            let error = io::Error::from_raw_os_error(errno);
            Answer::Fail(format!("cannot keep the ballast from children: {error}"))
        })
}

/// Iterations up to the one that is told; the last before it has its child weigh its page tables.
fn live(subject: &mut Subject, mechanism: &Mechanism) -> Result<Observed, Answer> {
    let mut stage = subject.stage(mechanism, true)?;
    let mut last = Sample::default();
    let mut status = 0;
    for step in 0..=WARMUP {
        if step == WARMUP {
            stage.watch();
        } else if step == WARMUP - 1 {
            // Without memory for it the life is told all the same.
            let _ = stage.weigh();
        }
        subject.before_iteration();
        let stamped = mechanism.stamps(stage.is_foreign());
        let iteration = Iteration {
            number: subject.next,
            stamped,
        };
        subject.next += 1;
        status = iteration.status();
        last = mechanism
            .iterate(&mut stage, iteration)
            .map_err(|failure| failed(mechanism, &failure))?;
    }
    let status = if stage.is_foreign() { 0 } else { status };
    Ok(observed(mechanism, last, &stage.observed(), status))
}

fn observed(mechanism: &Mechanism, sample: Sample, trace: &Trace, status: i32) -> Observed {
    let stamps = &trace.stamps;
    let after_t0 = |time: u64| (time != 0).then(|| time.wrapping_sub(trace.t0));
    let told = |pid: i64| (pid != 0).then_some(pid as i32);
    let zombie = trace.zombie.as_ref();
    let own_code = stamps.pid != 0;
    let has_child = sample.reap != 0;
    let tables = match trace.tables {
        // Its parent's own: none was copied.
        _ if mechanism.claim.flags.contains(&"CLONE_VM") => Tables {
            bytes: Some(0),
            entries: Some(0),
        },
        tables => tables.unwrap_or_default(),
    };
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
        parent_call: trace.call,
        parent_reap: trace.reap,
        copied_tables: tables.bytes,
        copied_entries: tables.entries,
        fault: None,
    }
}
