//! What of one trial is kept, and how it is packed.

/// One phase of one trial, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialFigures {
    /// Samples; of Criterion iterations in all batches.
    pub count: u64,
    /// Tenth percentile of the samples; of Criterion of the batches' means.
    pub p10: u64,
    /// Median, likewise.
    pub p50: u64,
    /// Ninetieth percentile, where there are samples enough for one.
    pub p90: Option<u64>,
    /// 99th percentile, likewise.
    pub p99: Option<u64>,
}

/// The columns of a packed trial.
const COLUMNS: usize = 5;
/// Bytes that a number takes at the most.
const LONGEST: usize = 10;

/// Packs trials: for each, count, p10, p50, p90 and p99 in LEB128, those that may be missing as one more than they
/// are, and 0 where they are.
pub(super) fn pack(trials: &[TrialFigures]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(trials.len() * 16);
    let maybe = |value: Option<u64>| value.map_or(0, |value| value.saturating_add(1));
    for trial in trials {
        let columns = [
            trial.count,
            trial.p10,
            trial.p50,
            maybe(trial.p90),
            maybe(trial.p99),
        ];
        columns.into_iter().for_each(|value| put(&mut bytes, value));
    }
    bytes
}

/// Trials as they were packed; `None` for bytes that no [`pack`] made.
pub(super) fn unpack(mut bytes: &[u8]) -> Option<Vec<TrialFigures>> {
    let mut trials = Vec::with_capacity(bytes.len() / COLUMNS);
    let maybe = |value: u64| value.checked_sub(1);
    while !bytes.is_empty() {
        let mut columns = [0; COLUMNS];
        for column in &mut columns {
            *column = take(&mut bytes)?;
        }
        let [count, p10, p50, p90, p99] = columns;
        trials.push(TrialFigures {
            count,
            p10,
            p50,
            p90: maybe(p90),
            p99: maybe(p99),
        });
    }
    Some(trials)
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for place in 0..LONGEST {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if place == LONGEST - 1 && bits > 1 {
            return None;
        }
        value |= bits << (7 * place);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(count: u64, p10: u64, p99: Option<u64>) -> TrialFigures {
        TrialFigures {
            count,
            p10,
            p50: p10.saturating_add(1),
            p90: Some(0),
            p99,
        }
    }

    #[test]
    fn trials_come_back_as_they_were() {
        let trials = [
            trial(0, 127, None),
            trial(5_000, 128, Some(1 << 40)),
            trial(u64::MAX, u64::MAX - 1, Some(u64::MAX - 1)),
        ];
        assert_eq!(unpack(&pack(&trials)).unwrap(), trials);
        assert_eq!(unpack(&[]).unwrap(), []);
    }

    #[test]
    fn usual_trials_are_small() {
        let usual = TrialFigures {
            count: 1_000,
            p10: 40_000,
            p50: 42_000,
            p90: Some(50_000),
            p99: Some(90_000),
        };
        assert!(pack(&[usual; 5]).len() <= 5 * 14);
    }

    #[test]
    fn other_bytes_are_no_trials() {
        let sound = pack(&[trial(1_000, 40_000, None)]);
        for end in 1..sound.len() {
            assert_eq!(unpack(&sound[..end]), None, "{end}");
        }
        assert_eq!(unpack(&[0xff; 11]), None);
        assert_eq!(unpack(&[0xff; 10]), None);
    }
}
