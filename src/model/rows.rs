//! What a run says of fork: a row for each cell.

use super::shape::{Part, Shape, copied};
use crate::footprint::{Footprint, Page, State};
use crate::mechanism::Phase;
use crate::recording::{Cell, Placement, Run, Status};
use crate::statistics::median_of;

/// A measured cell.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// The cell's id.
    pub id: String,
    /// What its parent was made of: part by part, the median over trials.
    pub shape: Shape,
    /// Each trial's block and median in nanoseconds, by rising median. Never empty.
    pub trials: Vec<(u32, f64)>,
    /// Their middle: [`interquartile_mean`].
    pub ns: f64,
}

/// By how many times a parent of 4 KiB pages may be larger or smaller than another to say what its pages cost: what fork
/// waits for are 64 bytes of the kernel's for each page, and these fit one of the CPU's caches or don't.
const NEAR: u64 = 4;

/// Which parents of 4 KiB pages are looked at, by the size of their memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sizes {
    /// All.
    Any,
    /// Those about as large as so many bytes.
    Near(u64),
}

impl Sizes {
    fn include(self, footprint: &Footprint) -> bool {
        match self {
            Self::Near(bytes) if copied(footprint) && footprint.page == Page::Base => {
                footprint.bytes <= bytes.saturating_mul(NEAR)
                    && bytes <= footprint.bytes.saturating_mul(NEAR)
            }
            _ => true,
        }
    }
}

/// More of a part than any parent has: a run may come from a stranger.
const ABSURD: f64 = (1u64 << 48) as f64;

/// The `fork` cells of a run that tell of a state: native, pinned, measured, of those sizes, and in that state or
/// without a ballast that fork copies, which has none.
pub(super) fn rows(run: &Run, phase: Phase, state: State, sizes: Sizes) -> Vec<Row> {
    let fits = |cell: &&Cell| {
        cell.mechanism == "fork"
            && cell.subject == "native"
            && cell.exec.is_none()
            && cell.placement == Placement::Pinned
            && cell.status == Status::Ok
            && (cell.footprint.state == state || !copied(&cell.footprint))
            && sizes.include(&cell.footprint)
    };
    let cells = run.cells.iter().filter(fits);
    cells.filter_map(|cell| row(cell, phase)).collect()
}

/// `None` where no trial says both how long it took and what its parent was.
fn row(cell: &Cell, phase: Phase) -> Option<Row> {
    // Those of an A/B comparison are of two programs, or of pairs that are not counted.
    let trials = || cell.trials.iter().filter(|trial| trial.arm.is_empty());
    let shapes: Vec<Shape> = trials()
        .filter_map(|trial| Shape::of_receipt(&cell.footprint, &trial.receipt))
        .filter(|shape| {
            let counts = Part::ALL.map(|part| shape.count(part));
            counts.iter().all(|count| (0.0..ABSURD).contains(count))
        })
        .collect();
    let own = trials().filter_map(|trial| {
        let ns = trial.phases.get(&phase)?.quantiles.p50?;
        (ns > 0).then_some((trial.block, ns as f64))
    });
    let mut times: Vec<(u32, f64)> = own.collect();
    if times.is_empty() && trials().count() == cell.trials.len() {
        // Trials too short for a median of their own have one together.
        let together = cell.phases.get(&phase)?.p50.filter(|&ns| ns > 0)?;
        times.push((0, together as f64));
    }
    times.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
    let mut shape = Shape::default();
    for part in Part::ALL {
        let counts = shapes.iter().map(|shape| shape.count(part));
        shape = shape.with(part, median_of(counts)?);
    }
    Some(Row {
        id: cell.id.clone(),
        shape,
        ns: interquartile_mean(&times, |_| 1)?,
        trials: times,
    })
}

/// The mean of the middle half of rising values, of which each counts as often as its block weighs. A median of a
/// few trials jumps from one to the other where a host makes scattered pages cost either of two things; a mean
/// follows the one trial that something went wrong in. `None` where all weigh nothing.
pub(super) fn interquartile_mean(
    rising: &[(u32, f64)],
    weight: impl Fn(u32) -> usize,
) -> Option<f64> {
    let all: usize = rising.iter().map(|trial| weight(trial.0)).sum();
    let (first, last) = (0.25 * all as f64, 0.75 * all as f64);
    let (mut below, mut sum) = (0.0, 0.0);
    for &(block, ns) in rising {
        let above = below + weight(block) as f64;
        sum += ns * (above.min(last) - f64::max(below, first)).max(0.0);
        below = above;
    }
    (all > 0).then(|| sum / (last - first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_trials_neither_jumps_nor_follows_one() {
        let of = |times: &[f64]| {
            let trials: Vec<(u32, f64)> = (0..).zip(times.iter().copied()).collect();
            interquartile_mean(&trials, |_| 1)
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[5.0]), Some(5.0));
        assert_eq!(of(&[4.0, 6.0]), Some(5.0));
        assert_eq!(of(&[1.0, 2.0, 4.0, 900.0]), Some(3.0));
        let [few, many] = [[5.0, 5.0, 5.0, 8.0, 8.0], [5.0, 5.0, 8.0, 8.0, 8.0]].map(|t| of(&t));
        assert!((few.unwrap() - 5.9).abs() < 1e-9 && (many.unwrap() - 7.1).abs() < 1e-9);
    }

    #[test]
    fn a_trial_that_was_drawn_twice_counts_twice() {
        let trials = [(0, 2.0), (1, 4.0), (2, 10.0)];
        let drawn = interquartile_mean(&trials, |block| [2, 0, 2][block as usize]);
        assert_eq!(drawn, Some(6.0));
        assert_eq!(interquartile_mean(&trials, |_| 0), None);
    }
}
