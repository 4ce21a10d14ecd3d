//! However a run ends, it leaves no process behind and loses no finished trial.

mod scratch;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use forkbench::harness::cell::Cell;
use forkbench::harness::launcher::{Launcher, SubjectCommand};
use forkbench::harness::trial::LiveTrial;
use forkbench::protocol::Count;
use forkbench::statistics::Random;
use nix::sys::signal::{SigHandler, Signal, killpg, signal};
use nix::unistd::Pid;

use scratch::{Scratch, comes_true, send, told};

/// Many short trials.
const LONG_RUN: [&str; 8] = [
    "run",
    "null/0",
    "fork/0",
    "posix_spawn/0",
    "--trials",
    "500",
    "--time",
    "1",
];
/// One of each, and then a life of each.
const SHORT_RUN: [&str; 9] = [
    "run",
    "null/0",
    "vfork/0",
    "fork-exec/0",
    "pthread/0",
    "--trials",
    "1",
    "--time",
    "0.01",
];
/// A trial, and then a child that inherits no death signal and does not end by itself. The seed puts
/// `null/0` first.
const SLEEPING_RUN: [&str; 11] = [
    "run",
    "null/0",
    "posix_spawn/0",
    "--exec",
    "sleep 999",
    "--trials",
    "500",
    "--time",
    "1",
    "--seed",
    "1",
];

/// What fifty kills met.
#[derive(Default)]
struct Met {
    trials: usize,
    sleepers: usize,
    runs: usize,
}

#[test]
fn fifty_kills_leave_no_process_and_lose_no_trial() {
    let threads: Vec<_> = (0..5)
        .map(|seed| thread::spawn(move || kill_ten(seed)))
        .collect();
    let mut met = Met::default();
    for thread in threads {
        let more = thread.join().unwrap();
        met.trials += more.trials;
        met.sleepers += more.sleepers;
        met.runs += more.runs;
    }
    // The kills must have come while there was something to lose.
    assert!(met.trials > 50, "{} trials", met.trials);
    assert!(met.sleepers > 0, "no child slept");
    assert!(met.runs > 20, "{} runs", met.runs);
}

fn kill_ten(seed: u64) -> Met {
    let mut random = Random::new(u64::from(std::process::id()) << 8 | seed);
    let mut met = Met::default();
    for kill in 0..10 {
        let scratch = Scratch::new();
        let words: &[&str] = match kill % 3 {
            0 => &SLEEPING_RUN,
            1 => &SHORT_RUN,
            _ => &LONG_RUN,
        };
        let mut child = scratch.forkbench(words).spawn().unwrap();
        // Every other one at any moment, the rest when trials are being made.
        if kill % 2 == 0 {
            comes_true(|| scratch.finished_trials() > 0 || child.try_wait().unwrap().is_some());
        }
        thread::sleep(Duration::from_micros(random.below(600_000)));
        let finished = scratch.finished_trials();
        let processes = scratch.processes();
        child.kill().unwrap();
        child.wait().unwrap();
        scratch.assert_nothing_left();
        met.trials += finished;
        met.sleepers += processes
            .iter()
            .filter(|(_, words)| words.contains("999") && words.contains("sleep "))
            .count();
        if scratch.run().is_some() {
            met.runs += 1;
            check_kept(&scratch, finished);
        }
    }
    met
}

/// Checks that a run that was broken off still has `finished` trials, and says that it was.
fn check_kept(scratch: &Scratch, finished: usize) {
    let recorded = scratch.recorded();
    let cells = recorded.run.cells.iter();
    let kept: usize = cells.map(|cell| cell.trials.len()).sum();
    assert!(kept >= finished, "{kept} of {finished} trials are left");
    assert!(recorded.problems.len() <= 1, "{:?}", recorded.problems);
    let text = fs::read_to_string(scratch.run().unwrap().join("trials.jsonl")).unwrap();
    let ended = text.lines().any(|line| line.contains("\"finished\""));
    assert_eq!(scratch.draw(), ended);
}

/// Has a run interrupted by `stop` once trials are being made; checks all there is to check.
fn interrupted_by(words: &[&str], stop: fn(&Child)) -> Output {
    let scratch = Scratch::new();
    let child = scratch.forkbench(words).spawn().unwrap();
    assert!(comes_true(|| scratch.finished_trials() > 0));
    // Not always at the same moment of a trial.
    thread::sleep(Duration::from_millis(u64::from(child.id() % 50)));
    let finished = scratch.finished_trials();
    let begin = Instant::now();
    stop(&child);
    let output = child.wait_with_output().unwrap();
    let took = begin.elapsed();
    eprintln!("{words:?}: ended {took:?} after the signal");
    assert!(took < Duration::from_secs(3), "{took:?}");
    scratch.assert_nothing_left();
    check_kept(&scratch, finished);
    assert!(scratch.recorded().run.finished.is_none());
    output
}

fn check_130(output: &Output) {
    assert_eq!(output.status.code(), Some(130), "{}", told(output));
    let told = told(output);
    assert!(told.contains("kept is what was measured"), "{told}");
    assert!(told.contains("unfinished"), "{told}");
}

#[test]
fn ctrl_c_ends_a_run_at_once_with_what_it_has() {
    check_130(&interrupted_by(&LONG_RUN, |child| {
        send(child, Signal::SIGINT)
    }));
}

#[test]
fn ctrl_c_of_a_terminal_reaches_the_whole_group() {
    let stop = |child: &Child| killpg(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    check_130(&interrupted_by(&LONG_RUN, stop));
}

#[test]
fn a_termination_ends_a_run_like_ctrl_c() {
    check_130(&interrupted_by(&LONG_RUN, |child| {
        send(child, Signal::SIGTERM)
    }));
}

#[test]
fn ctrl_c_does_not_wait_for_a_child_that_sleeps() {
    check_130(&interrupted_by(&SLEEPING_RUN, |child| {
        send(child, Signal::SIGINT)
    }));
}

#[test]
fn a_second_ctrl_c_leaves_nothing_either() {
    let output = interrupted_by(&LONG_RUN, |child| {
        send(child, Signal::SIGINT);
        thread::sleep(Duration::from_millis(2));
        send(child, Signal::SIGINT);
    });
    // It may have been done before the second.
    let by_signal = output.status.signal() == Some(Signal::SIGINT as i32);
    assert!(
        by_signal || output.status.code() == Some(130),
        "{}",
        told(&output)
    );
}

#[test]
fn ctrl_c_is_seen_whenever_it_comes() {
    let threads: Vec<_> = (0..3)
        .map(|seed| thread::spawn(move || interrupt_six(seed)))
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

fn interrupt_six(seed: u64) {
    let mut random = Random::new(u64::from(std::process::id()) << 8 | seed);
    for _ in 0..6 {
        let scratch = Scratch::new();
        let child = scratch.forkbench(&LONG_RUN).spawn().unwrap();
        thread::sleep(Duration::from_micros(random.below(500_000)));
        let begin = Instant::now();
        send(&child, Signal::SIGINT);
        let output = child.wait_with_output().unwrap();
        assert!(
            begin.elapsed() < Duration::from_secs(3),
            "{:?}",
            begin.elapsed()
        );
        // Before it listens, the signal itself ends it.
        let by_signal = output.status.signal() == Some(Signal::SIGINT as i32);
        assert!(
            by_signal || output.status.code() == Some(130),
            "{}",
            told(&output)
        );
        scratch.assert_nothing_left();
    }
}

/// Set in the process that plays a Criterion target.
const TARGET: &str = "FORKBENCH_TEST_TARGET";

/// Criterion targets do not listen for Ctrl-C: the signal ends them where they stand.
#[test]
fn ctrl_c_leaves_nothing_of_a_harness_that_does_not_listen() {
    if std::env::var_os(TARGET).is_some() {
        return play_target();
    }
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        let scratch = Scratch::new();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "ctrl_c_leaves_nothing_of_a_harness_that_does_not_listen",
            ])
            .env(TARGET, "1")
            .current_dir(scratch.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let sleeps = || {
            scratch
                .processes()
                .iter()
                .any(|(_, words)| words.contains("sleep "))
        };
        assert!(comes_true(sleeps));
        // The target, its subject, the keeper and the sleeper.
        assert!(scratch.processes().len() >= 4, "{:?}", scratch.processes());
        send(&child, signal);
        assert_eq!(child.wait().unwrap().signal(), Some(signal as i32));
        scratch.assert_nothing_left();
    }
}

fn play_target() {
    // A shell starts what it runs in the background with SIGINT ignored.
    // SAFETY: no handler is installed.
    unsafe { signal(Signal::SIGINT, SigHandler::SigDfl) }.unwrap();
    let subject = Path::new(env!("CARGO_BIN_EXE_forkbench-subject"));
    let native = SubjectCommand::native_at(subject).unwrap();
    let launcher = Launcher::new(native, Vec::new(), None, Some("sleep 999")).unwrap();
    let mut cell: Cell = "posix_spawn/0".parse().unwrap();
    cell.exec = launcher.exec_name();
    let mut trial = LiveTrial::begin(&launcher, &cell, 0, 0).unwrap();
    let count = Count {
        plain: 1,
        ..Count::default()
    };
    let _ = trial.iterate(count, Duration::from_secs(1));
}

#[test]
fn two_runs_in_one_folder_do_not_meet() {
    let scratch = Scratch::new();
    let words = ["run", "null/0", "fork/0", "--trials", "20", "--time", "0.1"];
    let children: Vec<Child> = (0..3)
        .map(|_| scratch.forkbench(&words).spawn().unwrap())
        .collect();
    let mut pages: Vec<String> = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", told(&output));
            scratch::said(&output).lines().last().unwrap().to_owned()
        })
        .collect();
    pages.sort();
    pages.dedup();
    assert_eq!(pages.len(), 3, "{pages:?}");
    for page in pages {
        let recorded =
            forkbench::recording::read(scratch.path().join(page).parent().unwrap()).unwrap();
        assert_eq!(recorded.problems, [""; 0]);
        assert!(recorded.run.finished.is_some());
        let trials: Vec<usize> = recorded
            .run
            .cells
            .iter()
            .map(|cell| cell.trials.len())
            .collect();
        assert_eq!(trials, [20, 20]);
    }
    assert!(scratch.run().is_some());
}
