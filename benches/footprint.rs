//! Latency against the parent's memory: does it matter, and to which mechanism?

mod driver;

use std::process::ExitCode;

use driver::Planned;
use forkbench::harness::plan;

/// What is measured, and how long.
pub fn plan() -> Vec<Planned> {
    let cells = plan::footprint_cells().into_iter();
    cells
        .map(|cell| {
            // A median per subject takes 20 iterations, each of 0.17 s at 4 GiB.
            let seconds = match (cell.mechanism.as_str(), cell.footprint.bytes >> 20) {
                ("fork", 4096..) => 10.0,
                ("fork", 1024..) => 3.0,
                _ => 1.0,
            };
            Planned { cell, seconds }
        })
        .collect()
}

fn main() -> ExitCode {
    driver::run("footprint", plan(), |_| true)
}
