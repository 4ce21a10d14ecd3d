//! Straight lines through measured points.

/// A line `y = intercept + slope × x`, and how far the points lie from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Rise of y for each unit of x.
    pub slope: f64,
    /// y at x = 0.
    pub intercept: f64,
    /// For each point, in the order given: (y − the line's y) / y. 0.1 is 10 % above the line.
    pub residuals: Vec<f64>,
}

impl Line {
    /// The line's y.
    pub fn at(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }

    /// The greatest distance of a point from the line, as a share of the point's y.
    pub fn largest_relative_residual(&self) -> f64 {
        self.residuals.iter().fold(0.0, |most, r| r.abs().max(most))
    }
}

/// The line with the least sum of squared *relative* residuals: weighted least squares with weights
/// 1/y² (Draper and Smith, *Applied Regression Analysis*, ch. 9).
///
/// Sizes span 64 MiB to 4 GiB and noise grows with the time measured; unweighted, the largest point
/// alone would draw the line.
///
/// `None` for fewer than two different x, and for points that are not finite or whose y is not positive.
pub fn fit_line(points: &[(f64, f64)]) -> Option<Line> {
    let usable = |&(x, y): &(f64, f64)| x.is_finite() && y.is_finite() && y > 0.0;
    if !points.iter().all(usable) {
        return None;
    }
    let weighted = |value: &dyn Fn(f64, f64) -> f64| -> f64 {
        points.iter().map(|&(x, y)| value(x, y) / (y * y)).sum()
    };
    let weight = weighted(&|_, _| 1.0);
    let mean_x = weighted(&|x, _| x) / weight;
    let mean_y = weighted(&|_, y| y) / weight;
    // About the means: with x in billions of bytes the plain normal equations lose all digits.
    let xx = weighted(&|x, _| (x - mean_x) * (x - mean_x));
    let xy = weighted(&|x, y| (x - mean_x) * (y - mean_y));
    let first = points.first()?.0;
    if points.iter().all(|point| point.0 == first) {
        return None;
    }
    let slope = xy / xx;
    let intercept = mean_y - slope * mean_x;
    let residual = |&(x, y): &(f64, f64)| (y - (intercept + slope * x)) / y;
    let line = Line {
        slope,
        intercept,
        residuals: points.iter().map(residual).collect(),
    };
    (line.slope.is_finite() && line.intercept.is_finite()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Random;

    const MIB: f64 = 1_048_576.0;
    const SIZES: [f64; 6] = [64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];

    #[test]
    fn points_on_a_line_give_the_line_back() {
        let points = SIZES.map(|mib| (mib * MIB, 40_000.0 + 0.0128 * mib * MIB));
        let line = fit_line(&points).unwrap();
        assert!((line.slope / 0.0128 - 1.0).abs() < 1e-9, "{line:?}");
        assert!((line.intercept / 40_000.0 - 1.0).abs() < 1e-6, "{line:?}");
        assert!(line.largest_relative_residual() < 1e-9);
        assert!((line.at(0.0) - line.intercept).abs() < 1e-9);
    }

    #[test]
    fn a_known_slope_is_recovered_from_noisy_points_without_bias() {
        let mut random = Random::new(11);
        let (mut sum, mut worst) = (0.0, 0.0f64);
        for _ in 0..2_000 {
            // Uniform noise of ±3 % of each point.
            let points = SIZES.map(|mib| {
                let y = 40_000.0 + 0.0128 * mib * MIB;
                (mib * MIB, y * (0.97 + 0.06 * random.unit()))
            });
            let line = fit_line(&points).unwrap();
            sum += line.slope / 0.0128;
            worst = worst.max((line.slope / 0.0128 - 1.0).abs());
            assert!(line.largest_relative_residual() < 0.07);
        }
        assert!((sum / 2_000.0 - 1.0).abs() < 0.002, "{}", sum / 2_000.0);
        assert!(worst < 0.05, "{worst}");
    }

    #[test]
    fn one_point_off_the_line_is_seen_whatever_its_size() {
        for off in 0..SIZES.len() {
            let mut points = SIZES.map(|mib| (mib * MIB, 0.0128 * mib * MIB));
            points[off].1 *= 1.5;
            let line = fit_line(&points).unwrap();
            assert!(line.largest_relative_residual() > 0.1, "{off}: {line:?}");
        }
    }

    #[test]
    fn what_has_no_line_gives_none() {
        assert_eq!(fit_line(&[]), None);
        assert_eq!(fit_line(&[(1.0, 2.0)]), None);
        assert_eq!(fit_line(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(fit_line(&[(1.0, 0.0), (2.0, 3.0)]), None);
        assert_eq!(fit_line(&[(1.0, f64::NAN), (2.0, 3.0)]), None);
        assert_eq!(fit_line(&[(f64::INFINITY, 1.0), (2.0, 3.0)]), None);
    }
}
