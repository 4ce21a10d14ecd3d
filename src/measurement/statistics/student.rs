//! Student's t: how far a mean may stray whose spread is itself an estimate.

/// Degrees of freedom from which on the law hardly changes any more.
const MOST: u64 = 200;
/// Halvings of a right angle: as many as a double tells apart.
const HALVINGS: usize = 60;

/// The value that |t| exceeds with probability `level` (0 to 1), at that many degrees of freedom. They are rounded
/// down to a whole number from 1 to 200, which makes the value larger if anything; infinite at level 0.
///
/// From the finite sums for whole degrees of freedom (Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.7.3
/// and 26.7.4), in the angle whose tangent is t/√ν, which is halved until it is found.
pub fn student_quantile(level: f64, freedom: f64) -> f64 {
    if level <= 0.0 {
        return f64::INFINITY;
    }
    let freedom = (freedom as u64).clamp(1, MOST);
    let (mut low, mut high) = (0.0, std::f64::consts::FRAC_PI_2);
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        match within(middle, freedom) < 1.0 - level {
            true => low = middle,
            false => high = middle,
        }
    }
    (freedom as f64).sqrt() * high.tan()
}

/// The probability that t lies within ±√ν tan(angle).
fn within(angle: f64, freedom: u64) -> f64 {
    let (sine, cosine) = angle.sin_cos();
    let is_odd = freedom % 2 == 1;
    // Each term is the one before it, times cos² and a ratio of neighbouring whole numbers.
    let (mut term, first) = if is_odd { (cosine, 2) } else { (1.0, 1) };
    let mut sum = 0.0;
    for step in (first..freedom).step_by(2) {
        sum += term;
        term *= cosine * cosine * step as f64 / (step + 1) as f64;
    }
    if is_odd {
        (angle + sine * sum) * std::f64::consts::FRAC_2_PI
    } else {
        sine * sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::normal_quantile;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Two-sided, as in any table of t (for example Abramowitz and Stegun, 26.10).
        for (level, freedom, t) in [
            (0.05, 1.0, 12.706),
            (0.01, 1.0, 63.657),
            (0.05, 2.0, 4.303),
            (0.01, 2.0, 9.925),
            (0.01, 3.0, 5.841),
            (0.05, 4.0, 2.776),
            (0.01, 5.0, 4.032),
            (0.01, 8.0, 3.355),
            (0.001, 10.0, 4.587),
            (0.05, 30.0, 2.042),
            (0.01, 120.0, 2.617),
        ] {
            let found = student_quantile(level, freedom);
            assert!((found - t).abs() < 6e-4, "{level}, {freedom}: {found}");
        }
    }

    #[test]
    fn many_degrees_of_freedom_are_nearly_normal_and_odd_ones_are_rounded_down() {
        for level in [0.1, 0.01, 1e-6] {
            let (found, normal) = (
                student_quantile(level, f64::INFINITY),
                -normal_quantile(level / 2.0),
            );
            assert!((1.0..1.07).contains(&(found / normal)), "{level}: {found}");
        }
        assert_eq!(student_quantile(0.01, 4.9), student_quantile(0.01, 4.0));
        assert_eq!(
            student_quantile(0.01, f64::NAN),
            student_quantile(0.01, 1.0)
        );
        assert!(student_quantile(0.0, 5.0).is_infinite());
        assert!(student_quantile(1e-12, 1.0) > 1e11);
    }
}
