//! `forkbench history check` and `show`: from a store to a verdict and a page.

use std::path::PathBuf;

use forkbench::history::{Entry, HostFingerprint, Levels, Source, StoredHost, TrialFigures};
use forkbench::mechanism::Phase;
use forkbench::statistics::Random;
use serde_json::Value;

use crate::command::{document, history};
use crate::made::store;
use crate::scratch::{Scratch, said, told};

const CELLS: u64 = 8;
const DAY: i64 = 86_400;
/// 2026-01-01.
const FIRST: i64 = 1_767_225_600;

/// A night on a host, on which one cell may take longer.
fn night(number: u64, host: &str, branch: &str, slower: f64) -> Entry {
    let mut random = Random::new(number + 1);
    let sitting = 1.0 + 0.04 * random.normal();
    let named = |name: &str| StoredHost {
        fingerprint: HostFingerprint(format!("{name}-0123456789")),
        name: name.to_owned(),
        traits: "{}".to_owned(),
    };
    let mut trials = |cell: u64| -> Vec<TrialFigures> {
        let level = 10_000.0 * (cell + 1) as f64 * sitting * if cell == 3 { slower } else { 1.0 };
        let level = level * (1.0 + 0.01 * random.normal());
        let figures = |p10: u64| TrialFigures {
            count: 100,
            p10,
            p50: p10 + 100,
            p90: Some(p10 + 400),
            p99: None,
        };
        (0..3)
            .map(|trial| figures(level as u64 + trial * 20))
            .collect()
    };
    let levels = (0..CELLS).map(|cell| Levels {
        cell: format!("fork/{}MiB", cell + 1),
        phase: Some(Phase::Call),
        trials: trials(cell),
        written: None,
    });
    Entry {
        source: Source::Forkbench,
        id: format!("night-{number}-{branch}-{host}"),
        seed: number,
        started: FIRST + number as i64 * DAY,
        finished: Some(FIRST + number as i64 * DAY + 600),
        levels: levels.collect(),
        host: named(host),
        kernel: Some(named(if number < 50 { "6.12.1" } else { "6.18.0" })),
        commit: Some(format!("{number:08x}{}", "0".repeat(32))),
        branch: Some(branch.to_owned()),
        path: Some(PathBuf::from(format!("/reports/night-{number}"))),
        tool: "forkbench 0.1.0".to_owned(),
        unmeasured: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Sixty nights on two hosts; on one of them a cell got slower on the fiftieth.
fn filled(scratch: &Scratch, nights: u64) {
    let store = store(scratch);
    for number in 0..nights {
        let slower = if number >= 50 { 1.12 } else { 1.0 };
        store
            .add(&night(number, "alpha", "main", slower), false)
            .unwrap();
        store
            .add(&night(number, "beta", "main", 1.0), false)
            .unwrap();
        store
            .add(&night(number, "alpha", "topic", 1.5), false)
            .unwrap();
    }
}

#[test]
fn a_level_that_got_worse_is_named_and_ends_with_3() {
    let scratch = Scratch::new();
    filled(&scratch, 60);
    let output = history(&scratch, "check");
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}{}",
        said(&output),
        told(&output)
    );
    let text = said(&output);
    for words in [
        "fork/4MiB",
        "regressed",
        "0000003100",
        "0000003200",
        "kernel 6.12.1 → 6.18.0",
        "alpha",
        "beta",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let others = "left out are 60 runs of the branch topic";
    assert!(told(&output).contains(others), "{}", told(&output));

    let output = history(&scratch, "check --json");
    assert_eq!(output.status.code(), Some(3));
    let document = document(&output);
    assert_eq!(document["schema"], "forkbench.history/1");
    assert_eq!(document["hosts"].as_array().unwrap().len(), 2);
    let cell = document["hosts"][0]["cells"]
        .as_array()
        .unwrap()
        .iter()
        .find(|cell| cell["id"] == "fork/4MiB")
        .unwrap();
    assert_eq!(cell["changes"][0]["after"]["id"], "night-50-main-alpha");
    assert!((cell["changes"][0]["effect"].as_f64().unwrap() - 0.12).abs() < 0.03);

    let output = history(&scratch, "check --format markdown --fail-on nothing");
    assert_eq!(output.status.code(), Some(0));
    assert!(
        said(&output).contains("| **regressed** | fork/4MiB |"),
        "{}",
        said(&output)
    );
}

#[test]
fn what_is_known_elsewhere_or_not_asked_for_ends_with_0() {
    let scratch = Scratch::new();
    filled(&scratch, 60);
    for line in [
        "check --known 00000032",
        "check --known 2026-03-01",
        "check --host beta",
        "check fork/1MiB fork/2MiB",
        "check --threshold 30%",
        "check --branch topic",
    ] {
        let output = history(&scratch, line);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{line}\n{}{}",
            said(&output),
            told(&output)
        );
    }
    // These nights are long gone, or will be.
    let old = history(&scratch, "check --threshold 30% --max-age 1s");
    assert_eq!(old.status.code(), Some(1), "{}", told(&old));
    assert!(told(&old).contains("--max-age 1s"), "{}", told(&old));
    let young = history(&scratch, "check --threshold 30% --max-age 300y");
    assert_eq!(young.status.code(), Some(0), "{}", told(&young));
    for (line, words) in [
        (
            "check --branch tpoic",
            "--branch `tpoic` is of no run in the history; there are: main, topic",
        ),
        (
            "check --host gamma",
            "--host `gamma` is of no run in the history; there are: alpha, beta",
        ),
    ] {
        let output = history(&scratch, line);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(told(&output).contains(words), "{}", told(&output));
    }
    let output = history(&scratch, "check --known nothing-of-that-name");
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let output = history(&scratch, "check --fail-on inconclusive --until 2026-01-05");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(
        said(&output).contains("a first verdict takes 8"),
        "{}",
        said(&output)
    );
}

#[test]
fn the_trend_page_is_drawn_where_it_is_asked_for() {
    let scratch = Scratch::new();
    filled(&scratch, 60);
    let output = history(&scratch, "show --branch main --out pages/trend.html");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(said(&output).trim_end().ends_with("pages/trend.html"));
    let page = std::fs::read_to_string(scratch.path().join("pages/trend.html")).unwrap();
    assert!(
        page.contains("fork&#x2f;4MiB")
            && page.contains("alpha, branch main")
            && page.contains("beta, branch main")
    );
    let output = history(&scratch, "show --json --host beta");
    let document = document(&output);
    assert_eq!(document["hosts"][0]["runs"].as_array().unwrap().len(), 60);
    assert_eq!(
        document["hosts"][0]["cells"][1]["points"]
            .as_array()
            .unwrap()
            .len(),
        60
    );
}

#[test]
fn cells_of_every_kind_are_judged_by_the_phase_they_are_spoken_of_by() {
    let scratch = Scratch::new();
    let kinds = [
        ("posix_spawn/0", Phase::Call, Phase::Exec),
        ("cow-parent/1MiB", Phase::SecondPass, Phase::After),
        ("ipc:pipe/4KiB", Phase::RoundTrip, Phase::Setup),
        ("server:fork/0", Phase::Response, Phase::Service),
    ];
    for number in 0..10 {
        let mut night = night(number, "alpha", "main", 1.0);
        let like = night.levels.remove(0);
        for (cell, phase, other) in kinds {
            for phase in [phase, other] {
                night.levels.push(Levels {
                    cell: cell.to_owned(),
                    phase: Some(phase),
                    ..like.clone()
                });
            }
        }
        store(&scratch).add(&night, false).unwrap();
    }
    let judged = |line: &str| -> Vec<(String, String)> {
        let found = document(&history(&scratch, line));
        let cells = found["hosts"][0]["cells"].as_array().unwrap().iter();
        let text = |cell: &Value, key: &str| cell[key].as_str().unwrap_or_default().to_owned();
        cells
            .map(|cell| (text(cell, "id"), text(cell, "phase")))
            .collect()
    };
    let by_default = judged("check --json");
    for (cell, phase, other) in kinds {
        let pair = |phase: Phase| (cell.to_owned(), phase.name().to_owned());
        assert!(by_default.contains(&pair(phase)), "{cell}: {by_default:?}");
        assert!(!by_default.contains(&pair(other)), "{cell}: {by_default:?}");
    }
    let other = judged("check --phase service --json");
    assert_eq!(other, [("server:fork/0".to_owned(), "service".to_owned())]);
}
