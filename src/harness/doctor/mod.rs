//! What would disturb a measurement on this host, and how to mend it.
//!
//! The doctor looks and changes nothing. [`Facts::gather`] does the looking; [`findings`] is a pure
//! function of what was seen, so every finding has a test.

mod facts;
mod limits;
mod memory;
mod permissions;
mod processor;

use std::time::Duration;

use crate::harness::environment::Environment;
use crate::recording::{Finding, Host, Severity};
use crate::units::human_size;

pub use facts::Facts;

/// A question and its answer. `None`: the host did not say, and silence disturbs nothing.
type Check = fn(&Host, &Facts) -> Option<Finding>;

/// Every question, in the order of the report.
const CHECKS: [Check; 26] = [
    processor::single_cpu,
    processor::clock_source,
    processor::virtualization,
    processor::governor,
    processor::turbo,
    processor::smt,
    processor::busy,
    processor::steal,
    processor::gap,
    memory::memory,
    memory::cgroup_memory,
    memory::overcommit,
    memory::thp,
    memory::hugetlb,
    memory::fragmentation,
    memory::page_reporting,
    memory::damon,
    memory::ksm,
    memory::swap,
    memory::populate,
    permissions::cgroup_pids,
    permissions::processes,
    permissions::files,
    permissions::clone3,
    permissions::ptrace,
    permissions::pagemap,
];

/// What was found, [`Severity::Fine`] included, so that a reader sees what was looked at.
pub fn findings(host: &Host, facts: &Facts) -> Vec<Finding> {
    CHECKS
        .iter()
        .filter_map(|check| check(host, facts))
        .collect()
}

/// Looks at this host for `window` and a moment more, and says what was found.
pub fn examine(environment: &Environment, host: &Host, window: Duration) -> Vec<Finding> {
    findings(host, &Facts::gather(environment, window))
}

/// What stands in the way of which measurement.
const FORBIDS: [(&str, &str); 6] = [
    (
        "single-cpu",
        "pinned placement with a harness that keeps out of the way",
    ),
    ("thp", "footprints of transparent huge pages (`+thp`)"),
    ("hugetlb", "footprints of reserved huge pages (`+hugetlb`)"),
    ("clone3", "the mechanism `clone3`"),
    (
        "ptrace",
        "the proof of what each mechanism calls (`forkbench verify`)",
    ),
    (
        "pagemap",
        "how physical pages lie (receipts leave it unverified)",
    ),
];

/// What can be measured here and what not, in a sentence or two.
pub fn conclusion(host: &Host, findings: &[Finding]) -> String {
    let not_fine = |name: &str| {
        findings
            .iter()
            .any(|finding| finding.name == name && finding.severity > Severity::Fine)
    };
    let cannot: Vec<&str> = FORBIDS
        .iter()
        .filter(|(name, _)| not_fine(name))
        .map(|(_, what)| *what)
        .collect();
    let largest = host.memory_available.map_or_else(String::new, |bytes| {
        // A footprint has to fit into half of what is available.
        format!(" with parents of up to {}", human_size(bytes / 2))
    });
    let mut text = format!("Processes and threads can be measured here{largest}");
    if cannot.is_empty() {
        text.push_str(", on every kind of page.");
    } else {
        text.push_str(&format!("; not: {}.", cannot.join("; ")));
    }
    let noisy: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Warning)
        .map(|finding| finding.name.as_str())
        .collect();
    if !noisy.is_empty() {
        text.push_str(&format!(" Figures suffer from: {}.", noisy.join(", ")));
    }
    text
}

/// A finding that is as it should be.
fn fine(name: &str, seen: impl Into<String>) -> Option<Finding> {
    finding(name, Severity::Fine, seen, "", "")
}

fn finding(
    name: &str,
    severity: Severity,
    seen: impl Into<String>,
    effect: &str,
    remedy: &str,
) -> Option<Finding> {
    Some(Finding {
        name: name.to_owned(),
        severity,
        seen: seen.into(),
        effect: effect.to_owned(),
        remedy: remedy.to_owned(),
    })
}

#[cfg(test)]
mod tests;
