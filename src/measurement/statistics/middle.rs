//! The middle of numbers that are no samples: effects, differences, logarithms.

/// The median of sorted values; of two middle ones their mean.
pub fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    Some((upper + sorted[(sorted.len() - 1) / 2]) / 2.0)
}

/// The median of values in any order.
pub fn median_of(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    median_of_list(values.into_iter().collect())
}

/// What no caller's types have part in is compiled here, where code is optimised.
fn median_of_list(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    median_of_sorted(&values)
}
