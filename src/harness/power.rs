//! What an A/B comparison can see on this host now: found out by comparing forkbench's subject with itself.

use std::time::Duration;

use serde::Serialize;

use super::ab::{self, Arms, Contest, Forecast, Live, Observer, Settings};
use super::cell::Cell;
use super::runner::Outcome;
use crate::comparison::{CellVerdict, Statistic};
use crate::footprint::Footprint;
use crate::mechanism::Phase;
use crate::statistics::{LOOKS, Question, Verdict, pairs_to_reach, reach};

/// Cells that are looked at: those whose error rates docs/METHODOLOGY.md gives.
pub fn cells() -> Vec<Cell> {
    [("fork", 0), ("fork", 64 << 20), ("vfork", 0), ("thread", 0)]
        .map(|(name, bytes)| Cell::native(name, Footprint::of(bytes)))
        .to_vec()
}

/// The spread of pairs up to which a host is called quiet, for `fork/64MiB`: the hour that the error rates in
/// docs/METHODOLOGY.md are held to.
pub const QUIET: f64 = 0.009;

/// What can be seen in one cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Power {
    /// The cell.
    pub id: String,
    /// Standard deviation of the pairs' log ratios, from their median absolute deviation.
    pub spread: f64,
    /// Pairs this was seen in.
    pub pairs: u64,
    /// How long one takes, seconds.
    pub pair_seconds: f64,
    /// The smallest change, as a ratio less one, that all looks show nine times in ten at a threshold of 0, with 99 % confidence.
    pub smallest_change: f64,
    /// How long that takes, confirming included, seconds.
    pub smallest_change_seconds: f64,
    /// About how many pairs it takes to say `unchanged` at the default threshold of 3 %, if nothing changed.
    pub unchanged_pairs: u64,
    /// How long they take, seconds.
    pub unchanged_seconds: f64,
    /// What a comparison with itself came to, at a threshold of 0: a change would be a false alarm.
    pub verdict: Verdict,
}

/// Compares each cell with itself for about `time` in all, and says what could be seen; `None` for a cell that could not
/// be measured, with the reason.
pub fn examine<A: Arms>(
    arms: &mut A,
    time: Duration,
    seed: u64,
) -> Vec<Result<Power, (String, String)>> {
    let cells = cells();
    // Bare cells have all their looks long before their share is used up.
    let share = time / 2;
    let contests: Vec<Contest> = cells
        .into_iter()
        .map(|cell| Contest {
            a: cell.clone(),
            b: cell,
        })
        .collect();
    let settings = Settings {
        phases: vec![Phase::Call],
        statistic: Statistic::P10,
        threshold: 0.0,
        confidence: 0.99,
        budget: Some(share),
        seed,
    };
    let compared = match ab::run(arms, &mut Deaf, &contests, &settings) {
        Ok(compared) => compared,
        Err(never) => match never {},
    };
    compared.cells.iter().map(power).collect()
}

fn power(cell: &CellVerdict) -> Result<Power, (String, String)> {
    let unmeasured = || {
        let reason = cell.reason.clone();
        (
            cell.id.clone(),
            reason.unwrap_or_else(|| "no pair was made".to_owned()),
        )
    };
    if cell.pairs == 0 || cell.verdict == Verdict::NotMeasurable {
        return Err(unmeasured());
    }
    let spread = cell.spread.ok_or_else(unmeasured)?;
    let fresh = cell
        .confirmation
        .map_or(0, |confirmation| confirmation.pairs);
    let pair = cell.seconds / (cell.pairs + fresh) as f64;
    // As a comparison of this cell alone would ask.
    let question = |threshold| Question {
        threshold,
        confidence: 0.99,
        judgements: 1,
    };
    let level = question(0.0).level(LOOKS.len());
    let most = LOOKS[LOOKS.len() - 1];
    let unchanged = pairs_to_reach(question(0.03).bound(), spread, level).max(LOOKS[0] as f64);
    Ok(Power {
        id: cell.id.clone(),
        spread,
        pairs: cell.pairs,
        pair_seconds: pair,
        smallest_change: reach(spread, most, level).exp_m1(),
        smallest_change_seconds: 1.5 * most as f64 * pair,
        unchanged_pairs: unchanged as u64,
        unchanged_seconds: unchanged * pair,
        verdict: cell.verdict,
    })
}

/// Nobody listens.
struct Deaf;

impl Observer for Deaf {
    type Error = std::convert::Infallible;

    fn ended(&mut self, _: &Outcome) -> Result<(), Self::Error> {
        Ok(())
    }

    fn forecast(&mut self, _: &Contest, _: &Forecast) {}

    fn paired(&mut self, _: &Live) {}
}
