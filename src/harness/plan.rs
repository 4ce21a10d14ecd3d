//! Which cells are measured.

use super::cell::{Cell, CellError};
use super::registry::{NoSuchMechanism, Registry};
use crate::footprint::Footprint;
use crate::mechanism::{MECHANISMS, Mechanism};
use crate::units::exact_size;

/// Sizes at which mechanisms are compared by default.
pub const SIZES: [u64; 6] = [0, 16 << 20, 64 << 20, 256 << 20, 1 << 30, 4 << 30];

/// Mechanisms that stand for their kind over all sizes.
pub const COMPARED: [&str; 4] = ["fork", "vfork", "posix_spawn", "thread"];

/// Parents of 1 GiB that differ in one thing, or in two where one alone says nothing; and smaller ones that tell
/// what a VMA, a descriptor, a thread and a page near its neighbour cost, and whether costs add up.
pub const MEMORY: [&str; 24] = [
    "1GiB",
    "1GiB+thp",
    "1GiB+hugetlb",
    "1GiB+shared",
    "1GiB+file",
    "1GiB+file+read",
    "1GiB+dontfork",
    "1GiB+wipeonfork",
    "1GiB+read",
    "1GiB+untouched",
    "1GiB+rewritten",
    "1GiB+thp+rewritten",
    "1GiB+shuffled",
    "1GiB+shuffled+rewritten",
    "0+vmas=500",
    "0+vmas=2000",
    "4KiB+dontfork+vmas=2000",
    "0+threads=32",
    "0+busy=1",
    "0+fds=10000",
    "256MiB+thp",
    "256MiB+rewritten",
    "256MiB+shuffled+window=32",
    "256MiB+shuffled+window=32+rewritten",
];

/// First writes to parents of 256 MiB. A thread that runs on another CPU has to be told of every page that
/// moves.
pub const COPY_ON_WRITE: [&str; 8] = [
    "cow-parent/256MiB",
    "cow-parent/256MiB+shuffled",
    "cow-parent/256MiB+thp",
    "cow-parent/256MiB+busy=1",
    "cow-parent/256MiB+thp+busy=1",
    "cow-child/256MiB",
    "cow-child/256MiB+shuffled",
    "cow-child/256MiB+thp",
];

/// What a few languages make of it, at parents that are measured natively too: other subjects' cells, few and short.
pub const LANGUAGES: [&str; 12] = [
    "python:os.fork/0",
    "python:os.fork/64MiB",
    "python:subprocess/0",
    "python:subprocess-close_fds-false/0",
    "python:subprocess-preexec_fn/0",
    "python:multiprocessing-fork/0",
    "python:threading/0",
    "python:concurrent.futures-warm/0",
    "node:child_process.spawn/0",
    "ruby:Process.fork/0",
    "ruby:Process.spawn/0",
    "ruby:Thread/0",
];

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
    /// A glob or word without a match.
    #[error("`{filter}` matches no cell; `forkbench list` shows them all")]
    NoMatch {
        /// The filter.
        filter: String,
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

/// The cells for a latency-against-memory chart, and the largest parent of the call that posix_spawn
/// makes inside.
pub fn footprint_cells() -> Vec<Cell> {
    let largest = SIZES[SIZES.len() - 1];
    let compared = SIZES
        .iter()
        .flat_map(|&bytes| COMPARED.map(|name| Cell::native(name, Footprint::of(bytes))));
    compared
        .chain([Cell::native("clone-vm", Footprint::of(largest))])
        .collect()
}

/// Every way to start a child at the smallest parent.
pub fn mechanism_cells() -> Vec<Cell> {
    MECHANISMS
        .iter()
        .filter(|mechanism| !mechanism.writes())
        .map(|mechanism| Cell::native(mechanism.name, Footprint::of(0)))
        .collect()
}

/// The same mechanisms where the scheduler chooses the CPU.
pub fn free_cells() -> Vec<Cell> {
    let named = COMPARED.map(|name| Cell::native(name, Footprint::of(0)));
    named
        .into_iter()
        .map(|cell| Cell { free: true, ..cell })
        .collect()
}

/// fork of parents that differ in what their memory is.
pub fn memory_cells() -> Vec<Cell> {
    let footprints = MEMORY
        .iter()
        .map(|name| name.parse().expect("a constant that a test reads"));
    footprints
        .map(|footprint| Cell::native("fork", footprint))
        .collect()
}

/// First writes after a fork, by who writes and what is written.
pub fn cow_cells() -> Vec<Cell> {
    let ids = COPY_ON_WRITE.iter();
    ids.map(|id| id.parse().expect("a constant that a test reads"))
        .collect()
}

/// Cells of the subjects that ship beside the native one.
pub fn language_cells() -> Vec<Cell> {
    let ids = LANGUAGES.iter();
    ids.map(|id| id.parse().expect("a constant that a test reads"))
        .collect()
}

/// Everything that is measured when nothing is named, each cell once.
pub fn default_cells() -> Vec<Cell> {
    let mut cells = footprint_cells();
    for cell in mechanism_cells()
        .into_iter()
        .chain(free_cells())
        .chain(memory_cells())
        .chain(cow_cells())
    {
        if !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    cells
}

/// What answers "which one, and does memory matter?" in 20 seconds.
pub fn quick_cells() -> Vec<Cell> {
    let sizes = [0, 64 << 20, 1 << 30];
    let cells = sizes.iter().flat_map(|&bytes| {
        ["fork", "vfork", "posix_spawn", "thread"]
            .map(|name| Cell::native(name, Footprint::of(bytes)))
    });
    // Memory adds nothing to a vfork or a thread: the page shows that from the long run.
    cells
        .filter(|cell| {
            cell.footprint.bytes < 1 << 30
                || ["fork", "posix_spawn"].contains(&cell.mechanism.as_str())
        })
        .collect()
}

/// Cells for which two subjects are compared when nothing is named: a page-table copy, and four calls without.
pub fn compared_cells() -> Vec<Cell> {
    let cells = [
        ("fork", 0),
        ("fork", 64 << 20),
        ("vfork", 0),
        ("posix_spawn", 0),
        ("thread", 0),
    ];
    cells
        .into_iter()
        .map(|(name, bytes)| Cell::native(name, Footprint::of(bytes)))
        .collect()
}

/// Bytes of the parents that a calibration holds in 4 KiB pages, at the least and at the most, and in huge pages at
/// the least. Scattered pages cost more where the kernel's structures for them, 64 bytes each, don't fit a cache, so
/// parents should be as large as the one that is asked for: from 1 MiB of structures, which fit one that a core has
/// alone, to 32 MiB, which fill most that cores share. Huge pages have few.
pub const SMALL_CALIBRATION: u64 = 64 << 20;
/// See [`SMALL_CALIBRATION`].
pub const LARGE_CALIBRATION: u64 = 2 << 30;
/// See [`SMALL_CALIBRATION`].
pub const HUGE_CALIBRATION: u64 = 512 << 20;
/// Bytes of the smallest that still tells what a page costs.
pub const LEAST_CALIBRATION: u64 = 16 << 20;

/// What tells the cost of each part of a parent in a minute or two, with parents of `pages` bytes of 4 KiB pages or of
/// `huge` bytes of huge pages. All of one size: on either side of a cache's, scattered pages cost half or twice as much.
pub fn calibration_cells(pages: u64, huge: u64) -> Vec<Cell> {
    // The pages of a heap that has grown on a machine with other programs lie among theirs. Where structures for twice a
    // large calibration are passed through anyway, it no longer matters.
    let spread = (LARGE_CALIBRATION / pages.max(1)).clamp(2, 8);
    let (pages, huge) = (exact_size(pages), exact_size(huge));
    let scattered = format!("+shuffled+spread={spread}");
    let mut named = Vec::new();
    for mechanism in ["vfork", "posix_spawn", "thread"] {
        named.push(format!("{mechanism}/0"));
        named.push(format!("{mechanism}/{pages}"));
    }
    for order in ["", "+shuffled+window=64", &scattered] {
        named.push(format!("fork/{pages}{order}+rewritten"));
    }
    for order in ["", &scattered] {
        named.push(format!("fork/{pages}{order}"));
    }
    for state in ["", "+rewritten"] {
        named.push(format!("fork/{huge}+thp{state}"));
    }
    for parts in ["", "+vmas=2000", "+fds=10000", "+threads=32", "+busy=1"] {
        named.push(format!("fork/0{parts}"));
    }
    named.push("fork/4KiB+dontfork+vmas=2000".to_owned());
    let cells = named.iter().map(|id| id.parse());
    cells
        .map(|cell| cell.expect("a constant that a test reads"))
        .collect()
}

/// The cells of `all` that any filter selects, and the ones filters name outright, in order.
///
/// A filter is a cell's id, a mechanism's name, or a glob over whole ids (`*` and `?`). No filter
/// selects all. Cells of registered subjects are chosen by filters with a colon alone: they take long, and
/// nobody asks for them with `*/1GiB*`.
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
    let foreign = registry.cells();
    let mut selected: Vec<Cell> = Vec::new();
    for filter in filters {
        let of_subject = filter.split_once(':');
        let colon = of_subject.is_some();
        let mut matched: Vec<Cell> = if filter.contains(['*', '?']) {
            let chosen = all.iter().chain(foreign.iter().filter(|_| colon));
            chosen
                .filter(|cell| glob(filter, &cell.to_string()))
                .cloned()
                .collect()
        } else if filter.contains('/') {
            let cell = filter.parse()?;
            registry.check(&cell)?;
            vec![cell]
        } else if let Some((subject, mechanism)) =
            of_subject.filter(|(name, _)| registry.named(name).is_some())
        {
            let named = |cell: &&Cell| cell.subject == subject && cell.mechanism == mechanism;
            registry.check(&format!("{filter}/0").parse()?)?;
            foreign.iter().filter(named).cloned().collect()
        } else if registry.named(filter).is_some() {
            let name = filter.clone();
            return Err(PlanError::Subject { name });
        } else if Mechanism::named(filter).is_some()
            || all.iter().any(|cell| cell.mechanism == *filter)
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
    fn cells_of_other_subjects_are_chosen_by_name_alone() {
        assert!(ids(&["*"]).iter().all(|id| !id.contains(':')));
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

    #[test]
    fn every_default_cell_can_be_and_stands_once() {
        let cells = default_cells();
        for (index, cell) in cells.iter().enumerate() {
            cell.footprint.check().unwrap();
            assert_eq!(cell.to_string().parse::<Cell>().unwrap(), *cell);
            assert!(!cells[..index].contains(cell), "{cell} stands twice");
        }
        assert!(quick_cells().iter().all(|cell| cells.contains(cell)));
    }

    #[test]
    fn every_language_cell_is_of_a_registered_mechanism() {
        let registry = Registry::shipped();
        for cell in language_cells() {
            assert!(registry.mechanism(&cell).is_some(), "{cell}");
            cell.footprint.check().unwrap();
        }
    }

    #[test]
    fn every_calibration_cell_can_be_and_stands_once() {
        let least = LEAST_CALIBRATION;
        for (largest, huge) in [
            (LARGE_CALIBRATION, LARGE_CALIBRATION),
            (SMALL_CALIBRATION, HUGE_CALIBRATION),
            (least, least),
        ] {
            let cells = calibration_cells(largest, huge);
            for (index, cell) in cells.iter().enumerate() {
                cell.footprint.check().unwrap();
                assert!(!cells[..index].contains(cell), "{cell} stands twice");
                assert!(cell.footprint.bytes <= largest.max(huge));
            }
        }
    }
}
