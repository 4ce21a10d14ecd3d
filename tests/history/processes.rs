//! Several processes at one store: some add, one reads, one is killed and comes back.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use forkbench::history::{Selection, Store};
use nix::sys::signal::Signal;

use crate::made::{assert_sound, ids, path, run, store};
use crate::scratch::{LONG, Scratch, comes_true, send, told};

const WRITERS: u32 = 8;
const RUNS: u32 = 100;
/// How often one process is killed before it may finish.
const KILLS: usize = 4;

/// The runs that one process adds.
fn written(scratch: &Scratch, writer: u32) -> Vec<PathBuf> {
    let parent = scratch.path().join(format!("reports-{writer}"));
    let minutes = (0..RUNS).map(|number| writer * RUNS + number);
    minutes
        .map(|minute| run(minute, 40_000 + u64::from(minute)).written(&parent))
        .collect()
}

fn adding(scratch: &Scratch, runs: &[PathBuf]) -> Child {
    let mut words = vec!["history", "--store", "history.sqlite", "add"];
    words.extend(runs.iter().map(|run| run.to_str().unwrap()));
    scratch.forkbench(&words).spawn().unwrap()
}

fn names(writers: std::ops::Range<u32>) -> BTreeSet<String> {
    let minutes = writers.start * RUNS..writers.end * RUNS;
    minutes.map(|minute| format!("run-{minute:04}")).collect()
}

/// Reads until it is told to stop, and checks that every state it sees is whole. Returns how many it saw.
fn read_on(file: &Path, stop: &AtomicBool) -> usize {
    let mut states = 0;
    let mut most = 0;
    while !stop.load(Ordering::Relaxed) || states == 0 {
        let store = Store::open(file).unwrap();
        // Call and reap, or nothing yet.
        let series = store.series(&Selection::default()).unwrap();
        let counts: Vec<usize> = series.iter().map(|series| series.points.len()).collect();
        assert!(counts.windows(2).all(|two| two[0] == two[1]), "{counts:?}");
        let count = counts.first().copied().unwrap_or(0);
        assert!(count >= most, "{count} runs after {most}");
        most = count;
        states += 1;
    }
    states
}

/// Adds and is killed, each time a little further.
fn add_and_be_killed(scratch: &Scratch, runs: &[PathBuf]) {
    let file = path(scratch);
    let own = names(WRITERS..WRITERS + 1);
    let mut killed = 0;
    for kill in 1..=KILLS {
        let mut child = adding(scratch, runs);
        let enough = runs.len() * kill / (KILLS + 2);
        let seen = comes_true(|| {
            let there = ids(&Store::open(&file).unwrap());
            there.iter().filter(|id| own.contains(*id)).count() >= enough
        });
        assert!(seen, "not in {LONG:?}");
        send(&child, Signal::SIGKILL);
        let status = child.wait().unwrap();
        killed += usize::from(status.signal() == Some(Signal::SIGKILL as i32));
    }
    assert!(killed > 0, "it was done before it could be killed");
    let output = adding(scratch, runs).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
}

#[test]
fn eight_add_while_one_reads_and_one_is_killed() {
    let scratch = Scratch::new();
    let file = path(&scratch);
    drop(store(&scratch));
    let runs: Vec<Vec<PathBuf>> = (0..=WRITERS)
        .map(|writer| written(&scratch, writer))
        .collect();
    let (killed, others) = runs.split_last().unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| read_on(&file, &stop));
        let writers: Vec<Child> = others.iter().map(|runs| adding(&scratch, runs)).collect();
        add_and_be_killed(&scratch, killed);
        for writer in writers {
            let output = writer.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", told(&output));
        }
        stop.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 1);
    });
    // Nothing lost, nothing doubled.
    let there = ids(&store(&scratch));
    assert_eq!(there.len(), ((WRITERS + 1) * RUNS) as usize);
    let there: BTreeSet<String> = there.into_iter().collect();
    assert_eq!(there, names(0..WRITERS + 1));
    let series = store(&scratch).series(&Selection::default()).unwrap();
    assert!(
        series
            .iter()
            .all(|series| series.points.len() == there.len())
    );
    assert_sound(&file);
    scratch.assert_nothing_left();
}

#[test]
fn of_several_that_make_a_store_at_once_all_use_one() {
    let scratch = Scratch::new();
    let reports = scratch.path().join("reports");
    let runs: Vec<PathBuf> = (0..8)
        .map(|minute| run(minute, 40_000).written(&reports))
        .collect();
    let all: Vec<Child> = runs
        .iter()
        .map(|run| adding(&scratch, std::slice::from_ref(run)))
        .collect();
    for one in all {
        let output = one.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
    }
    assert_eq!(ids(&store(&scratch)).len(), runs.len());
    assert_sound(&path(&scratch));
}
