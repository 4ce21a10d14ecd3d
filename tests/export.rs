//! `forkbench export`: where it writes, and what it says where it cannot. What stands in the files is held
//! to their readers in tests/formats.

#[path = "recording/fixtures.rs"]
#[allow(dead_code)]
mod fixtures;
mod scratch;

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::process::Output;

use fixtures::{cell, cell_line, header, lines};
use forkbench::export::FORMATS;
use forkbench::recording::{RunWriter, Status};
use scratch::{Scratch, said, told};
use serde_json::Value;

/// A folder with a run of one good, one failed and one skipped cell as `reports/latest`.
fn measured() -> Scratch {
    let scratch = Scratch::new();
    let mut writer = RunWriter::create(&scratch.path().join("reports"), header("made")).unwrap();
    lines()
        .into_iter()
        .for_each(|line| writer.append(line).unwrap());
    writer.finish("2026-07-01T10:30:00Z").unwrap();
    scratch
}

fn export(scratch: &Scratch, line: &str) -> Output {
    let words = ["export"].into_iter().chain(line.split(' '));
    let words: Vec<&str> = words.collect();
    scratch.forkbench(&words).output().unwrap()
}

/// Checks an exit code, that nothing was printed, and that all `words` were told.
fn assert_refused(output: &Output, code: i32, words: &[&str]) {
    let told = told(output);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert_eq!(said(output), "", "{told}");
    for word in words {
        assert!(told.contains(word), "no {word} in: {told}");
    }
}

/// Formats that this forkbench was built with.
fn built() -> impl Iterator<Item = &'static str> {
    let names = FORMATS.iter().map(|format| format.name);
    names.filter(|name| *name != "parquet" || cfg!(feature = "parquet"))
}

#[test]
fn what_cannot_be_asked_for_is_usage() {
    let scratch = measured();
    fs::write(scratch.path().join("there"), "kept").unwrap();
    for (line, words) in [
        ("latest", &["--format"] as &[&str]),
        (
            "latest --format xml",
            &["'xml'", "github", "openmetrics", "hgrm"],
        ),
        ("latest --format hgrm", &["several files", "--out hgrm/"]),
        (
            "latest --format parquet",
            &["several files", "--out parquet/"],
        ),
        ("latest --format csv --json", &["--json", "--out run.csv"]),
        (
            "latest --format csv --out .",
            &["`.` is a folder", "--out ./run.csv"],
        ),
        (
            "latest --format hgrm --out there",
            &["`there` is a file", "--out"],
        ),
    ] {
        assert_refused(&export(&scratch, line), 2, words);
    }
    assert_eq!(fs::read(scratch.path().join("there")).unwrap(), b"kept");
}

#[test]
fn one_document_goes_to_standard_output_or_a_file() {
    let scratch = measured();
    for format in ["github", "bencher", "openmetrics", "csv"] {
        let printed = export(&scratch, &format!("latest --format {format}"));
        assert_eq!(
            printed.status.code(),
            Some(0),
            "{format}: {}",
            told(&printed)
        );
        let written = export(&scratch, &format!("latest --format {format} --out out"));
        assert_eq!(
            (written.status.code(), &*said(&written)),
            (Some(0), "out\n")
        );
        let file = fs::read_to_string(scratch.path().join("out")).unwrap();
        assert_eq!(file, said(&printed), "{format}");
        assert!(
            file.contains("fork/64MiB") || format == "bencher",
            "{format}"
        );
        // What has figures but failed, or was skipped, is in the table alone.
        let warned = told(&printed);
        assert_eq!(
            warned.contains("vfork/0, fork/16GiB"),
            format != "csv",
            "{warned}"
        );
        assert_eq!(file.contains("vfork"), format == "csv", "{format}");
    }
    let left: Vec<PathBuf> = fs::read_dir(scratch.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left.len(), 2, "only out and reports: {left:?}");
}

#[test]
fn several_files_go_into_a_folder() {
    let scratch = measured();
    let output = export(&scratch, "latest --format hgrm --out a/b --json");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&document["format"], &document["run"]),
        (&"hgrm".into(), &"made".into())
    );
    let files: Vec<&str> = document["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        files,
        ["a/b/fork~64MiB-call.hgrm", "a/b/fork~64MiB-reap.hgrm"]
    );
    for file in files {
        let text = fs::read_to_string(scratch.path().join(file)).unwrap();
        assert!(
            text.contains("1/(1-Percentile)") && text.contains("#[Mean"),
            "{text}"
        );
    }
    assert!(
        document["warnings"][0]
            .as_str()
            .unwrap()
            .contains("fork/16GiB")
    );
}

#[test]
fn json_on_standard_output_is_the_document_itself() {
    let scratch = measured();
    for format in ["github", "bencher"] {
        let output = export(&scratch, &format!("latest --format {format} --json"));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(document.is_array() == (format == "github"), "{format}");
    }
}

#[test]
fn what_is_no_ordinary_file_stays() {
    let scratch = measured();
    let pipe = scratch.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let output = export(&scratch, "latest --format csv --out pipe");
    assert_refused(
        &output,
        1,
        &["`pipe`", "no ordinary file", "standard output"],
    );
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    let output = export(&scratch, "latest --format csv --out no/such/folder.csv");
    assert_refused(&output, 1, &["`no/such/folder.csv`", "--out"]);
}

#[test]
fn a_run_without_histograms_is_a_table_and_nothing_more() {
    let scratch = measured();
    let run = scratch.run().unwrap();
    fs::remove_file(run.join("trials.jsonl")).unwrap();
    fs::remove_file(run.join("histograms.hlog")).unwrap();
    for format in ["openmetrics", "hgrm"] {
        let line = format!("latest --format {format} --out x");
        let words = ["`made`", format, "fork/64MiB call", "restore trials.jsonl"];
        assert_refused(&export(&scratch, &line), 1, &words);
        assert!(!scratch.path().join("x").exists());
    }
    for format in ["csv", "github", "bencher"] {
        let output = export(&scratch, &format!("latest --format {format}"));
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        assert!(told(&output).contains("histograms are missing"));
    }
}

#[test]
fn a_run_without_figures_is_no_export() {
    let scratch = Scratch::new();
    let reports = scratch.path().join("reports");
    let mut writer = RunWriter::create(&reports, header("bare")).unwrap();
    writer.flush().unwrap();
    for format in built() {
        let line = format!("latest --format {format} --out x");
        assert_refused(
            &export(&scratch, &line),
            1,
            &["`bare`", format, "no cells", "forkbench run"],
        );
    }
    let huge = cell("fork", "16GiB");
    writer
        .append(cell_line(&huge, Status::Skipped, "too large"))
        .unwrap();
    for format in built().filter(|format| *format != "csv") {
        let line = format!("latest --format {format} --out x");
        assert_refused(
            &export(&scratch, &line),
            1,
            &[format, "fork/16GiB", "forkbench run"],
        );
    }
    assert!(!scratch.path().join("x").exists());
    // The table says of every cell how it ended.
    let output = export(&scratch, "latest --format csv");
    assert_eq!(output.status.code(), Some(0));
    assert!(
        said(&output).contains("skipped,too large,"),
        "{}",
        said(&output)
    );
    assert!(
        told(&output).contains("did not finish"),
        "{}",
        told(&output)
    );
}

#[test]
fn runs_that_are_not_there_are_named() {
    let scratch = Scratch::new();
    let output = export(&scratch, "nowhere --format csv");
    assert_refused(&output, 1, &["`nowhere`", "latest"]);
}

#[test]
fn parquet_is_written_or_says_how_to_get_it() {
    let scratch = measured();
    let output = export(&scratch, "latest --format parquet --out tables");
    if cfg!(feature = "parquet") {
        assert_eq!(
            said(&output),
            "tables/trials.parquet\n",
            "{}",
            told(&output)
        );
        assert!(told(&output).contains("--keep-samples"));
        let bytes = fs::read(scratch.path().join("tables/trials.parquet")).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    } else {
        assert_refused(
            &output,
            1,
            &["cargo install", "--features parquet", "--format csv"],
        );
    }
}
