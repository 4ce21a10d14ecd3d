//! Round trips between a parent and its forked child: every channel, a byte and 64 KiB, on one CPU and on two.

mod driver;

use std::process::ExitCode;

use driver::Planned;
use forkbench::harness::plan;

/// What is measured, and how long.
pub fn plan() -> Vec<Planned> {
    let cells = plan::channel_cells().into_iter();
    cells
        .map(|cell| Planned {
            cell,
            seconds: 0.25,
        })
        .collect()
}

fn main() -> ExitCode {
    driver::run("ipc", plan(), |_| true)
}
