//! What each part of a parent costs a fork, fitted to the cells of a run.
//!
//! A cell's time is taken for the sum of its parts, each by the piece. What the parts of each cell are is
//! what its receipts say, and the costs are those with the least squared relative residuals of which none is negative.

use super::resampling::resampled;
use super::rows::{Row, Sizes, rows};
use super::shape::{Part, Shape};
use super::told::Told;
use crate::footprint::State;
use crate::mechanism::Phase;
use crate::recording::Run;
use crate::statistics::fit_nonnegative;

/// The greatest residual of a fit that can be relied on, as a share of what was measured.
pub const LARGEST_GOOD_RESIDUAL: f64 = 0.15;

/// What each part of a parent costs a fork.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Which span of the child's life.
    pub phase: Phase,
    /// What happens to the pages between forks.
    pub state: State,
    /// Of the parts that the run's cells tell, in the order of [`Part::ALL`].
    pub costs: Vec<Cost>,
    /// The cells it was fitted to.
    pub cells: Vec<Fitted>,
    told: Told,
    once: Vec<Part>,
    /// Costs fitted to trials drawn anew: a vector for each round, in the order of `costs`.
    rounds: Vec<Vec<f64>>,
}

/// What one piece of a part costs, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// The part.
    pub part: Part,
    /// The cost of one.
    pub ns: f64,
    /// Lower end of its 95 % interval, by resampling whole trials within cells. It says how far noise
    /// moves the cost, not how wrong it is to add costs up: that is what the residuals are for.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A cell that went into a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The cell's id.
    pub id: String,
    /// What its parent was made of.
    pub shape: Shape,
    /// The middle of the trials' medians (their interquartile mean), nanoseconds.
    pub measured_ns: f64,
    /// What its parts come to.
    pub fitted_ns: f64,
}

impl Fitted {
    /// How far measured is above (or, negative, below) fitted, as a share of fitted.
    pub fn residual(&self) -> f64 {
        self.measured_ns / self.fitted_ns - 1.0
    }
}

/// Why a run tells no costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// No measured cell at all.
    #[error(
        "no pinned `fork` cell of state {state} with {phase} was measured; measure fork/0 and fork/1GiB{with}",
        state = state.name(), phase = phase.name(), with = suffix(*state)
    )]
    NoCells {
        /// The phase that was asked for.
        phase: Phase,
        /// The state that was asked for.
        state: State,
    },
    /// Nothing to tell the call itself from what it copies.
    #[error("no cell tells what fork costs without memory to copy; measure fork/0")]
    Bare,
    /// No page kind can be told.
    #[error(
        "no cell tells what a page costs fork in state {state}; measure fork/1GiB{with}, or fork/1GiB+thp{with}",
        state = state.name(), with = suffix(*state)
    )]
    Pages {
        /// The state that was asked for.
        state: State,
    },
}

fn suffix(state: State) -> String {
    match state == State::default() {
        true => String::new(),
        false => format!("+{}", state.name()),
    }
}

impl Fit {
    /// Fits the costs to a run's `fork` cells of the native subject, pinned, whose state is `state`; a cell
    /// without a ballast counts for every state. Parts that no cell tells are left out
    /// ([`Fit::unknown`]), and so are cells that have much of one. Trials of an A/B comparison's arms are not
    /// looked at.
    ///
    /// # Errors
    /// Where not even the call and one kind of page can be told: what to measure.
    pub fn of(run: &Run, phase: Phase, state: State) -> Result<Self, FitError> {
        Self::of_sizes(run, phase, state, Sizes::Any)
    }

    /// [`Fit::of`], for a parent with `bytes` of 4 KiB pages: parents of such pages that are far larger or smaller are
    /// not looked at, as their pages cost something else.
    ///
    /// # Errors
    /// Like [`Fit::of`].
    pub fn near(run: &Run, phase: Phase, state: State, bytes: u64) -> Result<Self, FitError> {
        Self::of_sizes(run, phase, state, Sizes::Near(bytes))
    }

    /// [`Fit::of`], with parents of 4 KiB pages of those sizes alone.
    pub(super) fn of_sizes(
        run: &Run,
        phase: Phase,
        state: State,
        sizes: Sizes,
    ) -> Result<Self, FitError> {
        let all = rows(run, phase, state, sizes);
        if all.is_empty() {
            return Err(FitError::NoCells { phase, state });
        }
        let told = Told::of(&all);
        let used: Vec<Row> = all
            .into_iter()
            .filter(|row| told.columns(&row.shape).is_some())
            .collect();
        let pages = |shape: &Shape| shape.base_pages() + 512.0 * shape.count(Part::PageThp);
        if !used.iter().any(|row| pages(&row.shape) < LITTLE_MEMORY) {
            return Err(FitError::Bare);
        }
        if !told.known.iter().any(|part| part.is_page()) {
            return Err(FitError::Pages { state });
        }
        let counts: Vec<Vec<f64>> = used
            .iter()
            .filter_map(|row| told.columns(&row.shape))
            .collect();
        let measured: Vec<f64> = used.iter().map(|row| row.ns).collect();
        let solved =
            fit_nonnegative(&counts, &measured).ok_or(FitError::NoCells { phase, state })?;
        let rounds = resampled(&used, &counts);
        let costs = told.known.iter().zip(&solved).enumerate();
        let costs = costs.map(|(at, (&part, &ns))| {
            let [low, high] = between(rounds.iter().map(|round| round[at]), ns);
            Cost {
                part,
                ns,
                low,
                high,
            }
        });
        let cells = used.iter().zip(&counts).map(|(row, counts)| Fitted {
            id: row.id.clone(),
            shape: row.shape,
            measured_ns: row.ns,
            fitted_ns: sum(counts, &solved),
        });
        let single = |part: &&Part| **part != Part::Bare && told.rows_with(**part, &used) == 1;
        Ok(Self {
            phase,
            state,
            costs: costs.collect(),
            cells: cells.collect(),
            once: told.known.iter().filter(single).copied().collect(),
            rounds,
            told,
        })
    }

    /// What fork of a parent of that shape costs, nanoseconds. `None` where it has more of a part that is not
    /// known than can be passed over.
    pub fn ns(&self, shape: &Shape) -> Option<f64> {
        let costs: Vec<f64> = self.costs.iter().map(|cost| cost.ns).collect();
        Some(sum(&self.told.columns(shape)?, &costs))
    }

    /// The 95 % interval of [`Fit::ns`], from the same draws as the costs': costs that were drawn together go
    /// together. Of noise alone, like theirs.
    pub fn interval(&self, shape: &Shape) -> Option<[f64; 2]> {
        let counts = self.told.columns(shape)?;
        let drawn = self.rounds.iter().map(|round| sum(&counts, round));
        Some(between(drawn, self.ns(shape)?))
    }

    /// What each part of that shape costs in all, nanoseconds; they add up to [`Fit::ns`]. Pages that stand for some
    /// of an unknown kind are counted as what they stand for. Empty where [`Fit::ns`] is `None`.
    pub fn parts(&self, shape: &Shape) -> Vec<(Part, f64)> {
        let counts = self.told.columns(shape).unwrap_or_default();
        let pairs = self.costs.iter().zip(counts);
        pairs
            .filter(|(_, count)| *count > 0.0)
            .map(|(cost, count)| (cost.part, cost.ns * count))
            .collect()
    }

    /// The cost of a part, if it is known.
    pub fn cost(&self, part: Part) -> Option<&Cost> {
        self.costs.iter().find(|cost| cost.part == part)
    }

    /// Parts whose cost no cell of the run tells. What the least parent has of them is in the cost of the
    /// bare call.
    pub fn unknown(&self) -> &[Part] {
        &self.told.unknown
    }

    /// Parts that one cell alone tells: their cost is what makes that cell come out right, so no residual
    /// speaks of whether it goes with their number.
    pub fn told_once(&self) -> &[Part] {
        &self.once
    }

    /// The cell that the fit misses by most.
    pub fn worst(&self) -> Option<&Fitted> {
        let by_residual =
            |a: &&Fitted, b: &&Fitted| a.residual().abs().total_cmp(&b.residual().abs());
        self.cells.iter().max_by(by_residual)
    }

    /// How far the fit misses the cell that it misses by most: |measured / fitted − 1|.
    pub fn largest_residual(&self) -> f64 {
        self.worst().map_or(0.0, |cell| cell.residual().abs())
    }

    /// Whether it misses no cell by more than [`LARGEST_GOOD_RESIDUAL`].
    pub fn is_good(&self) -> bool {
        self.largest_residual() <= LARGEST_GOOD_RESIDUAL
    }
}

/// Fewer 4 KiB pages than this are no memory to speak of beside the call.
const LITTLE_MEMORY: f64 = 64.0;

fn sum(counts: &[f64], costs: &[f64]) -> f64 {
    counts.iter().zip(costs).map(|(n, ns)| n * ns).sum()
}

/// Where 95 % of what was drawn lies; `alone` for nothing drawn.
fn between(drawn: impl Iterator<Item = f64>, alone: f64) -> [f64; 2] {
    let mut drawn: Vec<f64> = drawn.collect();
    if drawn.is_empty() {
        return [alone, alone];
    }
    let cut = drawn.len() / 40;
    let high = drawn.len() - 1 - cut;
    drawn.sort_unstable_by(f64::total_cmp);
    [drawn[cut], drawn[high]]
}
