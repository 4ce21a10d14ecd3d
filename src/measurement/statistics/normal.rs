//! The normal law's quantiles.

/// The value that a standard normal variable stays below with probability `p`, 0 < p < 1; infinite at the ends.
///
/// Wichura's algorithm AS 241 (PPND7, *Applied Statistics* 37, 1988): seven correct digits, and the lengths of
/// intervals need three.
pub fn normal_quantile(p: f64) -> f64 {
    let from_middle = p - 0.5;
    if from_middle.abs() <= 0.425 {
        let r = 0.180625 - from_middle * from_middle;
        let above =
            ((59.109_374_720 * r + 159.291_132_02) * r + 50.434_271_938) * r + 3.387_132_717_9;
        let below = ((67.187_563_600 * r + 78.757_757_664) * r + 17.895_169_469) * r + 1.0;
        return from_middle * above / below;
    }
    let tail = if from_middle < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return f64::INFINITY.copysign(from_middle);
    }
    let r = (-tail.ln()).sqrt();
    let distance = if r <= 5.0 {
        let r = r - 1.6;
        let above =
            ((0.170_238_210_3 * r + 1.306_728_481_6) * r + 2.756_815_390) * r + 1.423_437_227_7;
        let below = (0.120_211_321_75 * r + 0.737_001_642_5) * r + 1.0;
        above / below
    } else {
        let r = r - 5.0;
        let above =
            ((0.017_337_203_997 * r + 0.428_682_948_37) * r + 3.081_226_38) * r + 6.657_905_115;
        let below = (0.012_258_202_635 * r + 0.241_978_942_25) * r + 1.0;
        above / below
    };
    distance.copysign(from_middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, z) in [
            (0.5, 0.0),
            (0.841_344_746, 1.0),
            (0.95, 1.644_853_627),
            (0.975, 1.959_963_985),
            (0.995, 2.575_829_304),
            (0.999_9, 3.719_016_485),
            (1e-9, -5.997_807_015),
            (1e-12, -7.034_483_825),
        ] {
            let found = normal_quantile(p);
            assert!((found - z).abs() < 1e-5, "{p}: {found}, not {z}");
        }
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }
}
