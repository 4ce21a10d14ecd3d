//! What the pilot pairs say beforehand.

use std::time::Duration;

use crate::protocol::Count;
use crate::statistics::{LOOKS, Procedure, Question, TooFewPairs, pairs_to_reach, reach};

/// Pairs that are made first, and not counted: enough to see the time of a pair and, roughly, the spread.
pub const PILOT_PAIRS: u32 = 6;

/// The least time for deciding that a cell gets by default, and the least pairs: three looks.
const USUAL_BUDGET: Duration = Duration::from_secs(60);
const USUAL_PAIRS: u32 = 36;

/// Iterations of a trial: as many as fit the window, within these limits. Longer trials agree better, but not by
/// as much as they cost, since much of what differs between fresh subjects is there from their start: see
/// docs/METHODOLOGY.md, "How long a trial is".
const LEAST: u64 = 20;
const LEAST_OF_LONG: u64 = 10;
const MOST: u64 = 100;
const WINDOW: Duration = Duration::from_millis(4);
/// From here on an iteration is long.
const LONG: Duration = Duration::from_millis(25);
/// Time and iterations for warming up, at the most.
const WARMUP: (Duration, u64) = (Duration::from_millis(1), 20);

/// Iterations of every trial of a cell, when one takes `each`.
pub(super) fn iterations(each: Duration, stamped: bool) -> Count {
    let fit = |time: Duration| (time.as_nanos() / each.as_nanos().max(1)) as u64;
    let least = if each > LONG { LEAST_OF_LONG } else { LEAST };
    let plain = fit(WINDOW).clamp(least, MOST);
    Count {
        warmup: fit(WARMUP.0).clamp(2, WARMUP.1),
        plain,
        stamped: if stamped { plain } else { 0 },
        fresh: 0,
    }
}

/// Iterations of the very first trial, which finds out how long one takes.
pub(super) fn first_iterations(stamped: bool) -> Count {
    iterations(LONG, stamped)
}

/// What is to be expected of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// How long a pair takes.
    pub pair: Duration,
    /// Robust standard deviation of the pilot pairs' log ratios; the widest of its phases'.
    pub spread: f64,
    /// The time for deciding.
    pub budget: Duration,
    /// Pairs that fit it, of the most that are looked at.
    pub pairs: usize,
    /// About how many pairs it takes to say `unchanged` nine times in ten, if nothing changed; `None` where the
    /// threshold is 0, with which that cannot be said.
    pub needed: Option<f64>,
    /// The smallest change, as a ratio less one, that `pairs` show nine times in ten; `None` where not even one look
    /// fits.
    pub smallest: Option<f64>,
}

impl Forecast {
    /// From the pilot's figures.
    pub(super) fn new(
        question: Question,
        pair: Duration,
        spread: f64,
        budget: Option<Duration>,
    ) -> (Self, Result<Procedure, TooFewPairs>) {
        let budget = budget.unwrap_or_else(|| USUAL_BUDGET.max(pair * USUAL_PAIRS));
        let most = LOOKS[LOOKS.len() - 1];
        let fit = (budget.as_nanos() / pair.as_nanos().max(1)).min(most as u128) as usize;
        let procedure = Procedure::new(question, fit);
        let level = match &procedure {
            Ok(procedure) => procedure.level(),
            Err(_) => question.level(1),
        };
        let bound = question.bound();
        let smallest = procedure.as_ref().ok().map(|procedure| {
            let way = reach(spread, procedure.most_pairs(), level);
            (bound + way).exp_m1()
        });
        let forecast = Self {
            pair,
            spread,
            budget,
            pairs: fit,
            needed: (bound > 0.0).then(|| pairs_to_reach(bound, spread, level)),
            smallest,
        };
        (forecast, procedure)
    }

    /// Whether it is doubtful that the cell can be decided.
    pub fn is_doubtful(&self) -> bool {
        self.smallest.is_none() || self.needed.is_some_and(|needed| needed > self.pairs as f64)
    }
}
