//! `forkbench history import`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::Exit;
use super::Place;
use super::add::{entry, is_no_level};
use super::labelling::{Labelling, Surroundings};
use super::outcomes::Outcomes;
use crate::harness::environment;
use crate::history::{Store, criterion, find};
use crate::report::counted;

#[derive(Debug, Args)]
#[command(
    after_help = "Looks for runs in the folders and below, and for what Criterion left in target/criterion. A run of forkbench \
                  goes first: a result of Criterion is added only where forkbench has no record of the same measurement. \
                  What was Criterion's stays apart, under `--source criterion`: its figures are of batches, and not of single \
                  children. Only a benchmark's newest result is read, and this host is taken for the one that it was \
                  measured on.\n\nCommit and branch are found as by `forkbench history add`.\n\n\
                  Examples:\n  forkbench history import reports\n  \
                  forkbench history import target/criterion --branch main\n\n\
                  Exit codes: 0 done, 1 something could not be added (the rest was)."
)]
pub(super) struct Import {
    /// Folders to look in
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    #[command(flatten)]
    labelling: Labelling,
}

impl Import {
    pub(super) fn run(&self, place: &Place, json: bool) -> anyhow::Result<Exit> {
        let mut growing = place.growing()?;
        let around = Surroundings::here();
        let mut outcomes = Outcomes::default();
        let mut benchmarks = Vec::new();
        for folder in &self.folders {
            let found = match find(folder) {
                Ok(found) => found,
                Err(error) => {
                    outcomes.fail(folder, error.to_string());
                    continue;
                }
            };
            for unreadable in &found.unreadable {
                eprintln!("warning: not looked into: {unreadable}");
            }
            for run in &found.runs {
                match entry(run, &self.labelling, &around) {
                    Ok(entry) => outcomes.add(growing.store()?, run, &entry, false),
                    Err(error) if is_no_level(&error) => eprintln!("note: left out: {error:#}"),
                    Err(error) => outcomes.fail(run, format!("{error:#}")),
                }
            }
            if found.runs.is_empty() && found.benchmarks.is_empty() {
                // A job that looks into the wrong folder would stay green for ever.
                let nothing = format!(
                    "there is no run and no result of Criterion in `{}` or below",
                    folder.display()
                );
                outcomes.fail(folder, nothing);
            }
            benchmarks.extend(found.benchmarks);
        }
        if !benchmarks.is_empty() {
            self.import_criterion(growing.store()?, &benchmarks, &around, &mut outcomes)?;
        }
        outcomes.note_labels(
            &self.labelling,
            "`forkbench history add --replace` gives them others",
        );
        outcomes.show(&growing.path, true, json)
    }

    fn import_criterion(
        &self,
        store: &Store,
        benchmarks: &[PathBuf],
        around: &Surroundings,
        outcomes: &mut Outcomes,
    ) -> anyhow::Result<()> {
        let mut results = Vec::new();
        let mut known = 0;
        for benchmark in benchmarks {
            match criterion::read(benchmark) {
                Ok(result) if store.knows(&result)? => known += 1,
                Ok(result) => results.push(result),
                // Nothing is wrong with the file.
                Err(error @ criterion::CriterionError::TooShort { .. }) => {
                    eprintln!("warning: {error}");
                }
                Err(error) => outcomes.fail(benchmark, error.to_string()),
            }
        }
        if known > 0 {
            eprintln!(
                "note: {} of Criterion: there already, or recorded by forkbench",
                counted(known, "result")
            );
        }
        let labels = |started| self.labelling.labels(around, started);
        for entry in criterion::entries(results, &environment::host(), labels) {
            let path = entry.path.clone().unwrap_or_default();
            outcomes.add(store, Path::new(&path), &entry, false);
        }
        Ok(())
    }
}
