//! Apache Otava (formerly Hunter): a JSON file of results for each series.
//!
//! Its JSON importer takes the values of a metric in the order of the file and the times from all of its results, so a
//! result that lacked a metric would shift all later values against their times. A file therefore holds one series alone,
//! each of whose points has every metric, and every attribute is in every result: one that is not known is empty.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Value, json};

use super::super::digest::Digest;
use super::super::fingerprint::clipped;
use super::super::series::{Point, Series};
use crate::export::{Document, Export};
use crate::recording::file_name;

/// The configuration's file.
const CONFIGURATION: &str = "otava.yaml";
/// Bytes of a series' name that its file's name begins with.
const LONGEST_NAME: usize = 160;

/// A result, as Otava's importer reads it.
#[derive(Serialize)]
struct OtavaResult<'a> {
    /// Seconds since 1970.
    timestamp: u64,
    metrics: [Metric; 2],
    attributes: BTreeMap<&'static str, &'a str>,
}

/// A metric of a result.
#[derive(Serialize)]
struct Metric {
    name: &'static str,
    /// Nanoseconds.
    value: u64,
}

pub(super) fn export(series: &[Series]) -> Export {
    let mut export = Export::default();
    let mut tests: BTreeMap<String, Value> = BTreeMap::new();
    for one in series {
        let name = name_of(one);
        let file = format!("{}.json", file_of(&name));
        let results: Vec<OtavaResult> = one.points.iter().map(|point| result(one, point)).collect();
        export.documents.push(Document {
            name: file.clone(),
            bytes: lines(&json!(results)),
        });
        tests.insert(name, json!({ "type": "json", "file": file }));
    }
    if !tests.is_empty() {
        // JSON is YAML.
        export.documents.push(Document {
            name: CONFIGURATION.to_owned(),
            bytes: lines(&json!({ "tests": tests })),
        });
    }
    export
}

fn result<'a>(series: &'a Series, point: &'a Point) -> OtavaResult<'a> {
    let run = series.run(point);
    let text = |value: &'a Option<String>| value.as_deref().unwrap_or_default();
    OtavaResult {
        timestamp: seconds(run.started),
        metrics: [
            Metric {
                name: "p10",
                value: point.p10,
            },
            Metric {
                name: "p50",
                value: point.p50,
            },
        ],
        attributes: BTreeMap::from([
            ("run", run.id.as_str()),
            ("commit", text(&run.commit)),
            ("branch", text(&run.branch)),
            ("kernel", text(&run.kernel)),
            ("host", series.host.0.as_str()),
            ("source", series.source.name()),
        ]),
    }
}

fn seconds(moment: SystemTime) -> u64 {
    let since = moment.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// What a series is called in Otava. Its hosts' names need not differ, their fingerprints do.
fn name_of(series: &Series) -> String {
    let phase = series.phase.map_or("iteration", |phase| phase.name());
    let host = clipped(&series.host_name, LONGEST_NAME);
    format!("{host}-{}/{}:{phase}", series.host, series.cell)
}

/// The name of its file, which differs where the series do.
fn file_of(name: &str) -> String {
    let file = file_name(name);
    if file.len() <= LONGEST_NAME {
        return file;
    }
    let mut digest = Digest::new();
    digest.add(name.as_bytes());
    // All of it is ASCII.
    format!("{}-{digest}", &file[..LONGEST_NAME])
}

fn lines(document: &Value) -> Vec<u8> {
    let mut text = document.to_string();
    text.push('\n');
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_long_names_differ() {
        let long = "fork/".repeat(100);
        let [one, other] = ["a", "b"].map(|end| file_of(&format!("{long}{end}")));
        assert_ne!(one, other);
        assert!(one.len() < 200);
        assert_eq!(file_of("alpha-12/fork/0:call"), "alpha-12~fork~0:call");
    }
}
