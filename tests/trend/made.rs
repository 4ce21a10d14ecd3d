//! Histories as they could have been made, drawn from a seed, and some that nobody makes.

use forkbench::comparison::Statistic;
use forkbench::protocol::headline;
use forkbench::recording::{Tool, rfc3339};
use forkbench::statistics::Random;
use forkbench::statistics::change_points::{CONFIRMATION, DRIFT, INTERVAL};
use forkbench::trend::{
    Asked, CellRuns, HISTORY_SCHEMA, History, HostHistory, HostRuns, Measured, RunSeen, judge,
    mechanism_of,
};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// 2026-01-01.
const FIRST: i64 = 1_767_225_600;

/// What a cell takes, in nanoseconds.
const LEVELS: [(&str, f64); 12] = [
    ("fork/0", 40_000.0),
    ("fork/64MiB", 900_000.0),
    ("fork/1GiB", 13_700_000.0),
    ("vfork/0", 15_000.0),
    ("clone-vm/0", 15_100.0),
    ("posix_spawn/0", 72_000.0),
    ("posix_spawn/1GiB", 91_000.0),
    ("command/0", 80_000.0),
    ("thread/0", 7_000.0),
    ("pthread/0", 6_800.0),
    ("cow-parent/256MiB", 3_100.0),
    ("python:os.fork/64MiB", 1_200_000.0),
];

/// What nights are like.
#[derive(Debug, Clone, Copy)]
pub struct Nights {
    pub runs: usize,
    pub cells: usize,
    pub seed: u64,
    /// Whether anything changes.
    pub steps: bool,
}

impl Nights {
    pub const USUAL: Self = Self {
        runs: 160,
        cells: 12,
        seed: 1,
        steps: true,
    };
}

pub fn run(night: usize, kernel: &str) -> RunSeen {
    let seconds = FIRST + night as i64 * DAY + 7_200;
    let started = rfc3339(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds as u64));
    RunSeen {
        id: format!("{}-shed", started.replace(':', "-")),
        started,
        seconds,
        commit: Some(format!(
            "{:016x}",
            0x9e37_79b9_7f4a_7c15u64.wrapping_mul(night as u64 + 1)
        )),
        kernel: Some(kernel.to_owned()),
        path: None,
    }
}

/// The nth cell: those of [`LEVELS`], then more sizes.
fn cell_of(index: usize) -> (String, f64) {
    match LEVELS.get(index) {
        Some((id, level)) => ((*id).to_owned(), *level),
        None => (format!("fork/{}MiB", 2 * index), 15_000.0 * index as f64),
    }
}

/// How many times as long a cell takes on a night.
fn moved(id: &str, night: usize, runs: usize) -> f64 {
    let late = |share: f64| night as f64 >= share * runs as f64;
    match id {
        "fork/64MiB" if late(0.8) => 1.09,
        "fork/1GiB" if late(0.4) => 1.12,
        "vfork/0" if late(0.6) => 0.85,
        "thread/0" if late(0.3) && !late(0.55) => 1.2,
        "posix_spawn/0" if night + 1 >= runs => 1.3,
        _ => 1.0,
    }
}

/// A host's nights: sittings differ by 4 %, cells by another 1 %; two weeks are missing, and single cells now and then.
pub fn host(name: &str, nights: Nights) -> HostRuns {
    let mut random = Random::new(nights.seed);
    let gap = nights.runs / 2..nights.runs / 2 + 14;
    let calendar: Vec<usize> = (0..nights.runs + 14)
        .filter(|night| !gap.contains(night))
        .collect();
    let kernel = |night: usize| {
        if night * 5 < nights.runs * 2 {
            "6.12.1"
        } else {
            "6.18.0"
        }
    };
    let sittings: Vec<f64> = calendar.iter().map(|_| 0.04 * random.normal()).collect();
    let cells = (0..nights.cells).map(|index| {
        let (id, level) = cell_of(index);
        let mut measured = Vec::new();
        for (run, sitting) in sittings.iter().enumerate() {
            let noise = 0.01 * random.normal();
            if random.below(60) == 0 {
                continue;
            }
            let factor = if nights.steps {
                moved(&id, run, nights.runs)
            } else {
                1.0
            };
            let p10 = (level * factor * (sitting + noise).exp()) as u64;
            measured.push(Measured {
                run,
                p10,
                low: p10 - p10 / 50,
                high: p10 + p10 / 30,
                trials: 7,
            });
        }
        CellRuns {
            phase: Some(headline(mechanism_of(&id))),
            id,
            is_reference: true,
            is_asked_for: true,
            measured,
        }
    });
    HostRuns {
        fingerprint: format!("{:016x}", 0xfeed_0000_0000_0000u64 + nights.seed),
        name: name.to_owned(),
        branch: Some("main".to_owned()),
        cells: cells.collect(),
        runs: calendar
            .iter()
            .map(|&night| run(night, kernel(night)))
            .collect(),
    }
}

/// A history of judged hosts.
pub fn history(hosts: Vec<HostHistory>) -> History {
    History {
        schema: HISTORY_SCHEMA.to_owned(),
        made: "2026-07-01T04:00:00Z".to_owned(),
        command: "forkbench history show --out trend.html".to_owned(),
        tool: Tool {
            version: "0.1.0".to_owned(),
            commit: Some("0123abc".to_owned()),
            driver: "forkbench history".to_owned(),
        },
        statistic: Statistic::P10,
        threshold: 0.03,
        confirmation: CONFIRMATION,
        drift: DRIFT.exp_m1(),
        interval_confidence: INTERVAL,
        hosts,
    }
}

pub fn judged(host: &HostRuns) -> HostHistory {
    judge(
        host,
        &Asked {
            threshold: 0.03,
            known: None,
            with_points: true,
        },
    )
}

/// Two hosts with everything that a page can show.
pub fn everything() -> History {
    let quiet = Nights {
        seed: 5,
        steps: false,
        runs: 40,
        ..Nights::USUAL
    };
    history(vec![
        judged(&host("shed", Nights::USUAL)),
        judged(&host("attic", quiet)),
    ])
}

/// Text that would do harm, or break out of where it stands, were it taken for anything but text.
pub const HOSTILE: &str = concat!(
    "</title></style></svg></script><script>alert(1)</script>",
    "\"'><img class=planted src=x onerror=alert(2)><b class=planted>javascript:alert(3)</b>",
    "{{ 7 * 7 }}&lt;i class=planted&gt;\u{1b}[31m\u{202e}`|\n# [x](y) @you",
);

/// [`everything`] with [`HOSTILE`] wherever text is free.
pub fn hostile() -> History {
    let mut host = host("shed", Nights::USUAL);
    host.name.push_str(HOSTILE);
    host.fingerprint.push_str(HOSTILE);
    host.branch = Some(HOSTILE.to_owned());
    for run in &mut host.runs {
        run.id.push_str(HOSTILE);
        run.commit = Some(format!("{HOSTILE}{}", run.seconds));
        run.kernel = run.kernel.take().map(|kernel| kernel + HOSTILE);
        run.path = Some(format!("/nowhere/{HOSTILE}"));
    }
    for cell in &mut host.cells {
        cell.id.push_str(HOSTILE);
    }
    let mut history = history(vec![judged(&host)]);
    for text in [
        &mut history.command,
        &mut history.made,
        &mut history.tool.version,
    ] {
        text.push_str(HOSTILE);
    }
    history.tool.commit = Some(HOSTILE.to_owned());
    history
}

/// Figures that nobody measures.
pub fn absurd() -> History {
    let mut host = host(
        "shed",
        Nights {
            runs: 30,
            ..Nights::USUAL
        },
    );
    for (at, run) in host.runs.iter_mut().enumerate() {
        run.seconds = [i64::MIN, i64::MAX, 0, 5][at % 4];
        run.kernel = None;
        run.commit = None;
    }
    for (at, cell) in host.cells.iter_mut().enumerate() {
        for measured in &mut cell.measured {
            measured.p10 = [0, u64::MAX, 1, 40_000][(at + measured.run) % 4];
        }
    }
    let mut history = history(vec![judged(&host)]);
    for cell in &mut history.hosts[0].cells {
        cell.level = Some(f64::NAN);
        for change in &mut cell.changes {
            (change.effect, change.low, change.high) = (f64::INFINITY, f64::NAN, -5.0);
            change.measured = Some(f64::NEG_INFINITY);
        }
        for point in &mut cell.points {
            point.run = usize::MAX;
        }
        if let Some(point) = cell.points.first_mut() {
            point.run = 3;
        }
    }
    history.threshold = f64::NAN;
    history
}
