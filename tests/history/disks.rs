//! Disks that are full or can't be written: an error that says what to do, and the store as it was.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Output;

use forkbench::history::Store;
use nix::unistd::Uid;

use crate::fixtures::cell;
use crate::made::{assert_sound, ids, path, run, store};
use crate::scratch::{Scratch, said, told};

/// Runs that are more than there is room for.
const RUNS: u32 = 30;

/// Writes runs that take some room, and returns how many.
fn write_runs(scratch: &Scratch) -> usize {
    let reports = scratch.path().join("reports");
    for minute in 0..RUNS {
        let mut made = run(minute, 40_000);
        for number in 0..40 {
            made = made.with(
                &cell("fork", &format!("{}KiB", 4 * (number + 1))),
                &[50_000; 2],
            );
        }
        made.written(&reports);
    }
    RUNS as usize
}

/// Runs a script with a small file system at `small`; `None` where none can be mounted.
fn with_small_disk(scratch: &Scratch, size: &str, script: &str) -> Option<Output> {
    let script = format!(
        "mkdir small && mount -t tmpfs -o size={size} none small || exit 99
        {script}"
    );
    let user = if Uid::effective().is_root() { "" } else { "r" };
    let script = format!("exec unshare -m{user} /bin/sh -c '{script}'");
    let output = scratch.shell(&script).output().unwrap();
    if output.status.code() == Some(99) || told(&output).starts_with("unshare:") {
        eprintln!(
            "not tested: no file system can be mounted here: {}",
            told(&output)
        );
        return None;
    }
    Some(output)
}

/// Checks what is said of runs that found no room, and that the store has all that were added and no other.
fn check_full(scratch: &Scratch, output: &Output, runs: usize) {
    let (said, told) = (said(output), told(output));
    assert_eq!(output.status.code(), Some(1), "{told}");
    for word in [
        "no room to add to",
        "history.sqlite",
        "as it was before",
        "--store",
    ] {
        assert!(told.contains(word), "no `{word}` in: {told}");
    }
    assert!(!told.contains("panicked"), "{told}");
    let added: Vec<&str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("added")?.trim().split(':').next())
        .collect();
    assert!(added.len() < runs, "all had room");
    assert_sound(&path(scratch));
    assert_eq!(ids(&store(scratch)), added);
    let failed = told.lines().filter(|line| line.contains("no room")).count();
    assert_eq!(added.len() + failed, runs, "{told}");
    // And it takes more once there is room.
    let more = run(1_000, 40_000).plain();
    store(scratch).add(&more, false).unwrap();
    assert_sound(&path(scratch));
}

#[test]
fn a_full_disk_leaves_the_store_as_it_was() {
    let scratch = Scratch::new();
    let runs = write_runs(&scratch);
    let script = "\"$FORKBENCH\" history --store small/history.sqlite add reports/*
        code=$?
        cp small/history.sqlite* . && exit $code";
    let Some(output) = with_small_disk(&scratch, "768k", script) else {
        return;
    };
    check_full(&scratch, &output, runs);
}

#[test]
fn a_disk_that_is_full_from_the_start_is_named() {
    let scratch = Scratch::new();
    run(1, 40_000).written(&scratch.path().join("reports"));
    let script = "head -c 1m /dev/zero >small/filler 2>/dev/null
        \"$FORKBENCH\" history --store small/history.sqlite add reports/*
        code=$?
        ls -A small && exit $code";
    let Some(output) = with_small_disk(&scratch, "64k", script) else {
        return;
    };
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(
        told(&output).contains("no room to make"),
        "{}",
        told(&output)
    );
    // Not half a store either.
    assert_eq!(said(&output).trim(), "filler");
}

#[test]
fn a_limit_of_file_sizes_leaves_the_store_as_it_was() {
    let scratch = Scratch::new();
    let runs = write_runs(&scratch);
    let script = "ulimit -f 700; exec \"$FORKBENCH\" history --store history.sqlite add reports/*";
    let output = scratch.shell(script).output().unwrap();
    check_full(&scratch, &output, runs);
}

#[test]
fn a_read_only_folder_is_named_and_left_as_it_is() {
    let scratch = Scratch::new();
    for minute in 0..2 {
        run(minute, 40_000).written(&scratch.path().join("reports"));
    }
    let script = "forkbench() { \"$FORKBENCH\" history --store small/history.sqlite \"$@\"; }
        forkbench add reports/run-0000 || exit 98
        cp small/history.sqlite before
        mount -o remount,ro small || exit 99
        forkbench list --json | grep -q run-0000 || exit 96
        forkbench add reports/run-0001
        code=$?
        cmp before small/history.sqlite || exit 97
        ls -A small
        \"$FORKBENCH\" history --store small/other.sqlite add reports/run-0001
        exit $code";
    let Some(output) = with_small_disk(&scratch, "1m", script) else {
        return;
    };
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let told = told(&output);
    for word in [
        "small/history.sqlite",
        "small/other.sqlite",
        "--store",
        "writable",
    ] {
        assert!(told.contains(word), "no `{word}` in: {told}");
    }
    assert!(
        said(&output).ends_with("\nhistory.sqlite\n"),
        "{}",
        said(&output)
    );
}

#[test]
fn who_may_only_read_a_store_can_and_leaves_nothing_beside_it() {
    if !Uid::effective().is_root() {
        eprintln!("not tested: only root can be somebody else");
        return;
    }
    let scratch = Scratch::new();
    let reports = scratch.path().join("reports");
    let made = run(1, 40_000).written(&reports);
    let folder = scratch.path().join("open");
    fs::create_dir(&folder).unwrap();
    // Whoever reads may write into the folder, and not to the file.
    for open in [scratch.path(), folder.as_path()] {
        fs::set_permissions(open, Permissions::from_mode(0o777)).unwrap();
    }
    let line = ["history", "--store", "open/history.sqlite"];
    let words = |verb: &[&'static str]| [&line[..], verb].concat();
    let run_path = made.to_str().unwrap();
    let mut add = scratch.forkbench(&line);
    let added = add.args(["add", run_path]).output().unwrap();
    assert!(added.status.success(), "{}", told(&added));
    for verb in [&["list", "--json"][..], &["check"]] {
        let mut other = scratch.forkbench(&words(verb));
        let Ok(output) = other.uid(65_534).gid(65_534).output() else {
            eprintln!("not tested: nobody else may execute what is tested");
            return;
        };
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        let left: Vec<_> = fs::read_dir(&folder).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
    let mut other = scratch.forkbench(&line);
    let refused = other.uid(65_534).gid(65_534).args(["prune", "--keep", "0"]);
    let refused = refused.output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(told(&refused).contains("writable"), "{}", told(&refused));
    let kept = Store::open(&folder.join("history.sqlite")).unwrap();
    assert_eq!(ids(&kept), ["run-0001"]);
}
