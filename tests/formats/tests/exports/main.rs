//! Every export is what its reader reads: other people's readers where they can be had, what their
//! documentation says elsewhere.

mod bencher;
mod csv;
#[path = "../../../recording/fixtures.rs"]
#[allow(dead_code)]
mod fixtures;
mod github;
mod hgrm;
mod history;
mod hostile;
mod openmetrics;
mod parquet;
mod readers;
#[path = "../../../page/recorded.rs"]
#[allow(dead_code)]
mod recorded;

use std::fs;
use std::path::{Path, PathBuf};

use forkbench::export::{Export, Format};
use forkbench::mechanism::Phase;
use forkbench::recording::{self, Cell, PhaseSummary, Recorded, Status};

/// The run that is committed.
fn committed() -> (PathBuf, Recorded) {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports");
    let runs = fs::read_dir(reports)
        .unwrap()
        .map(|run| run.unwrap().path());
    // Others may have been measured here since.
    let committed = runs.filter(|run| run.is_dir() && !run.is_symlink()).min();
    let directory = committed.expect("a run is committed");
    let recorded = recording::read(&directory).unwrap();
    (directory, recorded)
}

fn exported(format: &str, recorded: &Recorded) -> Export {
    let format = Format::named(format).unwrap();
    format.export(recorded, Path::new("/nowhere")).unwrap()
}

/// A format's one document.
fn document(format: &str, recorded: &Recorded) -> Vec<u8> {
    let mut documents = exported(format, recorded).documents;
    assert_eq!(documents.len(), 1, "{format}");
    documents.remove(0).bytes
}

/// Every phase that was measured, of cells that are as they should be.
fn measured(recorded: &Recorded) -> Vec<(&Cell, Phase, &PhaseSummary)> {
    let cells = recorded.run.cells.iter();
    let cells = cells.filter(|cell| cell.status == Status::Ok);
    let phases = cells.flat_map(|cell| cell.phases.iter().map(move |(p, s)| (cell, *p, s)));
    phases.collect()
}

/// The runs that every format is tried on: a real one, and one with all that a page can show.
fn runs() -> Vec<Recorded> {
    vec![committed().1, recorded::full(7)]
}
