//! HdrHistogram's percentile tables, one file for each cell and phase, as its plotter reads them.
//!
//! The plotter skips what has other than four columns or begins with `#`, and takes columns one and four
//! with JavaScript's `parseFloat`. That reads `Infinity`, which bends its axis, and not `inf`. So the last
//! row says `inf`. Values are milliseconds, which the plotter's axis says unless told otherwise.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::rows::{Row, histograms, measured};
use super::{Document, Export, ExportError, Format, Source, cut, unmeasured};
use crate::recording::file_name;
use crate::statistics::Histogram;

pub(super) const FORMAT: Format = Format {
    name: "hgrm",
    what: "HdrHistogram percentile tables, a file for each cell and phase, for its plotter",
    extension: "hgrm",
    several: true,
    make,
};

/// Bytes of a cell's id and arm in a file's name: names have at most 255.
const LONGEST: usize = 180;
/// Rows for each halving of the distance to 100 %: what HdrHistogram's own tools take.
const TICKS: u32 = 5;
const PER_MILLISECOND: f64 = 1e6;

fn make(source: &Source) -> Result<Export, ExportError> {
    let recorded = source.recorded;
    let rows: Vec<Row> = measured(recorded).collect();
    let (there, about) = histograms(&rows);
    let mut taken = BTreeSet::new();
    let mut documents = Vec::new();
    for (row, histogram) in there {
        let mut name = file_name(cut(&row.cell.id));
        if !row.arm.is_empty() {
            name.push_str(&format!("-{}", file_name(cut(row.arm))));
        }
        // It is plain ASCII. A number keeps names apart that were cut, or of which one says the other's arm.
        name.truncate(LONGEST);
        name.push_str(&format!("-{}", row.phase.name()));
        if !taken.insert(name.clone()) {
            name.push_str(&format!("~{}", documents.len()));
        }
        documents.push(Document {
            name: format!("{name}.{}", FORMAT.extension),
            bytes: table(histogram).into_bytes(),
        });
    }
    let warnings = unmeasured(recorded).into_iter();
    Ok(Export {
        documents,
        warnings: warnings.chain(about).collect(),
    })
}

fn table(histogram: &Histogram) -> String {
    let hdr = histogram.to_hdr();
    let mut text = String::from("       Value     Percentile TotalCount 1/(1-Percentile)\n\n");
    let mut counted = 0u64;
    for step in hdr.iter_quantiles(TICKS) {
        counted = counted.saturating_add(step.count_since_last_iteration());
        let share = step.quantile_iterated_to();
        let value = step.value_iterated_to() as f64 / PER_MILLISECOND;
        let odds = match share < 1.0 {
            true => format!("{:.2}", 1.0 / (1.0 - share)),
            false => "inf".to_owned(),
        };
        let _ = writeln!(text, "{value:12.6} {share:.12} {counted:10} {odds:>14}");
    }
    let (mean, deviation) = (hdr.mean(), hdr.stdev());
    let _ = writeln!(
        text,
        "#[Mean    = {:12.6}, StdDeviation   = {:12.6}]\n\
         #[Max     = {:12.6}, Total count    = {:12}]\n\
         #[Buckets = {:12}, SubBuckets     = {:12}]",
        mean / PER_MILLISECOND,
        deviation / PER_MILLISECOND,
        hdr.max() as f64 / PER_MILLISECOND,
        hdr.len(),
        hdr.buckets(),
        2048,
    );
    text
}
