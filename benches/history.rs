//! What a history of 10,000 runs of 40 cells costs to use.
//!
//! The limits are those that a history is held to, and are said beside the figures. Set `FORKBENCH_STRICT` to have a missed
//! one fail the bench.

mod nights;

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode};
use forkbench::comparison::Statistic;
use forkbench::history::{Selection, Store};
use forkbench::mechanism::Phase;
use forkbench::recording::Tool;
use forkbench::report;
use forkbench::statistics::change_points::{CONFIRMATION, DRIFT, INTERVAL};
use forkbench::trend::{Asked, HISTORY_SCHEMA, History, judge};
use tempfile::TempDir;

/// Runs in the store.
const RUNS: u64 = 10_000;
/// Runs in it where everything is only tried once.
const FEW: u64 = 100;

/// What is held to a limit.
struct Limit {
    name: &'static str,
    limit: Duration,
    times: Vec<Duration>,
}

impl Limit {
    fn new(name: &'static str, limit: Duration) -> Self {
        Self {
            name,
            limit,
            times: Vec::new(),
        }
    }

    /// Times one more, and returns how long it took.
    fn time<T>(&mut self, work: impl FnOnce() -> T) -> Duration {
        let begin = Instant::now();
        let done = work();
        let took = begin.elapsed();
        drop(std::hint::black_box(done));
        self.times.push(took);
        took
    }

    /// Whether the median holds.
    fn held(mut self) -> bool {
        self.times.sort();
        let Some(median) = self.times.get(self.times.len() / 2) else {
            return true;
        };
        let held = *median <= self.limit;
        println!(
            "{} {}: {median:.1?} in the median, {:.1?} at the most, held to {:?}",
            if held { "held  " } else { "MISSED" },
            self.name,
            self.times[self.times.len() - 1],
            self.limit
        );
        held
    }
}

/// The store, filled when it is first asked for: a filter may leave nothing that needs it.
struct Filled {
    runs: u64,
    path: OnceCell<(TempDir, PathBuf)>,
}

impl Filled {
    fn path(&self) -> &Path {
        let (_, path) = self.path.get_or_init(|| {
            // On a disk: a folder in memory would make syncing free.
            let folder =
                tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder of our own");
            let path = folder.path().join("history.sqlite");
            drop(nights::fill(&path, self.runs));
            let bytes = fs::metadata(&path).map_or(0, |there| there.len());
            let (runs, cells) = (self.runs, nights::CELLS);
            println!(
                "\na store of {runs} runs of {cells} cells: {} MiB",
                bytes >> 20
            );
            (folder, path)
        });
        path
    }

    fn open(&self) -> Store {
        Store::open(self.path()).expect("it was made")
    }
}

fn main() -> ExitCode {
    let has = |flag: &str| std::env::args().any(|word| word == flag);
    let measures = has("--bench") && !has("--test") && !has("--list");
    let filled = Filled {
        runs: if measures { RUNS } else { FEW },
        path: OnceCell::new(),
    };
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let limits = [
        adding(&mut criterion, &filled),
        adding_alone(&mut criterion, &filled),
        reading(&mut criterion, &filled),
        checking(&mut criterion, &filled),
        drawing(&mut criterion, &filled),
    ];
    criterion.final_summary();
    println!();
    let held = limits.map(Limit::held).iter().all(|held| *held);
    match held || !measures || std::env::var_os("FORKBENCH_STRICT").is_none() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Adding a run to a store that is open.
fn adding(criterion: &mut Criterion, filled: &Filled) -> Limit {
    let mut limit = Limit::new("adding a run", Duration::from_millis(50));
    let mut store = None;
    let mut next = filled.runs;
    bench(criterion, "add", |_| {
        let store = store.get_or_insert_with(|| filled.open());
        let entry = nights::night(next);
        next += 1;
        limit.time(|| store.add(&entry, false).expect("it is new"))
    });
    limit
}

/// What the command does: opening the store, adding one run, closing it.
fn adding_alone(criterion: &mut Criterion, filled: &Filled) -> Limit {
    let mut limit = Limit::new("opening, adding a run, closing", Duration::from_millis(50));
    let mut next = 100 * RUNS;
    bench(criterion, "open-add-close", |_| {
        filled.path();
        let entry = nights::night(next);
        next += 1;
        limit.time(|| filled.open().add(&entry, false).expect("it is new"))
    });
    limit
}

/// The p10 of `call` of all cells of all nights.
fn reading(criterion: &mut Criterion, filled: &Filled) -> Limit {
    let mut limit = Limit::new("reading a phase of every cell", Duration::from_secs(1));
    let selection = Selection {
        phases: vec![Phase::Call],
        ..Selection::default()
    };
    bench(criterion, "series", |_| {
        filled.path();
        limit.time(|| filled.open().series(&selection).expect("it can be read"))
    });
    limit
}

/// What `forkbench history check` does: reading and judging every cell.
fn checking(criterion: &mut Criterion, filled: &Filled) -> Limit {
    let mut limit = Limit::new("checking every cell", Duration::from_secs(2));
    bench(criterion, "check", |_| {
        filled.path();
        limit.time(|| judged(&filled.open(), false))
    });
    limit
}

/// What `forkbench history show --out` does: reading, judging and drawing every cell.
fn drawing(criterion: &mut Criterion, filled: &Filled) -> Limit {
    let mut limit = Limit::new("drawing the trend page", Duration::from_secs(2));
    bench(criterion, "show", |_| {
        filled.path();
        limit.time(|| {
            let history = judged(&filled.open(), true);
            report::trend::page(&history, Path::new("/")).expect("it is drawn")
        })
    });
    limit
}

/// The history of everything in the store.
fn judged(store: &Store, with_points: bool) -> History {
    let over_time = store
        .over_time(&Selection::default(), &[])
        .expect("it can be read");
    let asked = Asked {
        threshold: 0.03,
        known: None,
        with_points,
    };
    History {
        schema: HISTORY_SCHEMA.to_owned(),
        made: String::new(),
        command: String::new(),
        tool: Tool {
            version: String::new(),
            commit: None,
            driver: String::new(),
        },
        statistic: Statistic::P10,
        threshold: asked.threshold,
        confirmation: CONFIRMATION,
        drift: DRIFT,
        interval_confidence: INTERVAL,
        hosts: over_time
            .hosts
            .iter()
            .map(|host| judge(host, &asked))
            .collect(),
    }
}

/// Has Criterion ask for iterations, each timed by itself.
fn bench(criterion: &mut Criterion, name: &str, mut once: impl FnMut(u64) -> Duration) {
    let mut group = criterion.benchmark_group("history");
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| (0..times).map(&mut once).sum());
    });
    group.finish();
}
