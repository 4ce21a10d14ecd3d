//! What would make a fork cheaper, reckoned for one parent.

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::parent::Parent;
use super::piece::Piece;
use super::shape::{Part, Shape};
use crate::footprint::{BASE_PAGE, HUGE_PAGE};
use crate::units::human_size;

/// Something to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// A word for it that stays: `posix_spawn`, `vfork`, `thp`, `dontfork`, `vmas`, `fds`, `busy`.
    pub change: String,
    /// What to do, in words.
    pub what: String,
    /// When it goes, and what it costs elsewhere.
    pub condition: String,
    /// What it takes off the call, nanoseconds. They do not add up: each is reckoned by itself.
    pub saves_ns: u64,
    /// What the call comes to then.
    pub call_ns: u64,
}

/// What saves less than this share of the call is not worth a line.
const WORTH_TELLING: f64 = 0.03;
/// Descriptors that nobody would miss the cost of.
const FEW: f64 = 64.0;

/// What to change, the greatest saving first. `shape` is what the parent is taken for, `others` what vfork and
/// posix_spawn cost.
pub(super) fn changes(
    calibration: &Calibration,
    parent: &Parent,
    shape: &Shape,
    others: &[(&str, u64)],
) -> Vec<Change> {
    let fit = &calibration.call.rewritten;
    let Some(now) = fit.ns(shape) else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    let mut add = |name: &str, saves: f64, what: String, condition: &str| {
        if saves > WORTH_TELLING * now {
            changes.push(Change {
                change: name.to_owned(),
                what,
                condition: condition.to_owned(),
                saves_ns: saves.round() as u64,
                call_ns: (now - saves).max(0.0).round() as u64,
            });
        }
    };
    for &(name, ns) in others {
        let (what, condition) = instead(name);
        add(name, now - ns as f64, what.to_owned(), condition);
    }
    let places = parent.places().unwrap_or([1.0, 1.0]);
    if let Some((saves, bytes)) = huge(calibration, parent, places) {
        let what = format!(
            "back {} of 4 KiB pages with transparent huge pages (madvise(MADV_HUGEPAGE), or THP `always`)",
            human_size(bytes)
        );
        add("thp", saves, what, HUGE);
    }
    let cost_of = |piece: &Piece| fit.ns(&piece.shape(places)).unwrap_or(0.0);
    // No child could run without these.
    let spared = |piece: &&Piece| !["[heap]", "[stack]"].contains(&piece.name.as_str());
    let pieces = parent.pieces.iter().filter(spared);
    let dearest = pieces.max_by(|a, b| cost_of(a).total_cmp(&cost_of(b)));
    if let Some(piece) = dearest.filter(|_| parent.footprint.pid.is_some()) {
        let size = human_size(piece.pages * BASE_PAGE + piece.huge * HUGE_PAGE);
        let name = match piece.name.as_str() {
            "" => format!("at {:x}", piece.start),
            name => name.to_owned(),
        };
        let what = format!(
            "keep the largest mapping ({name}, {size}) from the child with madvise(MADV_DONTFORK)"
        );
        add("dontfork", cost_of(piece), what, KEPT);
    }
    for (part, name, share, what, condition) in [
        (
            Part::Vma,
            "vmas",
            0.5,
            "halve the number of mappings",
            FEWER,
        ),
        (Part::Fd, "fds", 1.0, "keep few descriptors open", CLOSED),
        (
            Part::Busy,
            "busy",
            1.0,
            "fork while no other thread runs",
            IDLE,
        ),
    ] {
        let spare = match part {
            Part::Fd => (shape.count(part) - FEW).max(0.0),
            _ => shape.count(part) * share,
        };
        let each = fit.cost(part).map_or(0.0, |cost| cost.ns);
        add(name, each * spare, what.to_owned(), condition);
    }
    changes.sort_by_key(|change| std::cmp::Reverse(change.saves_ns));
    changes
}

const HUGE: &str = "the first touch of each 2 MiB takes longer and takes all of it, so memory can grow; a page that is \
                    written while the child lives is split, and costs as 4 KiB pages until it is whole again";
const KEPT: &str = "the child must never touch it: it has nothing there";
const FEWER: &str =
    "larger allocations at a time, fewer libraries, fewer guard pages and changed protections";
const CLOSED: &str = "or have a small helper process fork, that holds none of them";
const IDLE: &str = "they run on other CPUs, which have to be told of each change in the page table";

/// What stands for fork where the child executes another program.
fn instead(mechanism: &str) -> (&'static str, &'static str) {
    match mechanism {
        "vfork" => (
            "vfork instead of fork",
            "only where the child at once executes another program or ends: it runs in its parent's memory, and the \
             thread that called waits for it",
        ),
        _ => (
            "posix_spawn instead of fork and exec",
            "only where the child at once executes another program; its time holds the exec of a small one already",
        ),
    }
}

/// What huge pages in place of all 4 KiB pages that could be such would save, and the bytes of these.
fn huge(calibration: &Calibration, parent: &Parent, places: [f64; 2]) -> Option<(f64, u64)> {
    let fit = &calibration.call.rewritten;
    let each = fit.cost(Part::PageThp)?.ns;
    let mut saves = 0.0;
    let mut pages = 0;
    for piece in parent.pieces.iter().filter(|piece| piece.could_be_huge) {
        let small = Piece {
            huge: 0,
            ..piece.clone()
        };
        let needed = (piece.pages * BASE_PAGE).div_ceil(HUGE_PAGE);
        let less = fit.ns(&small.shape(places))? - each * needed as f64;
        if less > 0.0 {
            saves += less;
            pages += piece.pages;
        }
    }
    (pages > 0).then_some((saves, pages * BASE_PAGE))
}
