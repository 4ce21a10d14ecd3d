//! How far noise moves costs: fits to trials drawn anew.

use super::rows::{Row, interquartile_mean};
use crate::statistics::{Random, fit_nonnegative, normal_quantile, student_quantile};

/// The same for every call, so that the same run always shows the same intervals.
const SEED: u64 = 0x666f_726b;
/// Fits for an interval, and the fewest where there are absurdly many cells or trials.
const ROUNDS: usize = 1_000;
const FEWEST_ROUNDS: usize = 50;
/// Numbers that all rounds look at together: the input may come from a stranger.
const MOST_LOOKS: usize = 2_000_000;
/// Fewer trials than this show no spread of their own.
const SPREADING: usize = 3;
/// What trials of one cell differ by where the run does not say, in logarithms: what was seen between
/// fresh processes on a quiet guest.
const SPREAD: f64 = 0.02;

/// The costs of each round: blocks of the schedule are drawn with replacement, each cell takes the middle of its
/// trials in them, and the costs are fitted again. Whole blocks, because a host's drift moves all cells that are
/// measured beside each other together.
pub(super) fn resampled(rows: &[Row], counts: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let trials: usize = rows.iter().map(|row| row.trials.len()).sum();
    let looks: usize = trials + counts.iter().map(Vec::len).sum::<usize>();
    let rounds = (MOST_LOOKS / looks.max(1)).clamp(FEWEST_ROUNDS, ROUNDS);
    let spread = common_spread(rows);
    let every = rows.iter().flat_map(|row| &row.trials);
    let mut blocks: Vec<u32> = every.map(|trial| trial.0).collect();
    blocks.sort_unstable();
    blocks.dedup();
    let wider = widening(blocks.len());
    let mut random = Random::new(SEED);
    let round = |_| {
        let mut weights = vec![0; blocks.len()];
        for _ in 0..blocks.len() {
            weights[random.below(blocks.len() as u64) as usize] += 1;
        }
        let weight = |block: u32| blocks.binary_search(&block).map_or(0, |at| weights[at]);
        let drawn: Vec<f64> = rows
            .iter()
            .map(|row| match row.trials.len() < SPREADING {
                true => scattered(row, spread, &mut random),
                false => {
                    let drawn = interquartile_mean(&row.trials, weight).unwrap_or(row.ns);
                    row.ns * (drawn / row.ns).powf(wider)
                }
            })
            .collect();
        fit_nonnegative(counts, &drawn)
    };
    (0..rounds).filter_map(round).collect()
}

/// By how much the spread of what is drawn falls short of that of what was drawn from: n draws from n values
/// vary by (n − 1)/n of the variance, and that itself is a guess, the worse the fewer they are (Student, 1908).
fn widening(blocks: usize) -> f64 {
    if blocks < 2 {
        return 1.0;
    }
    let n = blocks as f64;
    let student = student_quantile(0.05, n - 1.0) / normal_quantile(0.975);
    student * (n / (n - 1.0)).sqrt()
}

/// A time that another run of so few trials might have had.
fn scattered(row: &Row, spread: f64, random: &mut Random) -> f64 {
    let each = spread / (row.trials.len() as f64).sqrt();
    row.ns * (each * random.normal()).exp()
}

/// What trials of a cell differ by, in logarithms: the root mean square over the cells that have enough of them.
fn common_spread(rows: &[Row]) -> f64 {
    let (mut squares, mut free) = (0.0, 0);
    for row in rows.iter().filter(|row| row.trials.len() >= SPREADING) {
        let logs: Vec<f64> = row.trials.iter().map(|(_, ns)| ns.ln()).collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        squares += logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>();
        free += logs.len() - 1;
    }
    if free > 0 {
        (squares / free as f64).sqrt()
    } else {
        SPREAD
    }
}
