//! Which cells a filter means.

use super::super::cell::{Cell, CellError};
use super::super::registry::{NoSuchMechanism, Registry};
use super::server_cells;
use crate::protocol::{Known, family_of};

/// Why a filter selects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A cell that cannot be.
    #[error(transparent)]
    Cell(#[from] CellError),
    /// A mechanism that a registered subject lacks.
    #[error(transparent)]
    Foreign(#[from] NoSuchMechanism),
    /// The name of a subject in the place of a filter.
    #[error("`{name}` is a subject; its cells are `{name}:*`")]
    Subject {
        /// The subject.
        name: String,
    },
    /// A channel in the place of a way to start a child.
    #[error(
        "`{name}` is no way to start a child, and claims nothing that a tracer could see: every answer through it is \
         checked by `forkbench run '{name}'`"
    )]
    NoClaim {
        /// What was given.
        name: String,
    },
    /// A glob or word without a match.
    #[error("`{filter}` matches no cell; `forkbench list` shows them all")]
    NoMatch {
        /// The filter.
        filter: String,
    },
    /// A program's name without the program.
    #[error("{cell}@exec={program}: name the program with --exec, as in --exec /bin/{program}")]
    Program {
        /// The cell without it.
        cell: String,
        /// The name.
        program: String,
    },
    /// A program for a cell whose children execute none.
    #[error("{cell}@exec={program}: {cell} executes nothing; leave @exec away")]
    ExecutesNothing {
        /// The cell without it.
        cell: String,
        /// The name.
        program: String,
    },
    /// A limit below every cell.
    #[error("--max-footprint {limit} leaves out every cell; the smallest has {smallest}")]
    NoneLeft {
        /// The limit.
        limit: String,
        /// The smallest footprint that was selected.
        smallest: String,
    },
}

/// The cells of `all` that any filter selects, and the ones filters name outright, in order.
///
/// A filter is a cell's id, a mechanism's name, or a glob over whole ids (`*` and `?`). No filter
/// selects all. Cells of registered subjects, and of families such as `ipc`, are chosen by filters with a colon
/// alone: they take long or answer another question, and nobody asks for them with `*/1GiB*`.
///
/// # Errors
/// Where a filter selects nothing.
pub fn select(
    all: &[Cell],
    registry: &Registry,
    filters: &[String],
) -> Result<Vec<Cell>, PlanError> {
    if filters.is_empty() {
        return Ok(all.to_vec());
    }
    // Not among those that are measured when nothing is named: they take as long as all of them.
    let mut foreign = registry.cells();
    foreign.extend(server_cells());
    let mut selected: Vec<Cell> = Vec::new();
    for filter in filters {
        let of_family = family_of(filter).is_some();
        let of_subject = filter.split_once(':');
        let colon = of_subject.is_some();
        let mut matched: Vec<Cell> = if filter.contains(['*', '?']) {
            let reached = |cell: &&Cell| colon || family_of(&cell.mechanism).is_none();
            let chosen = all.iter().filter(reached);
            chosen
                .chain(foreign.iter().filter(|_| colon))
                .filter(|cell| glob(filter, &cell.to_string()))
                .cloned()
                .collect()
        } else if filter.contains('/') {
            let cell = filter.parse()?;
            registry.check(&cell)?;
            vec![cell]
        } else if let Some((subject, mechanism)) =
            of_subject.filter(|(name, _)| !of_family && registry.named(name).is_some())
        {
            let named = |cell: &&Cell| cell.subject == subject && cell.mechanism == mechanism;
            registry.check(&format!("{filter}/0").parse()?)?;
            foreign.iter().filter(named).cloned().collect()
        } else if Known::named(filter).and_then(Known::model).is_some() {
            let named = |cell: &&Cell| cell.mechanism == *filter;
            foreign.iter().filter(named).cloned().collect()
        } else if registry.named(filter).is_some() {
            let name = filter.clone();
            return Err(PlanError::Subject { name });
        } else if Known::named(filter).is_some() || all.iter().any(|cell| cell.mechanism == *filter)
        {
            all.iter()
                .filter(|cell| cell.mechanism == *filter)
                .cloned()
                .collect()
        } else {
            let mechanism = filter.clone();
            return Err(CellError::Mechanism { mechanism }.into());
        };
        if matched.is_empty() {
            return Err(PlanError::NoMatch {
                filter: filter.clone(),
            });
        }
        matched.retain(|cell| !selected.contains(cell));
        selected.append(&mut matched);
    }
    Ok(selected)
}

/// Whether a glob matches a whole text: `*` stands for any characters, `?` for one.
pub fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on if the last star has to take one character more.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p + 1, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((after, taken)) = star {
            p = after;
            t = taken + 1;
            star = Some((after, taken + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::super::default_cells;
    use super::*;

    fn ids(filters: &[&str]) -> Vec<String> {
        let filters: Vec<String> = filters.iter().map(ToString::to_string).collect();
        let cells = select(&default_cells(), &Registry::shipped(), &filters).unwrap();
        cells.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_glob_is_matched_against_the_whole_id() {
        assert!(glob("fork/*", "fork/64MiB"));
        assert!(!glob("fork/*", "vfork/64MiB"));
        assert!(glob("*/1GiB*", "fork/1GiB+thp"));
        assert!(glob("*?4*", "fork/64MiB"));
        assert!(!glob("fork/64MiB", "fork/64MiB+thp"));
        assert!(glob("", "") && !glob("", "x") && glob("***", "") && !glob("?", ""));
        // A pattern that makes careless matchers take forever.
        assert!(!glob(&"*a".repeat(50), &"a".repeat(49)));
    }

    #[test]
    fn filters_select_in_order_and_once() {
        assert_eq!(
            ids(&["vfork/0", "vfork/*0", "fork/67.2MiB"]),
            ["vfork/0", "fork/67.2MiB"]
        );
        assert!(ids(&["fork"]).iter().all(|id| id.starts_with("fork/")));
        assert_eq!(ids(&[]).len(), default_cells().len());
    }

    #[test]
    fn a_filter_that_selects_nothing_is_an_error() {
        let none = select(
            &default_cells(),
            &Registry::shipped(),
            &["zfork/*".to_owned()],
        )
        .unwrap_err();
        assert!(none.to_string().contains("`zfork/*`"));
        assert!(
            select(&default_cells(), &Registry::shipped(), &["frok".to_owned()])
                .unwrap_err()
                .to_string()
                .contains("fork")
        );
    }

    #[test]
    fn servers_are_chosen_by_their_family() {
        assert_eq!(ids(&["server:*"]).len(), server_cells().len());
        assert_eq!(
            ids(&["server:fork"]),
            ["server:fork/0", "server:fork/256MiB"]
        );
        assert_eq!(
            ids(&["server:fork/1GiB@rate=9"]),
            ["server:fork/1GiB@rate=9"]
        );
        assert_eq!(ids(&["server:null"]), ["server:null/0"]);
    }

    #[test]
    fn cells_of_other_subjects_and_of_families_are_chosen_by_name_alone() {
        assert!(ids(&["*"]).iter().all(|id| !id.contains(':')));
        let channels = ids(&["ipc:*"]);
        assert!(channels.contains(&"ipc:pipe/64KiB@two".to_owned()));
        assert!(channels.iter().all(|id| id.starts_with("ipc:")));
        assert_eq!(
            ids(&["ipc:spin"]),
            ["ipc:spin/1B@two", "ipc:spin/64KiB@two"]
        );
        assert_eq!(ids(&["ipc:pipe/4096"]), ["ipc:pipe/4KiB"]);
        let python = ids(&["python:*"]);
        assert!(python.contains(&"python:os.fork/1GiB".to_owned()));
        assert!(python.iter().all(|id| id.starts_with("python:")));
        assert_eq!(
            ids(&["python:os.fork", "python:subprocess/32MiB"]),
            [
                "python:os.fork/0",
                "python:os.fork/64MiB",
                "python:os.fork/1GiB",
                "python:subprocess/32MiB"
            ]
        );
        for (filter, said) in [
            ("python:os.frok/0", "did you mean `os.fork`?"),
            ("python:os.frok", "did you mean `os.fork`?"),
            ("python", "its cells are `python:*`"),
            ("mini:fork", "`mini:fork`"),
        ] {
            let wrong = select(&default_cells(), &Registry::shipped(), &[filter.to_owned()]);
            let wrong = wrong.unwrap_err().to_string();
            assert!(wrong.contains(said), "{wrong}");
        }
    }
}
