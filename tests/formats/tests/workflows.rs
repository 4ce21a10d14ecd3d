//! The workflows and the action against SchemaStore's schemas, which check-jsonschema brings.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// `None` where it is not installed, which is a failure in CI.
fn check(schema: &str, file: &Path) -> Option<Output> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ours = package.join("../../target/ci/readers/bin/python3");
    let python = match std::env::var_os("READERS_PYTHON") {
        Some(python) => PathBuf::from(python),
        None if ours.exists() => ours,
        None => PathBuf::from("python3"),
    };
    let words = ["-m", "check_jsonschema", "--builtin-schema", schema];
    let output = Command::new(python).args(words).arg(file).output().ok()?;
    let missing = String::from_utf8_lossy(&output.stderr).contains("No module named");
    if missing {
        let in_ci = std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false");
        assert!(!in_ci, "no check-jsonschema, and CI is set");
        eprintln!(
            "SKIPPED: no check-jsonschema: pip install -r tests/formats/requirements.txt, and name that Python in READERS_PYTHON"
        );
    }
    (!missing).then_some(output)
}

#[test]
fn workflows_and_the_action_are_what_github_reads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github");
    for (schema, file) in [
        ("vendor.github-workflows", "workflows/ci.yml"),
        ("vendor.github-workflows", "workflows/performance.yml"),
        ("vendor.github-actions", "actions/compare/action.yml"),
    ] {
        let file = root.join(file);
        let Some(output) = check(schema, &file) else {
            return;
        };
        assert!(output.status.success(), "{}: {output:?}", file.display());

        // It sees what is wrong.
        let folder = tempfile::tempdir().unwrap();
        let broken = folder.path().join("broken.yml");
        let text = std::fs::read_to_string(&file).unwrap();
        let wrong = text.replace("    steps:", "    stages:");
        assert!(wrong != text || schema == "vendor.github-actions");
        std::fs::write(
            &broken,
            wrong.replace("  using: composite", "  using: bash"),
        )
        .unwrap();
        assert!(!check(schema, &broken).unwrap().status.success());
    }
}
