//! What `history check` and `history show` both ask of a history.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use super::super::judgement::{THRESHOLD, threshold};
use super::super::output::tool;
use super::Place;
use super::selecting::{Cells, Selecting, moment, phase_parser};
use crate::comparison::Statistic;
use crate::history::{Other, OverTime, Selection};
use crate::mechanism::Phase;
use crate::recording::{plain, rfc3339};
use crate::report::counted;
use crate::statistics::change_points::{CONFIRMATION, DRIFT, INTERVAL};
use crate::trend::{Asked, HISTORY_SCHEMA, History, HostRuns, judge};

/// The flags of a judgement over time. Flattened into a verb's own.
#[derive(Debug, Args)]
pub(super) struct Judging {
    #[command(flatten)]
    cells: Cells,
    /// These phases of them, each for itself [default: the one a cell is spoken of by: call, second-pass, round-trip or
    /// response]
    #[arg(long, value_name = "PHASE", value_delimiter = ',', value_parser = phase_parser())]
    phase: Vec<Phase>,
    #[command(flatten)]
    selecting: Selecting,
    /// The smallest change that makes a verdict; smaller ones are told [default: 3%]
    #[arg(long, value_name = "PERCENT", value_parser = threshold)]
    threshold: Option<f64>,
    /// Changes up to and with this run are known and make no verdict: a run's id, the beginning of a commit, a date, or an
    /// age (30d)
    #[arg(long, value_name = "RUN|COMMIT|WHEN")]
    known: Option<String>,
    /// Take what sittings do to all cells from these alone: cells, mechanisms or globs [default: all of them]
    #[arg(long, value_name = "FILTER", value_delimiter = ',')]
    reference: Vec<String>,
}

impl Judging {
    /// Reads the store and judges; `with_points` hands out what was measured as well.
    pub(super) fn history(&self, place: &Place, with_points: bool) -> anyhow::Result<History> {
        let store = place.open()?;
        let over_time = store.over_time(
            &self.selecting.with(&self.cells, &self.phase),
            &self.reference,
        )?;
        let cells = || over_time.hosts.iter().flat_map(|host| &host.cells);
        // A job that asks for what is not there would stay green for ever.
        if !cells().any(|cell| cell.is_asked_for) {
            return Err(self.selecting.nothing(&store)?);
        }
        for filter in self.cells.filters() {
            let one = Selection::of_cells(std::slice::from_ref(filter));
            anyhow::ensure!(
                cells().any(|cell| one.takes_cell(&cell.id)),
                "`{filter}` is no cell of the runs that are looked at: name cells, mechanisms or globs, as \
                 `forkbench history show` lists them"
            );
        }
        anyhow::ensure!(
            self.reference.is_empty() || cells().any(|cell| cell.is_reference),
            "--reference `{}` is no cell of the runs that are looked at: name cells, mechanisms or globs",
            self.reference.join(",")
        );
        note_others(&over_time);
        let asked = Asked {
            threshold: self.threshold.unwrap_or(THRESHOLD),
            known: self
                .known
                .as_deref()
                .map(|text| known(text, &over_time.hosts))
                .transpose()?,
            with_points,
        };
        Ok(History {
            schema: HISTORY_SCHEMA.to_owned(),
            made: rfc3339(SystemTime::now()),
            command: place.repeated_command(),
            tool: tool("forkbench history"),
            statistic: Statistic::P10,
            threshold: asked.threshold,
            confirmation: CONFIRMATION,
            drift: DRIFT.exp_m1(),
            interval_confidence: INTERVAL,
            hosts: over_time
                .hosts
                .iter()
                .map(|host| judge(host, &asked))
                .collect(),
        })
    }
}

/// Says what was left out because no branch was named.
fn note_others(over_time: &OverTime) {
    let others = &over_time.others;
    let (Some(host), false) = (over_time.hosts.first(), others.is_empty()) else {
        return;
    };
    let left: Vec<String> = others
        .iter()
        .map(|other| format!("{} {}", counted(other.runs, "run"), on(&other.branch)))
        .collect();
    // A job that forgets to name its branch would be green for ever.
    let branchless = others.iter().find(|other| other.branch.is_none());
    let (word, newest) = match branchless {
        Some(Other {
            has_newest: true, ..
        }) => ("warning", ", the newest of all among them"),
        _ => ("note", ""),
    };
    let remedy = match branchless {
        Some(_) => ", and `forkbench history add RUN --branch NAME --replace` puts a run on one",
        None => "",
    };
    eprintln!(
        "{word}: these are the runs {}; left out are {}{newest}: --branch '*' shows every branch for itself{remedy}",
        on(&host.branch),
        left.join(", ")
    );
}

/// `of the branch main`.
fn on(branch: &Option<String>) -> String {
    match branch {
        Some(branch) => format!("of the branch {}", plain(branch)),
        None => "of no branch".to_owned(),
    }
}

/// The moment up to which changes are known: just after a run that is named, or as it is written.
fn known(text: &str, hosts: &[HostRuns]) -> anyhow::Result<i64> {
    let runs = hosts.iter().flat_map(|host| &host.runs);
    let is_named = |commit: &str| text.len() >= 4 && commit.starts_with(text);
    let named = runs.filter(|run| run.id == text || run.commit.as_deref().is_some_and(is_named));
    if let Some(last) = named.map(|run| run.seconds).max() {
        return Ok(last + 1);
    }
    let when = moment(text).map_err(|expected| {
        anyhow::anyhow!("--known `{text}` is no run's id, no commit of the runs that are looked at, and no time: {expected}")
    })?;
    Ok(when
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trend::RunSeen;

    #[test]
    fn what_is_known_is_a_run_a_commit_or_a_moment() {
        let run = |seconds: i64, id: &str, commit: &str| RunSeen {
            id: id.to_owned(),
            started: String::new(),
            seconds,
            commit: Some(commit.to_owned()),
            kernel: None,
            path: None,
        };
        let hosts = [HostRuns {
            fingerprint: String::new(),
            name: String::new(),
            branch: None,
            runs: vec![
                run(10, "one", "abcdef"),
                run(20, "two", "abcdef"),
                run(30, "three", "123456"),
            ],
            cells: Vec::new(),
        }];
        for (text, seconds) in [
            ("one", 11),
            ("abcd", 21),
            ("123456", 31),
            ("1970-01-02", 86_400),
        ] {
            assert_eq!(known(text, &hosts).unwrap(), seconds, "{text}");
        }
        let error = known("abx", &hosts).unwrap_err().to_string();
        assert!(
            error.contains("`abx`") && error.contains("age (30d)"),
            "{error}"
        );
    }
}
