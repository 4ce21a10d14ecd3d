//! One child's life, from a subject that tells it.

use super::cell::Cell;
use super::launcher::Launcher;
use super::proof::prove;
use super::trial::{LiveTrial, TrialError};
use crate::footprint::{Footprint, Receipt};
use crate::protocol::{Known, Observed};
use crate::recording::{Life, LifeMoments, Placement};

/// Has a fresh subject tell the life of a cell's child.
///
/// # Errors
/// Where the cell cannot be measured.
pub fn tell(launcher: &Launcher, cell: &Cell) -> Result<Life, TrialError> {
    let mut trial = LiveTrial::begin(launcher, cell, 0, 0)?;
    let mut life = one(&mut trial, cell, false)?;
    drop(trial);
    life.system_call = system_call(launcher, cell);
    Ok(life)
}

/// Lives of a cell's children, told in turn with those of children that say what to compare them with.
#[derive(Debug, Default)]
pub struct Lives {
    /// Of the cell.
    pub cell: Vec<Life>,
    /// Of the same parent, with its ballast kept from the child; empty where it has none that is copied.
    pub kept: Vec<Life>,
    /// Of a bare parent; empty where the cell's own is one.
    pub bare: Vec<Life>,
}

/// Has two subjects, one that holds the cell's footprint and a bare one, tell `rounds` lives of each kind.
///
/// # Errors
/// Where the cell cannot be measured.
pub fn tell_in_turn(launcher: &Launcher, cell: &Cell, rounds: u32) -> Result<Lives, TrialError> {
    let bare = Cell {
        footprint: Footprint::default(),
        ..cell.clone()
    };
    let mut trial = LiveTrial::begin(launcher, cell, 0, 0)?;
    let mut beside = match cell.footprint == bare.footprint {
        true => None,
        false => Some(LiveTrial::begin(launcher, &bare, 0, 0)?),
    };
    let mut lives = Lives::default();
    for _ in 0..rounds {
        let life = one(&mut trial, cell, false)?;
        // A child that shares its parent's tables is given none, whatever is kept from it.
        let copies = cell.footprint.bytes > 0 && life.copied_tables != Some(0);
        lives.cell.push(life);
        if copies {
            lives.kept.push(one(&mut trial, cell, true)?);
        }
        if let Some(beside) = &mut beside {
            lives.bare.push(one(beside, &bare, false)?);
        }
    }
    drop((trial, beside));
    let seen = system_call(launcher, cell);
    for life in &mut lives.cell {
        life.system_call.clone_from(&seen);
    }
    Ok(lives)
}

/// The life of one child of each mechanism among `cells`, at its smallest pinned footprint. Those that
/// can't be told are left out: they stand in the run as cells with their reasons.
pub fn of_each_mechanism(launcher: &Launcher, cells: &[Cell]) -> Vec<Life> {
    let mut smallest: Vec<&Cell> = Vec::new();
    let pinned = |cell: &&Cell| cell.placement == Placement::Pinned;
    for cell in cells.iter().filter(pinned).filter(|cell| has_a_life(cell)) {
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

/// Whether its iterations are children, one by one.
pub fn has_a_life(cell: &Cell) -> bool {
    cell.known().is_none_or(Known::starts_children)
}

/// The system call behind a mechanism, as a tracer sees it; `None` where it may not look.
fn system_call(launcher: &Launcher, cell: &Cell) -> Option<String> {
    let Some(Known::Mechanism(mechanism)) = cell.known() else {
        return None;
    };
    let subject = launcher.subject(cell).ok()?;
    prove(launcher, subject, mechanism).seen
}

fn one(trial: &mut LiveTrial, cell: &Cell, kept: bool) -> Result<Life, TrialError> {
    let observed = trial.life(kept)?;
    Ok(life(cell, &observed, trial.receipt()))
}

fn life(cell: &Cell, observed: &Observed, receipt: &Receipt) -> Life {
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
        parent_call: observed.parent_call,
        parent_reap: observed.parent_reap,
        page_tables: receipt.page_tables,
        copied_tables: observed.copied_tables,
        copied_entries: observed.copied_entries,
        fault_ns: observed.fault,
    }
}
