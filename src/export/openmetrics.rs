//! OpenMetrics 1.0 text: a histogram for each cell and phase, and what the host is.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::field::placement;
use super::rows::{Row, histograms, measured};
use super::{Export, ExportError, Format, Source, cut, told, unmeasured};
use crate::recording::Run;
use crate::statistics::{Histogram, LONGEST};

pub(super) const FORMAT: Format = Format {
    name: "openmetrics",
    what: "OpenMetrics text with a histogram for each cell and phase, as Prometheus reads it",
    extension: "txt",
    several: false,
    make,
};

/// Upper bounds of the buckets: nanoseconds, and the seconds in the one spelling that OpenMetrics knows as
/// canonical. A reader joins series by that text.
const BOUNDS: [(u64, &str); 28] = [
    (100, "1e-07"),
    (200, "2e-07"),
    (500, "5e-07"),
    (1_000, "1e-06"),
    (2_000, "2e-06"),
    (5_000, "5e-06"),
    (10_000, "1e-05"),
    (20_000, "2e-05"),
    (50_000, "5e-05"),
    (100_000, "0.0001"),
    (200_000, "0.0002"),
    (500_000, "0.0005"),
    (1_000_000, "0.001"),
    (2_000_000, "0.002"),
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (20_000_000, "0.02"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
    (200_000_000, "0.2"),
    (500_000_000, "0.5"),
    (1_000_000_000, "1.0"),
    (2_000_000_000, "2.0"),
    (5_000_000_000, "5.0"),
    (10_000_000_000, "10.0"),
    (20_000_000_000, "20.0"),
    (50_000_000_000, "50.0"),
    (100_000_000_000, "100.0"),
];

const LATENCY: &str = "forkbench_latency_seconds";
const HOST: &str = "forkbench_host";

fn make(source: &Source) -> Result<Export, ExportError> {
    let recorded = source.recorded;
    let mut text = String::new();
    head(&mut text, &recorded.run);
    let mut taken = BTreeSet::new();
    let mut twice = Vec::new();
    let rows: Vec<Row> = measured(recorded).collect();
    let (there, about) = histograms(&rows);
    for (row, histogram) in there {
        let labels = labels(row);
        if taken.insert(labels.clone()) {
            // Rounded once, from all samples; the histogram's own mean is off by up to 0.05 %.
            let mean = Some(row.summary.mean)
                .filter(|mean| (0.0..=LONGEST as f64).contains(mean))
                .unwrap_or_else(|| histogram.mean());
            family(&mut text, &labels, histogram, mean);
        } else {
            twice.push(row.name());
        }
    }
    text.push_str("# EOF\n");
    let text = (!taken.is_empty()).then(|| text.into_bytes());
    let twice = told("left out, named like another cell", twice);
    let warnings = unmeasured(recorded).into_iter().chain(about).chain(twice);
    Ok(Export::of_one(
        "forkbench.openmetrics.txt",
        text,
        warnings.collect(),
    ))
}

fn head(text: &mut String, run: &Run) {
    let host = &run.host;
    let or = |value: &Option<String>| value.clone().unwrap_or_default();
    let labels = [
        ("host", host.name.clone()),
        ("architecture", host.architecture.clone()),
        ("cpu", or(&host.cpu)),
        ("cpus", host.cpus.to_string()),
        ("kernel", host.kernel.clone()),
        ("libc", or(&host.libc)),
        ("virtualization", or(&host.virtualization)),
        ("thp", or(&host.thp)),
        ("governor", or(&host.governor)),
        ("run", run.id.clone()),
        ("started", run.started.clone()),
        ("version", run.tool.version.clone()),
    ];
    let labels = joined(&labels);
    text.push_str(&format!(
        "# TYPE {HOST} info\n\
         # HELP {HOST} The host and the run that the histograms are of.\n\
         {HOST}_info{{{labels}}} 1\n\
         # TYPE {LATENCY} histogram\n\
         # UNIT {LATENCY} seconds\n\
         # HELP {LATENCY} From just before the call, the write, the round trip, or from when a request was due, to the end of the phase.\n"
    ));
}

fn labels(row: &Row) -> String {
    let cell = row.cell;
    let mut labels = vec![
        ("cell", cell.id.clone()),
        ("subject", cell.subject.clone()),
        ("mechanism", cell.mechanism.clone()),
        ("footprint", cell.footprint.to_string()),
        ("bytes", cell.footprint.bytes.to_string()),
        ("placement", placement(cell).to_owned()),
        ("phase", row.phase.name().to_owned()),
    ];
    // An empty label is the same as none.
    labels.extend(cell.exec.clone().map(|exec| ("exec", exec)));
    if !row.arm.is_empty() {
        labels.push(("arm", row.arm.to_owned()));
    }
    joined(&labels)
}

fn joined(labels: &[(&str, String)]) -> String {
    let one = |(name, value): &(&str, String)| format!("{name}=\"{}\"", escaped(value));
    labels.iter().map(one).collect::<Vec<_>>().join(",")
}

fn family(text: &mut String, labels: &str, histogram: &Histogram, mean: f64) {
    let mut values = histogram.values().peekable();
    let mut below = 0u64;
    for (bound, le) in BOUNDS {
        while let Some((_, count)) = values.next_if(|(value, _)| *value <= bound) {
            below = below.saturating_add(count);
        }
        let _ = writeln!(text, "{LATENCY}_bucket{{{labels},le=\"{le}\"}} {below}");
    }
    let count = histogram.count();
    let sum = mean * count as f64 / 1e9;
    let _ = writeln!(text, "{LATENCY}_bucket{{{labels},le=\"+Inf\"}} {count}");
    let _ = writeln!(text, "{LATENCY}_count{{{labels}}} {count}");
    let _ = writeln!(text, "{LATENCY}_sum{{{labels}}} {sum}");
}

/// A label's value, escaped as OpenMetrics says. A zero byte ends the text for Prometheus' reader.
fn escaped(value: &str) -> String {
    let mut safe = String::with_capacity(value.len());
    for c in cut(value).chars() {
        match c {
            '\\' => safe.push_str("\\\\"),
            '"' => safe.push_str("\\\""),
            '\n' => safe.push_str("\\n"),
            '\0' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rise_and_say_what_they_are() {
        assert!(BOUNDS.windows(2).all(|two| two[0].0 < two[1].0));
        for (ns, seconds) in BOUNDS {
            let seconds: f64 = seconds.parse().unwrap();
            assert_eq!((seconds * 1e9).round() as u64, ns);
        }
    }

    #[test]
    fn labels_cannot_be_left() {
        assert_eq!(escaped("a\"} 1\n\\\0"), "a\\\"} 1\\n\\\\\u{fffd}");
    }
}
