//! What of the history is looked at.

use std::collections::BTreeSet;
use std::time::SystemTime;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::history::{Selection, Source, Store, StoreError, StoredRun};
use crate::mechanism::Phase;
use crate::recording::plain;

/// Names that an error lists.
const MOST_NAMED: usize = 10;

/// Which runs.
#[derive(Debug, Args)]
pub(super) struct Selecting {
    /// Runs of these hosts alone: names, fingerprints, or globs over them
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    host: Vec<String>,
    /// Runs of these branches alone: names or globs; '' is a run's of no branch
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    branch: Vec<String>,
    /// Runs of these commits alone: whole hashes or globs (1a2b3c*)
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    commit: Vec<String>,
    /// No run that began before: a date (2026-07-01), a moment in RFC 3339, or an age (30d)
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<SystemTime>,
    /// No run that began then or later, likewise
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<SystemTime>,
    /// Whose figures: they are never shown together
    #[arg(long, default_value = "forkbench", value_parser = source_parser())]
    source: Source,
}

/// Which cells.
#[derive(Debug, Args)]
pub(super) struct Cells {
    /// Cells (fork/64MiB), mechanisms (fork), or globs over whole ids (fork/*, */1GiB*)
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
}

impl Cells {
    /// What was asked for in so many words.
    pub(super) fn filters(&self) -> &[String] {
        &self.filters
    }
}

impl Selecting {
    pub(super) fn selection(&self) -> Selection {
        Selection {
            hosts: self.host.clone(),
            branches: self.branch.clone(),
            commits: self.commit.clone(),
            since: self.since,
            until: self.until,
            source: self.source,
            ..Selection::default()
        }
    }

    /// Why no run is selected: the first of the flags that no run of the store is of.
    pub(super) fn nothing(&self, store: &Store) -> anyhow::Result<anyhow::Error> {
        let all = store.runs(&Selection {
            source: self.source,
            ..Selection::default()
        })?;
        let selection = self.selection();
        let of = |flag: &str, given: &[String], there: BTreeSet<String>| {
            let there: Vec<String> = there.into_iter().take(MOST_NAMED).collect();
            anyhow::anyhow!(
                "--{flag} `{}` is of no run in the history; there are: {}",
                given.join(","),
                there.join(", ")
            )
        };
        let none = |is_of: &dyn Fn(&StoredRun) -> bool| !all.iter().any(is_of);
        if none(&|run| selection.takes_host(&run.host, &run.host_name)) {
            let there = all.iter().map(|run| plain(&run.host_name)).collect();
            return Ok(of("host", &self.host, there));
        }
        if none(&|run| selection.takes_branch(run.branch.as_deref())) {
            let named = |run: &StoredRun| run.branch.as_deref().map_or("''".to_owned(), plain);
            return Ok(of("branch", &self.branch, all.iter().map(named).collect()));
        }
        Ok(StoreError::NothingSelected.into())
    }

    /// The selection of these cells and phases in these runs.
    pub(super) fn with(&self, cells: &Cells, phases: &[Phase]) -> Selection {
        Selection {
            cells: cells.filters.clone(),
            phases: phases.to_vec(),
            ..self.selection()
        }
    }
}

fn source_parser() -> impl TypedValueParser<Value = Source> {
    PossibleValuesParser::new(Source::ALL.map(Source::name)).map(|word| {
        let known = Source::from_name(&word);
        known.unwrap_or_else(|| unreachable!("clap takes no other value than the sources' names"))
    })
}

/// Reads the name of a phase.
pub(super) fn phase_parser() -> impl TypedValueParser<Value = Phase> {
    PossibleValuesParser::new(Phase::ALL.map(Phase::name)).map(|word| {
        let known = Phase::from_name(&word);
        known.unwrap_or_else(|| unreachable!("clap takes no other value than the phases' names"))
    })
}

/// A date, a moment or an age.
pub(super) fn moment(text: &str) -> Result<SystemTime, String> {
    let midnight = format!("{text}T00:00:00Z");
    for text in [text, &midnight] {
        if let Ok(moment) = humantime::parse_rfc3339_weak(text) {
            return Ok(moment);
        }
    }
    let age = humantime::parse_duration(text).ok();
    age.and_then(|age| SystemTime::now().checked_sub(age))
        .ok_or_else(|| {
            "a date (2026-07-01), a moment in RFC 3339 (2026-07-01T10:20:30Z) or an age (30d) is needed"
                .to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn moments_are_dates_times_or_ages() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(moment("2026-07-01"), Ok(at(1_782_864_000)));
        assert_eq!(moment("2026-07-01T10:20:30Z"), Ok(at(1_782_901_230)));
        let day = SystemTime::now()
            .duration_since(moment("1d").unwrap())
            .unwrap();
        assert_eq!((day.as_secs() + 30) / 60, 24 * 60);
        for none in ["", "yesterday", "2026-13-01", "9999999999999y"] {
            assert!(moment(none).is_err(), "{none}");
        }
    }
}
