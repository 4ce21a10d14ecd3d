//! `forkbench explain` on this host: what it blames. Ratios only; a noisy host has to pass.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use forkbench::harness::environment::choose_cpus;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use serde_json::Value;

/// One at a time: they want the same CPU.
static CPU: Mutex<()> = Mutex::new(());

/// What `explain CELL` prints.
fn output(cell: &str, flags: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_forkbench"))
        .args(["explain", cell])
        .args(flags)
        .env("FORKBENCH_SUBJECT", env!("CARGO_BIN_EXE_forkbench-subject"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{cell}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn explained(cell: &str) -> Value {
    let document: Value = serde_json::from_str(&output(cell, &["--json"])).unwrap();
    assert_eq!(document["schema"], "forkbench.explanation/1");
    for span in ["call", "reap"] {
        let wait = &document[span];
        let part = |name: &str| wait[name].as_i64().unwrap_or(0);
        let parts = ["page_tables_ns", "page_faults_ns", "waiting_ns", "rest_ns"].map(part);
        let sum = part("bare_ns") + parts.iter().sum::<i64>();
        assert_eq!(sum, part("ns"), "{cell}: {wait}");
    }
    document
}

fn number(document: &Value, path: &str) -> f64 {
    let value = document.pointer(path).and_then(Value::as_f64);
    value.unwrap_or_else(|| panic!("{path}: {document}"))
}

/// Whether it holds in one of a few tries: others' programs on this host are blamed too, rightly.
fn soon(what: &str, mut holds: impl FnMut() -> Result<(), String>) {
    let mut reasons = Vec::new();
    for _ in 0..4 {
        match holds() {
            Ok(()) => return,
            Err(reason) => reasons.push(reason),
        }
    }
    panic!("{what}: {reasons:#?}");
}

#[test]
fn a_large_parents_page_tables_are_blamed_and_counted() {
    let _alone = CPU.lock().unwrap_or_else(PoisonError::into_inner);
    const ENTRIES: f64 = 65_536.0;
    soon("page tables of fork/256MiB", || {
        let told = explained("fork/256MiB");
        let entries = number(&told, "/tables_entries");
        assert!((entries / ENTRIES - 1.0).abs() < 0.01, "{entries}");
        // A table has room for 512, and tables of tables are few.
        let tables = number(&told, "/tables_bytes") / 4096.0;
        assert!((tables / (ENTRIES / 512.0) - 1.0).abs() < 0.06, "{tables}");
        let given = number(&told, "/life/copied_tables");
        let own = number(&told, "/life/page_tables");
        let kept = number(&told, "/kept/copied_tables");
        assert!(given <= own * 1.02 && given > own * 0.9, "{given} of {own}");
        assert!(kept < given / 2.0, "{kept} of {given}");
        for span in ["call", "reap"] {
            // Whoever else wants this CPU may make it wait longer still, and is then named first.
            let part = |name: &str| number(&told, &format!("/{span}/{name}"));
            let tables = part("page_tables_ns");
            let first = match part("waiting_ns") > tables {
                true => "waiting",
                false => "page_tables",
            };
            let others = part("rest_ns").abs() + part("page_faults_ns").abs() + part("bare_ns");
            if told[span]["long"][0] != first || others > tables / 3.0 {
                return Err(told[span].to_string());
            }
        }
        Ok(())
    });
}

#[test]
fn a_bare_parent_and_one_that_copies_nothing_have_no_page_tables_to_blame() {
    let _alone = CPU.lock().unwrap_or_else(PoisonError::into_inner);
    for cell in [
        "posix_spawn/0",
        "posix_spawn/64MiB",
        "vfork/64MiB",
        "fork/0",
    ] {
        let told = explained(cell);
        assert_eq!(told["tables_bytes"], 0, "{cell}");
        for span in ["call", "reap"] {
            let long = told[span]["long"].as_array().unwrap();
            assert!(
                !long.iter().any(|cause| cause == "page_tables"),
                "{cell}: {told}"
            );
        }
    }
    soon("nothing made fork/0 long", || {
        let text = output("fork/0", &[]);
        let said = text.matches("Nothing made it long.").count();
        (said == 2).then_some(()).ok_or(text)
    });
}

#[test]
fn who_waits_for_the_cpu_is_told_so() {
    let _alone = CPU.lock().unwrap_or_else(PoisonError::into_inner);
    // Where nothing is pinned, nothing can be made to wait.
    let Some((cpu, _)) = choose_cpus() else {
        return;
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut set = CpuSet::new();
                set.set(cpu as usize).unwrap();
                sched_setaffinity(Pid::from_raw(0), &set).unwrap();
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let told = std::panic::catch_unwind(|| {
            soon("waiting for a CPU that four others want", || {
                let told = explained("fork/64MiB");
                let blamed = told["reap"]["long"][0] == "waiting";
                blamed.then_some(()).ok_or(told["reap"].to_string())
            });
        });
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = told {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn it_fits_80_columns_where_it_goes_to_no_terminal() {
    let _alone = CPU.lock().unwrap_or_else(PoisonError::into_inner);
    let text = output("fork/16MiB", &[]);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert!(!line.contains('\x1b'), "{line}");
    }
    for said in [
        "page tables of",
        "page fault",
        "voluntary switch",
        "call took",
        "reap took",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}
