//! The texts say what the committed run says.

use std::process::{Command, Output};

use super::{path, read};

/// `scripts/NAME ARGUMENTS`; `None` where there is no python3.
fn script(name: &str, arguments: &[&str]) -> Option<Output> {
    let program = path(&format!("scripts/{name}"));
    let output = Command::new("python3")
        .arg(program)
        .args(arguments)
        .output();
    if output.is_err() {
        eprintln!("not tested here: there is no python3");
    }
    output.ok()
}

#[test]
fn figures_are_those_of_the_committed_run_and_none_stands_outside() {
    // A published package carries no runs, and its texts say what they said.
    if read("README.md").contains("](reports/") && !path("reports").exists() {
        eprintln!("not tested here: there is no committed run");
        return;
    }
    let Some(output) = script("figures", &["--check"]) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn a_run_that_is_none_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [folder.path().to_str().expect("a plain path")];
    if let Some(output) = script("reproduces", &arguments) {
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
    std::fs::write(
        folder.path().join("run.json"),
        "{\"schema\": \"forkbench.run/2\"}",
    )
    .expect("it is written");
    if let Some(output) = script("reproduces", &arguments) {
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("forkbench.run/2"));
    }
}
