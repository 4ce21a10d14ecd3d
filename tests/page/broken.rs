//! Runs that no honest host measures: hostile text and absurd numbers.

use std::collections::BTreeMap;

use forkbench::mechanism::{Phase, Spent};
use forkbench::recording::{Life, LifeMoments, Placement, Recorded, Status};
use forkbench::statistics::Histogram;

use crate::recorded::Builder;

/// Text that tries to be markup, a template, a terminal style and a table.
pub const HOSTILE: &str = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7 * 7 }}&lt;b\u{1b}[31m\u{202e}\n|`x`";

/// A run in which every text is hostile.
pub fn hostile() -> Recorded {
    let mut builder = Builder::new(3);
    builder.iterations = 30;
    builder.trials = 2;
    for (index, footprint) in ["0", "64MiB", "1GiB", "1GiB+thp", "1GiB+shared"]
        .iter()
        .enumerate()
    {
        let costs = [(Phase::Call, 4e4), (Phase::Start, 5e4), (Phase::Reap, 9e4)];
        for placement in [Placement::Pinned, Placement::Free] {
            let cell = builder.measured("fork", footprint, placement, &costs, 0.5);
            let id = cell.id.clone();
            cell.id = format!("{HOSTILE}{}", index / 2);
            cell.mechanism = HOSTILE.to_owned();
            cell.subject = HOSTILE.to_owned();
            cell.exec = Some(HOSTILE.to_owned());
            cell.trials[0].receipt.image = HOSTILE.to_owned();
            cell.trials[0].receipt.unverified = vec![HOSTILE.to_owned()];
            let renamed = cell.id.clone();
            let kept = builder
                .recorded
                .histograms
                .remove(&id)
                .expect("it was kept");
            builder.recorded.histograms.insert(renamed, kept);
        }
    }
    builder.missing("vfork", "64MiB", Status::Failed, HOSTILE);
    builder.missing("vfork", "1GiB+thp", Status::Skipped, HOSTILE);
    let mut recorded = builder.recorded;
    for text in [
        &mut recorded.run.id,
        &mut recorded.run.started,
        &mut recorded.run.command,
        &mut recorded.run.tool.version,
        &mut recorded.run.tool.driver,
        &mut recorded.run.host.name,
        &mut recorded.run.host.kernel,
        &mut recorded.run.host.architecture,
    ] {
        *text = HOSTILE.to_owned();
    }
    recorded.run.finished = Some(HOSTILE.to_owned());
    recorded.run.tool.commit = Some(HOSTILE.to_owned());
    recorded.run.host.cpu = Some(HOSTILE.to_owned());
    recorded.run.host.mitigations = [(HOSTILE.to_owned(), HOSTILE.to_owned())].into();
    for finding in &mut recorded.run.host.findings {
        finding.name = HOSTILE.to_owned();
        finding.seen = HOSTILE.to_owned();
        finding.effect = HOSTILE.to_owned();
        finding.remedy = HOSTILE.to_owned();
    }
    recorded.run.lives = vec![life(LifeMoments {
        start: Some(5),
        call: 9,
        reap: 20,
        ..LifeMoments::default()
    })];
    recorded.problems = vec![HOSTILE.to_owned()];
    recorded
}

pub fn life(moments: LifeMoments) -> Life {
    Life {
        cell: HOSTILE.to_owned(),
        mechanism: HOSTILE.to_owned(),
        system_call: Some(HOSTILE.to_owned()),
        parent_pid: -1,
        returned_in_parent: i64::MIN,
        returned_in_child: Some(i64::MAX),
        child_pid: None,
        child_parent_pid: None,
        moments,
        ran_ns: Some(u64::MAX),
        waited_ns: Some(u64::MAX),
        minor_faults: Some(u64::MAX),
        major_faults: None,
        voluntary_switches: None,
        involuntary_switches: None,
        exit_status: Some(i32::MIN),
        parent_call: Some(Spent {
            ran_ns: u64::MAX,
            waited_ns: Some(u64::MAX),
            minor_faults: u64::MAX,
            major_faults: 0,
            voluntary_switches: u64::MAX,
            involuntary_switches: u64::MAX,
        }),
        parent_reap: None,
        page_tables: None,
        copied_tables: Some(u64::MAX),
        copied_entries: Some(u64::MAX),
        fault_ns: Some(u64::MAX),
    }
}

/// A run whose numbers make no sense.
pub fn absurd() -> Recorded {
    let mut builder = Builder::new(5);
    builder.iterations = 25;
    builder.trials = 2;
    for (index, value) in [0, 1, u64::MAX, u64::MAX - 1].into_iter().enumerate() {
        for footprint in ["0", "1MiB", "1GiB", "1GiB+thp", "1GiB+read"] {
            let mechanism = ["fork", "posix_spawn", "odd", ""][index];
            let costs = Phase::ALL.map(|phase| (phase, 1e4));
            for placement in [Placement::Pinned, Placement::Free] {
                let cell = builder.measured(mechanism, footprint, placement, &costs, 0.1);
                cell.footprint.bytes = cell.footprint.bytes.max(value / 2);
                for summary in cell.phases.values_mut() {
                    summary.p50 = (index % 2 == 0).then_some(value);
                    summary.p99 = Some(u64::MAX - value);
                    summary.min = u64::MAX;
                    summary.max = 0;
                    summary.count = u64::MAX;
                    summary.mean = [f64::NAN, f64::INFINITY, -1.0, 1e300][index];
                    summary.intervals = [("p50".to_owned(), [u64::MAX, 0])].into();
                }
                if index == 1 {
                    cell.trials.clear();
                }
                for trial in &mut cell.trials {
                    trial.receipt.adjacency = Some(f64::NAN);
                    trial.receipt.rss = Some(u64::MAX);
                }
            }
        }
    }
    let extremes = Histogram::of(&[0, 1, u64::MAX, u64::MAX]);
    let keys: Vec<String> = builder.recorded.histograms.keys().cloned().collect();
    for (index, key) in keys.into_iter().enumerate() {
        let histogram =
            [extremes.clone(), Histogram::new(), Histogram::of(&[7])][index % 3].clone();
        let phases = Phase::ALL.map(|phase| (phase, histogram.clone()));
        builder
            .recorded
            .histograms
            .insert(key, BTreeMap::from(phases));
    }
    let late = LifeMoments {
        call: u64::MAX,
        start: Some(u64::MAX),
        exec: Some(3),
        end: Some(2),
        ended: Some(0),
        reap: 1,
    };
    builder.recorded.run.lives = vec![life(late), life(LifeMoments::default())];
    builder.recorded
}
