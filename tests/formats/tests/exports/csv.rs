//! Python's csv module, in its strict mode, reads the table.

use std::collections::BTreeMap;

use serde_json::Value;

use forkbench::mechanism::Phase;
use forkbench::recording::{self, Line, RunWriter, TrialLine};

use crate::fixtures::{cell, header, phase_of, samples, trial};
use crate::readers::read;
use crate::{document, exported, hgrm, runs};

/// The table's rows by their columns' names.
pub fn rows(table: &Value) -> Vec<BTreeMap<String, String>> {
    let lines: Vec<Vec<String>> = serde_json::from_value(table.clone()).unwrap();
    let (head, lines) = lines.split_first().unwrap();
    lines
        .iter()
        .map(|line| {
            assert_eq!(line.len(), head.len(), "{line:?}");
            head.iter().cloned().zip(line.iter().cloned()).collect()
        })
        .collect()
}

#[test]
fn the_table_holds_every_cell_and_figure() {
    let runs = runs();
    let documents: Vec<Vec<u8>> = runs.iter().map(|run| document("csv", run)).collect();
    let Some(seen) = read("csv", &documents) else {
        return;
    };
    for (recorded, table) in runs.iter().zip(&seen) {
        let rows = rows(table);
        let cells = &recorded.run.cells;
        let phases: usize = cells.iter().map(|cell| cell.phases.len().max(1)).sum();
        assert_eq!(rows.len(), phases);
        for cell in cells {
            let own = rows.iter().filter(|row| row["cell"] == cell.id);
            let json = serde_json::to_value(cell).unwrap();
            let word = |value: &Value| match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                // JSON writes a whole mean with a point and a zero.
                Value::Number(number) => number.as_u64().map_or_else(
                    || number.as_f64().unwrap_or(f64::NAN).to_string(),
                    |whole| whole.to_string(),
                ),
                other => other.to_string(),
            };
            for row in own {
                for axis in json["footprint"].as_object().unwrap().keys() {
                    assert_eq!(row[axis], word(&json["footprint"][axis]), "{axis}");
                }
                for column in [
                    "subject",
                    "mechanism",
                    "placement",
                    "exec",
                    "status",
                    "reason",
                ] {
                    assert_eq!(row[column], word(&json[column]), "{column}");
                }
                let summary = &json["phases"][&row["phase"]];
                for figure in ["count", "min", "p10", "p50", "p90", "p999", "max", "mean"] {
                    assert_eq!(row[figure], word(&summary[figure]), "{} {figure}", cell.id);
                }
                let interval = &summary["intervals"]["p50"];
                assert_eq!(row["p50_low"], word(&interval[0]));
                assert_eq!(row["p50_high"], word(&interval[1]));
                assert_eq!(row["trials_disagree"], word(&summary["trials_disagree"]));
            }
        }
        assert!(
            rows.iter()
                .any(|row| row["status"] != "ok" && !row["reason"].is_empty())
        );
    }
}

#[test]
fn the_arms_of_a_comparison_are_not_summarised_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(folder.path(), header("compared")).unwrap();
    for index in 0..4 {
        for (arm, level) in [("a", 40_000), ("b", 80_000)] {
            let mut trial = trial(index, &samples(level, index, 100));
            trial.arm = arm.to_owned();
            trial.phases.remove(&Phase::Reap);
            trial.phases.insert(Phase::Start, phase_of(&[5]));
            let cell = cell("fork", "64MiB");
            let line = Line::Trial(Box::new(TrialLine { cell, trial }));
            writer.append(line).unwrap();
        }
    }
    writer.finish("2026-07-01T10:30:00Z").unwrap();
    let recorded = recording::read(writer.directory()).unwrap();
    let github = String::from_utf8(document("github", &recorded)).unwrap();
    for name in ["fork/64MiB arm a call p50", "fork/64MiB arm b call p50"] {
        assert!(github.contains(name), "{github}");
    }
    let export = exported("hgrm", &recorded);
    let files = export.documents.iter();
    let files = files.map(|document| (&*document.name, document.bytes.as_slice()));
    let files: BTreeMap<&str, &[u8]> = files.collect();
    for (name, level) in [("a", 40_000), ("b", 80_000)] {
        let file = files[&*format!("fork~64MiB-{name}-call.hgrm")];
        let points = hgrm::points(std::str::from_utf8(file).unwrap());
        let allowed = f64::from(level) / 1e6..=f64::from(level) * 1.1005 / 1e6;
        assert!(
            points.iter().all(|(_, ms)| allowed.contains(ms)),
            "{points:?}"
        );
    }
    let text = String::from_utf8(document("openmetrics", &recorded)).unwrap();
    assert_eq!(text.matches("arm=\"b\",le=\"0.0001\"} 400\n").count(), 1);
    assert_eq!(text.matches("arm=\"b\",le=\"5e-05\"} 0\n").count(), 1);
    let Some(seen) = read("csv", &[document("csv", &recorded)]) else {
        return;
    };
    let rows = rows(&seen[0]);
    assert_eq!(rows.len(), 4);
    for row in rows.iter().filter(|row| row["phase"] == "call") {
        let p50: u64 = row["p50"].parse().unwrap();
        let level = if row["arm"] == "a" { 40_000 } else { 80_000 };
        assert!((level..=level * 11 / 10).contains(&p50), "{row:?}");
        assert_eq!((&*row["trials"], &*row["count"]), ("4", "400"));
        assert_eq!(&*row["trials_disagree"], "false");
        let p90: u64 = row["p90"].parse().unwrap();
        assert!((p50..=level * 11_005 / 10_000).contains(&p90), "{row:?}");
    }
}
