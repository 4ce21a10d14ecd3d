use super::*;

/// Files of a made-up host, by absolute path.
type Files<'a> = &'a [(&'a str, &'a str)];

/// A made-up host: files by absolute path.
pub(in crate::harness) struct MadeUp {
    directory: tempfile::TempDir,
}

impl MadeUp {
    pub(in crate::harness) fn new(files: Files) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let made_up = Self { directory };
        for (path, text) in files {
            made_up.write(path, text.as_bytes());
        }
        made_up
    }

    pub(in crate::harness) fn write(&self, absolute: &str, bytes: &[u8]) {
        let path = self.environment().path(absolute);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        std::fs::write(path, bytes).expect("a file");
    }

    pub(in crate::harness) fn environment(&self) -> Environment {
        Environment::at(self.directory.path())
    }
}

const V1_MOUNT: &str = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
     39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n";
const V2_MOUNT: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

#[test]
fn an_empty_host_answers_nothing_and_does_not_panic() {
    let host = MadeUp::new(&[]).environment().host();
    assert_eq!(host.cpu, None);
    assert_eq!(host.cpus, 0);
    assert_eq!(host.virtualization, None);
    assert_eq!(host.damon, None);
    assert_eq!(host.memory_available, None);
    assert_eq!(host.cgroup_memory_limit, None);
    assert!(host.mthp.is_empty() && host.mitigations.is_empty());
    assert_eq!(MadeUp::new(&[]).environment().choose_cpus(), None);
}

#[test]
fn this_host_is_read() {
    let host = host();
    assert!(!host.kernel.is_empty() && host.kernel != "unknown");
    assert!(host.memory > host.memory_available, "{host:?}");
    assert_eq!(host.cpus as usize, cpus().len());
    assert!(host.cpus > 0);
    assert!(host.libc.is_some());
    assert!(Environment::here().page_size().is_power_of_two());
}

#[test]
fn settings_are_the_words_in_brackets() {
    let host = MadeUp::new(&[
        (
            "/sys/kernel/mm/transparent_hugepage/enabled",
            "always [madvise] never\n",
        ),
        (
            "/sys/kernel/mm/transparent_hugepage/shmem_enabled",
            "always within_size advise [never] deny force\n",
        ),
        (
            "/sys/kernel/mm/transparent_hugepage/hugepages-2048kB/enabled",
            "always [inherit] madvise never\n",
        ),
        (
            "/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled",
            "[always] inherit madvise never\n",
        ),
        (
            "/sys/kernel/mm/transparent_hugepage/hugepages-16kB/enabled",
            "always inherit madvise [never]\n",
        ),
        (
            "/sys/devices/system/cpu/vulnerabilities/spectre_v1",
            "Mitigation: usercopy/swapgs barriers\n",
        ),
        (
            "/sys/devices/system/cpu/vulnerabilities/mds",
            "Not affected\n",
        ),
    ])
    .environment()
    .host();
    assert_eq!(host.thp.as_deref(), Some("madvise"));
    assert_eq!(host.thp_shmem.as_deref(), Some("never"));
    assert_eq!(host.mthp, ["64kB=always", "2048kB=inherit"]);
    assert_eq!(host.mitigations.len(), 1);
    assert!(host.mitigations["spectre_v1"].starts_with("Mitigation"));
}

#[test]
fn the_smallest_v1_memory_limit_on_the_path_counts() {
    let made_up = MadeUp::new(&[
        (
            "/proc/self/cgroup",
            "4:memory:/outer/inner\n8:pids:/\n0::/\n",
        ),
        ("/proc/self/mountinfo", V1_MOUNT),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712\n",
        ),
        (
            "/sys/fs/cgroup/memory/outer/memory.limit_in_bytes",
            "1000000\n",
        ),
        (
            "/sys/fs/cgroup/memory/outer/memory.usage_in_bytes",
            "700000\n",
        ),
        (
            "/sys/fs/cgroup/memory/outer/memory.stat",
            "cache 5\ntotal_inactive_file 100000\n",
        ),
        (
            "/sys/fs/cgroup/memory/outer/inner/memory.limit_in_bytes",
            "2000000\n",
        ),
        ("/sys/fs/cgroup/pids/pids.max", "512\n"),
        ("/sys/fs/cgroup/pids/pids.current", "500\n"),
        ("/proc/meminfo", "MemAvailable:   9000 kB\n"),
    ]);
    let environment = made_up.environment();
    let memory = environment.cgroup_memory();
    assert_eq!(memory.limit, Some(1_000_000));
    assert_eq!(memory.left, Some(400_000));
    assert_eq!(environment.memory_available(), Some(400_000));
    let pids = environment.cgroup_pids();
    assert_eq!((pids.limit, pids.left), (Some(512), Some(12)));
}

#[test]
fn the_smallest_v2_memory_limit_on_the_path_counts() {
    let made_up = MadeUp::new(&[
        ("/proc/self/cgroup", "0::/system.slice/job.service\n"),
        ("/proc/self/mountinfo", V2_MOUNT),
        ("/sys/fs/cgroup/system.slice/memory.max", "max\n"),
        ("/sys/fs/cgroup/system.slice/memory.high", "300\n"),
        ("/sys/fs/cgroup/system.slice/memory.current", "100\n"),
        (
            "/sys/fs/cgroup/system.slice/job.service/memory.max",
            "500\n",
        ),
        ("/sys/fs/cgroup/system.slice/job.service/pids.max", "max\n"),
        ("/proc/meminfo", "MemAvailable:   9 kB\n"),
    ]);
    let host = made_up.environment().host();
    assert_eq!(host.cgroup_memory_limit, Some(300));
    assert_eq!(host.cgroup_pids_limit, None);
    assert_eq!(host.memory_available, Some(200));
}

#[test]
fn a_container_sees_its_own_group_at_the_mount_point() {
    // Without a cgroup namespace the path names directories that are not mounted here.
    for group in ["/docker/abc", "/", "/../other"] {
        let made_up = MadeUp::new(&[
            ("/proc/self/cgroup", &format!("0::{group}\n")),
            (
                "/proc/self/mountinfo",
                "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
            ),
            ("/sys/fs/cgroup/memory.max", "4096\n"),
        ]);
        let limit = made_up.environment().cgroup_memory().limit;
        assert_eq!(limit, Some(4096), "{group}");
    }
}

#[test]
fn what_it_is_virtualised_by() {
    let flags = ("/proc/cpuinfo", "flags\t\t: fpu hypervisor lahf_lm\n");
    let clocks = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
    let vendor = "/sys/class/dmi/id/sys_vendor";
    let product = "/sys/class/dmi/id/product_name";
    let cases: [(Files, Option<&str>); 12] = [
        (&[], None),
        (&[("/proc/cpuinfo", "flags : fpu\n")], Some("none")),
        (&[flags], Some("unknown hypervisor")),
        (&[flags, (clocks, "tsc kvm-clock \n")], Some("kvm")),
        (
            &[
                flags,
                (clocks, "kvm-clock\n"),
                ("/proc/cmdline", "quiet nested_pvm=1 x\n"),
            ],
            Some("kvm (nested)"),
        ),
        (
            &[
                flags,
                (clocks, "kvm-clock\n"),
                ("/proc/cmdline", "nested_pvm=0\n"),
            ],
            Some("kvm"),
        ),
        (&[flags, (vendor, "VMware, Inc.\n")], Some("vmware")),
        (
            &[
                flags,
                (vendor, "Microsoft Corporation\n"),
                (product, "Virtual Machine\n"),
            ],
            Some("hyper-v"),
        ),
        (&[("/sys/hypervisor/type", "xen\n")], Some("xen")),
        // Arm: no flags line.
        (
            &[
                ("/proc/cpuinfo", "Features : fp\n"),
                (vendor, "Amazon EC2\n"),
                (product, "m7g.metal\n"),
            ],
            Some("none"),
        ),
        (
            &[("/proc/cpuinfo", "flags : fpu\n"), ("/.dockerenv", "")],
            Some("none, in docker"),
        ),
        (
            &[
                flags,
                (clocks, "kvm-clock"),
                ("/proc/1/environ", "A=b\0container=lxc\0C=d\0"),
            ],
            Some("kvm, in lxc"),
        ),
    ];
    for (files, expected) in cases {
        let found = MadeUp::new(files).environment().virtualization();
        assert_eq!(found.as_deref(), expected, "{files:?}");
    }
}

#[test]
fn damon_is_seen_by_its_thread_its_state_or_its_module() {
    let nothing = ("/proc/1/comm", "init\n");
    let cases: [(Files, Option<bool>); 4] = [
        (&[nothing], Some(false)),
        (&[nothing, ("/proc/77/comm", "kdamond.0\n")], Some(true)),
        (
            &[
                nothing,
                ("/sys/kernel/mm/damon/admin/kdamonds/0/state", "on\n"),
            ],
            Some(true),
        ),
        (
            &[
                nothing,
                ("/sys/module/damon_reclaim/parameters/enabled", "N\n"),
            ],
            Some(false),
        ),
    ];
    for (files, expected) in cases {
        assert_eq!(
            MadeUp::new(files).environment().damon(),
            expected,
            "{files:?}"
        );
    }
}

fn topology(allowed: &str, siblings: &[(u32, &str)]) -> MadeUp {
    let made_up = MadeUp::new(&[(
        "/proc/self/status",
        &format!("Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t{allowed}\n"),
    )]);
    for (cpu, list) in siblings {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/core_cpus_list");
        made_up.write(&path, list.as_bytes());
    }
    made_up
}

#[test]
fn the_harness_gets_another_core_than_the_subject() {
    let one = topology("3", &[(3, "3")]);
    assert_eq!(one.environment().cpus(), [3]);
    assert_eq!(one.environment().choose_cpus(), None);

    let two_cores = topology("0-1", &[(0, "0"), (1, "1")]);
    assert_eq!(two_cores.environment().choose_cpus(), Some((1, 0)));

    // Siblings are neighbours here: 6 and 7 share a core.
    let pairs = topology("4,6-7", &[(7, "6-7"), (6, "6-7"), (4, "4-5")]);
    assert_eq!(pairs.environment().choose_cpus(), Some((7, 4)));

    // One core with two threads: the sibling is better than no pinning.
    let one_core = topology("0-1", &[(0, "0-1"), (1, "0-1")]);
    assert_eq!(one_core.environment().choose_cpus(), Some((1, 0)));
}

#[test]
fn the_subject_gets_a_fast_core_on_a_hybrid_processor() {
    let hybrid = topology("0-3", &[]);
    hybrid.write("/sys/devices/cpu_atom/cpus", b"2-3\n");
    assert_eq!(hybrid.environment().choose_cpus(), Some((1, 0)));
    let capacities = topology("0-2", &[]);
    for (cpu, capacity) in [(0, "1024"), (1, "446"), (2, "446")] {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpu_capacity");
        capacities.write(&path, capacity.as_bytes());
    }
    assert_eq!(capacities.environment().choose_cpus(), Some((0, 1)));
}

#[test]
fn processor_time_is_read_in_nanoseconds() {
    let made_up = MadeUp::new(&[(
        "/proc/stat",
        "cpu  10 0 5 100 3 1 1 7 4 0\ncpu0 4 0 0 50 0 0 0 7 0 0\ncpu10 1 0 0 0 0 0 0 0 0 0\n",
    )]);
    let environment = made_up.environment();
    assert_eq!(environment.steal_ns(), Some(70_000_000));
    let all = environment.cpu_times("cpu").expect("the first line");
    assert_eq!(all.busy_ns, 170_000_000);
    assert_eq!(
        environment.cpu_times("cpu1"),
        None,
        "cpu10 is another CPU than cpu1"
    );
}

#[test]
fn what_is_for_init_is_no_kernel_parameter() {
    let made_up = MadeUp::new(&[("/proc/cmdline", "quiet thp=a -- --token secret\n")]);
    let host = made_up.environment().host();
    assert_eq!(host.kernel_command_line.as_deref(), Some("quiet thp=a"));
}

#[test]
fn an_arm_core_has_a_name() {
    let cpuinfo = "processor : 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n";
    let known = MadeUp::new(&[("/proc/cpuinfo", cpuinfo)]);
    assert_eq!(
        known.environment().cpu_model().as_deref(),
        Some("Neoverse-V1")
    );
    let cpuinfo = "CPU implementer\t: 0x77\nCPU part\t: 0x001\n";
    let unknown = MadeUp::new(&[("/proc/cpuinfo", cpuinfo)]);
    assert_eq!(
        unknown.environment().cpu_model().as_deref(),
        Some("Arm implementer 0x77 part 0x001")
    );
}

#[test]
fn kernel_releases_compare_by_number() {
    assert_eq!(
        Release::parse("6.18.44-fc"),
        Some(Release {
            major: 6,
            minor: 18
        })
    );
    assert_eq!(
        Release::parse("6.1-rc3"),
        Some(Release { major: 6, minor: 1 })
    );
    assert_eq!(Release::parse("nonsense"), None);
    assert!(Release::parse("5.4") < Release::parse("5.14"));
}

#[test]
fn a_hostile_file_neither_fills_memory_nor_panics() {
    let made_up = topology("0-4294967295,x,7-2,,-", &[]);
    made_up.write(
        "/proc/stat",
        b"cpu 18446744073709551615 0 18446744073709551615 x\n",
    );
    made_up.write("/proc/self/cgroup", b":::\n\n0\n0::\n");
    made_up.write(
        "/proc/self/mountinfo",
        b" - \n1 - cgroup2\n - cgroup2 a b\n",
    );
    made_up.write("/proc/meminfo", b"MemTotal: 18446744073709551615 kB\n:\n");
    made_up.write("/proc/self/auxv", &[0xff; 37]);
    let environment = made_up.environment();
    assert!(environment.cpus().len() <= 8193);
    assert_eq!(environment.host().memory, Some(u64::MAX));
    assert_eq!(environment.page_size(), 4096);
    assert!(environment.cpu_times("cpu").is_some());
}
