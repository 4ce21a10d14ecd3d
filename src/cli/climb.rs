//! The search for the highest rate that servers hold: after what was asked for, rate by rate.

use super::run::Measured;
use crate::harness::cell::Cell;
use crate::harness::knee::next_rate;
use crate::harness::runner::Tally;
use crate::harness::schedule::schedule;
use crate::load::MODEST_RATE;
use crate::recording::{self, RunWriter, is_held, rate_of};

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
            let rates: Vec<(u32, bool)> = recorded
                .run
                .cells
                .iter()
                .filter(|cell| is_of(cell, server))
                .filter_map(|cell| Some((rate_of(cell), is_held(cell)?)))
                .collect();
            let rate = next_rate(&rates)?;
            let probe = Cell {
                rate: Some(rate).filter(|&rate| rate != MODEST_RATE),
                ..server.clone()
            };
            // What was measured and could not be judged, with too few requests, would be asked for again.
            let id = probe.to_string();
            let known = recorded.run.cells.iter().any(|cell| cell.id == id);
            (!known).then_some(probe)
        });
        let cells: Vec<Cell> = next.collect();
        if cells.is_empty() || sum.interrupted {
            return Ok(sum);
        }
        round += 1;
        let slots = schedule(&cells, trials, measured.budget.seed.wrapping_add(round));
        let part = Measured {
            cells: &cells,
            slots: &slots,
            ..*measured
        };
        let (tally, _) = part.record(writer)?;
        sum.trials += tally.trials;
        sum.skipped += tally.skipped;
        // A rate at which a server answers nothing is the end of its climb, and no failure of the run.
        sum.interrupted |= tally.interrupted;
    }
}

/// Whether a recorded cell is that server, at any rate.
fn is_of(cell: &recording::Cell, server: &Cell) -> bool {
    let key = server.key(cell.exec.clone());
    cell.subject == key.subject
        && cell.mechanism == key.mechanism
        && cell.footprint == key.footprint
        && cell.placement == key.placement
}
