//! A run file may come from a stranger: whatever stands in it, an export is well-formed or refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use forkbench::export::{Export, ExportError, FORMATS};
use forkbench::mechanism::Phase;
use forkbench::recording::{PhaseSummary, Recorded, Status};
use forkbench::statistics::{Histogram, Random};
use serde_json::Value;

use crate::readers::read;
use crate::{bencher, csv, github, hgrm, recorded};

const TEXTS: [&str; 22] = [
    "",
    " ",
    "\"",
    "\\",
    "\n",
    "\r\n# EOF\n",
    "\0",
    "\u{fffd}",
    "a,b\"c",
    "'",
    "=HYPERLINK(\"http://x\",\"y\")",
    "@SUM(1)",
    "+1",
    "-1",
    "\t=1",
    "../../../etc/passwd",
    "/",
    "<script>alert(1)</script>`|",
    "} 1\nforkbench_latency_seconds_count 7",
    "\u{202e}txt.exe\u{2028}\u{85}",
    "é😀\u{fb33}",
    "fork/64MiB",
];

fn text(random: &mut Random) -> String {
    let parts = random.below(4);
    let mut text: String = (0..parts)
        .map(|_| TEXTS[random.below(TEXTS.len() as u64) as usize])
        .collect();
    if random.below(20) == 0 {
        text = text.repeat(500);
    }
    text
}

fn number(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => 0,
        1 => u64::MAX,
        2 => random.bits() >> random.below(64),
        _ => random.below(1_000_000),
    }
}

fn real(random: &mut Random) -> f64 {
    let odd = [
        0.0,
        -1.0,
        f64::NAN,
        f64::INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
        12_345.678,
    ];
    odd[random.below(odd.len() as u64) as usize]
}

/// Counts that have met their limit.
fn full_histogram() -> Histogram {
    let mut histogram = Histogram::of(&[1, 41_000, u64::MAX]);
    for _ in 0..70 {
        histogram.add(&histogram.clone());
    }
    histogram
}

fn spoil_summary(summary: &mut PhaseSummary, random: &mut Random) {
    summary.count = number(random);
    summary.min = number(random);
    summary.p50 = (random.below(3) > 0).then(|| number(random));
    summary.p99 = Some(number(random));
    summary.max = number(random);
    summary.mean = real(random);
    let interval = [number(random), number(random)];
    summary.intervals.insert("p50".to_owned(), interval);
    summary.intervals.insert(text(random), interval);
}

/// A small run, with much of it replaced.
fn spoiled(seed: u64) -> Recorded {
    use forkbench::recording::Placement;
    let mut builder = recorded::Builder::new(seed);
    (builder.iterations, builder.trials) = (60, 3);
    let costs = [(Phase::Call, 40e3), (Phase::Reap, 90e3)];
    for shape in ["0", "64MiB", "1GiB+thp+vmas=3+threads=2"] {
        builder.measured("fork", shape, Placement::Pinned, &costs, 0.1);
        builder.measured("vfork", shape, Placement::Free, &costs, 0.1);
    }
    builder.missing("thread", "0", Status::Failed, "=1+1");
    let mut recorded = builder.recorded;
    let mut random = Random::new(seed ^ 0x5eed);
    let random = &mut random;
    recorded.run.id = text(random);
    recorded.run.host.name = text(random);
    recorded.run.host.cpu = Some(text(random));
    recorded.run.finished = (random.below(2) == 0).then(|| text(random));
    let mut histograms = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for cell in &mut recorded.run.cells {
        let own = recorded.histograms.remove(&cell.id);
        for part in [&mut cell.id, &mut cell.subject, &mut cell.mechanism] {
            if random.below(3) > 0 {
                *part = text(random);
            }
        }
        // A reader lets no id through twice.
        while !ids.insert(cell.id.clone()) {
            cell.id.push('x');
        }
        cell.exec = (random.below(2) == 0).then(|| text(random));
        cell.footprint.bytes = number(random);
        cell.footprint.fds = number(random) as u32;
        cell.footprint.busy = number(random) as u32;
        for trial in &mut cell.trials {
            if random.below(3) == 0 {
                trial.arm = text(random);
            }
            trial.started = text(random);
            trial.receipt.pid = -1;
            trial.receipt.rss = Some(number(random));
            trial.receipt.adjacency = Some(real(random));
        }
        for summary in cell.phases.values_mut() {
            if random.below(2) == 0 {
                spoil_summary(summary, random);
            }
        }
        if let Some(mut own) = own {
            match random.below(4) {
                0 => drop(own.insert(Phase::Call, full_histogram())),
                1 => drop(own.insert(Phase::Call, Histogram::new())),
                2 => own.clear(),
                _ => {}
            }
            histograms.insert(cell.id.clone(), own);
        }
    }
    recorded.histograms = histograms;
    recorded
}

/// The exports of many spoiled runs, by format.
fn exports() -> BTreeMap<&'static str, Vec<Export>> {
    let mut all: BTreeMap<&str, Vec<Export>> = BTreeMap::new();
    for seed in 0..60 {
        let recorded = spoiled(seed);
        for format in FORMATS {
            match format.export(&recorded, Path::new("/nowhere")) {
                Ok(export) => all.entry(format.name).or_default().push(export),
                Err(ExportError::Nothing { .. }) => {}
                Err(error) => panic!("{seed} {}: {error}", format.name),
            }
        }
    }
    all
}

fn documents(exports: &[Export]) -> Vec<Vec<u8>> {
    let all = exports.iter().flat_map(|export| &export.documents);
    all.map(|document| document.bytes.clone()).collect()
}

#[test]
fn what_strangers_write_is_well_formed_in_every_format() {
    let all = exports();
    for format in FORMATS {
        assert!(all[format.name].len() > 40, "{}", format.name);
        for export in &all[format.name] {
            let told = export.warnings.join("");
            assert!(
                !told.contains(['\n', '\u{1b}', '\0', '\u{202e}']),
                "{told:?}"
            );
            let names: BTreeSet<&str> = export.documents.iter().map(|d| d.name.as_str()).collect();
            assert_eq!(names.len(), export.documents.len());
            for name in names {
                assert!(
                    !name.contains('/') && !name.starts_with('.') && name.len() < 250,
                    "{name}"
                );
            }
        }
    }
    documents(&all["github"])
        .iter()
        .for_each(|bytes| drop(github::check(bytes)));
    documents(&all["bencher"])
        .iter()
        .for_each(|bytes| drop(bencher::check(bytes)));
    for bytes in documents(&all["hgrm"]) {
        let points = hgrm::points(std::str::from_utf8(&bytes).unwrap());
        assert!(points.iter().all(|(x, y)| x.is_finite() && y.is_finite()));
    }
}

#[test]
fn what_strangers_write_is_read_by_the_readers() {
    let all = exports();
    for format in ["openmetrics", "csv", "parquet"] {
        let documents = documents(&all[format]);
        let Some(seen) = read(format, &documents) else {
            continue;
        };
        assert_eq!(seen.len(), documents.len());
        if format == "csv" {
            let fields = seen.iter().flat_map(csv::rows).flatten();
            // A mean is a number, whatever its sign.
            for (column, field) in fields.filter(|(column, _)| column != "mean") {
                let formula = field.trim_start().starts_with(['=', '+', '-', '@']);
                assert!(
                    !formula && !field.contains(['\n', '\0']),
                    "{column} {field:?}"
                );
            }
        }
        if format == "openmetrics" {
            for families in seen {
                let count = families.as_array().map(Vec::len);
                assert_eq!(count, Some(2), "no family is smuggled in");
                let samples = families[1]["samples"].as_array().unwrap().iter();
                let smuggled = |sample: &Value| sample[1].get("cell").is_none();
                assert!(!samples.clone().any(smuggled));
            }
        }
    }
}

#[test]
fn an_id_without_end_is_not_repeated_without_end() {
    let mut recorded = spoiled(1);
    let cell = &mut recorded.run.cells[0];
    let own = recorded.histograms.remove(&cell.id).unwrap_or_default();
    for part in [&mut cell.id, &mut cell.subject, &mut cell.mechanism] {
        *part = "é/".repeat(5_000_000);
    }
    cell.reason = Some(cell.id.clone());
    recorded.histograms.insert(cell.id.clone(), own);
    recorded.run.id = cell.id.clone();
    for format in FORMATS {
        let export = format.export(&recorded, Path::new("/nowhere")).unwrap();
        let largest = export.documents.iter().map(|document| document.bytes.len());
        assert!(largest.max() < Some(1 << 20), "{}", format.name);
        assert!(export.warnings.join("").len() < 10_000, "{}", format.name);
    }
}
