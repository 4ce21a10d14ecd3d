//! What the instrument itself costs: its floor, its idle time, and its distance from a plain C loop.
//!
//! The comparisons are made after Criterion's own measurements, in turn: a trial of ours, a run of the
//! C loop, in an order drawn anew for each round. Set `FORKBENCH_STRICT` to have a missed limit fail the
//! bench; otherwise it is only said, since a noisy host misses them without any fault of the instrument.

mod driver;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use driver::Planned;
use forkbench::footprint::Footprint;
use forkbench::harness::cell::Cell;
use forkbench::harness::launcher::Launcher;
use forkbench::harness::trial::LiveTrial;
use forkbench::mechanism::Phase;
use forkbench::protocol::Count;
use forkbench::statistics::Random;
use forkbench::units::human_time;

/// Rounds of each comparison.
const ROUNDS: usize = 9;
/// The null operation's p50 at the most, nanoseconds.
const FLOOR: f64 = 100.0;
/// The share of a small cell's wall time inside timed operations, at the least.
const BUSY: f64 = 0.90;

/// What is measured, and how long.
pub fn plan() -> Vec<Planned> {
    let cells = ["null/0", "fork/0", "fork/64MiB"];
    let planned = cells.map(|id| Planned {
        cell: id.parse().expect("a constant"),
        seconds: 1.0,
    });
    planned.into_iter().collect()
}

fn main() -> ExitCode {
    driver::run("overhead", plan(), |launcher| match checks(launcher) {
        Ok(held) => held || std::env::var_os("FORKBENCH_STRICT").is_none(),
        Err(error) => {
            println!("the comparisons could not be made: {error:#}");
            false
        }
    })
}

fn checks(launcher: &Launcher) -> anyhow::Result<bool> {
    println!();
    let mut held = floor(launcher)?;
    for mechanism in ["fork", "vfork", "posix_spawn", "thread"] {
        held &= busy(launcher, mechanism)?;
    }
    held &= against_c(launcher, 0, 600, 0.15)?;
    held &= against_c(launcher, 64 << 20, 120, 0.05)?;
    println!();
    Ok(held)
}

fn say(held: bool, text: &str) -> bool {
    println!("{} {text}", if held { "held  " } else { "MISSED" });
    held
}

/// The median of an odd number of values.
fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Medians of one trial or one run of the C loop, nanoseconds.
struct Medians {
    call: f64,
    reap: f64,
}

/// A trial of `plain` iterations after a warm-up: its medians, and the share of the harness's wall time
/// that was inside timed operations.
fn trial(launcher: &Launcher, cell: &Cell, plain: u64) -> anyhow::Result<(Medians, f64)> {
    let mut trial = LiveTrial::begin(launcher, cell, 0, 0)?;
    let each = Duration::from_millis(5);
    trial.iterate(
        Count {
            warmup: 20,
            ..Count::default()
        },
        each,
    )?;
    trial.forget();
    let begin = Instant::now();
    trial.iterate(
        Count {
            plain,
            ..Count::default()
        },
        each,
    )?;
    let wall = begin.elapsed().as_nanos() as f64;
    let (line, _) = trial.finish();
    let p50 = |phase| -> Option<f64> { Some(line.trial.phases.get(&phase)?.quantiles.p50? as f64) };
    let call = p50(Phase::Call).context("a trial without a median")?;
    let reap = p50(Phase::Reap).unwrap_or(call);
    Ok((
        Medians { call, reap },
        line.trial.host.timed_ns as f64 / wall,
    ))
}

fn floor(launcher: &Launcher) -> anyhow::Result<bool> {
    let (Medians { call, .. }, _) =
        trial(launcher, &Cell::native("null", Footprint::of(0)), 100_000)?;
    let text = format!("null: p50 {call:.0} ns, at most {FLOOR:.0}");
    Ok(say(call <= FLOOR, &text))
}

/// The harness's own wall time counts: orders, answers and the samples' text included.
fn busy(launcher: &Launcher, mechanism: &str) -> anyhow::Result<bool> {
    let cell = Cell::native(mechanism, Footprint::of(0));
    let mut shares = Vec::new();
    for _ in 0..3 {
        shares.push(trial(launcher, &cell, 5_000)?.1);
    }
    let share = middle(shares);
    let text = format!(
        "{cell}: {:.1} % of wall time after set-up is inside timed operations, at least {:.0} %",
        share * 100.0,
        BUSY * 100.0
    );
    Ok(say(share >= BUSY, &text))
}

/// fork at `bytes`, ours and the C loop's, in turn.
fn against_c(launcher: &Launcher, bytes: u64, plain: u64, limit: f64) -> anyhow::Result<bool> {
    let cell = Cell::native("fork", Footprint::of(bytes));
    let mut random = Random::new(bytes ^ 0x5eed);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        if random.below(2) == 0 {
            ours.push(trial(launcher, &cell, plain)?.0);
            theirs.push(reference(launcher, bytes, plain)?);
        } else {
            theirs.push(reference(launcher, bytes, plain)?);
            ours.push(trial(launcher, &cell, plain)?.0);
        }
    }
    let mut held = true;
    for phase in [Phase::Call, Phase::Reap] {
        let of = |medians: &Medians| match phase {
            Phase::Call => medians.call,
            _ => medians.reap,
        };
        let ratio = middle(
            ours.iter()
                .zip(&theirs)
                .map(|(a, b)| of(a) / of(b))
                .collect(),
        );
        let our = middle(ours.iter().map(&of).collect());
        let their = middle(theirs.iter().map(&of).collect());
        let text = format!(
            "{cell} {}: {} against {} in a plain C loop, {:+.1} %, at most ±{:.0} %",
            phase.name(),
            human_time(our as u64),
            human_time(their as u64),
            (ratio - 1.0) * 100.0,
            limit * 100.0
        );
        held &= say((ratio - 1.0).abs() <= limit, &text);
    }
    Ok(held)
}

fn reference(launcher: &Launcher, bytes: u64, plain: u64) -> anyhow::Result<Medians> {
    let program = env!("FORKBENCH_REFERENCE");
    ensure!(
        !program.is_empty(),
        "benches/reference.c was not built: is there a C compiler?"
    );
    let cpu = launcher.subject_cpu().unwrap_or(0).to_string();
    let mut command = Command::new(program);
    command.args([&cpu, &bytes.to_string(), &plain.to_string()]);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin");
    let output = command
        .output()
        .context("the C loop could not be started")?;
    ensure!(
        output.status.success(),
        "the C loop failed: {}",
        output.status
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text
        .split_whitespace()
        .filter_map(|word| word.parse::<f64>().ok());
    let (call, reap) = numbers
        .next()
        .zip(numbers.next())
        .context("the C loop printed no two numbers")?;
    Ok(Medians { call, reap })
}
