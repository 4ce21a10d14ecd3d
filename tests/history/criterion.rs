//! What Criterion left is taken in where forkbench has not recorded it, and kept apart.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use forkbench::history::{Selection, Source, criterion};
use serde_json::json;

use crate::made::{ids, path, run, store};
use crate::scratch::{Scratch, said, told};

/// A benchmark's folder as Criterion 0.7 leaves it.
fn benchmark(tree: &Path, id: &str, level: f64, written: SystemTime) {
    let newest = tree.join(id).join("new");
    fs::create_dir_all(&newest).unwrap();
    let (group, function) = id.split_once('/').unwrap();
    let benchmark = json!({
        "group_id": group, "function_id": function, "value_str": null, "throughput": null,
        "full_id": id, "directory_name": id, "title": id
    });
    let iters: Vec<f64> = (1..=100).map(f64::from).collect();
    let times: Vec<f64> = iters.iter().map(|n| n * (level + n)).collect();
    let sample = json!({ "sampling_mode": "Linear", "iters": iters, "times": times });
    fs::write(newest.join("benchmark.json"), benchmark.to_string()).unwrap();
    fs::write(newest.join("estimates.json"), "{}").unwrap();
    let file = newest.join("sample.json");
    fs::write(&file, sample.to_string()).unwrap();
    let file = fs::File::options().append(true).open(file).unwrap();
    file.set_modified(written).unwrap();
}

fn import(scratch: &Scratch, folder: &str) -> (String, String) {
    let words = ["history", "--store", "history.sqlite", "import", folder];
    let output = scratch.forkbench(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    (said(&output), told(&output))
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn results_stand_in_series_of_their_own_and_twice_is_once() {
    let scratch = Scratch::new();
    let tree = scratch.path().join("target/criterion");
    benchmark(&tree, "spawn/small", 1_000.0, at(1_782_901_230));
    benchmark(&tree, "spawn/large", 90_000.0, at(1_782_901_300));
    benchmark(&tree, "sum/short", 1.0, at(1_782_901_300));
    let (told_first, warned) = import(&scratch, ".");
    assert!(told_first.contains("1 added"), "{told_first}");
    assert!(
        warned.contains("sum/short") && warned.contains("whole nanoseconds"),
        "{warned}"
    );
    let (again, noted) = import(&scratch, "target/criterion");
    assert!(
        again.contains("0 added") && noted.contains("2 results"),
        "{again}{noted}"
    );

    let store = store(&scratch);
    assert_eq!(store.series(&Selection::default()).unwrap(), []);
    let theirs = Selection {
        source: Source::Criterion,
        ..Selection::default()
    };
    let series = store.series(&theirs).unwrap();
    let cells: Vec<&str> = series.iter().map(|series| series.cell.as_str()).collect();
    assert_eq!(cells, ["spawn/large", "spawn/small"]);
    let point = &series[1].points[0];
    // The tenth of a hundred means, and the fiftieth.
    assert_eq!((point.p10, point.p50, point.trials), (1_010, 1_050, 1));
    assert_eq!(
        (series[1].phase, series[1].run(point).kernel.as_deref()),
        (None, None)
    );

    // A later result of one benchmark is one more point of it, and of no other.
    benchmark(&tree, "spawn/small", 1_100.0, at(1_782_987_700));
    import(&scratch, ".");
    let counts: Vec<usize> = store
        .series(&theirs)
        .unwrap()
        .iter()
        .map(|series| series.points.len())
        .collect();
    assert_eq!(counts, [1, 2]);
}

#[test]
fn what_forkbench_recorded_is_not_taken_from_criterion() {
    let scratch = Scratch::new();
    // Written while the run was under way, and long after it.
    let made = run(30, 40_000);
    made.written(&scratch.path().join("reports"));
    let tree = scratch.path().join("target/criterion");
    benchmark(&tree, "footprint/fork/64MiB", 40_000.0, at(1_782_867_000));
    benchmark(&tree, "footprint/vfork/0", 9_000.0, at(1_782_867_000));
    let (_, noted) = import(&scratch, ".");
    assert!(noted.contains("1 result of Criterion"), "{noted}");
    let store = store(&scratch);
    assert_eq!(ids(&store), [made.header.id]);
    let theirs = Selection {
        source: Source::Criterion,
        ..Selection::default()
    };
    let series = store.series(&theirs).unwrap();
    assert_eq!(series.len(), 1);
    assert_eq!(series[0].cell, "footprint/vfork/0");
}

#[test]
fn hostile_results_are_named_and_the_others_taken() {
    let scratch = Scratch::new();
    let tree = scratch.path().join("criterion");
    benchmark(&tree, "good/one", 1_000.0, at(1_782_901_230));
    for (name, sample) in [
        ("none", String::new()),
        ("list", "[]".to_owned()),
        (
            "lengths",
            json!({ "iters": [1.0], "times": [] }).to_string(),
        ),
        (
            "zero",
            json!({ "iters": [0.0], "times": [5.0] }).to_string(),
        ),
        (
            "endless",
            format!("{{\"iters\": [{}1e3]", "1e3,".repeat(2_000_000)),
        ),
        ("deep", "[".repeat(100_000)),
    ] {
        let id = format!("bad/{name}");
        benchmark(&tree, &id, 1_000.0, at(1_782_901_230));
        fs::write(tree.join(&id).join("new/sample.json"), sample).unwrap();
        let told = criterion::read(&tree.join(&id)).unwrap_err().to_string();
        assert!(
            told.contains("sample.json") && told.contains("cargo bench"),
            "{told}"
        );
    }
    let words = [
        "history",
        "--store",
        "history.sqlite",
        "import",
        "criterion",
    ];
    let output = scratch.forkbench(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(said(&output).contains("1 added") && said(&output).contains("6 failed"));
    assert!(path(&scratch).exists());
}
