//! Whether a server held a rate, and the highest that it did.

use super::schema::{Cell, Requests, Status};
use crate::load::MODEST_RATE;

/// Requests in a second that a cell's server was sent.
pub fn rate_of(cell: &Cell) -> u32 {
    cell.rate.unwrap_or(MODEST_RATE)
}

/// Whether a cell's server held its rate, by its trials ([`holds`]). `None` where it was not measured.
pub fn is_held(cell: &Cell) -> Option<bool> {
    if cell.status == Status::Failed {
        return Some(false);
    }
    let trials = cell.trials.iter();
    holds(trials.filter_map(|trial| trial.requests.as_ref()))
}

/// Whether a server held a rate: every request was answered, and in one trial at least the p99 of `response` is below
/// [`super::BOUND`]. The host may pause in any trial, which only makes it longer; a server that can't hold the rate has no
/// trial that is prompt. `None` without a trial.
pub fn holds<'a>(trials: impl Iterator<Item = &'a Requests> + Clone) -> Option<bool> {
    trials.clone().next()?;
    Some(trials.clone().all(Requests::all_answered) && trials.clone().any(Requests::is_prompt))
}

/// Where a server's latency bends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Knee {
    /// The highest rate that was held, with none below it that was not.
    pub held: Option<u32>,
    /// The lowest rate that was not.
    pub lost: Option<u32>,
}

impl Knee {
    /// The knee of rates with whether each was held.
    pub fn of(rates: impl IntoIterator<Item = (u32, bool)> + Clone) -> Self {
        let lost = rates.clone().into_iter().filter(|(_, held)| !held);
        let lost = lost.map(|(rate, _)| rate).min();
        let below = |rate: u32| lost.is_none_or(|lost| rate < lost);
        let held = rates
            .into_iter()
            .filter(|(rate, held)| *held && below(*rate));
        Self {
            held: held.map(|(rate, _)| rate).max(),
            lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_knee_lies_below_the_first_rate_that_was_lost() {
        let rates = [
            (50, true),
            (200, true),
            (400, false),
            (800, true),
            (1600, false),
        ];
        let knee = Knee::of(rates);
        assert_eq!((knee.held, knee.lost), (Some(200), Some(400)));
        assert_eq!(
            Knee::of([(50, false)]),
            Knee {
                held: None,
                lost: Some(50)
            }
        );
        assert_eq!(
            Knee::of([(50, true)]),
            Knee {
                held: Some(50),
                lost: None
            }
        );
        assert_eq!(Knee::of([]), Knee::default());
    }
}
