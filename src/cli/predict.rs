//! `forkbench predict`.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use clap::{ArgGroup, Args, ValueEnum};

use super::Exit;
use super::output::{
    colour, fresh_seed, header, named_run, print, print_json, repeated_command, runs_folder, width,
};
use super::run::Measured;
use crate::comparison::host_differences;
use crate::footprint::{Order, Page};
use crate::harness::anatomy::Anatomy;
use crate::harness::cell::Cell;
use crate::harness::environment::{self, memory_available};
use crate::harness::interrupt;
use crate::harness::launcher::{Launcher, SubjectCommand};
use crate::harness::plan::{CalibrationSizes, calibration_cells};
use crate::harness::runner::Budget;
use crate::harness::schedule::schedule_each;
use crate::model::{self, Calibration, Described, Parent};
use crate::recording::{self, CALIBRATES, Host, Recorded, RunWriter, rfc3339};
use crate::report::{self, counted};
use crate::units::{exact_size, human_size, parse_size};

/// Runs that are older say what the host was like, not what it is like.
const FRESH: Duration = Duration::from_secs(24 * 3600);
/// Runs that are looked at for one that serves.
const LOOKED_AT: usize = 50;
/// Fresh subjects per cell of a calibration.
const TRIALS: u32 = 3;
/// Those of cells whose pages lie scattered: they lie elsewhere in each, and neighbours on the host, who come and go
/// within seconds, make them cost up to twice as much.
const SCATTERED_TRIALS: u32 = 5;
/// How much each of its trials measures: a median's worth of large parents, which have to be rewritten each time.
const BUDGET: Budget = Budget {
    time: Duration::from_millis(100),
    least: 20,
    most: 1_000,
    stamped: false,
    // No server is among its cells.
    requests: 1,
    seed: 0,
};

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("parent").required(true).args(["pid", "rss"])),
    after_help = "Examples:\n  forkbench predict --pid 4711\n  forkbench predict --rss 20GiB --vmas 300 --threads 16\n  \
                  forkbench predict --rss 20GiB --page thp --json | jq .fork.call_ns\n\n\
                  The process is neither stopped nor traced nor changed. Its mappings take its own user or root; how \
                  scattered its pages are takes root: without, there is a bracket and no expected value.\n\n\
                  Costs come from the newest run of this host since it booted, not older than a day, that has them; if \
                  there is none, they are measured first, which takes a minute, for a parent of gigabytes four, and leaves a run."
)]
pub(super) struct Predict {
    /// The process
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pid: Option<i32>,
    /// Or a parent that is not there: its private written memory, as in 20GiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    rss: Option<u64>,
    /// What that memory is made of [default: 4k]
    #[arg(long, value_name = "KIND", conflicts_with = "pid")]
    page: Option<PageChoice>,
    /// How it lies in physical memory: as in a fresh heap, or as in one long in use [default: between these]
    #[arg(long, value_name = "ORDER", conflicts_with = "pid")]
    order: Option<OrderChoice>,
    /// Its mappings, all of them [default: 30]
    #[arg(long, value_name = "N", conflicts_with = "pid", value_parser = clap::value_parser!(u64).range(..=1 << 40))]
    vmas: Option<u64>,
    /// Its threads, the main one included [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "pid", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    threads: Option<u64>,
    /// Its open descriptors [default: 3]
    #[arg(long, value_name = "N", conflicts_with = "pid", value_parser = clap::value_parser!(u64).range(..=1 << 40))]
    fds: Option<u64>,
    /// The run that costs come from, of whatever age and host: a run's directory or `latest`
    #[arg(long, value_name = "RUN", conflicts_with = "calibrate")]
    calibration: Option<PathBuf>,
    /// Measure costs anew
    #[arg(long)]
    calibrate: bool,
    /// The folder that runs are looked for and made in [default: FORKBENCH_OUT, else reports]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The largest parent that a calibration may hold [default: as large as what fork copies,
    /// at most 2GiB and an eighth of what is free]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_footprint: Option<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PageChoice {
    #[value(name = "4k")]
    Base,
    Thp,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OrderChoice {
    Sequential,
    Shuffled,
}

/// What came of looking for costs.
enum Costs {
    Found(Box<Recorded>),
    /// The calibration did not come to an end.
    None(Exit),
}

impl Predict {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let host = environment::host();
        // Who is not there should not be measured for.
        let parent = self.parent(&host)?;
        let (recorded, parent) = match self.known(&parent, &host)? {
            Some(recorded) => (recorded, parent),
            None => match self.calibrate(&parent)? {
                // It was a minute ago that the process was looked at.
                Costs::Found(recorded) => (*recorded, self.parent(&host)?),
                Costs::None(exit) => return Ok(exit),
            },
        };
        let id = recording_name(&recorded);
        let bytes = self.sizes(&parent).pages;
        let near = Calibration::near(&recorded.run, bytes).ok();
        let near = near.filter(|near| near.nearly_suits(&parent).is_ok());
        let is_far = near.is_none();
        let calibration = near.map_or_else(|| Calibration::of(&recorded.run), Ok);
        let calibration = calibration.with_context(|| format!("the run {id} is no calibration"))?;
        let predicted = model::predict(&calibration, &parent);
        let mut predicted = predicted.with_context(|| {
            format!(
                "the run {id} does not serve; name another with --calibration, or pass --calibrate"
            )
        })?;
        predicted.notes.extend(doubts(&recorded, &host));
        if is_far {
            predicted.notes.push(format!(
                "the run measured no scattered parents of about {}, and scattered pages cost more or less in others: \
                 --calibrate measures such",
                human_size(bytes)
            ));
        }
        if json {
            print_json(&predicted)?;
        } else {
            print(&report::prediction(&predicted, width(), colour()))?;
        }
        Ok(Exit::Done)
    }

    fn parent(&self, host: &Host) -> anyhow::Result<Parent> {
        if let Some(pid) = self.pid {
            let anatomy = Anatomy::read(Path::new("/proc"), pid)?;
            return Ok(Parent::of(&anatomy, host));
        }
        Ok(Parent::described(&Described {
            rss: self.rss.unwrap_or(0),
            page: match self.page {
                Some(PageChoice::Thp) => Page::Thp,
                Some(PageChoice::Base) | None => Page::Base,
            },
            order: self.order.map(|order| match order {
                OrderChoice::Sequential => Order::Sequential,
                OrderChoice::Shuffled => Order::Shuffled,
            }),
            vmas: self.vmas,
            threads: self.threads,
            fds: self.fds,
        }))
    }

    /// The run that costs come from, if one is there: the one that is named, or the newest of this host that
    /// serves.
    fn known(&self, parent: &Parent, host: &Host) -> anyhow::Result<Option<Recorded>> {
        if self.calibrate {
            return Ok(None);
        }
        if let Some(run) = &self.calibration {
            let recorded = recording::read(&named_run(run))?;
            for problem in &recorded.problems {
                eprintln!("warning: {problem}");
            }
            eprintln!("costs are those of {}", described(&recorded));
            return Ok(Some(recorded));
        }
        let folder = runs_folder(self.out.as_deref());
        let found = recording::runs(&folder)
            .into_iter()
            .filter(|(header, _)| {
                let boots = [&header.host.boot_id, &host.boot_id];
                let fresh = age(&header.started).is_some_and(|age| age <= FRESH);
                fresh && boots[0] == boots[1] && host_differences(&header.host, host).is_empty()
            })
            .take(LOOKED_AT)
            .filter_map(|(_, directory)| recording::read(&directory).ok())
            .find(|recorded| serves(recorded, parent, self.sizes(parent).pages));
        if let Some(recorded) = &found {
            eprintln!("costs are those of {}", described(recorded));
        }
        Ok(found)
    }

    /// How large the parents of a calibration for this one should be, and may.
    fn sizes(&self, parent: &Parent) -> CalibrationSizes {
        let free = memory_available().unwrap_or(u64::MAX) / 8;
        let most = free.min(self.max_footprint.unwrap_or(u64::MAX));
        let [pages, huge] = parent.copied_by_kind();
        CalibrationSizes::of(pages, huge, most)
    }

    /// Measures the costs, as a run.
    fn calibrate(&self, parent: &Parent) -> anyhow::Result<Costs> {
        let sizes = self.sizes(parent);
        if !sizes.suffice() {
            eprintln!(
                "a calibration takes parents of {} and more, and no more than {} are allowed or free: pass --calibration RUN",
                exact_size(CalibrationSizes::LEAST),
                exact_size(sizes.pages)
            );
            return Ok(Costs::None(Exit::Refused));
        }
        let cells = calibration_cells(sizes);
        let native = SubjectCommand::native()?;
        let launcher = Launcher::new(native, Vec::new(), environment::choose_cpus(), None)?;
        interrupt::listen();
        let seed = fresh_seed();
        let header = header(CALIBRATES, repeated_command(), seed);
        let folder = runs_folder(self.out.as_deref());
        let why = match self.calibrate {
            true => String::new(),
            false => format!(
                "no run in {} tells what fork costs on this host now; ",
                folder.display()
            ),
        };
        eprintln!(
            "{why}measuring what fork costs here, in parents of up to {}",
            exact_size(sizes.pages.max(sizes.huge))
        );
        launcher.keep_off();
        let mut writer = RunWriter::create_aside(&folder, header)?;
        let measured = Measured {
            launcher: &launcher,
            cells: &cells,
            slots: &schedule_each(&cells, trials, seed),
            budget: BUDGET,
            keep_samples: false,
            part_of: None,
        };
        let (tally, _) = measured.record(&mut writer)?;
        if tally.interrupted {
            writer.flush()?;
            eprintln!(
                "interrupted: kept is what was measured ({}), in {}",
                counted(tally.trials, "trial"),
                writer.directory().display()
            );
            return Ok(Costs::None(Exit::Interrupted));
        }
        writer.finish(&rfc3339(SystemTime::now()))?;
        let recorded = recording::read(writer.directory())?;
        report::write(writer.directory(), &recorded)?;
        eprintln!("costs are those of {}", described(&recorded));
        Ok(Costs::Found(Box::new(recorded)))
    }
}

fn trials(cell: &Cell) -> u32 {
    match cell.footprint.order {
        Order::Sequential => TRIALS,
        Order::Shuffled => SCATTERED_TRIALS,
    }
}

/// Whether a run tells all that a parent is made of, by parents of about so many bytes of 4 KiB pages. A calibration
/// need not tell all: it has what this host can tell.
fn serves(recorded: &Recorded, parent: &Parent, bytes: u64) -> bool {
    let run = &recorded.run;
    let Ok(calibration) = Calibration::near(run, bytes) else {
        return false;
    };
    let told = match run.tool.driver == CALIBRATES {
        true => calibration.nearly_suits(parent),
        false => calibration.suits(parent),
    };
    run.finished.is_some() && told.is_ok()
}

fn recording_name(recorded: &Recorded) -> String {
    report::plain(&recorded.run.id)
}

/// The run and how old it is.
fn described(recorded: &Recorded) -> String {
    let name = recording_name(recorded);
    match age(&recorded.run.started) {
        Some(age) => format!("{name}, measured {} ago", spoken(age)),
        None => format!("{name}, measured some time"),
    }
}

/// How long ago a moment of a run was; `None` for one that is none, or is still to come.
fn age(moment: &str) -> Option<Duration> {
    let moment = humantime::parse_rfc3339_weak(moment).ok()?;
    SystemTime::now().duration_since(moment).ok()
}

fn spoken(age: Duration) -> String {
    let seconds = age.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "s"),
        120..7_200 => (seconds / 60, "min"),
        7_200..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit}")
}

/// Why the figures of a run that was named may not be those of this host now.
fn doubts(recorded: &Recorded, host: &Host) -> Vec<String> {
    let run = &recorded.run;
    let mut doubts = Vec::new();
    let differences = host_differences(&run.host, host);
    if !differences.is_empty() {
        doubts.push(format!(
            "the calibration is not of this host as it is now ({}): the figures are those of the other",
            differences.join("; ")
        ));
    } else if run.host.boot_id != host.boot_id {
        doubts.push("the calibration is from before this host's last boot".to_owned());
    }
    match age(&run.started) {
        Some(age) if age <= FRESH => {}
        Some(age) => doubts.push(format!(
            "the calibration is {} old: --calibrate measures anew",
            spoken(age)
        )),
        None => doubts.push("when the calibration was measured is not known".to_owned()),
    }
    doubts
}
