//! What a run in the store has in common with one that is to be added under its name.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::Entry;
use super::figures::pack;
use crate::recording::plain;

/// Packed trials by cell and word of the phase.
type Packed = BTreeMap<(String, String), Vec<u8>>;

/// The figures of a run, as they are compared.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub levels: Packed,
    pub unmeasured: BTreeSet<String>,
}

/// How one run relates to an earlier state of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// They hold the same.
    Same,
    /// The new one has all of the old one, and more.
    Grown,
    /// The old one has all of the new one, and more.
    Older,
    /// Neither has all of the other: the first difference, in words.
    Different(String),
}

impl Content {
    /// What is to be added.
    pub(super) fn of(entry: &Entry) -> Self {
        let levels = entry.levels.iter().map(|levels| {
            let key = (levels.cell.clone(), levels.phase_word().to_owned());
            (key, pack(&levels.trials))
        });
        let unmeasured = entry.unmeasured.iter().map(|cell| cell.cell.clone());
        Self {
            levels: levels.collect(),
            unmeasured: unmeasured.collect(),
        }
    }

    /// How `new` relates to this one.
    pub(super) fn relation(&self, new: &Self) -> Relation {
        match (new.lacks(self), self.lacks(new)) {
            (None, None) => Relation::Same,
            (None, Some(_)) => Relation::Grown,
            (Some(_), None) => Relation::Older,
            (Some(cell), Some(_)) => Relation::Different(cell),
        }
    }

    /// What of an earlier state of the same run is not here. Trials are only ever appended; a cell that failed
    /// meanwhile has figures no more, and one that could not be measured at first may have some.
    fn lacks(&self, earlier: &Self) -> Option<String> {
        for (key, trials) in &earlier.levels {
            let (cell, phase) = key;
            let there = self.levels.get(key);
            // A packed trial says where it ends: what begins with the bytes begins with the trials.
            if !there.is_some_and(|own| own.starts_with(trials)) && !self.unmeasured.contains(cell)
            {
                return Some(format!("`{phase}` of `{}`", plain(cell)));
            }
        }
        let measured = |cell: &String| self.levels.keys().any(|(own, _)| own == cell);
        let mut lost = earlier.unmeasured.difference(&self.unmeasured);
        let lost = lost.find(|cell| !measured(cell));
        lost.map(|cell| format!("`{}`, which was not measured", plain(cell)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(levels: &[(&str, &[u8])], unmeasured: &[&str]) -> Content {
        let levels = levels
            .iter()
            .map(|(cell, bytes)| (((*cell).to_owned(), "call".to_owned()), bytes.to_vec()));
        Content {
            levels: levels.collect(),
            unmeasured: unmeasured.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_run_that_went_on_has_grown() {
        let early = content(&[("fork/0", &[1, 2])], &["fork/1GiB"]);
        let late = content(&[("fork/0", &[1, 2, 3]), ("vfork/0", &[9])], &["fork/1GiB"]);
        assert_eq!(early.relation(&late), Relation::Grown);
        assert_eq!(late.relation(&early), Relation::Older);
        assert_eq!(late.relation(&late), Relation::Same);
    }

    #[test]
    fn a_cell_that_failed_meanwhile_takes_its_figures_with_it() {
        let early = content(&[("fork/0", &[1]), ("vfork/0", &[2])], &[]);
        let late = content(&[("fork/0", &[1, 1])], &["vfork/0"]);
        assert_eq!(early.relation(&late), Relation::Grown);
    }

    #[test]
    fn other_trials_are_another_run() {
        let one = content(&[("fork/0", &[1, 2])], &[]);
        let other = content(&[("fork/0", &[1, 3])], &[]);
        let Relation::Different(words) = one.relation(&other) else {
            panic!("they differ");
        };
        assert_eq!(words, "`call` of `fork/0`");
        let gone = content(&[], &["vfork/0"]);
        assert!(matches!(one.relation(&gone), Relation::Different(_)));
    }
}
