//! docs/run.schema.json describes what is written: no field more, none less, none of another type.

#[path = "../../recording/fixtures.rs"]
#[allow(dead_code)]
mod fixtures;

use std::collections::BTreeMap;
use std::fs;

use fixtures::*;
use forkbench::mechanism::Phase;
use forkbench::recording::*;
use jsonschema::Validator;
use serde_json::{Value, json};

/// Keys that are left out where there is nothing to say.
const OPTIONAL: [&str; 2] = ["copied_bytes", "requests"];
/// Objects whose keys are free to be there or not.
const MAPS: [&str; 4] = ["mitigations", "intervals", "phases", "first"];

fn validator() -> Validator {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/run.schema.json");
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// A run.json as it is written, with a cell of every status and every phase.
fn written() -> Value {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(folder.path(), header("run")).unwrap();
    for line in lines() {
        writer.append(line).unwrap();
    }
    let mut trial = trial(0, &samples(9_000_000, 0, 12_000));
    trial.phases.insert(Phase::Start, phase_of(&[1]));
    trial.phases.insert(Phase::Exec, phase_of(&[2, 2]));
    for phase in Phase::WRITES {
        trial.phases.insert(phase, phase_of(&[20, 1_900]));
    }
    for phase in Phase::REQUESTS {
        trial.phases.insert(phase, phase_of(&[80_000, 90_000]));
    }
    trial.requests = Some(Requests {
        rate: 200,
        seed: 7,
        due: 2,
        answered: 1,
        failed: 1,
        early: Some(80_000),
        late: None,
        slow: 3,
        ..Requests::default()
    });
    trial.host.copied_bytes = Some(8_192);
    let cell = cell(
        "fork-exec",
        "1GiB+shuffled+rewritten+vmas=3+threads=2+busy=1+fds=9",
    );
    writer
        .append(Line::Trial(Box::new(TrialLine { cell, trial })))
        .unwrap();
    writer.finish("2026-07-01T10:30:00Z").unwrap();
    serde_json::from_slice(&fs::read(writer.directory().join("run.json")).unwrap()).unwrap()
}

#[test]
fn what_is_written_is_valid() {
    let validator = validator();
    let run = written();
    let errors: Vec<_> = validator
        .iter_errors(&run)
        .map(|e| format!("{e} at {}", e.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");

    let folder = tempfile::tempdir().unwrap();
    let mut bare = header("run");
    bare.host = Host::default();
    let mut writer = RunWriter::create(folder.path(), bare).unwrap();
    writer.flush().unwrap();
    let text = fs::read(writer.directory().join("run.json")).unwrap();
    assert!(validator.is_valid(&serde_json::from_slice(&text).unwrap()));
}

#[test]
fn nulls_are_allowed_wherever_the_types_have_them() {
    // All that can be absent, absent: what a host shows that lets nothing be read.
    let mut run: Run = serde_json::from_value(written()).unwrap();
    run.host = Host::default();
    run.tool.commit = None;
    run.finished = None;
    for cell in &mut run.cells {
        for trial in &mut cell.trials {
            trial.receipt = Default::default();
            trial.host = TrialHost::default();
            trial.cpu = None;
            trial.first.clear();
        }
        for summary in cell.phases.values_mut() {
            summary.intervals = BTreeMap::new();
            (summary.p10, summary.p25, summary.p50) = (None, None, None);
        }
    }
    for life in &mut run.lives {
        life.moments = LifeMoments {
            call: 1,
            reap: 2,
            ..LifeMoments::default()
        };
        (life.system_call, life.child_pid, life.ran_ns) = (None, None, None);
    }
    let run = serde_json::to_value(&run).unwrap();
    let validator = validator();
    assert!(
        validator.is_valid(&run),
        "{:?}",
        validator.iter_errors(&run).next()
    );
}

/// Every place in a value, as a JSON pointer, and the key its object stands under.
fn places(value: &Value, path: String, found: &mut Vec<String>) {
    found.push(path.clone());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            places(inner, format!("{path}/{key}"), found);
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, inner)| places(inner, format!("{path}/{at}"), found)),
        _ => {}
    }
}

fn is_map(path: &str) -> bool {
    MAPS.iter().any(|map| path.ends_with(&format!("/{map}")))
}

#[test]
fn what_is_missing_added_or_of_another_type_is_refused() {
    let (validator, run) = (validator(), written());
    let mut all = Vec::new();
    places(&run, String::new(), &mut all);
    // One trial of each cell says it all; the others have the same shape.
    let repeated = |path: &str| {
        ["/trials/1", "/trials/2", "/trials/3"]
            .iter()
            .any(|p| path.contains(p))
    };
    let (mut removed, mut added, mut mistyped) = (0, 0, 0);
    for path in all.iter().filter(|path| !repeated(path)) {
        let mut broken = run.clone();
        let place = broken.pointer_mut(path).unwrap();
        if let Value::Object(map) = place {
            let free_keys = path.ends_with("/mitigations");
            map.insert("colour".to_owned(), json!({ "red": 1 }));
            assert!(!validator.is_valid(&broken), "something more at {path}");
            // The reader agrees, but for phases: serde cannot be strict about what it flattens.
            if !path.contains("/phases/") && !free_keys {
                assert!(
                    serde_json::from_value::<Run>(broken).is_err(),
                    "read with more at {path}"
                );
            }
            added += 1;
        }

        let mut broken = run.clone();
        *broken.pointer_mut(path).unwrap() = json!([[0.5]]);
        assert!(!validator.is_valid(&broken), "another type at {path}");
        assert!(
            serde_json::from_value::<Run>(broken).is_err(),
            "read another type at {path}"
        );
        mistyped += 1;

        let Some((parent, key)) = path.rsplit_once('/') else {
            continue;
        };
        let mut broken = run.clone();
        if let Some(Value::Object(map)) = broken.pointer_mut(parent) {
            if !is_map(parent) && !OPTIONAL.contains(&key) {
                map.remove(&key.replace("~1", "/").replace("~0", "~"))
                    .unwrap();
                assert!(!validator.is_valid(&broken), "nothing at {path}");
                removed += 1;
            }
        }
    }
    assert!(
        removed > 200 && added > 40 && mistyped > 300,
        "{removed} {added} {mistyped}"
    );
}

#[test]
fn values_out_of_range_are_refused() {
    let (validator, run) = (validator(), written());
    for (path, value) in [
        ("/schema", json!("forkbench.run/2")),
        ("/seed", json!(-1)),
        ("/started", json!("yesterday")),
        ("/cells/0/placement", json!("pined")),
        ("/cells/0/status", json!("failed")),
        ("/cells/2/reason", json!(null)),
        ("/cells/0/footprint/bytes", json!(0.5)),
        ("/cells/0/footprint/vmas", json!(4_294_967_296u64)),
        ("/cells/0/phases/call/count", json!(0)),
        ("/cells/0/phases/call/intervals/p50", json!([1])),
        ("/cells/0/trials/0/phases", json!({})),
        (
            "/cells/0/trials/0/phases/call/max",
            json!(3_600_000_000_001u64),
        ),
        ("/cells/0/trials/0/receipt/adjacency", json!(1.5)),
    ] {
        let mut broken = run.clone();
        *broken.pointer_mut(path).expect(path) = value;
        assert!(!validator.is_valid(&broken), "{path}");
    }
}
