//! From a store to what is judged: the runs of each host and branch, apart.

use std::collections::{BTreeMap, BTreeSet};

use super::error::StoreError;
use super::selection::{Selection, Source};
use super::series::{Series, StoredRun};
use super::store::Store;
use crate::mechanism::Phase;
use crate::protocol::{Known, headline};
use crate::recording::rfc3339;
use crate::trend::{CellRuns, HostRuns, Measured, RunSeen, mechanism_of};

/// Branches that are looked at where none is named, the first that is there.
const USUAL_BRANCHES: [&str; 2] = ["main", "master"];

/// What a store has of a selection, over time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OverTime {
    /// Each host, and each branch of it, by the host's name.
    pub hosts: Vec<HostRuns>,
    /// Branches that have runs and were not looked at, as no branch was named.
    pub others: Vec<Other>,
}

/// A branch that was not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its name; `None` for runs of no known branch.
    pub branch: Option<String>,
    /// How many runs it has.
    pub runs: usize,
    /// Whether the newest run of all is among them.
    pub has_newest: bool,
}

impl Store {
    /// The runs of a selection, as they are judged over time.
    ///
    /// Cells that the selection leaves out are read all the same: they tell what sittings did. Where it names no phase, each
    /// cell has the one that it is spoken of by. Where it names no branch, one is looked at: `main`, else `master`, else
    /// the one with the most runs. `references` are filters as a selection has them: cells that tell what sittings did; all
    /// where none is named.
    ///
    /// # Errors
    /// Where the store can't be read or holds what this program did not write.
    pub fn over_time(
        &self,
        selection: &Selection,
        references: &[String],
    ) -> Result<OverTime, StoreError> {
        let mut all = selection.clone();
        all.cells.clear();
        let by_headline = all.phases.is_empty() && all.source == Source::Forkbench;
        if by_headline {
            let phases: BTreeSet<Phase> = Known::names().map(headline).collect();
            all.phases = phases.into_iter().collect();
        }
        let mut series = self.series(&all)?;
        if by_headline {
            series.retain(|one| one.phase == Some(headline(mechanism_of(&one.cell))));
        }
        let references = Selection::of_cells(references);
        Ok(Gathering {
            selection,
            references: &references,
        }
        .gather(&series))
    }
}

struct Gathering<'a> {
    selection: &'a Selection,
    references: &'a Selection,
}

impl Gathering<'_> {
    fn gather(&self, series: &[Series]) -> OverTime {
        let series: Vec<&Series> = series.iter().collect();
        // Series of one reading share their runs.
        let runs = series.first().map_or([].as_slice(), |first| &first.runs);
        let mut branches: BTreeMap<Option<&str>, usize> = BTreeMap::new();
        let mut newest = None;
        for (run, is_measured) in runs.iter().zip(measured(runs, &series)) {
            if is_measured {
                *branches.entry(run.branch.as_deref()).or_default() += 1;
                newest = Some(run.branch.as_deref());
            }
        }
        let chosen: Vec<Option<&str>> = match self.selection.branches.is_empty() {
            true => usual(&branches).into_iter().collect(),
            false => branches.keys().copied().collect(),
        };
        let mut hosts: BTreeMap<(&str, &str), Vec<&Series>> = BTreeMap::new();
        for one in series {
            hosts
                .entry((one.host_name.as_str(), one.host.0.as_str()))
                .or_default()
                .push(one);
        }
        let mut over_time = OverTime::default();
        for ((name, fingerprint), series) in hosts {
            for branch in &chosen {
                let mut host = self.host(&series, *branch);
                if host.runs.is_empty() {
                    continue;
                }
                host.name = name.to_owned();
                host.fingerprint = fingerprint.to_owned();
                over_time.hosts.push(host);
            }
        }
        let left = branches
            .iter()
            .filter(|(branch, _)| !chosen.contains(branch));
        over_time.others = left
            .map(|(branch, runs)| Other {
                branch: branch.map(str::to_owned),
                runs: *runs,
                has_newest: newest == Some(*branch),
            })
            .collect();
        over_time
    }

    /// One host's runs of one branch.
    fn host(&self, series: &[&Series], branch: Option<&str>) -> HostRuns {
        let Some(first) = series.first() else {
            return HostRuns::default();
        };
        let mut runs = Vec::new();
        // Of every run of the reading its place among those of this host and branch.
        let mut places = vec![None; first.runs.len()];
        for (at, is_measured) in measured(&first.runs, series).into_iter().enumerate() {
            let run = &first.runs[at];
            if is_measured && run.branch.as_deref() == branch {
                places[at] = Some(runs.len());
                runs.push(seen_run(run));
            }
        }
        let cells = series.iter().map(|one| CellRuns {
            id: one.cell.clone(),
            phase: one.phase,
            is_reference: self.references.takes_cell(&one.cell),
            is_asked_for: self.selection.takes_cell(&one.cell),
            measured: one
                .points
                .iter()
                .filter_map(|point| {
                    Some(Measured {
                        run: places[point.run]?,
                        p10: point.p10,
                        low: point.low,
                        high: point.high,
                        trials: point.trials,
                    })
                })
                .collect(),
        });
        HostRuns {
            fingerprint: String::new(),
            name: String::new(),
            branch: branch.map(str::to_owned),
            cells: cells.filter(|cell| !cell.measured.is_empty()).collect(),
            runs,
        }
    }
}

/// Of each run of a reading, whether one of these series has a point of it.
fn measured(runs: &[StoredRun], series: &[&Series]) -> Vec<bool> {
    let mut measured = vec![false; runs.len()];
    for point in series.iter().flat_map(|one| &one.points) {
        measured[point.run] = true;
    }
    measured
}

/// The branch that is looked at where none is named.
fn usual<'a>(branches: &BTreeMap<Option<&'a str>, usize>) -> Option<Option<&'a str>> {
    let named = USUAL_BRANCHES
        .iter()
        .find_map(|usual| branches.keys().find(|branch| **branch == Some(*usual)));
    // Of several with as many runs, the one whose name comes first; none at all comes last.
    let most = || {
        branches
            .iter()
            .rev()
            .max_by_key(|(branch, runs)| (**runs, branch.is_some()))
            .map(|(branch, _)| branch)
    };
    named.or_else(most).copied()
}

fn seen_run(run: &StoredRun) -> RunSeen {
    let seconds = match run.started.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => since.as_secs() as i64,
        Err(before) => -(before.duration().as_secs() as i64),
    };
    RunSeen {
        id: run.id.clone(),
        started: rfc3339(run.started),
        seconds,
        commit: run.commit.clone(),
        kernel: run.kernel.clone(),
        path: run.path.as_ref().map(|path| path.display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{HostFingerprint, Point};
    use std::ops::Range;
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    fn run(day: u64, host: &str, branch: Option<&str>) -> StoredRun {
        StoredRun {
            id: format!("{host}-{day}"),
            seed: day,
            source: Source::Forkbench,
            started: UNIX_EPOCH + Duration::from_secs(day * 86_400),
            host: HostFingerprint(format!("f-{host}")),
            host_name: host.to_owned(),
            kernel: Some("6.18.0".to_owned()),
            commit: Some(format!("c{day}")),
            branch: branch.map(str::to_owned),
            path: None,
            cells: 1,
            unmeasured: 0,
            finished: true,
        }
    }

    /// A series of some runs of a reading.
    fn series(host: &str, cell: &str, runs: &Arc<[StoredRun]>, of: Range<usize>) -> Series {
        let points = of.map(|run| Point {
            run,
            trials: 5,
            p10: 100,
            p50: 110,
            low: 90,
            high: 120,
        });
        Series {
            host: HostFingerprint(format!("f-{host}")),
            host_name: host.to_owned(),
            source: Source::Forkbench,
            cell: cell.to_owned(),
            phase: Some(Phase::Call),
            runs: Arc::clone(runs),
            points: points.collect(),
        }
    }

    fn gathered(series: &[Series], selection: &Selection, references: &[&str]) -> OverTime {
        let references = Selection {
            cells: references.iter().map(ToString::to_string).collect(),
            ..Selection::default()
        };
        Gathering {
            selection,
            references: &references,
        }
        .gather(series)
    }

    #[test]
    fn hosts_and_branches_are_apart_and_runs_are_shared() {
        let a = (0..6).map(|day| run(day, "a", Some(if day < 4 { "main" } else { "wip" })));
        let b = (0..3).map(|day| run(day, "b", Some("main")));
        let runs = a.chain(b).collect();
        let all = [
            series("a", "fork/0", &runs, 0..6),
            series("a", "vfork/0", &runs, 1..6),
            series("b", "fork/0", &runs, 6..9),
        ];
        let usual = gathered(&all, &Selection::default(), &[]);
        let shape: Vec<_> = usual
            .hosts
            .iter()
            .map(|host| (host.name.as_str(), host.branch.as_deref(), host.runs.len()))
            .collect();
        assert_eq!(shape, [("a", Some("main"), 4), ("b", Some("main"), 3)]);
        let other = |branch: Option<&str>, runs, has_newest| Other {
            branch: branch.map(str::to_owned),
            runs,
            has_newest,
        };
        assert_eq!(usual.others, [other(Some("wip"), 2, false)]);
        assert_eq!(usual.hosts[0].cells[1].measured[0].run, 1);
        assert_eq!(usual.hosts[0].runs[2].commit.as_deref(), Some("c2"));
        let both = Selection {
            branches: vec!["*".to_owned()],
            ..Selection::default()
        };
        let both = gathered(&all, &both, &[]);
        assert_eq!((both.hosts.len(), both.others.len()), (3, 0));
        assert_eq!(
            (both.hosts[1].branch.as_deref(), both.hosts[1].runs.len()),
            (Some("wip"), 2)
        );
    }

    #[test]
    fn without_a_main_branch_the_one_with_the_most_runs_is_meant() {
        let runs = [Some("x"), Some("y"), Some("y"), None, None, None]
            .into_iter()
            .zip(0..)
            .map(|(branch, day)| run(day, "a", branch))
            .collect();
        let most = |count: usize| {
            let one = series("a", "fork/0", &runs, 0..count);
            let found = gathered(&[one], &Selection::default(), &[]);
            found.hosts[0].branch.clone()
        };
        assert_eq!(most(4).as_deref(), Some("y"));
        assert_eq!(most(6).as_deref(), None);
        assert!(gathered(&[], &Selection::default(), &[]).hosts.is_empty());
    }

    #[test]
    fn runs_of_no_branch_are_told_of_and_can_be_asked_for() {
        let runs = [Some("main"), None, None]
            .into_iter()
            .zip(0..)
            .map(|(branch, day)| run(day, "a", branch))
            .collect();
        let one = [series("a", "fork/0", &runs, 0..3)];
        let usual = gathered(&one, &Selection::default(), &[]);
        assert_eq!(usual.hosts.len(), 1);
        assert_eq!(usual.others.len(), 1);
        let other = &usual.others[0];
        assert_eq!(
            (&other.branch, other.runs, other.has_newest),
            (&None, 2, true)
        );
        let all = Selection {
            branches: vec!["*".to_owned()],
            ..Selection::default()
        };
        assert_eq!(gathered(&one, &all, &[]).hosts.len(), 2);
    }

    #[test]
    fn filters_say_what_is_told_and_references_what_tells() {
        let runs = (0..3).map(|day| run(day, "a", None)).collect();
        let all = ["fork/0", "vfork/0"].map(|cell| series("a", cell, &runs, 0..3));
        let selection = Selection {
            cells: vec!["fork".to_owned()],
            ..Selection::default()
        };
        let host = gathered(&all, &selection, &["vfork/*"]).hosts.remove(0);
        let flags: Vec<_> = host
            .cells
            .iter()
            .map(|cell| (cell.is_asked_for, cell.is_reference))
            .collect();
        assert_eq!(flags, [(true, false), (false, true)]);
    }
}
