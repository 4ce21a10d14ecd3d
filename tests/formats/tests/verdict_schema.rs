//! docs/verdict.schema.json describes what is written: no field more, none less, none of another type.

#[path = "../../recording/fixtures.rs"]
#[allow(dead_code)]
mod fixtures;

use std::fs;

use fixtures::*;
use forkbench::comparison::*;
use forkbench::mechanism::Phase;
use forkbench::recording::{Recorded, RunWriter, Status, Tool, read};
use forkbench::statistics::Verdict;
use jsonschema::Validator;
use serde_json::{Value, json};

fn schema(name: &str) -> Value {
    let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn validator() -> Validator {
    let verdict = schema("verdict.schema.json");
    jsonschema::meta::validate(&verdict).unwrap();
    let runs = jsonschema::Registry::new()
        .add("urn:forkbench:run:1", schema("run.schema.json"))
        .unwrap()
        .prepare()
        .unwrap();
    let options = jsonschema::draft202012::options().with_registry(&runs);
    options.build(&verdict).unwrap()
}

/// A run of two cells, the second of which may have failed.
fn recorded(id: &str, level: u64, fails: bool) -> Recorded {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(folder.path(), header(id)).unwrap();
    for index in 0..3 {
        writer.append(trial_at(index, level)).unwrap();
        writer
            .append(trial_line(&cell("vfork", "0"), index))
            .unwrap();
    }
    if fails {
        let failed = cell_line(&cell("vfork", "0"), Status::Failed, "the subject hung");
        writer.append(failed).unwrap();
    }
    writer.finish("2026-07-01T10:30:00Z").unwrap();
    read(writer.directory()).unwrap()
}

fn trial_at(index: u32, level: u64) -> forkbench::recording::Line {
    forkbench::recording::Line::Trial(Box::new(forkbench::recording::TrialLine {
        cell: cell("fork", "64MiB"),
        trial: trial(index, &samples(level, index, 2_000)),
    }))
}

/// What `forkbench compare` comes to: one verdict, and a cell that can't be judged.
fn of_runs() -> Comparison {
    let (base, candidate) = (recorded("a", 40_000, false), recorded("b", 60_000, true));
    let asked = Asked {
        threshold: 0.03,
        confidence: 0.99,
        phases: vec![Phase::Call],
        statistic: Statistic::P10,
        across_hosts: false,
    };
    let judged = judge(&[base], &[candidate], &asked).unwrap();
    let side = |name: &str| Side {
        name: name.to_owned(),
        runs: vec![name.to_owned()],
    };
    Comparison {
        schema: VERDICT_SCHEMA.to_owned(),
        kind: Kind::Compare,
        started: "2026-07-01T10:20:30Z".to_owned(),
        finished: Some("2026-07-01T10:20:31Z".to_owned()),
        command: "forkbench compare a b".to_owned(),
        tool: Tool {
            version: "0.1.0".to_owned(),
            commit: None,
            driver: "forkbench compare".to_owned(),
        },
        host: None,
        seed: None,
        threshold: 0.03,
        confidence: 0.99,
        budget: None,
        base: side("a"),
        candidate: side("b"),
        differences: vec!["boot: one against two".to_owned()],
        cells: judged.cells,
    }
}

/// What `forkbench ab` comes to, with everything that can be there.
fn of_pairs() -> Comparison {
    let mut comparison = of_runs();
    comparison.kind = Kind::Ab;
    comparison.host = Some(header("ab").host);
    comparison.seed = Some(u64::MAX);
    comparison.budget = Some(60.0);
    let look = LookSeen {
        pairs: 16,
        effect: 0.05,
        low: 0.04,
        high: 0.06,
    };
    let cell = &mut comparison.cells[0];
    (cell.pairs, cell.look, cell.seconds) = (16, 1, 9.5);
    cell.pairs_needed = Some(20);
    cell.looks = vec![look];
    cell.confirmation = Some(ConfirmationSeen {
        pairs: 24,
        effect: 0.05,
        low: 0.04,
        high: 0.06,
        confirmed: true,
    });
    comparison
}

fn written() -> [Value; 2] {
    [of_runs(), of_pairs()].map(|one| serde_json::to_value(one).unwrap())
}

#[test]
fn what_is_written_is_valid() {
    let verdicts = of_runs().cells.into_iter().map(|cell| cell.verdict);
    let expected = [Verdict::Regressed, Verdict::NotMeasurable];
    assert_eq!(verdicts.collect::<Vec<_>>(), expected);
    let validator = validator();
    for comparison in written() {
        let errors = validator.iter_errors(&comparison);
        let errors: Vec<_> = errors
            .map(|e| format!("{e} at {}", e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    for verdict in Verdict::ALL {
        let mut comparison = of_pairs();
        comparison.cells[0].verdict = verdict;
        comparison.cells[0].reason = Some("so it is".to_owned());
        comparison.finished = None;
        assert!(
            validator.is_valid(&serde_json::to_value(comparison).unwrap()),
            "{verdict:?}"
        );
    }
}

/// Every place in a value, as a JSON pointer.
fn places(value: &Value, path: String, found: &mut Vec<String>) {
    found.push(path.clone());
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                places(inner, format!("{path}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                places(inner, format!("{path}/{at}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn what_is_missing_added_or_of_another_type_is_refused() {
    let validator = validator();
    let mut counts = [0; 3];
    for comparison in written() {
        let mut all = Vec::new();
        places(&comparison, String::new(), &mut all);
        for path in all {
            let refused = |broken: Value, what: &str| {
                assert!(!validator.is_valid(&broken), "{what} at {path}");
                let read = serde_json::from_value::<Comparison>(broken);
                // A key that may be null may be left out, to the reader.
                assert!(read.is_err() || what == "nothing", "read {what} at {path}");
            };
            let mut broken = comparison.clone();
            *broken.pointer_mut(&path).unwrap() = json!([[0.5]]);
            refused(broken, "another type");
            counts[0] += 1;
            let free_keys = path.ends_with("/mitigations");
            let mut broken = comparison.clone();
            if let Some(Value::Object(map)) = broken.pointer_mut(&path) {
                if !free_keys {
                    map.insert("colour".to_owned(), json!(1));
                    refused(broken, "something more");
                    counts[1] += 1;
                }
            }
            let Some((parent, key)) = path.rsplit_once('/') else {
                continue;
            };
            let mut broken = comparison.clone();
            if let Some(Value::Object(map)) = broken.pointer_mut(parent) {
                if !parent.ends_with("/mitigations") {
                    map.remove(key).unwrap();
                    refused(broken, "nothing");
                    counts[2] += 1;
                }
            }
        }
    }
    assert!(
        counts[0] > 150 && counts[1] > 15 && counts[2] > 130,
        "{counts:?}"
    );
}

#[test]
fn values_that_contradict_themselves_are_refused() {
    let validator = validator();
    let [runs, pairs] = written();
    for (comparison, path, value) in [
        (&runs, "/schema", json!("forkbench.verdict/2")),
        (&runs, "/kind", json!("ab")),
        (&runs, "/seed", json!(1)),
        (&pairs, "/host", json!(null)),
        (&pairs, "/confidence", json!(1)),
        (&pairs, "/started", json!("yesterday")),
        (&pairs, "/cells/0/verdict", json!("slower")),
        (&pairs, "/cells/0/low", json!(null)),
        (&pairs, "/cells/0/effect", json!(-1.0)),
        (&pairs, "/cells/0/phase", json!("life")),
        (&pairs, "/cells/1/reason", json!(null)),
        (&pairs, "/cells/0/looks/0/pairs", json!(0)),
        (&pairs, "/base/runs", json!([])),
    ] {
        let mut broken = comparison.clone();
        *broken.pointer_mut(path).expect(path) = value;
        assert!(!validator.is_valid(&broken), "{path}");
    }
}
