//! Whether a cut is a change, by how much, and how sure that is.
//!
//! The values just before a cut and those just after it are compared with the drift between them taken out. The effect is
//! Hodges and Lehmann's (1963): the median of all differences of one after and one before; its interval is that of the
//! Mann–Whitney test, with the normal law for the ranks (Lehmann, *Nonparametrics*, 1975, section 2.5). How sure a change is says
//! a permutation test of the greatest difference of mean ranks over all places where the window could be cut: that the
//! place was searched for is in it (the statistic is Pettitt's, 1979, and the permutations are those of Matteson and James's
//! E-divisive, 2014).

use super::detector::MIDDLE;
use super::ranks::{Shifted, greatest, ranked};
use super::{DRIFT, Detector};
use crate::statistics::{Random, median_of, normal_quantile};

/// So many values in a row have to lie at a new level before it is one.
pub const CONFIRMATION: usize = 3;
/// With which probability a change's interval holds its effect, were its place known.
pub const INTERVAL: f64 = 0.95;
/// Values on either side of a cut that speak of it.
pub(super) const NEAR: usize = 30;
/// A step is at least so many of its standard deviations.
const FIRM: f64 = 3.5;
/// And of so many while fewer than [`SETTLED`] values lie after it: three or four that happen to lie alike draw the eye.
const FIRM_AT_FIRST: f64 = 4.0;
const SETTLED: usize = 5;
/// And of so many scales: a smaller one can't be told from a drift that bends.
const LARGE: f64 = 2.0;
/// And that there is one is so sure: a bad night beside two that are a little slow is none.
const SURE: f64 = 0.95;
/// A value on the new side has come at least this part of the way.
const PART_OF_WAY: f64 = 0.25;
/// A value is beyond its level, though it may be alone with that, from so many scales on.
const BEYOND: f64 = 4.0;
/// So many values beyond their level and more are a change or none.
const MOST_PENDING: usize = 2 * CONFIRMATION;
/// A median of few values has to be of at least so many.
const FEWEST_BEFORE: usize = 5;
/// How far the place of a cut is looked for again, without values drawn in.
const SEARCH: usize = 4;
/// So many values after a step may have been drawn in: until most of the last five lie beyond it.
const DRAWN_IN: usize = MIDDLE / 2;
/// The variance of the Hodges–Lehmann estimate in that of the difference of means, for normal values: π/3.
const RANKS: f64 = std::f64::consts::FRAC_PI_3;
/// Permutations behind a confidence, which cannot be more than 99.9 %.
const PERMUTATIONS: usize = 999;
/// Those that decide whether a cut is one: every cut is asked.
const FEW_PERMUTATIONS: usize = 199;
const SEED: u64 = 0x6368_616e_6765;

/// A change of level. Effects are in logarithms; above 0 is slower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The first value at the new level.
    pub at: usize,
    /// How far the new level lies from the old.
    pub effect: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Values at the new level that were looked at.
    pub after: usize,
    /// Where the values before it that were looked at begin.
    from: usize,
    /// The drifts before and after it, which were taken out.
    slopes: [f64; 2],
}

/// Newest values beyond the level that are too few, or not clear enough, to be a new one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pending {
    /// The first of them.
    pub at: usize,
    /// How many there are. [`CONFIRMATION`] and more are not yet clear enough for a change.
    pub runs: usize,
    /// How far their median lies from the level, in logarithms.
    pub effect: f64,
}

/// A cut, and how far its neighbourhood may reach.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbours {
    /// Where the level before it begins.
    pub before: usize,
    /// The first value after the cut.
    pub cut: usize,
    /// Where the next segment begins.
    pub after: usize,
}

/// A slope that is taken out, and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Drift {
    slope: f64,
    deviation: f64,
}

impl Detector {
    /// The change at a cut, if it is one.
    pub(super) fn judge(&self, near: Neighbours) -> Option<Change> {
        let cut = self.placed(near);
        let from = near.before.max(cut.saturating_sub(NEAR));
        let to = near.after.min(cut + NEAR);
        if cut < from + CONFIRMATION || to < cut + CONFIRMATION {
            return None;
        }
        let [old, new] = self.drifts(near.before, cut, near.after);
        let (before, after) = (
            self.level(from, cut, cut, old.slope),
            self.level(cut, to, cut, new.slope),
        );
        let strays = self.scales[cut - 1].max(self.scales[to - 1]);
        let way = |from: usize, to: usize| self.centre(from, to) - self.readings[cut].at;
        let lever = (old.deviation * way(from, cut)).hypot(new.deviation * way(cut, to));
        let counts = 1.0 / before.len() as f64 + 1.0 / after.len() as f64;
        let deviation = (strays.powi(2) * RANKS * counts + lever.powi(2)).sqrt();
        let firm = if after.len() < SETTLED {
            FIRM_AT_FIRST
        } else {
            FIRM
        };
        let least = (firm * deviation).max(LARGE * strays).max(self.resolution);
        let level = median_of(before.iter().copied())?;
        // Most cuts are none, and all pairs are many.
        if (median_of(after.iter().copied())? - level).abs() < least / 2.0 {
            return None;
        }
        let shift = Shifted::of(&before, &after);
        if shift.effect.abs() < least {
            return None;
        }
        let mut run = 0;
        let is_confirmed = after.iter().any(|value| {
            let way = (value - level) * shift.effect.signum();
            run = if way > PART_OF_WAY * shift.effect.abs() {
                run + 1
            } else {
                0
            };
            run >= CONFIRMATION
        });
        let reach = normal_quantile((1.0 + INTERVAL) / 2.0) * lever;
        let change = is_confirmed.then(|| Change {
            at: cut,
            effect: shift.effect,
            low: shift.effect - (shift.effect - shift.low).hypot(reach),
            high: shift.effect + (shift.high - shift.effect).hypot(reach),
            after: after.len(),
            from,
            slopes: [old.slope, new.slope],
        });
        change.filter(|change| self.permuted(change, FEW_PERMUTATIONS) >= SURE)
    }

    /// The newest values that all lie beyond the level which begins at `level`.
    pub(super) fn beyond(&self, level: usize, count: usize) -> Option<Pending> {
        (1..=MOST_PENDING).rev().find_map(|runs| {
            let at = count.checked_sub(runs)?;
            let from = level.max(at.saturating_sub(NEAR));
            if at < from + FEWEST_BEFORE {
                return None;
            }
            let [drift, _] = self.drifts(level, at, at);
            let old = median_of(self.level(from, at, at, drift.slope))?;
            let apart: Vec<f64> = self
                .level(at, count, at, drift.slope)
                .iter()
                .map(|value| value - old)
                .collect();
            let reach = (BEYOND * self.scales[at - 1]).max(self.resolution);
            let is_beyond = |way: f64| apart.iter().all(|apart| apart * way > reach);
            let effect = median_of(apart.iter().copied())?;
            (is_beyond(1.0) || is_beyond(-1.0)).then_some(Pending { at, runs, effect })
        })
    }

    /// With which confidence there is a change in the neighbourhood of `change`, 0 to 0.999.
    pub fn confidence(&self, change: &Change) -> f64 {
        self.permuted(change, PERMUTATIONS)
    }

    /// The same from so many permutations.
    fn permuted(&self, change: &Change, permutations: usize) -> f64 {
        let (cut, [old, new]) = (change.at, change.slopes);
        let mut values = self.level(change.from, cut, cut, old);
        values.extend(self.level(cut, cut + change.after, cut, new));
        let mut ranks = ranked(&values);
        let seen = greatest(&ranks);
        let mut random = Random::new(SEED);
        let as_great = (0..permutations).filter(|_| {
            random.shuffle(&mut ranks);
            greatest(&ranks) >= seen * (1.0 - 1e-12)
        });
        1.0 - (1 + as_great.count()) as f64 / (1 + permutations) as f64
    }

    /// Values with the drift since the cut taken out.
    fn level(&self, from: usize, to: usize, cut: usize, slope: f64) -> Vec<f64> {
        let origin = self.readings[cut].at;
        let readings = self.readings[from..to].iter();
        readings
            .map(|reading| reading.value - slope * (reading.at - origin))
            .collect()
    }

    fn centre(&self, from: usize, to: usize) -> f64 {
        let sum: f64 = self.readings[from..to]
            .iter()
            .map(|reading| reading.at)
            .sum();
        sum / (to - from) as f64
    }

    /// The drift before and after a cut. The longer side knows its own; the shorter goes on as the longer did, unless it
    /// knows better.
    fn drifts(&self, before: usize, cut: usize, after: usize) -> [Drift; 2] {
        let from = before.max(cut.saturating_sub(2 * NEAR));
        let to = after.min(cut + 2 * NEAR);
        // Beforehand it may be anything up to the bound.
        let usual = Drift {
            slope: 0.0,
            deviation: DRIFT,
        };
        let follows = |drift: Drift| Drift {
            deviation: drift.deviation.hypot(DRIFT),
            ..drift
        };
        // The first nights of a large step were drawn in.
        let settled = (cut + DRAWN_IN).min(to);
        if cut - from >= to - cut {
            let old = self.drift(from, cut, usual);
            [old, self.drift(settled, to, follows(old))]
        } else {
            let new = self.drift(settled, to, usual);
            [self.drift(from, cut, follows(new)), new]
        }
    }

    /// The drift of a side, from its values and what is expected of it.
    fn drift(&self, from: usize, to: usize, expected: Drift) -> Drift {
        if to < from + 2 {
            return expected;
        }
        let (slope, squares) = self.lines.slope(from, to);
        let known = expected.deviation.powi(2) * squares;
        let share = known / (known + 1.0);
        Drift {
            slope: expected.slope + share * (slope - expected.slope),
            deviation: expected.deviation * (1.0 - share).sqrt(),
        }
    }

    /// Where the step really is. For finding segments bad nights were drawn in, and the first nights of a large step
    /// are bad nights until more follow.
    fn placed(&self, near: Neighbours) -> usize {
        let Neighbours { before, cut, after } = near;
        let side = |from: usize, to: usize| {
            median_of(self.readings[from..to].iter().map(|reading| reading.value))
        };
        let old = side(before.max(cut.saturating_sub(NEAR)), cut);
        let new = side(cut, after.min(cut + NEAR));
        let (Some(old), Some(new)) = (old, new) else {
            return cut;
        };
        let (first, last) = (
            cut.saturating_sub(SEARCH).max(before + 1),
            (cut + SEARCH).min(after - 1),
        );
        let cost = |place: usize| -> f64 {
            let values = (first..last).map(|at| (at, self.readings[at].value));
            values
                .map(|(at, value)| (value - if at < place { old } else { new }).abs())
                .sum()
        };
        let mut best = (cost(cut), cut);
        for place in first..=last {
            let cost = cost(place);
            if cost < best.0 {
                best = (cost, place);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::change_points::Reading;

    /// `count` nights of a spread of 1 %, with what `moved` adds.
    fn detector(count: usize, seed: u64, moved: impl Fn(usize) -> f64) -> Detector {
        let mut random = Random::new(seed);
        let readings = (0..count).map(|night| Reading {
            at: night as f64,
            value: 8.0 + 0.01 * random.normal() + moved(night),
        });
        Detector::new(readings.collect(), 0.0)
    }

    fn step(at: usize, by: f64) -> impl Fn(usize) -> f64 {
        move |night| if night >= at { by } else { 0.0 }
    }

    #[test]
    fn a_step_is_one_change_at_its_place_with_its_effect() {
        for (seed, by) in [(1, 0.08), (2, -0.08), (3, 0.5), (4, 2.0)] {
            let detector = detector(120, seed, step(70, by));
            let changes = detector.changes(120, 0);
            assert_eq!(changes.len(), 1, "{by}: {changes:?}");
            let change = changes[0];
            assert_eq!(change.at, 70, "{by}");
            assert!((change.effect - by).abs() < 0.015, "{change:?}");
            assert!(change.low < change.effect && change.effect < change.high);
            assert!(change.high - change.low < 0.03, "{change:?}");
            assert!(detector.confidence(&change) >= 0.999 - 1e-9);
        }
    }

    #[test]
    fn three_nights_confirm_and_fewer_are_pending() {
        for (seed, by) in [(1, 0.12), (2, -0.12)] {
            let detector = detector(103, seed, step(100, by));
            assert!(detector.changes(102, 0).is_empty() && detector.pending(100).is_none());
            for runs in [1, 2] {
                let pending = detector.pending(100 + runs).unwrap();
                assert_eq!((pending.at, pending.runs), (100, runs));
                assert!((pending.effect - by).abs() < 0.03);
            }
            let changes = detector.changes(103, 0);
            assert_eq!(
                (changes.len(), changes[0].at, changes[0].after),
                (1, 100, 3)
            );
            assert!(detector.pending(103).is_none());
            assert!(detector.confidence(&changes[0]) > 0.95);
        }
    }

    #[test]
    fn drift_and_single_bad_nights_are_no_change() {
        let drifting = detector(400, 5, |night| 0.001 * night as f64);
        assert!(drifting.changes(400, 0).is_empty());
        let bent = detector(400, 6, |night| 0.001 * (night as f64 - 200.0).abs());
        assert!(bent.changes(400, 0).is_empty());
        let bad = detector(400, 7, |night| if night % 23 == 5 { 0.4 } else { 0.0 });
        let seen = bad.changes(400, 0);
        assert!(seen.is_empty(), "{seen:?}");
        let twice = detector(
            101,
            8,
            |night| if night == 97 || night == 98 { 0.3 } else { 0.0 },
        );
        for count in 90..=101 {
            assert!(twice.changes(count, 0).is_empty(), "{count}");
        }
    }

    #[test]
    fn what_the_clock_does_not_resolve_is_no_step() {
        let readings = |by: f64| {
            (0..90).map(move |night| Reading {
                at: f64::from(night),
                value: if night >= 60 { by } else { 0.0 },
            })
        };
        assert!(
            Detector::new(readings(0.04).collect(), 0.06)
                .changes(90, 0)
                .is_empty()
        );
        assert_eq!(
            Detector::new(readings(0.08).collect(), 0.06)
                .changes(90, 0)
                .len(),
            1
        );
        assert!(Detector::new(Vec::new(), 0.0).changes(5, 0).is_empty());
    }

    #[test]
    fn confidence_is_seldom_high_where_nothing_changed() {
        let mut high = 0;
        for seed in 0..200 {
            let detector = detector(40, 100 + seed, |_| 0.0);
            let nothing = Change {
                at: 20,
                effect: 0.0,
                low: 0.0,
                high: 0.0,
                after: 20,
                from: 0,
                slopes: [0.0; 2],
            };
            high += usize::from(detector.confidence(&nothing) >= 0.95);
        }
        assert!((2..=20).contains(&high), "{high} of 200");
    }
}
