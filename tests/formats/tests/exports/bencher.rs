//! Bencher's schema of version 1 (bencher.dev/v1/bmf.json), and the bounds that its reader adds.

use serde_json::{Value, json};

use forkbench::recording::Status;

use crate::{document, measured, runs};

/// Holds a file to what Bencher reads.
pub fn check(bytes: &[u8]) -> Value {
    // Names of at most 64 bytes and without blanks around them: these here are ASCII.
    let name = "^[!-~]([ -~]{0,62}[!-~])?$";
    let schema = json!({
        "type": "object",
        "propertyNames": { "minLength": 1 },
        "additionalProperties": { "type": "array", "items": {
            "type": "object",
            "required": ["measures"],
            "additionalProperties": false,
            "properties": {
                "parameters": {
                    "type": "object", "maxProperties": 8,
                    "propertyNames": { "pattern": name },
                    "additionalProperties": { "anyOf": [
                        { "type": "number" }, { "type": "boolean" }, { "type": "string", "pattern": name }
                    ] }
                },
                "measures": {
                    "type": "object",
                    "propertyNames": { "pattern": name },
                    "additionalProperties": {
                        "type": "object", "maxProperties": 8,
                        "propertyNames": { "pattern": name },
                        "additionalProperties": { "type": "number" }
                    }
                }
            }
        } }
    });
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let benchmarks: Value = serde_json::from_slice(bytes).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&benchmarks)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let names = benchmarks.as_object().unwrap().keys();
    assert!(names.clone().count() > 0);
    assert!(names.into_iter().all(|name| name.len() <= 1_024));
    benchmarks
}

#[test]
fn every_cell_is_a_variant_with_its_figures() {
    for recorded in runs() {
        let benchmarks = check(&document("bencher", &recorded));
        let variants: Vec<&Value> = benchmarks
            .as_object()
            .unwrap()
            .values()
            .flat_map(|entries| entries.as_array().unwrap())
            .collect();
        let cells = recorded.run.cells.iter();
        let cells = cells.filter(|cell| cell.status == Status::Ok);
        assert_eq!(variants.len(), cells.count());
        for (cell, phase, summary) in measured(&recorded) {
            let footprint = serde_json::to_value(cell.footprint).unwrap();
            let entries = benchmarks[&cell.mechanism].as_array().unwrap();
            let same = |entry: &&Value| {
                let parameters = &entry["parameters"];
                let words = ["bytes", "page", "mapping", "touch", "state"];
                let counted = |names: &[&str]| {
                    let said = names
                        .iter()
                        .filter(|name| footprint[**name].as_u64().unwrap_or(0) > 0);
                    said.map(|name| format!("{name}={}", footprint[*name]))
                        .collect::<Vec<String>>()
                };
                let mut order = vec![footprint["order"].as_str().unwrap().to_owned()];
                order.extend(counted(&["window", "spread"]));
                let added = match counted(&["vmas", "threads", "busy", "fds"]) {
                    none if none.is_empty() => "nothing".to_owned(),
                    some => some.join("+"),
                };
                words.iter().all(|word| parameters[word] == footprint[word])
                    && parameters["placement"] == json!(cell.placement)
                    && parameters["order"] == json!(order.join("+"))
                    && parameters["added"] == json!(added)
            };
            let found: Vec<&Value> = entries.iter().filter(same).collect();
            assert_eq!(found.len(), 1, "Bencher would merge {}", cell.id);
            let measure = match phase.name() {
                "call" => "latency",
                name => name,
            };
            let metrics = &found[0]["measures"][measure];
            let interval = summary.intervals.get("p50");
            for (name, expected) in [
                ("value", summary.p50),
                ("lower_value", interval.map(|ends| ends[0])),
                ("upper_value", interval.map(|ends| ends[1])),
                ("p99", summary.p99),
            ] {
                assert_eq!(
                    metrics.get(name).and_then(Value::as_u64),
                    expected,
                    "{}",
                    cell.id
                );
            }
        }
    }
}
