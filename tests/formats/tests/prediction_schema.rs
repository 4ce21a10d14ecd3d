//! docs/prediction.schema.json describes what is printed: no field more, none less, none of another type.

#[path = "../../predict/made.rs"]
#[allow(dead_code)]
mod made;
#[path = "../../simulation/parents.rs"]
#[allow(dead_code)]
mod parents;

use std::fs;

use forkbench::model::{Calibration, Described, Parent, Prediction, predict};
use jsonschema::Validator;
use serde_json::{Value, json};

use made::{host, huge, mapping, process, whole};

fn validator() -> Validator {
    let path = format!(
        "{}/../../docs/prediction.schema.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let schema = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::draft202012::options().build(&schema).unwrap()
}

/// A prediction for a process with everything that can be there, and for a parent that is described.
fn predicted() -> [Value; 2] {
    let run = whole();
    let calibration = Calibration::of(&run).unwrap();
    let mut anatomy = process(vec![
        mapping("", 100_000, Some([0.25, 0.5])),
        huge("huge", 5),
    ]);
    anatomy.running = 2;
    let status = &mut anatomy.status;
    (status.page_tables, status.swap, status.hugetlb) = (Some(4096), Some(4096), Some(0));
    let alive = Parent::of(&anatomy, &host());
    let described = Parent::described(&Described {
        rss: 1 << 30,
        ..Described::default()
    });
    [alive, described].map(|parent| {
        let mut told = predict(&calibration, &parent).unwrap();
        // The made-up host measured no reaping.
        told.fork.reap_ns = Some(told.fork.call_ns);
        serde_json::to_value(told).unwrap()
    })
}

#[test]
fn what_is_printed_is_valid_and_read_back() {
    let validator = validator();
    for told in predicted() {
        let errors: Vec<_> = validator
            .iter_errors(&told)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let read: Prediction = serde_json::from_value(told.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), told);
    }
    let [alive, described] = predicted();
    assert!(!alive["changes"].as_array().unwrap().is_empty());
    assert!(alive["fork"]["call_ns"]["expected"].is_u64());
    assert!(described["fork"]["call_ns"]["expected"].is_null());
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
    for told in predicted() {
        let mut all = Vec::new();
        places(&told, String::new(), &mut all);
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
            let mut broken = told.clone();
            if let Some(Value::Object(map)) = broken.pointer_mut(parent) {
                map.remove(key).unwrap();
                assert!(!validator.is_valid(&broken), "nothing at {path}");
                counts[2] += 1;
            }
        }
    }
    assert!(
        counts[0] > 150 && counts[1] > 25 && counts[2] > 130,
        "{counts:?}"
    );
}
