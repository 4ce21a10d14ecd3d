//! Time as the store keeps it: whole seconds since 1970.

use std::time::{Duration, SystemTime};

/// Seconds since 1970, rounded up, so that `moment <= t` is `seconds(moment) <= t` for every whole `t`. What does
/// not fit is the nearest that does.
pub(super) fn seconds(moment: SystemTime) -> i64 {
    let whole = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match moment.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => whole(since).saturating_add(i64::from(since.subsec_nanos() > 0)),
        Err(before) => -whole(before.duration()),
    }
}

/// The last second that can be written down, at the end of the year 9999.
const LAST: i64 = 253_402_300_799;

/// The moment that so many seconds are; what is no moment of the years 1970 to 9999 is 1970.
pub(super) fn of_seconds(seconds: i64) -> SystemTime {
    let written = u64::try_from(seconds).ok().filter(|_| seconds <= LAST);
    SystemTime::UNIX_EPOCH + Duration::from_secs(written.unwrap_or(0))
}

/// The seconds that an RFC 3339 text says, rounded down; `None` for what is none, or is before 1970.
pub(super) fn of_text(text: &str) -> Option<i64> {
    let moment = humantime::parse_rfc3339_weak(text).ok()?;
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::rfc3339;

    #[test]
    fn whole_seconds_come_back_and_parts_round_up() {
        for whole in [0, 1, 1_782_901_230, LAST] {
            assert_eq!(seconds(of_seconds(whole)), whole);
        }
        let half = Duration::from_millis(500);
        assert_eq!(seconds(of_seconds(7) + half), 8);
        assert_eq!(seconds(SystemTime::UNIX_EPOCH - 3 * half), -1);
        for none in [i64::MIN, -1, LAST + 1, i64::MAX] {
            assert_eq!(of_seconds(none), SystemTime::UNIX_EPOCH);
        }
        assert_eq!(rfc3339(of_seconds(LAST)), "9999-12-31T23:59:59Z");
        assert_eq!(of_text("2026-07-01T10:20:30.9Z"), Some(1_782_901_230));
        assert_eq!(
            (of_text("soon"), of_text("1969-01-01T00:00:00Z")),
            (None, None)
        );
    }
}
