//! Runs made up for tests.

use std::collections::BTreeMap;

use forkbench::footprint::Receipt;
use forkbench::mechanism::{Phase, Spent};
use forkbench::recording::*;
use forkbench::statistics::{Histogram, Quantiles, Random};

/// The line that names a run.
pub fn header(id: &str) -> RunLine {
    RunLine {
        schema: RUN_SCHEMA.to_owned(),
        id: id.to_owned(),
        started: "2026-07-01T10:20:30Z".to_owned(),
        seed: u64::MAX,
        command: "forkbench run --seed 18446744073709551615".to_owned(),
        tool: Tool {
            version: "0.1.0".to_owned(),
            commit: None,
            driver: "forkbench run".to_owned(),
        },
        host: Host {
            name: "alpha".to_owned(),
            architecture: "x86_64".to_owned(),
            cpus: 2,
            kernel: "6.18.0".to_owned(),
            thp: Some("madvise".to_owned()),
            mthp: vec!["64kB=inherit".to_owned()],
            mitigations: BTreeMap::from([("spectre_v2".to_owned(), "Mitigation".to_owned())]),
            findings: vec![Finding {
                name: "governor".to_owned(),
                severity: Severity::Warning,
                seen: "powersave".to_owned(),
                effect: "clocks rise late".to_owned(),
                remedy: String::new(),
            }],
            ..Host::default()
        },
        sitting: String::new(),
    }
}

/// The cell `mechanism/footprint`.
pub fn cell(mechanism: &str, footprint: &str) -> CellKey {
    CellKey {
        id: format!("{mechanism}/{footprint}"),
        subject: "native".to_owned(),
        mechanism: mechanism.to_owned(),
        footprint: footprint.parse().unwrap(),
        message: None,
        placement: Placement::Pinned,
        exec: None,
        version: None,
        native: None,
        rate: None,
    }
}

/// `count` latencies about `level` nanoseconds, those of a trial of that number.
pub fn samples(level: u64, number: u32, count: usize) -> Vec<u64> {
    let mut random = Random::new(u64::from(number) + 1);
    (0..count)
        .map(|_| level + random.below(level / 10 + 1))
        .collect()
}

/// What a trial keeps of one phase.
pub fn phase_of(samples: &[u64]) -> TrialPhase {
    TrialPhase {
        quantiles: Quantiles::of(&mut samples.to_vec()).unwrap(),
        histogram: Some(Histogram::of(samples).to_base64()),
    }
}

/// A trial that measured `call` as given, and `reap` at twice that.
pub fn trial(index: u32, call: &[u64]) -> Trial {
    let reap: Vec<u64> = call.iter().map(|ns| ns * 2).collect();
    Trial {
        arm: String::new(),
        block: index / 2,
        index,
        started: format!("2026-07-01T10:21:{:02}Z", index % 60),
        cpu: Some(1),
        receipt: Receipt {
            pid: 4_711,
            image: "dynamic".to_owned(),
            ballast: 64 << 20,
            rss: Some(64 << 20),
            adjacency: Some(0.96),
            unverified: vec!["physical order".to_owned()],
            ..Receipt::default()
        },
        host: TrialHost {
            steal_ns: Some(0),
            wall_ns: 250_000_000,
            timed_ns: 240_000_000,
            ..TrialHost::default()
        },
        first: BTreeMap::from([(Phase::Call, 99_000)]),
        requests: None,
        phases: BTreeMap::from([
            (Phase::Call, phase_of(call)),
            (Phase::Reap, phase_of(&reap)),
        ]),
    }
}

/// The line of a trial of 200 samples.
pub fn trial_line(cell: &CellKey, index: u32) -> Line {
    Line::Trial(Box::new(TrialLine {
        cell: cell.clone(),
        trial: trial(index, &samples(40_000, index, 200)),
    }))
}

/// The line of a cell that was not measured, or not to the end.
pub fn cell_line(cell: &CellKey, status: Status, reason: &str) -> Line {
    Line::Cell(Box::new(CellLine {
        cell: cell.clone(),
        status,
        reason: reason.to_owned(),
    }))
}

/// The line of a child's life.
pub fn life_line() -> Line {
    Line::Life(Box::new(Life {
        cell: "fork/0".to_owned(),
        mechanism: "fork".to_owned(),
        system_call: Some("clone(SIGCHLD)".to_owned()),
        parent_pid: 10,
        returned_in_parent: 11,
        returned_in_child: Some(0),
        child_pid: Some(11),
        child_parent_pid: Some(10),
        moments: LifeMoments {
            call: 40_000,
            start: Some(55_000),
            exec: None,
            end: Some(60_000),
            ended: Some(90_000),
            reap: 108_000,
        },
        ran_ns: Some(30_000),
        waited_ns: Some(2_000),
        minor_faults: Some(12),
        major_faults: Some(0),
        voluntary_switches: Some(1),
        involuntary_switches: Some(0),
        exit_status: Some(1),
        parent_call: Some(Spent {
            ran_ns: 40_000,
            waited_ns: Some(0),
            minor_faults: 3,
            major_faults: 0,
            voluntary_switches: 1,
            involuntary_switches: 0,
        }),
        parent_reap: Some(Spent {
            ran_ns: 60_000,
            waited_ns: Some(0),
            minor_faults: 3,
            major_faults: 0,
            voluntary_switches: 1,
            involuntary_switches: 0,
        }),
        page_tables: Some(126_976),
        copied_tables: Some(94_208),
        copied_entries: Some(412),
        fault_ns: Some(900),
    }))
}

/// The lines of a small run with a cell of every status.
pub fn lines() -> Vec<Line> {
    let measured = cell("fork", "64MiB");
    let mut lines: Vec<Line> = (0..4).map(|index| trial_line(&measured, index)).collect();
    lines.push(trial_line(&cell("vfork", "0"), 0));
    lines.push(cell_line(
        &cell("vfork", "0"),
        Status::Failed,
        "the subject hung",
    ));
    let huge = cell("fork", "16GiB");
    lines.push(cell_line(
        &huge,
        Status::Skipped,
        "11 GiB are available: pass --max-footprint 8GiB",
    ));
    lines.push(life_line());
    lines
}
