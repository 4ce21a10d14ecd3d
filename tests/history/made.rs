//! Runs made up for the store.

use std::fs;
use std::path::{Path, PathBuf};

use forkbench::history::{Entry, Labels, Selection, Series, Store, StoredRun};
use forkbench::mechanism::Phase;
use forkbench::recording::{self, CellKey, FinishedLine, Line, RunLine, TrialLine};

use crate::fixtures::{cell, header, samples, trial};
use crate::scratch::Scratch;

/// A run to be written.
#[derive(Clone)]
pub struct Made {
    pub header: RunLine,
    pub lines: Vec<Line>,
    pub finished: bool,
}

/// A run of no cells yet, that began so many minutes after a fixed moment.
pub fn made(id: &str, minute: u32) -> Made {
    let mut header = header(id);
    header.started = format!("2026-07-01T{:02}:{:02}:30Z", minute / 60, minute % 60);
    header.seed = u64::from(minute) + (1 << 63);
    Made {
        header,
        lines: Vec::new(),
        finished: true,
    }
}

impl Made {
    /// Adds trials of a cell, their `call` at these levels and their `reap` at twice these.
    pub fn with(mut self, cell: &CellKey, levels: &[u64]) -> Self {
        for level in levels {
            let index = self.lines.len() as u32;
            self = self.with_line(Line::Trial(Box::new(TrialLine {
                cell: cell.clone(),
                trial: trial(index, &samples(*level, index, 200)),
            })));
        }
        self
    }

    pub fn with_line(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }

    pub fn on(mut self, change: impl FnOnce(&mut RunLine)) -> Self {
        change(&mut self.header);
        self
    }

    pub fn unfinished(mut self) -> Self {
        self.finished = false;
        self
    }

    /// Writes the run, without the syncs of a real one.
    pub fn written(&self, parent: &Path) -> PathBuf {
        let directory = parent.join(&self.header.id);
        fs::create_dir_all(&directory).unwrap();
        let mut lines = vec![Line::Run(Box::new(self.header.clone()))];
        lines.extend(self.lines.iter().cloned());
        if self.finished {
            lines.push(Line::Finished(FinishedLine {
                finished: "2026-07-01T23:59:00Z".to_owned(),
            }));
        }
        let line = |line: &Line| serde_json::to_string(line).unwrap() + "\n";
        let text: String = lines.iter().map(line).collect();
        fs::write(directory.join("trials.jsonl"), text).unwrap();
        directory
    }

    pub fn entry(&self, labels: Labels) -> Entry {
        let scratch = tempfile::tempdir().unwrap();
        let recorded = recording::read(&self.written(scratch.path())).unwrap();
        let directory = Path::new("/runs").join(&self.header.id);
        Entry::of_run(&recorded, Some(&directory), |_| labels).unwrap()
    }

    pub fn plain(&self) -> Entry {
        self.entry(Labels::default())
    }
}

/// A run of `fork/64MiB` with three trials about a level.
pub fn run(minute: u32, level: u64) -> Made {
    let levels = [level * 99 / 100, level, level * 102 / 100];
    made(&format!("run-{minute:04}"), minute).with(&fork(), &levels)
}

pub fn fork() -> CellKey {
    cell("fork", "64MiB")
}

/// An empty store of a scratch folder.
pub fn store(scratch: &Scratch) -> Store {
    Store::create(&path(scratch)).unwrap()
}

pub fn path(scratch: &Scratch) -> PathBuf {
    scratch.path().join("history.sqlite")
}

pub fn runs(store: &Store) -> Vec<StoredRun> {
    store.runs(&Selection::default()).unwrap()
}

pub fn ids(store: &Store) -> Vec<String> {
    runs(store).iter().map(|run| run.id.clone()).collect()
}

/// The series of one phase of all cells.
pub fn series(store: &Store, phase: Phase) -> Vec<Series> {
    let selection = Selection {
        phases: vec![phase],
        ..Selection::default()
    };
    store.series(&selection).unwrap()
}

/// What SQLite itself says of the file.
pub fn assert_sound(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let told: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(told, "ok");
    // No figures without their run, and none twice.
    for table in ["levels", "trials", "unmeasured"] {
        let lost = format!("SELECT count(*) FROM {table} WHERE run NOT IN (SELECT id FROM runs)");
        let lost: i64 = connection.query_row(&lost, [], |row| row.get(0)).unwrap();
        assert_eq!(lost, 0, "{table}");
    }
    let unlike: i64 = connection
        .query_row(
            "SELECT (SELECT count(*) FROM levels) - (SELECT count(*) FROM trials)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(unlike, 0);
}
