//! The history in the formats of other programs.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixtures::cell;
use crate::made::{path, run, series, store};
use crate::scratch::{Scratch, said, told};
use forkbench::history::Labels;
use forkbench::mechanism::Phase;

fn filled(scratch: &Scratch) {
    let store = store(scratch);
    for minute in 0..3 {
        let mut made = run(minute, 40_000 + 1_000 * u64::from(minute));
        // A night on which one cell was not measured.
        if minute != 1 {
            made = made.with(&cell("vfork", "0"), &[9_000, 9_100]);
        }
        let labels = Labels {
            commit: (minute > 0).then(|| format!("c{minute}")),
            ..Labels::default()
        };
        store.add(&made.entry(labels), false).unwrap();
    }
}

fn export(scratch: &Scratch, words: &[&str]) -> std::process::Output {
    let mut line = vec!["history", "--store", "history.sqlite", "export"];
    line.extend(words);
    scratch.forkbench(&line).output().unwrap()
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn otava_gets_a_file_for_each_series_and_the_names_of_them() {
    let scratch = Scratch::new();
    filled(&scratch);
    let output = export(
        &scratch,
        &["--format", "otava", "--out", "otava", "--phase", "call"],
    );
    assert!(output.status.success(), "{}", told(&output));
    let folder = scratch.path().join("otava");
    // JSON is YAML.
    let configuration = document(&folder.join("otava.yaml"));
    let tests = configuration["tests"].as_object().unwrap();
    assert_eq!(tests.len(), 2);
    let ours = series(&store(&scratch), Phase::Call);
    for (one, (name, test)) in ours.iter().zip(tests) {
        assert_eq!(*name, format!("alpha-{}/{}:call", one.host, one.cell));
        assert_eq!(test["type"], "json");
        let results = document(&folder.join(test["file"].as_str().unwrap()));
        let results = results.as_array().unwrap();
        assert_eq!(results.len(), one.points.len());
        for (result, point) in results.iter().zip(&one.points) {
            let metrics = json!([
                { "name": "p10", "value": point.p10 },
                { "name": "p50", "value": point.p50 },
            ]);
            assert_eq!(result["metrics"], metrics);
            // Its importer looks every attribute up in every result.
            let attributes = result["attributes"].as_object().unwrap();
            assert!(attributes.values().all(Value::is_string));
            assert_eq!(result["attributes"]["run"], one.run(point).id);
            let commit = one.run(point).commit.clone().unwrap_or_default();
            assert_eq!(result["attributes"]["commit"], commit);
        }
        let times: Vec<u64> = results
            .iter()
            .map(|r| r["timestamp"].as_u64().unwrap())
            .collect();
        assert!(times.is_sorted() && times[0] == 1_782_864_030, "{times:?}");
    }
}

#[test]
fn an_export_that_cannot_be_is_named() {
    let scratch = Scratch::new();
    filled(&scratch);
    fs::write(scratch.path().join("file"), "").unwrap();
    for (line, code, word) in [
        ("--format otava", 2, "--out otava/"),
        ("--format otava --out file", 2, "folder"),
        ("--format parquet --json", 2, "--out run.parquet"),
        ("--format parquet --out .", 2, "is a folder"),
        ("--format excel", 2, "parquet"),
        ("nothing/* --format otava --out otava", 1, "history list"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let output = export(&scratch, &words);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{line}: {}",
            told(&output)
        );
        assert!(told(&output).contains(word), "{line}: {}", told(&output));
        assert_eq!(said(&output), "");
    }
    assert!(!scratch.path().join("otava").exists());
    if !cfg!(feature = "parquet") {
        let output = export(&scratch, &["--format", "parquet", "--out", "x.parquet"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            told(&output).contains("--features parquet"),
            "{}",
            told(&output)
        );
    }
    assert!(path(&scratch).exists());
}
