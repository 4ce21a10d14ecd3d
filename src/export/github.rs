//! github-action-benchmark's own JSON, for its tool `customSmallerIsBetter`.
//!
//! Its reader takes `name`, `unit`, `value`, and text for `range` and `extra`; it tells entries by their
//! name alone. A range is understood where it is `±` and a number.

use serde::Serialize;

use super::rows::{self, Row};
use super::{Export, ExportError, Format, Source, cut, told, unmeasured};
use crate::recording::Run;
use crate::report::plain;
use crate::units::{human_size, human_time};

pub(super) const FORMAT: Format = Format {
    name: "github",
    what: "JSON for github-action-benchmark, its tool customSmallerIsBetter",
    extension: "json",
    several: false,
    make,
};

#[derive(Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

fn make(source: &Source) -> Result<Export, ExportError> {
    let run = &source.recorded.run;
    let mut entries = Vec::new();
    let mut short = Vec::new();
    for row in rows::measured(source.recorded) {
        match row.summary.p50 {
            Some(p50) => entries.push(entry(run, &row, p50)),
            None => short.push(row.name()),
        }
    }
    let short = told("left out, too few samples for a p50", short);
    let warnings = unmeasured(source.recorded).into_iter().chain(short);
    let text = serde_json::to_vec_pretty(&entries).map_err(|error| ExportError::Refused {
        format: FORMAT.name,
        problem: error.to_string(),
    })?;
    let text = (!entries.is_empty()).then_some(text);
    Ok(Export::of_one(
        "github-action-benchmark.json",
        text,
        warnings.collect(),
    ))
}

fn entry(run: &Run, row: &Row, p50: u64) -> Entry {
    let interval = row.summary.intervals.get("p50");
    // Its ranges are symmetric, ours are not: the farther end stands for both.
    let range = interval.map(|&[low, high]| p50.saturating_sub(low).max(high.saturating_sub(p50)));
    Entry {
        name: harmless(&format!("{} p50", row.name())),
        unit: "ns",
        value: p50,
        range: range.map(|range| format!("± {range}")),
        extra: extra(run, row, p50),
    }
}

/// What stands in the point's tooltip, a line for each thing.
fn extra(run: &Run, row: &Row, p50: u64) -> String {
    let summary = &row.summary;
    let counted = format!("{} trials, {} samples", row.trials, summary.count);
    let mut lines = vec![match summary.intervals.get("p50") {
        Some([low, high]) => format!(
            "{}, 95 % interval {} to {}; {counted}",
            human_time(p50),
            human_time(*low),
            human_time(*high)
        ),
        None => format!("{}; {counted}", human_time(p50)),
    }];
    if row.disagree == Some(true) {
        lines.push("the trials disagree: no one number describes this cell".to_owned());
    }
    if let Some(trial) = row.first {
        let size = |bytes: Option<u64>| bytes.map_or("–".to_owned(), human_size);
        let receipt = &trial.receipt;
        lines.push(format!(
            "receipt: ballast {}, resident {}, in huge pages {}, page tables {}",
            human_size(receipt.ballast),
            size(receipt.rss),
            size(receipt.thp),
            size(receipt.page_tables),
        ));
    }
    let host = &run.host;
    let cpu = host.cpu.as_deref().unwrap_or("–");
    lines.push(format!(
        "host {}: {} of {cpu}, kernel {}",
        host.name, host.cpus, host.kernel
    ));
    lines.push(format!("run {}, forkbench {}", run.id, run.tool.version));
    let lines: Vec<String> = lines.iter().map(|line| harmless(cut(line))).collect();
    lines.join("\n")
}

/// Text that opens neither a tag nor a table's column nor code where the action shows it: on a page, and in
/// comments on commits.
fn harmless(text: &str) -> String {
    let safe = |c| match c {
        '<' | '>' | '`' | '|' | '&' => '\u{fffd}',
        c => c,
    };
    plain(text).chars().map(safe).collect()
}
