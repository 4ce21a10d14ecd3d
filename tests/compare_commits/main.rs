//! `scripts/compare-commits`, end to end, in a repository made here: a base, a change of nothing, and one that makes
//! forking slower.
//!
//! The subject of the repository is a shell script that starts forkbench's own, so that building it takes no time. The
//! slower one gives it an environment of 1.5 MB. Those are pages of the stack, which every fork copies the table entries
//! of: a change for the worse such as a launcher brings about, and a plain one, for no subject has to be built that
//! pretends.

mod action;
mod repository;
#[path = "../scratch/mod.rs"]
mod scratch;
mod stopped;

use std::fs;

use repository::{Repository, can_run};
use scratch::{said, told};

/// A threshold and a budget that a busy host can keep to.
const FLAGS: [&str; 4] = ["--threshold=10%", "--budget=4s", "--", "fork/0"];

#[test]
fn a_change_of_nothing_passes_and_a_slower_commit_does_not() {
    if !can_run() {
        return;
    }
    let repository = Repository::new();
    let compared = |base: &str, candidate: &str| {
        let mut command = repository.compare(&[base, candidate, "--out", "../found here", "--"]);
        command.args(FLAGS);
        // Both builds put their subject into CARGO_TARGET_DIR: a shared one would leave one subject.
        command.env("CARGO_TARGET_DIR", repository.scratch.path().join("shared"));
        let output = command.output().unwrap();
        repository.assert_clean();
        output
    };

    let good = compared("base", "good");
    assert_eq!(good.status.code(), Some(0), "{}", told(&good));
    let verdict = repository.output("verdict");
    assert!(
        ["unchanged", "inconclusive", "improved"].contains(&verdict.as_str()),
        "{verdict}"
    );
    let summary = repository.taken("summary");
    assert!(
        summary.contains(&format!("### forkbench: {verdict}")),
        "{summary}"
    );
    assert!(summary.contains("A is `base` ("), "{summary}");
    assert!(summary.contains("B is `good` ("), "{summary}");

    let slow = compared("good", "slow");
    assert_eq!(slow.status.code(), Some(3), "{}", told(&slow));
    assert_eq!(repository.output("verdict"), "regressed");
    let summary = repository.taken("summary");
    assert!(summary.contains("### forkbench: regressed"), "{summary}");
    assert!(summary.contains("| **regressed** | fork/0 "), "{summary}");
    assert!(said(&slow).contains("regressed"), "{}", said(&slow));

    let found = repository.scratch.path().join("found here");
    let run = repository.output("run");
    for (file, same) in [
        ("verdict.json", true),
        ("junit.xml", true),
        ("comparison.md", false),
    ] {
        let text = fs::read_to_string(found.join(file)).unwrap();
        assert!(text.contains("regressed"), "{file}: {text}");
        let of_run = fs::read_to_string(format!("{run}/{file}"));
        assert!(!same || of_run.unwrap() == text, "{file}");
    }
    assert!(!repository.scratch.path().join("shared").exists());

    // The other way round it is an improvement, and a verdict that nobody asked to fail on.
    let back = compared("slow", "good");
    assert_eq!(back.status.code(), Some(0), "{}", told(&back));
    assert_eq!(repository.output("verdict"), "improved");
}

#[test]
fn one_commit_against_itself_is_called_what_it_is() {
    if !can_run() {
        return;
    }
    let repository = Repository::new();
    repository.git("echo >> subject.sh");
    let mut command = repository.compare(&["HEAD", "--fail-on", "never", "--"]);
    let output = command.args(FLAGS).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("A/A check"), "{}", told(&output));
    assert!(
        told(&output).contains("what is not committed is not measured"),
        "{}",
        told(&output)
    );
    assert!(!told(&output).contains("--fail-on"), "{}", told(&output));
    assert!(
        repository
            .taken("summary")
            .contains("Both are the same commit")
    );
    repository.assert_clean();
    // The tree that somebody works in is as it was.
    assert_eq!(
        repository.git("git status --porcelain --untracked-files=no"),
        " M subject.sh\n"
    );
}

#[test]
fn what_cannot_be_compared_is_told_with_the_remedy() {
    if !can_run() {
        return;
    }
    let repository = Repository::new();
    let cases: [(&[&str], i32, &str); 8] = [
        (
            &["nothing"],
            2,
            "there is no commit `nothing` here; name a branch, a tag or a hash",
        ),
        (&["--", "x"], 2, "BASE"),
        (
            &["base", "good", "--", "--out=x"],
            2,
            "--out=x is this script's own",
        ),
        (
            &["base", "good", "--subject", " x"],
            2,
            "begins with the program's path",
        ),
        (
            &["base", "good", "--forkbench", "./none"],
            2,
            "--forkbench ./none: there is no such program",
        ),
        (&["base", "broken"], 1, "candidate broken ("),
        (
            &["base", "good", "--subject", "target/other"],
            1,
            "has no program `target/other` after its build",
        ),
        (
            &["base", "good", "--", "--threshold=3"],
            2,
            "does not end in %",
        ),
    ];
    for (words, code, expected) in cases {
        let output = repository.compare(words).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{words:?}: {}",
            told(&output)
        );
        assert!(
            told(&output).contains(expected),
            "{words:?}: {}",
            told(&output)
        );
        assert!(!told(&output).contains("Traceback"), "{}", told(&output));
        repository.assert_clean();
    }
    let broken = repository.taken("summary");
    assert!(
        broken.contains("not compared") && broken.contains("does not build"),
        "{broken}"
    );

    let elsewhere = repository.scratch.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let output = repository
        .compare(&["base"])
        .current_dir(&elsewhere)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("no git repository"),
        "{}",
        told(&output)
    );

    repository.git("git clone -q --depth 1 \"file://$PWD\" ../elsewhere/shallow");
    let mut command = repository.compare(&["HEAD^"]);
    let output = command
        .current_dir(elsewhere.join("shallow"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("fetch-depth: 0"),
        "{}",
        told(&output)
    );

    repository.git("git clone -q . ../elsewhere/whole && cd ../elsewhere/whole && git checkout -q --detach && git branch -D main");
    let mut command = repository.compare(&["main"]);
    let output = command
        .current_dir(elsewhere.join("whole"))
        .output()
        .unwrap();
    assert!(
        told(&output).contains("did you mean origin/main?"),
        "{}",
        told(&output)
    );
}
