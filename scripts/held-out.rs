//! Fits the costs of a fork's parts to some cells of a run and predicts the others.
//!
//!     cargo run --release --example held-out RUN [CELL]…
//!
//! Cells that are named are kept from the fit; where none is, those that `forkbench run` doesn't measure by itself. Each
//! is predicted from its receipt. Prints Markdown.
//!
//! Exit code 1 where a prediction misses by more than 15 %, 2 without a run, 3 where none could be held to that: a fit
//! that misses the cells it was fitted to, as on a busy host, decides nothing.

use std::path::Path;
use std::process::ExitCode;

use forkbench::footprint::State;
use forkbench::harness::plan::default_cells;
use forkbench::mechanism::Phase;
use forkbench::model::{Fit, LARGEST_GOOD_RESIDUAL};
use forkbench::recording::{self, Run};
use forkbench::units::Nanoseconds;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("held-out: which run? Usage: held-out RUN [CELL]…");
        return ExitCode::from(2);
    };
    let run = match recording::read(Path::new(&path)) {
        Ok(recorded) => recorded.run,
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
    let held: Vec<Option<bool>> = held.collect();
    let all = held.iter().flatten().all(|held| *held);
    ExitCode::from(match held.iter().any(Option::is_some) {
        false => 3,
        true => u8::from(!all),
    })
}

/// Prints what a state's cells come to, and whether all came out. `None` where nothing is there to predict, or
/// nothing to predict it from.
fn predict(run: &Run, kept: &[String], state: State) -> Option<bool> {
    let mut without = run.clone();
    without.cells.retain(|cell| kept.contains(&cell.id));
    let fit = match Fit::of(&without, Phase::Call, state) {
        Ok(fit) => fit,
        Err(error) => {
            eprintln!("{}: {error}", state.name());
            return None;
        }
    };
    println!(
        "Memory {}: {} cells fitted, at most {:.1} % off.\n",
        state.name(),
        fit.cells.len(),
        100.0 * fit.largest_residual()
    );
    println!("| part | ns | 95 % interval |\n|---|---:|---:|");
    for cost in &fit.costs {
        println!(
            "| {:?} | {:.1} | {:.1} to {:.1} |",
            cost.part, cost.ns, cost.low, cost.high
        );
    }
    println!(
        "\n| held out | measured | predicted | 95 % interval | off |\n|---|---:|---:|---:|---:|"
    );
    // What a cell's parent was made of and how long it took is read as a fit reads it.
    let mut held = Vec::new();
    for cell in run.cells.iter().filter(|cell| !kept.contains(&cell.id)) {
        let mut alone = without.clone();
        alone.cells.push(cell.clone());
        let measured = Fit::of(&alone, Phase::Call, state).ok();
        let measured = measured.and_then(|fit| fit.cells.into_iter().find(|row| row.id == cell.id));
        let Some(measured) = measured else { continue };
        let (Some(ns), Some([low, high])) =
            (fit.ns(&measured.shape), fit.interval(&measured.shape))
        else {
            println!(
                "| `{}` | {} | – | – | – |",
                cell.id,
                Nanoseconds(measured.measured_ns)
            );
            continue;
        };
        let off = ns / measured.measured_ns - 1.0;
        println!(
            "| `{}` | {} | {} | {} to {} | {:+.1} % |",
            cell.id,
            Nanoseconds(measured.measured_ns),
            Nanoseconds(ns),
            Nanoseconds(low),
            Nanoseconds(high),
            100.0 * off
        );
        held.push(off.abs() <= LARGEST_GOOD_RESIDUAL);
    }
    println!();
    (fit.is_good() && !held.is_empty()).then(|| held.iter().all(|held| *held))
}
