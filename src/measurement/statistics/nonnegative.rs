//! Costs that add up: least squares whose answers are not negative.

/// The `x` that are nowhere negative and make the sum of squared *relative* residuals, of `1 − (row · x) / y`
/// over all rows, least (Lawson and Hanson, *Solving Least Squares Problems*, 1974, ch. 23).
///
/// Relative, because a run's cells span 40 µs to 70 ms and their noise grows with them: unweighted, the
/// largest alone would be fitted. Columns that the others make up add nothing and stay 0.
///
/// `None` for no rows, rows of different lengths, and numbers that are not finite or a `y` that is not positive.
pub fn fit_nonnegative(rows: &[Vec<f64>], y: &[f64]) -> Option<Vec<f64>> {
    let normal = Normal::of(rows, y)?;
    let count = normal.scale.len();
    let mut x = vec![0.0; count];
    let mut passive = vec![false; count];
    let mut barred = vec![false; count];
    // The method ends by itself; the bound holds where rounding would make it go round in circles.
    for _ in 0..10 * count {
        let gradient = normal.gradient(&x);
        let steepest = (0..count)
            .filter(|&at| !passive[at] && !barred[at] && gradient[at] > normal.flat)
            .max_by(|&a, &b| gradient[a].total_cmp(&gradient[b]));
        let Some(entering) = steepest else { break };
        passive[entering] = true;
        match normal.solve(&passive) {
            Some(solved) if solved[entering] > 0.0 => {
                normal.step(&mut x, solved, &mut passive);
                barred.fill(false);
            }
            // Rounding alone let it in.
            _ => {
                passive[entering] = false;
                barred[entering] = true;
            }
        }
    }
    let unscaled = x.iter().zip(&normal.scale).map(|(x, scale)| x / scale);
    Some(unscaled.collect())
}

/// The normal equations of rows divided by their y, each column scaled to length 1: with pages counted in
/// millions beside a call counted once, unscaled ones lose all digits.
struct Normal {
    /// Length of each column.
    scale: Vec<f64>,
    gram: Vec<Vec<f64>>,
    right: Vec<f64>,
    /// A gradient below this is none.
    flat: f64,
}

/// A pivot below this share of its column is rounding: the columns before it make it up.
const DEPENDENT: f64 = 1e-10;

impl Normal {
    fn of(rows: &[Vec<f64>], y: &[f64]) -> Option<Self> {
        let count = rows.first()?.len();
        let sound = |(row, &y): (&Vec<f64>, &f64)| {
            row.len() == count && y > 0.0 && row.iter().all(|value| (value / y).is_finite())
        };
        if rows.len() != y.len() || !rows.iter().zip(y).all(sound) {
            return None;
        }
        let mut gram = vec![vec![0.0; count]; count];
        let mut right = vec![0.0; count];
        for (row, &y) in rows.iter().zip(y) {
            for at in 0..count {
                right[at] += row[at] / y;
                for other in 0..count {
                    gram[at][other] += row[at] / y * (row[other] / y);
                }
            }
        }
        let lengths = (0..count).map(|at| gram[at][at].sqrt());
        let scale: Vec<f64> = lengths
            .map(|length| if length > 0.0 { length } else { 1.0 })
            .collect();
        for at in 0..count {
            right[at] /= scale[at];
            for other in 0..count {
                gram[at][other] /= scale[at] * scale[other];
            }
        }
        let finite = gram.iter().flatten().chain(&right).all(|v| v.is_finite());
        finite.then_some(Self {
            scale,
            gram,
            right,
            flat: 1e-11 * (rows.len() as f64).sqrt(),
        })
    }

    /// How fast the squares fall as each x rises.
    fn gradient(&self, x: &[f64]) -> Vec<f64> {
        let at_x = |row: &Vec<f64>| row.iter().zip(x).map(|(g, x)| g * x).sum::<f64>();
        let pairs = self.right.iter().zip(&self.gram);
        pairs.map(|(right, row)| right - at_x(row)).collect()
    }

    /// Least squares over the passive columns alone, the others 0 (Cholesky). `None` where one of them is
    /// made up of others.
    fn solve(&self, passive: &[bool]) -> Option<Vec<f64>> {
        let columns: Vec<usize> = (0..passive.len()).filter(|&at| passive[at]).collect();
        let size = columns.len();
        let mut lower = vec![vec![0.0; size]; size];
        for i in 0..size {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
                let rest = self.gram[columns[i]][columns[j]] - dot;
                lower[i][j] = match i == j {
                    true if rest <= DEPENDENT => return None,
                    true => rest.sqrt(),
                    false => rest / lower[j][j],
                };
            }
        }
        let mut solved = vec![0.0; size];
        for i in 0..size {
            let dot: f64 = (0..i).map(|k| lower[i][k] * solved[k]).sum();
            solved[i] = (self.right[columns[i]] - dot) / lower[i][i];
        }
        for i in (0..size).rev() {
            let dot: f64 = (i + 1..size).map(|k| lower[k][i] * solved[k]).sum();
            solved[i] = (solved[i] - dot) / lower[i][i];
        }
        let mut x = vec![0.0; passive.len()];
        for (&column, value) in columns.iter().zip(solved) {
            x[column] = value;
        }
        Some(x)
    }

    /// Goes from `x` towards what was `solved`, as far as nothing turns negative, puts what has come to 0 out of the
    /// passive set, and solves again, until all that are left are positive.
    fn step(&self, x: &mut [f64], mut solved: Vec<f64>, passive: &mut [bool]) {
        for _ in 0..x.len() {
            let negative = |at: &usize| passive[*at] && solved[*at] <= 0.0;
            let blocking: Vec<usize> = (0..x.len()).filter(negative).collect();
            let share = |&at: &usize| x[at] / (x[at] - solved[at]).max(f64::MIN_POSITIVE);
            let Some(least) = blocking.iter().map(share).reduce(f64::min) else {
                break;
            };
            for at in 0..x.len() {
                x[at] += least * (solved[at] - x[at]);
            }
            for &at in &blocking {
                if x[at] <= 1e-14 {
                    x[at] = 0.0;
                    passive[at] = false;
                }
            }
            match self.solve(passive) {
                Some(again) => solved = again,
                None => return,
            }
        }
        let positive = solved.iter().map(|value| value.max(0.0));
        x.iter_mut().zip(positive).for_each(|(x, value)| *x = value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Random;

    #[test]
    fn known_costs_of_very_different_sizes_come_back() {
        // One call, millions of pages, thousands of VMAs and descriptors.
        let truth = [13_000.0, 67.0, 1_050.0, 5.0];
        let rows = [
            [1.0, 0.0, 28.0, 6.0],
            [1.0, 16_384.0, 29.0, 6.0],
            [1.0, 1_048_576.0, 29.0, 6.0],
            [1.0, 2_000.0, 2_028.0, 6.0],
            [1.0, 0.0, 28.0, 10_006.0],
        ]
        .map(Vec::from);
        let times = |row: &Vec<f64>| row.iter().zip(truth).map(|(n, ns)| n * ns).sum();
        let y: Vec<f64> = rows.iter().map(times).collect();
        let costs = fit_nonnegative(&rows, &y).unwrap();
        for (cost, truth) in costs.iter().zip(truth) {
            assert!((cost / truth - 1.0).abs() < 1e-6, "{costs:?}");
        }
    }

    #[test]
    fn what_would_be_negative_is_nothing_and_the_rest_is_fitted_without_it() {
        // y = 10 − x falls: without its sign the second cost would be −1.
        let rows: Vec<Vec<f64>> = (0..5).map(|x| vec![1.0, f64::from(x)]).collect();
        let y: Vec<f64> = (0..5).map(|x| 10.0 - f64::from(x)).collect();
        let costs = fit_nonnegative(&rows, &y).unwrap();
        assert_eq!(costs[1], 0.0);
        // The level with the least relative squares: Σ 1/y over Σ 1/y².
        let sum = |power: i32| y.iter().map(|y| y.powi(-power)).sum::<f64>();
        assert!((costs[0] - sum(1) / sum(2)).abs() < 1e-9, "{costs:?}");
    }

    #[test]
    fn no_allowed_change_of_any_answer_makes_the_squares_less() {
        let mut random = Random::new(8);
        let mut zeros = 0;
        for _ in 0..300 {
            let rows: Vec<Vec<f64>> = (0..8)
                .map(|_| (0..5).map(|_| random.unit()).collect())
                .collect();
            let y: Vec<f64> = (0..8).map(|_| 0.1 + random.unit()).collect();
            let squares = |x: &[f64]| -> f64 {
                let fitted = |row: &Vec<f64>| row.iter().zip(x).map(|(a, x)| a * x).sum::<f64>();
                let pairs = rows.iter().zip(&y);
                pairs.map(|(row, y)| (1.0 - fitted(row) / y).powi(2)).sum()
            };
            let x = fit_nonnegative(&rows, &y).unwrap();
            let least = squares(&x);
            zeros += x.iter().filter(|&&x| x == 0.0).count();
            for at in 0..5 {
                for change in [-1e-4, 1e-4] {
                    let mut other = x.clone();
                    other[at] = (other[at] + change).max(0.0);
                    assert!(squares(&other) >= least - 1e-12, "{x:?} {at} {change}");
                }
            }
        }
        assert!(zeros > 100, "{zeros}: the bound was hardly tried");
    }

    #[test]
    fn columns_that_others_make_up_and_empty_ones_do_no_harm() {
        let rows = [[1.0, 2.0, 0.0, 3.0], [2.0, 4.0, 0.0, 1.0]].map(Vec::from);
        let x = fit_nonnegative(&rows, &[5.0, 5.0]).unwrap();
        assert_eq!(x[2], 0.0);
        let first = x[0] + 2.0 * x[1] + 3.0 * x[3];
        assert!((first - 5.0).abs() < 1e-6, "{x:?}");
    }

    #[test]
    fn numbers_that_no_clock_gives_are_refused() {
        let row = |value: f64| vec![vec![1.0, value]];
        assert_eq!(fit_nonnegative(&[], &[]), None);
        assert_eq!(fit_nonnegative(&row(1.0), &[1.0, 2.0]), None);
        for y in [0.0, -1.0, f64::NAN] {
            assert_eq!(fit_nonnegative(&row(1.0), &[y]), None);
        }
        for value in [f64::NAN, f64::INFINITY, 1e200] {
            assert_eq!(fit_nonnegative(&row(value), &[1.0]), None);
        }
        let uneven = [vec![1.0], vec![1.0, 2.0]];
        assert_eq!(fit_nonnegative(&uneven, &[1.0, 1.0]), None);
        // All zeros cost nothing.
        assert_eq!(fit_nonnegative(&[vec![0.0]], &[1.0]), Some(vec![0.0]));
    }
}
