//! Which part of a store is asked for.

use std::time::SystemTime;

use super::fingerprint::HostFingerprint;
use super::moment;
use super::series::StoredRun;
use crate::harness::plan::glob;
use crate::mechanism::Phase;

/// Who measured. Figures of one are never set beside those of the other: forkbench's p10 is that of single
/// iterations within a trial, Criterion's that of means over batches within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Source {
    /// A run directory of forkbench.
    #[default]
    Forkbench,
    /// `target/criterion`, imported.
    Criterion,
}

impl Source {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Forkbench, Self::Criterion];

    /// The word for it in the store and in columns.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forkbench => "forkbench",
            Self::Criterion => "criterion",
        }
    }

    /// The source a word stands for.
    pub fn from_name(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == word)
    }
}

/// Which part of a store is asked for. What is empty or `None` leaves nothing out, save `source`.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Globs over whole cell ids, or the names of mechanisms.
    pub cells: Vec<String>,
    /// Globs over fingerprints or names of hosts.
    pub hosts: Vec<String>,
    /// Globs over branches. A run of no branch has the empty name: `*` and the empty glob are its.
    pub branches: Vec<String>,
    /// Globs over commits, likewise.
    pub commits: Vec<String>,
    /// No run that began earlier.
    pub since: Option<SystemTime>,
    /// No run that began at this moment or later.
    pub until: Option<SystemTime>,
    /// These phases alone. A series without a phase belongs to none of them.
    pub phases: Vec<Phase>,
    /// Of this source alone: forkbench's own unless another is named.
    pub source: Source,
}

impl Selection {
    /// The cells of some filters.
    pub fn of_cells(filters: &[String]) -> Self {
        Self {
            cells: filters.to_vec(),
            ..Self::default()
        }
    }

    /// Whether a cell is asked for.
    pub fn takes_cell(&self, id: &str) -> bool {
        // As in `[SUBJECT:]MECHANISM/FOOTPRINT`.
        let mechanism = id.split_once('/').map_or(id, |(mechanism, _)| mechanism);
        let matches = |filter: &String| filter == mechanism || glob(filter, id);
        self.cells.is_empty() || self.cells.iter().any(matches)
    }

    /// Whether a host is asked for.
    pub fn takes_host(&self, fingerprint: &HostFingerprint, name: &str) -> bool {
        let matches = |filter: &String| glob(filter, &fingerprint.0) || glob(filter, name);
        self.hosts.is_empty() || self.hosts.iter().any(matches)
    }

    /// Whether a branch is asked for.
    pub fn takes_branch(&self, branch: Option<&str>) -> bool {
        one_of(&self.branches, branch)
    }

    /// Whether a phase is asked for.
    pub fn takes_phase(&self, phase: Option<Phase>) -> bool {
        self.phases.is_empty() || phase.is_some_and(|phase| self.phases.contains(&phase))
    }

    /// Whether a run is asked for.
    pub fn takes_run(&self, run: &StoredRun) -> bool {
        run.source == self.source
            && self.since.is_none_or(|since| run.started >= since)
            && self.until.is_none_or(|until| run.started < until)
            && self.takes_branch(run.branch.as_deref())
            && one_of(&self.commits, run.commit.as_deref())
            && self.takes_host(&run.host, &run.host_name)
    }
}

fn one_of(globs: &[String], text: Option<&str>) -> bool {
    let text = text.unwrap_or_default();
    globs.is_empty() || globs.iter().any(|pattern| glob(pattern, text))
}

impl Selection {
    /// The bounds as the store keeps time: from the first, to before the second.
    pub(super) fn seconds(&self) -> (i64, i64) {
        let since = self.since.map_or(i64::MIN, moment::seconds);
        let until = self.until.map_or(i64::MAX, moment::seconds);
        (since, until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(filters: &[&str]) -> Selection {
        Selection {
            cells: filters.iter().map(ToString::to_string).collect(),
            ..Selection::default()
        }
    }

    #[test]
    fn cells_are_chosen_by_id_glob_or_mechanism() {
        assert!(cells(&[]).takes_cell("fork/0"));
        assert!(cells(&["fork"]).takes_cell("fork/64MiB"));
        assert!(!cells(&["fork"]).takes_cell("vfork/64MiB"));
        assert!(cells(&["vfork/0", "*/1GiB*"]).takes_cell("fork/1GiB+thp"));
        assert!(!cells(&["fork/6"]).takes_cell("fork/64MiB"));
    }

    #[test]
    fn what_has_no_branch_has_an_empty_one_and_what_has_no_phase_has_none() {
        assert!(one_of(&[], None));
        assert!(one_of(&["*".to_owned()], None) && one_of(&[String::new()], None));
        assert!(!one_of(&["ma*".to_owned()], None) && !one_of(&[String::new()], Some("main")));
        assert!(one_of(&["ma*".to_owned()], Some("main")));
        let calls = Selection {
            phases: vec![Phase::Call],
            ..Selection::default()
        };
        assert!(calls.takes_phase(Some(Phase::Call)) && !calls.takes_phase(None));
        assert!(Selection::default().takes_phase(None));
    }

    #[test]
    fn words_of_sources_are_told_apart() {
        for source in Source::ALL {
            assert_eq!(Source::from_name(source.name()), Some(source));
        }
        assert_eq!(Source::from_name("hyperfine"), None);
    }
}
