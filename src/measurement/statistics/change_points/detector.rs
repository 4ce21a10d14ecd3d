//! From a series to its changes.

use super::DRIFT;
use super::change::{CONFIRMATION, Change, NEAR, Neighbours, Pending};
use super::cost::Lines;
use super::scale::running_scale;
use super::segments::{Lengths, Segmentation, segments};
use crate::statistics::median_of;

/// So many values have to lie before a change can be told from the spread.
pub const FEWEST: usize = 8;
/// What a cut has to save, in squares of the scale: seldom more than once in tens of thousands of nights by chance.
const PENALTY: f64 = 11.0;
/// Segments are cut after so many values at the latest. The slope of a line through so many is known far better than it need
/// be.
const LONGEST: usize = 128;
/// A value that lies further from the middle of the last [`MIDDLE`] than this many scales counts as if it lay there: one bad
/// night is no level.
const FURTHEST: f64 = 3.0;
pub(super) const MIDDLE: usize = 5;
/// Changes in one direction that lie no further apart are one, seen on different nights.
const SAME: usize = 10;

/// One value of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// When: the number of the run. Rising, and drift is counted in it.
    pub at: f64,
    /// The logarithm of what was measured; finite.
    pub value: f64,
}

/// Finds the changes of a series.
#[derive(Debug, Clone)]
pub struct Detector {
    pub(super) readings: Vec<Reading>,
    /// See [`running_scale`].
    pub(super) scales: Vec<f64>,
    pub(super) lines: Lines,
    segmentation: Segmentation,
    /// The smallest step that can be one, in logarithms: what the clock resolves.
    pub(super) resolution: f64,
}

impl Detector {
    /// Looks at a series. `resolution`: no step is smaller, in logarithms; 0 where any may be one.
    pub fn new(readings: Vec<Reading>, resolution: f64) -> Self {
        let values: Vec<f64> = readings.iter().map(|reading| reading.value).collect();
        let at: Vec<f64> = readings.iter().map(|reading| reading.at).collect();
        let scales = running_scale(&values);
        let weights: Vec<f64> = scales.iter().map(|scale| scale.powi(-2)).collect();
        let lines = Lines::of(&at, &drawn_in(&values, &scales), &weights, DRIFT);
        let lengths = Lengths {
            shortest: CONFIRMATION,
            longest: LONGEST,
        };
        Self {
            segmentation: segments(&lines, PENALTY, lengths),
            readings,
            scales,
            lines,
            resolution,
        }
    }

    /// How many values the series has.
    pub fn count(&self) -> usize {
        self.readings.len()
    }

    /// The changes that could be told after the first `count` values, in the order of time; with `from`, only those at that
    /// value or later.
    ///
    /// All of them are confirmed: [`CONFIRMATION`] values in a row lie at the new level.
    pub fn changes(&self, count: usize, from: usize) -> Vec<Change> {
        let count = count.min(self.count());
        if count < FEWEST {
            return Vec::new();
        }
        let cuts = self.segmentation.starts(count);
        let mut changes: Vec<Change> = Vec::new();
        for (index, &cut) in cuts.iter().enumerate().skip(1) {
            // What lies further back is in nobody's neighbourhood.
            if cut + 2 * NEAR < from {
                continue;
            }
            let neighbours = Neighbours {
                // A cut that was no change doesn't bound a level.
                before: changes.last().map_or(0, |change| change.at.min(cut - 1)),
                cut,
                after: cuts.get(index + 1).copied().unwrap_or(count),
            };
            changes.extend(self.judge(neighbours));
        }
        self.widened(&mut changes, count);
        changes.retain(|change| change.at >= from);
        changes
    }

    /// What is told after the first `count` values: their [`Detector::changes`], and those of the values before that the
    /// newest speak against; with `from`, as there. As [`CONFIRMATION`] values make a change, so many take it back: one good
    /// night is none.
    pub fn told(&self, count: usize, from: usize) -> Vec<Change> {
        let count = count.min(self.count());
        let mut told = self.changes(count, from);
        let recent = from.max(count.saturating_sub(2 * NEAR));
        for earlier in 1..CONFIRMATION.min(count) {
            for change in self.changes(count - earlier, recent) {
                let is_like = |other: &Change| {
                    other.at.abs_diff(change.at) <= SAME && other.effect * change.effect > 0.0
                };
                if !told.iter().any(is_like) {
                    told.push(change);
                }
            }
        }
        told.sort_by_key(|change| change.at);
        told
    }

    /// Judges changes again with all values up to the next: a cut that was none had kept some of them from speaking.
    fn widened(&self, changes: &mut [Change], count: usize) {
        for index in 0..changes.len() {
            let cut = changes[index].at;
            let next = changes.get(index + 1).map_or(count, |next| next.at);
            if changes[index].after == (next - cut.min(next)).min(NEAR) {
                continue;
            }
            let before = index.checked_sub(1).map_or(0, |last| changes[last].at);
            let neighbours = Neighbours {
                before: before.min(cut - 1),
                cut,
                after: next.max(cut + 1),
            };
            if let Some(again) = self.judge(neighbours).filter(|again| again.at == cut) {
                changes[index] = again;
            }
        }
    }

    /// What the newest of the first `count` values say that are too few to confirm a change.
    pub fn pending(&self, count: usize) -> Option<Pending> {
        let count = count.min(self.count());
        if count < FEWEST {
            return None;
        }
        let recent = count.saturating_sub(2 * NEAR);
        let level = self
            .changes(count, recent)
            .last()
            .map_or(0, |change| change.at);
        self.beyond(level, count)
    }
}

/// Values with those drawn in that lie far from the ones before. No value is moved by what comes after it.
fn drawn_in(values: &[f64], scales: &[f64]) -> Vec<f64> {
    let near = values
        .iter()
        .zip(scales)
        .enumerate()
        .map(|(at, (&value, scale))| {
            let last = &values[(at + 1).saturating_sub(MIDDLE)..=at];
            let middle = median_of(last.iter().copied()).unwrap_or(value);
            let reach = FURTHEST * scale;
            value.clamp(middle - reach, middle + reach)
        });
    near.collect()
}
