//! Whoever asks every night what has changed: when steps are found, and what is called one that is none.

use std::thread;

use forkbench::statistics::change_points::{Change, Detector, Reading, common_part};

use super::nights::{CELLS, Kind, Nights, Step, nights};

/// A change that was called lies where a step is if it is no further away than so many nights.
const NEAR: usize = 10;
/// Nights after a step within which it may be found.
const PATIENCE: usize = 40;
/// Nights after a step in which it should be told again and again once it was.
const STANDS: usize = 20;

/// What came of a host's nights.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// Of each step, after how many of its own runs it was told; `None` if it wasn't.
    pub delays: Vec<Option<usize>>,
    /// Of each step that was found five runs after it, or when it was: whether its interval held the effect.
    pub held: Vec<bool>,
    /// Of each step that was told, whether there was a night soon after on which it wasn't.
    pub withdrawn: Vec<bool>,
    /// Changes that were told where there was no step.
    pub false_alarms: usize,
    /// Cells times nights.
    pub cell_nights: usize,
}

impl Watched {
    /// Adds another host's nights.
    pub fn add(&mut self, other: Self) {
        self.delays.extend(other.delays);
        self.held.extend(other.held);
        self.withdrawn.extend(other.withdrawn);
        self.false_alarms += other.false_alarms;
        self.cell_nights += other.cell_nights;
    }

    /// The share of steps that were told after at most so many runs.
    pub fn within(&self, runs: usize) -> f64 {
        let told = self
            .delays
            .iter()
            .filter(|delay| delay.is_some_and(|delay| delay <= runs));
        told.count() as f64 / self.delays.len().max(1) as f64
    }

    /// The delay that a share of the steps does not exceed, `None` where fewer were told at all.
    pub fn delay(&self, share: f64) -> Option<usize> {
        let mut delays: Vec<usize> = self
            .delays
            .iter()
            .map(|delay| delay.unwrap_or(usize::MAX))
            .collect();
        delays.sort_unstable();
        let place = (share * delays.len() as f64).ceil() as usize;
        delays
            .get(place.max(1) - 1)
            .copied()
            .filter(|delay| *delay < usize::MAX)
    }

    /// False alarms in a thousand cells' nights.
    pub fn alarms_per_thousand(&self) -> f64 {
        1_000.0 * self.false_alarms as f64 / self.cell_nights.max(1) as f64
    }
}

/// Watches `hosts` hosts of a kind, on all processors.
pub fn watched(kind: Kind, hosts: u64, seed: u64) -> Watched {
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let watch_every = |first: u64| {
        let mut part = Watched::default();
        for host in (first..hosts).step_by(threads as usize) {
            part.add(watch(&nights(kind, seed + host)));
        }
        part
    };
    let mut all = Watched::default();
    thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || watch_every(first)))
            .collect();
        for handle in handles {
            all.add(handle.join().expect("watching does not panic"));
        }
    });
    all
}

/// Watches a host: each cell against the others, and what they have in common.
pub fn watch(nights: &Nights) -> Watched {
    let cells: Vec<&[f64]> = nights.cells.iter().map(Vec::as_slice).collect();
    let parted = common_part(&cells, &[true; CELLS]);
    let mut all = Watched::default();
    let series = parted
        .cells
        .iter()
        .enumerate()
        .map(|(cell, values)| (Some(cell), values));
    for (cell, values) in series.chain([(None, &parted.common)]) {
        let steps: Vec<Step> = nights
            .steps
            .iter()
            .copied()
            .filter(|step| step.cell == cell)
            .collect();
        all.add(watch_series(values, &steps));
    }
    all
}

fn watch_series(values: &[f64], steps: &[Step]) -> Watched {
    let measured = values
        .iter()
        .enumerate()
        .filter(|(_, value)| value.is_finite());
    let readings: Vec<Reading> = measured
        .map(|(night, &value)| Reading {
            at: night as f64,
            value,
        })
        .collect();
    let first_at: Vec<usize> = steps
        .iter()
        .map(|step| readings.partition_point(|reading| reading.at < step.night as f64))
        .collect();
    let detector = Detector::new(readings, 0.0);
    let mut watched = Watched {
        delays: vec![None; steps.len()],
        cell_nights: values.len(),
        ..Watched::default()
    };
    let mut known: Vec<usize> = Vec::new();
    let mut withdrawn = vec![false; steps.len()];
    for count in 1..=detector.count() {
        let mut told = vec![false; steps.len()];
        // Most of what is told late is told within a month; the rest is looked for every ten nights.
        let back = if count % 10 == 0 { 120 } else { 25 };
        for change in detector.told(count, count.saturating_sub(back)) {
            let step = steps.iter().zip(&first_at).position(|(step, &at)| {
                change.at.abs_diff(at) <= NEAR
                    && count > at
                    && count <= at + PATIENCE
                    && step.effect * change.effect > 0.0
            });
            match step {
                Some(step) => {
                    told[step] = true;
                    watched.delays[step].get_or_insert(count - first_at[step]);
                }
                None if known.iter().any(|at| at.abs_diff(change.at) <= NEAR) => {}
                // A step that was told late, or not quite where it is.
                None if first_at
                    .iter()
                    .any(|&at| change.at.abs_diff(at) <= 2 * NEAR && count > at) => {}
                None => {
                    known.push(change.at);
                    watched.false_alarms += 1;
                }
            }
        }
        for (step, told) in told.into_iter().enumerate() {
            let stands = !told && count <= first_at[step] + STANDS;
            withdrawn[step] |= stands && watched.delays[step].is_some();
        }
    }
    let was_told = watched.delays.iter().zip(withdrawn);
    watched.withdrawn = was_told
        .filter_map(|(delay, withdrawn)| delay.map(|_| withdrawn))
        .collect();
    watched.held = held(&detector, steps, &first_at);
    watched
}

/// Whether intervals hold the effects, of steps that can be told twenty runs later.
fn held(detector: &Detector, steps: &[Step], first_at: &[usize]) -> Vec<bool> {
    let told = steps.iter().zip(first_at).filter_map(|(step, &at)| {
        let changes = detector.changes(at + 20, at.saturating_sub(NEAR));
        let change: &Change = changes.iter().find(|change| change.at.abs_diff(at) <= 1)?;
        Some(change.low <= step.effect && step.effect <= change.high)
    });
    told.collect()
}
