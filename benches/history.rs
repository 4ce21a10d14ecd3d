//! What a history of 10,000 runs of 40 cells costs to use.
//!
//! The limits are those that a history is held to, and are said beside the figures. Set `FORKBENCH_STRICT` to have a missed
//! one fail the bench.

mod nights;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode};
use forkbench::history::{Selection, Store};
use forkbench::mechanism::Phase;

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

fn main() -> ExitCode {
    let measures = std::env::args().any(|word| word == "--bench");
    let only_tries = std::env::args().any(|word| word == "--test" || word == "--list");
    let runs = if measures && !only_tries { RUNS } else { FEW };
    // On a disk: a folder in memory would make syncing free.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for the store");
    let path = folder.path().join("history.sqlite");
    drop(nights::fill(&path, runs));
    let bytes = fs::metadata(&path).map_or(0, |there| there.len());
    println!(
        "a store of {runs} runs of {} cells: {} MiB\n",
        nights::CELLS,
        bytes >> 20
    );
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let limits = [
        adding(&mut criterion, &path, runs),
        adding_alone(&mut criterion, &path, runs),
        reading(&mut criterion, &path),
    ];
    criterion.final_summary();
    println!();
    let held = limits.map(Limit::held).iter().all(|held| *held);
    match held || runs != RUNS || std::env::var_os("FORKBENCH_STRICT").is_none() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Adding a run to a store that is open.
fn adding(criterion: &mut Criterion, path: &Path, runs: u64) -> Limit {
    let mut limit = Limit::new("adding a run", Duration::from_millis(50));
    let store = Store::open(path).expect("it was made");
    let mut next = runs;
    bench(criterion, "add", |_| {
        let entry = nights::night(next);
        next += 1;
        limit.time(|| store.add(&entry, false).expect("it is new"))
    });
    limit
}

/// What the command does: opening the store, adding one run, closing it.
fn adding_alone(criterion: &mut Criterion, path: &Path, runs: u64) -> Limit {
    let mut limit = Limit::new("opening, adding a run, closing", Duration::from_millis(50));
    let mut next = 2 * runs;
    bench(criterion, "open-add-close", |_| {
        let entry = nights::night(next);
        next += 1;
        limit.time(|| {
            let store = Store::open(path).expect("it was made");
            store.add(&entry, false).expect("it is new");
        })
    });
    limit
}

/// The p10 of `call` of all cells of all nights.
fn reading(criterion: &mut Criterion, path: &Path) -> Limit {
    let mut limit = Limit::new("reading a phase of every cell", Duration::from_secs(1));
    let selection = Selection {
        phases: vec![Phase::Call],
        ..Selection::default()
    };
    let path: PathBuf = path.to_owned();
    bench(criterion, "series", |_| {
        limit.time(|| {
            let store = Store::open(&path).expect("it was made");
            store.series(&selection).expect("it can be read")
        })
    });
    limit
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
