//! In what the hosts and programs of recorded runs differ.

use std::collections::BTreeSet;

use crate::recording::{Host, Run, plain};

/// What is found.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// All of them, in words, with those that forbid a verdict first.
    pub words: Vec<String>,
    /// Those that forbid a verdict: what differs besides might be all that differs.
    pub forbid: Vec<String>,
}

/// One thing that a run says of its host or its program; `None` is "not known".
type Read = fn(&Run) -> Option<String>;
/// Likewise, of its host alone.
type ReadHost = fn(&Host) -> Option<String>;

/// What a latency depends on: runs that differ in it compare hosts, not programs.
const FORBID: [(&str, ReadHost); 16] = [
    ("host", |host| Some(host.name.clone())),
    ("architecture", |host| Some(host.architecture.clone())),
    ("CPU", |host| host.cpu.clone()),
    ("CPUs", |host| Some(host.cpus.to_string())),
    ("kernel", |host| Some(host.kernel.clone())),
    ("kernel build", |host| host.kernel_version.clone()),
    ("kernel command line", |host| {
        host.kernel_command_line.clone()
    }),
    ("libc", |host| host.libc.clone()),
    ("virtualization", |host| host.virtualization.clone()),
    ("clock source", |host| host.clock_source.clone()),
    ("governor", |host| host.governor.clone()),
    ("THP", |host| host.thp.clone()),
    ("THP of shared memory", |host| host.thp_shmem.clone()),
    ("mTHP", |host| match host.mthp.join(", ") {
        none if none.is_empty() => Some("none".to_owned()),
        sizes => Some(sizes),
    }),
    ("DAMON", |host| host.damon.map(|on| on.to_string())),
    ("overcommit", |host| {
        host.overcommit.map(|value| value.to_string())
    }),
];

/// Those of them that come with the kernel.
const OF_KERNEL: [&str; 3] = ["kernel", "kernel build", "kernel command line"];

/// What is worth knowing and may well be what is compared, or matters little.
const NAME: [(&str, Read); 8] = [
    ("boot", |run| run.host.boot_id.clone()),
    ("huge pages reserved", |run| {
        run.host.hugetlb_pages.map(|pages| pages.to_string())
    }),
    ("memory", |run| bytes(run.host.memory)),
    ("memory limit of the cgroup", |run| {
        bytes(run.host.cgroup_memory_limit)
    }),
    ("process limit of the cgroup", |run| {
        run.host.cgroup_pids_limit.map(|most| most.to_string())
    }),
    ("forkbench", |run| Some(run.tool.version.clone())),
    ("forkbench's commit", |run| run.tool.commit.clone()),
    ("driver", |run| Some(run.tool.driver.clone())),
];

fn bytes(count: Option<u64>) -> Option<String> {
    count.map(|count| format!("{count} bytes"))
}

/// Compares all runs of both sides with each other.
pub(super) fn differences(base: &[&Run], candidate: &[&Run]) -> Differences {
    let mut found = Differences::default();
    for (name, read) in FORBID {
        found.add(name, [base, candidate], |run| read(&run.host), true);
    }
    let hosts = base.iter().chain(candidate).map(|run| &run.host);
    let mitigations: BTreeSet<&String> = hosts.flat_map(|host| host.mitigations.keys()).collect();
    for key in mitigations {
        let name = format!("mitigation {}", plain(key));
        let read = |run: &Run| mitigation(&run.host, key);
        found.add(&name, [base, candidate], read, true);
    }
    for (name, read) in NAME {
        found.add(name, [base, candidate], read, false);
    }
    found
}

/// In what two hosts differ that a latency depends on, in words.
pub fn host_differences(one: &Host, other: &Host) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |name: &str, values: [Option<String>; 2]| {
        if let [Some(one), Some(other)] = values {
            if one != other {
                found.push(format!("{name}: {} against {}", plain(&one), plain(&other)));
            }
        }
    };
    for (name, read) in FORBID {
        add(name, [read(one), read(other)]);
    }
    let keys: BTreeSet<&String> = one
        .mitigations
        .keys()
        .chain(other.mitigations.keys())
        .collect();
    for key in keys {
        let name = format!("mitigation {}", plain(key));
        add(&name, [mitigation(one, key), mitigation(other, key)]);
    }
    found
}

/// What tells a host from others, its kernel left aside: by name, as far as it is known.
pub fn host_traits(host: &Host) -> Vec<(String, Option<String>)> {
    let traits = FORBID.iter().filter(|(name, _)| !OF_KERNEL.contains(name));
    let read = |(name, read): &(&str, ReadHost)| ((*name).to_owned(), read(host));
    traits.map(read).collect()
}

/// What tells a host's kernel from others, likewise; it decides over mitigations, too.
pub fn kernel_traits(host: &Host) -> Vec<(String, Option<String>)> {
    let traits = FORBID.iter().filter(|(name, _)| OF_KERNEL.contains(name));
    let read = |(name, read): &(&str, ReadHost)| ((*name).to_owned(), read(host));
    let mitigations = host.mitigations.iter();
    let mitigations =
        mitigations.map(|(name, value)| (format!("mitigation {name}"), Some(value.clone())));
    traits.map(read).chain(mitigations).collect()
}

/// A host that names other mitigations has this one off; one that names none was not asked.
fn mitigation(host: &Host, key: &String) -> Option<String> {
    let named = host.mitigations.get(key).cloned();
    named.or_else(|| (!host.mitigations.is_empty()).then(|| "none".to_owned()))
}

impl Differences {
    fn add(
        &mut self,
        name: &str,
        sides: [&[&Run]; 2],
        read: impl Fn(&Run) -> Option<String>,
        forbids: bool,
    ) {
        let values = sides.map(|runs| {
            let values = runs.iter().map(|run| read(run));
            values.collect::<BTreeSet<Option<String>>>()
        });
        let all: BTreeSet<_> = values.iter().flatten().collect();
        let (different, known) = (all.len(), all.into_iter().flatten().count());
        if different < 2 {
            return;
        }
        let [base, candidate] = values.map(|values| {
            let values = values.iter().map(|value| match value {
                Some(value) => plain(value),
                None => "not known".to_owned(),
            });
            values.collect::<Vec<_>>().join(" and ")
        });
        let words = format!("{name}: {base} against {candidate}");
        // What one side could not read may well be the same.
        if forbids && known > 1 {
            self.forbid.push(words.clone());
            self.words.insert(self.forbid.len() - 1, words);
        } else {
            self.words.push(words);
        }
    }

    /// Why nothing can be said of the sides, if so.
    pub(super) fn reason(&self) -> Option<String> {
        const MOST: usize = 3;
        let first = self.forbid.get(..MOST).unwrap_or(&self.forbid).join("; ");
        let more = match self.forbid.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        (!self.forbid.is_empty()).then(|| {
            format!(
                "the sides differ in more than what is compared ({first}{more}): measure both on one host with \
                 `forkbench ab`, or pass --across-hosts to take the difference as it is"
            )
        })
    }
}
