//! Two arms in one sitting, by the command: verdicts, exit codes, and what a run directory keeps of it.

mod scratch;

use std::process::Output;

use forkbench::comparison::{self, Comparison};
use forkbench::statistics::Verdict;
use nix::sys::signal::Signal;

use scratch::{Scratch, comes_true, said, send, told};

const SELF: &str = "--a-subject $SUBJECT --b-subject $SUBJECT";

/// Runs `forkbench ab` with words that a shell has read.
fn ab(scratch: &Scratch, words: &str) -> Output {
    let line = format!(
        "exec \"$FORKBENCH\" ab {}",
        words.replace("$SUBJECT", "\"$SUBJECT\"")
    );
    scratch.shell(&line).output().unwrap()
}

/// The document of the newest run.
fn document(scratch: &Scratch) -> Comparison {
    let compared = comparison::read(&scratch.run().unwrap(), &scratch.recorded()).unwrap();
    compared.expect("a comparison").comparison
}

#[test]
fn what_is_not_understood_is_named_with_its_remedy() {
    for (words, expected) in [
        ("", &["--a <CELL>", "--a-subject <COMMAND>"] as &[&str]),
        ("--a fork/0", &["--b <CELL>"]),
        ("--a-subject x", &["--b-subject <COMMAND>"]),
        ("--a fork/0 --b fork/0 fork/64MiB", &["cannot be used with"]),
        ("--a frok/0 --b fork/0", &["did you mean `fork`?"]),
        (
            "--a fork/0 --b fork/0 --threshold 3",
            &["does not end in %"],
        ),
        ("--a fork/0 --b fork/0 --budget soon", &["soon", "60s"]),
        ("--a fork/0 --b fork/0 --fail-on all", &["regressed"]),
        (
            "--a-subject ./nowhere --b-subject ./nowhere",
            &["--a-subject", "`./nowhere`", "build it"],
        ),
        ("--a x:fork/0 --b fork/0", &["x:fork/0", "--a-subject"]),
        (
            "--a vfork/0 --b vfork/0 --phase exec",
            &["vfork/0", "`exec`", "call, start, reap"],
        ),
        (
            "--a-subject ' ' --b-subject x",
            &["arm a has no subject", "--a-subject"],
        ),
        (
            "--a-subject $SUBJECT --b-subject $SUBJECT zork/*",
            &["`zork/*`", "forkbench list"],
        ),
    ] {
        let output = ab(&Scratch::new(), words);
        assert_eq!(output.status.code(), Some(2), "{words}: {}", told(&output));
        for word in expected {
            assert!(
                told(&output).contains(word),
                "{words}: no {word} in: {}",
                told(&output)
            );
        }
        assert_eq!(said(&output), "", "{words}");
    }
}

#[test]
fn a_subject_against_itself_is_recorded_arm_by_arm_and_unchanged() {
    let scratch = Scratch::new();
    let output = ab(
        &scratch,
        &format!("{SELF} vfork/0 --threshold 50% --seed 7 --json"),
    );
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let printed: Comparison = serde_json::from_str(&said(&output)).unwrap();
    assert_eq!(printed, document(&scratch));
    let cell = &printed.cells[0];
    assert_eq!(
        (cell.id.as_str(), cell.verdict),
        ("vfork/0", Verdict::Unchanged)
    );
    assert!(cell.pairs >= 16 && cell.looks.len() == cell.look as usize);
    assert!(
        cell.low.unwrap() <= cell.effect.unwrap() && cell.effect.unwrap() <= cell.high.unwrap()
    );
    assert_eq!(printed.seed, Some(7));
    let recorded = scratch.recorded();
    assert!(recorded.run.finished.is_some());
    for (name, figures) in [("a", &cell.base), ("b", &cell.candidate)] {
        let figures = figures.as_ref().unwrap();
        let cell = scratch.cell(&format!("{name}:vfork/0"));
        assert_eq!(figures.cell, cell.id);
        let of = |arm: &str| cell.trials.iter().filter(|trial| trial.arm == arm).count() as u64;
        assert_eq!((of(name), of("pilot")), (figures.trials, 6));
        assert!(cell.trials.iter().all(|trial| trial.receipt.rss.is_some()));
    }
    assert!(scratch.run().unwrap().join("index.html").is_file());
    scratch.assert_nothing_left();
}

#[test]
fn a_plan_says_what_is_compared_and_flags_override_it() {
    let scratch = Scratch::new();
    let subject = env!("CARGO_BIN_EXE_forkbench-subject");
    let plan = format!(
        "cells = [\"vfork/0\"]\nthreshold = \"60%\"\nconfidence = \"90%\"\nbudget = 4.0\nseed = 3\n\n[subjects]\na = \"{subject}\"\nb = \"{subject}\"\n"
    );
    std::fs::write(scratch.path().join("plan.toml"), plan).unwrap();
    let output = ab(&scratch, "--plan plan.toml --threshold 50%");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let made = document(&scratch);
    assert_eq!(
        (made.threshold, made.confidence, made.seed),
        (0.5, 0.9, Some(3))
    );
    assert_eq!(
        (made.budget, made.cells[0].id.as_str()),
        (Some(4.0), "vfork/0")
    );
    std::fs::write(scratch.path().join("plan.toml"), "threshold = \"3\"").unwrap();
    let output = ab(&scratch, "--plan plan.toml");
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(
        told(&output).contains("threshold: `3` does not end in %"),
        "{}",
        told(&output)
    );
    std::fs::write(scratch.path().join("plan.toml"), "cells = [\"vfork/0\"]").unwrap();
    let output = ab(&scratch, "--plan plan.toml");
    assert!(
        told(&output).contains("arm a has no subject"),
        "{}",
        told(&output)
    );
}

#[test]
fn a_larger_parent_is_slower_and_the_reverse_faster() {
    let scratch = Scratch::new();
    let output = ab(&scratch, "--a fork/0 --b fork/64MiB --fail-on regressed");
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    let cell = &document(&scratch).cells[0];
    assert_eq!(
        (cell.id.as_str(), cell.verdict),
        ("fork/0 vs fork/64MiB", Verdict::Regressed)
    );
    assert!(cell.confirmation.is_some_and(|fresh| fresh.confirmed));
    assert!(cell.low.unwrap() > 0.5, "{cell:?}");
    let output = ab(&scratch, "--a fork/64MiB --b fork/0 --fail-on inconclusive");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(document(&scratch).cells[0].verdict, Verdict::Improved);
}

#[test]
fn a_subject_that_dies_fails_its_cells_and_nothing_is_called_unchanged() {
    let scratch = Scratch::new();
    let dies = scratch.script("dies", "exit 7");
    let output = ab(
        &scratch,
        &format!("--a-subject $SUBJECT --b-subject '{dies}' vfork/0"),
    );
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let cell = &document(&scratch).cells[0];
    assert_eq!(cell.verdict, Verdict::NotMeasurable);
    assert!(
        cell.reason.as_ref().unwrap().contains("b:vfork/0 failed"),
        "{:?}",
        cell.reason
    );
    assert_eq!(cell.effect, None);
    scratch.assert_nothing_left();
}

#[test]
fn what_cannot_be_told_apart_fails_only_where_it_was_asked_to() {
    let scratch = Scratch::new();
    // A call that is none takes the clock's own step, every time.
    let output = ab(&scratch, "--a null/0 --b null/0");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let verdict = document(&scratch).cells[0].verdict;
    if verdict == Verdict::NotMeasurable {
        let output = ab(&scratch, "--a null/0 --b null/0 --fail-on inconclusive");
        assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    }
    let output = ab(
        &scratch,
        "--a fork/64MiB --b fork/64MiB --budget 100ms --fail-on regressed",
    );
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(
        told(&output).contains("expect `inconclusive`"),
        "{}",
        told(&output)
    );
    let cell = &document(&scratch).cells[0];
    assert_eq!((cell.verdict, cell.pairs), (Verdict::Inconclusive, 0));
    assert!(
        cell.reason.as_ref().unwrap().contains("--budget "),
        "{:?}",
        cell.reason
    );
}

#[test]
fn ctrl_c_keeps_what_was_measured_and_says_so() {
    let scratch = Scratch::new();
    let words = ["ab", "--a", "fork/0", "--b", "fork/0", "--threshold", "0%"];
    let child = scratch.forkbench(&words).spawn().unwrap();
    assert!(comes_true(|| scratch.finished_trials() >= 20));
    send(&child, Signal::SIGINT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", told(&output));
    let stopped = document(&scratch);
    assert_eq!(
        (stopped.finished, stopped.cells[0].verdict),
        (None, Verdict::Inconclusive)
    );
    assert!(
        stopped.cells[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("stopped")
    );
    assert!(scratch.recorded().run.finished.is_none());
    assert!(scratch.finished_trials() >= 20);
    scratch.assert_nothing_left();
}
