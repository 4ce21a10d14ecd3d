//! `forkbench history check`.

use clap::{Args, ValueEnum};

use super::super::Exit;
use super::super::output::{colour, print, print_json, width};
use super::Place;
use super::judging::Judging;
use crate::report;
use crate::statistics::Verdict;
use crate::trend::History;

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
                  Exit codes: 0 done, 1 the store could not be read or has nothing of what was asked for, 3 the verdict that --fail-on names."
)]
pub(super) struct Check {
    #[command(flatten)]
    judging: Judging,
    /// Exit with 3 where a verdict is `regressed`; with `inconclusive` also where one is inconclusive or not measurable; with
    /// `nothing` never
    #[arg(long, value_name = "VERDICT", value_enum, default_value = "regressed")]
    fail_on: FailOn,
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
