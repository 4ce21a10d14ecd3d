//! Apache Arrow's own reader reads the tables.

use forkbench::export::Format;
use forkbench::mechanism::Phase;
use forkbench::protocol::TimedSample;
use forkbench::recording::{self, Line, RunWriter, TrialLine};
use serde_json::{Value, json};

use crate::fixtures::{cell, header, samples, trial};
use crate::readers::read;
use crate::{committed, document};

#[test]
fn arrow_sees_every_trial_of_the_run() {
    let (_, recorded) = committed();
    let Some(seen) = read("parquet", &[document("parquet", &recorded)]) else {
        return;
    };
    let mut rows = seen[0]["rows"].as_array().unwrap().iter();
    for cell in &recorded.run.cells {
        let json = serde_json::to_value(cell).unwrap();
        for trial in json["trials"].as_array().unwrap() {
            for (phase, figures) in trial["phases"].as_object().unwrap() {
                // Phases stand in the order in which they end, and JSON sorts them by name.
                let ours = |row: &&Value| row["phase"] == **phase && row["trial"] == trial["index"];
                let own = seen[0]["rows"].as_array().unwrap().iter();
                let row = own
                    .filter(|row| row["cell"] == json["id"])
                    .find(ours)
                    .unwrap();
                for (name, value) in figures.as_object().unwrap() {
                    assert_eq!(&row[name], value, "{} {name}", cell.id);
                }
                for (name, value) in json["footprint"].as_object().unwrap() {
                    assert_eq!(&row[name], value, "{} {name}", cell.id);
                }
                for name in ["rss", "page_tables", "adjacency", "vm_flags", "fill_ns"] {
                    assert_eq!(row[format!("receipt_{name}")], trial["receipt"][name]);
                }
                assert_eq!(row["host_wall_ns"], trial["host"]["wall_ns"]);
                assert_eq!(
                    row["first"],
                    trial["first"].get(phase).cloned().unwrap_or_default()
                );
                assert_eq!(row["arm"], "");
                assert!(rows.next().is_some());
            }
        }
    }
    assert_eq!(rows.next(), None);
    let types = &seen[0]["types"];
    assert_eq!(
        (&types["p50"], &types["mean"]),
        (&json!("uint64"), &json!("double"))
    );
}

#[test]
fn kept_samples_are_a_table_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(folder.path(), header("kept")).unwrap();
    let key = cell("fork", "64MiB");
    let mut expected = Vec::new();
    for (arm, index) in [("a", 0), ("b", 0), ("a", 1)] {
        let calls = samples(40_000 + u64::from(index), index, 30);
        let mut trial = trial(index, &calls);
        trial.arm = arm.to_owned();
        let rows: Vec<TimedSample> = calls
            .iter()
            .map(|&ns| {
                let mut row = TimedSample::default();
                row.set(Phase::Call, ns);
                row.set(Phase::Reap, u64::MAX - ns);
                row
            })
            .collect();
        writer.keep_samples(&key, arm, index, &rows).unwrap();
        for (iteration, row) in rows.iter().enumerate() {
            expected.push(json!({
                "run": "kept", "cell": "fork/64MiB", "arm": arm, "trial": index, "iteration": iteration,
                "call": row.get(Phase::Call), "start": null, "exec": null, "reap": row.get(Phase::Reap),
                "before": null, "first-pass": null, "second-pass": null, "after": null,
                "open": null, "setup": null, "round-trip": null, "response": null, "service": null,
            }));
        }
        let cell = key.clone();
        let line = Line::Trial(Box::new(TrialLine { cell, trial }));
        writer.append(line).unwrap();
    }
    writer.finish("2026-07-01T10:30:00Z").unwrap();
    let recorded = recording::read(writer.directory()).unwrap();
    let parquet = Format::named("parquet").unwrap();
    let export = parquet.export(&recorded, writer.directory()).unwrap();
    let names: Vec<&str> = export.documents.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["trials.parquet", "samples.parquet"]);
    assert_eq!(export.warnings, [""; 0]);
    let documents: Vec<Vec<u8>> = export.documents.into_iter().map(|d| d.bytes).collect();
    let Some(seen) = read("parquet", &documents) else {
        return;
    };
    assert_eq!(seen[1]["rows"], Value::from(expected));
    let arms: Vec<&str> = seen[0]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|r| r["arm"].as_str())
        .collect();
    assert_eq!(arms, ["a", "a", "b", "b", "a", "a"]);
}

#[test]
fn without_kept_samples_it_says_so() {
    let (directory, recorded) = committed();
    let parquet = Format::named("parquet").unwrap();
    let export = parquet.export(&recorded, &directory).unwrap();
    assert_eq!(export.documents.len(), 1);
    let warnings = export.warnings.join("\n");
    assert!(
        warnings.contains("--keep-samples") && warnings.contains("trials.parquet"),
        "{warnings}"
    );
}
