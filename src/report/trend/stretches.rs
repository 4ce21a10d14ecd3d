//! A cell's points as they are drawn: thinned where there are more than a chart can show, and cut where nothing was
//! measured.

use crate::statistics::median_of;
use crate::trend::{CellHistory, RunSeen, Seen};

/// A line is cut where the next point is so many usual distances away.
const GAP: f64 = 2.5;

/// Runs that share a place on the chart; often it is one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bucket {
    /// The first and the last run.
    pub runs: [usize; 2],
    /// How many of them measured the cell.
    pub count: usize,
    /// When, in seconds since 1970: the middle of it.
    pub at: f64,
    /// The least of what was measured.
    pub low: f64,
    /// Its middle.
    pub middle: f64,
    /// The greatest.
    pub high: f64,
    /// The middle of it without what the sittings did.
    pub adjusted: Option<f64>,
}

/// A cell's points in at most `most` buckets of equal time, without those that nothing fell into. A point is a
/// bucket of its own where there are few enough.
pub(super) fn buckets(cell: &CellHistory, runs: &[RunSeen], most: usize) -> Vec<Bucket> {
    let timed = cell
        .points
        .iter()
        .filter_map(|point| Some((runs.get(point.run)?.seconds as f64, point)));
    let timed: Vec<(f64, &Seen)> = timed.collect();
    if timed.len() <= most {
        return timed
            .iter()
            .map(|one| bucket(std::slice::from_ref(one)))
            .collect();
    }
    let (first, last) = (timed[0].0, timed[timed.len() - 1].0);
    let width = ((last - first) / most as f64).max(1.0);
    let place = |at: f64| (((at - first) / width) as usize).min(most - 1);
    let mut buckets = Vec::with_capacity(most);
    let (mut begin, mut here) = (0, place(first));
    for (end, (at, _)) in timed.iter().enumerate() {
        let next = place(*at);
        if next != here {
            buckets.push(bucket(&timed[begin..end]));
            (begin, here) = (end, next);
        }
    }
    buckets.push(bucket(&timed[begin..]));
    buckets
}

/// One bucket of points, of which there is at least one.
fn bucket(points: &[(f64, &Seen)]) -> Bucket {
    let (mut p10, mut adjusted) = (Vec::with_capacity(points.len()), Vec::new());
    let (mut low, mut high) = (f64::INFINITY, 0.0);
    for (_, point) in points {
        let value = point.p10 as f64;
        low = value.min(low);
        high = value.max(high);
        p10.push(value);
        adjusted.extend(point.adjusted.map(|value| value as f64));
    }
    Bucket {
        runs: [points[0].1.run, points[points.len() - 1].1.run],
        count: points.len(),
        at: (points[0].0 + points[points.len() - 1].0) / 2.0,
        low,
        high,
        middle: median_of(p10).unwrap_or(low),
        adjusted: median_of(adjusted),
    }
}

/// Buckets that a line goes through without a break: nights that are missing break it.
pub(super) fn stretches(buckets: &[Bucket]) -> impl Iterator<Item = &[Bucket]> {
    let mut apart: Vec<f64> = buckets
        .windows(2)
        .map(|pair| pair[1].at - pair[0].at)
        .collect();
    apart.sort_unstable_by(f64::total_cmp);
    let usual = apart.get(apart.len() / 2).copied().unwrap_or(0.0);
    buckets.chunk_by(move |a, b| b.at - a.at <= (GAP * usual).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Verdict;

    fn run(day: i64) -> RunSeen {
        RunSeen {
            id: day.to_string(),
            started: String::new(),
            seconds: day * 86_400,
            commit: None,
            kernel: None,
            path: None,
        }
    }

    fn cell(values: &[u64]) -> CellHistory {
        let point = |(run, &p10): (usize, &u64)| Seen {
            run,
            p10,
            low: p10,
            high: p10,
            adjusted: Some(p10 + 1),
            trials: 1,
        };
        CellHistory {
            id: "fork/0".to_owned(),
            phase: None,
            verdict: Verdict::Unchanged,
            reason: None,
            count: values.len(),
            normalised: true,
            level: None,
            changes: Vec::new(),
            pending: None,
            points: values.iter().enumerate().map(point).collect(),
        }
    }

    #[test]
    fn few_points_are_what_they_are_and_many_share_places() {
        let runs: Vec<RunSeen> = (0..1_000).map(run).collect();
        let values: Vec<u64> = (0..1_000).map(|at| 100 + at % 10).collect();
        let few = buckets(&cell(&values[..50]), &runs, 50);
        assert_eq!((few.len(), few[3].middle, few[3].count), (50, 103.0, 1));
        let many = buckets(&cell(&values), &runs, 50);
        assert!((45..=50).contains(&many.len()));
        assert_eq!(many.iter().map(|bucket| bucket.count).sum::<usize>(), 1_000);
        for bucket in &many {
            assert!((100.0..=109.0).contains(&bucket.low) && bucket.low <= bucket.middle);
            assert!(bucket.middle <= bucket.high && bucket.high <= 109.0);
            assert_eq!(bucket.adjusted, Some(bucket.middle + 1.0));
        }
    }

    #[test]
    fn nights_that_are_missing_break_the_line() {
        let days = [0, 1, 2, 3, 10, 11, 12, 14, 15];
        let runs: Vec<RunSeen> = days.into_iter().map(run).collect();
        let all = buckets(&cell(&[5; 9]), &runs, 100);
        let lengths: Vec<usize> = stretches(&all).map(<[Bucket]>::len).collect();
        assert_eq!(lengths, [4, 5]);
        assert_eq!(stretches(&[]).count(), 0);
        let once = buckets(&cell(&[5]), &runs, 100);
        assert_eq!(stretches(&once).count(), 1);
        // All at one moment, and points of runs that are not there.
        let same: Vec<RunSeen> = (0..9).map(|_| run(3)).collect();
        assert_eq!(buckets(&cell(&[5; 20]), &same, 4).len(), 1);
    }
}
