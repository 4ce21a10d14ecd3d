//! Where fork's time goes: the costs of a parent's parts, as words, rows and bars.

use crate::footprint::{Footprint, Mapping, Page, State, Touch};
use crate::mechanism::Phase;
use crate::model::{Cost, Fit, FitError, Fitted, LARGEST_GOOD_RESIDUAL, Part};
use crate::recording::{Cell, Placement, Run};
use crate::units::Nanoseconds;

use super::answer;
use super::reading::{counted, grouped, is_measured, plain};

/// Cells named at the most where a fit misses them.
const MOST_MISSED: usize = 5;

/// The costs that a run tells of `call`, for each state of memory that has them.
#[derive(Debug)]
pub(super) struct Costs {
    pub fits: Vec<Fit>,
    /// What the other states lack.
    pub missing: Vec<FitError>,
}

/// The costs of fork's parts. `None` for a run that has no parent whose memory fork copies.
pub(super) fn costs(run: &Run) -> Option<Costs> {
    headline_parent(run)?;
    let mut costs = Costs {
        fits: Vec::new(),
        missing: Vec::new(),
    };
    for &state in State::ALL {
        match Fit::of(run, Phase::Call, state) {
            Ok(fit) => costs.fits.push(fit),
            Err(error) => costs.missing.push(error),
        }
    }
    Some(costs)
}

/// Whether fork copies this parent's page tables: it leaves to page faults what those can refill.
pub(super) fn is_copied(footprint: &Footprint) -> bool {
    footprint.bytes > 0
        && footprint.touch == Touch::Written
        && footprint.mapping == Mapping::Private
}

/// Whether a cell is of a plain fork: native, pinned, measured.
fn is_fork(cell: &Cell) -> bool {
    cell.mechanism == "fork" && is_native(cell)
}

/// Whether a cell is native, pinned, measured, and executes no foreign program.
pub(super) fn is_native(cell: &Cell) -> bool {
    cell.subject == "native"
        && cell.exec.is_none()
        && cell.placement == Placement::Pinned
        && is_measured(cell)
}

/// The parent that costs are shown for: the headline's if it is of 4 KiB pages, or else the largest whose memory fork
/// copies, the plainest first.
pub(super) fn headline_parent(run: &Run) -> Option<&Cell> {
    let fits = |cell: &&Cell| is_fork(cell) && is_copied(&cell.footprint);
    let answered = answer::answer(run).map(|answer| answer.dear);
    let answered = answered.filter(|cell| fits(cell) && cell.footprint.page == Page::Base);
    let rank = |cell: &&Cell| (std::cmp::Reverse(cell.footprint.bytes), cell.footprint);
    answered.or_else(|| run.cells.iter().filter(fits).min_by_key(rank))
}

/// What happens to memory between forks, in words.
pub(super) fn state_words(state: State) -> &'static str {
    match state {
        State::Hot => "left alone",
        State::Rewritten => "rewritten",
    }
}

/// A part in words.
pub(super) fn part_words(part: Part) -> &'static str {
    match part {
        Part::Bare => "the call itself",
        Part::PageNear => "4 KiB page, in order",
        Part::PageMid => "4 KiB page, nearby",
        Part::PageFar => "4 KiB page, scattered",
        Part::PageThp => "huge page of 2 MiB",
        Part::Vma => "VMA",
        Part::VmaDontfork => "VMA kept from child",
        Part::Fd => "open descriptor",
        Part::Thread => "idle thread",
        Part::Busy => "running thread",
    }
}

/// The cell that would tell a part's cost.
fn teller(part: Part, state: State) -> String {
    let mut footprint = Footprint::of(1 << 30);
    footprint.state = state;
    let suffix = match state {
        State::Hot => "",
        State::Rewritten => "+rewritten",
    };
    match part {
        Part::Bare => "fork/0".to_owned(),
        Part::PageNear => format!("fork/{footprint}"),
        Part::PageMid => format!("fork/256MiB+shuffled+window=32{suffix}"),
        Part::PageFar => format!("fork/1GiB+shuffled{suffix}"),
        Part::PageThp => format!("fork/1GiB+thp{suffix}"),
        Part::Vma => "fork/0+vmas=2000".to_owned(),
        Part::VmaDontfork => "fork/4KiB+dontfork+vmas=2000".to_owned(),
        Part::Fd => "fork/0+fds=10000".to_owned(),
        Part::Thread => "fork/0+threads=32".to_owned(),
        Part::Busy => "fork/0+busy=1".to_owned(),
    }
}

/// How many of a kind of page a GiB holds.
fn in_a_gib(part: Part) -> Option<f64> {
    match part {
        Part::PageNear | Part::PageMid | Part::PageFar => Some(262_144.0),
        Part::PageThp => Some(512.0),
        _ => None,
    }
}

/// What one piece costs, to a tenth of a nanosecond where that is seen.
fn piece(ns: f64) -> String {
    if ns < 99.95 {
        format!("{ns:.1} ns")
    } else {
        Nanoseconds(ns).to_string()
    }
}

impl Costs {
    /// A part's cost in each fit, in the order of `fits`; parts that no fit knows are not there.
    pub fn rows(&self) -> Vec<(Part, Vec<Option<CostWords>>)> {
        let words = |fit: &Fit, part| fit.cost(part).map(CostWords::of);
        let row = |part| {
            let costs: Vec<_> = self.fits.iter().map(|fit| words(fit, part)).collect();
            (part, costs)
        };
        let rows = Part::ALL.into_iter().map(row);
        rows.filter(|(_, costs)| costs.iter().any(Option::is_some))
            .collect()
    }

    /// What a reader must know before relying on the costs, a line for each thing.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.fits.iter().flat_map(notes).collect();
        notes.extend(
            self.missing
                .iter()
                .map(|error| format!("Not told: {error}.")),
        );
        if self.fits.iter().any(|fit| fit.cost(Part::Vma).is_some()) {
            let apart =
                "The call itself is told without VMAs, of which a bare program has some thirty.";
            notes.push(apart.to_owned());
        }
        notes
    }
}

/// A cost as it is written.
#[derive(Debug, Clone)]
pub(super) struct CostWords {
    pub ns: String,
    pub interval: String,
    /// Milliseconds for a GiB of them, if they are pages.
    pub per_gib: Option<String>,
}

impl CostWords {
    fn of(cost: &Cost) -> Self {
        let per_gib = in_a_gib(cost.part).map(|pages| pages * cost.ns / 1e6);
        Self {
            ns: piece(cost.ns),
            interval: format!("{} to {}", piece(cost.low), piece(cost.high)),
            per_gib: per_gib.map(|ms| match ms < 9.95 {
                true => format!("{ms:.2}"),
                false => format!("{ms:.1}"),
            }),
        }
    }
}

/// The cells that a fit misses by too much, the worst first.
fn missed(fit: &Fit) -> Vec<&Fitted> {
    let too_much = |cell: &&Fitted| cell.residual().abs() > LARGEST_GOOD_RESIDUAL;
    let mut missed: Vec<&Fitted> = fit.cells.iter().filter(too_much).collect();
    missed.sort_by(|a, b| b.residual().abs().total_cmp(&a.residual().abs()));
    missed
}

fn notes(fit: &Fit) -> Vec<String> {
    let state = match fit.state {
        State::Hot => "Left alone",
        State::Rewritten => "Rewritten",
    };
    let mut notes = Vec::new();
    let missed = missed(fit);
    if fit.cells.len() <= fit.costs.len() {
        // With a cost for each cell the sums are what was measured, however wrong they are.
        notes.push(format!(
            "{state}: {} read off {}, so nothing here checks them. A run with more cells of `fork` does.",
            counted(fit.costs.len(), "cost"),
            counted(fit.cells.len(), "cell")
        ));
        // What else is not known goes without saying.
        return notes;
    } else if missed.is_empty() {
        notes.push(format!(
            "{state}: the sums come within {} of all {} cells.",
            percent(fit.largest_residual()),
            fit.cells.len()
        ));
    } else {
        let cells = missed.iter().take(MOST_MISSED).map(|cell| {
            let side = if cell.residual() > 0.0 { "low" } else { "high" };
            let off = cell.fitted_ns / cell.measured_ns - 1.0;
            format!("{} ({} too {side})", plain(&cell.id), percent(off.abs()))
        });
        let cells: Vec<String> = cells.collect();
        let more = missed.len().saturating_sub(MOST_MISSED);
        let more = match more {
            0 => String::new(),
            _ => format!(" and {more} more"),
        };
        notes.push(format!(
            "{state}: costs do not add up to {}{more}. Don't rely on them for parents like those.",
            cells.join(", ")
        ));
    }
    if !fit.told_once().is_empty() {
        notes.push(format!(
            "{state}: one cell alone tells the cost of {}, so nothing here checks that it grows with their number.",
            listed(fit.told_once().iter().map(|&part| part_words(part).to_owned()))
        ));
    }
    if !fit.unknown().is_empty() {
        let tellers = fit.unknown().iter();
        notes.push(format!(
            "{state}: not told, for want of {}: what {} costs.",
            listed(tellers.map(|&part| teller(part, fit.state))),
            listed(
                fit.unknown()
                    .iter()
                    .map(|&part| part_words(part).to_owned())
            )
        ));
    }
    notes
}

/// `12.9 %`, and whole percents from ten times that on.
fn percent(share: f64) -> String {
    match 100.0 * share {
        percent if !percent.is_finite() => "any amount".to_owned(),
        percent if percent < 99.95 => format!("{percent:.1} %"),
        percent => format!("{} %", grouped(percent.round() as u64)),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_would_tell_a_cost_can_be_measured() {
        for part in Part::ALL {
            for &state in State::ALL {
                let id = teller(part, state);
                let name = id.strip_prefix("fork/").unwrap();
                let footprint: Footprint = name.parse().unwrap();
                assert_eq!(footprint.to_string(), name);
                let has_pages = footprint.bytes > 0 && part != Part::VmaDontfork;
                assert!(!has_pages || footprint.state == state, "{id}");
            }
        }
    }

    #[test]
    fn words_are_listed_as_one_says_them() {
        let listed = |words: &[&str]| listed(words.iter().map(ToString::to_string));
        assert_eq!(listed(&[]), "");
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }
}
