//! Findings about time and CPUs.

use super::{Facts, finding, fine};
use crate::recording::{Finding, Host, Severity};
use crate::units::human_time;

/// Clock sources that a process reads without a system call.
const READ_IN_USER_SPACE: [&str; 4] = [
    "tsc",
    "kvm-clock",
    "arch_sys_counter",
    "hyperv_clocksource_tsc_page",
];

/// Share of a CPU that counts as busy.
const BUSY: f64 = 0.05;

/// Other tasks, on average, that count as load: less is the odd daemon waking.
const CROWD: f64 = 0.2;

/// A pause that is more than an interrupt: something else ran.
const INTERRUPTED_NS: u64 = 100_000;
const PREEMPTED_NS: u64 = 1_000_000;

pub(super) fn single_cpu(host: &Host, facts: &Facts) -> Option<Finding> {
    match (facts.cpus, host.cpus) {
        (Some((subject, harness)), _) => fine(
            "single-cpu",
            format!("subject on CPU {subject}, harness on CPU {harness}"),
        ),
        (None, 0) => None,
        (None, _) => finding(
            "single-cpu",
            Severity::Warning,
            "one CPU",
            "harness and subject take turns on it; threads and children never run beside their parent",
            "give this process two CPUs (`taskset -c 0,1 …`, `docker run --cpuset-cpus=0,1 …`)",
        ),
    }
}

pub(super) fn clock_source(host: &Host, facts: &Facts) -> Option<Finding> {
    let source = host.clock_source.as_deref()?;
    if READ_IN_USER_SPACE.contains(&source) {
        return fine("clock-source", source);
    }
    let better = READ_IN_USER_SPACE
        .iter()
        .find(|name| facts.clock_sources.iter().any(|offered| offered == *name));
    let remedy = match better {
        Some(name) => format!(
            "echo {name} | sudo tee \
             /sys/devices/system/clocksource/clocksource0/current_clocksource"
        ),
        None => "none from inside: the kernel offers no better one (see `dmesg | grep -i tsc`)"
            .to_owned(),
    };
    finding(
        "clock-source",
        Severity::Warning,
        source,
        "reading the clock is a system call: the null floor rises, small cells with it",
        &remedy,
    )
}

pub(super) fn virtualization(host: &Host, _: &Facts) -> Option<Finding> {
    let by = host.virtualization.as_deref()?;
    if by.starts_with("gvisor") {
        return finding(
            "virtualization",
            Severity::Warning,
            by,
            "system calls are served by gVisor, not by Linux: figures say nothing about Linux",
            "docker run --runtime=runc …",
        );
    }
    if by.contains("(nested)") {
        return finding(
            "virtualization",
            Severity::Note,
            by,
            "page tables are changed through two hypervisors: faults and teardown cost more than in \
             a plain guest",
            "measure on a plain guest or on bare metal before comparing with either",
        );
    }
    fine("virtualization", by)
}

pub(super) fn governor(host: &Host, _: &Facts) -> Option<Finding> {
    let governor = host.governor.as_deref()?;
    if governor == "performance" {
        return fine("governor", governor);
    }
    finding(
        "governor",
        Severity::Warning,
        governor,
        "the CPU's frequency follows the load: the first iterations are slow, and trials differ",
        "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
    )
}

pub(super) fn turbo(_: &Host, facts: &Facts) -> Option<Finding> {
    match facts.turbo {
        Some(false) => fine("turbo", "off"),
        Some(true) => finding(
            "turbo",
            Severity::Note,
            "on",
            "frequency depends on heat and on what the other cores do",
            "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo, or \
             echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost",
        ),
        None => finding(
            "turbo",
            Severity::Note,
            "unknown: this kernel does not control the CPU's frequency",
            "frequency can change unseen, most often in guests",
            "",
        ),
    }
}

pub(super) fn smt(_: &Host, facts: &Facts) -> Option<Finding> {
    let (subject, harness) = facts.cpus?;
    if facts.siblings.is_empty() {
        return fine("smt", format!("CPU {subject} has its core to itself"));
    }
    if facts.siblings.contains(&harness) {
        return finding(
            "smt",
            Severity::Note,
            format!("CPUs {subject} and {harness}, the only ones left, share a core"),
            "what the harness does between trials warms and slows the subject's core",
            "give this process CPUs of two cores (see `lscpu --extended`)",
        );
    }
    let share = facts.sibling_busy?;
    let siblings: Vec<String> = facts.siblings.iter().map(u32::to_string).collect();
    let seen = format!(
        "CPU {subject} shares a core with CPU {}, which was busy {:.0} % of the time",
        siblings.join(", "),
        share * 100.0
    );
    if share < BUSY {
        return fine("smt", seen);
    }
    finding(
        "smt",
        Severity::Warning,
        seen,
        "two hardware threads share one core's units: the subject runs slower, now and then",
        "stop what runs there, or: echo off | sudo tee /sys/devices/system/cpu/smt/control",
    )
}

pub(super) fn busy(host: &Host, facts: &Facts) -> Option<Finding> {
    let others = facts.others_running?;
    let load = facts
        .load
        .map_or_else(String::new, |load| format!(", load average {load:.2}"));
    let seen = format!(
        "{others:.1} other tasks running on {} CPUs{load}",
        host.cpus
    );
    if others < CROWD {
        return fine("busy", seen);
    }
    finding(
        "busy",
        Severity::Warning,
        seen,
        "other tasks take CPU time and caches: tails grow first, then medians",
        "stop them while measuring (see `top`)",
    )
}

pub(super) fn steal(_: &Host, facts: &Facts) -> Option<Finding> {
    let stolen = facts.steal_ns?;
    let seen = format!("{} of {}", human_time(stolen), human_time(facts.window_ns));
    if stolen == 0 {
        return fine("steal", seen);
    }
    finding(
        "steal",
        Severity::Warning,
        seen,
        "the hypervisor gave our CPUs to other guests: samples contain pauses that are not ours",
        "measure at another hour, or on a guest with CPUs of its own",
    )
}

pub(super) fn gap(_: &Host, facts: &Facts) -> Option<Finding> {
    let gap = facts.gap_ns?;
    let seen = format!("longest pause of a spinning clock: {}", human_time(gap));
    let severity = match gap {
        PREEMPTED_NS.. => Severity::Warning,
        INTERRUPTED_NS.. => Severity::Note,
        _ => return fine("gap", seen),
    };
    finding(
        "gap",
        severity,
        seen,
        "something took the CPU away: pauses of that length stand in p99 and max",
        "stop other work, keep interrupts off the subject's CPU (/proc/irq/*/smp_affinity_list)",
    )
}
