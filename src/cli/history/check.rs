//! `forkbench history check`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use super::super::Exit;
use super::super::output::{colour, print, print_json, width};
use super::Place;
use super::judging::Judging;
use crate::recording::plain;
use crate::report;
use crate::statistics::Verdict;
use crate::trend::{History, RunSeen};

#[derive(Debug, Args)]
#[command(
    after_help = "For nightly runs, where the old and the new cannot be measured in turn. Each run is a sitting, and what a \
                  sitting does to the other cells is taken out of each; what all cells have in common is judged, too. Three \
                  consecutive runs confirm a change. Hosts and branches are judged apart: without --branch it is `main`, else \
                  `master`, else the branch with the most runs.\n\n\
                  A verdict is that of a cell's newest change of the threshold or more, and stands until the next: --known \
                  says which changes have been looked at.\n\nExamples:\n  \
                  forkbench history check\n  \
                  forkbench history check 'fork/*' --branch main --threshold 5% --format markdown\n  \
                  forkbench history check --known 1a2b3c4d --fail-on inconclusive\n\n\
                  Exit codes: 0 done, 1 the store could not be read, has nothing of what was asked for, or nothing new enough, 3 the verdict that --fail-on names."
)]
pub(super) struct Check {
    #[command(flatten)]
    judging: Judging,
    /// Exit with 3 where a verdict is `regressed`; with `inconclusive` also where one is inconclusive or not measurable; with
    /// `nothing` never
    #[arg(long, value_name = "VERDICT", value_enum, default_value = "regressed")]
    fail_on: FailOn,
    /// Fail with 1 where the newest run of a host began longer ago (36h): a job that adds nothing would stay green for ever
    #[arg(long, value_name = "AGE", value_parser = age)]
    max_age: Option<Duration>,
    /// How to print it [default: table]
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with = "json")]
    format: Option<Format>,
}

/// Which verdicts end it with [`Exit::Verdict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Regressed,
    Inconclusive,
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    Table,
    /// The document `forkbench.history/1`
    Json,
    /// A table for pasting elsewhere
    Markdown,
}

impl Check {
    pub(super) fn run(&self, place: &Place, json: bool) -> anyhow::Result<Exit> {
        let history = self.judging.history(place, false)?;
        match self
            .format
            .unwrap_or(if json { Format::Json } else { Format::Table })
        {
            Format::Table => print(&report::trend::check(&history, width(), colour()))?,
            Format::Json => print_json(&history)?,
            Format::Markdown => print(&report::trend::markdown(&history))?,
        }
        if let Some(stale) = self.max_age.and_then(|age| stale(&history, age)) {
            eprintln!("error: {stale}");
            return Ok(Exit::Failed);
        }
        Ok(self.exit(&history))
    }

    fn exit(&self, history: &History) -> Exit {
        let mut cells = history.hosts.iter().flat_map(|host| &host.cells);
        match cells.any(|cell| self.fail_on.names(cell.verdict)) {
            true => Exit::Verdict,
            false => Exit::Done,
        }
    }
}

impl FailOn {
    fn names(self, verdict: Verdict) -> bool {
        match self {
            Self::Regressed => verdict == Verdict::Regressed,
            Self::Inconclusive => matches!(
                verdict,
                Verdict::Regressed | Verdict::Inconclusive | Verdict::NotMeasurable
            ),
            Self::Nothing => false,
        }
    }
}

fn age(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "an age is needed, as in 36h or 2d".to_owned())
}

/// The first host whose newest run is older than it may be, in words.
fn stale(history: &History, most: Duration) -> Option<String> {
    let now = SystemTime::now();
    let is_old = |newest: &RunSeen| {
        let began = UNIX_EPOCH + Duration::from_secs(newest.seconds.max(0) as u64);
        now.duration_since(began).is_ok_and(|age| age > most)
    };
    let newest = history.hosts.iter().filter_map(|host| host.newest.as_ref());
    let stale = newest.into_iter().find(|newest| is_old(newest))?;
    Some(format!(
        "the newest run that was looked at, {}, began at {}, longer ago than --max-age {}: was a run added since?",
        plain(&stale.id),
        plain(&stale.started),
        humantime::format_duration(most)
    ))
}
