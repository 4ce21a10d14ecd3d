//! docs/history.schema.json describes what is printed: no field more, none less, none of another type.

#[path = "../../trend/made.rs"]
#[allow(dead_code)]
mod made;

use std::fs;

use forkbench::trend::{Asked, History, judge};
use jsonschema::Validator;
use serde_json::{Value, json};

use made::{Nights, history, host, judged};

fn validator() -> Validator {
    let path = format!(
        "{}/../../docs/history.schema.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let schema = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::draft202012::options().build(&schema).unwrap()
}

/// A history with everything that can be there, and one that leaves out what `check` does.
fn told() -> [Value; 2] {
    let mut shed = host(
        "shed",
        Nights {
            runs: 40,
            ..Nights::USUAL
        },
    );
    for run in &mut shed.runs {
        run.path = Some(format!("/runs/{}", run.id));
    }
    let bare = judge(
        &shed,
        &Asked {
            threshold: 0.03,
            ..Asked::default()
        },
    );
    [history(vec![judged(&shed)]), history(vec![bare])]
        .map(|history| serde_json::to_value(history).unwrap())
}

#[test]
fn what_is_printed_is_valid_and_read_back() {
    let validator = validator();
    for told in told() {
        let errors = validator
            .iter_errors(&told)
            .map(|error| format!("{error} at {}", error.instance_path()));
        let errors: Vec<_> = errors.collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let read: History = serde_json::from_value(told.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), told);
    }
    let [whole, bare] = told();
    let host = &whole["hosts"][0];
    assert_eq!(host["cells"][0]["id"], "*");
    assert!(host["runs"].as_array().unwrap().len() == 40 && host["cells"][1]["points"].is_array());
    assert!(bare["hosts"][0]["runs"].is_null() && bare["hosts"][0]["cells"][1]["points"].is_null());
    let cells = host["cells"].as_array().unwrap();
    assert!(
        cells
            .iter()
            .any(|cell| !cell["changes"].as_array().unwrap().is_empty())
    );
    assert!(cells.iter().any(|cell| cell["pending"].is_object()));
}

/// Every place in a value, as a JSON pointer; of long lists the first three.
fn places(value: &Value, path: String, found: &mut Vec<String>) {
    found.push(path.clone());
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                places(inner, format!("{path}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().take(3).enumerate() {
                places(inner, format!("{path}/{at}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn what_is_missing_added_or_of_another_type_is_refused() {
    let validator = validator();
    let mut told = told()[0].clone();
    // The same things over and over take time and show nothing.
    let host = &mut told["hosts"][0];
    host["runs"].as_array_mut().unwrap().truncate(2);
    let cells = host["cells"].as_array_mut().unwrap();
    cells.retain(|cell| {
        !cell["changes"].as_array().unwrap().is_empty() || cell["pending"].is_object()
    });
    for cell in cells.iter_mut() {
        cell["points"].as_array_mut().unwrap().truncate(2);
    }
    assert!(cells.len() >= 3 && validator.is_valid(&told));
    let mut all = Vec::new();
    places(&told, String::new(), &mut all);
    let mut counts = [0; 3];
    for path in all {
        let mut broken = told.clone();
        *broken.pointer_mut(&path).unwrap() = json!([[0.5]]);
        assert!(!validator.is_valid(&broken), "another type at {path}");
        counts[0] += 1;
        let mut broken = told.clone();
        if let Some(Value::Object(map)) = broken.pointer_mut(&path) {
            map.insert("colour".to_owned(), json!(1));
            assert!(!validator.is_valid(&broken), "something more at {path}");
            counts[1] += 1;
        }
        let Some((parent, key)) = path.rsplit_once('/') else {
            continue;
        };
        if ["runs", "points"].contains(&key) {
            // `check` leaves them out.
            continue;
        }
        let mut broken = told.clone();
        if let Some(Value::Object(map)) = broken.pointer_mut(parent) {
            map.remove(key).unwrap();
            assert!(!validator.is_valid(&broken), "nothing at {path}");
            counts[2] += 1;
        }
    }
    assert!(
        counts[0] > 100 && counts[1] > 15 && counts[2] > 80,
        "{counts:?}"
    );
}
