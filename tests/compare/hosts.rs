//! Hosts and programs that differ.

use forkbench::comparison::Asked;
use forkbench::recording::RunLine;
use forkbench::statistics::Verdict;

use crate::made::*;

#[test]
fn hosts_that_differ_forbid_a_verdict_unless_that_is_asked() {
    type Change = fn(&mut RunLine);
    let changes: [(&str, Change); 9] = [
        ("kernel: 6.18.0 against 6.19.0", |run| {
            run.host.kernel = "6.19.0".into()
        }),
        ("host: alpha against beta", |run| {
            run.host.name = "beta".into()
        }),
        ("architecture: x86_64 against aarch64", |run| {
            run.host.architecture = "aarch64".into()
        }),
        ("THP: madvise against always", |run| {
            run.host.thp = Some("always".into())
        }),
        ("mTHP: 64kB=inherit against none", |run| {
            run.host.mthp.clear()
        }),
        ("CPUs: 2 against 4", |run| run.host.cpus = 4),
        ("libc: glibc 2.36 against musl", |run| {
            run.host.libc = Some("musl".into())
        }),
        (
            "mitigation spectre_v2: Mitigation against Vulnerable",
            |run| {
                run.host
                    .mitigations
                    .insert("spectre_v2".into(), "Vulnerable".into());
            },
        ),
        ("mitigation retbleed: none against Vulnerable", |run| {
            run.host
                .mitigations
                .insert("retbleed".into(), "Vulnerable".into());
        }),
    ];
    for (words, change) in changes {
        let pair = || [vec![run("a", 0.0)], vec![run("b", 0.20).on(change)]];
        let [base, candidate] = pair();
        let found = judged_of(base, candidate, &asked());
        assert_reason(&found, &[words, "--across-hosts", "forkbench ab"]);
        assert_eq!(found.differences, [words], "{words}");
        // The figures stand; an interval would claim what nobody knows.
        let cell = &found.cells[0];
        assert!(cell.effect.is_some() && cell.low.is_none() && cell.high.is_none());
        let [base, candidate] = pair();
        let across = Asked {
            across_hosts: true,
            ..asked()
        };
        let found = judged_of(base, candidate, &across);
        assert_eq!(first(&found), (Verdict::Regressed, ""), "{words}");
        assert_eq!(found.differences, [words]);
    }
}

#[test]
fn what_may_be_what_is_compared_is_named_and_forbids_nothing() {
    let candidate = run("b", 0.20).on(|run| {
        run.host.boot_id = Some("two".into());
        run.tool.version = "0.2.0".into();
        // Not known on one side is no difference that is known.
        run.host.libc = None;
    });
    let found = judged(run("a", 0.0), candidate);
    assert_eq!(first(&found), (Verdict::Regressed, ""));
    assert_eq!(
        found.differences,
        [
            "libc: glibc 2.36 against not known",
            "boot: one against two",
            "forkbench: 0.1.0 against 0.2.0"
        ]
    );
    // Runs of one side that differ among themselves forbid it too.
    let other = run("a2", 0.0).on(|run| run.host.kernel = "6.19.0".into());
    let found = judged_of(vec![run("a", 0.0), other], vec![run("b", 0.0)], &asked());
    assert_reason(&found, &["kernel: 6.18.0 and 6.19.0 against 6.18.0"]);
}

#[test]
fn what_a_run_says_of_its_host_cannot_write_on_the_terminal() {
    let hostile = run("b", 0.0).on(|run| run.host.kernel = "6\u{1b}[2J\n".repeat(100));
    let found = judged(run("a", 0.0), hostile);
    let reason = first(&found).1;
    assert!(
        !reason.contains(char::is_control) && reason.len() < 600,
        "{reason}"
    );
}
