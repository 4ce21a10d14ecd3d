//! `forkbench run`.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;

use super::Exit;
use super::climb;
use super::output::{
    colour, fresh_seed, header, print, print_json, repeated_command, runs_folder, width,
};
use super::plan_file::TIME;
use super::progress::Progress;
use super::selection::{Selected, Selection};
use crate::harness::cell::Cell;
use crate::harness::interrupt;
use crate::harness::launcher::Launcher;
use crate::harness::life;
use crate::harness::plan;
use crate::harness::runner::{self, Budget, Observer, Outcome, SubjectExecutor, Tally};
use crate::harness::schedule::{Slot, schedule};
use crate::recording::{self, Line, RecordingError, RunWriter, Severity, rfc3339};
use crate::report::{self, counted};

/// Trials and seconds per cell: usual, and with `--quick`.
const USUAL: (u32, f64) = (5, 2.5);
const QUICK: (u32, f64) = (3, 0.6);
/// A trial's plain iterations at the least: a median takes 20.
const LEAST: u64 = 20;
/// A server's requests over all trials, at the least: a p99 takes 1,000.
const REQUESTS: u64 = 1_000;
/// And at the most: the subject keeps them all until it has done the last.
const MOST: u64 = 200_000;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  forkbench run --quick\n  forkbench run fork posix_spawn --max-footprint 1GiB\n  \
                        forkbench run 'fork/1GiB*' --trials 10 --time 5 --out results\n  \
                        forkbench run posix_spawn/0 --exec /bin/true\n  \
                        forkbench run server:fork server:prefork\n  \
                        forkbench run 'server:fork/256MiB@rate=200'\n\n\
                        A server that is named without a rate is measured at rising rates until it no longer holds one.\n\n\
                        A run is a directory: trials.jsonl (every finished trial, kept whatever happens), \
                        run.json, histograms.hlog, index.html and charts/."
)]
pub(super) struct Run {
    #[command(flatten)]
    selection: Selection,
    /// Fresh subjects per cell [default: 5, with --quick 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    trials: Option<u32>,
    /// Seconds per cell, over all its trials [default: 2.5, with --quick 0.6]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    time: Option<f64>,
    /// An answer in 20 seconds: fewer cells, fewer and shorter trials
    #[arg(long)]
    quick: bool,
    /// What the order of trials is drawn from [default: a fresh one, recorded]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The folder that run directories are made in [default: FORKBENCH_OUT, else reports]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seconds that a subject may take over an order beyond what the order takes, before it counts as hung
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    patience: f64,
    /// Keep every sample in order, too, under samples/
    #[arg(long)]
    keep_samples: bool,
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let nanoseconds = crate::units::parse_duration(text).map_err(|error| error.to_string())?;
    let seconds = nanoseconds as f64 / 1e9;
    if TIME.contains(&seconds) {
        Ok(seconds)
    } else {
        Err(format!("{text} is not between 1 ms and a day"))
    }
}

impl Run {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let (all, (trials, time)) = if self.quick {
            (plan::quick_cells(), QUICK)
        } else {
            (plan::default_cells(), USUAL)
        };
        let Selected {
            cells,
            launcher,
            plan,
            ..
        } = self.selection.resolve(&all)?;
        let launcher = launcher.with_patience(Duration::from_secs_f64(self.patience));
        let trials = self.trials.or(plan.trials).unwrap_or(trials);
        let time = self.time.or(plan.time).unwrap_or(time);
        let seed = self.seed.or(plan.seed).unwrap_or_else(fresh_seed);
        interrupt::listen();
        let header = header("forkbench run", repeated_command(), seed);
        launcher.keep_off();
        for finding in header
            .host
            .findings
            .iter()
            .filter(|finding| finding.severity >= Severity::Warning)
        {
            eprintln!(
                "warning: {}: {}; see `forkbench doctor`",
                finding.name, finding.seen
            );
        }
        let mut writer = RunWriter::create(&runs_folder(self.out.as_deref()), header)?;
        let measured = Measured {
            launcher: &launcher,
            cells: &cells,
            slots: &schedule(&cells, trials, seed),
            budget: Budget {
                time: Duration::from_secs_f64(time / f64::from(trials)),
                least: LEAST,
                most: MOST,
                stamped: true,
                requests: REQUESTS.div_ceil(u64::from(trials)),
                seed,
            },
            keep_samples: self.keep_samples,
            part_of: None,
        };
        let (mut tally, dropped) = measured.record(&mut writer)?;
        let servers = climb::servers(&cells, &dropped);
        if !tally.interrupted && !servers.is_empty() {
            let climbed = climb::climb(&measured, &servers, trials, &mut writer)?;
            tally.trials += climbed.trials;
            tally.interrupted = climbed.interrupted;
        }
        if !tally.interrupted {
            // A cell that hung would hang again.
            let mut cells = cells;
            cells.retain(|cell| !dropped.contains(cell));
            for life in life::of_each_mechanism(&launcher, &cells) {
                writer.append(Line::Life(Box::new(life)))?;
            }
            tally.interrupted = interrupt::interrupted();
        }
        if tally.interrupted {
            writer.flush()?;
        } else {
            writer.finish(&rfc3339(SystemTime::now()))?;
        }
        conclude(&writer, tally, json)
    }
}

/// Draws the page, prints the table, and says where everything is.
fn conclude(writer: &RunWriter, tally: Tally, json: bool) -> anyhow::Result<Exit> {
    let recorded = recording::read(writer.directory())?;
    let page = report::write(writer.directory(), &recorded);
    if json {
        print_json(&recorded.run)?;
    } else {
        print(&report::table(&recorded.run, width(), colour()))?;
    }
    if tally.interrupted {
        eprintln!(
            "interrupted: kept is what was measured ({}), and the run is marked unfinished",
            counted(tally.trials, "trial")
        );
    }
    let page = page?;
    if json {
        eprintln!("{}", page.display());
    } else {
        print(&format!("\n{}\n", page.display()))?;
    }
    Ok(match tally {
        Tally {
            interrupted: true, ..
        } => Exit::Interrupted,
        Tally { failed: 1.., .. } => Exit::Failed,
        Tally {
            trials: 0,
            skipped: 1..,
            ..
        } => Exit::Refused,
        _ => Exit::Done,
    })
}

/// What is measured in one sitting.
#[derive(Clone, Copy)]
pub(super) struct Measured<'a> {
    /// Starts its subjects.
    pub launcher: &'a Launcher,
    /// Its cells.
    pub cells: &'a [Cell],
    /// Their trials, in order.
    pub slots: &'a [Slot],
    /// How much each trial measures.
    pub budget: Budget,
    /// Whether samples are kept in order, too.
    pub keep_samples: bool,
    /// What it is a part of, where that is more.
    pub part_of: Option<&'a str>,
}

impl Measured<'_> {
    /// Measures, shows how far it is, and keeps each trial. Returns how it went, and the cells that were skipped
    /// or failed.
    pub(super) fn record(&self, writer: &mut RunWriter) -> anyhow::Result<(Tally, Vec<Cell>)> {
        let mut observer = Recorder {
            writer,
            progress: Progress::new(self.cells, self.slots, self.part_of),
            keep_samples: self.keep_samples,
            dropped: Vec::new(),
        };
        let mut executor = SubjectExecutor {
            launcher: self.launcher,
            budget: self.budget,
        };
        let tally = runner::run(&mut executor, &mut observer, self.cells, self.slots);
        observer.progress.finish();
        Ok((tally?, observer.dropped))
    }
}

/// Keeps trials as they end.
struct Recorder<'a> {
    writer: &'a mut RunWriter,
    progress: Progress<'a>,
    keep_samples: bool,
    /// Cells that were skipped or failed.
    dropped: Vec<Cell>,
}

impl Observer for Recorder<'_> {
    type Error = RecordingError;

    fn begins(&mut self, cell: &Cell, done: usize, total: usize) {
        self.progress.begins(cell, done, total);
    }

    fn ended(&mut self, cell: &Cell, outcome: &Outcome) -> Result<(), RecordingError> {
        self.progress.ended(outcome);
        match outcome {
            Outcome::Done(line, samples) => {
                if self.keep_samples {
                    let trial = &line.trial;
                    self.writer
                        .keep_samples(&line.cell, &trial.arm, trial.index, samples)?;
                }
                self.writer.append(Line::Trial(line.clone()))
            }
            Outcome::Dropped(line) => {
                self.dropped.push(cell.clone());
                self.writer.append(Line::Cell(line.clone()))
            }
            Outcome::Interrupted => Ok(()),
        }
    }
}
