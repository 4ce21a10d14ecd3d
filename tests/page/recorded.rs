//! Runs as they could have been measured, drawn from a seed: input for the page's tests.

use std::collections::BTreeMap;

use forkbench::footprint::{Footprint, Receipt};
use forkbench::mechanism::{Phase, Spent};
use forkbench::recording::{
    Cell, Finding, Host, Life, LifeMoments, PhaseSummary, Placement, RUN_SCHEMA, Recorded, Run,
    Severity, Status, Tool, Trial, TrialHost, TrialPhase,
};
use forkbench::statistics::{Histogram, Quantiles, Random};

/// Medians in nanoseconds by phase.
type Costs = [(Phase, f64)];

const GIB: f64 = (1u64 << 30) as f64;

/// A run without cells.
pub fn empty() -> Recorded {
    Recorded {
        run: Run {
            schema: RUN_SCHEMA.to_owned(),
            id: "2026-03-01T10-00-00Z-shed".to_owned(),
            started: "2026-03-01T10:00:00Z".to_owned(),
            finished: Some("2026-03-01T10:04:31Z".to_owned()),
            seed: 42,
            command: "forkbench run".to_owned(),
            tool: Tool {
                version: "0.1.0".to_owned(),
                commit: Some("0123abc".to_owned()),
                driver: "forkbench run".to_owned(),
            },
            host: host(),
            cells: Vec::new(),
            lives: Vec::new(),
        },
        histograms: BTreeMap::new(),
        trial_histograms: BTreeMap::new(),
        problems: Vec::new(),
    }
}

fn host() -> Host {
    let finding = |name: &str, severity, seen: &str, effect: &str, remedy: &str| Finding {
        name: name.to_owned(),
        severity,
        seen: seen.to_owned(),
        effect: effect.to_owned(),
        remedy: remedy.to_owned(),
    };
    Host {
        name: "shed".to_owned(),
        architecture: "x86_64".to_owned(),
        cpu: Some("Example CPU 3000".to_owned()),
        cpus: 2,
        kernel: "6.18.0".to_owned(),
        libc: Some("glibc 2.36".to_owned()),
        virtualization: Some("kvm".to_owned()),
        clock_source: Some("kvm-clock".to_owned()),
        thp: Some("madvise".to_owned()),
        memory: Some(16 << 30),
        memory_available: Some(14 << 30),
        mitigations: [("spectre_v2".to_owned(), "Mitigation: Retpolines".to_owned())].into(),
        findings: vec![
            finding(
                "clock",
                Severity::Fine,
                "kvm-clock through the vDSO",
                "",
                "",
            ),
            finding(
                "governor",
                Severity::Note,
                "the frequency governor cannot be seen from this guest",
                "figures may move with the host's frequency",
                "",
            ),
            finding(
                "virtual",
                Severity::Warning,
                "this is a KVM guest of 2 CPUs",
                "page-table operations cost more than on bare metal, and neighbours disturb",
                "measure on bare metal where absolute figures matter",
            ),
        ],
        ..Host::default()
    }
}

/// Adds cells to a run, drawing their samples.
pub struct Builder {
    pub recorded: Recorded,
    random: Random,
    pub iterations: usize,
    pub trials: u32,
}

impl Builder {
    pub fn new(seed: u64) -> Self {
        Self {
            recorded: empty(),
            random: Random::new(seed),
            iterations: 2_000,
            trials: 5,
        }
    }

    fn sample(&mut self, median: f64) -> u64 {
        // A narrow body, a shoulder, and now and then something long.
        let body: f64 = (0..4).map(|_| self.random.unit() - 0.5).sum::<f64>() * 0.09;
        let shoulder = if self.random.unit() < 0.18 {
            0.22 * self.random.unit()
        } else {
            0.0
        };
        let tail = if self.random.unit() < 0.012 {
            3.0 * self.random.unit()
        } else {
            0.0
        };
        (median * (1.0 + body + shoulder + tail)).max(1.0) as u64
    }

    fn cell(id: String, mechanism: &str, footprint: Footprint, placement: Placement) -> Cell {
        Cell {
            id,
            subject: "native".to_owned(),
            mechanism: mechanism.to_owned(),
            footprint,
            message: None,
            placement,
            exec: None,
            version: None,
            native: None,
            rate: None,
            status: Status::Ok,
            reason: None,
            phases: BTreeMap::new(),
            trials: Vec::new(),
        }
    }

    /// A measured cell; `wander` is how far apart its trials lie, as a ratio.
    pub fn measured(
        &mut self,
        mechanism: &str,
        footprint: &str,
        placement: Placement,
        costs: &Costs,
        wander: f64,
    ) -> &mut Cell {
        let suffix = if placement == Placement::Free {
            "@free"
        } else {
            ""
        };
        let id = format!("{mechanism}/{footprint}{suffix}");
        let shape: Footprint = footprint.parse().expect("a footprint's name");
        let mut cell = Self::cell(id.clone(), mechanism, shape, placement);
        let mut all: BTreeMap<Phase, Vec<u64>> = BTreeMap::new();
        for index in 0..self.trials {
            let drift = 1.0 + wander * (self.random.unit() - 0.5);
            let mut phases = BTreeMap::new();
            for &(phase, median) in costs {
                let mut samples: Vec<u64> = (0..self.iterations)
                    .map(|_| self.sample(median * drift))
                    .collect();
                all.entry(phase).or_default().extend(&samples);
                let quantiles = Quantiles::of(&mut samples).expect("there are samples");
                phases.insert(
                    phase,
                    TrialPhase {
                        quantiles,
                        histogram: None,
                    },
                );
            }
            cell.trials.push(trial(index, &shape, phases));
        }
        let mut histograms = BTreeMap::new();
        for (phase, samples) in all {
            histograms.insert(phase, Histogram::of(&samples));
            cell.phases
                .insert(phase, summary(&cell, phase, samples, wander));
        }
        self.recorded.histograms.insert(id, histograms);
        self.push(cell)
    }

    /// A cell without figures.
    pub fn missing(&mut self, mechanism: &str, footprint: &str, status: Status, reason: &str) {
        let shape: Footprint = footprint.parse().expect("a footprint's name");
        let id = format!("{mechanism}/{footprint}");
        let mut cell = Self::cell(id, mechanism, shape, Placement::Pinned);
        cell.status = status;
        cell.reason = Some(reason.to_owned());
        self.push(cell);
    }

    fn push(&mut self, cell: Cell) -> &mut Cell {
        self.recorded.run.cells.push(cell);
        self.recorded
            .run
            .cells
            .last_mut()
            .expect("one was just added")
    }
}

fn trial(index: u32, shape: &Footprint, phases: BTreeMap<Phase, TrialPhase>) -> Trial {
    Trial {
        arm: String::new(),
        block: index,
        index,
        started: "2026-03-01T10:00:01Z".to_owned(),
        cpu: Some(0),
        receipt: Receipt {
            pid: 4_242,
            image: "dynamic".to_owned(),
            ballast: shape.bytes,
            rss: Some(shape.bytes),
            page_tables: Some(shape.bytes / 512 + 98_304),
            vmas: Some(31 + u64::from(shape.vmas)),
            threads: Some(1 + u64::from(shape.threads)),
            fds: Some(6 + u64::from(shape.fds)),
            adjacency: (shape.bytes > 0).then_some(0.991),
            unverified: vec!["soak".to_owned()],
            ..Receipt::default()
        },
        host: TrialHost::default(),
        first: BTreeMap::new(),
        requests: None,
        phases,
    }
}

fn summary(cell: &Cell, phase: Phase, mut samples: Vec<u64>, wander: f64) -> PhaseSummary {
    let all = Quantiles::of(&mut samples).expect("there are samples");
    let mut medians: Vec<u64> = cell
        .trials
        .iter()
        .filter_map(|trial| trial.phases[&phase].quantiles.p50)
        .collect();
    medians.sort_unstable();
    let interval = medians
        .first()
        .zip(medians.last())
        .map(|(low, high)| [*low, *high]);
    PhaseSummary {
        count: all.count,
        min: all.min,
        p10: all.p10,
        p25: all.p25,
        p50: medians.get(medians.len() / 2).copied().or(all.p50),
        p90: all.p90,
        p99: all.p99,
        p999: all.p999,
        max: all.max,
        mean: all.mean,
        intervals: interval
            .map(|interval| ("p50".to_owned(), interval))
            .into_iter()
            .collect(),
        trials_disagree: wander > 0.3,
    }
}

fn fork_costs(bytes: f64) -> [(Phase, f64); 3] {
    let call = 40e3 + 13.7e6 * bytes / GIB;
    [
        (Phase::Call, call),
        (Phase::Start, call * 1.05 + 14e3),
        (Phase::Reap, call * 2.05 + 26e3),
    ]
}

/// All that a page can show: every mechanism, footprints to 4 GiB, kinds of memory, both placements,
/// lives, a skipped and a failed cell, and one whose trials disagree.
pub fn full(seed: u64) -> Recorded {
    use Phase::{Call, Exec, Reap, Start};
    let mut b = Builder::new(seed);
    let pinned = Placement::Pinned;
    for (size, bytes) in [
        ("0", 0.0),
        ("16MiB", 16.0),
        ("64MiB", 64.0),
        ("256MiB", 256.0),
        ("1GiB", 1024.0),
        ("4GiB", 4096.0),
    ] {
        let wander = if size == "256MiB" { 0.5 } else { 0.05 };
        b.measured(
            "fork",
            size,
            pinned,
            &fork_costs(bytes * 1_048_576.0),
            wander,
        );
        b.measured(
            "vfork",
            size,
            pinned,
            &[(Call, 15e3), (Start, 9e3), (Reap, 24e3)],
            0.04,
        );
        let spawn = [(Call, 91e3), (Exec, 78e3), (Reap, 131e3)];
        b.measured("posix_spawn", size, pinned, &spawn, 0.06);
        b.measured(
            "thread",
            size,
            pinned,
            &[(Call, 9e3), (Start, 12e3), (Reap, 20e3)],
            0.08,
        );
    }
    b.measured("null", "0", pinned, &[(Call, 38.0)], 0.02);
    b.measured(
        "clone-vm",
        "0",
        pinned,
        &[(Call, 15.4e3), (Start, 9.4e3), (Reap, 24.6e3)],
        0.04,
    );
    b.measured(
        "clone3",
        "0",
        pinned,
        &[(Call, 41.5e3), (Start, 57e3), (Reap, 111e3)],
        0.05,
    );
    let exec = |call: f64, start: f64, exec: f64, reap: f64| {
        [(Call, call), (Start, start), (Exec, exec), (Reap, reap)]
    };
    b.measured(
        "fork-exec",
        "0",
        pinned,
        &exec(40e3, 56e3, 138e3, 190e3),
        0.05,
    );
    b.measured(
        "vfork-exec",
        "0",
        pinned,
        &exec(70e3, 9e3, 76e3, 112e3),
        0.05,
    );
    b.measured(
        "command",
        "0",
        pinned,
        &[(Call, 96e3), (Exec, 92e3), (Reap, 148e3)],
        0.05,
    );
    b.measured(
        "command-fork",
        "0",
        pinned,
        &exec(171e3, 61e3, 160e3, 222e3),
        0.05,
    );
    b.measured(
        "pthread",
        "0",
        pinned,
        &[(Call, 7e3), (Start, 11e3), (Reap, 19e3)],
        0.08,
    );
    for (shape, cost) in [
        ("thp", 0.29e6),
        ("shared", 32e3),
        ("dontfork", 31.5e3),
        ("untouched", 33e3),
        ("read", 34e3),
        ("file", 33e3),
        ("shuffled", 27e6),
        ("rewritten", 16.8e6),
    ] {
        let costs = [(Call, cost), (Reap, cost * 2.0 + 26e3)];
        b.measured("fork", &format!("1GiB+{shape}"), pinned, &costs, 0.05);
    }
    for (mechanism, start, reap) in [
        ("fork", 70e3, 186e3),
        ("thread", 21e3, 37e3),
        ("vfork", 9.4e3, 29e3),
    ] {
        let costs = [(Call, start * 0.8), (Start, start), (Reap, reap)];
        b.measured(mechanism, "0", Placement::Free, &costs, 0.12);
    }
    b.missing(
        "fork",
        "1GiB+hugetlb",
        Status::Skipped,
        "needs 512 reserved huge pages, none are reserved: run `sysctl vm.nr_hugepages=512` as root",
    );
    b.missing(
        "command",
        "1GiB",
        Status::Failed,
        "the subject was ended by signal 9 while it filled 1 GiB: raise the cgroup's memory limit, or \
         pass --max-footprint 256MiB",
    );
    b.recorded.run.lives = lives();
    b.recorded
}

fn lives() -> Vec<Life> {
    let life = |mechanism: &str, system_call: &str, in_child, moments| Life {
        cell: format!("{mechanism}/0"),
        mechanism: mechanism.to_owned(),
        system_call: Some(system_call.to_owned()),
        parent_pid: 4_242,
        returned_in_parent: 4_711,
        returned_in_child: in_child,
        child_pid: Some(4_711),
        child_parent_pid: Some(4_242),
        moments,
        ran_ns: Some(31_000),
        waited_ns: Some(12_000),
        minor_faults: Some(23),
        major_faults: Some(0),
        voluntary_switches: Some(1),
        involuntary_switches: Some(0),
        exit_status: Some(7),
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
    };
    let moments = |call, start, exec, end, ended, reap| LifeMoments {
        call,
        start,
        exec,
        end: Some(end),
        ended: Some(ended),
        reap,
    };
    vec![
        life(
            "fork",
            "clone(SIGCHLD)",
            Some(0),
            moments(41_000, Some(56_000), None, 71_000, 101_000, 108_000),
        ),
        life(
            "vfork",
            "vfork()",
            Some(0),
            moments(15_000, Some(9_000), None, 9_600, 21_000, 24_000),
        ),
        life(
            "posix_spawn",
            "clone(CLONE_VM|CLONE_VFORK|SIGCHLD)",
            None,
            moments(72_000, None, Some(66_000), 67_000, 104_000, 110_000),
        ),
    ]
}
