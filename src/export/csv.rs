//! A table for spreadsheets and data frames: RFC 4180.

use super::field::{Field, Value, maybe_text, of_cell, real, text, whole};
use super::rows::{self, Row};
use super::{Export, ExportError, Format, Source};
use crate::recording::PhaseSummary;
use crate::report::plain;

pub(super) const FORMAT: Format = Format {
    name: "csv",
    what: "a table with a row for each cell and phase, for spreadsheets and data frames",
    extension: "csv",
    several: false,
    make,
};

fn make(source: &Source) -> Result<Export, ExportError> {
    let run = &source.recorded.run;
    let mut table = String::new();
    for cell in &run.cells {
        let rows = rows::of_cell(source.recorded, cell);
        let figures: Vec<Vec<Field>> = match rows.is_empty() {
            true => vec![without_figures()],
            false => rows.iter().map(figures).collect(),
        };
        let cell = of_cell(&run.id, cell);
        for figures in figures {
            let row = || cell.iter().chain(&figures);
            if table.is_empty() {
                line(&mut table, row().map(|(name, _)| (*name).to_owned()));
            }
            line(&mut table, row().map(|(_, value)| written(value)));
        }
    }
    let bytes = (!table.is_empty()).then(|| table.into_bytes());
    Ok(Export::of_one("cells.csv", bytes, Vec::new()))
}

fn figures(row: &Row) -> Vec<Field> {
    let mut fields = vec![
        text("arm", row.arm),
        text("phase", row.phase.name()),
        whole("trials", row.trials as u64),
    ];
    fields.extend(of_summary(Some(&row.summary)));
    fields.push(("trials_disagree", Value::Truth(row.disagree)));
    fields
}

/// The same columns for a cell that was not measured.
fn without_figures() -> Vec<Field> {
    let mut fields = vec![
        text("arm", ""),
        maybe_text("phase", None),
        whole("trials", 0),
    ];
    fields.extend(of_summary(None));
    fields.push(("trials_disagree", Value::Truth(None)));
    fields
}

fn of_summary(summary: Option<&PhaseSummary>) -> Vec<Field> {
    let ends = |quantile: &str| Some(*summary?.intervals.get(quantile)?);
    let mut fields = vec![
        whole("count", summary.map(|s| s.count)),
        whole("min", summary.map(|s| s.min)),
        whole("p10", summary.and_then(|s| s.p10)),
        whole("p25", summary.and_then(|s| s.p25)),
        whole("p50", summary.and_then(|s| s.p50)),
        whole("p90", summary.and_then(|s| s.p90)),
        whole("p99", summary.and_then(|s| s.p99)),
        whole("p999", summary.and_then(|s| s.p999)),
        whole("max", summary.map(|s| s.max)),
        real("mean", summary.map(|s| s.mean)),
    ];
    for (quantile, low, high) in [
        ("p10", "p10_low", "p10_high"),
        ("p25", "p25_low", "p25_high"),
        ("p50", "p50_low", "p50_high"),
        ("p90", "p90_low", "p90_high"),
        ("p99", "p99_low", "p99_high"),
        ("p999", "p999_low", "p999_high"),
    ] {
        fields.push(whole(low, ends(quantile).map(|ends| ends[0])));
        fields.push(whole(high, ends(quantile).map(|ends| ends[1])));
    }
    fields
}

fn line(table: &mut String, fields: impl Iterator<Item = String>) {
    let fields: Vec<String> = fields.collect();
    table.push_str(&fields.join(","));
    table.push_str("\r\n");
}

fn written(value: &Value) -> String {
    match value {
        Value::Text(value) => value.as_deref().map(quoted),
        Value::Whole(value) => value.map(|value| value.to_string()),
        Value::Real(value) => value.map(|value| value.to_string()),
        Value::Truth(value) => value.map(|value| value.to_string()),
    }
    .unwrap_or_default()
}

/// Text as a field. A spreadsheet takes what begins as a formula for one, and runs it: such text gets an
/// apostrophe in front. No id, word or path of forkbench's own begins so.
fn quoted(value: &str) -> String {
    let mut field = plain(value);
    let first = field.trim_start().chars().next();
    if first.is_some_and(|c| "=+-@＝＋－＠".contains(c)) {
        field.insert(0, '\'');
    }
    if field.contains([',', '"']) {
        field = format!("\"{}\"", field.replace('"', "\"\""));
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_field_and_no_formula() {
        for (value, field) in [
            ("fork/64MiB", "fork/64MiB"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\r\nlines", "two\u{fffd} lines"),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            (" \t+1", "'  +1"),
            ("@SUM(1,2)", "\"'@SUM(1,2)\""),
            ("－1", "'－1"),
            ("", ""),
        ] {
            assert_eq!(quoted(value), field, "{value:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_missing() {
        assert_eq!(written(&real("mean", f64::NAN).1), "");
        assert_eq!(written(&real("mean", 0.5).1), "0.5");
        assert_eq!(written(&whole("max", u64::MAX).1), "18446744073709551615");
    }
}
