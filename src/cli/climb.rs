//! The search for the highest rate that servers hold: after what was asked for, rate by rate.

use super::run::Measured;
use crate::harness::cell::Cell;
use crate::harness::knee::{Probe, next_rate};
use crate::harness::runner::Tally;
use crate::harness::schedule::schedule;
use crate::load::MODEST_RATE;
use crate::recording::{self, RunWriter, Status, is_held, rate_of};

/// The servers whose highest rate is looked for: those that were named without a rate.
pub(super) fn servers(cells: &[Cell], dropped: &[Cell]) -> Vec<Cell> {
    let named = |cell: &&Cell| cell.model().is_some() && cell.rate.is_none();
    let wanted = cells.iter().filter(named);
    wanted
        .filter(|cell| !dropped.contains(cell))
        .cloned()
        .collect()
}

/// Measures one rate of every server after the other until the knee of each is known; rates of one round stand in
/// one schedule. What is measured is recorded like any other cell.
pub(super) fn climb(
    measured: &Measured<'_>,
    servers: &[Cell],
    trials: u32,
    writer: &mut RunWriter,
) -> anyhow::Result<Tally> {
    let mut sum = Tally::default();
    let mut round = 0;
    loop {
        writer.flush()?;
        let recorded = recording::read(writer.directory())?;
        let next = servers.iter().filter_map(|server| {
            let of_server = recorded.run.cells.iter();
            let of_server: Vec<_> = of_server.filter(|cell| is_of(cell, server)).collect();
            let probes: Vec<Probe> = of_server.iter().filter_map(|c| probe(c, trials)).collect();
            let rate = next_rate(&probes)?;
            // What was measured and could not be judged would be asked for again.
            let judged = |cell: &&recording::Cell| rate_of(cell) != rate || is_held(cell).is_some();
            of_server.iter().all(judged).then(|| Cell {
                rate: Some(rate).filter(|&rate| rate != MODEST_RATE),
                ..server.clone()
            })
        });
        let cells: Vec<Cell> = next.collect();
        if cells.is_empty() || sum.interrupted {
            return Ok(sum);
        }
        round += 1;
        let mut slots = schedule(&cells, trials, measured.budget.seed.wrapping_add(round));
        for slot in &mut slots {
            // A rate that is measured again has trials already.
            let id = cells[slot.cell].to_string();
            let known = recorded.run.cells.iter().find(|cell| cell.id == id);
            slot.index += known.map_or(0, |cell| cell.trials.len() as u32);
        }
        let searching = format!("looking for the highest rate held, round {round}");
        let part = Measured {
            cells: &cells,
            slots: &slots,
            part_of: Some(&searching),
            ..*measured
        };
        let (tally, _) = part.record(writer)?;
        sum.trials += tally.trials;
        sum.skipped += tally.skipped;
        // A rate at which a server answers nothing is the end of its climb, and no failure of the run.
        sum.interrupted |= tally.interrupted;
    }
}

/// What a recorded cell says of its rate. One at which the server answers nothing is lost for good.
fn probe(cell: &recording::Cell, trials: u32) -> Option<Probe> {
    let visits = (cell.trials.len() as u32).div_ceil(trials.max(1));
    Some(Probe {
        rate: rate_of(cell),
        held: is_held(cell)?,
        visits: match cell.status {
            Status::Failed => u32::MAX,
            _ => visits,
        },
    })
}

/// Whether a recorded cell is that server, at any rate.
fn is_of(cell: &recording::Cell, server: &Cell) -> bool {
    let key = server.key(cell.exec.clone());
    cell.subject == key.subject
        && cell.mechanism == key.mechanism
        && cell.footprint == key.footprint
        && cell.placement == key.placement
}
