//! Which cells are measured.

mod calibration;
mod selection;

use super::cell::Cell;
use crate::channel::{CHANNELS, MESSAGES};
use crate::footprint::Footprint;
use crate::mechanism::MECHANISMS;
use crate::recording::Placement;
use crate::server::MODELS;

pub use calibration::{CalibrationSizes, calibration_cells};
pub use selection::{PlanError, glob, select};

/// Sizes at which mechanisms are compared by default.
pub const SIZES: [u64; 6] = [0, 16 << 20, 64 << 20, 256 << 20, 1 << 30, 4 << 30];

/// Mechanisms that stand for their kind over all sizes.
pub const COMPARED: [&str; 4] = ["fork", "vfork", "posix_spawn", "thread"];

/// Parents of 1 GiB that differ in one thing, or in two where one alone says nothing; and smaller ones that tell
/// what a VMA, a descriptor, a thread and a page near its neighbour cost, and whether costs add up.
pub const MEMORY: [&str; 24] = [
    "1GiB",
    "1GiB+thp",
    "1GiB+hugetlb",
    "1GiB+shared",
    "1GiB+file",
    "1GiB+file+read",
    "1GiB+dontfork",
    "1GiB+wipeonfork",
    "1GiB+read",
    "1GiB+untouched",
    "1GiB+rewritten",
    "1GiB+thp+rewritten",
    "1GiB+shuffled",
    "1GiB+shuffled+rewritten",
    "0+vmas=500",
    "0+vmas=2000",
    "4KiB+dontfork+vmas=2000",
    "0+threads=32",
    "0+busy=1",
    "0+fds=10000",
    "256MiB+thp",
    "256MiB+rewritten",
    "256MiB+shuffled+window=32",
    "256MiB+shuffled+window=32+rewritten",
];

/// First writes to parents of 256 MiB. A thread that runs on another CPU has to be told of every page that
/// moves.
pub const COPY_ON_WRITE: [&str; 8] = [
    "cow-parent/256MiB",
    "cow-parent/256MiB+shuffled",
    "cow-parent/256MiB+thp",
    "cow-parent/256MiB+busy=1",
    "cow-parent/256MiB+thp+busy=1",
    "cow-child/256MiB",
    "cow-child/256MiB+shuffled",
    "cow-child/256MiB+thp",
];

/// What a few languages make of it, at parents that are measured natively too: other subjects' cells, few and short.
pub const LANGUAGES: [&str; 12] = [
    "python:os.fork/0",
    "python:os.fork/64MiB",
    "python:subprocess/0",
    "python:subprocess-close_fds-false/0",
    "python:subprocess-preexec_fn/0",
    "python:multiprocessing-fork/0",
    "python:threading/0",
    "python:concurrent.futures-warm/0",
    "node:child_process.spawn/0",
    "ruby:Process.fork/0",
    "ruby:Process.spawn/0",
    "ruby:Thread/0",
];

/// The cells for a latency-against-memory chart, and the largest parent of the call that posix_spawn
/// makes inside.
pub fn footprint_cells() -> Vec<Cell> {
    let largest = SIZES[SIZES.len() - 1];
    let compared = SIZES
        .iter()
        .flat_map(|&bytes| COMPARED.map(|name| Cell::native(name, Footprint::of(bytes))));
    compared
        .chain([Cell::native("clone-vm", Footprint::of(largest))])
        .collect()
}

/// Every way to start a child at the smallest parent.
pub fn mechanism_cells() -> Vec<Cell> {
    MECHANISMS
        .iter()
        .filter(|mechanism| !mechanism.writes())
        .map(|mechanism| Cell::native(mechanism.name, Footprint::of(0)))
        .collect()
}

/// The same mechanisms where the scheduler chooses the CPU.
pub fn free_cells() -> Vec<Cell> {
    let named = COMPARED.map(|name| Cell::native(name, Footprint::of(0)));
    named
        .into_iter()
        .map(|cell| Cell {
            placement: Placement::Free,
            ..cell
        })
        .collect()
}

/// fork of parents that differ in what their memory is.
pub fn memory_cells() -> Vec<Cell> {
    let footprints = MEMORY
        .iter()
        .map(|name| name.parse().expect("a constant that a test reads"));
    footprints
        .map(|footprint| Cell::native("fork", footprint))
        .collect()
}

/// First writes after a fork, by who writes and what is written.
pub fn cow_cells() -> Vec<Cell> {
    let ids = COPY_ON_WRITE.iter();
    ids.map(|id| id.parse().expect("a constant that a test reads"))
        .collect()
}

/// Every channel with a small message and a large one, on one CPU and on two, where that can be.
pub fn channel_cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for message in MESSAGES {
        for placement in [Placement::Pinned, Placement::Two] {
            let able = CHANNELS.iter().filter(|channel| {
                let one_cpu = placement == Placement::Pinned;
                channel.refusal(message, one_cpu).is_none()
            });
            cells.extend(able.map(|channel| Cell {
                message: Some(message),
                placement,
                ..Cell::native(channel.name, Footprint::default())
            }));
        }
    }
    cells
}

/// Memory of the parents that servers have.
pub const SERVED: [u64; 2] = [0, 256 << 20];

/// Every server at a bare parent and at a large one, at the usual rate. The floor starts nothing: its parent's memory
/// is of no account.
pub fn server_cells() -> Vec<Cell> {
    let of = |bytes: u64| {
        let models = MODELS.iter();
        let models = models.filter(move |model| bytes == 0 || model.short_name() != "null");
        models.map(move |model| Cell::native(model.name, Footprint::of(bytes)))
    };
    SERVED.into_iter().flat_map(of).collect()
}

/// Cells of the subjects that ship beside the native one.
pub fn language_cells() -> Vec<Cell> {
    let ids = LANGUAGES.iter();
    ids.map(|id| id.parse().expect("a constant that a test reads"))
        .collect()
}

/// Everything that is measured when nothing is named, each cell once.
pub fn default_cells() -> Vec<Cell> {
    let mut cells = footprint_cells();
    for cell in mechanism_cells()
        .into_iter()
        .chain(free_cells())
        .chain(memory_cells())
        .chain(cow_cells())
        .chain(channel_cells())
    {
        if !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    cells
}

/// What answers "which one, and does memory matter?" in 20 seconds.
pub fn quick_cells() -> Vec<Cell> {
    let sizes = [0, 64 << 20, 1 << 30];
    let cells = sizes.iter().flat_map(|&bytes| {
        ["fork", "vfork", "posix_spawn", "thread"]
            .map(|name| Cell::native(name, Footprint::of(bytes)))
    });
    // Memory adds nothing to a vfork or a thread: the page shows that from the long run.
    cells
        .filter(|cell| {
            cell.footprint.bytes < 1 << 30
                || ["fork", "posix_spawn"].contains(&cell.mechanism.as_str())
        })
        .collect()
}

/// Cells for which two subjects are compared when nothing is named: a page-table copy, and four calls without.
pub fn compared_cells() -> Vec<Cell> {
    let cells = [
        ("fork", 0),
        ("fork", 64 << 20),
        ("vfork", 0),
        ("posix_spawn", 0),
        ("thread", 0),
    ];
    cells
        .into_iter()
        .map(|(name, bytes)| Cell::native(name, Footprint::of(bytes)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::registry::Registry;

    #[test]
    fn every_default_cell_can_be_and_stands_once() {
        let cells = default_cells();
        for (index, cell) in cells.iter().enumerate() {
            cell.footprint.check().unwrap();
            assert_eq!(cell.to_string().parse::<Cell>().unwrap(), *cell);
            assert!(!cells[..index].contains(cell), "{cell} stands twice");
        }
        assert!(quick_cells().iter().all(|cell| cells.contains(cell)));
    }

    #[test]
    fn every_language_cell_is_of_a_registered_mechanism() {
        let registry = Registry::shipped();
        for cell in language_cells() {
            assert!(registry.mechanism(&cell).is_some(), "{cell}");
            cell.footprint.check().unwrap();
        }
    }
}
