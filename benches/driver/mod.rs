//! What all Criterion targets share: a subject for Criterion to ask for iterations, and a run that
//! every single sample is recorded in.
//!
//! Criterion calls the closure given to `bench_function` once per sample. What happens there outside
//! `iter_custom` is not timed: that is where subjects come and go and memory is filled.

mod arguments;
mod session;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use criterion::{Criterion, SamplingMode};
use forkbench::cli::bench::BenchRun;
use forkbench::harness::cell::Cell;
use forkbench::harness::launcher::{Launcher, SubjectCommand};
use forkbench::harness::registry::Registry;
use forkbench::harness::runner::Outcome;

pub use arguments::Arguments;
use session::{Abandoned, CellSession};

/// Changes below this are noise to Criterion. Two sittings of one binary differ by more than its
/// default of 1 %: see docs/METHODOLOGY.md, "Two sittings".
const NOISE_THRESHOLD: f64 = 0.10;
/// Criterion's samples per cell; each is a batch of iterations.
const SAMPLES: usize = 15;
/// Bootstrap resamples of them: with so few samples a tenth of what Criterion takes by itself places its interval as well, and it
/// is built for a short build.
const RESAMPLES: usize = 10_000;
/// The same of a server: as few as Criterion takes.
const SERVER_SAMPLES: usize = 10;
/// Fresh subjects per cell, at the least.
const SUBJECTS: usize = 3;

/// A cell, and how long Criterion measures it.
pub struct Planned {
    /// The cell.
    pub cell: Cell,
    /// Seconds of iterations after warming up.
    pub seconds: f64,
}

/// Measures the cells of one target under Criterion, records them, and draws the page. `afterwards` has
/// its say between Criterion's summary and the page; `false` is a failure.
pub fn run(
    target: &str,
    plan: Vec<Planned>,
    afterwards: impl FnOnce(&Launcher) -> bool,
) -> ExitCode {
    let arguments = Arguments::of_process();
    match bench(target, &plan, &arguments, afterwards) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(
    target: &str,
    plan: &[Planned],
    arguments: &Arguments,
    afterwards: impl FnOnce(&Launcher) -> bool,
) -> anyhow::Result<bool> {
    let mut criterion = Criterion::default()
        .noise_threshold(NOISE_THRESHOLD)
        .sample_size(SAMPLES)
        .nresamples(RESAMPLES)
        .warm_up_time(arguments.warm_up)
        .configure_from_args();
    let native = SubjectCommand::native_at(Path::new(env!("CARGO_BIN_EXE_forkbench-subject")))?;
    let cpus = forkbench::harness::environment::choose_cpus();
    let cells: Vec<Cell> = plan.iter().map(|planned| planned.cell.clone()).collect();
    let launcher = Launcher::new(native, Vec::new(), cpus, None)?
        .with_registered(&Registry::shipped(), &cells);
    let mut run = if arguments.measures() {
        Some(BenchRun::open()?)
    } else {
        None
    };
    launcher.keep_off();
    let mut sound = true;
    let mut group = criterion.benchmark_group(target);
    group.sampling_mode(SamplingMode::Flat);
    for Planned { cell, seconds } in plan {
        group.measurement_time(Duration::from_secs_f64(*seconds));
        if cell.model().is_some() {
            // A sample is a trial, and takes as long as its requests do.
            group.sample_size(SERVER_SAMPLES);
        }
        let mut session = CellSession::new(&launcher, cell, arguments, run.as_mut());
        let measured = catch_unwind(AssertUnwindSafe(|| {
            group.bench_function(cell.to_string(), |bencher| session.sample(bencher));
        }));
        if let Err(panic) = measured {
            if !panic.is::<Abandoned>() {
                resume_unwind(panic);
            }
        }
        match session.finish()? {
            None => {}
            Some(Outcome::Dropped(line)) => {
                // On a line of its own: Criterion's last one is unfinished.
                println!("\n{}: {:?}: {}", line.cell.id, line.status, line.reason);
                sound &= line.status == forkbench::recording::Status::Skipped;
            }
            Some(_) => {}
        }
    }
    group.finish();
    criterion.final_summary();
    if let Some(run) = run {
        sound &= afterwards(&launcher);
        run.close(&launcher, &cells)?;
    }
    Ok(sound)
}
