//! Every mechanism at the smallest parent, pinned; and four of them where the scheduler chooses.

mod driver;

use std::process::ExitCode;

use driver::Planned;
use forkbench::harness::plan;

fn main() -> ExitCode {
    let cells = plan::mechanism_cells()
        .into_iter()
        .chain(plan::free_cells());
    driver::run(
        "mechanisms",
        cells.map(|cell| Planned { cell, seconds: 1.0 }).collect(),
        |_| true,
    )
}
