//! Fits the costs of a fork's parts to some cells of a run and predicts the others.
//!
//!     cargo run --release --example held-out RUN [CELL]…
//!
//! Cells that are named are kept from the fit; where none is, those that `forkbench run` doesn't measure by itself. Each
//! is predicted from its receipt. Prints Markdown.
//!
//! Exit code 1 where a prediction misses by more than 15 %, 2 without a run, 3 where one does that comes of a fit which
//! misses cells that it was fitted to, as on a busy host: that decides nothing.

use std::path::Path;
use std::process::ExitCode;

use forkbench::footprint::{Footprint, Page, State};
use forkbench::harness::plan::default_cells;
use forkbench::mechanism::Phase;
use forkbench::model::{Fit, FitError, LARGEST_GOOD_RESIDUAL};
use forkbench::recording::{self, Run, Trial};
use forkbench::units::{Nanoseconds, exact_size};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("held-out: which run? Usage: held-out RUN [CELL]…");
        return ExitCode::from(2);
    };
    let run = match recording::read(Path::new(&path)) {
        Ok(recorded) => quietest(recorded.run),
        Err(error) => {
            eprintln!("held-out: {error}");
            return ExitCode::from(2);
        }
    };
    let named: Vec<String> = arguments.collect();
    let measured = run.cells.iter().map(|cell| cell.id.clone());
    let kept: Vec<String> = match named.is_empty() {
        true => default_cells().iter().map(ToString::to_string).collect(),
        false => measured.filter(|id| !named.contains(id)).collect(),
    };
    let held = State::ALL.iter().map(|&state| predict(&run, &kept, state));
    let held: Vec<Held> = held.collect();
    let sum = |of: fn(&Held) -> usize| held.iter().map(of).sum::<usize>();
    ExitCode::from(
        match (sum(|h| h.near), sum(|h| h.off), sum(|h| h.undecided)) {
            (_, 1.., _) => 1,
            (0, ..) | (_, _, 1..) => 3,
            _ => 0,
        },
    )
}

/// A run with each cell's quietest trial alone. What neighbours on the host do to a parent they add, and at different times
/// to different cells: costs of the quietest moments add up, those of others only on the average.
fn quietest(mut run: Run) -> Run {
    let p50 = |trial: &Trial| trial.phases.get(&Phase::Call)?.quantiles.p50;
    for cell in &mut run.cells {
        if let Some(least) = cell.trials.iter().filter_map(p50).min() {
            cell.trials.retain(|trial| p50(trial) == Some(least));
        }
    }
    run
}

/// What became of a state's cells that were kept from the fit.
#[derive(Clone, Copy)]
struct Held {
    /// Predictions near enough.
    near: usize,
    /// Those that were not, from fits that miss no cell of their own by as much.
    off: usize,
    /// Those that were not, from fits that do.
    undecided: usize,
}

/// Fits a state's costs to cells of about the size of each that was kept from the fit, predicts it, and prints both.
fn predict(run: &Run, kept: &[String], state: State) -> Held {
    let mut without = run.clone();
    without.cells.retain(|cell| kept.contains(&cell.id));
    let mut held = Held {
        near: 0,
        off: 0,
        undecided: 0,
    };
    let mut fits: Vec<(Option<u64>, Fit)> = Vec::new();
    let mut lines = String::new();
    for cell in run.cells.iter().filter(|cell| !kept.contains(&cell.id)) {
        let bytes = small_pages(&cell.footprint);
        if !fits.iter().any(|(of, _)| *of == bytes) {
            match fit(&without, state, bytes) {
                Ok(fit) => fits.push((bytes, fit)),
                Err(error) => {
                    eprintln!("{}, {}: {error}", state.name(), cell.id);
                    continue;
                }
            }
        }
        let Some((_, costs)) = fits.iter().find(|(of, _)| *of == bytes) else {
            continue;
        };
        // What a cell's parent was made of and how long it took is read as a fit reads it.
        let mut alone = without.clone();
        alone.cells.push(cell.clone());
        let measured = fit(&alone, state, bytes).ok();
        let measured = measured.and_then(|fit| fit.cells.into_iter().find(|row| row.id == cell.id));
        let Some(measured) = measured else { continue };
        let name = format!("| `{}` | {} |", cell.id, Nanoseconds(measured.measured_ns));
        let Some(ns) = costs.ns(&measured.shape) else {
            lines += &format!("{name} – | – |\n");
            continue;
        };
        let off = ns / measured.measured_ns - 1.0;
        lines += &format!("{name} {} | {:+.1} % |\n", Nanoseconds(ns), 100.0 * off);
        match (off.abs() <= LARGEST_GOOD_RESIDUAL, costs.is_good()) {
            (true, _) => held.near += 1,
            (false, true) => held.off += 1,
            (false, false) => held.undecided += 1,
        }
    }
    fits.sort_by_key(|(bytes, _)| *bytes);
    for (bytes, fit) in &fits {
        print_fit(state, *bytes, fit);
    }
    if !lines.is_empty() {
        println!("| held out | measured | predicted | off |");
        println!("|---|---:|---:|---:|\n{lines}");
    }
    held
}

/// How much of a parent are 4 KiB pages that fork copies the entries of.
fn small_pages(footprint: &Footprint) -> Option<u64> {
    (footprint.page == Page::Base && footprint.bytes > 0).then_some(footprint.bytes)
}

/// As `forkbench predict` does: what a page costs goes with how many there are.
fn fit(run: &Run, state: State, bytes: Option<u64>) -> Result<Fit, FitError> {
    match bytes {
        Some(bytes) => Fit::near(run, Phase::Call, state, bytes),
        None => Fit::of(run, Phase::Call, state),
    }
}

fn print_fit(state: State, bytes: Option<u64>, fit: &Fit) {
    let sizes = match bytes {
        Some(bytes) => format!("of about {}", exact_size(bytes)),
        None => "of any size".to_owned(),
    };
    println!(
        "Memory {}, parents of 4 KiB pages {sizes}: {} cells fitted, at most {:.1} % off.\n",
        state.name(),
        fit.cells.len(),
        100.0 * fit.largest_residual()
    );
    println!("| part | ns |\n|---|---:|");
    for cost in &fit.costs {
        println!("| {:?} | {:.1} |", cost.part, cost.ns);
    }
    println!();
}
