//! The first write to a page after a fork: by who writes, page kind, order, and threads on other CPUs.

mod driver;

use std::process::ExitCode;

use driver::Planned;
use forkbench::harness::plan;

/// What is measured, and how long.
pub fn plan() -> Vec<Planned> {
    let cells = plan::cow_cells().into_iter();
    cells.map(|cell| Planned { cell, seconds: 1.0 }).collect()
}

fn main() -> ExitCode {
    driver::run("cow", plan(), |_| true)
}
