//! What ranks say of two sets of values: how far they lie apart, and where a series is best cut.

use super::change::{CONFIRMATION, INTERVAL};
use crate::statistics::{median_of_sorted, normal_quantile};

/// How far one set of values lies from another.
pub(super) struct Shifted {
    /// The median of all differences of one from each.
    pub effect: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Shifted {
    /// Of sets that are not empty.
    pub fn of(before: &[f64], after: &[f64]) -> Self {
        let mut differences: Vec<f64> = after
            .iter()
            .flat_map(|new| before.iter().map(move |old| new - old))
            .collect();
        differences.sort_unstable_by(f64::total_cmp);
        let (m, n) = (before.len() as f64, after.len() as f64);
        let deviation = (m * n * (m + n + 1.0) / 12.0).sqrt();
        let trimmed = m * n / 2.0 - normal_quantile((1.0 + INTERVAL) / 2.0) * deviation;
        // The end is the difference of that rank; of too few values the outermost.
        let end = (trimmed.max(0.0) as usize).min((differences.len() - 1) / 2);
        Self {
            effect: median_of_sorted(&differences).unwrap_or(0.0),
            low: differences[end],
            high: differences[differences.len() - 1 - end],
        }
    }
}

/// Ranks of values about their middle; those that are equal share theirs.
pub(super) fn ranked(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let middle = (values.len() as f64 - 1.0) / 2.0;
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let below = order.iter().position(|at| at == &group[0]).unwrap_or(0);
        let rank = below as f64 + (group.len() as f64 - 1.0) / 2.0 - middle;
        group.iter().for_each(|&at| ranks[at] = rank);
    }
    ranks
}

/// The greatest difference of mean ranks over all places to cut at, each in its own standard deviations.
pub(super) fn greatest(ranks: &[f64]) -> f64 {
    let count = ranks.len();
    let mut sum: f64 = ranks.iter().take(CONFIRMATION - 1).sum();
    let mut greatest = 0.0f64;
    for cut in CONFIRMATION..=count.saturating_sub(CONFIRMATION) {
        sum += ranks[cut - 1];
        // The ranks sum to 0, so those after the cut sum to the reverse.
        let scale = (cut * (count - cut)) as f64;
        greatest = greatest.max(sum * sum / scale);
    }
    greatest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_found_within_its_interval() {
        let before: Vec<f64> = (0..12).map(f64::from).collect();
        let after: Vec<f64> = before.iter().map(|value| value + 5.0).collect();
        let shift = Shifted::of(&before, &after);
        assert_eq!(shift.effect, 5.0);
        assert!(shift.low < 5.0 && 5.0 < shift.high);
        // Of one of each there is one difference.
        let least = Shifted::of(&[1.0], &[4.0]);
        assert_eq!((least.low, least.effect, least.high), (3.0, 3.0, 3.0));
    }

    #[test]
    fn the_best_cut_is_where_the_step_is() {
        let stepped = ranked(&[1.0, 1.1, 1.2, 1.3, 9.0, 9.1, 9.2, 9.3]);
        let mixed = ranked(&[1.0, 9.0, 1.1, 9.1, 1.2, 9.2, 1.3, 9.3]);
        assert!(greatest(&stepped) > greatest(&mixed));
    }

    #[test]
    fn ranks_are_shared_and_about_their_middle() {
        assert_eq!(ranked(&[3.0, 1.0, 3.0, 2.0]), [1.0, -1.5, 1.0, -0.5]);
        assert!(ranked(&[]).is_empty());
        assert_eq!(greatest(&[0.0; 4]), 0.0);
    }
}
