//! From a store to what is judged: the runs of each host and branch, apart.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::error::StoreError;
use super::selection::{Selection, Source};
use super::series::{Series, StoredRun};
use super::store::Store;
use crate::mechanism::Phase;
use crate::protocol::headline;
use crate::recording::rfc3339;
use crate::trend::{CellRuns, HostRuns, Measured, RunSeen, mechanism_of};

/// Branches that are looked at where none is named, the first that is there.
const USUAL_BRANCHES: [&str; 2] = ["main", "master"];

/// What a store has of a selection, over time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OverTime {
    /// Each host, and each branch of it, by the host's name.
    pub hosts: Vec<HostRuns>,
    /// Branches that have runs and were not asked for, as no branch was named; `None` for runs of no known branch.
    pub others: BTreeSet<Option<String>>,
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
            all.phases = vec![Phase::Call, Phase::SecondPass, Phase::RoundTrip];
        }
        let mut series = self.series(&all)?;
        if by_headline {
            series.retain(|one| one.phase == Some(headline(mechanism_of(&one.cell))));
        }
        let references = Selection {
            cells: references.to_vec(),
            ..Selection::default()
        };
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
        let mut branches: BTreeMap<Option<&str>, BTreeSet<&str>> = BTreeMap::new();
        let runs = distinct(series);
        for run in runs.values() {
            branches
                .entry(run.branch.as_deref())
                .or_default()
                .insert(&run.id);
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
        let left = branches.keys().filter(|branch| !chosen.contains(branch));
        over_time.others = left.map(|branch| branch.map(str::to_owned)).collect();
        over_time
    }

    /// One host's runs of one branch.
    fn host(&self, series: &[&Series], branch: Option<&str>) -> HostRuns {
        let is_chosen = |run: &StoredRun| run.branch.as_deref() == branch;
        let points = series.iter().flat_map(|one| &one.points);
        let mut seen: HashMap<*const StoredRun, &Arc<StoredRun>> = HashMap::new();
        for point in points.filter(|point| is_chosen(&point.run)) {
            seen.entry(Arc::as_ptr(&point.run)).or_insert(&point.run);
        }
        let mut runs: Vec<&Arc<StoredRun>> = seen.into_values().collect();
        runs.sort_by(|a, b| (a.started, &a.id, a.seed).cmp(&(b.started, &b.id, b.seed)));
        let places: HashMap<*const StoredRun, usize> = runs
            .iter()
            .enumerate()
            .map(|(place, run)| (Arc::as_ptr(run), place))
            .collect();
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
                        run: *places.get(&Arc::as_ptr(&point.run))?,
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
            runs: runs.into_iter().map(|run| seen_run(run)).collect(),
        }
    }
}

/// Every run that has points, once.
fn distinct(series: &[Series]) -> HashMap<*const StoredRun, &StoredRun> {
    let points = series.iter().flat_map(|one| &one.points);
    points
        .map(|point| (Arc::as_ptr(&point.run), &*point.run))
        .collect()
}

/// The branch that is looked at where none is named.
fn usual<'a>(branches: &BTreeMap<Option<&'a str>, BTreeSet<&str>>) -> Option<Option<&'a str>> {
    let named = USUAL_BRANCHES
        .iter()
        .find_map(|usual| branches.keys().find(|branch| **branch == Some(*usual)));
    // Of several with as many runs, the one whose name comes first; none at all comes last.
    let most = || {
        branches
            .iter()
            .rev()
            .max_by_key(|(branch, runs)| (runs.len(), branch.is_some()))
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
    use std::time::{Duration, UNIX_EPOCH};

    fn run(day: u64, host: &str, branch: Option<&str>) -> Arc<StoredRun> {
        Arc::new(StoredRun {
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
        })
    }

    fn series(host: &str, cell: &str, runs: &[Arc<StoredRun>]) -> Series {
        let points = runs.iter().map(|run| Point {
            run: Arc::clone(run),
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
        let a: Vec<_> = (0..6)
            .map(|day| run(day, "a", Some(if day < 4 { "main" } else { "wip" })))
            .collect();
        let b: Vec<_> = (0..3).map(|day| run(day, "b", Some("main"))).collect();
        let all = [
            series("a", "fork/0", &a),
            series("a", "vfork/0", &a[1..]),
            series("b", "fork/0", &b),
        ];
        let usual = gathered(&all, &Selection::default(), &[]);
        let shape: Vec<_> = usual
            .hosts
            .iter()
            .map(|host| (host.name.as_str(), host.branch.as_deref(), host.runs.len()))
            .collect();
        assert_eq!(shape, [("a", Some("main"), 4), ("b", Some("main"), 3)]);
        assert_eq!(usual.others, BTreeSet::from([Some("wip".to_owned())]));
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
        let runs: Vec<_> = [Some("x"), Some("y"), Some("y"), None, None, None]
            .into_iter()
            .zip(0..)
            .map(|(branch, day)| run(day, "a", branch))
            .collect();
        let most = |runs: &[Arc<StoredRun>]| {
            let found = gathered(&[series("a", "fork/0", runs)], &Selection::default(), &[]);
            found.hosts[0].branch.clone()
        };
        assert_eq!(most(&runs[..4]).as_deref(), Some("y"));
        assert_eq!(most(&runs).as_deref(), None);
        assert!(gathered(&[], &Selection::default(), &[]).hosts.is_empty());
    }

    #[test]
    fn filters_say_what_is_told_and_references_what_tells() {
        let runs: Vec<_> = (0..3).map(|day| run(day, "a", None)).collect();
        let all = [series("a", "fork/0", &runs), series("a", "vfork/0", &runs)];
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
