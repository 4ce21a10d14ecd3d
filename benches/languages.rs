//! What Python, Node and Ruby make of starting a child, beside the native cells of other targets. What is not installed
//! is skipped.

mod driver;

use std::process::ExitCode;

use driver::Planned;
use forkbench::harness::plan;

/// What is measured, and how long.
pub fn plan() -> Vec<Planned> {
    let cells = plan::language_cells().into_iter();
    cells.map(|cell| Planned { cell, seconds: 0.5 }).collect()
}

fn main() -> ExitCode {
    driver::run("languages", plan(), |_| true)
}
