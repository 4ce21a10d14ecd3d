//! A foreign mechanism's child beside a native one's: how long each takes, and the system calls that made it.
//!
//! A foreign subject need not tell a life. So its children are timed, in turn with those of the native mechanism that
//! asks the same of the kernel, and then iterations of both are traced.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::cell::Cell;
use super::launcher::Launcher;
use super::proof::{IterationSeen, seen_in_iteration, trace_iterations};
use super::trial::{LiveTrial, TrialError};
use crate::mechanism::{Event, Mechanism, Phase};
use crate::protocol::Count;

/// Fresh subjects of each kind that are timed, in turn.
const TRIALS: u32 = 3;
/// What each is asked for.
const COUNT: Count = Count {
    warmup: 5,
    plain: 20,
    stamped: 10,
    fresh: 0,
};
/// How long an iteration may take, about.
const ITERATION: Duration = Duration::from_millis(100);
/// Different calls of one side that are told; the rest is counted.
const MOST_CALLS: usize = 40;

/// One side: a mechanism and what was seen of its children.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    /// The cell.
    pub cell: String,
    /// The median of each phase, nanoseconds, over all trials.
    pub phases: BTreeMap<Phase, u64>,
    /// The call that made the child, with its flags; `None` where nothing could be traced, or nothing is made.
    pub made_by: Option<String>,
    /// What it executed.
    pub executed: Option<String>,
    /// What the parent called after it had reaped the child before and until this one was born, that call included.
    pub before: Vec<Calls>,
    /// What the child called until it executed an image, or ended.
    pub child: Vec<Calls>,
    /// What the parent called from then on until it had waited for the child.
    pub after: Vec<Calls>,
    /// What else was made, in words.
    pub beside: Vec<String>,
    /// Why nothing was traced.
    pub untraced: Option<String>,
}

/// A system call, and how often it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// Its name.
    pub call: String,
    /// How often.
    pub times: usize,
}

/// Times and traces a foreign cell, and the native cell that asks the same of the kernel, where there is one.
///
/// `native` is that mechanism's name where it is known; else the one that makes its child as was seen is taken.
///
/// # Errors
/// Where either cell can't be measured.
pub fn side_by_side(
    launcher: &Launcher,
    cell: &Cell,
    native: Option<&str>,
) -> Result<(Side, Option<Side>), TrialError> {
    let mut foreign = traced(launcher, cell)?;
    let native = native.or_else(|| like(&foreign.1));
    let Some(native) = native else {
        foreign.0.phases = timed(launcher, &[cell])?.remove(0);
        return Ok((foreign.0, None));
    };
    let native = Cell::native(native, cell.footprint);
    let mut beside = traced(launcher, &native)?.0;
    let mut phases = timed(launcher, &[cell, &native])?;
    beside.phases = phases.remove(1);
    foreign.0.phases = phases.remove(0);
    Ok((foreign.0, Some(beside)))
}

/// The native mechanism that makes a child as this one was made.
fn like(seen: &IterationSeen) -> Option<&'static str> {
    let child = &seen.child.as_ref()?.child;
    let name = match (child.event, child.exec.is_some()) {
        (Event::Fork, false) => "fork",
        (Event::Fork, true) => "fork-exec",
        (Event::Vfork, false) => "vfork",
        // A stack of its own is how C libraries do it.
        (Event::Vfork, true) if child.creation.has("STACK") => "posix_spawn",
        (Event::Vfork, true) => "vfork-exec",
        (Event::Clone, _) if child.creation.has("CLONE_THREAD") => "pthread",
        _ => return None,
    };
    Mechanism::named(name).map(|known| known.name)
}

/// The medians of each cell's phases, its trials made in turn with the others'.
fn timed(launcher: &Launcher, cells: &[&Cell]) -> Result<Vec<BTreeMap<Phase, u64>>, TrialError> {
    let mut samples = vec![BTreeMap::<Phase, Vec<u64>>::new(); cells.len()];
    for index in 0..TRIALS {
        for (cell, samples) in cells.iter().zip(&mut samples) {
            let mut trial = LiveTrial::begin(launcher, cell, 0, index)?;
            trial.iterate(COUNT, ITERATION)?;
            for row in trial.finish().1 {
                for phase in Phase::LIFE {
                    samples.entry(phase).or_default().extend(row.get(phase));
                }
            }
        }
    }
    let median = |(phase, mut times): (Phase, Vec<u64>)| {
        times.sort_unstable();
        Some((phase, *times.get(times.len() / 2)?))
    };
    let medians = samples
        .into_iter()
        .map(|phases| phases.into_iter().filter_map(median));
    Ok(medians.map(Iterator::collect).collect())
}

fn traced(launcher: &Launcher, cell: &Cell) -> Result<(Side, IterationSeen), TrialError> {
    let subject = launcher.subject(cell)?;
    let mut side = Side {
        cell: cell.to_string(),
        phases: BTreeMap::new(),
        made_by: None,
        executed: None,
        before: Vec::new(),
        child: Vec::new(),
        after: Vec::new(),
        beside: Vec::new(),
        untraced: None,
    };
    let seen = match trace_iterations(launcher, subject, &cell.mechanism, &cell.footprint) {
        Ok(traced) => match traced.refusal() {
            Some(reason) => {
                side.untraced = Some(reason);
                IterationSeen::default()
            }
            None => seen_in_iteration(traced),
        },
        Err(error) => {
            side.untraced = Some(error.to_string());
            IterationSeen::default()
        }
    };
    side.beside = seen.others.iter().map(ToString::to_string).collect();
    if let Some(births) = &seen.child {
        let child = &births.child;
        side.made_by = Some(child.creation.to_string());
        side.executed.clone_from(&child.exec);
        let mut before = after_reaping(&child.before).to_vec();
        before.push(child.creation.call.clone());
        let own = match child.calls_to_exec {
            0 => &child.calls[..],
            until => &child.calls[..until],
        };
        side.before = counted(&before);
        side.child = counted(own);
        side.after = counted(until_reaped(&child.meanwhile));
    }
    Ok((side, seen))
}

fn is_wait(call: &String) -> bool {
    call == "wait4" || call == "waitid"
}

/// What was called after the child before was reaped.
fn after_reaping(calls: &[String]) -> &[String] {
    let reaped = calls.iter().rposition(is_wait);
    &calls[reaped.map_or(0, |at| at + 1)..]
}

/// What was called until this one was.
fn until_reaped(calls: &[String]) -> &[String] {
    let reaped = calls.iter().position(is_wait);
    &calls[..reaped.map_or(calls.len(), |at| at + 1)]
}

/// Each call once, in the order in which it first came, with how often it came.
fn counted(calls: &[String]) -> Vec<Calls> {
    let mut counted: Vec<Calls> = Vec::new();
    for call in calls {
        match counted.iter_mut().find(|known| known.call == *call) {
            Some(known) => known.times += 1,
            None => counted.push(Calls {
                call: call.clone(),
                times: 1,
            }),
        }
    }
    let rest: usize = counted
        .iter()
        .skip(MOST_CALLS)
        .map(|calls| calls.times)
        .sum();
    counted.truncate(MOST_CALLS);
    if rest > 0 {
        counted.push(Calls {
            call: "others".to_owned(),
            times: rest,
        });
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn calls_of_the_iteration_before_are_left_out() {
        let before = calls("read close wait4 pipe2 fcntl fcntl");
        let told = counted(after_reaping(&before));
        let words: Vec<String> = told
            .iter()
            .map(|one| format!("{} {}", one.call, one.times))
            .collect();
        assert_eq!(words, ["pipe2 1", "fcntl 2"]);
        assert_eq!(
            until_reaped(&calls("close read wait4 write")),
            calls("close read wait4")
        );
        assert_eq!(after_reaping(&calls("mmap futex")), calls("mmap futex"));
    }

    #[test]
    fn a_list_of_calls_has_an_end() {
        let many: Vec<String> = (0..100).map(|number| format!("call {number}")).collect();
        let told = counted(&many);
        assert_eq!(told.len(), MOST_CALLS + 1);
        assert_eq!(told.last().unwrap().times, 100 - MOST_CALLS);
    }
}
