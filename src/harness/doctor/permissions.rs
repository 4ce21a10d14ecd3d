//! Findings about what this process may do.

use super::{Facts, finding, fine};
use crate::harness::environment::{Answer, Headroom};
use crate::recording::{Finding, Host, Severity};

/// Tasks that a run may need at once: the most threads a default cell holds, and room to spare.
const TASKS: u64 = 64;

/// Open files that default cells ask for (1,000), and our own.
const FILES: u64 = 1_100;

pub(super) fn cgroup_pids(_: &Host, facts: &Facts) -> Option<Finding> {
    tasks(
        "cgroup-pids",
        facts.cgroup_pids,
        "raise it (`docker run --pids-limit=…`, `systemd-run -p TasksMax=…`)",
    )
}

pub(super) fn processes(_: &Host, facts: &Facts) -> Option<Finding> {
    tasks(
        "processes",
        facts.processes,
        "ulimit -u unlimited (or raise `nproc` in /etc/security/limits.conf)",
    )
}

fn tasks(name: &str, headroom: Headroom, remedy: &str) -> Option<Finding> {
    let Some(limit) = headroom.limit else {
        return fine(name, "no limit");
    };
    let left = headroom.left.unwrap_or(limit);
    let seen = format!("limit {limit} processes and threads, {left} left");
    let severity = match left {
        // Harness, subject, its child and the keeper of its group.
        0..4 => Severity::Refused,
        4..TASKS => Severity::Warning,
        _ => return fine(name, seen),
    };
    finding(
        name,
        severity,
        seen,
        "children and threads cannot be created (EAGAIN): such cells fail",
        remedy,
    )
}

pub(super) fn files(_: &Host, facts: &Facts) -> Option<Finding> {
    let Some(limit) = facts.files else {
        return fine("files", "no limit");
    };
    if limit >= FILES {
        return fine("files", format!("{limit} open files"));
    }
    finding(
        "files",
        Severity::Note,
        format!("{limit} open files"),
        "footprints with more descriptors (`+fds=…`) fail",
        "ulimit -n 20000",
    )
}

pub(super) fn clone3(_: &Host, facts: &Facts) -> Option<Finding> {
    let seen = match facts.clone3? {
        Answer::Offered => return fine("clone3", "offered"),
        Answer::Unknown => "ENOSYS: unknown to this kernel, or hidden by a seccomp filter",
        Answer::Forbidden => "EPERM: forbidden by a seccomp filter",
    };
    finding(
        "clone3",
        Severity::Refused,
        seen,
        "the mechanism clone3 is skipped; the C library falls back to clone for threads and \
         posix_spawn",
        "docker run --security-opt seccomp=unconfined … (or Linux 5.3 and newer)",
    )
}

pub(super) fn ptrace(_: &Host, facts: &Facts) -> Option<Finding> {
    let answer = facts.ptrace?;
    // 0 and 1 let a parent trace its own child.
    let by_yama = match facts.yama {
        Some(2) => !facts.may_trace_anyone,
        Some(3..) => true,
        _ => false,
    };
    let (seen, remedy) = match (answer, by_yama) {
        (Answer::Offered, false) => return fine("ptrace", "a parent may trace its child"),
        (Answer::Offered, true) => (
            format!(
                "kernel.yama.ptrace_scope={}",
                facts.yama.unwrap_or_default()
            ),
            match facts.yama {
                Some(2) => "sudo sysctl kernel.yama.ptrace_scope=1",
                // 3 stays until the next boot.
                _ => "boot with kernel.yama.ptrace_scope=1",
            },
        ),
        (Answer::Unknown, _) => (
            "ENOSYS: not offered here".to_owned(),
            "verify on a host whose kernel offers it",
        ),
        (Answer::Forbidden, _) => (
            "EPERM: forbidden by a seccomp filter".to_owned(),
            "docker run --cap-add=SYS_PTRACE …",
        ),
    };
    finding(
        "ptrace",
        Severity::Refused,
        seen,
        "nothing can be traced: `forkbench verify` answers `unverified`",
        remedy,
    )
}

pub(super) fn pagemap(_: &Host, facts: &Facts) -> Option<Finding> {
    if facts.pagemap_frames == Some(true) {
        return fine("pagemap", "frame numbers can be read");
    }
    finding(
        "pagemap",
        Severity::Note,
        match facts.pagemap_frames {
            Some(_) => "frame numbers are hidden (no CAP_SYS_ADMIN)",
            None => "not readable",
        },
        "receipts cannot say how physical pages lie, on which fork's cost depends",
        "run as root",
    )
}
