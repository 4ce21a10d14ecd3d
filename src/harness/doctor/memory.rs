//! Findings about memory.

use super::{Facts, finding, fine};
use crate::harness::environment::Release;
use crate::recording::{Finding, Host, Severity};
use crate::units::human_size;

const GIB: u64 = 1 << 30;

/// The largest footprint that is measured without being asked for.
const LARGEST_DEFAULT: u64 = 4 * GIB;

/// A huge page, in bytes.
const HUGE: u64 = 2 << 20;

/// The first kernel with MADV_POPULATE_WRITE.
const POPULATE: Release = Release {
    major: 5,
    minor: 14,
};

pub(super) fn memory(host: &Host, _: &Facts) -> Option<Finding> {
    let available = host.memory_available?;
    let seen = format!("{} available", human_size(available));
    // A footprint has to fit into half of what is available.
    if available / 2 >= LARGEST_DEFAULT {
        return fine("memory", seen);
    }
    finding(
        "memory",
        Severity::Note,
        seen,
        &format!(
            "parents larger than {} are skipped",
            human_size(available / 2)
        ),
        "free memory, or pass --max-footprint with a smaller size",
    )
}

pub(super) fn cgroup_memory(_: &Host, facts: &Facts) -> Option<Finding> {
    let Some(limit) = facts.cgroup_memory.limit else {
        return fine("cgroup-memory", "no limit");
    };
    let left = facts.cgroup_memory.left.unwrap_or(limit);
    let seen = format!("limit {}, {} left", human_size(limit), human_size(left));
    if left / 2 >= LARGEST_DEFAULT {
        return fine("cgroup-memory", seen);
    }
    let severity = if left < GIB {
        Severity::Warning
    } else {
        Severity::Note
    };
    finding(
        "cgroup-memory",
        severity,
        seen,
        "a subject that reaches the limit is slowed by reclaim, then killed",
        "raise it (`docker run --memory=…`, `systemd-run -p MemoryMax=…`), or pass --max-footprint",
    )
}

pub(super) fn overcommit(host: &Host, facts: &Facts) -> Option<Finding> {
    let mode = host.overcommit?;
    if mode != 2 {
        return fine("overcommit", format!("vm.overcommit_memory={mode}"));
    }
    let left = facts.commit_left.map_or_else(String::new, |left| {
        format!(", {} may still be committed", human_size(left))
    });
    finding(
        "overcommit",
        Severity::Warning,
        format!("vm.overcommit_memory=2{left}"),
        "fork needs room for a second copy of all private memory, and fails with ENOMEM without it",
        "sudo sysctl vm.overcommit_memory=0",
    )
}

pub(super) fn thp(host: &Host, _: &Facts) -> Option<Finding> {
    let setting = host.thp.as_deref();
    // Since Linux 6.8 the size of a PMD has a switch of its own, which can differ from the general one.
    let own = host
        .mthp
        .iter()
        .find_map(|size| size.strip_prefix("2048kB="))
        .filter(|own| *own != "inherit");
    match own.or(setting) {
        Some("madvise") => fine("thp", "madvise"),
        Some("always") => finding(
            "thp",
            Severity::Note,
            "always",
            "programs get huge pages unasked, and fork copies far fewer entries for them; cells ask \
             for the pages in their names, so they differ from such programs",
            "compare a program here with the `+thp` cells",
        ),
        Some(other) => finding(
            "thp",
            Severity::Refused,
            other,
            "no transparent huge pages: `+thp` cells are skipped",
            "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
        ),
        None => finding(
            "thp",
            Severity::Refused,
            "not offered by this kernel",
            "no transparent huge pages: `+thp` cells are skipped",
            "",
        ),
    }
}

pub(super) fn hugetlb(host: &Host, facts: &Facts) -> Option<Finding> {
    let reserved = host.hugetlb_pages.unwrap_or(0);
    let free = facts.hugetlb_free.unwrap_or(0);
    if free > 0 {
        let bytes = human_size(free.saturating_mul(HUGE));
        return fine(
            "hugetlb",
            format!("{reserved} pages reserved, {bytes} free"),
        );
    }
    let remedy = match host.hugetlb_pages {
        Some(_) => "sudo sysctl vm.nr_hugepages=512",
        None => "",
    };
    finding(
        "hugetlb",
        Severity::Note,
        match host.hugetlb_pages {
            Some(0) => "no pages reserved".to_owned(),
            Some(count) => format!("{count} pages reserved, none free"),
            None => "not offered by this kernel".to_owned(),
        },
        "`+hugetlb` cells are skipped",
        remedy,
    )
}

pub(super) fn fragmentation(_: &Host, facts: &Facts) -> Option<Finding> {
    let page = facts.page_size.max(1);
    let bytes = |(order, &count): (usize, &u64)| {
        let block = page.checked_shl(u32::try_from(order).unwrap_or(u32::MAX));
        (block.unwrap_or(u64::MAX), count)
    };
    let sum = |least: u64| {
        facts
            .free_blocks
            .iter()
            .enumerate()
            .map(bytes)
            .filter(|(block, _)| *block >= least)
            .fold(0_u64, |sum, (block, count)| {
                sum.saturating_add(block.saturating_mul(count))
            })
    };
    let (free, whole) = (sum(0), sum(HUGE));
    if free == 0 {
        return None;
    }
    let seen = format!(
        "{} of {} free memory in blocks of 2 MiB and up",
        human_size(whole),
        human_size(free)
    );
    if whole >= free / 2 {
        return fine("fragmentation", seen);
    }
    finding(
        "fragmentation",
        Severity::Warning,
        seen,
        "physical pages come out scattered, which makes fork slower, and huge pages are rare",
        "echo 1 | sudo tee /proc/sys/vm/compact_memory",
    )
}

pub(super) fn page_reporting(_: &Host, facts: &Facts) -> Option<Finding> {
    if !facts.page_reporting? {
        return fine("page-reporting", "free pages stay in this guest");
    }
    finding(
        "page-reporting",
        Severity::Note,
        "a virtio balloon returns free pages to the host",
        "the first touch of a page that was free a while waits for the host: filling memory and \
         copy-on-write cost more, and not evenly",
        "none from inside: switch free page reporting off in the hypervisor's balloon device",
    )
}

pub(super) fn damon(host: &Host, facts: &Facts) -> Option<Finding> {
    if !host.damon? {
        return fine("damon", "not running");
    }
    let mut commands: Vec<String> = facts
        .damon_switches
        .iter()
        .map(|(file, word)| format!("echo {word} | sudo tee {file}"))
        .collect();
    if commands.is_empty() {
        // Only root may read which switch is on.
        commands.push("echo off | sudo tee /sys/kernel/mm/damon/admin/kdamonds/*/state".to_owned());
    }
    finding(
        "damon",
        Severity::Warning,
        "running",
        "it clears accessed bits all over memory and may reclaim idle pages: page tables are not as \
         the subject left them",
        &commands.join("; "),
    )
}

pub(super) fn ksm(_: &Host, facts: &Facts) -> Option<Finding> {
    if !facts.ksm? {
        return fine("ksm", "not merging");
    }
    finding(
        "ksm",
        Severity::Warning,
        "merging equal pages",
        "its scanner takes CPU time, and merged pages are copied on the next write",
        "echo 2 | sudo tee /sys/kernel/mm/ksm/run",
    )
}

pub(super) fn swap(_: &Host, facts: &Facts) -> Option<Finding> {
    let used = facts.swap_used?;
    if used == 0 {
        return fine("swap", "none in use");
    }
    finding(
        "swap",
        Severity::Warning,
        format!("{} in use", human_size(used)),
        "pages of the subject can be swapped out, and fork copies swap entries by a slower path",
        "sudo swapoff -a",
    )
}

pub(super) fn populate(host: &Host, facts: &Facts) -> Option<Finding> {
    if facts.release? >= POPULATE {
        return fine("populate", format!("Linux {}", host.kernel));
    }
    finding(
        "populate",
        Severity::Note,
        format!("Linux {}", host.kernel),
        "no MADV_POPULATE_WRITE before 5.14: memory is filled by writing, which takes longer",
        "",
    )
}
