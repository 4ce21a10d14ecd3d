//! A store of many nights, made up: each night a run of 40 cells with `call` and `reap`, five trials each.

use std::path::{Path, PathBuf};

use forkbench::history::{Entry, HostFingerprint, Levels, Source, Store, StoredHost, TrialFigures};
use forkbench::mechanism::Phase;
use forkbench::statistics::Random;

/// Cells of a run.
pub const CELLS: u64 = 40;
/// Trials of a cell.
const TRIALS: u64 = 5;
/// Runs that go into the store in one transaction.
const AT_ONCE: u64 = 500;
/// When the first night began, in seconds since 1970: 2000-01-01.
const FIRST: i64 = 946_684_800;
/// Seconds from a night to the next.
const DAY: i64 = 86_400;

/// The run of a night. The same night gives the same run.
pub fn night(number: u64) -> Entry {
    let started = FIRST + number as i64 * DAY;
    let host = |name: &str| StoredHost {
        fingerprint: HostFingerprint(format!("{name}-0123456789")),
        name: name.to_owned(),
        traits: "{}".to_owned(),
    };
    let mut random = Random::new(number);
    let mut levels = Vec::new();
    for cell in 0..CELLS {
        for (phase, times) in [(Phase::Call, 1), (Phase::Reap, 2)] {
            levels.push(Levels {
                cell: format!("fork/{}MiB", cell + 1),
                phase: Some(phase),
                trials: trials(&mut random, times * 10_000 * (cell + 1)),
                written: None,
            });
        }
    }
    Entry {
        source: Source::Forkbench,
        id: format!("night-{number}"),
        seed: number,
        started,
        finished: Some(started + 600),
        host: host("alpha"),
        kernel: Some(host("6.18.0")),
        commit: Some(format!("{number:040x}")),
        branch: Some("main".to_owned()),
        path: Some(PathBuf::from(format!("/reports/night-{number}"))),
        tool: "forkbench 0.1.0".to_owned(),
        levels,
        unmeasured: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Trials that lie within 2 % of each other.
fn trials(random: &mut Random, level: u64) -> Vec<TrialFigures> {
    let trial = |_| {
        let p10 = level + random.below(level / 50 + 1);
        TrialFigures {
            count: 1_000,
            p10,
            p50: p10 + level / 20,
            p90: Some(p10 + level / 4),
            p99: Some(p10 * 2),
        }
    };
    (0..TRIALS).map(trial).collect()
}

/// Fills a new store with so many nights.
pub fn fill(path: &Path, nights: u64) -> Store {
    let store = Store::create(path).expect("a store in a folder of our own");
    let mut first = 0;
    while first < nights {
        let next = nights.min(first + AT_ONCE);
        let entries: Vec<Entry> = (first..next).map(night).collect();
        store.fill(&entries).expect("a store of our own takes runs");
        first = next;
    }
    store
}
