//! What the host is, and what the doctor said about it.

use minijinja::{Value, context};

use super::super::reading::{grouped, plain};
use crate::recording::{Host, Severity};
use crate::units::human_size;

/// The host as labels and values; what could not be read is said to be so.
pub(in crate::report) fn view(host: &Host) -> Vec<(&'static str, String)> {
    let text = |value: &Option<String>| {
        value
            .as_deref()
            .map_or("could not be read".to_owned(), plain)
    };
    let size = |value: Option<u64>| value.map_or("could not be read".to_owned(), human_size);
    let mut rows = vec![
        ("host", plain(&host.name)),
        ("CPU", text(&host.cpu)),
        (
            "CPUs",
            format!("{} {}", host.cpus, plain(&host.architecture)),
        ),
        ("kernel", plain(&host.kernel)),
        ("kernel build", text(&host.kernel_version)),
        ("C library", text(&host.libc)),
        ("virtualisation", text(&host.virtualization)),
        ("clock source", text(&host.clock_source)),
        ("governor", text(&host.governor)),
        ("memory", size(host.memory)),
        ("available at the start", size(host.memory_available)),
        ("transparent huge pages", text(&host.thp)),
        ("… for shared memory", text(&host.thp_shmem)),
    ];
    if !host.mthp.is_empty() {
        let sizes: Vec<String> = host.mthp.iter().take(20).map(|size| plain(size)).collect();
        rows.push(("multi-size THP", sizes.join(", ")));
    }
    let limits = [
        ("reserved huge pages", host.hugetlb_pages.map(grouped)),
        (
            "cgroup memory limit",
            host.cgroup_memory_limit.map(human_size),
        ),
        ("cgroup process limit", host.cgroup_pids_limit.map(grouped)),
        ("overcommit", host.overcommit.map(|mode| mode.to_string())),
        (
            "DAMON",
            host.damon
                .map(|on| if on { "running" } else { "off" }.to_owned()),
        ),
    ];
    rows.extend(
        limits
            .into_iter()
            .filter_map(|(label, value)| Some((label, value?))),
    );
    if !host.mitigations.is_empty() {
        let all: Vec<String> = host
            .mitigations
            .iter()
            .take(60)
            .map(|(name, state)| format!("{}: {}", plain(name), plain(state)))
            .collect();
        rows.push(("mitigations", all.join("; ")));
    }
    let rest = [
        ("boot", &host.boot_id),
        ("kernel command line", &host.kernel_command_line),
    ];
    rows.extend(
        rest.into_iter()
            .filter_map(|(label, value)| Some((label, plain(value.as_deref()?)))),
    );
    rows
}

/// The doctor's findings, the weightiest first.
pub(in crate::report) fn findings(host: &Host) -> Vec<Value> {
    let mut findings: Vec<_> = host.findings.iter().take(100).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
        .into_iter()
        .map(|finding| {
            context! {
                name => plain(&finding.name),
                severity => match finding.severity {
                    Severity::Fine => "fine",
                    Severity::Note => "note",
                    Severity::Warning => "warning",
                    Severity::Refused => "refused",
                },
                seen => plain(&finding.seen),
                effect => plain(&finding.effect),
                remedy => plain(&finding.remedy),
            }
        })
        .collect()
}
