//! A calibration on a host that is made up, where what each part costs is known.

use std::collections::BTreeMap;

use forkbench::footprint::{BASE_PAGE, HUGE_PAGE};
use forkbench::harness::anatomy::{Anatomy, Frames, MappingSeen, Status};
use forkbench::mechanism::Phase;
use forkbench::recording::{Host, Run};

use crate::parents::{PARENTS, run, sum};

/// What vfork, posix_spawn and a thread take there.
pub const FLAT: [(&str, u64); 3] = [
    ("vfork", 15_000),
    ("posix_spawn", 50_000),
    ("thread", 6_000),
];

/// Bytes and cells of other mechanisms, and hot cells that cost a tenth less.
pub fn calibration(parents: &[&str]) -> Run {
    let mut names = parents.to_vec();
    names.extend(["256MiB", "1GiB", "1GiB+shuffled", "1GiB+thp"]);
    let mut made = run(&names, 5, 0.0, 1, |name, shape| {
        let hot = !name.contains("rewritten") && !name.starts_with('0');
        sum(shape) * if hot { 0.9 } else { 1.0 }
    });
    let model = made.cells[0].clone();
    for (name, ns) in FLAT {
        for footprint in ["0", "1GiB"] {
            let mut cell = model.clone();
            cell.id = format!("{name}/{footprint}");
            cell.mechanism = name.to_owned();
            cell.footprint = footprint.parse().unwrap();
            let mut summary = cell.phases[&Phase::Call].clone();
            (summary.p10, summary.p50, summary.p90) =
                (Some(ns - 1_000), Some(ns), Some(ns + 1_000));
            cell.phases = BTreeMap::from([(Phase::Call, summary)]);
            made.cells.push(cell);
        }
    }
    made
}

/// All that can be told.
pub fn whole() -> Run {
    calibration(&PARENTS)
}

/// A mapping of 4 KiB pages, of which shares of neighbours lie near.
pub fn mapping(name: &str, pages: u64, places: Option<[f64; 2]>) -> MappingSeen {
    MappingSeen {
        start: 1 << 32,
        end: (1 << 32) + pages * BASE_PAGE,
        private: true,
        name: name.to_owned(),
        rss: pages * BASE_PAGE,
        anonymous: pages * BASE_PAGE,
        places,
        own_places: places,
        ..MappingSeen::default()
    }
}

/// The same of so many huge pages.
pub fn huge(name: &str, pages: u64) -> MappingSeen {
    MappingSeen {
        thp: pages * HUGE_PAGE,
        ..mapping(name, pages * HUGE_PAGE / BASE_PAGE, None)
    }
}

/// A process of these mappings, alone with its one thread.
pub fn process(mappings: Vec<MappingSeen>) -> Anatomy {
    let rss: u64 = mappings.iter().map(|seen| seen.rss).sum();
    Anatomy {
        pid: 42,
        name: "made".to_owned(),
        status: Status {
            rss: Some(rss),
            anonymous: Some(rss),
            threads: Some(1),
            descriptors: Some(64),
            ..Status::default()
        },
        vmas: Some(mappings.len() as u64),
        mappings: Some(mappings),
        frames: Frames::Known {
            every: 1,
            own_share: Some(1.0),
        },
        fds: Some(5),
        running: 0,
        unseen: Vec::new(),
    }
}

/// The host they are on.
pub fn host() -> Host {
    Host {
        cpus: 2,
        thp: Some("madvise".to_owned()),
        ..Host::default()
    }
}
