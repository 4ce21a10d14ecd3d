//! Effects, intervals and shares as they are written.

use crate::report::reading::factor;
use crate::units::Nanoseconds;

/// Ratios from here on are written as factors.
pub(in crate::report) const FACTORS_FROM: f64 = 9.995;
/// A factor that says no more than "absurd".
pub(in crate::report) const GREATEST_FACTOR: f64 = 1e9;

/// A number, if it is one.
pub(in crate::report) fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// A share as a percentage with the digits it was given with: `3 %`, `99.9 %`.
pub(in crate::report) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{:.4}", (share * 100.0).clamp(-1e9, 1e9));
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

fn decimals(percentage: f64) -> usize {
    match percentage.abs() {
        p if p < 0.995 => 2,
        p if p < 99.95 => 1,
        _ => 0,
    }
}

fn factor_of(effect: f64) -> String {
    format!("×{}", factor((1.0 + effect).min(GREATEST_FACTOR)))
}

fn signed_with(effect: f64, decimals: usize) -> String {
    if effect >= FACTORS_FROM {
        return factor_of(effect);
    }
    let percentage = effect * 100.0;
    let digits = format!("{:.decimals$}", percentage.abs());
    let is_zero = digits.chars().all(|c| c == '0' || c == '.');
    let sign = match percentage < 0.0 {
        _ if is_zero => "",
        true => "−",
        false => "+",
    };
    format!("{sign}{digits}")
}

/// An effect: `+5.1 %`, `−0.42 %`, `×12`.
pub(in crate::report) fn signed(effect: Option<f64>) -> String {
    match finite(effect) {
        None => "–".to_owned(),
        Some(effect) => {
            let text = signed_with(effect.max(-1.0), decimals(effect * 100.0));
            let unit = if effect >= FACTORS_FROM { "" } else { " %" };
            format!("{text}{unit}")
        }
    }
}

/// An interval: `+4.7 to +5.6 %`. An end that is no number is `–`.
pub(in crate::report) fn interval(low: Option<f64>, high: Option<f64>) -> String {
    let (low, high) = (finite(low), finite(high));
    let widest = [low, high].into_iter().flatten().map(f64::abs);
    let Some(widest) = widest.reduce(f64::max) else {
        return "–".to_owned();
    };
    let decimals = decimals(widest * 100.0);
    let end = |value: Option<f64>| match value {
        Some(value) => signed_with(value.max(-1.0), decimals),
        None => "–".to_owned(),
    };
    let unit = if high.is_some_and(|high| high >= FACTORS_FROM) {
        ""
    } else {
        " %"
    };
    format!("{} to {}{unit}", end(low), end(high))
}

/// Seconds with three significant digits.
pub(in crate::report) fn seconds(seconds: f64) -> String {
    if seconds.is_finite() && seconds >= 0.0 {
        Nanoseconds(seconds.min(1e9) * 1e9).to_string()
    } else {
        "–".to_owned()
    }
}
