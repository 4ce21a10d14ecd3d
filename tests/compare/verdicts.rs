//! What the interval says, and how it widens.

use forkbench::comparison::{Asked, Judged};
use forkbench::mechanism::Phase;
use forkbench::statistics::Verdict;

use crate::fixtures::cell;
use crate::made::*;

#[test]
fn one_sitting_a_side_calls_what_is_well_beyond_its_reach_and_nothing_else() {
    for (change, expected) in [
        (0.20, Verdict::Regressed),
        (-0.20, Verdict::Improved),
        (0.05, Verdict::Inconclusive),
        (0.0, Verdict::Inconclusive),
    ] {
        let found = judged(run("a", 0.0), run("b", change));
        let cell = &found.cells[0];
        assert_eq!(cell.verdict, expected, "{change}: {cell:?}");
        let [effect, low, high] = [cell.effect, cell.low, cell.high].map(Option::unwrap);
        assert!((effect - change).abs() < 0.002, "{change}: {effect}");
        // The sittings' part alone is 2.58 · √2 · 1.5 % = 5.5 % either way.
        let half = (high.ln_1p() - low.ln_1p()) / 2.0;
        assert!((0.0546..0.065).contains(&half), "{change}: {half}");
        assert!((cell.spread.unwrap() - 0.0214).abs() < 0.002);
        assert_eq!((cell.pairs, cell.look, cell.pairs_needed), (0, 0, None));
    }
    let undecided = judged(run("a", 0.0), run("b", 0.0));
    let (_, reason) = first(&undecided);
    assert!(
        reason.contains("single sittings") && reason.contains("±6 %"),
        "{reason}"
    );
    // t of 10 degrees of freedom: 3.17 · 1.55 % · √(2/6) = 2.8 % is less than the threshold.
    assert!(
        reason.contains("about 6 sittings a side would decide"),
        "{reason}"
    );
    // A threshold wide enough for a single sitting has its answer.
    let wide = Asked {
        threshold: 0.10,
        ..asked()
    };
    let found = judged_of(vec![run("a", 0.0)], vec![run("b", 0.0)], &wide);
    assert_eq!(first(&found), (Verdict::Unchanged, ""));
}

/// Sittings of one side, by what they stray by.
fn sittings(name: &str, change: f64, strays: &[f64]) -> Vec<Made> {
    let named = (0..).zip(strays);
    named
        .map(|(number, stray)| run(&format!("{name}{number}"), change + stray))
        .collect()
}

#[test]
fn several_sittings_tell_more_and_how_far_they_stray() {
    let quiet = [0.001, -0.002, 0.0, 0.002, -0.001];
    let one = judged(run("a", 0.0), run("b", 0.07));
    assert_eq!(first(&one).0, Verdict::Inconclusive);
    let five = judged_of(
        sittings("a", 0.0, &quiet),
        sittings("b", 0.07, &quiet),
        &asked(),
    );
    let cell = &five.cells[0];
    assert_eq!(cell.verdict, Verdict::Regressed, "{cell:?}");
    let half = (cell.high.unwrap().ln_1p() - cell.low.unwrap().ln_1p()) / 2.0;
    // However well they agree: 5.5 % / √5.
    assert!((0.0244..0.028).contains(&half), "{half}");
    let figures = cell.candidate.as_ref().unwrap();
    assert_eq!(
        (figures.sittings, figures.trials, figures.samples),
        (5, 25, 5_000)
    );
    // Sittings that stray by 5 % widen it: t of 8 degrees of freedom, 3.36 · 5 % · √(2/5) = 10 %.
    let wild = [0.05, -0.06, 0.0, 0.05, -0.04];
    let found = judged_of(
        sittings("a", 0.0, &wild),
        sittings("b", 0.07, &wild),
        &asked(),
    );
    let cell = &found.cells[0];
    assert_eq!(cell.verdict, Verdict::Inconclusive);
    let half = (cell.high.unwrap().ln_1p() - cell.low.unwrap().ln_1p()) / 2.0;
    assert!((0.08..0.13).contains(&half), "{half}");
    assert!(
        first(&found).1.contains("sittings that stray by"),
        "{found:?}"
    );
}

#[test]
fn trials_that_spread_widen_the_interval_and_one_trial_a_side_has_none() {
    let wild = [30_000, 40_000, 52_000, 36_000, 45_000];
    let found = judged(made("a").with(&fork(), &wild), run("b", 0.20));
    let cell = &found.cells[0];
    assert_eq!(cell.verdict, Verdict::Inconclusive);
    assert!(cell.high.unwrap() - cell.low.unwrap() > 0.5, "{cell:?}");
    assert!(
        first(&found).1.contains("trials spread so far"),
        "{found:?}"
    );

    let single = |id: &str| made(id).with(&fork(), &[NANOSECONDS]);
    assert_reason(
        &judged(single("a"), single("b")),
        &["one trial", "--trials 3"],
    );
    // The other side's trials tell for it.
    let found = judged(single("a"), run("b", 0.20));
    assert_eq!(first(&found).0, Verdict::Regressed);
    // And so do sittings of one trial each, with what they stray by.
    let singles = |name: &str, levels: [u64; 3]| {
        let made = levels.map(|level| made(&format!("{name}{level}")).with(&fork(), &[level]));
        Vec::from(made)
    };
    let base = singles("a", [40_000, 40_200, 39_900]);
    let found = judged_of(base, singles("b", [60_000, 60_300, 59_800]), &asked());
    assert_eq!(first(&found).0, Verdict::Regressed, "{found:?}");
}

#[test]
fn all_cells_and_phases_share_the_confidence() {
    let cells = ["fork", "vfork"].map(|name| cell(name, "0"));
    let make = |id: &str| {
        let both = cells
            .iter()
            .fold(made(id), |made, cell| made.with(cell, &five(NANOSECONDS)));
        vec![both]
    };
    let one = judged(run("a", 0.0), run("b", 0.0));
    let both = Asked {
        phases: vec![Phase::Call, Phase::Reap],
        ..asked()
    };
    let four = judged_of(make("a"), make("b"), &both);
    assert_eq!(four.cells.len(), 4);
    let half = |judged: &Judged| judged.cells[0].high.unwrap().ln_1p();
    // 3.02 in place of 2.58 standard deviations.
    let wider = half(&four) / half(&one);
    assert!((1.14..1.22).contains(&wider), "{wider}");
    assert!((four.cells[0].interval_confidence - 0.9975).abs() < 1e-9);
    assert_eq!(four.cells[0].confidence, 0.99);
}
