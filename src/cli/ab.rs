//! `forkbench ab`.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;

use super::Exit;
use super::closing::Closing;
use super::judgement::{CONFIDENCE, Judging, THRESHOLD, show};
use super::output::{fresh_seed, header, repeated_command, runs_folder};
use super::plan_file::PlanFile;
use super::run::seconds;
use super::selection::{PlacementChoice, leave_out};
use super::sides::{Placing, Sides};
use crate::comparison::{self, Compared, Comparison, Kind, Side, VERDICT_SCHEMA};
use crate::harness::ab::{self, Contest, Forecast, Live, Observer, Settings, SubjectArms};
use crate::harness::interrupt;
use crate::harness::launcher::LauncherError;
use crate::harness::plan;
use crate::harness::registry::Registry;
use crate::harness::runner::Outcome;
use crate::recording::{
    Line, PILOT, RecordingError, RunLine, RunWriter, Severity, Status, rfc3339,
};
use crate::report;
use crate::statistics::Verdict;
use crate::units::parse_size;

#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("base").required(true).args(["a", "a_subject", "plan"]).multiple(true),
    after_help = "Examples:\n  forkbench ab --a fork/64MiB --b fork/67.2MiB\n  \
                  forkbench ab --a-subject ./old/forkbench-subject --b-subject ./new/forkbench-subject --fail-on regressed\n  \
                  forkbench ab --a-subject ./old --b-subject ./new 'fork/*' --threshold 1% --budget 120s\n\n\
                  Pairs of trials, one of each arm in the order of a coin, go on until each cell has its verdict: regressed, \
                  improved, unchanged, inconclusive or not measurable. All verdicts hold together with the confidence; \
                  docs/METHODOLOGY.md has the procedure and its measured error rates.\n\n\
                  Exit codes: 0 done, 1 a cell failed, 2 usage, 3 the verdict that --fail-on names, 130 after Ctrl-C."
)]
pub(super) struct Ab {
    /// With subjects: which cells to compare them at [default: fork/0 fork/64MiB vfork/0 posix_spawn/0 thread/0]
    #[arg(value_name = "FILTER", conflicts_with_all = ["a", "b"])]
    filters: Vec<String>,
    /// The base: a cell, as in fork/64MiB
    #[arg(long, value_name = "CELL", requires = "b")]
    a: Option<String>,
    /// The candidate: a cell
    #[arg(long, value_name = "CELL", requires = "a")]
    b: Option<String>,
    /// The base: a command that starts a subject
    #[arg(
        long,
        value_name = "COMMAND",
        requires = "b_subject",
        conflicts_with = "a"
    )]
    a_subject: Option<String>,
    /// The candidate: a command that starts a subject
    #[arg(
        long,
        value_name = "COMMAND",
        requires = "a_subject",
        conflicts_with = "b"
    )]
    b_subject: Option<String>,
    #[command(flatten)]
    judging: Judging,
    /// About how long to decide, for each cell; six pilot pairs come before, and confirming a change may add as much
    /// [default: 60s, or 36 pairs where they take longer]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    budget: Option<f64>,
    /// What the orders of pairs are drawn from [default: a fresh one, recorded]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where subjects and children run
    #[arg(long, value_name = "WHERE")]
    placement: Option<PlacementChoice>,
    /// The program that children execute, with its arguments, in place of forkbench's own
    #[arg(long, value_name = "PROGRAM")]
    exec: Option<String>,
    /// A TOML file with cells, threshold, confidence, budget, seed, placement, exec, and subjects `a` and `b`; flags
    /// override it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["a", "b"])]
    plan: Option<PathBuf>,
    /// The folder that run directories are made in [default: FORKBENCH_OUT, else reports]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seconds that a subject may take over an order beyond what the order takes, before it counts as hung
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    patience: f64,
}

impl Ab {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let plan = PlanFile::read(self.plan.as_deref())?;
        let sides = self.sides(&plan)?;
        if sides.same {
            eprintln!(
                "note: A and B are one and the same: a change that is seen would be a false alarm"
            );
        }
        let settings = Settings {
            phases: self.judging.phases(),
            statistic: self.judging.statistic,
            threshold: (self.judging.threshold.or(plan.threshold())).unwrap_or(THRESHOLD),
            confidence: (self.judging.confidence.or(plan.confidence())).unwrap_or(CONFIDENCE),
            budget: self.budget.or(plan.budget).map(Duration::from_secs_f64),
            seed: self.seed.or(plan.seed).unwrap_or_else(fresh_seed),
        };
        sides.check(&settings)?;
        let launcher = sides
            .launcher
            .with_patience(Duration::from_secs_f64(self.patience));
        interrupt::listen();
        let command = match self.seed {
            Some(_) => repeated_command(),
            None => format!("{} --seed {}", repeated_command(), settings.seed),
        };
        let header = header("forkbench ab", command, settings.seed);
        launcher.keep_off();
        warn(&header);
        let mut writer = RunWriter::create(&runs_folder(self.out.as_deref()), header.clone())?;
        let mut recorder = Recorder {
            writer: &mut writer,
            closing: Closing::new(settings.threshold),
            failed: false,
        };
        let made = ab::run(
            &mut SubjectArms::new(&launcher),
            &mut recorder,
            &sides.contests,
            &settings,
        );
        recorder.closing.finish();
        let failed = recorder.failed;
        let made = made?;
        let finished = (!made.interrupted).then(|| rfc3339(SystemTime::now()));
        match &finished {
            Some(moment) => writer.finish(moment)?,
            None => writer.flush()?,
        }
        let compared = Compared {
            comparison: Comparison {
                cells: made.cells,
                finished,
                ..document(&header, &settings, &sides.names, writer.directory())
            },
            samples: made.samples,
        };
        let mut cells = compared.comparison.cells.iter();
        // A clock may not tell pairs apart; here there are none.
        let nothing = cells.all(|cell| cell.verdict == Verdict::NotMeasurable && cell.pairs == 0);
        comparison::write(writer.directory(), &compared.comparison)?;
        let page = report::comparison::write(writer.directory(), &compared);
        show(&compared, self.judging.format(json))?;
        if made.interrupted {
            eprintln!("interrupted: the trials are kept, and what was open is `inconclusive`");
        }
        eprintln!("{}", page?.display());
        Ok(match self.judging.exit(&compared.comparison) {
            _ if made.interrupted => Exit::Interrupted,
            Exit::Done if failed => Exit::Failed,
            Exit::Done if nothing => Exit::Refused,
            exit => exit,
        })
    }

    /// Reads both arms.
    fn sides(&self, plan: &PlanFile) -> anyhow::Result<Sides> {
        let placing = Placing {
            free: self.placement.or(plan.placement) == Some(PlacementChoice::Free),
            exec: self.exec.as_deref().or(plan.exec.as_deref()),
        };
        if let (Some(a), Some(b)) = (&self.a, &self.b) {
            return Sides::of_cells(a, b, &placing);
        }
        let arm = |flag: &Option<String>, arm: &'static str| {
            let command = flag.as_ref().or_else(|| plan.subjects.get(arm));
            command.cloned().ok_or(LauncherError::ArmShape { arm })
        };
        let (a, b) = (arm(&self.a_subject, "a")?, arm(&self.b_subject, "b")?);
        let filters = match self.filters.is_empty() {
            true => &plan.cells,
            false => &self.filters,
        };
        let mut cells = match filters.is_empty() {
            true => plan::compared_cells(),
            false => plan::select(&plan::default_cells(), &Registry::shipped(), filters)?,
        };
        if let Some(largest) = &plan.max_footprint {
            leave_out(&mut cells, parse_size(largest)?)?;
        }
        Sides::of_subjects(&a, &b, &cells, &placing)
    }
}

fn warn(header: &RunLine) {
    let serious = |severity: Severity| severity >= Severity::Warning;
    for finding in header
        .host
        .findings
        .iter()
        .filter(|finding| serious(finding.severity))
    {
        eprintln!(
            "warning: {}: {}; see `forkbench doctor`",
            finding.name, finding.seen
        );
    }
}

/// The document without its cells.
fn document(
    header: &RunLine,
    settings: &Settings,
    names: &[String; 2],
    directory: &std::path::Path,
) -> Comparison {
    let id = directory.file_name().unwrap_or_default().to_string_lossy();
    let side = |name: &String| Side {
        name: name.clone(),
        runs: vec![id.clone().into_owned()],
    };
    Comparison {
        schema: VERDICT_SCHEMA.to_owned(),
        kind: Kind::Ab,
        started: header.started.clone(),
        finished: None,
        command: header.command.clone(),
        tool: header.tool.clone(),
        host: Some(header.host.clone()),
        seed: Some(settings.seed),
        threshold: settings.threshold,
        confidence: settings.confidence,
        budget: settings.budget.map(|budget| budget.as_secs_f64()),
        base: side(&names[0]),
        candidate: side(&names[1]),
        differences: Vec::new(),
        cells: Vec::new(),
    }
}

/// Keeps trials as they end, and shows how the intervals close.
struct Recorder<'a> {
    writer: &'a mut RunWriter,
    closing: Closing,
    failed: bool,
}

impl Observer for Recorder<'_> {
    type Error = RecordingError;

    fn ended(&mut self, outcome: &Outcome) -> Result<(), RecordingError> {
        match outcome {
            Outcome::Done(line, _) => {
                if line.trial.arm == PILOT {
                    self.closing.pilot(&line.cell.id);
                }
                self.writer.append(Line::Trial(line.clone()))
            }
            Outcome::Dropped(line) => {
                self.failed |= line.status == Status::Failed;
                self.writer.append(Line::Cell(line.clone()))
            }
            Outcome::Interrupted => Ok(()),
        }
    }

    fn forecast(&mut self, contest: &Contest, forecast: &Forecast) {
        self.closing.forecast(contest, forecast);
    }

    fn paired(&mut self, live: &Live) {
        self.closing.paired(live);
    }
}
