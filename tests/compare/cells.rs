//! Cells that can't be judged, and why.

use forkbench::comparison::{Asked, ComparisonError, Judged, Statistic, judge};
use forkbench::mechanism::Phase;
use forkbench::recording::{self, Status};
use forkbench::statistics::Verdict;

use crate::fixtures::{cell, cell_line, samples, trial};
use crate::made::*;
use crate::scratch::Scratch;

#[test]
fn a_cell_that_one_side_cannot_show_is_not_passed_over() {
    let vfork = cell("vfork", "0");
    let base = || run("a", 0.0).with(&vfork, &five(15_000));
    let reason = |found: &Judged| found.cells[1].reason.clone().unwrap();
    let found = judged(base(), run("b", 0.20));
    // The other cell keeps its whole confidence.
    assert_eq!(first(&found).0, Verdict::Regressed);
    assert!((found.cells[0].interval_confidence - 0.99).abs() < 1e-9);
    assert_eq!(found.cells[1].verdict, Verdict::NotMeasurable);
    assert!(
        reason(&found).contains("only the base measured it"),
        "{found:?}"
    );
    assert!(
        found
            .warnings
            .iter()
            .any(|warning| warning.contains("vfork/0"))
    );

    let skipped = run("b", 0.0).with_line(cell_line(&vfork, Status::Skipped, "no vfork here"));
    let found = judged(base(), skipped);
    assert!(reason(&found).contains("no vfork here"), "{found:?}");

    let failed = run("b", 0.0)
        .with(&vfork, &five(15_000))
        .with_line(cell_line(&vfork, Status::Failed, "the subject hung"));
    let found = judged(base(), failed);
    assert!(
        reason(&found).contains("failed in b: the subject hung"),
        "{found:?}"
    );

    // Skipped on both sides there is nothing to be judged.
    let huge = cell("fork", "16GiB");
    let skip = |made: Made| made.with_line(cell_line(&huge, Status::Skipped, "too large"));
    let found = judged(skip(run("a", 0.0)), skip(run("b", 0.0)));
    assert_eq!(found.cells.len(), 1);
}

#[test]
fn times_that_cannot_be_are_not_judged() {
    let of = |id: &str, call: u64| {
        let trials = (0..3).map(|index| trial(index, &[call; 200]));
        trials.fold(made(id), |made, trial| made.with_trial(&fork(), trial))
    };
    assert_reason(&judged(run("a", 0.0), of("b", 0)), &["0 ns", "candidate"]);
    assert_reason(&judged(of("a", 700), of("b", 900)), &["very same time"]);
}

#[test]
fn short_trials_have_their_statistic_from_their_own_samples() {
    let of = |id: &str, level: u64| {
        let trials = (0..5).map(|index| trial(index, &samples(level, index, 40)));
        trials.fold(made(id), |made, trial| made.with_trial(&fork(), trial))
    };
    let found = judged(of("a", NANOSECONDS), of("b", NANOSECONDS * 3 / 2));
    assert_eq!(first(&found), (Verdict::Regressed, ""));
    // Forty samples lie evenly from the level to a tenth above it: the fourth is about 1 % above.
    let value = found.cells[0].base.as_ref().unwrap().value / NANOSECONDS as f64;
    assert!((1.004..1.02).contains(&value), "{value}");

    // From run.json alone there is no such statistic.
    let scratch = Scratch::new();
    let runs = ["a", "b"].map(|id| of(id, NANOSECONDS).written(scratch.path()));
    for run in &runs {
        std::fs::remove_file(run.join("trials.jsonl")).unwrap();
        std::fs::remove_file(run.join("histograms.hlog")).unwrap();
    }
    let [a, b] = runs.map(|run| vec![recording::read(&run).unwrap()]);
    let found = judge(&a, &b, &asked()).unwrap();
    assert_reason(&found, &["40 samples", "p10", "takes 100", "trials.jsonl"]);
    let p50 = Asked {
        statistic: Statistic::P50,
        ..asked()
    };
    let found = judge(&a, &b, &p50).unwrap();
    assert_eq!(found.cells[0].verdict, Verdict::Inconclusive);
    assert!(found.samples[0].is_none());
}

#[test]
fn subjects_that_were_not_alike_are_said_beside_the_verdict() {
    let scattered = (0..5).map(|index| {
        let mut trial = trial(index, &samples(five(60_000)[index as usize], index, 200));
        trial.receipt.adjacency = Some(0.10);
        trial.receipt.image = "static".to_owned();
        trial
    });
    let candidate = scattered.fold(made("b"), |made, trial| made.with_trial(&fork(), trial));
    let found = judged(run("a", 0.0), candidate);
    let (verdict, reason) = first(&found);
    assert_eq!(verdict, Verdict::Regressed);
    assert!(reason.contains("image dynamic against static"), "{reason}");
    assert!(reason.contains("adjacency 0.96 against 0.10"), "{reason}");
    // Another program under the same name is another cell.
    let with_exec = |id: &str, exec: &str| {
        let mut cell = cell("fork-exec", "0");
        cell.id = "fork-exec/0@exec=true".to_owned();
        cell.exec = Some(exec.to_owned());
        made(id).with(&cell, &five(NANOSECONDS))
    };
    let found = judged(
        with_exec("a", "/bin/true"),
        with_exec("b", "/usr/local/bin/true"),
    );
    assert_reason(
        &found,
        &[
            "different cells",
            "exec /bin/true against /usr/local/bin/true",
        ],
    );
}

#[test]
fn trials_of_arms_are_not_taken_for_a_sitting() {
    let armed = (0..4).map(|index| {
        let mut trial = trial(index, &samples(NANOSECONDS, index, 200));
        trial.arm = ["a", "b"][index as usize % 2].to_owned();
        trial
    });
    let candidate = armed.fold(made("b"), |made, trial| made.with_trial(&fork(), trial));
    assert_reason(
        &judged(run("a", 0.0), candidate),
        &["arms of an A/B comparison"],
    );
}

#[test]
fn writes_are_judged_by_their_second_pass_where_no_phase_is_named() {
    let side = |id: &str, level: u64| {
        let write = cell("cow-parent", "64MiB");
        let trials = (0..5).map(|index| {
            let mut trial = trial(index, &samples(level, index, 200));
            let call = trial.phases.remove(&Phase::Call).unwrap();
            trial.phases = [(Phase::SecondPass, call)].into();
            trial
        });
        trials.fold(run(id, 0.0), |made, trial| made.with_trial(&write, trial))
    };
    let usual = Asked {
        phases: Vec::new(),
        ..asked()
    };
    let found = judged_of(vec![side("a", 1_000)], vec![side("b", 2_000)], &usual);
    let said: Vec<_> = found
        .cells
        .iter()
        .map(|cell| (cell.phase, cell.verdict))
        .collect();
    assert_eq!(said[0].0, Phase::Call);
    assert_eq!(said[1], (Phase::SecondPass, Verdict::Regressed));
}

#[test]
fn nothing_in_common_and_a_run_named_twice_are_errors() {
    let scratch = Scratch::new();
    let a = run("a", 0.0).recorded(&scratch);
    let b = made("b")
        .with(&cell("vfork", "0"), &five(15_000))
        .recorded(&scratch);
    let error = judge(std::slice::from_ref(&a), std::slice::from_ref(&b), &asked()).unwrap_err();
    assert!(matches!(error, ComparisonError::NothingInCommon { .. }));
    let words = error.to_string();
    assert!(
        words.contains("fork/64MiB") && words.contains("vfork/0"),
        "{words}"
    );
    let error = judge(&[b.clone(), b], std::slice::from_ref(&a), &asked()).unwrap_err();
    assert!(matches!(error, ComparisonError::Twice { side: "base", .. }));
    let exec = Asked {
        phases: vec![Phase::Exec],
        ..asked()
    };
    let other = run("c", 0.0).recorded(&scratch);
    let error = judge(&[a], &[other], &exec).unwrap_err();
    assert!(error.to_string().contains("`exec`"), "{error}");
}
