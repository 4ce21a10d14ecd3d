//! What a sitting does to everything that is measured in it.
//!
//! The value of a cell in a run is taken to be its level, plus what the sitting does to all cells alike, plus its own
//! noise. What the sitting does is a robust mean, over the other cells of the run, of how far they lie from
//! their levels; a cell's level is the median of what the runs before left of it. So nothing that happens later changes
//! what was found, a step in one cell is not in what the others say, and neither is one in a third of them.
//!
//! A cell is never its own reference. What moves all cells moves no cell against the others: it stands in the common part,
//! which is a series like the others, with a wider spread.

use super::window::Window;
use crate::statistics::BETWEEN;
use crate::statistics::median_of;

/// So many other cells of a run have to say what the sitting did.
pub const FEWEST_REFERENCES: usize = 4;
/// Runs that a cell's level is the median of.
const LEVEL: usize = 21;
/// Differences that a cell's weight comes from.
const MEMORY: usize = 48;

/// Series with the common part of their sittings taken out. What was not measured, or can't be known, is NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalised {
    /// What each run's sitting did to all cells, in logarithms against the first run.
    pub common: Vec<f64>,
    /// Each cell's log values without it.
    pub cells: Vec<Vec<f64>>,
}

/// What is known of a cell.
struct Known {
    level: Window,
    differences: Window,
    last: f64,
}

/// How far a reference lies from its level, and how far it usually does.
struct Witness {
    cell: usize,
    apart: f64,
    spread: f64,
}

/// Takes the common part of each run out of `cells`: of each cell the log values of all runs, in the order of time, NaN where
/// there is none. Those whose `is_reference` is set say what the common part is; of each cell the others, save itself.
///
/// A run's cell whose run has fewer than [`FEWEST_REFERENCES`] others that say it is NaN.
pub fn common_part(cells: &[&[f64]], is_reference: &[bool]) -> Normalised {
    let runs = cells.iter().map(|values| values.len()).max().unwrap_or(0);
    let mut known: Vec<Known> = cells
        .iter()
        .map(|_| Known {
            level: Window::new(LEVEL),
            differences: Window::new(MEMORY),
            last: f64::NAN,
        })
        .collect();
    let mut normalised = Normalised {
        common: vec![f64::NAN; runs],
        cells: vec![vec![f64::NAN; runs]; cells.len()],
    };
    let mut has_begun = false;
    for run in 0..runs {
        let value = |cell: usize| cells[cell].get(run).copied().unwrap_or(f64::NAN);
        let asked = |cell: usize| is_reference.get(cell) == Some(&true) && value(cell).is_finite();
        let mut witnesses = Vec::new();
        for (cell, known) in known.iter().enumerate() {
            if let (true, Some(level)) = (asked(cell), known.level.median()) {
                let apart = value(cell) - level;
                let spread = spread(known);
                witnesses.push(Witness {
                    cell,
                    apart,
                    spread,
                });
            }
        }
        // Levels begin with the first run of enough cells, and again where all of a run's cells are new.
        let measured = (0..cells.len()).filter(|&cell| asked(cell)).count();
        let begins = witnesses.len() < FEWEST_REFERENCES && measured > FEWEST_REFERENCES;
        let said = Said::of(&witnesses, cells.len());
        if begins {
            normalised.common[run] = if has_begun { f64::NAN } else { 0.0 };
            has_begun = true;
        } else {
            normalised.common[run] = said.without(None).unwrap_or(f64::NAN);
        }
        for (cell, known) in known.iter_mut().enumerate() {
            let common = match begins {
                true => (known.level.count() == 0).then_some(0.0),
                false => said.without(Some(cell)),
            };
            if let (true, Some(common)) = (value(cell).is_finite(), common) {
                let rest = value(cell) - common;
                normalised.cells[cell][run] = rest;
                known.take(rest);
            }
        }
    }
    normalised
}

impl Known {
    fn take(&mut self, rest: f64) {
        self.level.push(rest);
        if self.last.is_finite() {
            self.differences.push((rest - self.last).abs());
        }
        self.last = rest;
    }
}

/// How far a cell strays between runs, roughly: a weight needs no more. The median of absolute differences of normal values
/// is 0.95 of their standard deviation.
fn spread(known: &Known) -> f64 {
    let seen = known.differences.median().unwrap_or(BETWEEN);
    let count = known.differences.count() as f64;
    (8.0 * BETWEEN + count * seen) / (8.0 + count) + 1e-3
}

/// What the references of a run say together: Tukey's biweight (Mosteller and Tukey, *Data Analysis and Regression*, 1977,
/// section 10), begun at the median. One that lies far off says nothing, so that a step of some is not in it.
struct Said {
    count: usize,
    /// Sums of weights, and of weights times what they say.
    sums: [f64; 2],
    /// What each cell adds to the sums; 0 of those that say nothing.
    parts: Vec<[f64; 2]>,
    heard: Vec<bool>,
    middle: f64,
}

/// One that lies so many of its own spreads off says nothing.
const FURTHEST: f64 = 5.0;
/// Rounds of weighing anew.
const ROUNDS: usize = 4;

impl Said {
    fn of(witnesses: &[Witness], cells: usize) -> Self {
        let mut said = Self {
            count: witnesses.len(),
            sums: [0.0; 2],
            parts: vec![[0.0; 2]; cells],
            heard: vec![false; cells],
            middle: median_of(witnesses.iter().map(|witness| witness.apart)).unwrap_or(0.0),
        };
        for _ in 0..ROUNDS {
            said.sums = [0.0; 2];
            for witness in witnesses {
                let off = (witness.apart - said.middle) / (FURTHEST * witness.spread);
                let weight = (1.0 - off * off).max(0.0).powi(2) / witness.spread.powi(2);
                let part = [weight, weight * witness.apart];
                said.parts[witness.cell] = part;
                said.heard[witness.cell] = true;
                said.sums = [said.sums[0] + part[0], said.sums[1] + part[1]];
            }
            if said.sums[0] > 0.0 {
                said.middle = said.sums[1] / said.sums[0];
            }
        }
        said
    }

    /// What they say without the cell `but`; `None` where they are too few.
    fn without(&self, but: Option<usize>) -> Option<f64> {
        let is_heard = but.is_some_and(|cell| self.heard[cell]);
        if self.count - usize::from(is_heard) < FEWEST_REFERENCES {
            return None;
        }
        let own = but.map_or([0.0; 2], |cell| self.parts[cell]);
        let weight = self.sums[0] - own[0];
        Some(match weight > 1e-3 * self.sums[0] {
            true => (self.sums[1] - own[1]) / weight,
            false => self.middle,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Random;

    /// Cells at different levels, in sittings that differ by 4 %.
    fn sittings(cells: usize, runs: usize, seed: u64) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut random = Random::new(seed);
        let common: Vec<f64> = (0..runs).map(|_| 0.04 * random.normal()).collect();
        let values = (0..cells).map(|cell| {
            let noisy = common
                .iter()
                .map(|common| 10.0 + cell as f64 + common + 0.014 * random.normal());
            noisy.collect()
        });
        (values.collect(), common)
    }

    fn parted_of(values: &[Vec<f64>]) -> Normalised {
        let slices: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
        common_part(&slices, &vec![true; values.len()])
    }

    fn deviation(values: &[f64]) -> f64 {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / values.len() as f64).sqrt()
    }

    #[test]
    fn what_sittings_do_to_all_is_taken_out() {
        let (values, common) = sittings(40, 300, 1);
        let parted = parted_of(&values);
        for cell in &parted.cells {
            let left = deviation(&cell[30..]);
            assert!((0.011..0.018).contains(&left), "{left}");
        }
        // What is found differs from what was there by hardly more than a constant.
        let apart: Vec<f64> = parted
            .common
            .iter()
            .zip(&common)
            .map(|(a, b)| a - b)
            .collect();
        assert!(deviation(&apart[30..]) < 0.006);
    }

    #[test]
    fn a_step_of_some_cells_is_theirs_and_one_of_all_is_common() {
        let (mut values, _) = sittings(30, 200, 2);
        for cell in &mut values[..8] {
            cell[100..].iter_mut().for_each(|value| *value += 0.15);
        }
        for cell in &mut values {
            cell[150..].iter_mut().for_each(|value| *value += 0.30);
        }
        let parted = parted_of(&values);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        for (index, cell) in parted.cells.iter().enumerate() {
            let step = mean(&cell[105..145]) - mean(&cell[60..100]);
            let expected = if index < 8 { 0.15 } else { 0.0 };
            assert!((step - expected).abs() < 0.012, "{index}: {step}");
            let common = mean(&cell[155..195]) - mean(&cell[105..145]);
            assert!(common.abs() < 0.012, "{index}: {common}");
        }
        let common = mean(&parted.common[155..195]) - mean(&parted.common[105..145]);
        assert!((common - 0.30).abs() < 0.03, "{common}");
    }

    #[test]
    fn what_came_later_changes_nothing_and_gaps_are_gaps() {
        let (mut values, _) = sittings(12, 120, 3);
        values[3][40..60].fill(f64::NAN);
        values[5].truncate(90);
        let whole = parted_of(&values);
        assert!(whole.cells[3][40..60].iter().all(|value| value.is_nan()));
        assert!(whole.cells[5][90..].iter().all(|value| value.is_nan()));
        assert!(whole.cells[3][60..].iter().all(|value| value.is_finite()));
        let first: Vec<Vec<f64>> = values
            .iter()
            .map(|cell| cell[..cell.len().min(70)].to_vec())
            .collect();
        let part = parted_of(&first);
        for (whole, part) in whole.cells.iter().zip(&part.cells) {
            let bits = |values: &[f64]| {
                values
                    .iter()
                    .map(|value| value.to_bits())
                    .collect::<Vec<_>>()
            };
            assert_eq!(bits(&whole[..70]), bits(part));
        }
    }

    #[test]
    fn named_references_say_it_alone_and_too_few_say_nothing() {
        let (mut values, _) = sittings(20, 80, 4);
        for cell in &mut values[..14] {
            cell[40..].iter_mut().for_each(|value| *value += 0.2);
        }
        let slices: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
        let references: Vec<bool> = (0..20).map(|cell| cell >= 14).collect();
        let parted = common_part(&slices, &references);
        let step = parted.cells[0][40..].iter().sum::<f64>() / 40.0
            - parted.cells[0][..40].iter().sum::<f64>() / 40.0;
        assert!((step - 0.2).abs() < 0.02, "{step}");
        let three = common_part(&slices[..4], &[true; 4]);
        assert!(three.cells.iter().flatten().all(|value| value.is_nan()));
        assert!(common_part(&[], &[]).common.is_empty());
        // A first run of few cells does not keep the others from being known.
        let mut late = values.clone();
        late[3..]
            .iter_mut()
            .for_each(|cell| cell[..5].fill(f64::NAN));
        let late = parted_of(&late);
        assert!(
            late.cells
                .iter()
                .all(|cell| cell[6..].iter().all(|value| value.is_finite()))
        );
    }
}
