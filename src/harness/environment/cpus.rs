//! The CPUs: which there are, what they are, and which of them subject and harness get.

use super::Environment;

/// Nanoseconds in one tick of `/proc/stat` (USER_HZ is 100 on every architecture we run on).
const TICK_NS: u64 = 10_000_000;

const CPU: &str = "/sys/devices/system/cpu";

/// What one line of `/proc/stat` says, since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::harness) struct CpuTimes {
    /// Time spent on anything but idling, nanoseconds.
    pub busy_ns: u64,
    /// Time the hypervisor took, nanoseconds.
    pub steal_ns: u64,
}

impl Environment {
    /// The CPUs this process may run on, ascending. Read before pinning: a pinned process may run on
    /// one.
    pub fn cpus(&self) -> Vec<u32> {
        let status = self.text("/proc/self/status").unwrap_or_default();
        let allowed = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        match allowed {
            Some(list) => cpu_list(list),
            None => cpu_list(&self.text(&format!("{CPU}/online")).unwrap_or_default()),
        }
    }

    /// The CPUs for subject and harness, in this order: the harness on another core than the
    /// subject's, so that neither's work slows the other's. `None` with one CPU. Where all CPUs are
    /// threads of one core the harness gets the subject's sibling: it sleeps while a trial runs.
    pub fn choose_cpus(&self) -> Option<(u32, u32)> {
        let cpus = self.cpus();
        if cpus.len() < 2 {
            return None;
        }
        // The last of the fastest: interrupts gather on the first CPU, and on a hybrid processor
        // the slow cores have the high numbers.
        let isolated = cpu_list(&self.text(&format!("{CPU}/isolated")).unwrap_or_default());
        let subject = *cpus
            .iter()
            .max_by_key(|&&cpu| (isolated.contains(&cpu), self.capacity(cpu), cpu))?;
        let siblings = self.siblings(subject);
        let harness = cpus
            .iter()
            .find(|cpu| !siblings.contains(cpu))
            .or_else(|| cpus.iter().find(|&&cpu| cpu != subject))?;
        Some((subject, *harness))
    }

    /// The hardware threads of a CPU's core, itself included.
    pub fn siblings(&self, cpu: u32) -> Vec<u32> {
        let topology = format!("{CPU}/cpu{cpu}/topology");
        let list = self
            .text(&format!("{topology}/core_cpus_list"))
            .or_else(|| self.text(&format!("{topology}/thread_siblings_list")));
        let mut siblings = cpu_list(&list.unwrap_or_default());
        if !siblings.contains(&cpu) {
            siblings.push(cpu);
        }
        siblings
    }

    /// How fast a CPU is beside the others, 1024 for the fastest.
    fn capacity(&self, cpu: u32) -> u64 {
        let told = self.number(&format!("{CPU}/cpu{cpu}/cpu_capacity"));
        let slow = cpu_list(&self.text("/sys/devices/cpu_atom/cpus").unwrap_or_default());
        told.unwrap_or(if slow.contains(&cpu) { 512 } else { 1024 })
    }

    /// The frequency governor of the CPUs we may run on; all of them, where they differ.
    pub(super) fn governor(&self) -> Option<String> {
        let mut governors: Vec<String> = self
            .cpus()
            .into_iter()
            .filter_map(|cpu| self.text(&format!("{CPU}/cpu{cpu}/cpufreq/scaling_governor")))
            .collect();
        governors.sort();
        governors.dedup();
        (!governors.is_empty()).then(|| governors.join(", "))
    }

    /// CPU model; on Arm, where the kernel tells only numbers, the core's name if we know it.
    pub(super) fn cpu_model(&self) -> Option<String> {
        let text = self.text("/proc/cpuinfo")?;
        let field = |name: &str| {
            text.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                (key.trim() == name).then(|| value.trim().to_owned())
            })
        };
        if let Some(model) = field("model name") {
            return Some(model);
        }
        let implementer = field("CPU implementer")?;
        let part = field("CPU part")?;
        let name = ARM_CORES
            .iter()
            .find(|(maker, number, _)| *maker == implementer && *number == part);
        Some(match name {
            Some((_, _, name)) => (*name).to_owned(),
            None => format!("Arm implementer {implementer} part {part}"),
        })
    }

    /// A line of `/proc/stat`: `cpu` for all CPUs together, `cpu3` for one.
    pub(in crate::harness) fn cpu_times(&self, name: &str) -> Option<CpuTimes> {
        let text = self.text("/proc/stat")?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        // user nice system idle iowait irq softirq steal guest guest_nice; the guest's are in user.
        let ticks: Vec<u64> = line
            .split_whitespace()
            .map_while(|word| word.parse().ok())
            .collect();
        let at = |index: usize| ticks.get(index).copied().unwrap_or(0);
        let busy = [0, 1, 2, 5, 6]
            .iter()
            .fold(0_u64, |sum, &index| sum.saturating_add(at(index)));
        Some(CpuTimes {
            busy_ns: busy.saturating_mul(TICK_NS),
            steal_ns: at(7).saturating_mul(TICK_NS),
        })
    }
}

/// Reads `0-3,8,10-11`. What is not a list of CPUs is left out.
fn cpu_list(text: &str) -> Vec<u32> {
    /// More than any kernel is built for: a made-up range must not fill memory.
    const MOST: u32 = 8192;
    let mut cpus: Vec<u32> = text
        .split(',')
        .filter_map(|range| {
            let (low, high) = range.split_once('-').unwrap_or((range, range));
            Some((low.trim().parse().ok()?, high.trim().parse().ok()?))
        })
        .flat_map(|(low, high): (u32, u32)| low..=high.min(MOST))
        .collect();
    cpus.sort_unstable();
    cpus.dedup();
    cpus
}

/// Arm's cores that servers have, by implementer and part.
const ARM_CORES: [(&str, &str, &str); 8] = [
    ("0x41", "0xd03", "Cortex-A53"),
    ("0x41", "0xd08", "Cortex-A72"),
    ("0x41", "0xd0b", "Cortex-A76"),
    ("0x41", "0xd0c", "Neoverse-N1"),
    ("0x41", "0xd40", "Neoverse-V1"),
    ("0x41", "0xd49", "Neoverse-N2"),
    ("0x41", "0xd4f", "Neoverse-V2"),
    ("0xc0", "0xac3", "Ampere-1"),
];
