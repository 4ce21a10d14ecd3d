//! `forkbench history`: what the store keeps, and what it survives.

#[path = "../recording/fixtures.rs"]
#[allow(dead_code)]
mod fixtures;
#[path = "../scratch/mod.rs"]
mod scratch;

mod adding;
mod command;
mod criterion;
mod disks;
mod exports;
mod green;
mod made;
mod opening;
mod over_time;
mod processes;
mod pruning;
