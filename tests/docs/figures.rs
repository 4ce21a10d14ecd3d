//! The texts say what the committed run says, and the scripts that see to it see.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{TEXTS, path, read};

/// `scripts/NAME ARGUMENTS` of the repository in `root`; `None` where there is no python3.
fn script(root: &Path, name: &str, arguments: &[&str]) -> Option<Output> {
    let program = root.join("scripts").join(name);
    let mut command = Command::new("python3");
    let output = command.arg(program).args(arguments).output();
    if output.is_err() {
        eprintln!("not tested here: there is no python3");
    }
    output.ok()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

#[test]
fn figures_are_those_of_the_committed_run_and_none_stands_outside() {
    // A published package carries no runs, and its texts say what they said.
    if read("README.md").contains("](reports/") && !path("reports").exists() {
        eprintln!("not tested here: there is no committed run");
        return;
    }
    if let Some(output) = script(super::root(), "figures", &["--check"]) {
        assert!(output.status.success(), "{}", said(&output));
    }
}

/// A measured cell of fork, with one trial: what the scripts read of it.
fn cell(id: &str, bytes: u64, call: f64, vmas: u64, adjacency: Option<f64>) -> Value {
    let words = id.split('/').nth(1).unwrap_or_default();
    let word = |yes: &'static str, no: &'static str| if words.contains(yes) { yes } else { no };
    json!({
        "id": id, "status": "ok", "reason": null,
        "footprint": {
            "bytes": bytes, "page": "4k", "mapping": word("shared", "private"),
            "touch": "written", "order": word("shuffled", "sequential"),
        },
        "phases": { "call": { "p50": call, "mean": call, "trials_disagree": false } },
        "trials": [{
            "started": "2026-01-01T00:00:00Z",
            "receipt": { "vmas": vmas, "adjacency": adjacency },
            "phases": { "call": { "p50": call } },
        }],
    })
}

/// A run that bears out everything: fork takes 40 µs and 13 ms for each GiB.
fn sound_run() -> Vec<Value> {
    let line = |mib: u64| 40_000.0 + 13_000_000.0 * mib as f64 / 1024.0;
    let mut cells = vec![cell("null/0", 0, 30.0, 27, None)];
    for (name, mib) in [
        ("0", 0),
        ("64MiB", 64),
        ("256MiB", 256),
        ("1GiB", 1024),
        ("4GiB", 4096),
    ] {
        let adjacency = (mib > 0).then_some(0.99);
        cells.push(cell(
            &format!("fork/{name}"),
            mib << 20,
            line(mib),
            28,
            adjacency,
        ));
        for flat in ["vfork", "posix_spawn"] {
            cells.push(cell(
                &format!("{flat}/{name}"),
                mib << 20,
                15_000.0,
                28,
                adjacency,
            ));
        }
    }
    for words in ["shared", "dontfork", "read", "untouched", "file+read"] {
        cells.push(cell(
            &format!("fork/1GiB+{words}"),
            1 << 30,
            41_000.0,
            28,
            None,
        ));
    }
    cells.push(cell(
        "fork/1GiB+shuffled",
        1 << 30,
        26_000_000.0,
        28,
        Some(0.0),
    ));
    cells
}

fn write_run(folder: &Path, cells: Vec<Value>) {
    let host = json!({ "cpu": "Some CPU", "kernel": "6.0", "virtualization": "none", "memory": 1 });
    let run = json!({
        "schema": "forkbench.run/1", "id": "some-run", "started": "2026-01-01T00:00:00Z",
        "command": "forkbench run", "host": host, "cells": cells,
    });
    fs::create_dir_all(folder.join("charts")).expect("a folder");
    fs::write(folder.join("charts/footprint-call.png"), "").expect("it is written");
    fs::write(folder.join("run.json"), run.to_string()).expect("it is written");
}

#[test]
fn a_run_is_held_to_what_must_reproduce() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().to_str().expect("a plain path");
    let judged = |cells| {
        write_run(folder.path(), cells);
        script(super::root(), "reproduces", &[directory])
    };
    let Some(output) = judged(sound_run()) else {
        return;
    };
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));

    let planted = [
        ("fork/256MiB", json!(9_000_000)),
        ("vfork/4GiB", json!(17_000)),
        ("fork/1GiB+shared", json!(43_000)),
        ("fork/1GiB+shuffled", json!(15_000_000)),
        ("null/0", json!(130)),
    ];
    for (id, call) in planted {
        let mut cells = sound_run();
        let cell = cells.iter_mut().find(|cell| cell["id"] == id).expect(id);
        cell["phases"]["call"]["p50"] = call;
        let output = judged(cells).expect("python3 was there before");
        assert_eq!(output.status.code(), Some(1), "{id}: {}", said(&output));
        assert_eq!(
            said(&output).matches("MISSED").count(),
            1,
            "{id}: {}",
            said(&output)
        );
    }
    let mut without = sound_run();
    without.retain(|cell| cell["id"] != "fork/4GiB");
    let output = judged(without).expect("python3 was there before");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[test]
fn a_run_that_is_none_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [folder.path().to_str().expect("a plain path")];
    if let Some(output) = script(super::root(), "reproduces", &arguments) {
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    }
    let unknown = json!({ "schema": "forkbench.run/2" }).to_string();
    fs::write(folder.path().join("run.json"), unknown).expect("it is written");
    if let Some(output) = script(super::root(), "reproduces", &arguments) {
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("forkbench.run/2"));
    }
}

/// A copy of the texts and scripts, whose figures are those of [`sound_run`].
fn copy(root: &Path) {
    for folder in ["docs", "scripts"] {
        fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    for file in TEXTS
        .iter()
        .chain(&["scripts/figures", "scripts/reproduces"])
    {
        fs::copy(path(file), root.join(file)).expect("it is copied");
    }
    write_run(&root.join("reports/some-run"), sound_run());
}

#[test]
fn a_text_that_says_something_else_than_the_run_is_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    copy(root);
    let readme = root.join("README.md");
    let text = "\n\nIt took <!-- figure:fork/1GiB call -->…<!-- /figure --> here.\n";
    fs::write(
        &readme,
        format!("![a picture](reports/some-run/charts/x.png){text}"),
    )
    .expect("written");
    fs::write(root.join("docs/BIAS.md"), "It was not measured.\n").expect("written");
    let directory = root.join("reports/some-run");
    let Some(_) = script(
        root,
        "figures",
        &[directory.to_str().expect("a plain path")],
    ) else {
        return;
    };
    let filled = fs::read_to_string(&readme).expect("it is there");
    assert!(filled.contains("took <!-- figure:fork/1GiB call -->13.0 ms<!-- /figure --> here"));

    let problems = |text: &str| {
        fs::write(&readme, text).expect("it is written");
        let output = script(root, "figures", &["--check"]).expect("python3 was there before");
        let said = said(&output);
        let lines = said.lines().filter(|line| line.starts_with("README.md"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(problems(&filled), Vec::<String>::new());
    assert!(problems(&filled.replace("13.0 ms", "12.0 ms"))[0].contains("the run says `13.0 ms`"));
    for planted in [
        "Others took 12 ms.",
        "It took 1.5 µs/GiB.",
        "That is 20 times as much.",
    ] {
        let found = problems(&format!("{filled}\n{planted}\n"));
        assert!(
            found.len() == 1 && found[0].contains("is no figure"),
            "{planted}: {found:?}"
        );
    }
    for fine in [
        "[They](https://example.org) took 12 ms.",
        "Look for 5 s<!-- set -->.",
    ] {
        assert_eq!(
            problems(&format!("{filled}\n{fine}\n")),
            Vec::<String>::new()
        );
    }
}
