//! `forkbench history list`.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde_json::{Value, json};

use super::super::Exit;
use super::super::output::{print, print_json, width};
use super::Place;
use super::selecting::Selecting;
use crate::history::{Selection, Source, Store, StoredRun};
use crate::recording::{plain, rfc3339};

/// The width where there is no terminal to ask.
const USUAL_WIDTH: usize = 80;
/// What stands behind the cells of a run that did not come to its end.
const UNFINISHED: &str = ", unfinished";
/// No column gets narrower.
const NARROWEST: usize = 6;
/// Hexadecimal digits of a commit that are shown.
const SHOWN_OF_COMMIT: usize = 9;

#[derive(Debug, Args)]
#[command(
    after_help = "Times are UTC. `cells` are those with figures, behind a slash all that were measured or were to be.\n\nExamples:\n  \
                  forkbench history list --since 30d\n  \
                  forkbench history list --branch main --host 'nightly*' --json\n  \
                  forkbench history list --hosts"
)]
pub(super) struct List {
    /// The hosts instead, each with its runs and kernels
    #[arg(long)]
    hosts: bool,
    #[command(flatten)]
    selecting: Selecting,
}

impl List {
    pub(super) fn run(&self, place: &Place, json: bool) -> anyhow::Result<Exit> {
        let store = place.open()?;
        let selection = self.selecting.selection();
        let runs = store.runs(&selection)?;
        if json {
            print_json(&self.document(&store, &runs))?;
            return Ok(Exit::Done);
        }
        if let Some(other) = elsewhere(&store, selection.source)? {
            eprintln!("note: {other}");
        }
        let columns = width().unwrap_or(USUAL_WIDTH);
        let text = match self.hosts {
            true => table(&host_rows(&runs), columns, 0),
            false => table(&run_rows(&runs), columns, 1),
        };
        print(&text)?;
        Ok(Exit::Done)
    }

    fn document(&self, store: &Store, runs: &[StoredRun]) -> Value {
        if self.hosts {
            let hosts: Vec<Value> = hosts(runs).iter().map(Machine::document).collect();
            json!({ "schema": "forkbench.hosts/1", "store": store.path(), "hosts": hosts })
        } else {
            let runs: Vec<Value> = runs.iter().map(run_document).collect();
            json!({ "schema": "forkbench.runs/1", "store": store.path(), "runs": runs })
        }
    }
}

/// A stored run for programs.
pub(super) fn run_document(run: &StoredRun) -> Value {
    json!({
        "run": run.id,
        "seed": run.seed,
        "source": run.source.name(),
        "started": rfc3339(run.started),
        "finished": run.finished,
        "host": run.host.0,
        "host_name": run.host_name,
        "kernel": run.kernel,
        "commit": run.commit,
        "branch": run.branch,
        "cells": run.cells,
        "unmeasured": run.unmeasured,
        "path": run.path.as_ref().map(|path| path.display().to_string()),
    })
}

/// What of the other source is there, in words.
fn elsewhere(store: &Store, shown: Source) -> anyhow::Result<Option<String>> {
    let other = match shown {
        Source::Forkbench => Source::Criterion,
        Source::Criterion => Source::Forkbench,
    };
    let selection = Selection {
        source: other,
        ..Selection::default()
    };
    let count = store.runs(&selection)?.len();
    let name = other.name();
    Ok((count > 0)
        .then(|| format!("of {name} there are runs, too ({count}): --source {name} lists them")))
}

/// The runs of one host.
struct Machine {
    name: String,
    fingerprint: String,
    runs: usize,
    first: String,
    last: String,
    kernels: BTreeSet<String>,
}

fn hosts(runs: &[StoredRun]) -> Vec<Machine> {
    let mut machines: BTreeMap<(&str, &str), Machine> = BTreeMap::new();
    // They are in the order of time.
    for run in runs {
        let moment = rfc3339(run.started);
        let key = (run.host_name.as_str(), run.host.0.as_str());
        let machine = machines.entry(key).or_insert_with(|| Machine {
            name: run.host_name.clone(),
            fingerprint: run.host.0.clone(),
            runs: 0,
            first: moment.clone(),
            last: String::new(),
            kernels: BTreeSet::new(),
        });
        machine.runs += 1;
        machine.last = moment;
        machine.kernels.extend(run.kernel.clone());
    }
    machines.into_values().collect()
}

impl Machine {
    fn document(&self) -> Value {
        json!({
            "host": self.fingerprint,
            "host_name": self.name,
            "runs": self.runs,
            "first": self.first,
            "last": self.last,
            "kernels": self.kernels,
        })
    }
}

fn run_rows(runs: &[StoredRun]) -> Vec<[String; 6]> {
    let mut rows = vec![["time", "host", "kernel", "commit", "branch", "cells"].map(str::to_owned)];
    let text = |value: &Option<String>| value.as_deref().map_or("–".to_owned(), plain);
    rows.extend(runs.iter().map(|run| {
        let mut cells = match run.unmeasured {
            0 => run.cells.to_string(),
            missing => format!("{}/{}", run.cells, run.cells.saturating_add(missing)),
        };
        if !run.finished {
            cells.push_str(UNFINISHED);
        }
        [
            rfc3339(run.started).replace('T', " ").replace('Z', ""),
            plain(&run.host_name),
            text(&run.kernel),
            run.commit.as_deref().map_or("–".to_owned(), short),
            text(&run.branch),
            cells,
        ]
    }));
    rows
}

fn host_rows(runs: &[StoredRun]) -> Vec<[String; 6]> {
    let heads = ["host", "fingerprint", "runs", "first", "last", "kernels"];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(hosts(runs).into_iter().map(|machine| {
        let kernels: Vec<String> = machine.kernels.iter().map(|kernel| plain(kernel)).collect();
        let day = |moment: &str| moment.split('T').next().unwrap_or_default().to_owned();
        [
            plain(&machine.name),
            plain(&machine.fingerprint),
            machine.runs.to_string(),
            day(&machine.first),
            day(&machine.last),
            kernels.join(", "),
        ]
    }));
    rows
}

/// A commit as people write it: the beginning of its hash, and what stands behind that.
fn short(commit: &str) -> String {
    let digits = commit.chars().take_while(char::is_ascii_hexdigit).count();
    if digits < 2 * SHOWN_OF_COMMIT {
        return plain(commit);
    }
    plain(&format!(
        "{}{}",
        &commit[..SHOWN_OF_COMMIT],
        &commit[digits..]
    ))
}

/// Rows under each other, the first of them the heads. Where they are too wide the widest columns are cut, the first
/// `whole` excepted.
fn table<const N: usize>(rows: &[[String; N]], width: usize, whole: usize) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (widest, text) in widths.iter_mut().zip(row) {
            *widest = text.chars().count().max(*widest);
        }
    }
    const GAP: usize = 2;
    while widths.iter().sum::<usize>() + GAP * (N - 1) > width {
        let widest = widths[whole..].iter_mut().max();
        match widest.filter(|widest| **widest > NARROWEST) {
            Some(widest) => *widest -= 1,
            None => break,
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| {
            let cell = cut(cell, width);
            format!("{cell:<width$}")
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The beginning of a text, with a mark where something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{beginning}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_columns_give_way() {
        let row = ["2026-07-01 10:20", "a-host-with-a-long-name", "6.18.0"].map(str::to_owned);
        assert_eq!(
            table(std::slice::from_ref(&row), 80, 1),
            "2026-07-01 10:20  a-host-with-a-long-name  6.18.0\n"
        );
        let narrow = table(std::slice::from_ref(&row), 40, 0);
        assert_eq!(narrow, "2026-07-01 10:…  a-host-with-a-…  6.18.0\n");
        // Which run it is should stay readable.
        let narrow = table(&[row], 40, 1);
        assert_eq!(narrow, "2026-07-01 10:20  a-host-with-a…  6.18.0\n");
        assert_eq!(narrow.trim_end().chars().count(), 40);
    }

    #[test]
    fn commits_are_short_and_keep_their_mark() {
        let hash = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(short(hash), "012345678");
        assert_eq!(short(&format!("{hash}-dirty")), "012345678-dirty");
        assert_eq!(short("v1.2"), "v1.2");
    }
}
