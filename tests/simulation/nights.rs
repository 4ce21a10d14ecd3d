//! Years of nights that are made up: what a host's cells measure, each night in a sitting of its own.
//!
//! Figures are those of a real host. Trials of a cell spread by 0.6 to 2.4 %; sittings move all cells by 3 to 5 %, and each
//! cell by 1.25 % for itself, so that dividing by the other cells leaves 1.4 % over all, and 1.6 % with the widest trials. One night
//! in a hundred is bad for a cell, one in a hundred for all of them, and one measurement in fifty is missing. Cells and the
//! host drift, at a rate that changes now and then and is 0.1 % a night at most.

use forkbench::statistics::Random;

/// Cells of a host.
pub const CELLS: usize = 40;
const TRIALS: usize = 8;
/// Standard deviations of trials, one cell after the other.
const OF_TRIALS: [f64; 4] = [0.006, 0.007, 0.006, 0.024];
const OF_CELL: f64 = 0.0125;
const OF_SITTINGS: [f64; 3] = [0.03, 0.04, 0.05];
const BAD: f64 = 0.01;
const MISSING: f64 = 0.02;
const FASTEST_DRIFT: f64 = 0.001;

/// What is made.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub nights: usize,
    /// Every change of level, as a ratio less one; 0 for none. Upwards and downwards in turn.
    pub step: f64,
    /// Whether a step is that of all cells at once.
    pub is_common: bool,
    pub drifts: bool,
    /// How much of what a sitting did is still there in the next: 0 is nothing.
    pub memory: f64,
}

impl Kind {
    /// A thousand nights on which nothing happens.
    pub const STILL: Self = Self {
        nights: 1_000,
        step: 0.0,
        is_common: false,
        drifts: false,
        memory: 0.0,
    };
}

/// A change of level that is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Of which cell; `None` is all of them.
    pub cell: Option<usize>,
    /// The first night at the new level.
    pub night: usize,
    /// In logarithms.
    pub effect: f64,
}

/// A host's nights.
pub struct Nights {
    /// Of each cell the log values by night; NaN where there is none.
    pub cells: Vec<Vec<f64>>,
    pub steps: Vec<Step>,
}

/// A drift whose rate changes now and then.
struct Drifting {
    rate: f64,
    value: f64,
    left: u64,
}

impl Drifting {
    fn new() -> Self {
        Self {
            rate: 0.0,
            value: 0.0,
            left: 0,
        }
    }

    fn next(&mut self, random: &mut Random) -> f64 {
        if self.left == 0 {
            // The fastest there is, one time in three.
            self.rate = match random.below(3) {
                0 => FASTEST_DRIFT * if random.below(2) == 0 { 1.0 } else { -1.0 },
                _ => FASTEST_DRIFT * (2.0 * random.unit() - 1.0),
            };
            self.left = 100 + random.below(300);
        }
        self.left -= 1;
        self.value += self.rate;
        self.value
    }
}

/// When steps come: 60 to 120 nights apart.
fn nights_of_steps(kind: Kind, random: &mut Random) -> Vec<usize> {
    let mut nights = Vec::new();
    let mut night = 60 + random.below(60) as usize;
    while kind.step != 0.0 && night + 40 < kind.nights {
        nights.push(night);
        night += 60 + random.below(60) as usize;
    }
    nights
}

fn steps(kind: Kind, random: &mut Random) -> Vec<Step> {
    let whose: Vec<Option<usize>> = match kind.is_common {
        true => vec![None],
        false => (0..CELLS).map(Some).collect(),
    };
    let mut steps = Vec::new();
    for cell in whose {
        let mut is_up = random.below(2) == 0;
        for night in nights_of_steps(kind, random) {
            let effect = kind.step.ln_1p() * if is_up { 1.0 } else { -1.0 };
            steps.push(Step {
                cell,
                night,
                effect,
            });
            is_up = !is_up;
        }
    }
    steps
}

/// A median of normal values.
fn median_of_trials(random: &mut Random, spread: f64) -> f64 {
    let mut trials: [f64; TRIALS] = std::array::from_fn(|_| spread * random.normal());
    trials.sort_unstable_by(f64::total_cmp);
    (trials[TRIALS / 2 - 1] + trials[TRIALS / 2]) / 2.0
}

/// How much slower a bad night is.
fn bad(random: &mut Random) -> f64 {
    -0.10 * (1.0 - random.unit()).ln()
}

/// Makes a host's nights.
pub fn nights(kind: Kind, seed: u64) -> Nights {
    let random = &mut Random::new(seed);
    let steps = steps(kind, random);
    let mut cells = vec![Vec::new(); CELLS];
    let mut drifts: Vec<Drifting> = (0..=CELLS).map(|_| Drifting::new()).collect();
    let between = OF_SITTINGS[(seed % 3) as usize];
    let mut sitting = 0.0;
    for _ in 0..kind.nights {
        let fresh = (1.0 - kind.memory.powi(2)).sqrt() * between * random.normal();
        sitting = kind.memory * sitting + fresh;
        let is_bad = random.unit() < BAD;
        let common = sitting + if is_bad { bad(random) } else { 0.0 };
        let of_host = if kind.drifts {
            drifts[CELLS].next(random)
        } else {
            0.0
        };
        for (cell, values) in cells.iter_mut().enumerate() {
            let drift = if kind.drifts {
                drifts[cell].next(random)
            } else {
                0.0
            };
            let own = OF_CELL * random.normal() * if is_bad { 3.0 } else { 1.0 };
            let bad = if random.unit() < BAD {
                bad(random)
            } else {
                0.0
            };
            let trials = median_of_trials(random, OF_TRIALS[cell % OF_TRIALS.len()]);
            let value = 9.0 + 0.1 * cell as f64 + common + of_host + drift + own + bad + trials;
            values.push(if random.unit() < MISSING {
                f64::NAN
            } else {
                value
            });
        }
    }
    for step in &steps {
        for (cell, values) in cells.iter_mut().enumerate() {
            if step.cell.is_none_or(|one| one == cell) {
                values[step.night..]
                    .iter_mut()
                    .for_each(|value| *value += step.effect);
            }
        }
    }
    Nights { cells, steps }
}
