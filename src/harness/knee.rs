//! The search for the highest rate that a server holds.

use crate::load::MODEST_RATE;
use crate::recording::Knee;

/// A rate that was held is multiplied by this, until one is not.
const STEP: u32 = 4;
/// Nobody looks beyond these.
const LOWEST: u32 = 2;
/// See [`LOWEST`]: the generator itself can hardly send more.
const HIGHEST: u32 = 51_200;
/// The knee is known once the rates on both its sides are no further apart than this.
const CLOSE: f64 = 1.2;

/// The next rate to be measured, given those that were, with whether each was held; `None`: the knee is known as well
/// as it is looked for.
pub fn next_rate(measured: &[(u32, bool)]) -> Option<u32> {
    if measured.is_empty() {
        return Some(MODEST_RATE);
    }
    let next = match Knee::of(measured.iter().copied()) {
        Knee {
            held: Some(held),
            lost: None,
        } => held.saturating_mul(STEP).min(HIGHEST),
        Knee {
            held: None,
            lost: Some(lost),
        } => (lost / STEP).max(LOWEST),
        Knee {
            held: Some(held),
            lost: Some(lost),
        } => {
            let (low, high) = (f64::from(held), f64::from(lost));
            if high / low <= CLOSE {
                return None;
            }
            round((low * high).sqrt())
        }
        Knee {
            held: None,
            lost: None,
        } => MODEST_RATE,
    };
    let fresh = measured.iter().all(|(rate, _)| *rate != next);
    fresh.then_some(next)
}

/// To two digits: rates are names.
fn round(rate: f64) -> u32 {
    let unit = 10f64.powf(rate.max(1.0).log10().floor() - 1.0).max(1.0);
    ((rate / unit).round() * unit) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every rate that is measured of a server that holds `capacity`.
    fn search(capacity: u32) -> Vec<(u32, bool)> {
        let mut measured = Vec::new();
        while let Some(rate) = next_rate(&measured) {
            assert!(measured.len() < 20, "no end: {measured:?}");
            measured.push((rate, rate <= capacity));
        }
        measured
    }

    #[test]
    fn the_knee_is_found_within_a_fifth_and_in_few_steps() {
        for capacity in [3, 7, 49, 50, 51, 130, 999, 1_000, 8_192, 40_000] {
            let measured = search(capacity);
            let knee = Knee::of(measured.iter().copied());
            let (held, lost) = (knee.held.unwrap(), knee.lost.unwrap());
            assert!(held <= capacity && capacity < lost);
            // Where rates are small, the next whole number may be further.
            let close = f64::from(lost) <= f64::from(held) * CLOSE || lost - held <= 1;
            assert!(close, "{capacity}: {measured:?}");
            assert!(measured.len() <= 11, "{capacity}: {measured:?}");
        }
    }

    #[test]
    fn a_search_ends_where_nobody_looks() {
        assert_eq!(search(u32::MAX).last(), Some(&(HIGHEST, true)));
        assert_eq!(search(0).last(), Some(&(LOWEST, false)));
    }
}
