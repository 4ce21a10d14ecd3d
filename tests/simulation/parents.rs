//! Runs of fork over parents, on a host that is made up: what each part of a parent costs there is known.

use std::collections::BTreeMap;

use forkbench::footprint::{BASE_PAGE, Footprint, Receipt};
use forkbench::mechanism::Phase;
use forkbench::model::{Part, Shape};
use forkbench::recording::*;
use forkbench::statistics::{Quantiles, Random, median};

/// About what parts cost on a 2-core guest, nanoseconds, where pages are written anew between forks.
pub const TRUTH: [(Part, f64); 10] = [
    (Part::Bare, 13_000.0),
    (Part::PageNear, 90.0),
    (Part::PageMid, 112.0),
    (Part::PageFar, 130.0),
    (Part::PageThp, 1_200.0),
    (Part::Vma, 1_100.0),
    (Part::VmaDontfork, 500.0),
    (Part::Fd, 5.0),
    (Part::Thread, 800.0),
    (Part::Busy, 50_000.0),
];

/// Parents that tell every cost, and in two sizes or more those that a straight line must go through.
pub const PARENTS: [&str; 16] = [
    "0",
    "16MiB+rewritten",
    "256MiB+rewritten",
    "1GiB+rewritten",
    "64MiB+shuffled+rewritten",
    "1GiB+shuffled+rewritten",
    "1GiB+shuffled+window=64+rewritten",
    "256MiB+thp+rewritten",
    "1GiB+thp+rewritten",
    "0+vmas=500",
    "0+vmas=2000",
    "4KiB+dontfork+vmas=2000",
    "0+fds=10000",
    "0+threads=32",
    "0+busy=1",
    "1GiB+shared",
];

/// What fork truly takes.
pub fn sum(shape: &Shape) -> f64 {
    let cost = |&(part, ns): &(Part, f64)| ns * shape.count(part);
    TRUTH.iter().map(cost).sum()
}

/// What the kernel would have said.
pub fn receipt(footprint: &Footprint) -> Receipt {
    let count = |added: u32, own: u64| Some(u64::from(added) + own);
    let threads = footprint.threads + footprint.busy;
    Receipt {
        vmas: count(
            footprint.vmas + 2 * threads + u32::from(footprint.bytes > 0),
            27,
        ),
        vmas_added: count(footprint.vmas, 0),
        threads: count(threads, 1),
        busy: count(footprint.busy, 0),
        fds: count(footprint.fds, 5),
        thp: Some(match footprint.page_bytes() == BASE_PAGE {
            true => 0,
            false => footprint.bytes,
        }),
        ..Receipt::default()
    }
}

/// The shape of a parent by its name.
pub fn shape(name: &str) -> Shape {
    let footprint = name.parse().unwrap();
    Shape::of_receipt(&footprint, &receipt(&footprint)).unwrap()
}

/// A run of `trials` trials of each parent, block by block. A trial of a parent whose `truth` is so many
/// nanoseconds differs from it by `noise` in logarithms, and those of a block together by half as much, of which half
/// goes on in the next.
pub fn run(
    parents: &[&str],
    trials: u32,
    noise: f64,
    seed: u64,
    truth: impl Fn(&str, &Shape) -> f64,
) -> Run {
    let mut random = Random::new(seed);
    let mut drift = 0.0;
    let drifts: Vec<f64> = (0..trials)
        .map(|_| {
            drift = drift / 2.0 + noise / 2.0 * random.normal();
            drift
        })
        .collect();
    let mut cell = |name: &&str| {
        let time = truth(name, &shape(name));
        let trials = drifts.iter().enumerate().map(|(index, drift)| {
            let ns = time * (drift + noise * random.normal()).exp();
            trial(index as u32, &name.parse().unwrap(), ns as u64)
        });
        cell(name, trials.collect())
    };
    Run {
        schema: RUN_SCHEMA.to_owned(),
        id: "2026-07-01T10-20-30Z-made".to_owned(),
        started: "2026-07-01T10:20:30Z".to_owned(),
        finished: None,
        seed,
        command: String::new(),
        tool: Tool {
            version: String::new(),
            commit: None,
            driver: String::new(),
        },
        host: Host::default(),
        cells: parents.iter().map(&mut cell).collect(),
        lives: Vec::new(),
    }
}

fn cell(name: &str, trials: Vec<Trial>) -> Cell {
    let mut own: Vec<u64> = trials.iter().filter_map(p50).collect();
    own.sort_unstable();
    let summary = PhaseSummary {
        count: 20 * own.len() as u64,
        min: 1,
        p10: None,
        p25: None,
        p50: median(&own),
        p90: None,
        p99: None,
        p999: None,
        max: u64::MAX,
        mean: 1.0,
        intervals: BTreeMap::new(),
        trials_disagree: false,
    };
    Cell {
        id: format!("fork/{name}"),
        subject: "native".to_owned(),
        mechanism: "fork".to_owned(),
        footprint: name.parse().unwrap(),
        message: None,
        placement: Placement::Pinned,
        exec: None,
        version: None,
        native: None,
        rate: None,
        status: Status::Ok,
        reason: None,
        phases: BTreeMap::from([(Phase::Call, summary)]),
        trials,
    }
}

fn p50(trial: &Trial) -> Option<u64> {
    trial.phases.get(&Phase::Call)?.quantiles.p50
}

fn trial(index: u32, footprint: &Footprint, ns: u64) -> Trial {
    let quantiles = Quantiles {
        count: 20,
        min: ns,
        p50: Some(ns),
        max: ns,
        mean: ns as f64,
        ..Quantiles::default()
    };
    let measured = TrialPhase {
        quantiles,
        histogram: None,
    };
    Trial {
        arm: String::new(),
        block: index,
        index,
        started: "2026-07-01T10:21:00Z".to_owned(),
        cpu: Some(1),
        receipt: receipt(footprint),
        host: TrialHost::default(),
        first: BTreeMap::new(),
        requests: None,
        phases: BTreeMap::from([(Phase::Call, measured)]),
    }
}
