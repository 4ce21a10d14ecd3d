//! The search for the highest rate that a server holds.

use crate::load::MODEST_RATE;
use crate::recording::Knee;

/// A rate that was held is multiplied by this, until one is not.
const STEP: u32 = 4;
/// Nobody looks beyond these. A trial of fewer requests in a second takes minutes, and says of a server only that it
/// serves nobody.
const LOWEST: u32 = 10;
/// See [`LOWEST`]: the generator itself can hardly send more.
const HIGHEST: u32 = 51_200;
/// The knee is known once the rates on both its sides are no further apart than this.
const CLOSE: f64 = 1.2;

/// A rate is lost once it was so many times: of one time, a neighbour on the host may be the cause.
const CONFIRMED: u32 = 2;

/// A rate that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Requests in a second.
    pub rate: u32,
    /// Whether it was held, in one visit at least.
    pub held: bool,
    /// How many times it was measured, with other rates between.
    pub visits: u32,
}

/// The next rate to be measured, given those that were; `None`: the knee is known as well as it is looked for. The lowest
/// rate that was lost is measured again before it is believed.
pub fn next_rate(measured: &[Probe]) -> Option<u32> {
    if measured.is_empty() {
        return Some(MODEST_RATE);
    }
    let knee = Knee::of(measured.iter().map(|probe| (probe.rate, probe.held)));
    let next = match knee {
        Knee {
            held: Some(held),
            lost: None,
        } => held.saturating_mul(STEP).min(HIGHEST),
        Knee {
            held: None,
            lost: Some(lost),
        } => match (lost / STEP).max(LOWEST) {
            lower if f64::from(lost) <= f64::from(lower) * CLOSE => lost,
            lower => lower,
        },
        Knee {
            held: Some(held),
            lost: Some(lost),
        } if f64::from(lost) <= f64::from(held) * CLOSE => lost,
        Knee {
            held: Some(held),
            lost: Some(lost),
        } => round((f64::from(held) * f64::from(lost)).sqrt()),
        Knee {
            held: None,
            lost: None,
        } => MODEST_RATE,
    };
    if measured.iter().all(|probe| probe.rate != next) {
        return Some(next);
    }
    let again = |probe: &&Probe| Some(probe.rate) == knee.lost && probe.visits < CONFIRMED;
    measured.iter().find(again).map(|probe| probe.rate)
}

/// To two digits: rates are names.
fn round(rate: f64) -> u32 {
    let unit = 10f64.powf(rate.max(1.0).log10().floor() - 1.0).max(1.0);
    ((rate / unit).round() * unit) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every rate that is measured of a server that holds `capacity`, where the host spoils a visit that `spoils` says.
    fn search(capacity: u32, spoils: impl Fn(&Probe) -> bool) -> Vec<Probe> {
        let mut measured: Vec<Probe> = Vec::new();
        let mut visits = 0;
        while let Some(rate) = next_rate(&measured) {
            visits += 1;
            assert!(visits < 30, "no end: {measured:?}");
            let mut probe = Probe {
                rate,
                held: false,
                visits: 0,
            };
            if let Some(at) = measured.iter().position(|known| known.rate == rate) {
                probe = measured.remove(at);
            }
            probe.held |= rate <= capacity && !spoils(&probe);
            probe.visits += 1;
            measured.push(probe);
        }
        measured
    }

    fn knee(measured: &[Probe]) -> Knee {
        Knee::of(measured.iter().map(|probe| (probe.rate, probe.held)))
    }

    #[test]
    fn the_knee_is_found_within_a_fifth_and_in_few_steps() {
        for capacity in [12, 17, 49, 50, 51, 130, 999, 1_000, 8_192, 40_000] {
            let measured = search(capacity, |_| false);
            let Knee { held, lost } = knee(&measured);
            let (held, lost) = (held.unwrap(), lost.unwrap());
            assert!(held <= capacity && capacity < lost);
            // Where rates are small, the next whole number may be further.
            let close = f64::from(lost) <= f64::from(held) * CLOSE || lost - held <= 1;
            assert!(close, "{capacity}: {measured:?}");
            assert!(measured.len() <= 11, "{capacity}: {measured:?}");
            let confirmed = measured.iter().filter(|probe| probe.visits > 1);
            let confirmed: Vec<u32> = confirmed.map(|probe| probe.rate).collect();
            assert_eq!(confirmed, [lost], "{capacity}: {measured:?}");
        }
    }

    #[test]
    fn a_minute_that_the_host_spoils_moves_no_knee() {
        // Whatever rate it falls on.
        let visited = search(1_000, |_| false);
        for spoilt in visited.iter().map(|probe| probe.rate) {
            let measured = search(1_000, |probe| probe.rate == spoilt && probe.visits == 0);
            let Knee { held, lost } = knee(&measured);
            let (held, lost) = (held.unwrap(), lost.unwrap());
            assert!(held <= 1_000 && 1_000 < lost, "{spoilt}: {measured:?}");
        }
    }

    #[test]
    fn a_search_ends_where_nobody_looks() {
        let last = |capacity| search(capacity, |_| false).pop().unwrap();
        let highest = Probe {
            rate: HIGHEST,
            held: true,
            visits: 1,
        };
        assert_eq!(last(u32::MAX), highest);
        let lowest = Probe {
            rate: 12,
            held: false,
            visits: CONFIRMED,
        };
        assert_eq!(last(0), lowest);
        assert_eq!(last(11), lowest);
        assert_eq!(search(0, |_| false).len(), 2);
    }
}
