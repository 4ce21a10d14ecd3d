//! github-action-benchmark is on no registry: this is what its README, `src/extract.ts` and
//! `src/extractRangeInfo.ts` (1.21) ask for.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{document, exported, measured, runs};

/// The number in a range, as the action finds it: `±` or `+-`, blanks, a number to the end.
fn range_of(range: &str) -> Option<f64> {
    let number = range.strip_prefix('±').or(range.strip_prefix("+-"))?;
    number.trim_start().parse().ok()
}

/// Holds a file to what the action reads.
pub fn check(bytes: &[u8]) -> Vec<Value> {
    let entries: Vec<Value> = serde_json::from_slice(bytes).unwrap();
    assert!(!entries.is_empty(), "the action refuses a list of nothing");
    for entry in &entries {
        let known = ["name", "unit", "value", "range", "extra"];
        let keys = entry.as_object().unwrap().keys();
        assert!(keys.clone().all(|key| known.contains(&key.as_str())));
        assert!(entry["name"].is_string() && entry["extra"].is_string());
        assert_eq!(entry["unit"], "ns");
        assert!(entry["value"].as_f64().unwrap() >= 0.0);
        if let Some(range) = entry.get("range") {
            assert!(range_of(range.as_str().unwrap()).is_some(), "{range}");
        }
        // It goes into a table and a code span of a comment, and onto a page.
        let shown = entry.to_string();
        assert!(!shown.contains(['<', '>', '`', '|']), "{shown}");
    }
    entries
}

#[test]
fn every_phase_with_a_median_is_an_entry() {
    for recorded in runs() {
        let entries = check(&document("github", &recorded));
        let names: BTreeSet<&str> = entries.iter().filter_map(|e| e["name"].as_str()).collect();
        assert_eq!(names.len(), entries.len(), "the action tells by name");
        let phases = measured(&recorded);
        let medians = phases
            .iter()
            .filter(|(_, _, summary)| summary.p50.is_some());
        assert_eq!(medians.clone().count(), entries.len());
        for (cell, phase, summary) in medians {
            let name = format!("{} {} p50", cell.id, phase.name());
            let entry = entries.iter().find(|entry| entry["name"] == *name).unwrap();
            assert_eq!(entry["value"].as_u64(), summary.p50, "{name}");
            let range = entry
                .get("range")
                .and_then(|range| range_of(range.as_str()?));
            let Some([low, high]) = summary.intervals.get("p50") else {
                assert_eq!(range, None, "{name}");
                continue;
            };
            // From the value the range reaches both ends of the interval, and not beyond the farther one.
            let (p50, range) = (summary.p50.unwrap(), range.unwrap() as u64);
            assert_eq!(range, p50.abs_diff(*low).max(p50.abs_diff(*high)), "{name}");
            let extra = entry["extra"].as_str().unwrap();
            assert!(extra.contains("95 % interval") && extra.contains(&recorded.run.host.kernel));
            assert_eq!(
                extra.contains("disagree"),
                summary.trials_disagree,
                "{name}"
            );
        }
    }
}

#[test]
fn what_is_left_out_is_said() {
    let (_, recorded) = crate::committed();
    let warnings = exported("github", &recorded).warnings.join("\n");
    assert!(warnings.contains("fork/1GiB+hugetlb"), "{warnings}");
}
