//! What is not green, or says why it is.

use crate::command::{document, history};
use crate::made::run;
use crate::scratch::{Scratch, said, told};

#[test]
fn nights_of_no_branch_are_not_left_out_in_silence() {
    let scratch = Scratch::new();
    let reports = scratch.path().join("reports");
    for minute in 0..10 {
        let level = if minute < 6 { 40_000 } else { 60_000 };
        let run = run(minute, level).written(&reports);
        let branch = if minute < 6 { " --branch main" } else { "" };
        let line = format!("add {} --commit abc{minute}{branch}", run.display());
        let output = history(&scratch, &line);
        let told = told(&output);
        assert_eq!(told.contains("on no branch"), minute >= 6, "{told}");
    }
    let output = history(&scratch, "check");
    assert!(
        told(&output).starts_with("warning: these are the runs of the branch main; left out are 4 runs of no branch, the newest"),
        "{}",
        told(&output)
    );
    // Seen as they are, and not judged with the others.
    let every = document(&history(&scratch, "check --branch * --json"));
    let counts: Vec<_> = every["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|host| &host["count"])
        .collect();
    assert_eq!(counts, [4, 6]);
    let none = document(&history(&scratch, "list --branch= --json"));
    assert_eq!(none["runs"].as_array().unwrap().len(), 4);
}

#[test]
fn a_check_says_what_it_has_judged_and_that_few_runs_are_no_answer() {
    let scratch = Scratch::new();
    let reports = scratch.path().join("reports");
    for minute in 0..7 {
        run(minute, 40_000).written(&reports);
    }
    assert!(history(&scratch, "import reports").status.success());
    let check = |line: &str| {
        let output = history(&scratch, line);
        (output.status.code(), said(&output))
    };
    let (code, text) = check("check");
    assert_eq!(code, Some(0));
    assert!(
        text.starts_with("Nothing could be decided yet: a first verdict takes 8 runs."),
        "{text}"
    );
    assert!(
        text.contains("7 runs, 1 judgement of call, 1 host."),
        "{text}"
    );
    let (_, text) = check("check --phase call,reap");
    assert!(text.contains("2 judgements of call, reap"), "{text}");
    // Each filter has to be of something.
    let output = history(&scratch, "check fork/64MiB frok/0");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told(&output).contains("`frok/0` is no cell"),
        "{}",
        told(&output)
    );
}

#[test]
fn what_was_stopped_is_marked_and_a_calibration_is_no_night() {
    let scratch = Scratch::new();
    let reports = scratch.path().join("reports");
    run(1, 40_000).unfinished().written(&reports);
    run(2, 40_000)
        .on(|header| header.tool.driver = "forkbench predict".to_owned())
        .written(&reports);
    let output = history(&scratch, "import reports");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("calibration"), "{}", told(&output));
    assert!(told(&output).contains("if it was stopped, this is all it has"));
    let listed = said(&history(&scratch, "list"));
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("1, unfinished"), "{listed}");
}
