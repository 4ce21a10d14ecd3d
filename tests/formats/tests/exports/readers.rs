//! Starts `readers.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What another's reader sees in documents of a format. Where the reader is not installed, a test on
/// somebody's own machine says so and passes; in CI it fails.
pub fn read(format: &str, documents: &[Vec<u8>]) -> Option<Vec<Value>> {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = (0..documents.len())
        .map(|number| folder.path().join(number.to_string()))
        .collect();
    for (file, bytes) in files.iter().zip(documents) {
        std::fs::write(file, bytes).unwrap();
    }
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ours = package.join("../../target/ci/readers/bin/python3");
    let python = match std::env::var_os("READERS_PYTHON") {
        Some(named) => PathBuf::from(named),
        None if ours.exists() => ours,
        None => PathBuf::from("python3"),
    };
    let output = Command::new(&python)
        .arg(package.join("readers.py"))
        .arg(format)
        .args(&files)
        .output();
    let absent = match &output {
        Ok(output) => output.status.code() == Some(77),
        Err(_) => true,
    };
    if absent {
        let in_ci = std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false");
        assert!(!in_ci, "no reader of {format}, and CI is set: {output:?}");
        eprintln!(
            "SKIPPED: no reader of {format}: pip install -r tests/formats/requirements.txt, and name that \
             Python with READERS_PYTHON"
        );
        return None;
    }
    let output = output.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{format} is not read: {told}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
