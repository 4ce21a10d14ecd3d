//! `forkbench history add`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::Exit;
use super::super::output::named_run;
use super::Place;
use super::labelling::{Labelling, Surroundings};
use super::outcomes::Outcomes;
use crate::history::{Entry, EntryError};
use crate::recording;

#[derive(Debug, Args)]
#[command(
    after_help = "A run is added whole or not at all. Adding it again changes nothing, save that what it has measured since \
                  is added too.\n\n\
                  What was measured is the commit and branch named by --commit and --branch; else, in a CI, GITHUB_SHA and \
                  GITHUB_REF_NAME or CI_COMMIT_SHA and CI_COMMIT_BRANCH; else what git has checked out in the current folder, \
                  `-dirty` where files differ from it. The last two label no run that began before that was checked out \
                  there.\n\n\
                  Examples:\n  forkbench history add latest\n  \
                  forkbench history add reports/* --branch main\n  \
                  forkbench history add latest --commit 1a2b3c4d --host-name nightly\n\n\
                  Exit codes: 0 done, 1 a run could not be added (the others were)."
)]
pub(super) struct Add {
    /// Runs: their directories, a file in one, or `latest`
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    labelling: Labelling,
    /// Put a run in the place of one that has its id and other figures, or give it other labels: those that are named, the
    /// rest stay
    #[arg(long)]
    replace: bool,
}

impl Add {
    pub(super) fn run(&self, place: &Place, json: bool) -> anyhow::Result<Exit> {
        let mut growing = place.growing()?;
        let around = Surroundings::here();
        let mut outcomes = Outcomes::default();
        for run in &self.runs {
            let run = named_run(run);
            match entry(&run, &self.labelling, &around) {
                Ok(mut entry) => {
                    let store = growing.store()?;
                    if let (true, Some(stored)) = (self.replace, store.stored(&entry)?) {
                        self.labelling.keep(&mut entry, &stored);
                    }
                    outcomes.add(store, &run, &entry, self.replace);
                }
                // Of all in a folder some may be of another kind.
                Err(error) if self.runs.len() > 1 && is_no_level(&error) => {
                    eprintln!("note: left out: {error:#}");
                }
                Err(error) => outcomes.fail(&run, format!("{error:#}")),
            }
        }
        outcomes.note_labels(&self.labelling, "--replace gives them others");
        outcomes.show(&growing.path, false, json)
    }
}

/// Whether a run can't go into the store although nothing is wrong with it: it is an A/B comparison or a calibration.
pub(super) fn is_no_level(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(EntryError::Arms { .. } | EntryError::Calibration { .. })
    )
}

/// The run at a path, as the store takes it in.
pub(super) fn entry(
    run: &Path,
    labelling: &Labelling,
    around: &Surroundings,
) -> anyhow::Result<Entry> {
    let recorded = recording::read(run)?;
    let directory = recording::locate(run)?;
    // `latest` is another run tomorrow.
    let directory = fs::canonicalize(&directory).unwrap_or(directory);
    let labels = |started| labelling.labels(around, started);
    Ok(Entry::of_run(&recorded, Some(&directory), labels)?)
}
