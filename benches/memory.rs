//! fork by what the parent is: page kind, mapping, touch, order and state of 1 GiB; VMAs, threads, descriptors.

mod driver;

use std::process::ExitCode;

use driver::Planned;
use forkbench::footprint::{Footprint, Mapping, Order, Page, State, Touch};
use forkbench::harness::plan;

/// Seconds of iterations: 60 of them, at what they take in the committed run, where pages are copied.
fn seconds(footprint: &Footprint) -> f64 {
    let copied = footprint.touch == Touch::Written && footprint.mapping == Mapping::Private;
    let for_a_gib = match (copied, footprint.page, footprint.order, footprint.state) {
        (false, ..) | (true, Page::Thp | Page::Hugetlb, _, State::Hot) => 1.0,
        (true, Page::Thp | Page::Hugetlb, _, State::Rewritten) => 1.5,
        (true, Page::Base, Order::Sequential, State::Hot) => 3.0,
        (true, Page::Base, Order::Shuffled, State::Hot) => 5.0,
        (true, Page::Base, Order::Sequential, State::Rewritten) => 10.0,
        (true, Page::Base, Order::Shuffled, State::Rewritten) => 12.0,
    };
    f64::max(
        1.0,
        for_a_gib * footprint.bytes as f64 / (1u64 << 30) as f64,
    )
}

/// What is measured, and how long.
pub fn plan() -> Vec<Planned> {
    let cells = plan::memory_cells().into_iter();
    cells
        .map(|cell| Planned {
            seconds: seconds(&cell.footprint),
            cell,
        })
        .collect()
}

fn main() -> ExitCode {
    driver::run("memory", plan(), |_| true)
}
