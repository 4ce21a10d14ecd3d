use super::*;
use crate::harness::environment::{Answer, Headroom, Release};

/// A host on which nothing is amiss.
fn healthy() -> (Host, Facts) {
    let host = Host {
        cpus: 4,
        kernel: "6.12.1".to_owned(),
        virtualization: Some("none".to_owned()),
        clock_source: Some("tsc".to_owned()),
        governor: Some("performance".to_owned()),
        thp: Some("madvise".to_owned()),
        hugetlb_pages: Some(512),
        damon: Some(false),
        overcommit: Some(0),
        memory: Some(64 << 30),
        memory_available: Some(60 << 30),
        ..Host::default()
    };
    let facts = Facts {
        cpus: Some((3, 0)),
        sibling_busy: None,
        clock_sources: vec!["tsc".to_owned()],
        turbo: Some(false),
        window_ns: 1_000_000_000,
        steal_ns: Some(0),
        others_running: Some(0.01),
        load: Some(0.1),
        gap_ns: Some(4_000),
        page_reporting: Some(false),
        hugetlb_free: Some(512),
        page_size: 4096,
        free_blocks: vec![10, 10, 10, 0, 0, 0, 0, 0, 0, 100, 4000],
        swap_used: Some(0),
        ksm: Some(false),
        files: Some(20_000),
        ptrace: Some(Answer::Offered),
        clone3: Some(Answer::Offered),
        pagemap_frames: Some(true),
        release: Some(Release {
            major: 6,
            minor: 12,
        }),
        ..Facts::default()
    };
    (host, facts)
}

#[track_caller]
fn find(name: &str, host: &Host, facts: &Facts) -> Finding {
    let found: Vec<Finding> = findings(host, facts)
        .into_iter()
        .filter(|finding| finding.name == name)
        .collect();
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0].clone()
}

/// What `change` makes of a healthy host.
#[track_caller]
fn after(name: &str, change: impl FnOnce(&mut Host, &mut Facts)) -> Finding {
    let (mut host, mut facts) = healthy();
    assert_eq!(find(name, &host, &facts).severity, Severity::Fine);
    change(&mut host, &mut facts);
    let found = find(name, &host, &facts);
    if found.severity > Severity::Fine {
        assert!(!found.effect.is_empty(), "{found:?}");
    }
    found
}

#[test]
fn a_healthy_host_is_fine_in_every_respect() {
    let (host, facts) = healthy();
    let found = findings(&host, &facts);
    assert_eq!(found.len(), CHECKS.len(), "one finding per question");
    for finding in &found {
        assert_eq!(finding.severity, Severity::Fine, "{finding:?}");
        assert!(finding.remedy.is_empty(), "{finding:?}");
    }
    let mut names: Vec<&str> = found.iter().map(|finding| finding.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CHECKS.len(), "names are unique");
    for (name, _) in FORBIDS {
        assert!(names.contains(&name), "{name}");
    }
    let said = conclusion(&host, &found);
    assert!(
        said.contains("30.0 GiB") && !said.contains("not:"),
        "{said}"
    );
}

#[test]
fn silence_is_no_finding_of_noise() {
    let found = findings(&Host::default(), &Facts::default());
    assert!(
        found.iter().all(|f| f.severity != Severity::Warning),
        "{found:?}"
    );
}

#[test]
fn a_clock_behind_a_system_call_is_named_with_the_better_one() {
    let found = after("clock-source", |host, facts| {
        host.clock_source = Some("hpet".to_owned());
        facts.clock_sources = vec!["hpet".to_owned(), "tsc".to_owned()];
    });
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.remedy.starts_with("echo tsc | sudo tee"), "{found:?}");
    let found = after("clock-source", |host, _| {
        host.clock_source = Some("kvm-clock".to_owned());
    });
    assert_eq!(found.severity, Severity::Fine);
}

#[test]
fn one_cpu() {
    let found = after("single-cpu", |host, facts| {
        host.cpus = 1;
        facts.cpus = None;
    });
    assert_eq!(found.severity, Severity::Warning);
}

#[test]
fn nested_virtualisation_and_foreign_kernels() {
    let found = after("virtualization", |host, _| {
        host.virtualization = Some("kvm (nested)".to_owned());
    });
    assert_eq!(found.severity, Severity::Note);
    let found = after("virtualization", |host, _| {
        host.virtualization = Some("gvisor, in docker".to_owned());
    });
    assert_eq!(found.severity, Severity::Warning);
    let found = after("virtualization", |host, _| {
        host.virtualization = Some("kvm".to_owned());
    });
    assert_eq!(found.severity, Severity::Fine);
}

#[test]
fn a_frequency_that_moves() {
    for governor in [
        "powersave",
        "ondemand",
        "schedutil",
        "performance, powersave",
    ] {
        let found = after("governor", |host, _| {
            host.governor = Some(governor.to_owned());
        });
        assert_eq!(found.severity, Severity::Warning, "{governor}");
        assert!(found.remedy.contains("scaling_governor"), "{found:?}");
    }
    for turbo in [None, Some(true)] {
        let found = after("turbo", |_, facts| facts.turbo = turbo);
        assert_eq!(found.severity, Severity::Note, "{turbo:?}");
    }
}

#[test]
fn a_core_shared_with_busy_threads_or_with_the_harness() {
    let sibling = |share: f64| {
        after("smt", |_, facts| {
            facts.siblings = vec![2];
            facts.sibling_busy = Some(share);
        })
    };
    assert_eq!(sibling(0.01).severity, Severity::Fine);
    let found = sibling(0.5);
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.seen.contains("50 %"), "{found:?}");
    let found = after("smt", |_, facts| facts.siblings = vec![0]);
    assert_eq!(found.severity, Severity::Note);
}

#[test]
fn other_tasks_steal_and_pauses() {
    let found = after("busy", |_, facts| facts.others_running = Some(1.5));
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.seen.contains("1.5 other tasks"), "{found:?}");
    let found = after("steal", |_, facts| facts.steal_ns = Some(10_000_000));
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.seen.contains("10.0 ms of 1.00 s"), "{found:?}");
    let gap = |ns: u64| after("gap", |_, facts| facts.gap_ns = Some(ns)).severity;
    assert_eq!(gap(99_999), Severity::Fine);
    assert_eq!(gap(100_000), Severity::Note);
    assert_eq!(gap(1_000_000), Severity::Warning);
}

#[test]
fn little_memory_and_tight_groups() {
    let found = after("memory", |host, _| host.memory_available = Some(2 << 30));
    assert_eq!(found.severity, Severity::Note);
    assert!(found.effect.contains("1.00 GiB"), "{found:?}");
    let group = |left: u64| {
        let headroom = Headroom {
            limit: Some(32 << 30),
            left: Some(left),
        };
        after("cgroup-memory", |_, facts| facts.cgroup_memory = headroom).severity
    };
    assert_eq!(group(16 << 30), Severity::Fine);
    assert_eq!(group(4 << 30), Severity::Note);
    assert_eq!(group(1 << 20), Severity::Warning);
}

#[test]
fn strict_overcommit() {
    let found = after("overcommit", |host, facts| {
        host.overcommit = Some(2);
        facts.commit_left = Some(1 << 30);
    });
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.seen.contains("1.00 GiB"), "{found:?}");
    assert!(found.effect.contains("ENOMEM"), "{found:?}");
}

#[test]
fn huge_pages() {
    let thp = |general: Option<&str>, own: &[&str]| {
        after("thp", |host, _| {
            host.thp = general.map(str::to_owned);
            host.mthp = own.iter().map(|size| (*size).to_owned()).collect();
        })
        .severity
    };
    assert_eq!(thp(Some("never"), &[]), Severity::Refused);
    assert_eq!(thp(Some("never"), &["2048kB=inherit"]), Severity::Refused);
    assert_eq!(thp(Some("never"), &["2048kB=madvise"]), Severity::Fine);
    assert_eq!(thp(Some("always"), &["2048kB=inherit"]), Severity::Note);
    assert_eq!(thp(None, &[]), Severity::Refused);
    let found = after("hugetlb", |host, facts| {
        host.hugetlb_pages = Some(0);
        facts.hugetlb_free = Some(0);
    });
    assert_eq!(found.severity, Severity::Note);
    assert!(found.remedy.contains("vm.nr_hugepages"), "{found:?}");
    let found = after("hugetlb", |_, facts| facts.hugetlb_free = Some(0));
    assert!(found.seen.contains("none free"), "{found:?}");
}

#[test]
fn scattered_free_memory() {
    let found = after("fragmentation", |_, facts| {
        facts.free_blocks = vec![100_000, 10, 10, 0, 0, 0, 0, 0, 0, 1, 1];
    });
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.remedy.contains("compact_memory"), "{found:?}");
    // A made-up file cannot overflow the sum.
    let found = after("fragmentation", |_, facts| {
        facts.free_blocks = vec![u64::MAX; 80];
    });
    assert_eq!(found.severity, Severity::Fine);
}

#[test]
fn what_works_on_memory_behind_the_subjects_back() {
    let found = after("damon", |host, facts| {
        host.damon = Some(true);
        facts.damon_switches = vec![("/sys/a/state".to_owned(), "off")];
    });
    assert_eq!(found.severity, Severity::Warning);
    assert_eq!(found.remedy, "echo off | sudo tee /sys/a/state");
    let found = after("damon", |host, _| host.damon = Some(true));
    assert!(found.remedy.starts_with("echo off"), "{found:?}");
    let found = after("page-reporting", |_, facts| {
        facts.page_reporting = Some(true);
    });
    assert_eq!(found.severity, Severity::Note);
    let found = after("ksm", |_, facts| facts.ksm = Some(true));
    assert_eq!(found.severity, Severity::Warning);
    let found = after("swap", |_, facts| facts.swap_used = Some(1 << 20));
    assert_eq!(found.severity, Severity::Warning);
    assert_eq!(found.remedy, "sudo swapoff -a");
}

#[test]
fn kernels_without_populate() {
    let found = after("populate", |_, facts| {
        facts.release = Some(Release {
            major: 5,
            minor: 10,
        });
    });
    assert_eq!(found.severity, Severity::Note);
}

#[test]
fn limits_of_tasks_and_files() {
    for name in ["cgroup-pids", "processes"] {
        let limit = |left: u64| {
            let headroom = Headroom {
                limit: Some(1000),
                left: Some(left),
            };
            after(name, |_, facts| match name {
                "processes" => facts.processes = headroom,
                _ => facts.cgroup_pids = headroom,
            })
            .severity
        };
        assert_eq!(limit(900), Severity::Fine, "{name}");
        assert_eq!(limit(63), Severity::Warning, "{name}");
        assert_eq!(limit(3), Severity::Refused, "{name}");
    }
    let found = after("files", |_, facts| facts.files = Some(256));
    assert_eq!(found.severity, Severity::Note);
    assert!(found.remedy.starts_with("ulimit -n"), "{found:?}");
}

#[test]
fn filters_and_modules_that_forbid_system_calls() {
    for answer in [Answer::Unknown, Answer::Forbidden] {
        let found = after("clone3", |_, facts| facts.clone3 = Some(answer));
        assert_eq!(found.severity, Severity::Refused);
        let found = after("ptrace", |_, facts| facts.ptrace = Some(answer));
        assert_eq!(found.severity, Severity::Refused);
    }
    let yama = |scope: u32, capable: bool| {
        after("ptrace", |_, facts| {
            facts.yama = Some(scope);
            facts.may_trace_anyone = capable;
        })
        .severity
    };
    assert_eq!(
        yama(1, false),
        Severity::Fine,
        "a parent may trace its child"
    );
    assert_eq!(yama(2, false), Severity::Refused);
    assert_eq!(yama(2, true), Severity::Fine);
    assert_eq!(yama(3, true), Severity::Refused);
}

#[test]
fn hidden_frame_numbers() {
    let found = after("pagemap", |_, facts| facts.pagemap_frames = Some(false));
    assert_eq!(found.severity, Severity::Note);
}

#[test]
fn the_conclusion_names_what_cannot_be_measured_and_what_disturbs() {
    let (mut host, mut facts) = healthy();
    host.thp = Some("never".to_owned());
    facts.ptrace = Some(Answer::Forbidden);
    facts.steal_ns = Some(20_000_000);
    let said = conclusion(&host, &findings(&host, &facts));
    assert!(said.contains("`+thp`"), "{said}");
    assert!(said.contains("`forkbench verify`"), "{said}");
    assert!(said.contains("Figures suffer from: steal."), "{said}");
    assert!(!said.contains("clone3"), "{said}");
}

#[test]
fn this_host_is_examined() {
    let environment = Environment::here();
    let host = environment.host();
    let found = examine(&environment, &host, Duration::from_millis(20));
    assert!(found.iter().any(|finding| finding.name == "gap"));
    assert!(conclusion(&host, &found).ends_with('.'));
}
