//! The segmentation of least cost.
//!
//! PELT (Killick, Fearnhead and Eckley, 2012): dynamic programming over the place of the last cut, in which places that
//! can never win again are dropped. Its answer is the exact optimum, that of optimal partitioning (Jackson et al., 2005).
//! With a least length a place loses its last chance only that many values later: until then the cut that beat it could
//! not be made.

use super::Cost;

/// How long a segment may be, in values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// 1 or more.
    pub shortest: usize,
    /// At least twice the shortest, so that there is always a segmentation. What is longer is cut, and whoever asked for
    /// it knows that such a cut is none: it keeps the time linear where nothing ever changes.
    pub longest: usize,
}

impl Lengths {
    /// No segment shorter than `shortest` values.
    pub fn at_least(shortest: usize) -> Self {
        Self {
            shortest: shortest.max(1),
            longest: usize::MAX,
        }
    }
}

/// The best segmentations of a series and of everything that it begins with.
#[derive(Debug, Clone, PartialEq)]
pub struct Segmentation {
    /// For each count of values: where the last of its segments begins; `None` where there is no segmentation.
    last: Vec<Option<usize>>,
    cost: Vec<f64>,
}

impl Segmentation {
    /// Where the segments of the first `count` values begin, rising, 0 first; none where `count` is shorter than the
    /// shortest segment.
    pub fn starts(&self, count: usize) -> Vec<usize> {
        let mut starts = Vec::new();
        let mut end = count;
        while let Some(start) = self.last.get(end).copied().flatten() {
            starts.push(start);
            end = start;
        }
        starts.reverse();
        starts
    }

    /// What the best segmentation of the first `count` values costs, with a penalty for each cut; infinite where
    /// there is none.
    pub fn cost(&self, count: usize) -> f64 {
        self.cost.get(count).copied().unwrap_or(f64::INFINITY)
    }
}

/// The segmentation with the least sum of its segments' costs and a `penalty` for each cut. Of several that cost the
/// same, that with the earlier last cut.
///
/// All places between the first that can still win and the newest are looked at, those that cannot win among them: they lie
/// side by side in memory, so that the processor takes several at once.
pub fn segments(cost: &impl Cost, penalty: f64, lengths: Lengths) -> Segmentation {
    let count = cost.count();
    let mut best = Segmentation {
        last: vec![None; count + 1],
        cost: vec![f64::INFINITY; count + 1],
    };
    // The first segment needs no cut.
    best.cost[0] = -penalty;
    let mut first = 0;
    // Of each place the count from which on it cannot win; compared with what is in doubles beside it.
    let mut gone = vec![f64::INFINITY; count + 1];
    // Of each place what lies before it costs, with the segment from it to where the search is.
    let mut totals = vec![0.0; count + 1];
    for end in lengths.shortest..=count {
        let newest = end - lengths.shortest;
        first = first.max(end.saturating_sub(lengths.longest));
        while first < newest && gone[first] <= end as f64 {
            first += 1;
        }
        let places = first..newest + 1;
        let totals = &mut totals[..places.len()];
        cost.costs(places.clone(), end, totals);
        for (total, before) in totals.iter_mut().zip(&best.cost[places.clone()]) {
            *total += before;
        }
        let (mut least, mut last) = (f64::INFINITY, None);
        for (at, total) in places.clone().zip(&*totals) {
            if total + penalty < least {
                (least, last) = (total + penalty, Some(at));
            }
        }
        best.cost[end] = least;
        best.last[end] = last;
        let from_now = (end + lengths.shortest) as f64;
        for (gone, total) in gone[places].iter_mut().zip(&*totals) {
            let since = if *total > least {
                from_now
            } else {
                f64::INFINITY
            };
            *gone = if since < *gone { since } else { *gone };
        }
    }
    best.cost[0] = 0.0;
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Random;
    use crate::statistics::change_points::{Lines, Means};

    /// Every segmentation, tried.
    fn tried(cost: &impl Cost, penalty: f64, lengths: Lengths) -> (f64, Vec<usize>) {
        let count = cost.count();
        let mut least = (f64::INFINITY, Vec::new());
        for cuts in 0u32..1 << (count - 1) {
            let mut starts = vec![0];
            starts.extend((1..count).filter(|at| cuts >> (at - 1) & 1 == 1));
            let ends = starts.iter().skip(1).chain([&count]);
            let spans: Vec<(usize, usize)> = starts.iter().copied().zip(ends.copied()).collect();
            let fits = |(from, to): &(usize, usize)| {
                (lengths.shortest..=lengths.longest).contains(&(to - from))
            };
            if !spans.iter().all(fits) {
                continue;
            }
            let sum: f64 = spans.iter().map(|&(from, to)| cost.cost(from, to)).sum();
            let total = sum + penalty * (spans.len() - 1) as f64;
            if total < least.0 {
                least = (total, starts);
            }
        }
        least
    }

    #[test]
    fn it_is_the_best_of_all_segmentations() {
        let mut random = Random::new(7);
        for round in 0..120 {
            let count = 6 + random.below(7) as usize;
            let step = random.below(count as u64);
            let values: Vec<f64> = (0..count as u64)
                .map(|at| random.normal() + if at >= step { 3.0 } else { 0.0 })
                .collect();
            let at: Vec<f64> = (0..count).map(|at| at as f64).collect();
            let shortest = 1 + random.below(3) as usize;
            let longest = [usize::MAX, 2 * shortest, 6][random.below(3) as usize];
            let lengths = Lengths { shortest, longest };
            let penalty = 4.0 * random.unit();
            let means = Means::of(&values);
            let lines = Lines::of(&at, &values, &vec![1.0; count], 0.2);
            let found = segments(&means, penalty, lengths);
            let (least, starts) = tried(&means, penalty, lengths);
            assert_eq!(found.starts(count), starts, "round {round}");
            assert!((found.cost(count) - least).abs() < 1e-9);
            let found = segments(&lines, penalty, lengths);
            let (least, starts) = tried(&lines, penalty, lengths);
            assert_eq!(found.starts(count), starts, "round {round}, lines");
            assert!((found.cost(count) - least).abs() < 1e-9);
        }
    }

    #[test]
    fn beginnings_are_segmented_as_if_there_was_no_more() {
        let mut random = Random::new(3);
        let values: Vec<f64> = (0..200)
            .map(|at| random.normal() + f64::from(at / 50) * 2.0)
            .collect();
        let lengths = Lengths {
            shortest: 3,
            longest: 40,
        };
        let whole = segments(&Means::of(&values), 9.0, lengths);
        for count in [3, 10, 57, 120, 200] {
            let part = segments(&Means::of(&values[..count]), 9.0, lengths);
            assert_eq!(whole.starts(count), part.starts(count));
            assert_eq!(whole.cost(count), part.cost(count));
        }
    }

    #[test]
    fn too_few_values_have_no_segments() {
        let lengths = Lengths::at_least(3);
        let two = segments(&Means::of(&[1.0, 2.0]), 1.0, lengths);
        assert!(two.starts(2).is_empty() && two.cost(2).is_infinite());
        let none = segments(&Means::of(&[]), 1.0, lengths);
        assert!(none.starts(0).is_empty() && none.starts(9).is_empty());
    }
}
