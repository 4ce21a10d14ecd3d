//! A comparison as JUnit's XML, against Jenkins' schema and somebody else's reader.

#[path = "../../comparison/compared.rs"]
#[allow(dead_code)]
mod compared;

use std::path::{Path, PathBuf};
use std::process::Command;

use compared::{HOSTILE, absurd, all_verdicts, cell, empty};
use forkbench::comparison::Comparison;
use forkbench::report::comparison::junit;
use forkbench::statistics::Verdict;
use serde_json::{Value, json};

/// What junitparser sees in the documents once the schema holds; where one of them is missing, a test on somebody's
/// own machine says so and passes, and in CI it fails.
fn read(comparisons: &[Comparison]) -> Option<Vec<Value>> {
    let folder = tempfile::tempdir().unwrap();
    let written = comparisons.iter().enumerate().map(|(number, comparison)| {
        let path = folder.path().join(format!("{number}.xml"));
        std::fs::write(&path, junit(comparison)).unwrap();
        path
    });
    let written: Vec<PathBuf> = written.collect();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ours = package.join("../../target/ci/readers");
    let named = |variable: &str, usual: &str| {
        std::env::var_os(variable).map_or_else(|| ours.join(usual), PathBuf::from)
    };
    let python = named("READERS_PYTHON", "bin/python3");
    let schema = named("JUNIT_SCHEMA", "junit-10.xsd");
    let output = Command::new(&python)
        .arg(package.join("junit.py"))
        .arg(&schema)
        .args(&written)
        .output();
    let absent = !schema.is_file()
        || match &output {
            Ok(output) => output.status.code() == Some(77),
            Err(_) => true,
        };
    if absent {
        let in_ci = std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false");
        assert!(
            !in_ci,
            "no schema or reader of JUnit, and CI is set: {output:?}"
        );
        eprintln!(
            "SKIPPED: no schema or reader of JUnit: install tests/formats/requirements.txt, and name that Python with \
             READERS_PYTHON and junit-10.xsd with JUNIT_SCHEMA"
        );
        return None;
    }
    let output = output.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "it is not read: {told}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn the_reader_sees_every_verdict() {
    let Some(seen) = read(&[all_verdicts()]) else {
        return;
    };
    let suite = &seen[0];
    assert_eq!(
        [&suite["tests"], &suite["failures"], &suite["skipped"]],
        [8, 2, 4]
    );
    assert_eq!(suite["hostname"], "shed");
    assert_eq!(suite["time"], json!(73.6));
    assert_eq!(suite["properties"]["seed"], "42");
    assert_eq!(suite["properties"]["threshold"], "0.03");
    assert_eq!(suite["properties"]["confidence"], "0.99");
    let cases = suite["cases"].as_array().unwrap();
    let kind = |case: &Value| {
        case["results"][0][0]
            .as_str()
            .unwrap_or("Passed")
            .to_owned()
    };
    let kinds: Vec<String> = cases.iter().map(kind).collect();
    assert_eq!(
        kinds,
        [
            "Failure", "Failure", "Skipped", "Skipped", "Skipped", "Skipped", "Passed", "Passed"
        ]
    );
    assert_eq!(cases[0]["name"], "fork/1GiB call");
    assert_eq!(cases[0]["time"], json!(9.2));
    assert_eq!(cases[0]["results"][0][1], "regressed");
    assert_eq!(
        cases[0]["results"][0][2],
        "regressed: +31.0 % (+28.0 to +34.0 %)"
    );
    let told = cases[0]["results"][0][3].as_str().unwrap();
    assert!(
        told.contains("36 pairs, look 3") && told.contains("p99 2.90 ms"),
        "{told}"
    );
    assert_eq!(cases[2]["results"][0][1], "not measurable");
}

#[test]
fn whatever_a_comparison_holds_the_schema_takes_it_and_text_stays_text() {
    let mut named = empty();
    named.cells = vec![cell(HOSTILE, Verdict::Regressed, 0.1, 0.01)];
    let Some(seen) = read(&[absurd(), empty(), named]) else {
        return;
    };
    assert_eq!(seen[1]["cases"], json!([]));
    assert_eq!(seen[2]["tests"], 1);
    let name = seen[2]["cases"][0]["name"].as_str().unwrap();
    assert!(
        name.starts_with("</script><b onload=x>&|`[x](y) @you\u{fffd}[31m"),
        "{name}"
    );
}
