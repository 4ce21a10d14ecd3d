//! Children that go or say nothing, and what is left when everyone was killed.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use forkbench::channel::{CHANNELS, Waiting};
use forkbench::harness::environment;
use forkbench::protocol::Answer;
use nix::sys::signal::Signal;

use super::live::{Live, runs, signal};

/// As many round trips as take minutes.
const MANY: u64 = 4_000_000;

/// Where a channel's sides run: one that spins needs a second CPU.
fn peer(waiting: Waiting) -> Option<String> {
    match (waiting, environment::choose_cpus()) {
        (Waiting::Spinning, None) => None,
        (Waiting::Spinning, Some((_, other))) => Some(format!(" peer={other}")),
        _ => Some(String::new()),
    }
}

#[test]
fn a_child_that_is_killed_in_the_middle_fails_the_order_and_the_next_is_obeyed() {
    let mut live = Live::start();
    for channel in CHANNELS {
        let Some(peer) = peer(channel.waiting) else {
            continue;
        };
        live.say(&format!(
            "time mechanism={}{peer} plain={MANY}",
            channel.name
        ));
        let child = live.child();
        thread::sleep(Duration::from_millis(20));
        signal(child, Signal::SIGKILL);
        let (samples, last) = live.rest();
        assert!(samples.is_empty());
        let Answer::Fail(reason) = last else {
            panic!("{}: {last:?}", channel.name);
        };
        let named = reason.starts_with(channel.name) && reason.contains("signal 9");
        assert!(named, "{reason}");
        assert!(!runs(child), "{}", channel.name);
        let (samples, last) = live.order(&format!("time mechanism={}{peer} plain=5", channel.name));
        assert_eq!(samples.len(), 5, "{last:?}");
    }
}

#[test]
fn a_child_that_says_nothing_is_given_up() {
    let mut live = Live::start();
    live.say(&format!("time mechanism=ipc:posix-sem plain={MANY}"));
    let child = live.child();
    thread::sleep(Duration::from_millis(20));
    signal(child, Signal::SIGSTOP);
    let (_, last) = live.rest();
    let Answer::Fail(reason) = last else {
        panic!("{last:?}");
    };
    assert!(reason.contains("did not answer"), "{reason}");
    assert!(!runs(child));
}

#[test]
fn nothing_is_left_when_all_is_killed() {
    for channel in CHANNELS {
        let Some(peer) = peer(channel.waiting) else {
            continue;
        };
        let folder = tempfile::tempdir().unwrap();
        let mut live = Live::start_in(folder.path());
        live.say(&format!(
            "time mechanism={}{peer} plain={MANY}",
            channel.name
        ));
        let child = live.child();
        thread::sleep(Duration::from_millis(20));
        signal(live.pid(), Signal::SIGKILL);
        let begin = Instant::now();
        while runs(child) && begin.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(!runs(child), "{}: its child lives on", channel.name);
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 0, "{}", channel.name);
    }
    // A set of semaphores outlives its users; whoever times them next removes it.
    let before = sets();
    let mut live = Live::start();
    let (samples, _) = live.order("time mechanism=ipc:sysv-sem plain=5");
    assert_eq!(samples.len(), 5);
    let after = sets();
    assert!(after.is_empty(), "{before:?} {after:?}");
}

/// The ids of sets of three semaphores whose maker is gone: those of killed subjects. (Tests beside this one have
/// sets whose makers live.)
fn sets() -> Vec<i32> {
    let table = fs::read_to_string("/proc/sysvipc/sem").unwrap_or_default();
    let rows = table.lines().skip(1).filter_map(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let id: i32 = columns.next()?.parse().ok()?;
        let semaphores: u32 = columns.nth(1)?.parse().ok()?;
        (semaphores == 3).then_some(id)
    });
    rows.filter(|&id| {
        // SAFETY: GETPID takes numbers alone.
        let maker = unsafe { nix::libc::semctl(id, 2, nix::libc::GETPID) };
        maker > 0 && !runs(maker)
    })
    .collect()
}
