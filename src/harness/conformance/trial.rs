//! What forkbench itself makes of a subject: what a tracer sees of its iterations, and a trial as in a run.

use std::time::Duration;

use super::checks::{About, Checks};
use super::talk::Partner;
use crate::footprint::Footprint;
use crate::harness::cell::Cell;
use crate::harness::launcher::Launcher;
use crate::harness::proof::{seen_in_iteration, trace_iterations};
use crate::harness::tracing::TraceError;
use crate::harness::trial::LiveTrial;
use crate::protocol::{Count, Known};

/// What the trial asks for.
const COUNT: Count = Count {
    warmup: 2,
    plain: 8,
    stamped: 2,
    fresh: 0,
};
/// How long an iteration takes, about: the slowest start an interpreter.
const ITERATION: Duration = Duration::from_millis(100);

fn footprint(mechanism: &str) -> Footprint {
    Known::named(mechanism).map_or(Footprint::default(), Known::smallest)
}

/// Whether an iteration starts anything.
pub(super) fn trace(partner: Partner<'_>, checks: &mut Checks, mechanism: &str, claims_none: bool) {
    let about = About {
        mechanism: Some(mechanism),
        order: None,
    };
    let name = "starts-something";
    if checks.is_out_of_reach(mechanism) {
        return;
    }
    let held = footprint(mechanism);
    let traced = match trace_iterations(partner.launcher, partner.subject, mechanism, &held) {
        Ok(traced) => traced,
        Err(error @ TraceError::Denied { .. }) => {
            return checks.unknown(name, about, &error.to_string());
        }
        Err(error) => return checks.failed(name, about, &error.to_string()),
    };
    if let Some(reason) = traced.refusal() {
        return checks.unknown(name, about, &reason);
    }
    let seen = seen_in_iteration(traced);
    match seen.child {
        Some(births) => checks.passed(name, about, &births.to_string()),
        None if claims_none => checks.passed(name, about, "no child, as is claimed"),
        None => checks.failed(name, about, "a tracer saw no process and no thread begin"),
    }
}

/// Whether a trial of it can be made.
pub(super) fn measure(partner: Partner<'_>, checks: &mut Checks, mechanism: &str) {
    if checks.is_out_of_reach(mechanism) {
        return;
    }
    let about = About {
        mechanism: Some(mechanism),
        order: None,
    };
    let cell = Cell {
        subject: partner.subject.name.clone(),
        ..Cell::native(mechanism, footprint(mechanism))
    };
    match trial(partner, &cell) {
        Ok(samples) => {
            let seen = format!("a trial of {samples} samples");
            checks.passed("trial", about, &seen);
        }
        Err(reason) => checks.failed("trial", about, &reason),
    }
}

fn trial(partner: Partner<'_>, cell: &Cell) -> Result<usize, String> {
    let (native, subject) = (partner.launcher.native().clone(), partner.subject.clone());
    let cpus = partner.launcher.cpus();
    let launcher = Launcher::new(native, vec![subject], cpus, None).map_err(|e| e.to_string())?;
    let launcher = launcher.with_patience(partner.patience);
    let mut live = LiveTrial::begin(&launcher, cell, 0, 0).map_err(|error| error.to_string())?;
    live.iterate(COUNT, ITERATION)
        .map_err(|error| error.to_string())?;
    Ok(live.finish().1.len())
}
