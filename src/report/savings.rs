//! What a parent would save if it did something else: from measured cells, and from nothing else.

use crate::footprint::{Footprint, Mapping, Order, Page, State};
use crate::mechanism::Phase;
use crate::recording::{Cell, Run};
use crate::units::Nanoseconds;

use super::costs::{headline_parent, is_native};
use super::reading::{centre, disagrees, grouped, spread};

/// What the run says of other ways for the headline's parent.
#[derive(Debug)]
pub(super) struct Savings<'a> {
    pub rows: Vec<Saving<'a>>,
    /// What would have to be measured for the ways that have no row.
    pub unmeasured: Vec<String>,
    /// What the ways that have rows come with.
    pub terms: Vec<(&'static str, String)>,
}

/// Two measured cells, of which the second is another way for the first.
#[derive(Debug)]
pub(super) struct Saving<'a> {
    /// The way, in words.
    pub way: &'static str,
    pub from: &'a Cell,
    pub to: &'a Cell,
    /// Medians of `call`, nanoseconds.
    pub before: f64,
    pub after: f64,
}

/// Another way to start a child, or to hold the memory.
struct Way {
    name: &'static str,
    /// What it comes with.
    terms: &'static str,
    mechanism: &'static str,
    /// The parent that it has instead, of the same size.
    becomes: fn(Footprint) -> Footprint,
    /// Whether fork copies this memory still: then only the same state may stand beside it.
    copies: bool,
}

const WAYS: [Way; 5] = [
    Way {
        name: "transparent huge pages",
        terms: "fork copies one entry for 2 MiB instead of 512 entries. Afterwards the first write to a huge page \
                that is still shared costs more than that to a small one, which is not in these figures",
        mechanism: "fork",
        becomes: |parent| Footprint {
            page: Page::Thp,
            order: Order::Sequential,
            window: 0,
            spread: 0,
            ..parent
        },
        copies: true,
    },
    Way {
        name: "MADV_DONTFORK",
        terms: "the child does not have this memory; touching it there is a segmentation fault",
        mechanism: "fork",
        becomes: |parent| Footprint {
            mapping: Mapping::Dontfork,
            ..parent
        },
        copies: false,
    },
    Way {
        name: "a shared mapping",
        terms: "parent and child see each other’s writes, and the child takes a fault for the pages it touches, \
                which is not in these figures",
        mechanism: "fork",
        becomes: |parent| Footprint {
            mapping: Mapping::Shared,
            ..parent
        },
        copies: false,
    },
    Way {
        name: "vfork",
        terms: "the child runs in the parent’s memory, and the thread that called stands still until it executes or \
                exits; here it exits at once",
        mechanism: "vfork",
        becomes: |parent| parent,
        copies: false,
    },
    Way {
        name: "posix_spawn",
        terms: "for a child that executes a program. The figure includes the exec of forkbench’s own small one; \
                fork’s includes none",
        mechanism: "posix_spawn",
        becomes: |parent| parent,
        copies: false,
    },
];

const FEWER_VMAS: &str = "fewer VMAs";

/// What the headline's parent would save. `None` for a run without a parent whose memory fork copies.
pub(super) fn savings(run: &Run) -> Option<Savings<'_>> {
    let parent = headline_parent(run)?.footprint;
    let mut savings = Savings {
        rows: Vec::new(),
        unmeasured: Vec::new(),
        terms: Vec::new(),
    };
    let bases = State::ALL.iter().filter_map(|&state| {
        let footprint = Footprint { state, ..parent };
        measured(run, "fork", footprint)
    });
    let bases: Vec<&Cell> = bases.collect();
    for way in WAYS.iter().filter(|way| way.is_another(parent)) {
        let rows = savings.rows.len();
        for &from in &bases {
            match way.cell(run, from.footprint) {
                Some(to) => savings.rows.extend(Saving::of(way.name, from, to)),
                None => savings.unmeasured.push(way.wanted(from.footprint)),
            }
        }
        if savings.rows.len() > rows {
            savings.terms.push((way.name, way.terms.to_owned()));
        }
    }
    savings.fewer_vmas(run, parent);
    savings.unmeasured.dedup();
    Some(savings)
}

/// The cell of a mechanism at a footprint, if it has a figure.
fn measured<'a>(run: &'a Run, mechanism: &str, footprint: Footprint) -> Option<&'a Cell> {
    let mut cells = run.cells.iter().filter(|cell| is_native(cell));
    cells.find(|cell| cell.mechanism == mechanism && cell.footprint == footprint)
}

impl Way {
    /// Whether it is not what the parent does already.
    fn is_another(&self, parent: Footprint) -> bool {
        self.mechanism != "fork" || (self.becomes)(parent) != parent
    }

    /// The measured cell that stands for this way. Where no page table is copied, neither what happens between
    /// forks nor where pages lie makes a difference.
    fn cell<'a>(&self, run: &'a Run, parent: Footprint) -> Option<&'a Cell> {
        let becomes = (self.becomes)(parent);
        let alike = |footprint: &Footprint| !self.copies || *footprint == becomes;
        let plain = Footprint {
            state: State::Hot,
            ..becomes
        };
        let in_order = Footprint {
            order: Order::Sequential,
            window: 0,
            spread: 0,
            ..plain
        };
        let same = std::iter::once(becomes).chain([plain, in_order].into_iter().filter(alike));
        same.into_iter()
            .find_map(|footprint| measured(run, self.mechanism, footprint))
    }

    /// What to measure for it.
    fn wanted(&self, parent: Footprint) -> String {
        let mut footprint = (self.becomes)(parent);
        if !self.copies {
            footprint.state = State::Hot;
        }
        format!("{} ({}/{footprint})", self.name, self.mechanism)
    }
}

impl<'a> Savings<'a> {
    /// The fork cell with the most added VMAs against the same without; at the parent's size if there is one.
    fn fewer_vmas(&mut self, run: &'a Run, parent: Footprint) {
        let pairs = run.cells.iter().filter_map(|from| {
            let added = from.footprint.vmas;
            let without = Footprint {
                vmas: 0,
                ..from.footprint
            };
            let is_there = added > 0 && from.mechanism == "fork" && is_native(from);
            Some((from, measured(run, "fork", without).filter(|_| is_there)?))
        });
        let rank = |(from, _): &(&Cell, &Cell)| {
            let same_size = from.footprint.bytes == parent.bytes;
            (same_size, from.footprint.vmas)
        };
        let best = pairs.max_by_key(rank);
        let row = best.and_then(|(from, to)| Saving::of(FEWER_VMAS, from, to));
        let Some(row) = row else {
            let cell = "fork/0+vmas=2000 beside fork/0";
            self.unmeasured.push(format!("{FEWER_VMAS} ({cell})"));
            return;
        };
        let added = grouped(u64::from(row.from.footprint.vmas));
        let own = headline_parent(run).and_then(|cell| cell.trials.first()?.receipt.vmas);
        let own = own.map_or(String::new(), |own| {
            format!("; this parent has {} in all", grouped(own))
        });
        self.terms.push((
            FEWER_VMAS,
            format!(
                "{added} of them, each of two private anonymous pages, one of them written, against none{own}"
            ),
        ));
        self.rows.push(row);
    }
}

impl<'a> Saving<'a> {
    fn of(way: &'static str, from: &'a Cell, to: &'a Cell) -> Option<Self> {
        let call = |cell| Some(centre(cell, Phase::Call)?.ns).filter(|ns| *ns > 0.0);
        Some(Self {
            way,
            before: call(from)?,
            after: call(to)?,
            from,
            to,
        })
    }

    /// What it saves, or what more it takes, and that as a share of what it took before. No share where trials
    /// differ by as much.
    pub fn words(&self) -> (String, Option<String>) {
        if self.is_drowned() {
            return ("no more than trials differ by".to_owned(), None);
        }
        let saved = self.before - self.after;
        let percent = 100.0 * saved.abs() / self.before;
        let share = match percent {
            percent if (99.0..100.0).contains(&percent) => format!("{percent:.1} %"),
            percent => format!("{percent:.0} %"),
        };
        let time = Nanoseconds(saved.abs());
        match saved < 0.0 {
            true => (format!("nothing: {time} more"), Some(share)),
            false => (time.to_string(), Some(share)),
        }
    }

    /// Whether the ranges of both cells' trials overlap.
    fn is_drowned(&self) -> bool {
        let (Some(a), Some(b)) = (spread(self.from, Phase::Call), spread(self.to, Phase::Call))
        else {
            return false;
        };
        a.0 <= b.1 && b.0 <= a.1
    }

    /// Whether trials of one of both disagree.
    pub fn disagrees(&self) -> bool {
        disagrees(self.from, Phase::Call) || disagrees(self.to, Phase::Call)
    }
}
