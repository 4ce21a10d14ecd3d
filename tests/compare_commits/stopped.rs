//! Ctrl-C, SIGTERM, and a build that leaves something running.

use std::fs;

use nix::sys::signal::Signal;

use super::repository::{Repository, can_run};
use super::scratch::{comes_true, send, told};

#[test]
fn what_is_stopped_while_building_leaves_nothing() {
    if !can_run() {
        return;
    }
    let repository = Repository::new();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let build = "trap '' INT TERM; sleep 1000 & echo > ../../../there; wait; sleep 1000";
        let child = repository
            .compare(&["base", "good", "--build", build])
            .spawn()
            .unwrap();
        let there = repository.scratch.path().join("there");
        assert!(comes_true(|| there.exists()));
        send(&child, signal);
        // The build hears nothing: it is insisted.
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(130),
            "{signal}: {}",
            told(&output)
        );
        fs::remove_file(there).unwrap();
        repository.assert_clean();
    }
}

#[test]
fn what_is_stopped_while_measuring_keeps_what_was_measured() {
    if !can_run() {
        return;
    }
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        // Trials that are counted are those of this run.
        let repository = Repository::new();
        let words = [
            "base",
            "good",
            "--out",
            "../reports",
            "--",
            "--budget=500s",
            "--threshold=0%",
            "fork/0",
        ];
        let child = repository.compare(&words).spawn().unwrap();
        assert!(comes_true(|| repository.scratch.finished_trials() > 2));
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(130),
            "{signal}: {}",
            told(&output)
        );
        assert!(repository.scratch.finished_trials() > 2);
        assert_eq!(
            repository.scratch.run().unwrap().to_str(),
            Some(repository.output("run").as_str())
        );
        repository.assert_clean();
    }
}

#[test]
fn what_a_build_leaves_running_ends_with_it() {
    if !can_run() {
        return;
    }
    let repository = Repository::new();
    let build = "sleep 1000 > /dev/null 2>&1 &";
    let output = repository
        .compare(&["base", "good", "--build", build])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(
        told(&output).contains("has no program"),
        "{}",
        told(&output)
    );
    repository.assert_clean();
}
