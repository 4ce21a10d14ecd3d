//! `forkbench compare`: what is said of recorded runs, and what keeps it from being said.

#[path = "../recording/fixtures.rs"]
#[allow(dead_code)]
mod fixtures;
#[path = "../scratch/mod.rs"]
mod scratch;

mod cells;
mod command;
mod hosts;
mod made;
mod verdicts;
