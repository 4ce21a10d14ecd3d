//! One child's life, from a subject that tells it.

use super::cell::Cell;
use super::launcher::Launcher;
use super::proof::prove;
use super::trial::{LiveTrial, TrialError};
use crate::protocol::Observed;
use crate::recording::{Life, LifeMoments};

/// Has a fresh subject tell the life of a cell's child.
///
/// # Errors
/// Where the cell cannot be measured.
pub fn tell(launcher: &Launcher, cell: &Cell) -> Result<Life, TrialError> {
    let mut trial = LiveTrial::begin(launcher, cell, 0, 0)?;
    let observed = trial.life()?;
    drop(trial);
    let mut life = life(cell, &observed);
    life.system_call = system_call(launcher, cell);
    Ok(life)
}

/// The life of one child of each mechanism among `cells`, at its smallest pinned footprint. Those that
/// can't be told are left out: they stand in the run as cells with their reasons.
pub fn of_each_mechanism(launcher: &Launcher, cells: &[Cell]) -> Vec<Life> {
    let mut smallest: Vec<&Cell> = Vec::new();
    for cell in cells.iter().filter(|cell| !cell.free) {
        let same =
            |other: &&mut &Cell| other.mechanism == cell.mechanism && other.subject == cell.subject;
        match smallest.iter_mut().find(same) {
            Some(other) if cell.footprint.bytes < other.footprint.bytes => *other = cell,
            Some(_) => {}
            None => smallest.push(cell),
        }
    }
    smallest
        .into_iter()
        .filter_map(|cell| tell(launcher, cell).ok())
        .collect()
}

/// The system call behind a mechanism, as a tracer sees it; `None` where it may not look.
fn system_call(launcher: &Launcher, cell: &Cell) -> Option<String> {
    let subject = launcher.subject(cell).ok()?;
    prove(launcher, subject, cell.known_mechanism()?).seen
}

fn life(cell: &Cell, observed: &Observed) -> Life {
    Life {
        cell: cell.to_string(),
        mechanism: cell.mechanism.clone(),
        system_call: None,
        parent_pid: observed.parent_pid,
        returned_in_parent: observed.returned,
        returned_in_child: observed.child_returned,
        child_pid: observed.child_pid,
        child_parent_pid: observed.child_parent_pid,
        moments: LifeMoments {
            call: observed.call,
            start: observed.start,
            exec: observed.exec,
            end: observed.end,
            ended: observed.ended,
            reap: observed.reap,
        },
        ran_ns: observed.ran,
        waited_ns: observed.waited,
        minor_faults: observed.minor_faults,
        major_faults: observed.major_faults,
        voluntary_switches: observed.voluntary_switches,
        involuntary_switches: observed.involuntary_switches,
        exit_status: observed.status,
    }
}
