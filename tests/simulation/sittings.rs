//! The interval of `compare`: sides measured in sittings of their own.

use forkbench::statistics::{BETWEEN, Random, compare_sittings, student_quantile};

use super::share;

const EFFECT: f64 = 0.02;
const LEVEL: f64 = 0.01;
/// Standard error: 0.22 points at 99 %.
const ROUNDS: u64 = 2_000;

/// Sittings of a side: its value strays between sittings, and trials by 1 % about their sitting's. In one sitting of four
/// trials have two values 4 % apart.
fn side(random: &mut Random, sittings: usize, value: f64, between: f64) -> Vec<Vec<f64>> {
    let sitting = |random: &mut Random| {
        let middle = value + between * random.normal();
        let apart = if random.below(4) == 0 { 0.02 } else { 0.0 };
        let trials = 3 + random.below(5);
        let trial = |random: &mut Random| {
            let either = if random.below(2) == 0 { apart } else { -apart };
            middle + either + 0.01 * random.normal()
        };
        (0..trials).map(|_| trial(random)).collect()
    };
    (0..sittings).map(|_| sitting(random)).collect()
}

fn covered(base: usize, candidate: usize, between: f64) -> f64 {
    share(ROUNDS, |round| {
        let mut random = Random::new(round ^ (base * 8 + candidate) as u64 ^ between.to_bits());
        let base = side(&mut random, base, 10.6, between);
        let candidate = side(&mut random, candidate, 10.6 + EFFECT, between);
        let found = compare_sittings(&base, &candidate, LEVEL).unwrap().shift;
        found.low <= EFFECT && EFFECT <= found.high
    })
}

const SITTINGS: [(usize, usize); 7] = [(1, 2), (2, 2), (1, 5), (3, 3), (5, 2), (4, 4), (5, 5)];

#[test]
fn the_interval_holds_the_effect_as_often_as_it_says() {
    let one = covered(1, 1, BETWEEN);
    assert!(one >= 0.98, "one sitting a side: {one}");
    for (base, candidate) in SITTINGS {
        for between in [BETWEEN, 0.03] {
            let found = covered(base, candidate, between);
            assert!(
                found >= 0.98,
                "{base} and {candidate} at {between}: {found}"
            );
        }
    }
}

/// Controls: what one sitting a side takes on trust, and what came of counting trials instead of sittings.
#[test]
fn a_host_that_strays_more_is_seen_only_by_several_sittings() {
    let trusting = covered(1, 1, 0.03);
    assert!(trusting < 0.90, "one sitting a side at 3 %: {trusting}");
    let counting_trials = share(ROUNDS, |round| {
        let mut random = Random::new(round);
        let [base, candidate] = [10.6, 10.6 + EFFECT].map(|value| {
            let trials = side(&mut random, 3, value, BETWEEN).concat();
            let count = trials.len() as f64;
            let mean = trials.iter().sum::<f64>() / count;
            let squares: f64 = trials.iter().map(|one| (one - mean).powi(2)).sum();
            (mean, squares / (count - 1.0) / count)
        });
        let reach = student_quantile(LEVEL, 20.0) * (base.1 + candidate.1).sqrt();
        (candidate.0 - base.0 - EFFECT).abs() <= reach
    });
    assert!(counting_trials < 0.90, "{counting_trials}");
}

#[test]
fn one_sitting_a_side_calls_nothing_below_six_percent_and_more_sittings_do() {
    let reach = |sittings: usize| {
        let mut random = Random::new(1);
        let mut reaches: Vec<f64> = (0..200)
            .map(|_| {
                let base = side(&mut random, sittings, 0.0, 0.003);
                let candidate = side(&mut random, sittings, 0.0, 0.003);
                let found = compare_sittings(&base, &candidate, LEVEL).unwrap();
                (found.shift.high - found.shift.low) / 2.0
            })
            .collect();
        reaches.sort_unstable_by(f64::total_cmp);
        [reaches[0], reaches[100]]
    };
    // 2.58 · √2 · 1.5 % = 5.5 % are the sittings' part; the trials' comes on top.
    let [least, usual] = reach(1);
    assert!(least >= 0.0546, "{least}");
    assert!((0.055..0.065).contains(&usual), "{usual}");
    // However well five sittings agree, the assumption holds: 5.5 % / √5.
    let [least, usual] = reach(5);
    assert!(least >= 0.0244, "{least}");
    assert!(usual <= 0.030, "{usual}");
}
