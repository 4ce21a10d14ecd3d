//! Servers at one fixed, modest rate, by who answers, from a bare parent and from one of 256 MiB. What each can hold takes
//! a search: `forkbench run 'server:*'`.

mod driver;

use std::process::ExitCode;

use driver::Planned;

/// What every server holds from a bare parent; and from a large one those that differ by it, at the usual rate.
const CELLS: [&str; 9] = [
    "server:null/0@rate=400",
    "server:thread-pool/0@rate=400",
    "server:prefork/0@rate=400",
    "server:thread/0@rate=400",
    "server:vfork-exec/0@rate=400",
    "server:fork/0@rate=400",
    "server:prefork/256MiB",
    "server:vfork-exec/256MiB",
    "server:fork/256MiB",
];

/// What is measured, and how long.
pub fn plan() -> Vec<Planned> {
    let cells = CELLS.iter().map(|id| Planned {
        cell: id.parse().expect("a cell that can be"),
        seconds: 1.5,
    });
    cells.collect()
}

fn main() -> ExitCode {
    driver::run("servers", plan(), |_| true)
}
