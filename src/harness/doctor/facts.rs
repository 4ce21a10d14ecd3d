//! What the doctor asks the host beside what a run records of it anyway.

use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::limits::{CAP_SYS_PTRACE, capability, pagemap_frames, process_limit, soft_limit};
use crate::clock;
use crate::harness::environment::{
    Answer, Environment, Headroom, Release, clone3_answer, ptrace_answer,
};

/// How long the clock spins in search of pauses, nanoseconds.
const SPIN_NS: u64 = 50_000_000;

/// Pause between two looks at the run queue.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// What findings are drawn from. `None` is "could not be read".
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// The CPUs chosen for subject and harness; `None` with one CPU.
    pub cpus: Option<(u32, u32)>,
    /// The other hardware threads of the subject's core.
    pub siblings: Vec<u32>,
    /// Share of the window in which the busiest of them worked, 0 to 1.
    pub sibling_busy: Option<f64>,
    /// Clock sources the kernel offers.
    pub clock_sources: Vec<String>,
    /// Whether the CPU may run faster than its nominal frequency.
    pub turbo: Option<bool>,
    /// How long the host was watched, nanoseconds.
    pub window_ns: u64,
    /// Time the hypervisor took from all CPUs meanwhile, nanoseconds.
    pub steal_ns: Option<u64>,
    /// Mean number of tasks on CPUs or waiting for one meanwhile, ourselves left out.
    pub others_running: Option<f64>,
    /// Load average over one minute.
    pub load: Option<f64>,
    /// The longest pause a spinning clock saw on the subject's CPU, nanoseconds.
    pub gap_ns: Option<u64>,
    /// What a word has to be written to so that DAMON stops: file and word.
    pub damon_switches: Vec<(String, &'static str)>,
    /// Whether free pages are reported, and so returned, to the hypervisor.
    pub page_reporting: Option<bool>,
    /// Huge pages of 2 MiB that are reserved and free.
    pub hugetlb_free: Option<u64>,
    /// Bytes per page.
    pub page_size: u64,
    /// Free blocks of 2^i pages in all zones, by i.
    pub free_blocks: Vec<u64>,
    /// Bytes that may still be committed; it counts with `vm.overcommit_memory=2` alone.
    pub commit_left: Option<u64>,
    /// Bytes of swap in use.
    pub swap_used: Option<u64>,
    /// Whether KSM merges pages.
    pub ksm: Option<bool>,
    /// The control group's memory.
    pub cgroup_memory: Headroom,
    /// The control group's processes and threads.
    pub cgroup_pids: Headroom,
    /// RLIMIT_NPROC, and what our user's tasks leave of it; without a limit where none applies.
    pub processes: Headroom,
    /// RLIMIT_NOFILE; `None` where unlimited.
    pub files: Option<u64>,
    /// `kernel.yama.ptrace_scope`; `None` without Yama.
    pub yama: Option<u32>,
    /// Whether we hold CAP_SYS_PTRACE.
    pub may_trace_anyone: bool,
    /// Whether ptrace reaches the kernel.
    pub ptrace: Option<Answer>,
    /// Whether clone3 reaches the kernel.
    pub clone3: Option<Answer>,
    /// Whether pagemap shows us frame numbers.
    pub pagemap_frames: Option<bool>,
    /// The kernel's release.
    pub release: Option<Release>,
}

impl Facts {
    /// Gathers them, watching the host for `window` and a moment more.
    pub fn gather(environment: &Environment, window: Duration) -> Self {
        let cpus = environment.choose_cpus();
        let subject = cpus.map(|(subject, _)| subject);
        let mut siblings = subject.map_or(Vec::new(), |cpu| environment.siblings(cpu));
        siblings.retain(|&cpu| Some(cpu) != subject);
        let mut facts = Self {
            cpus,
            siblings,
            gap_ns: largest_gap(subject),
            ..Self::default()
        };
        facts.watch(environment, window);
        facts.ask_about_memory(environment);
        facts.ask_about_permissions(environment);
        facts.clock_sources = environment
            .text("/sys/devices/system/clocksource/clocksource0/available_clocksource")
            .map(|text| text.split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default();
        facts.turbo = turbo(environment);
        facts.load = environment
            .text("/proc/loadavg")
            .and_then(|text| text.split(' ').next()?.parse().ok());
        facts
    }

    /// Looks at run queue, siblings and steal for a while.
    fn watch(&mut self, environment: &Environment, window: Duration) {
        let start = Instant::now();
        let steal = environment.steal_ns();
        let busy = |cpu: &u32| {
            let times = environment.cpu_times(&format!("cpu{cpu}"));
            times.map(|times| times.busy_ns)
        };
        let siblings_before: Vec<Option<u64>> = self.siblings.iter().map(busy).collect();
        let mut looks = 0_u32;
        let mut running = 0_u64;
        loop {
            if let Some(now) = tasks_running(environment) {
                looks += 1;
                // One of them is this very task, which reads the file.
                running += now.saturating_sub(1);
            }
            if start.elapsed() >= window {
                break;
            }
            std::thread::sleep(LOOK_INTERVAL.min(window));
        }
        self.window_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.others_running = (looks > 0).then(|| running as f64 / f64::from(looks));
        self.steal_ns = match (steal, environment.steal_ns()) {
            (Some(before), Some(after)) => Some(after.saturating_sub(before)),
            _ => None,
        };
        let window_ns = self.window_ns.max(1) as f64;
        self.sibling_busy = self
            .siblings
            .iter()
            .map(busy)
            .zip(siblings_before)
            .filter_map(|(after, before)| Some(after?.saturating_sub(before?) as f64 / window_ns))
            .reduce(f64::max);
    }

    fn ask_about_memory(&mut self, environment: &Environment) {
        self.damon_switches = damon_switches(environment);
        self.page_reporting = page_reporting(environment);
        self.hugetlb_free =
            environment.number("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
        self.page_size = environment.page_size();
        self.free_blocks = free_blocks(environment);
        let difference = |whole: &str, part: &str| {
            Some(
                environment
                    .meminfo(whole)?
                    .saturating_sub(environment.meminfo(part)?),
            )
        };
        self.commit_left = difference("CommitLimit", "Committed_AS");
        self.swap_used = difference("SwapTotal", "SwapFree");
        self.ksm = environment
            .number("/sys/kernel/mm/ksm/run")
            .map(|run: u32| run == 1);
        self.cgroup_memory = environment.cgroup_memory();
    }

    fn ask_about_permissions(&mut self, environment: &Environment) {
        self.cgroup_pids = environment.cgroup_pids();
        self.processes = process_limit(environment);
        self.files = soft_limit(environment, "Max open files");
        self.yama = environment.number("/proc/sys/kernel/yama/ptrace_scope");
        self.may_trace_anyone = capability(environment, CAP_SYS_PTRACE);
        self.ptrace = Some(ptrace_answer());
        self.clone3 = Some(clone3_answer());
        self.pagemap_frames = pagemap_frames(environment);
        self.release = environment
            .text("/proc/sys/kernel/osrelease")
            .and_then(|text| Release::parse(&text));
    }
}

/// The longest pause on `cpu`, if one is named; `None` if a thread could not be pinned there.
fn largest_gap(cpu: Option<u32>) -> Option<u64> {
    let watch = move || {
        if let Some(cpu) = cpu {
            let mut set = CpuSet::new();
            set.set(cpu as usize).ok()?;
            sched_setaffinity(Pid::from_raw(0), &set).ok()?;
        }
        Some(clock::largest_gap(SPIN_NS))
    };
    // A thread of its own: the affinity is the thread's and ends with it.
    std::thread::Builder::new().spawn(watch).ok()?.join().ok()?
}

fn tasks_running(environment: &Environment) -> Option<u64> {
    let text = environment.text("/proc/stat")?;
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("procs_running "))?;
    count.trim().parse().ok()
}

fn turbo(environment: &Environment) -> Option<bool> {
    let off: Option<u32> = environment.number("/sys/devices/system/cpu/intel_pstate/no_turbo");
    let on: Option<u32> = environment.number("/sys/devices/system/cpu/cpufreq/boost");
    off.map(|off| off == 0).or(on.map(|on| on != 0))
}

fn damon_switches(environment: &Environment) -> Vec<(String, &'static str)> {
    let directory = "/sys/kernel/mm/damon/admin/kdamonds";
    let threads = environment
        .names(directory)
        .into_iter()
        .map(|name| (format!("{directory}/{name}/state"), "on", "off"));
    let modules = ["damon_reclaim", "damon_lru_sort"]
        .map(|name| (format!("/sys/module/{name}/parameters/enabled"), "Y", "N"));
    threads
        .chain(modules)
        .filter(|(file, on, _)| environment.text(file).is_some_and(|word| word == *on))
        .map(|(file, _, off)| (file, off))
        .collect()
}

/// Whether a virtio balloon was given the feature to report free pages. The kernel writes a device's
/// features as a string of bits, the lowest first.
fn page_reporting(environment: &Environment) -> Option<bool> {
    const BALLOON: &str = "0x0005";
    const REPORTING: usize = 5;
    let directory = "/sys/bus/virtio/devices";
    if !environment.exists("/sys/bus") {
        return None;
    }
    Some(environment.names(directory).iter().any(|name| {
        let read = |file: &str| environment.text(&format!("{directory}/{name}/{file}"));
        read("device").is_some_and(|device| device == BALLOON)
            && read("features").is_some_and(|bits| bits.as_bytes().get(REPORTING) == Some(&b'1'))
    }))
}

fn free_blocks(environment: &Environment) -> Vec<u64> {
    let mut blocks: Vec<u64> = Vec::new();
    for line in environment
        .text("/proc/buddyinfo")
        .unwrap_or_default()
        .lines()
    {
        // Node 0, zone   Normal   1523    649 …
        let counts = line.split_whitespace().skip(4);
        for (order, count) in counts.map_while(|word| word.parse().ok()).enumerate() {
            match blocks.get_mut(order) {
                Some(sum) => *sum = u64::saturating_add(*sum, count),
                None => blocks.push(count),
            }
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::environment::tests::MadeUp;

    const BALLOON: &str = "/sys/bus/virtio/devices/virtio0";

    #[test]
    fn facts_of_this_host_are_gathered() {
        let facts = Facts::gather(&Environment::here(), Duration::from_millis(30));
        assert!(facts.window_ns >= 30_000_000);
        assert!(facts.gap_ns.is_some_and(|gap| gap > 0));
        assert!(facts.others_running.is_some());
        assert!(!facts.free_blocks.is_empty());
        assert!(facts.release.is_some());
    }

    #[test]
    fn an_empty_host_has_no_facts() {
        let made_up = MadeUp::new(&[]);
        let facts = Facts::gather(&made_up.environment(), Duration::ZERO);
        assert_eq!(facts.others_running, None);
        assert_eq!(facts.steal_ns, None);
        assert_eq!(facts.page_reporting, None);
        assert_eq!(facts.processes, Headroom::default());
        assert_eq!(facts.pagemap_frames, None);
        assert!(!facts.may_trace_anyone);
    }

    #[test]
    fn page_reporting_is_the_sixth_feature_of_a_balloon() {
        let cases = [
            ("0x0005", "01100100\n", true),
            ("0x0005", "01100000\n", false),
            ("0x0005", "\n", false),
            ("0x0004", "01100100\n", false),
        ];
        for (device, features, expected) in cases {
            let made_up = MadeUp::new(&[
                (&format!("{BALLOON}/device"), device),
                (&format!("{BALLOON}/features"), features),
            ]);
            let found = page_reporting(&made_up.environment());
            assert_eq!(found, Some(expected), "{device} {features}");
        }
    }

    #[test]
    fn free_blocks_are_summed_over_zones() {
        let made_up = MadeUp::new(&[(
            "/proc/buddyinfo",
            "Node 0, zone   DMA32   1   2   4\nNode 0, zone   Normal   10   20   40   7\n",
        )]);
        assert_eq!(free_blocks(&made_up.environment()), [11, 22, 44, 7]);
    }

    #[test]
    fn the_sibling_and_the_run_queue_are_watched() {
        let made_up = MadeUp::new(&[
            ("/proc/self/status", "Cpus_allowed_list:\t0-1\n"),
            (
                "/proc/stat",
                "cpu  1 0 0 9\ncpu0 1 0 0 9\nprocs_running 4\n",
            ),
            (
                "/sys/devices/system/cpu/cpu1/topology/core_cpus_list",
                "0-1\n",
            ),
        ]);
        let facts = Facts::gather(&made_up.environment(), Duration::ZERO);
        assert_eq!(facts.siblings, [0]);
        assert_eq!(facts.sibling_busy, Some(0.0));
        assert_eq!(facts.others_running, Some(3.0));
        assert_eq!(facts.steal_ns, Some(0));
    }

    #[test]
    fn damon_is_switched_off_where_it_was_switched_on() {
        let made_up = MadeUp::new(&[
            ("/sys/kernel/mm/damon/admin/kdamonds/0/state", "on\n"),
            ("/sys/kernel/mm/damon/admin/kdamonds/1/state", "off\n"),
            ("/sys/module/damon_reclaim/parameters/enabled", "Y\n"),
        ]);
        let switches = damon_switches(&made_up.environment());
        assert_eq!(switches.len(), 2, "{switches:?}");
        assert_eq!(switches[0].1, "off");
        assert_eq!(switches[1].1, "N");
    }
}
