//! The reader's question, and the sentence that answers it.

use std::collections::BTreeMap;

use crate::footprint::Footprint;
use crate::mechanism::Phase;
use crate::recording::{Cell, Placement, Run, Status};
use crate::units::Nanoseconds;

use super::palette::rank_of;
use super::reading::{centre, children, factor, is_measured, label, repeat_command, short};
use super::scale::size_name;

/// What a run says in one sentence.
#[derive(Debug, Clone)]
pub(super) struct Answer<'a> {
    /// What the reader wants to know.
    pub question: String,
    /// What was measured.
    pub sentence: String,
    /// The cell the sentence begins with: the dearer one.
    pub dear: &'a Cell,
    /// The one it is compared with.
    pub cheap: Option<&'a Cell>,
    /// The phase that the sentence speaks of.
    pub phase: Phase,
    /// The command that measures them again.
    pub command: String,
}

/// Mechanisms that start a process, cheapest to recommend first.
const INSTEAD_OF_FORK: [&str; 5] = ["posix_spawn", "vfork", "clone-vm", "command", "vfork-exec"];

/// The question this run answers best; `None` where nothing was measured.
pub(super) fn answer(run: &Run) -> Option<Answer<'_>> {
    fork_against_spawn(run)
        .or_else(|| ends(run))
        .or_else(|| growth(run))
        .or_else(|| single(run))
        .or_else(|| super::writes::answer(run))
        .or_else(|| super::channels::answer(run))
        .or_else(|| super::servers::answer(run))
}

fn candidates(run: &Run) -> impl Iterator<Item = &Cell> {
    run.cells
        .iter()
        .filter(|cell| is_measured(cell) && centre(cell, Phase::Call).is_some_and(|c| c.ns > 0.0))
}

fn call(cell: &Cell) -> f64 {
    centre(cell, Phase::Call).map_or(0.0, |centre| centre.ns)
}

/// The parent as a noun: `1 GiB parent`, `bare parent`.
pub(super) fn parent(footprint: &Footprint) -> String {
    let size = match footprint.bytes {
        0 => "bare".to_owned(),
        bytes => size_name(bytes),
    };
    match footprint.to_string().split_once('+') {
        None => format!("{size} parent"),
        Some((_, rest)) => format!("{size} parent ({})", rest.replace('+', ", ")),
    }
}

/// `value` in the unit `unit_of` is written in, unless that leaves it fewer than two digits.
pub(super) fn beside(value: f64, unit_of: f64) -> String {
    for (factor, unit) in [(1e9, "s"), (1e6, "ms"), (1e3, "µs")] {
        let threshold = factor * 0.9995;
        if unit_of >= threshold && value / factor >= 0.095 && value < threshold {
            return format!("{:.2} {unit}", value / factor);
        }
        if unit_of >= threshold {
            break;
        }
    }
    Nanoseconds(value).to_string()
}

/// How near a size is to the one people ask about, 1 GiB; the larger of two equally near.
fn distance(footprint: &Footprint) -> (u64, bool, Footprint) {
    let exponent = |bytes: u64| i64::from(bytes.checked_ilog2().unwrap_or(0));
    let far = exponent(footprint.bytes).abs_diff(exponent(1 << 30));
    (far, footprint.bytes < 1 << 30, *footprint)
}

fn is_plain(cell: &Cell) -> bool {
    let rewritten = Footprint {
        state: crate::footprint::State::Rewritten,
        ..Footprint::of(cell.footprint.bytes)
    };
    let plain =
        cell.footprint == Footprint::of(cell.footprint.bytes) || cell.footprint == rewritten;
    plain && cell.placement == Placement::Pinned && cell.subject == "native" && cell.exec.is_none()
}

/// Fork at the size nearest to 1 GiB against what could replace it there.
fn fork_against_spawn(run: &Run) -> Option<Answer<'_>> {
    let mut pairs: Vec<(&Cell, &Cell)> = Vec::new();
    for fork in candidates(run).filter(|cell| cell.mechanism == "fork" && is_plain(cell)) {
        let instead = INSTEAD_OF_FORK.iter().find_map(|name| {
            candidates(run).find(|cell| {
                cell.mechanism == *name && is_plain(cell) && cell.footprint == fork.footprint
            })
        });
        pairs.extend(instead.map(|cheap| (fork, cheap)));
    }
    // A working parent rewrites its pages; where that was measured, it is the answer.
    let (fork, cheap) = pairs.into_iter().min_by_key(|(fork, _)| {
        let (far, smaller, footprint) = distance(&fork.footprint);
        let hot = fork.footprint.state == crate::footprint::State::Hot;
        (far, smaller, hot, footprint)
    })?;
    let parent = parent(&fork.footprint);
    Some(compared(
        format!("What does starting a child cost a {parent}?"),
        format!("A {parent} stands still"),
        fork,
        cheap,
    ))
}

fn compared<'a>(question: String, begin: String, dear: &'a Cell, cheap: &'a Cell) -> Answer<'a> {
    let (high, low) = (call(dear), call(cheap));
    let ratio = high / low;
    let (dear_name, cheap_name) = (short(&label(dear), 40), short(&label(cheap), 40));
    let how = if ratio >= 1.05 {
        format!("{} times", factor(ratio))
    } else if ratio > 1.0 / 1.05 {
        "the same within 5 %".to_owned()
    } else {
        format!("{} times as long", factor(1.0 / ratio))
    };
    let sentence = format!(
        "{begin} {} per {dear_name}, {} with {cheap_name}: {how}",
        Nanoseconds(high),
        beside(low, high)
    );
    Answer {
        question,
        sentence,
        dear,
        cheap: Some(cheap),
        phase: Phase::Call,
        command: repeat_command(&[dear, cheap]),
    }
}

/// The dearest against the cheapest mechanism, at the parent where most were measured.
fn ends(run: &Run) -> Option<Answer<'_>> {
    let mut groups: BTreeMap<(Footprint, bool), Vec<&Cell>> = BTreeMap::new();
    for cell in candidates(run).filter(|cell| cell.mechanism != "null") {
        let key = (cell.footprint, cell.placement == Placement::Free);
        groups.entry(key).or_default().push(cell);
    }
    let group = groups.into_values().rev().max_by_key(Vec::len)?;
    let by_call = |a: &&&Cell, b: &&&Cell| call(a).total_cmp(&call(b));
    let (cheap, dear) = (group.iter().min_by(by_call)?, group.iter().max_by(by_call)?);
    if group.len() < 2 || call(dear) <= call(cheap) {
        return None;
    }
    let parent = parent(&dear.footprint);
    Some(compared(
        format!("Which way of starting a child is cheapest for a {parent}?"),
        format!("A {parent} stands still"),
        dear,
        cheap,
    ))
}

/// One mechanism at its smallest and its largest parent.
fn growth(run: &Run) -> Option<Answer<'_>> {
    let mut groups: BTreeMap<(usize, String, bool), Vec<&Cell>> = BTreeMap::new();
    for cell in candidates(run) {
        let free = cell.placement == Placement::Free;
        groups
            .entry((rank_of(&cell.mechanism), label(cell), free))
            .or_default()
            .push(cell);
    }
    let ((_, name, _), mut cells) = groups.into_iter().find(|(_, cells)| cells.len() >= 2)?;
    cells.sort_by_key(|cell| cell.footprint);
    let (mut small, mut large) = (cells[0], cells[cells.len() - 1]);
    // Of parents that are alike in size the dearer may be either.
    if call(large) < call(small) {
        (small, large) = (large, small);
    }
    let name = short(&name, 40);
    Some(Answer {
        question: format!("What does memory do to {name}?"),
        sentence: format!(
            "{name} takes {} from a {}, {} from a {}: {} times",
            Nanoseconds(call(large)),
            parent(&large.footprint),
            beside(call(small), call(large)),
            parent(&small.footprint),
            factor(call(large) / call(small)),
        ),
        dear: large,
        cheap: Some(small),
        phase: Phase::Call,
        command: repeat_command(&[large, small]),
    })
}

fn single(run: &Run) -> Option<Answer<'_>> {
    let cell = candidates(run).next()?;
    let (name, parent) = (short(&label(cell), 40), parent(&cell.footprint));
    Some(Answer {
        question: format!("What does {name} cost a {parent}?"),
        sentence: format!(
            "A {parent} stands still {} per {name}",
            Nanoseconds(call(cell))
        ),
        dear: cell,
        cheap: None,
        phase: Phase::Call,
        command: repeat_command(&[cell]),
    })
}

/// The cells measured at one footprint in one placement, cheapest first.
#[derive(Debug, Clone)]
pub(super) struct Ranking<'a> {
    pub footprint: Footprint,
    pub placement: Placement,
    /// By `call`; those that were not measured at the end.
    pub cells: Vec<&'a Cell>,
    /// The least `call` of a mechanism that starts something, nanoseconds.
    pub cheapest: Option<f64>,
}

/// Every footprint's ranking, pinned ones first, rising.
pub(super) fn rankings(run: &Run) -> Vec<Ranking<'_>> {
    let mut groups: BTreeMap<(bool, Footprint), Vec<&Cell>> = BTreeMap::new();
    for cell in children(run) {
        let free = cell.placement == Placement::Free;
        groups.entry((free, cell.footprint)).or_default().push(cell);
    }
    groups.into_values().filter_map(Ranking::of).collect()
}

impl<'a> Ranking<'a> {
    /// Ranks `cells`, which are named after the first of them; `None` for none.
    pub fn of(mut cells: Vec<&'a Cell>) -> Option<Self> {
        let rank = |cell: &Cell| match (cell.status, centre(cell, Phase::Call)) {
            (Status::Ok, Some(centre)) => centre.ns,
            _ => f64::INFINITY,
        };
        let first = *cells.first()?;
        cells.sort_by(|a, b| {
            let order = rank(a).total_cmp(&rank(b));
            order.then_with(|| rank_of(&a.mechanism).cmp(&rank_of(&b.mechanism)))
        });
        let starters = cells.iter().filter(|cell| cell.mechanism != "null");
        let cheapest = starters
            .map(|&cell| rank(cell))
            .find(|ns| ns.is_finite() && *ns > 0.0);
        Some(Self {
            footprint: first.footprint,
            placement: first.placement,
            cells,
            cheapest,
        })
    }

    /// How many times the cheapest a cell takes.
    pub fn ratio(&self, cell: &Cell) -> Option<f64> {
        let centre = centre(cell, Phase::Call).filter(|_| cell.status == Status::Ok)?;
        self.cheapest.map(|cheapest| centre.ns / cheapest)
    }

    /// `1 GiB`, `1 GiB +thp`, `0 (free)`.
    pub fn name(&self) -> String {
        let mut name = size_name(self.footprint.bytes);
        if let Some((_, rest)) = self.footprint.to_string().split_once('+') {
            name.push_str(&format!(" +{rest}"));
        }
        if self.placement == Placement::Free {
            name.push_str(" (free)");
        }
        name
    }
}
