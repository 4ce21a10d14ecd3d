//! A writer killed at any moment loses nothing that it had said was recorded.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use forkbench::recording::*;
use forkbench::statistics::Random;

use crate::fixtures::*;

/// Set in the child: where it writes until it is killed.
const WRITE: &str = "FORKBENCH_TEST_WRITE";
const RUNS: u32 = 5;
const KILLS: u32 = 10;

#[test]
fn no_trial_is_lost_to_fifty_kills() {
    if let Ok(folder) = std::env::var(WRITE) {
        return write_for_ever(Path::new(&folder));
    }
    let mut random = Random::new(std::process::id().into());
    let trials: usize = (0..RUNS).map(|_| kill_often(&mut random)).sum();
    assert!(trials > (RUNS * KILLS) as usize, "only {trials} trials");
}

/// Has one run written by a child after another, kills each, and returns how many trials they said were
/// recorded.
fn kill_often(random: &mut Random) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("latest");
    let mut acknowledged = BTreeSet::new();
    for kill in 0..KILLS {
        let mut child = start(folder.path());
        let output = BufReader::new(child.stdout.take().unwrap());
        let (said, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            let index = |line: String| line.strip_prefix("recorded ")?.parse::<u32>().ok();
            lines
                .filter_map(index)
                .try_for_each(|index| said.send(index))
        });
        // Every third while it begins or joins, the others in the midst of writing.
        if kill % 3 != 0 {
            acknowledged.extend(heard.recv());
        }
        std::thread::sleep(Duration::from_micros(random.below(30_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(heard);
        if !acknowledged.is_empty() {
            check(&run, &acknowledged);
        }
    }
    // What was derived can be made anew, and the run goes on without a trace.
    rebuild(&run).unwrap();
    assert_eq!(read(&run).unwrap().problems, [""; 0]);
    check(&run, &acknowledged);
    acknowledged.len()
}

fn check(run: &Path, acknowledged: &BTreeSet<u32>) {
    let recorded = read(run).unwrap();
    let trials = recorded.run.cells[0].trials.iter();
    let there: BTreeSet<u32> = trials.map(|trial| trial.index).collect();
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
    assert!(recorded.problems.len() <= 1, "{:?}", recorded.problems);
    if let Ok(text) = std::fs::read(run.join("run.json")) {
        serde_json::from_slice::<Run>(&text).unwrap();
    }
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::no_trial_is_lost_to_fifty_kills",
            "--nocapture",
        ])
        .env(WRITE, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn write_for_ever(folder: &Path) {
    let mut writer = RunWriter::join(folder, "s", header("run")).unwrap();
    // libtest has begun a line of its own.
    println!();
    loop {
        let index = writer.next_index("fork/0", "").unwrap();
        writer
            .append(trial_line(&cell("fork", "0"), index))
            .unwrap();
        println!("recorded {index}");
        std::io::stdout().flush().unwrap();
    }
}
