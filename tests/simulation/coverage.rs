//! Intervals hold the true effect as often as they say.

use forkbench::statistics::{Procedure, Question, shift, trimmed};

use super::host::{Host, KINDS, Kind, Order};
use super::share;

const EFFECT: f64 = 0.03;

/// Standard errors: 0.34 points at 95 %, 0.16 at 99 %.
const ROUNDS: u64 = 4_000;

#[test]
fn a_single_look_holds_the_effect_as_often_as_it_says() {
    for kind in KINDS {
        for pairs in [16, 24, 80] {
            let cuts = [0.05, 0.01].map(|level| trimmed(pairs, level).unwrap());
            let mut held = [0u32; 2];
            for round in 0..ROUNDS {
                let mut host = Host::new(kind, round);
                let differences: Vec<f64> =
                    (0..pairs).map(|_| host.pair(EFFECT, Order::Coin)).collect();
                for (held, cut) in held.iter_mut().zip(cuts) {
                    let seen = shift(&differences, cut).unwrap();
                    let truth = EFFECT.ln_1p();
                    *held += u32::from(seen.low <= truth && truth <= seen.high);
                }
            }
            for (held, nominal) in held.into_iter().zip([0.95, 0.99]) {
                let covered = f64::from(held) / ROUNDS as f64;
                assert!(
                    (covered - nominal).abs() <= 0.01,
                    "{kind:?}, {pairs} pairs, {nominal}: {covered}"
                );
            }
        }
    }
}

/// How often all looks of a procedure hold the effect. With the effect on the threshold a verdict
/// ends it only where a look missed, so every look that matters is made.
fn all_looks_hold(kind: Kind, confidence: f64, fit: usize, rounds: u64) -> f64 {
    let question = Question {
        threshold: EFFECT,
        confidence,
        judgements: 1,
    };
    let procedure = Procedure::new(question, fit).unwrap();
    share(rounds, |round| {
        let judged = Host::new(kind, round).judge(&procedure, EFFECT, Order::Coin);
        let truth = EFFECT.ln_1p();
        let holds = |shift: forkbench::statistics::Shift| shift.low <= truth && truth <= shift.high;
        judged.looks().iter().all(|look| holds(look.shift))
    })
}

#[test]
fn all_looks_together_hold_the_effect_as_often_as_the_procedure_says() {
    for kind in KINDS {
        // Standard errors: 0.22 points at 99 %, 0.7 at 90 %.
        let covered = all_looks_hold(kind, 0.99, 80, 2_000);
        assert!(covered >= 0.98, "{kind:?}, five looks at 99 %: {covered}");
        let covered = all_looks_hold(kind, 0.90, 80, 2_000);
        assert!(covered >= 0.89, "{kind:?}, five looks at 90 %: {covered}");
        // Sharing the error among looks makes it smaller than it may be, and not nothing.
        assert!(covered <= 0.98, "{kind:?}, five looks at 90 %: {covered}");
    }
    let covered = all_looks_hold(Kind::Drifting, 0.90, 180, 1_000);
    assert!(covered >= 0.89, "seven looks at 90 %: {covered}");
}
