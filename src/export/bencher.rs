//! Bencher Metric Format, version 1: what `bencher run --adapter json_v1` reads.
//!
//! `{ BENCHMARK: [ { "parameters": { … }, "measures": { MEASURE: { NAME: number } } } ] }`. At most eight
//! parameters, each a text of 1 to 64 bytes, a number or a truth value; at most eight names in a measure, of
//! which `value`, `lower_value` and `upper_value` are drawn as a line with its band; a benchmark's name has at
//! most 1,024 bytes. Entries with the same parameters are merged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::field::placement;
use super::rows::{self, Row};
use super::{Export, ExportError, Format, Source, clipped, cut, unmeasured};
use crate::mechanism::Phase;
use crate::recording::{Cell, Status};
use crate::report::plain;
use crate::units::exact_size;

pub(super) const FORMAT: Format = Format {
    name: "bencher",
    what: "Bencher Metric Format v1, for `bencher run --adapter json_v1`",
    extension: "json",
    several: false,
    make,
};

/// Bytes in a benchmark's name, and in a parameter's value.
const LONGEST_NAME: usize = 1024;
const LONGEST_VALUE: usize = 64;

fn make(source: &Source) -> Result<Export, ExportError> {
    let mut benchmarks: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    let cells = source.recorded.run.cells.iter();
    for cell in cells.filter(|cell| cell.status == Status::Ok) {
        for variant in rows::of_cell(source.recorded, cell).chunk_by(|a, b| a.arm == b.arm) {
            let arm = variant[0].arm;
            let parameters = parameters(cell);
            let mut name = with_arm(label(cell), arm);
            // Only a run file that somebody else wrote has two cells of the same parts.
            if !taken.insert((name.clone(), parameters.to_string())) {
                name = with_arm(plain(cut(&cell.id)), arm);
            }
            let measures: Map<String, Value> = variant
                .iter()
                .map(|row| (measure(row.phase).to_owned(), metrics(row)))
                .collect();
            let entry = json!({ "parameters": parameters, "measures": measures });
            let name = clipped(&name, LONGEST_NAME).to_owned();
            benchmarks.entry(name).or_default().push(entry);
        }
    }
    let text = serde_json::to_vec_pretty(&benchmarks).map_err(|error| ExportError::Refused {
        format: FORMAT.name,
        problem: error.to_string(),
    })?;
    let text = (!benchmarks.is_empty()).then_some(text);
    let warnings = unmeasured(source.recorded).into_iter().collect();
    Ok(Export::of_one("bencher.json", text, warnings))
}

/// The benchmark that a cell is a variant of: its id without footprint and placement, which are parameters. A message
/// or a rate stays: as a parameter it would be a ninth.
fn label(cell: &Cell) -> String {
    let subject = match cell.subject.as_str() {
        "native" => String::new(),
        subject => format!("{subject}:"),
    };
    // The id has the program's file name, which is what tells cells apart.
    let program = cell.id.split_once("@exec=").map(|(_, program)| program);
    let program = program.map_or(String::new(), |program| format!("@exec={program}"));
    let message = cell.message.map(exact_size);
    let message = message.map_or(String::new(), |size| format!("/{size}"));
    let rate = cell
        .rate
        .map_or(String::new(), |rate| format!("@rate={rate}"));
    plain(cut(&format!(
        "{subject}{}{message}{rate}{program}",
        cell.mechanism
    )))
}

fn with_arm(name: String, arm: &str) -> String {
    match (name.trim(), arm) {
        ("", "") => "unnamed".to_owned(),
        (name, "") => name.to_owned(),
        (name, arm) => format!("{name} arm {}", plain(cut(arm))),
    }
}

/// The whole footprint and the placement, always under the same eight keys, so that a filter on one of them
/// finds every cell.
fn parameters(cell: &Cell) -> Value {
    let footprint = &cell.footprint;
    let counts = [
        ("vmas", footprint.vmas),
        ("threads", footprint.threads),
        ("busy", footprint.busy),
        ("fds", footprint.fds),
    ];
    let added: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name}={count}"))
        .collect();
    let mut order = footprint.order.name().to_owned();
    for (name, pages) in [("window", footprint.window), ("spread", footprint.spread)] {
        if pages > 0 {
            order.push_str(&format!("+{name}={pages}"));
        }
    }
    let added = match added.is_empty() {
        true => "nothing".to_owned(),
        false => added.join("+"),
    };
    json!({
        "bytes": footprint.bytes,
        "page": footprint.page.name(),
        "mapping": footprint.mapping.name(),
        "touch": footprint.touch.name(),
        "order": order,
        "state": footprint.state.name(),
        "added": clipped(&added, LONGEST_VALUE),
        "placement": placement(cell),
    })
}

/// What a phase is measured as. Bencher's own `latency`, in nanoseconds, is how long the parent stood still.
fn measure(phase: Phase) -> &'static str {
    match phase {
        Phase::Call => "latency",
        phase => phase.name(),
    }
}

/// The figures of a phase under names, eight at the most, those left out that it does not have.
fn metrics(row: &Row) -> Value {
    let summary = &row.summary;
    let interval = summary.intervals.get("p50");
    let whole = [
        ("value", summary.p50),
        ("lower_value", interval.map(|ends| ends[0])),
        ("upper_value", interval.map(|ends| ends[1])),
        ("p10", summary.p10),
        ("p90", summary.p90),
        ("p99", summary.p99),
        ("p999", summary.p999),
    ];
    let whole = whole
        .into_iter()
        .filter_map(|(name, ns)| Some((name, Value::from(ns?))));
    let mean = summary.mean.is_finite().then(|| Value::from(summary.mean));
    let all = whole.chain(mean.map(|mean| ("mean", mean)));
    all.map(|(name, figure)| (name.to_owned(), figure))
        .collect::<Map<_, _>>()
        .into()
}
