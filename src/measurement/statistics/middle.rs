//! The middle of numbers that are no samples: effects, differences, logarithms.

/// The median of sorted values; of two middle ones their mean.
pub fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    Some((upper + sorted[(sorted.len() - 1) / 2]) / 2.0)
}

/// The median of values in any order.
pub fn median_of(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    median_of_sorted(&sorted)
}
