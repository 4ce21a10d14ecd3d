//! Whether a server held a rate, and the highest that it did.

use super::schema::{Cell, Status};
use crate::load::MODEST_RATE;
use crate::mechanism::Phase;

/// A rate is held while the 99th percentile of `response` is below this, in nanoseconds.
pub const BOUND: u64 = 10_000_000;

/// Requests in a second that a cell's server was sent.
pub fn rate_of(cell: &Cell) -> u32 {
    cell.rate.unwrap_or(MODEST_RATE)
}

/// Whether a server held its rate: every request was answered, and the p99 of `response` is below [`BOUND`].
/// `None` where that is not known: it was not measured, or with too few requests for a p99.
pub fn is_held(cell: &Cell) -> Option<bool> {
    if cell.status == Status::Failed {
        return Some(false);
    }
    let sent: Vec<_> = cell
        .trials
        .iter()
        .filter_map(|trial| trial.requests.as_ref())
        .collect();
    if sent.is_empty() {
        return None;
    }
    if sent.iter().any(|requests| !requests.all_answered()) {
        return Some(false);
    }
    let response = cell.phases.get(&Phase::Response)?;
    match response.p99 {
        Some(p99) => Some(p99 < BOUND),
        None => (response.max < BOUND).then_some(true),
    }
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
