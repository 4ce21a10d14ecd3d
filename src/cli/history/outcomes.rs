//! What became of each run that was to be added.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::super::Exit;
use super::super::output::{print, print_json};
use super::labelling::Labelling;
use super::list::run_document;
use crate::history::{Added, Entry, Store, StoredRun};
use crate::recording::plain;
use crate::report::counted;

/// All of them.
#[derive(Default)]
pub(super) struct Outcomes {
    runs: Vec<Outcome>,
    failed: Vec<Failure>,
}

struct Outcome {
    added: Added,
    /// As the store has it, whatever was said when it was added again.
    run: StoredRun,
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
        let added = store
            .add(entry, replace)
            .and_then(|added| Ok((added, store.stored(entry)?)));
        match added {
            Ok((added, Some(run))) => self.runs.push(Outcome {
                added,
                run,
                warnings: entry.warnings.clone(),
            }),
            // Somebody took it away at once.
            Ok((_, None)) => {}
            Err(error) => self.fail(path, format!("{}: {error}", path.display())),
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

    /// Says so where runs that were there keep other labels than those that were asked for.
    pub(super) fn note_labels(&self, labelling: &Labelling, remedy: &str) {
        let kept = self
            .runs
            .iter()
            .filter(|outcome| labelling.differ_from(&outcome.run));
        let kept: Vec<String> = kept.map(|outcome| plain(&outcome.run.id)).collect();
        if let Some(first) = kept.first() {
            let others = match kept.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            eprintln!("note: {first}{others}: there already, under other labels; {remedy}");
        }
    }

    /// Says so where runs that are new are on no branch: they are not among those that are looked at by default.
    fn note_branchless(&self) {
        let is_branchless = |outcome: &&Outcome| {
            matches!(outcome.added, Added::New)
                && outcome.run.commit.is_some()
                && outcome.run.branch.is_none()
        };
        let count = self.runs.iter().filter(is_branchless).count();
        if count > 0 {
            eprintln!(
                "note: {} on no branch, as with a detached HEAD: --branch names it, and what is to be judged together \
                 needs the same",
                match count {
                    1 => "a run is".to_owned(),
                    count => format!("{count} runs are"),
                }
            );
        }
    }

    /// Tells of them. With `briefly` what was there already is counted, and not listed.
    pub(super) fn show(&self, store: &Path, briefly: bool, json: bool) -> anyhow::Result<Exit> {
        for Outcome { run, warnings, .. } in &self.runs {
            let id = plain(&run.id);
            for warning in warnings {
                eprintln!("warning: {id}: {warning}");
            }
            if !run.finished {
                eprintln!(
                    "note: {id} has not finished: if it is under way, add it again when it has, and the rest will \
                     follow; if it was stopped, this is all it has"
                );
            }
        }
        self.note_branchless();
        if json {
            print_json(&json!({
                "schema": "forkbench.added/1",
                "store": store,
                "runs": self.runs.iter().map(Outcome::document).collect::<Vec<_>>(),
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

    fn print(&self, store: &Path, briefly: bool) -> anyhow::Result<()> {
        let mut text = String::new();
        let there = [Added::Unchanged, Added::Older];
        let (old, new): (Vec<_>, Vec<_>) = self
            .runs
            .iter()
            .partition(|outcome| briefly && there.contains(&outcome.added));
        for outcome in new {
            text.push_str(&outcome.line());
        }
        if briefly {
            let added = self.runs.len() - old.len();
            text.push_str(&format!(
                "{added} added, {} there already, {} failed: {}\n",
                old.len(),
                self.failed.len(),
                store.display()
            ));
        }
        print(&text)
    }
}

impl Outcome {
    fn document(&self) -> Value {
        let mut document = run_document(&self.run);
        document["outcome"] = self.added.name().into();
        document["warnings"] = json!(self.warnings);
        document
    }

    fn line(&self) -> String {
        let run = &self.run;
        let labels = [("commit", &run.commit), ("branch", &run.branch)];
        let labels: String = labels
            .iter()
            .filter_map(|(name, value)| Some(format!(", {name} {}", plain(value.as_deref()?))))
            .collect();
        let cells = counted(run.cells as usize, "cell");
        let (word, id) = (self.added.name(), plain(&run.id));
        format!("{word:<9} {id}: {cells}{labels}\n")
    }
}
