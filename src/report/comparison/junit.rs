//! A comparison as JUnit's XML, which every CI shows as a list of tests.
//!
//! Written so that both schemas in use take it: Jenkins' junit-10.xsd and that of Ant's JUnitReport, which is
//! the stricter one (order of elements, required attributes, a timestamp without zone).

use crate::comparison::{CellVerdict, Comparison};
use crate::statistics::Verdict;

use super::answer;
use super::numbers;
use super::table::block;
use super::words;

/// A comparison as a JUnit document: one suite, one test case for each cell and phase, the worst first.
///
/// `regressed` is a failure; `inconclusive` and `not measurable` are skipped, for nothing was found out; the others
/// pass. The properties hold seed, threshold and confidence. It is XML 1.0 whatever text the comparison holds.
pub fn junit(comparison: &Comparison) -> String {
    let cells = words::worst_first(comparison);
    let of = |verdict| {
        cells
            .iter()
            .filter(|(_, cell)| cell.verdict == verdict)
            .count()
    };
    let total: f64 = cells.iter().map(|(_, cell)| usable(cell.seconds)).sum();
    let host = comparison.host.as_ref().map_or("", |host| host.name.trim());
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    xml.push_str(&format!(
        "<testsuite name=\"forkbench\" package=\"forkbench\" id=\"0\" tests=\"{}\" failures=\"{}\" errors=\"0\" \
         skipped=\"{}\" time=\"{:.3}\" timestamp=\"{}\" hostname=\"{}\">\n",
        cells.len(),
        of(Verdict::Regressed),
        of(Verdict::Inconclusive) + of(Verdict::NotMeasurable),
        usable(total),
        timestamp(&comparison.started),
        escaped(if host.is_empty() { "localhost" } else { host }),
    ));
    properties(&mut xml, comparison);
    for (_, cell) in &cells {
        case(&mut xml, comparison, cell);
    }
    let out = format!(
        "{}.\n{}\n",
        answer::summary(comparison),
        words::command(comparison)
    );
    xml.push_str(&format!(
        "<system-out>{}</system-out>\n<system-err></system-err>\n",
        escaped(&out)
    ));
    xml.push_str("</testsuite>\n</testsuites>\n");
    xml
}

fn properties(xml: &mut String, comparison: &Comparison) {
    let seed = comparison
        .seed
        .map_or_else(|| "none".to_owned(), |seed| seed.to_string());
    let mut all = vec![
        ("seed", seed),
        ("threshold", comparison.threshold.to_string()),
        ("confidence", comparison.confidence.to_string()),
        ("base", comparison.base.name.clone()),
        ("candidate", comparison.candidate.name.clone()),
        ("command", comparison.command.clone()),
    ];
    all.extend(
        words::differences(comparison)
            .into_iter()
            .map(|text| ("difference", text)),
    );
    xml.push_str("<properties>\n");
    for (name, value) in all {
        xml.push_str(&format!(
            "<property name=\"{name}\" value=\"{}\"/>\n",
            escaped(&value)
        ));
    }
    xml.push_str("</properties>\n");
}

fn case(xml: &mut String, comparison: &Comparison, cell: &CellVerdict) {
    xml.push_str(&format!(
        "<testcase name=\"{}\" classname=\"forkbench.{}\" time=\"{:.3}\">",
        escaped(&format!("{} {}", cell.id, cell.phase.name())),
        cell.phase.name(),
        usable(cell.seconds),
    ));
    let element = match cell.verdict {
        Verdict::Regressed => Some("failure"),
        Verdict::Inconclusive | Verdict::NotMeasurable => Some("skipped"),
        Verdict::Improved | Verdict::Unchanged => None,
    };
    if let Some(element) = element {
        let interval = numbers::interval(cell.low, cell.high);
        let message = format!(
            "{}: {} ({interval})",
            words::said(cell),
            numbers::signed(cell.effect)
        );
        xml.push_str(&format!(
            "\n<{element} type=\"{}\" message=\"{}\">{}</{element}>\n",
            cell.verdict.word(),
            escaped(&message),
            escaped(&block(comparison, cell)),
        ));
    }
    xml.push_str("</testcase>\n");
}

/// Seconds that a schema takes as a decimal; an empty sum is −0.
fn usable(seconds: f64) -> f64 {
    if seconds.is_finite() && seconds > 0.0 {
        seconds.min(1e9)
    } else {
        0.0
    }
}

/// The moment without fraction and zone, as Ant's schema has it; the epoch for what is none.
fn timestamp(moment: &str) -> &str {
    let is_one = humantime::parse_rfc3339(moment).is_ok();
    let head = moment.get(.."0000-00-00T00:00:00".len());
    head.filter(|_| is_one).unwrap_or("1970-01-01T00:00:00")
}

/// Text for an element or a quoted attribute. What XML 1.0 has no place for becomes `�`.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(c),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            _ if c.is_control() => safe.push('\u{fffd}'),
            _ => safe.push(c),
        }
    }
    safe
}
