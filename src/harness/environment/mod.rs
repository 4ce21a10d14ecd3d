//! What the host is: read from `/proc` and `/sys`, never changed.
//!
//! Every question is asked of an [`Environment`], which stands on a root directory, so that a test
//! can put a made-up host under it. `None` in an answer always means "could not be read".

mod cgroup;
mod cpus;
mod kernel;
mod virtualization;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::recording::Host;

pub use cgroup::Headroom;
pub use kernel::{Answer, Release, clone3_answer, libc_version, ptrace_answer};

/// Longest file that is read. The kernel's own are far shorter; a made-up one may not be.
const LONGEST_FILE: u64 = 4 << 20;

/// A host, seen through the directory its `/proc` and `/sys` stand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    root: PathBuf,
}

impl Default for Environment {
    fn default() -> Self {
        Self::here()
    }
}

impl Environment {
    /// The host this process runs on.
    pub fn here() -> Self {
        Self::at(Path::new("/"))
    }

    /// A host whose `/proc` and `/sys` stand under `root`.
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Everything a run records about its host. `findings` is empty: the doctor fills it in.
    pub fn host(&self) -> Host {
        let kernel = "/proc/sys/kernel";
        Host {
            name: self
                .text(&format!("{kernel}/hostname"))
                .unwrap_or_else(|| "unknown".to_owned()),
            architecture: std::env::consts::ARCH.to_owned(),
            cpu: self.cpu_model(),
            cpus: u32::try_from(self.cpus().len()).unwrap_or(u32::MAX),
            kernel: self
                .text(&format!("{kernel}/osrelease"))
                .unwrap_or_else(|| "unknown".to_owned()),
            kernel_version: self.text(&format!("{kernel}/version")),
            kernel_command_line: self.kernel_parameters(),
            boot_id: self.text(&format!("{kernel}/random/boot_id")),
            libc: libc_version(),
            virtualization: self.virtualization(),
            clock_source: self
                .text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            governor: self.governor(),
            thp: self.choice(&format!("{THP}/enabled")),
            thp_shmem: self.choice(&format!("{THP}/shmem_enabled")),
            mthp: self.mthp(),
            hugetlb_pages: self.number("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"),
            damon: self.damon(),
            overcommit: self.number("/proc/sys/vm/overcommit_memory"),
            mitigations: self.mitigations(),
            memory: self.meminfo("MemTotal"),
            memory_available: self.memory_available(),
            cgroup_memory_limit: self.cgroup_memory().limit,
            cgroup_pids_limit: self.cgroup_pids().limit,
            findings: Vec::new(),
        }
    }

    /// Bytes a new process can fill without swapping: `MemAvailable`, or what the cgroup leaves if
    /// that is less. Page cache that can be dropped counts as free, as it does in `MemAvailable`.
    pub fn memory_available(&self) -> Option<u64> {
        let machine = self.meminfo("MemAvailable");
        let cgroup = self.cgroup_memory().left;
        match (machine, cgroup) {
            (Some(machine), Some(cgroup)) => Some(machine.min(cgroup)),
            (machine, cgroup) => machine.or(cgroup),
        }
    }

    /// Time the hypervisor has taken from all CPUs since boot, in nanoseconds. The kernel counts it
    /// in ticks of 10 ms.
    pub fn steal_ns(&self) -> Option<u64> {
        self.cpu_times("cpu").map(|times| times.steal_ns)
    }

    /// The kernel's command line as far as it is for the kernel: what follows `--` goes to init, says
    /// nothing about the kernel and may be private.
    pub(super) fn kernel_parameters(&self) -> Option<String> {
        let line = self.text("/proc/cmdline")?;
        let words = line.split_whitespace().take_while(|word| *word != "--");
        Some(words.collect::<Vec<_>>().join(" "))
    }

    /// A line of `/proc/meminfo`, in bytes.
    pub(super) fn meminfo(&self, field: &str) -> Option<u64> {
        self.text("/proc/meminfo")?.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let kib: u64 = value.trim().trim_end_matches("kB").trim().parse().ok()?;
            (name == field).then_some(kib.saturating_mul(1024))
        })
    }

    /// Bytes per page, from the auxiliary vector.
    pub(super) fn page_size(&self) -> u64 {
        const AT_PAGESZ: u64 = 6;
        let auxv = self.bytes("/proc/self/auxv").unwrap_or_default();
        let words: Vec<u64> = auxv
            .chunks_exact(8)
            .filter_map(|chunk| chunk.try_into().ok().map(u64::from_ne_bytes))
            .collect();
        let found = words.chunks_exact(2).find(|pair| pair[0] == AT_PAGESZ);
        found.map_or(4096, |pair| pair[1])
    }

    /// The multi-size THP that are not `never`, by size.
    fn mthp(&self) -> Vec<String> {
        let mut sizes: Vec<(u64, String)> = self
            .names(THP)
            .into_iter()
            .filter_map(|name| {
                let size = name.strip_prefix("hugepages-")?.to_owned();
                let setting = self.choice(&format!("{THP}/{name}/enabled"))?;
                let kib = size.strip_suffix("kB")?.parse().ok()?;
                (setting != "never").then(|| (kib, format!("{size}={setting}")))
            })
            .collect();
        sizes.sort();
        sizes.into_iter().map(|(_, text)| text).collect()
    }

    /// DAMON walks page tables and clears their accessed bits: a kernel thread `kdamond.N` while it
    /// runs, a `state` of `on` in its directory, or a module built on it that is switched on.
    fn damon(&self) -> Option<bool> {
        let processes = self.processes();
        if processes.is_empty() {
            return None;
        }
        let threads = processes.iter().any(|pid| {
            self.text(&format!("/proc/{pid}/comm"))
                .is_some_and(|name| name.starts_with("kdamond"))
        });
        let directory = "/sys/kernel/mm/damon/admin/kdamonds";
        let switched_on = self.names(directory).iter().any(|name| {
            self.text(&format!("{directory}/{name}/state"))
                .is_some_and(|state| state == "on")
        });
        let modules = ["damon_reclaim", "damon_lru_sort"].iter().any(|module| {
            self.text(&format!("/sys/module/{module}/parameters/enabled"))
                .is_some_and(|enabled| enabled == "Y")
        });
        Some(threads || switched_on || modules)
    }

    /// The mitigations that are on, by vulnerability.
    fn mitigations(&self) -> BTreeMap<String, String> {
        let directory = "/sys/devices/system/cpu/vulnerabilities";
        self.names(directory)
            .into_iter()
            .filter_map(|name| {
                let text = self.text(&format!("{directory}/{name}"))?;
                text.starts_with("Mitigation").then_some((name, text))
            })
            .collect()
    }

    /// The ids in `/proc`, as text.
    pub(super) fn processes(&self) -> Vec<String> {
        let mut names = self.names("/proc");
        names.retain(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        names
    }

    /// Where an absolute path of the host stands.
    pub(super) fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// Whether a file or directory is there.
    pub(super) fn exists(&self, absolute: &str) -> bool {
        self.path(absolute).exists()
    }

    /// A file's bytes, as many as are read of one.
    pub(super) fn bytes(&self, absolute: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(self.path(absolute))
            .ok()?
            .take(LONGEST_FILE)
            .read_to_end(&mut bytes)
            .ok()?;
        Some(bytes)
    }

    /// A file's text without white space around it; `None` for an empty one.
    pub(super) fn text(&self, absolute: &str) -> Option<String> {
        let bytes = self.bytes(absolute)?;
        // The device tree ends its strings with a zero byte.
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A file that holds one number.
    pub(super) fn number<T: FromStr>(&self, absolute: &str) -> Option<T> {
        self.text(absolute)?.parse().ok()
    }

    /// The word in brackets, as in `always [madvise] never`.
    pub(super) fn choice(&self, absolute: &str) -> Option<String> {
        let text = self.text(absolute)?;
        let (_, rest) = text.split_once('[')?;
        let (word, _) = rest.split_once(']')?;
        Some(word.to_owned())
    }

    /// What stands in a directory, sorted; nothing if it cannot be read.
    pub(super) fn names(&self, absolute: &str) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.path(absolute))
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }
}

/// Where the settings of transparent huge pages stand.
const THP: &str = "/sys/kernel/mm/transparent_hugepage";

/// [`Environment::host`] of this host.
pub fn host() -> Host {
    Environment::here().host()
}

/// [`Environment::memory_available`] of this host.
pub fn memory_available() -> Option<u64> {
    Environment::here().memory_available()
}

/// [`Environment::steal_ns`] of this host.
pub fn steal_ns() -> Option<u64> {
    Environment::here().steal_ns()
}

/// [`Environment::cpus`] of this host.
pub fn cpus() -> Vec<u32> {
    Environment::here().cpus()
}

/// [`Environment::choose_cpus`] of this host.
pub fn choose_cpus() -> Option<(u32, u32)> {
    Environment::here().choose_cpus()
}

#[cfg(test)]
pub(super) mod tests;
