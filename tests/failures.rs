//! Whatever goes wrong with one cell, it fails with its reason and the remedy, and the others are measured.

mod scratch;

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use forkbench::recording::Status;
use nix::unistd::Uid;

use scratch::{Scratch, comes_true, said, told};

#[test]
fn programs_that_cannot_be_executed_or_fail_are_no_measurement() {
    let scratch = Scratch::new();
    fs::write(scratch.path().join("text"), "no program").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(scratch.path().join("text"), mode).unwrap();
    for (program, reason) in [
        ("./text", "could not be executed"),
        ("false", "ended with 1"),
    ] {
        let output = scratch
            .forkbench(&[
                "run",
                "null/0",
                "fork-exec/0",
                "vfork-exec/0",
                "--exec",
                program,
                "--trials",
                "1",
                "--time",
                "0.01",
            ])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        scratch.assert_measured("null/0");
        let name = program.trim_start_matches("./");
        scratch.assert_failed(&format!("fork-exec/0@exec={name}"), &[reason]);
        scratch.assert_failed(&format!("vfork-exec/0@exec={name}"), &[reason]);
    }
    let output = scratch
        .forkbench(&["run", "posix_spawn/0", "--exec", "/no/such/program"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("--exec `/no/such/program`"),
        "{}",
        told(&output)
    );
}

/// Runs `fork/0` and `null/0` of a subject that `script` starts under some limit, beside ones that know
/// of none.
fn measure_under(scratch: &Scratch, script: &str, cell: &str) -> Output {
    let subject = scratch.script("tight", script);
    scratch
        .forkbench(&[
            "run",
            "null/0",
            "fork/0",
            "tight:null/0",
            cell,
            "--trials",
            "2",
            "--time",
            "0.02",
            "--subject",
            &format!("tight={subject}"),
        ])
        .output()
        .unwrap()
}

#[test]
fn a_limit_of_processes_is_named_with_its_remedy() {
    let scratch = Scratch::new();
    let limited = format!(
        "prlimit --nproc=1 {}",
        env!("CARGO_BIN_EXE_forkbench-subject")
    );
    let script = if Uid::effective().is_root() {
        // Root knows no such limit. The death signal goes with the uid: the keeper is what is left.
        let other = "setpriv --reuid=54321 --clear-groups";
        let may = format!("{other} test -x \"$SUBJECT\"");
        if !scratch.shell(&may).status().unwrap().success() {
            eprintln!("not tested: no setpriv, or another user may not execute the subject");
            return;
        }
        format!("exec {other} {limited}")
    } else {
        format!("exec {limited}")
    };
    let output = measure_under(&scratch, &script, "tight:fork/0");
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    scratch.assert_failed("tight:fork/0", &["fork failed", "ulimit -u", "pids.max"]);
    for id in ["null/0", "fork/0", "tight:null/0"] {
        scratch.assert_measured(id);
    }
    scratch.assert_nothing_left();
}

#[test]
fn a_harness_that_may_start_nothing_says_so() {
    let scratch = Scratch::new();
    let mut command = scratch.forkbench(&["run", "null/0", "fork/0"]);
    if Uid::effective().is_root() {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(scratch.path(), mode).unwrap();
        let may = "setpriv --reuid=54322 --clear-groups test -x \"$FORKBENCH\"";
        if !scratch.shell(may).status().unwrap().success() {
            eprintln!("not tested: no setpriv, or another user may not execute forkbench");
            return;
        }
        command.uid(54322);
    }
    // SAFETY: setrlimit is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            use nix::sys::resource::{Resource, setrlimit};
            // Its own pid counts where it is the only one; others of the user count elsewhere.
            Ok(setrlimit(Resource::RLIMIT_NPROC, 1, 1)?)
        });
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    for id in ["null/0", "fork/0"] {
        scratch.assert_failed(id, &["could not be started", "ulimit -u", "pids.max"]);
    }
}

/// A cgroup of its own, of version 1 or 2, with a limit; `None` where none can be made.
struct Cgroup(std::path::PathBuf);

impl Cgroup {
    fn new(controller: &str, limits: [&str; 2], value: &str) -> Option<Self> {
        let root = std::path::Path::new("/sys/fs/cgroup");
        let parents = [root.join(controller), root.to_owned()];
        let name = format!("forkbench-test-{controller}-{}", std::process::id());
        for (parent, limit) in parents.iter().zip(limits) {
            let group = Self(parent.join(&name));
            if fs::create_dir(&group.0).is_ok() && fs::write(group.0.join(limit), value).is_ok() {
                return Some(group);
            }
        }
        eprintln!("not tested: no cgroup with {controller} can be made here");
        None
    }

    /// Starts the subject inside.
    fn script(&self) -> String {
        format!(
            "echo $$ > {}/cgroup.procs && exec {}",
            self.0.display(),
            env!("CARGO_BIN_EXE_forkbench-subject")
        )
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        comes_true(|| !self.0.exists() || fs::remove_dir(&self.0).is_ok());
    }
}

#[test]
fn a_pids_cgroup_is_named_with_its_remedy() {
    let scratch = Scratch::new();
    let Some(group) = Cgroup::new("pids", ["pids.max"; 2], "1") else {
        return;
    };
    let output = measure_under(&scratch, &group.script(), "tight:fork/0");
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    scratch.assert_failed("tight:fork/0", &["fork failed", "ulimit -u", "pids.max"]);
    for id in ["null/0", "fork/0", "tight:null/0"] {
        scratch.assert_measured(id);
    }
}

#[test]
fn a_memory_cgroup_is_named_with_its_remedy() {
    let scratch = Scratch::new();
    let limits = ["memory.limit_in_bytes", "memory.max"];
    let Some(group) = Cgroup::new("memory", limits, "33554432") else {
        return;
    };
    // What would not fit is not tried: the group's out-of-memory killer would end it.
    let output = measure_under(&scratch, &group.script(), "tight:fork/64MiB");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let cell = scratch.cell("tight:fork/64MiB");
    assert_eq!(cell.status, Status::Skipped);
    let reason = cell.reason.unwrap();
    for word in ["64.1 MiB", "are available", "smaller footprint"] {
        assert!(reason.contains(word), "no `{word}` in: {reason}");
    }
    for id in ["null/0", "fork/0", "tight:null/0"] {
        scratch.assert_measured(id);
    }
}

/// Checks what a run says that had no room for all its trials.
fn check_full(scratch: &Scratch, output: &Output) {
    assert_eq!(output.status.code(), Some(1), "{}", told(output));
    let told = told(output);
    for word in ["no room to write", "trials.jsonl", "--out", "safe"] {
        assert!(told.contains(word), "no `{word}` in: {told}");
    }
    assert!(!told.contains("panicked"), "{told}");
    scratch.assert_nothing_left();
    let recorded = scratch.recorded();
    assert!(recorded.run.cells.iter().any(|cell| cell.trials.len() > 1));
    assert!(
        recorded
            .run
            .cells
            .iter()
            .all(|cell| cell.status == Status::Ok)
    );
    assert!(!scratch.draw());
}

#[test]
fn a_full_disk_ends_a_run_with_what_it_has() {
    let scratch = Scratch::new();
    let script = "mkdir reports full && mount -t tmpfs -o size=64k none full || exit 99
        \"$FORKBENCH\" run null/0 fork/0 --trials 999 --time 1 --out full
        code=$?
        cp -a full/. reports && exit $code";
    let user = if Uid::effective().is_root() { "" } else { "r" };
    let script = format!("exec unshare -m{user} /bin/sh -c '{script}'");
    let output = scratch.shell(&script).output().unwrap();
    if output.status.code() == Some(99) || told(&output).starts_with("unshare:") {
        eprintln!(
            "not tested: no file system can be mounted here: {}",
            told(&output)
        );
        return;
    }
    check_full(&scratch, &output);
}

#[test]
fn a_limit_of_file_sizes_ends_a_run_with_what_it_has() {
    let scratch = Scratch::new();
    let script = "ulimit -f 128; exec \"$FORKBENCH\" run null/0 fork/0 --trials 999 --time 1";
    check_full(&scratch, &scratch.shell(script).output().unwrap());
}

#[test]
fn folders_that_cannot_be_written_are_named() {
    let scratch = Scratch::new();
    fs::write(scratch.path().join("file"), "").unwrap();
    for out in ["/proc/nothing", "file", "file/below"] {
        let output = scratch
            .forkbench(&[
                "run", "null/0", "--trials", "1", "--time", "0.01", "--out", out,
            ])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{out}: {}", told(&output));
        let told = told(&output);
        assert!(
            told.contains(&format!("`{out}`")) && told.contains("--out"),
            "{told}"
        );
        assert_eq!(said(&output), "");
    }
    scratch.assert_nothing_left();
}

#[test]
fn closed_standard_streams_do_no_harm() {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let scratch = Scratch::new();
        let script = format!(
            "exec \"$FORKBENCH\" run null/0 fork/0 posix_spawn/0 --trials 2 --time 0.02 {closed}"
        );
        let output = scratch.shell(&script).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{closed}: {}", told(&output));
        for id in ["null/0", "fork/0", "posix_spawn/0"] {
            scratch.assert_measured(id);
        }
        assert!(scratch.draw());
        scratch.assert_nothing_left();
    }
}

#[test]
fn an_output_that_takes_nothing_is_an_error() {
    for words in [
        "run null/0 --trials 1 --time 0.01",
        "run null/0 --trials 1 --time 0.01 --json",
        "list",
        "list --json",
    ] {
        let scratch = Scratch::new();
        let script = format!("exec \"$FORKBENCH\" {words} >/dev/full");
        let output = scratch.shell(&script).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}: {}", told(&output));
        assert!(
            told(&output).contains("cannot write to standard output"),
            "{}",
            told(&output)
        );
    }
}

#[test]
fn ignored_signals_of_the_caller_do_no_harm() {
    let scratch = Scratch::new();
    let script = "trap '' CHLD PIPE HUP; exec \"$FORKBENCH\" run null/0 fork/0 vfork/0 clone3/0 posix_spawn/0 \
                  command/0 thread/0 missing:fork/0 --subject missing=/no/such --trials 2 --time 0.02";
    let output = scratch.shell(script).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    for mechanism in [
        "null",
        "fork",
        "vfork",
        "clone3",
        "posix_spawn",
        "command",
        "thread",
    ] {
        scratch.assert_measured(&format!("{mechanism}/0"));
    }
    scratch.assert_failed("missing:fork/0", &["could not be started"]);
    scratch.assert_nothing_left();
}

#[test]
fn a_missing_native_subject_is_named() {
    let scratch = Scratch::new();
    let mut command: Command = scratch.forkbench(&["run", "fork/0"]);
    let output = command
        .env("FORKBENCH_SUBJECT", "/no/such")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = told(&output);
    assert!(
        told.contains("/no/such") && told.contains("FORKBENCH_SUBJECT"),
        "{told}"
    );
}
