//! `forkbench history prune`.

use std::time::{Duration, SystemTime};

use clap::{ArgGroup, Args};
use serde_json::json;

use super::super::Exit;
use super::super::output::{print, print_json};
use super::Place;
use super::list::run_document;
use super::selecting::{Selecting, moment};
use crate::history::Pruning;
use crate::recording::{plain, rfc3339};
use crate::report::counted;

/// Seconds of a day.
const DAY: u64 = 86_400;

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").required(true).args(["keep_days", "before", "keep"]),
    after_help = "The runs' directories stay. So does the size of the file: what is added later fills the room that has become \
                  free.\n\nExamples:\n  forkbench history prune --keep-days 400\n  \
                  forkbench history prune --keep 100 --branch 'topic/*' --dry-run\n  \
                  forkbench history prune --before 2026-01-01 --host old-runner"
)]
pub(super) struct Prune {
    /// Take away what began more than so many days ago
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32))]
    keep_days: Option<u32>,
    /// Take away what began before: a date (2026-07-01), a moment in RFC 3339, or an age (30d)
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    before: Option<SystemTime>,
    /// Keep the newest so many runs of each host, and take the others away
    #[arg(long, value_name = "RUNS")]
    keep: Option<usize>,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    selecting: Selecting,
}

impl Prune {
    pub(super) fn run(&self, place: &Place, json: bool) -> anyhow::Result<Exit> {
        let store = place.open()?;
        let gone = store.prune(&self.selecting.selection(), self.pruning(), self.dry_run)?;
        if json {
            let runs: Vec<_> = gone.iter().map(run_document).collect();
            print_json(&json!({
                "schema": "forkbench.pruned/1",
                "store": store.path(),
                "dry_run": self.dry_run,
                "runs": runs,
            }))?;
            return Ok(Exit::Done);
        }
        let word = if self.dry_run { "would go" } else { "gone" };
        let mut text = String::new();
        for run in &gone {
            let (id, started) = (plain(&run.id), rfc3339(run.started));
            text.push_str(&format!(
                "{word}: {id}, of {started}, {}\n",
                counted(run.cells as usize, "cell")
            ));
        }
        text.push_str(&format!("{} {word}\n", counted(gone.len(), "run")));
        print(&text)?;
        Ok(Exit::Done)
    }

    fn pruning(&self) -> Pruning {
        let days = self.keep_days.map(|days| {
            let age = Duration::from_secs(u64::from(days) * DAY);
            let moment = SystemTime::now().checked_sub(age);
            // Nothing began before the clock did.
            moment.unwrap_or(SystemTime::UNIX_EPOCH)
        });
        match (self.before.or(days), self.keep) {
            (Some(moment), _) => Pruning::Before(moment),
            (None, keep) => Pruning::AllBut(keep.unwrap_or(usize::MAX)),
        }
    }
}
