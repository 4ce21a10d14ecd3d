//! Sizes and durations as people write and read them.
//!
//! Inside forkbench a duration is whole nanoseconds and a size is whole bytes, both `u64`. They are
//! given units here, at the edge, and nowhere else.

use std::fmt;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// Why a size or a duration could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// The text is no size.
    #[error(
        "`{text}` is not a size: write bytes, or a number with KiB, MiB, GiB or TiB, as in `64MiB`"
    )]
    Size {
        /// What was given.
        text: String,
    },
    /// The text is no duration.
    #[error(
        "`{text}` is not a duration: write seconds, or a number with ns, us, ms, s or min, as in `60s`"
    )]
    Duration {
        /// What was given.
        text: String,
    },
    /// The text is no ratio.
    #[error("`{text}` is not a percentage: write a number with %, as in `3%`")]
    Percentage {
        /// What was given.
        text: String,
    },
}

fn split_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim()))
}

/// Reads a size in bytes: `0`, `4096`, `64MiB`, `67.2MiB`, `1G`.
///
/// Units are binary (`K`, `KiB` and `k` are 1,024 bytes), as the kernel's are. A fraction is rounded to
/// the nearest byte.
///
/// # Errors
/// [`UnitError::Size`] for anything else, negative numbers and sizes from 2^63 bytes included.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let error = || UnitError::Size {
        text: text.to_owned(),
    };
    let (number, unit) = split_unit(text).ok_or_else(error)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" | "kb" => KIB,
        "m" | "mib" | "mb" => MIB,
        "g" | "gib" | "gb" => GIB,
        "t" | "tib" | "tb" => TIB,
        _ => return Err(error()),
    };
    let bytes = (number * factor as f64).round();
    if bytes.is_finite() && bytes < (1u64 << 63) as f64 {
        Ok(bytes as u64)
    } else {
        Err(error())
    }
}

/// Writes a size so that [`parse_size`] reads the same number of bytes back: `0`, `4KiB`, `67.25MiB`.
pub fn exact_size(bytes: u64) -> String {
    for (factor, unit) in [(TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")] {
        if bytes >= factor && bytes % factor == 0 {
            return format!("{}{unit}", bytes / factor);
        }
    }
    if bytes == 0 {
        "0".to_owned()
    } else {
        format!("{bytes}B")
    }
}

/// Writes a size for reading: `1.4 GiB`, `512 B`. Three significant digits.
pub fn human_size(bytes: u64) -> String {
    for (factor, unit) in [(TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")] {
        if bytes >= factor {
            return format!("{} {unit}", three_digits(bytes as f64 / factor as f64));
        }
    }
    format!("{bytes} B")
}

/// Reads a duration in nanoseconds: `60s`, `1.5ms`, `2min`, or a bare number of seconds.
///
/// # Errors
/// [`UnitError::Duration`] for anything else, and for durations of 292 years and up.
pub fn parse_duration(text: &str) -> Result<u64, UnitError> {
    let error = || UnitError::Duration {
        text: text.to_owned(),
    };
    let (number, unit) = split_unit(text).ok_or_else(error)?;
    let factor = match unit {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "" | "s" | "sec" => 1e9,
        "m" | "min" => 60e9,
        "h" => 3600e9,
        _ => return Err(error()),
    };
    let nanoseconds = (number * factor).round();
    if nanoseconds.is_finite() && nanoseconds < i64::MAX as f64 {
        Ok(nanoseconds as u64)
    } else {
        Err(error())
    }
}

/// Reads a percentage as a ratio: `3%` is 0.03. A bare number is a percentage too.
///
/// # Errors
/// [`UnitError::Percentage`] for anything that is not a finite number from 0 to 100.
pub fn parse_percentage(text: &str) -> Result<f64, UnitError> {
    let number = text
        .trim()
        .strip_suffix('%')
        .unwrap_or(text.trim())
        .trim()
        .parse::<f64>();
    match number {
        Ok(n) if (0.0..=100.0).contains(&n) => Ok(n / 100.0),
        _ => Err(UnitError::Percentage {
            text: text.to_owned(),
        }),
    }
}

fn three_digits(value: f64) -> String {
    // 99.95 is where one decimal would print 100.0.
    if value >= 99.95 {
        format!("{value:.0}")
    } else if value >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// A duration in nanoseconds, written with three significant digits and the unit that suits it.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Nanoseconds(pub f64);

impl fmt::Display for Nanoseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.abs();
        let (value, unit) = match magnitude {
            m if m < 999.5 => return f.pad(&format!("{:.0} ns", self.0)),
            m if m < 999.5e3 => (self.0 / 1e3, "µs"),
            m if m < 999.5e6 => (self.0 / 1e6, "ms"),
            _ => (self.0 / 1e9, "s"),
        };
        let sign = if value < 0.0 { "-" } else { "" };
        f.pad(&format!("{sign}{} {unit}", three_digits(value.abs())))
    }
}

/// Writes nanoseconds for reading: `38 ns`, `41.2 µs`, `13.7 ms`.
pub fn human_time(nanoseconds: u64) -> String {
    Nanoseconds(nanoseconds as f64).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_trip_through_their_exact_form() {
        for bytes in [
            0,
            1,
            4095,
            4096,
            6144,
            67_108_864,
            70_464_307,
            1 << 30,
            (1 << 30) + 4096,
            5 << 40,
        ] {
            assert_eq!(
                parse_size(&exact_size(bytes)),
                Ok(bytes),
                "{}",
                exact_size(bytes)
            );
        }
        assert_eq!(exact_size(3 * GIB / 2), "1536MiB");
    }

    #[test]
    fn sizes_that_are_none_are_named_in_the_error() {
        for text in [
            "",
            "MiB",
            "-1",
            "1e9",
            "64 miles",
            "1.2.3MiB",
            "99999999TiB",
        ] {
            let error = parse_size(text).unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn durations_and_percentages() {
        assert_eq!(parse_duration("60"), Ok(60_000_000_000));
        assert_eq!(parse_duration("1.5ms"), Ok(1_500_000));
        assert!(parse_duration("soon").is_err());
        assert_eq!(parse_percentage("3%"), Ok(0.03));
        assert!(parse_percentage("101%").is_err());
        assert!(parse_percentage("NaN").is_err());
    }

    #[test]
    fn times_have_three_significant_digits_and_never_spill_over() {
        for (ns, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (9_996, "10.0 µs"),
            (99_960, "100 µs"),
            (999_600, "1.00 ms"),
            (13_700_000, "13.7 ms"),
            (1_999_600_000, "2.00 s"),
        ] {
            assert_eq!(human_time(ns), text);
        }
    }
}
