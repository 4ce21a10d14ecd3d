//! The command: what it prints, and what it ends with.

use std::process::{Command, Output};

use serde_json::Value;

use crate::made::{ids, path, run, store};
use crate::scratch::{Scratch, said, told};

/// Calls `forkbench history` with a store in the scratch folder.
pub fn history(scratch: &Scratch, line: &str) -> Output {
    let words: Vec<&str> = line.split(' ').collect();
    let mut all = vec!["history", "--store", "history.sqlite"];
    all.extend(words);
    scratch.forkbench(&all).output().unwrap()
}

/// The document that a command printed.
pub fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", said(output), told(output)))
}

/// Runs of two hosts on two branches.
fn filled(scratch: &Scratch) {
    let reports = scratch.path().join("reports");
    for minute in 0..4 {
        let made = run(minute, 40_000).on(|header| {
            if minute == 3 {
                header.host.name = "a-host-with-a-name-that-is-longer-than-most".to_owned();
            }
        });
        let run = made.written(&reports);
        let branch = if minute < 2 { "main" } else { "topic/one" };
        let commit = format!("{minute}").repeat(40);
        let line = format!("add {} --branch {branch} --commit {commit}", run.display());
        let output = history(scratch, &line);
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        assert!(said(&output).starts_with("added"), "{}", said(&output));
    }
}

#[test]
fn runs_are_listed_in_80_columns_and_as_json() {
    let scratch = Scratch::new();
    filled(&scratch);
    let output = history(&scratch, "list");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let lines: Vec<String> = said(&output).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 5);
    assert!(
        lines.iter().all(|line| line.chars().count() <= 80),
        "{lines:#?}"
    );
    for word in [
        "2026-07-01 00:00",
        "alpha",
        "6.18.0",
        "000000000",
        "main",
        "1",
    ] {
        assert!(lines[1].contains(word), "no `{word}` in {}", lines[1]);
    }
    let listed = document(&history(&scratch, "list --branch topic/* --json"));
    let runs = listed["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0]["run"], "run-0002");
    assert_eq!(runs[0]["commit"], "2".repeat(40));
    let hosts = document(&history(&scratch, "list --hosts --json"));
    let counts: Vec<_> = hosts["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| &h["runs"])
        .collect();
    assert_eq!(counts, [1, 3]);
    for line in [
        "list --hosts",
        "list --since 2020-01-01",
        "list --host nobody",
    ] {
        let output = history(&scratch, line);
        assert!(output.status.success());
        assert!(said(&output).lines().all(|line| line.chars().count() <= 80));
    }
}

#[test]
fn what_cannot_be_added_keeps_nothing_else_from_it() {
    let scratch = Scratch::new();
    let reports = scratch.path().join("reports");
    run(1, 40_000).written(&reports);
    let output = history(&scratch, "add reports/run-0001 reports/none --json");
    assert_eq!(output.status.code(), Some(1));
    let document = document(&output);
    assert_eq!(document["runs"][0]["outcome"], "added");
    assert_eq!(document["failed"][0]["path"], "reports/none");
    assert!(
        told(&output).contains("no run at `reports/none`"),
        "{}",
        told(&output)
    );
    let again = history(&scratch, "add reports/run-0001 --branch other");
    assert!(said(&again).starts_with("unchanged"), "{}", said(&again));
    // What it was first added with stays, and is what is said; and that it is not what was asked for.
    assert!(!said(&again).contains("other"), "{}", said(&again));
    assert!(
        told(&again).contains("under other labels"),
        "{}",
        told(&again)
    );
    let named = history(&scratch, "add reports/run-0001 --branch other --replace");
    assert!(said(&named).contains("replaced") && said(&named).contains("branch other"));
    // What is not named stays.
    let named = history(&scratch, "add reports/run-0001 --commit abc123 --replace");
    assert!(
        said(&named).contains("commit abc123, branch other"),
        "{}",
        said(&named)
    );
    let same = history(&scratch, "add reports/run-0001 --replace");
    assert!(
        said(&same).contains("commit abc123, branch other"),
        "{}",
        said(&same)
    );
}

#[test]
fn nothing_to_add_makes_no_store() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path().join("reports")).unwrap();
    for (line, code) in [("add reports/none", 1), ("import reports", 1)] {
        let output = history(&scratch, line);
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
        assert!(!scratch.path().join("history.sqlite").exists(), "{line}");
    }
}

#[test]
fn a_ci_or_git_names_what_was_measured() {
    let scratch = Scratch::new();
    let reports = scratch.path().join("reports");
    for minute in 0..3 {
        run(minute, 40_000).written(&reports);
    }
    let add = |run: &str, variables: &[(&str, &str)]| {
        let words = ["history", "--store", "history.sqlite", "add", run, "--json"];
        let mut command = scratch.forkbench(&words);
        command.envs(variables.iter().copied());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
        let found = document(&output)["runs"][0].clone();
        (found["commit"].clone(), found["branch"].clone())
    };
    let github = [("GITHUB_SHA", "abc"), ("GITHUB_REF_NAME", "main")];
    assert_eq!(
        add("reports/run-0000", &github),
        ("abc".into(), "main".into())
    );
    let gitlab = [("CI_COMMIT_SHA", "def"), ("CI_COMMIT_BRANCH", "topic")];
    assert_eq!(
        add("reports/run-0001", &gitlab),
        ("def".into(), "topic".into())
    );

    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        let command = command.current_dir(scratch.path()).args(words);
        let command = command.env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.output().is_ok_and(|output| output.status.success())
    };
    if !git(&["init", "-q", "-b", "trunk"]) {
        eprintln!("not tested: there is no git");
        return;
    }
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    let commit = |when: &str| {
        let mut words = who.to_vec();
        words.extend(["commit", "-q", "--allow-empty", "-m", "one"]);
        let mut command = Command::new("git");
        command.current_dir(scratch.path()).args(words);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null");
        command
            .env("GIT_COMMITTER_DATE", when)
            .env("GIT_AUTHOR_DATE", when);
        assert!(command.output().unwrap().status.success());
    };
    // Made before the run began.
    commit("2026-06-01T00:00:00Z");
    let (found, branch) = add("reports/run-0002", &[]);
    assert_eq!(branch, "trunk");
    assert_eq!(found.as_str().unwrap().len(), 40);
    // Made after it: whatever the run measured, it was not this.
    commit("2026-08-01T00:00:00Z");
    run(9, 40_000).written(&reports);
    assert_eq!(add("reports/run-0009", &[]), (Value::Null, Value::Null));
}

#[test]
fn pruning_says_what_goes() {
    let scratch = Scratch::new();
    filled(&scratch);
    let output = history(&scratch, "prune --keep 1 --dry-run");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(
        said(&output).contains("would go: run-0000"),
        "{}",
        said(&output)
    );
    assert!(
        said(&output).ends_with("2 runs would go\n"),
        "{}",
        said(&output)
    );
    assert_eq!(ids(&store(&scratch)).len(), 4);
    let gone = document(&history(&scratch, "prune --keep 1 --json"));
    assert_eq!(gone["runs"].as_array().unwrap().len(), 2);
    assert_eq!(ids(&store(&scratch)), ["run-0002", "run-0003"]);
    let output = history(&scratch, "prune --before 2026-07-02 --branch main");
    assert!(said(&output).starts_with("0 runs"), "{}", said(&output));
    let output = history(&scratch, "prune --before 2026-07-02 --keep-days 100000");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_is_not_there_is_no_success() {
    let scratch = Scratch::new();
    filled(&scratch);
    for line in [
        "check none",
        "check --branch none",
        "check --since 2099-01-01 --fail-on nothing",
        "check --reference none",
        "show none --out page.html",
    ] {
        let output = history(&scratch, line);
        assert_eq!(output.status.code(), Some(1), "{line}: {}", said(&output));
        assert!(told(&output).contains("none") || told(&output).contains("nothing in the history"));
    }
    assert!(!scratch.path().join("page.html").exists());
    let mut command = scratch.forkbench(&["history", "check"]);
    let output = command
        .env("FORKBENCH_STORE", "history.sqlite")
        .output()
        .unwrap();
    let repeated = "FORKBENCH_STORE=history.sqlite forkbench history check";
    assert!(said(&output).contains(repeated), "{}", said(&output));
}

#[test]
fn comparisons_are_left_out_of_what_is_imported() {
    let scratch = Scratch::new();
    let words = "ab --a null/0 --b null/0 --budget 2s --out reports";
    let words: Vec<&str> = words.split(' ').collect();
    let output = scratch.forkbench(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    run(1, 40_000).written(&scratch.path().join("reports"));
    let output = history(&scratch, "import reports");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(
        said(&output).contains("\n1 added, 0 there already, 0 failed"),
        "{}",
        said(&output)
    );
    assert!(
        told(&output).contains("note: left out: run"),
        "{}",
        told(&output)
    );
}

#[test]
fn wrong_command_lines_are_usage_and_missing_stores_failures() {
    let scratch = Scratch::new();
    for (line, code) in [
        ("add", 2),
        ("prune", 2),
        ("prune --keep many", 2),
        ("list --since yesterday", 2),
        ("list --source hyperfine", 2),
        ("add latest --commit", 2),
        ("list", 1),
        ("prune --keep 1", 1),
        ("export --format otava --out x", 1),
        ("import nowhere", 1),
    ] {
        let output = history(&scratch, line);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{line}: {}",
            told(&output)
        );
        assert_eq!(
            said(&output)
                .lines()
                .filter(|line| line.contains("panicked"))
                .count(),
            0
        );
    }
    assert!(!path(&scratch).exists(), "there was nothing to keep");
}

#[test]
fn the_default_store_is_the_users_own() {
    let scratch = Scratch::new();
    run(1, 40_000).written(&scratch.path().join("reports"));
    let add = ["history", "add", "reports/run-0001"];
    let output = scratch.forkbench(&add).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    assert!(
        scratch
            .path()
            .join("data/forkbench/history.sqlite")
            .is_file()
    );
    let mut command = scratch.forkbench(&add);
    let output = command
        .env("FORKBENCH_STORE", "own.sqlite")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", told(&output));
    assert!(scratch.path().join("own.sqlite").is_file());
    // A name that SQLite would take for an address is a file.
    let words = [
        "history",
        "--store",
        "file:odd?mode=memory",
        "add",
        "reports/run-0001",
    ];
    let output = scratch.forkbench(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    assert!(scratch.path().join("file:odd?mode=memory").is_file());
}
