//! The command: what it prints, writes, and ends with.

use std::process::Output;

use forkbench::comparison::Comparison;
use forkbench::statistics::Verdict;

use crate::made::run;
use crate::scratch::{Scratch, said, told};

/// `forkbench compare` on runs that are there under their ids.
fn compare(scratch: &Scratch, line: &str) -> Output {
    let words: Vec<&str> = ["compare"].into_iter().chain(line.split(' ')).collect();
    scratch.forkbench(&words).output().unwrap()
}

fn document(output: &Output) -> Comparison {
    serde_json::from_str(&said(output)).unwrap_or_else(|error| {
        panic!("{error}: {} {}", said(output), told(output));
    })
}

#[test]
fn the_command_prints_the_document_and_ends_as_asked() {
    let scratch = Scratch::new();
    let reports = scratch.path().join("reports");
    run("same", 0.001).unfinished().written(&reports);
    run("slow", 0.20).written(&reports);
    run("base", 0.0).written(&reports);

    let output = compare(&scratch, "latest reports/slow --json --out verdict");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let printed = document(&output);
    assert_eq!(printed.cells[0].verdict, Verdict::Regressed);
    assert_eq!(
        (printed.base.name.as_str(), printed.base.runs.as_slice()),
        ("base", &["base".to_owned()][..])
    );
    assert!(
        printed.command.starts_with("forkbench compare latest"),
        "{}",
        printed.command
    );
    let written = std::fs::read(scratch.path().join("verdict/verdict.json")).unwrap();
    let written: Comparison = serde_json::from_slice(&written).unwrap();
    assert_eq!(written, printed);
    for (name, words) in [("comparison.md", "fork/64MiB"), ("junit.xml", "<testsuite")] {
        let text = std::fs::read_to_string(scratch.path().join("verdict").join(name)).unwrap();
        assert!(text.contains(words), "{name}: {text}");
    }

    for (line, expected) in [
        ("reports/base reports/slow --fail-on regressed", 3),
        ("reports/base reports/slow --fail-on inconclusive", 3),
        ("reports/slow reports/base --fail-on regressed", 0),
        ("reports/slow reports/base --fail-on inconclusive", 0),
        ("reports/base reports/same --fail-on regressed", 0),
        ("reports/base reports/same --fail-on inconclusive", 3),
        ("reports/base reports/base --fail-on inconclusive", 3),
        ("reports/base reports/base", 0),
        ("reports/base reports/none", 1),
        ("reports/base,reports/base reports/slow", 1),
        ("reports/base, reports/slow", 2),
        ("reports/base", 2),
        ("reports/base reports/slow --threshold 3", 2),
    ] {
        let output = compare(&scratch, line);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{line}: {}",
            told(&output)
        );
    }
    let output = compare(&scratch, "reports/base reports/same");
    assert!(
        told(&output).contains("same did not finish"),
        "{}",
        told(&output)
    );
    let output = compare(&scratch, "reports/base reports/base --json --across-hosts");
    let itself = document(&output);
    assert_eq!(itself.cells[0].verdict, Verdict::NotMeasurable);
    assert!(
        itself.cells[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("base is on both sides")
    );
    assert!(
        told(&output).contains("base is on both sides"),
        "{}",
        told(&output)
    );
    let both = document(&compare(
        &scratch,
        "reports/base,reports/same reports/slow --json",
    ));
    assert_eq!(both.cells[0].base.as_ref().unwrap().sittings, 2);
    assert_eq!(both.base.runs, ["base", "same"]);
}
