//! What a segment costs: the squares of what its level leaves unexplained.

use std::ops::Range;

/// The cost of segments of a series.
///
/// Cutting a segment never makes it dearer; [`super::segments()`] rests on that.
pub trait Cost {
    /// Values in the series.
    fn count(&self) -> usize;
    /// The cost of the values from `from` up to but without `to`, of which there is at least one.
    fn cost(&self, from: usize, to: usize) -> f64;
    /// The costs from each place of `from` up to but without `to`, written to `costs`, which has room for just so many.
    fn costs(&self, from: Range<usize>, to: usize, costs: &mut [f64]) {
        for (cost, from) in costs.iter_mut().zip(from) {
            *cost = self.cost(from, to);
        }
    }
}

/// Squares about the segment's mean.
#[derive(Debug, Clone)]
pub struct Means {
    /// Sums of the values and of their squares before each place.
    sums: Vec<[f64; 2]>,
}

impl Means {
    /// The costs of `values`, which are finite.
    pub fn of(values: &[f64]) -> Self {
        // Far from zero, squares would drown what is to be told from them.
        let origin = values.first().copied().unwrap_or(0.0);
        let mut sums = vec![[0.0; 2]];
        let (mut sum, mut squares) = (0.0, 0.0);
        for value in values {
            let value = value - origin;
            sum += value;
            squares += value * value;
            sums.push([sum, squares]);
        }
        Self { sums }
    }
}

impl Cost for Means {
    fn count(&self) -> usize {
        self.sums.len() - 1
    }

    fn cost(&self, from: usize, to: usize) -> f64 {
        let [sum, squares] = [0, 1].map(|part| self.sums[to][part] - self.sums[from][part]);
        (squares - sum * sum / (to - from) as f64).max(0.0)
    }
}

/// Weighted squares about a straight line that rises or falls no faster than a bound: the one of least squares if it
/// keeps to the bound, else the one at the bound.
#[derive(Debug, Clone)]
pub struct Lines {
    /// Weighted sums before each place, one list for each: 1, x, y, x², xy, y².
    sums: [Vec<f64>; 6],
    steepest: f64,
}

impl Lines {
    /// The costs of `values` measured at the places `at`, with `weights` above 0, all finite and of one length; `steepest`
    /// is in values for each unit of `at`, 0 or more.
    pub fn of(at: &[f64], values: &[f64], weights: &[f64], steepest: f64) -> Self {
        let origin = (
            at.first().copied().unwrap_or(0.0),
            values.first().copied().unwrap_or(0.0),
        );
        let mut sums = [(); 6].map(|()| vec![0.0]);
        let mut sum = [0.0; 6];
        for ((x, y), weight) in at.iter().zip(values).zip(weights) {
            let (x, y) = (x - origin.0, y - origin.1);
            let parts = [1.0, x, y, x * x, x * y, y * y];
            for ((sums, sum), part) in sums.iter_mut().zip(&mut sum).zip(parts) {
                *sum += weight * part;
                sums.push(*sum);
            }
        }
        Self { sums, steepest }
    }

    /// Of the values between two places.
    fn centred(&self, from: usize, to: usize) -> Centred {
        let at = |place: usize| self.sums.each_ref().map(|sums| sums[place]);
        Centred::between(&at(from), &at(to))
    }

    /// The slope of a segment's line, and the weighted squares of the places about their mean, from which follows how
    /// well the slope is known.
    pub fn slope(&self, from: usize, to: usize) -> (f64, f64) {
        let centred = self.centred(from, to);
        if centred.xx <= 0.0 {
            return (0.0, 0.0);
        }
        (centred.slope(self.steepest), centred.xx)
    }
}

impl Cost for Lines {
    fn count(&self) -> usize {
        self.sums[0].len() - 1
    }

    fn cost(&self, from: usize, to: usize) -> f64 {
        self.centred(from, to).cost(self.steepest)
    }

    // The innermost loop of a search: no bounds to check and no branches, so that it is done in vectors. It is spelt out
    // because `map` of arrays is no vector.
    fn costs(&self, from: Range<usize>, to: usize, costs: &mut [f64]) {
        let count = costs.len();
        let [w, x, y, xx, xy, yy] = &self.sums;
        let high = [w[to], x[to], y[to], xx[to], xy[to], yy[to]];
        let from = from.start..from.start + count;
        let (w, x, y) = (&w[from.clone()], &x[from.clone()], &y[from.clone()]);
        let (xx, xy, yy) = (&xx[from.clone()], &xy[from.clone()], &yy[from]);
        for at in 0..count {
            let low = [w[at], x[at], y[at], xx[at], xy[at], yy[at]];
            costs[at] = Centred::between(&low, &high).cost(self.steepest);
        }
    }
}

/// Weighted sums of squares and products about the means.
struct Centred {
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Centred {
    /// From sums of 1, x, y, x², xy, y² before two places.
    #[inline(always)]
    fn between(low: &[f64; 6], high: &[f64; 6]) -> Self {
        let each = (high[0] - low[0]).recip();
        let (x, y) = (high[1] - low[1], high[2] - low[2]);
        let (mean_x, mean_y) = (x * each, y * each);
        Self {
            xx: not_below_zero(high[3] - low[3] - x * mean_x),
            xy: high[4] - low[4] - x * mean_y,
            yy: not_below_zero(high[5] - low[5] - y * mean_y),
        }
    }

    /// The slope of the best line that is no steeper. Only where `xx` is above 0.
    #[inline(always)]
    fn slope(&self, steepest: f64) -> f64 {
        let slope = self.xy / self.xx;
        let slope = if slope > steepest { steepest } else { slope };
        if slope < -steepest { -steepest } else { slope }
    }

    /// What that line leaves.
    #[inline(always)]
    fn cost(&self, steepest: f64) -> f64 {
        let slope = self.slope(steepest);
        let left = not_below_zero(self.yy - slope * (2.0 * self.xy - slope * self.xx));
        if self.xx > 0.0 { left } else { self.yy }
    }
}

/// As `value.max(0.0)`, which minds what is no number, and is more than one instruction for it.
#[inline(always)]
fn not_below_zero(value: f64) -> f64 {
    if value > 0.0 { value } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: [f64; 6] = [10.0, 11.0, 12.0, 14.0, 15.0, 16.0];
    const VALUES: [f64; 6] = [5.0, 5.4, 5.9, 7.1, 7.4, 8.1];
    const WEIGHTS: [f64; 6] = [1.0, 2.0, 1.0, 0.5, 1.0, 3.0];

    /// Squares about the line of a slope, the best height searched for.
    fn squares(slope: f64, from: usize, to: usize) -> f64 {
        let weight: f64 = WEIGHTS[from..to].iter().sum();
        let rest = |at: usize| VALUES[at] - slope * AT[at];
        let height = (from..to).map(|at| WEIGHTS[at] * rest(at)).sum::<f64>() / weight;
        (from..to)
            .map(|at| WEIGHTS[at] * (rest(at) - height).powi(2))
            .sum()
    }

    #[test]
    fn means_leave_the_squares_about_them() {
        let means = Means::of(&[1e6 + 1.0, 1e6 + 2.0, 1e6 + 6.0]);
        assert_eq!(means.count(), 3);
        assert!((means.cost(0, 3) - 14.0).abs() < 1e-9);
        assert_eq!(means.cost(1, 2), 0.0);
    }

    #[test]
    fn a_line_is_the_best_within_its_bound() {
        for steepest in [0.0, 0.1, 0.3, 10.0] {
            let lines = Lines::of(&AT, &VALUES, &WEIGHTS, steepest);
            for (from, to) in [(0, 6), (1, 4), (2, 6), (3, 5)] {
                let tried = (0..=20_000).map(|step| f64::from(step - 10_000) / 10_000.0);
                let least = tried
                    .filter(|slope| slope.abs() <= steepest)
                    .map(|slope| squares(slope, from, to))
                    .fold(f64::INFINITY, f64::min);
                let cost = lines.cost(from, to);
                assert!((cost - least).abs() < 1e-6, "{steepest} {from}..{to}");
                let (slope, _) = lines.slope(from, to);
                assert!(slope.abs() <= steepest && squares(slope, from, to) <= least + 1e-9);
            }
            assert!(lines.cost(2, 3) < 1e-12);
        }
    }

    #[test]
    fn cutting_never_costs() {
        let lines = Lines::of(&AT, &VALUES, &WEIGHTS, 0.3);
        for from in 0..6 {
            for to in from + 2..=6 {
                for cut in from + 1..to {
                    let parts = lines.cost(from, cut) + lines.cost(cut, to);
                    assert!(parts <= lines.cost(from, to) + 1e-9);
                }
            }
        }
    }
}
