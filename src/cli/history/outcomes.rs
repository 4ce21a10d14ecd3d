//! What became of each run that was to be added.

use std::path::Path;

use serde::Serialize;
use serde_json::json;

use super::super::Exit;
use super::super::output::{print, print_json};
use crate::history::{Added, Entry, Store};
use crate::recording::{plain, rfc3339};

/// All of them.
#[derive(Default)]
pub(super) struct Outcomes {
    runs: Vec<Outcome>,
    failed: Vec<Failure>,
}

#[derive(Serialize)]
struct Outcome {
    run: String,
    source: &'static str,
    outcome: &'static str,
    path: Option<String>,
    started: String,
    host: String,
    host_name: String,
    kernel: Option<String>,
    commit: Option<String>,
    branch: Option<String>,
    cells: usize,
    unmeasured: usize,
    finished: bool,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Failure {
    path: String,
    error: String,
}

impl Outcomes {
    /// Adds an entry, and notes what became of it. Where it fails the others are added all the same.
    pub(super) fn add(&mut self, store: &Store, path: &Path, entry: &Entry, replace: bool) {
        match store.add(entry, replace) {
            Ok(added) => self.runs.push(Outcome::of(entry, added)),
            Err(error) => self.fail(path, error.to_string()),
        }
    }

    /// Notes what could not be added.
    pub(super) fn fail(&mut self, path: &Path, error: String) {
        eprintln!("error: {error}");
        self.failed.push(Failure {
            path: path.display().to_string(),
            error,
        });
    }

    /// Tells of them. With `briefly` what was there already is counted, and not listed.
    pub(super) fn show(&self, store: &Store, briefly: bool, json: bool) -> anyhow::Result<Exit> {
        for outcome in &self.runs {
            for warning in &outcome.warnings {
                eprintln!("warning: {}: {warning}", plain(&outcome.run));
            }
            if !outcome.finished {
                eprintln!(
                    "note: {} has not finished: add it again when it has, and the rest will follow",
                    plain(&outcome.run)
                );
            }
        }
        if json {
            print_json(&json!({
                "schema": "forkbench.added/1",
                "store": store.path(),
                "runs": self.runs,
                "failed": self.failed,
            }))?;
        } else {
            self.print(store, briefly)?;
        }
        Ok(match self.failed.is_empty() {
            true => Exit::Done,
            false => Exit::Failed,
        })
    }

    fn print(&self, store: &Store, briefly: bool) -> anyhow::Result<()> {
        let mut text = String::new();
        let there = [Added::Unchanged, Added::Older].map(Added::name);
        let (old, new): (Vec<_>, Vec<_>) = self
            .runs
            .iter()
            .partition(|outcome| briefly && there.contains(&outcome.outcome));
        for outcome in new {
            text.push_str(&outcome.line());
        }
        if briefly {
            let added = self.runs.len() - old.len();
            text.push_str(&format!(
                "{added} added, {} there already, {} failed: {}\n",
                old.len(),
                self.failed.len(),
                store.path().display()
            ));
        }
        print(&text)
    }
}

impl Outcome {
    fn of(entry: &Entry, added: Added) -> Self {
        Self {
            run: entry.id.clone(),
            source: entry.source.name(),
            outcome: added.name(),
            path: entry.path.as_ref().map(|path| path.display().to_string()),
            started: rfc3339(entry.begun()),
            host: entry.host.fingerprint.0.clone(),
            host_name: entry.host.name.clone(),
            kernel: entry.kernel.as_ref().map(|kernel| kernel.name.clone()),
            commit: entry.commit.clone(),
            branch: entry.branch.clone(),
            cells: entry.cells(),
            unmeasured: entry.unmeasured.len(),
            finished: entry.finished.is_some(),
            warnings: entry.warnings.clone(),
        }
    }

    fn line(&self) -> String {
        let labels = [("commit", &self.commit), ("branch", &self.branch)];
        let labels: String = labels
            .iter()
            .filter_map(|(name, value)| Some(format!(", {name} {}", plain(value.as_deref()?))))
            .collect();
        let cells = match self.cells {
            1 => "1 cell".to_owned(),
            cells => format!("{cells} cells"),
        };
        let labels =
            match self.outcome == Added::New.name() || self.outcome == Added::Replaced.name() {
                true => labels,
                // Those that it was added with stay.
                false => String::new(),
            };
        format!(
            "{:<9} {}: {cells}{labels}\n",
            self.outcome,
            plain(&self.run)
        )
    }
}
