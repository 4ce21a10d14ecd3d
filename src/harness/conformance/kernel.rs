//! What the kernel says of a subject while it holds a footprint, to hold its receipt to.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::anatomy::{Files, MappingSeen};

/// How long helpers may take to be gone after their subject, and children to be reaped.
const GOING: Duration = Duration::from_secs(2);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// A process, as its `stat` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) name: String,
    pub(super) zombie: bool,
}

/// The process of that pid.
pub(super) fn process(pid: i32) -> Option<Process> {
    let stat = Files::of(pid).stat(pid).ok()?;
    Some(Process {
        pid,
        parent: stat.parent,
        group: stat.group,
        zombie: stat.has_ended(),
        name: stat.name,
    })
}

fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| process(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Everything that descends from a process.
pub(super) fn descendants(pid: i32) -> Vec<Process> {
    let all = processes();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        for child in all.iter().filter(|process| process.parent == parent) {
            if !found.contains(child) && child.pid != pid {
                parents.push(child.pid);
                found.push(child.clone());
            }
        }
    }
    found
}

/// What is left of a group whose leader has ended, beside its keeper: names and pids.
pub(super) fn left_in_group(group: i32, keeper: Option<i32>) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let left: Vec<String> = processes()
            .into_iter()
            .filter(|process| process.group == group && !process.zombie)
            .filter(|process| Some(process.pid) != keeper && process.pid != group)
            .map(|process| {
                format!(
                    "{} ({})",
                    super::checks::escaped(&process.name),
                    process.pid
                )
            })
            .collect();
        if left.is_empty() || begun.elapsed() > GOING {
            return left;
        }
        thread::sleep(PAUSE);
    }
}

/// What a subject's iterations left in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Leftovers {
    /// Its descendants that have ended and were not waited for.
    pub(super) zombies: u64,
    /// Those that live.
    pub(super) children: u64,
    /// Those that are in another group: forkbench can't end them.
    pub(super) strayed: Vec<String>,
    /// Its threads.
    pub(super) threads: u64,
    /// Its descriptors.
    pub(super) fds: u64,
}

/// Looks until nothing waits to be reaped, at most two seconds.
pub(super) fn leftovers(pid: i32, group: i32) -> Leftovers {
    let begun = Instant::now();
    loop {
        let descendants = descendants(pid);
        let zombies = descendants.iter().filter(|process| process.zombie).count() as u64;
        if zombies > 0 && begun.elapsed() < GOING {
            thread::sleep(PAUSE);
            continue;
        }
        let files = Files::of(pid);
        let strayed = descendants.iter().filter(|process| process.group != group);
        return Leftovers {
            zombies,
            children: descendants.len() as u64 - zombies,
            strayed: strayed
                .map(|process| format!("{} ({})", process.name, process.pid))
                .collect(),
            threads: files.status().threads.unwrap_or(0),
            fds: files.descriptors().unwrap_or(0),
        };
    }
}

/// The kernel's books of a process. `None` is "could not be read".
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Books {
    pub(super) threads: Option<u64>,
    pub(super) fds: Option<u64>,
    pub(super) rss: Option<u64>,
    pub(super) page_tables: Option<u64>,
    pub(super) mappings: Option<Vec<MappingSeen>>,
}

impl Books {
    /// Reads them.
    pub(super) fn of(pid: i32) -> Self {
        let files = Files::of(pid);
        let status = files.status();
        let mappings = files.smaps().ok();
        // The sum over mappings is exact; `status` may lag behind by some pages for each CPU.
        let exact = mappings.as_ref();
        let exact = exact.map(|all| all.iter().map(|one| one.rss).sum());
        Self {
            threads: status.threads,
            fds: files.descriptors(),
            rss: exact.or(status.rss),
            page_tables: status.page_tables,
            mappings: mappings.filter(|all| !all.is_empty()),
        }
    }

    /// How many mappings there are.
    pub(super) fn vmas(&self) -> Option<u64> {
        self.mappings.as_ref().map(|all| all.len() as u64)
    }

    /// The mapping of at least `bytes` with at least `rss` of them resident that is nearest in size.
    pub(super) fn mapping(&self, bytes: u64, rss: u64) -> Option<&MappingSeen> {
        let all = self.mappings.as_ref()?.iter();
        all.filter(|one| one.bytes() >= bytes && one.rss + one.hugetlb + bytes / 50 >= rss)
            .min_by_key(|one| one.bytes())
    }
}

/// The CPUs that all threads of a process may run on, where they are the same, as the kernel lists them.
pub(super) fn allowed_cpus(pid: i32) -> Option<Vec<String>> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut lists: Vec<String> = tasks
        .flatten()
        .take(1000)
        .filter_map(|task| {
            let status = fs::read_to_string(task.path().join("status")).ok()?;
            let list = status
                .lines()
                .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
            list.map(|list| list.trim().to_owned())
        })
        .collect();
    lists.sort();
    lists.dedup();
    Some(lists)
}
