//! The subject that PROTOCOL.md prints is one.

use std::fs;
use std::path::Path;
use std::process::Command;

use forkbench::mechanism::Phase;
use forkbench::recording::{self, Run, Status};

use super::{blocks, read};

fn has_python() -> bool {
    let asked = Command::new("python3").arg("--version").output();
    asked.is_ok_and(|output| output.status.success())
}

/// Runs cells of the subject in `folder`, and reads the run.
fn run(folder: &Path, cells: &[&str]) -> (Option<i32>, Run) {
    let output = Command::new(env!("CARGO_BIN_EXE_forkbench"))
        .arg("run")
        .args(cells)
        .args(["--subject", "mini=python3 subject.py", "--trials", "2"])
        .args(["--time", "0.2", "--seed", "1"])
        .env_remove("FORKBENCH_OUT")
        .current_dir(folder)
        .output()
        .expect("forkbench starts");
    let recorded = recording::read(&folder.join("reports/latest"))
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), recorded.run)
}

#[test]
fn the_subject_of_the_protocols_description_is_measured() {
    if !has_python() {
        eprintln!("not tested here: there is no python3");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let blocks = blocks(&read("docs/PROTOCOL.md"), "python");
    let [source] = blocks.as_slice() else {
        panic!("PROTOCOL.md has {} subjects", blocks.len());
    };
    fs::write(folder.path().join("subject.py"), source.join("\n")).expect("it is written");

    let cells = ["mini:fork/0", "mini:fork/8MiB", "mini:fork/8MiB+shuffled"];
    let (code, measured) = run(folder.path(), &cells);
    assert_eq!(code, Some(0), "{:?}", measured.cells);
    let cell = |id: &str| {
        let found = measured.cells.iter().find(|cell| cell.id == id);
        found.unwrap_or_else(|| panic!("no cell {id}"))
    };
    for (id, bytes) in [("mini:fork/0", 0), ("mini:fork/8MiB", 8 << 20)] {
        let cell = cell(id);
        assert_eq!(cell.status, Status::Ok, "{id}: {:?}", cell.reason);
        assert_eq!(cell.trials.len(), 2);
        assert!(cell.phases[&Phase::Call].count >= 40);
        assert!(cell.phases[&Phase::Reap].min >= cell.phases[&Phase::Call].min);
        let trial = &cell.trials[0];
        assert_eq!(trial.receipt.ballast, bytes);
    }
    let skipped = cell("mini:fork/8MiB+shuffled");
    assert_eq!(skipped.status, Status::Skipped);
    assert!(
        skipped
            .reason
            .as_deref()
            .is_some_and(|reason| reason.contains("holds nothing but"))
    );

    let verified = Command::new(env!("CARGO_BIN_EXE_forkbench"))
        .args([
            "verify",
            "--subject",
            "python3 subject.py",
            "--patience",
            "20",
        ])
        .current_dir(folder.path())
        .output()
        .expect("forkbench starts");
    let told = String::from_utf8_lossy(&verified.stdout);
    assert_eq!(verified.status.code(), Some(0), "{told}");
    assert!(told.contains("conforms to protocol 1"), "{told}");

    let lines = source.iter().filter(|line| !line.trim().is_empty());
    assert!(lines.count() <= 30, "a reader should type it in");

    let (code, refused) = run(folder.path(), &["mini:vfork/0"]);
    assert_eq!(code, Some(1));
    assert_eq!(refused.cells[0].status, Status::Failed);
}
