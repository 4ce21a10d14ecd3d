//! Every mechanism at the smallest parent, pinned; and four of them where the scheduler chooses.

mod driver;

use std::process::ExitCode;

use driver::Planned;
use forkbench::harness::plan;

/// What is measured, and how long.
pub fn plan() -> Vec<Planned> {
    let cells = plan::mechanism_cells()
        .into_iter()
        .chain(plan::free_cells());
    cells.map(|cell| Planned { cell, seconds: 1.0 }).collect()
}

fn main() -> ExitCode {
    driver::run("mechanisms", plan(), |_| true)
}
