//! Apache Otava and Apache Arrow read what `forkbench history export` writes.

use forkbench::history::export::Format;
use forkbench::history::{
    Entry, HostFingerprint, Levels, Selection, Source, Store, StoredHost, TrialFigures,
};
use forkbench::mechanism::Phase;
use serde_json::{Value, json};

use crate::readers::read;

const NIGHTS: u64 = 40;
/// The night from which on everything takes a tenth longer.
const SLOWER: u64 = 20;

fn night(number: u64) -> Entry {
    let host = |name: &str| StoredHost {
        fingerprint: HostFingerprint(format!("{name}-0123456789")),
        name: name.to_owned(),
        traits: "{}".to_owned(),
    };
    let level = 40_000 + number * 7 % 11 * 20 + if number >= SLOWER { 4_000 } else { 0 };
    let trial = |trial: u64| TrialFigures {
        count: 1_000,
        p10: level + trial,
        p50: level + trial + 2_000,
        p90: Some(level * 2),
        p99: None,
    };
    Entry {
        source: Source::Forkbench,
        id: format!("night-{number}"),
        seed: number,
        started: 1_782_901_230 + 86_400 * number as i64,
        finished: None,
        host: host("alpha"),
        kernel: None,
        // One cannot be known, and Otava wants to have them all.
        commit: (number > 0).then(|| format!("c{number}")),
        branch: Some("main".to_owned()),
        path: None,
        tool: "forkbench 0.1.0".to_owned(),
        levels: vec![Levels {
            cell: "fork/64MiB".to_owned(),
            phase: Some(Phase::Call),
            trials: (0..3).map(trial).collect(),
            written: None,
        }],
        unmeasured: Vec::new(),
        warnings: Vec::new(),
    }
}

fn filled(folder: &tempfile::TempDir) -> Store {
    let store = Store::create(&folder.path().join("history.sqlite")).unwrap();
    let nights: Vec<Entry> = (0..NIGHTS).map(night).collect();
    store.fill(&nights).unwrap();
    store
}

#[test]
fn otava_sees_every_night_and_the_one_that_became_slower() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder);
    let export = Format::Otava.export(&store, &Selection::default()).unwrap();
    let [results, configuration] = export.documents.as_slice() else {
        panic!("one series, and its name");
    };
    let Some(seen) = read("otava", std::slice::from_ref(&results.bytes)) else {
        return;
    };
    let series = &store.series(&Selection::default()).unwrap()[0];
    let p10: Vec<u64> = series.points.iter().map(|point| point.p10).collect();
    let p50: Vec<u64> = series.points.iter().map(|point| point.p50).collect();
    assert_eq!(seen[0]["data"], json!({ "p10": p10, "p50": p50 }));
    assert_eq!(seen[0]["time"].as_array().unwrap().len(), p10.len());
    assert_eq!(seen[0]["time"][1], 1_782_901_230 + 86_400);
    assert_eq!(seen[0]["attributes"]["commit"][1], "c1");
    assert_eq!(seen[0]["attributes"]["commit"][0], "");
    assert_eq!(seen[0]["changes"]["p10"], json!([SLOWER]));
    let configuration: Value = serde_json::from_slice(&configuration.bytes).unwrap();
    let test = &configuration["tests"]["alpha-alpha-0123456789/fork/64MiB:call"];
    assert_eq!(test["file"], results.name);
}

#[test]
fn arrow_sees_every_trial_of_every_night() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder);
    let export = Format::Parquet
        .export(&store, &Selection::default())
        .unwrap();
    let Some(seen) = read("parquet", &[export.documents[0].bytes.clone()]) else {
        return;
    };
    let rows = seen[0]["rows"].as_array().unwrap();
    assert_eq!(rows.len() as u64, NIGHTS * 3);
    let expected = json!({
        "run": "night-1", "source": "forkbench", "started": "2026-07-02T10:20:30Z",
        "host": "alpha-0123456789", "host_name": "alpha", "kernel": null, "commit": "c1",
        "branch": "main", "path": null, "cell": "fork/64MiB", "phase": "call", "trial": 2,
        "count": 1_000, "p10": 40_142, "p50": 42_142, "p90": 80_280, "p99": null
    });
    assert_eq!(rows[5], expected);
    assert_eq!(seen[0]["types"]["p10"], "uint64");
}
