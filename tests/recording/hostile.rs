//! Files of a stranger, or of a broken disk: no panic, no hang, no memory without bound.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use forkbench::recording::*;
use forkbench::statistics::Random;

use crate::fixtures::*;

const MUTATIONS: u64 = 1_500;

/// One thing done to a file's bytes.
fn mutate(random: &mut Random, text: &[u8], donor: &[u8]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    let at = random.below(bytes.len() as u64) as usize;
    let lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
    let line = lines[random.below(lines.len() as u64) as usize];
    match random.below(8) {
        0 => (0..=random.below(8)).for_each(|_| {
            let at = random.below(text.len() as u64) as usize;
            bytes[at] ^= 1 << random.below(8);
        }),
        1 => bytes.truncate(at),
        2 => {
            let from = random.below(donor.len() as u64) as usize;
            let length = random.below(2_000) as usize;
            let end = (from + length).min(donor.len());
            bytes.splice(at..at, donor[from..end].iter().copied());
        }
        3 => return with_number(random, text),
        4 => {
            let deep = ["[", "{\"line\":", "\"", "["][random.below(4) as usize];
            bytes.splice(at..at, deep.repeat(10_000).into_bytes());
        }
        5 => (0..3).for_each(|_| bytes.extend(line)),
        6 => {
            bytes.drain(at..(at + random.below(3_000) as usize).min(text.len()));
        }
        _ => bytes
            .splice(at..at, vec![0; 1 + random.below(5_000) as usize])
            .for_each(drop),
    }
    bytes
}

/// The text with one of its numbers made another.
fn with_number(random: &mut Random, text: &[u8]) -> Vec<u8> {
    let starts: Vec<usize> = (1..text.len())
        .filter(|&at| text[at].is_ascii_digit() && matches!(text[at - 1], b':' | b'[' | b','))
        .collect();
    let start = starts[random.below(starts.len() as u64) as usize];
    let digits = text[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let numbers = [
        "0",
        "-1",
        "1e999",
        "18446744073709551615",
        "18446744073709551616",
        "4294967296",
        "0.5",
        "9999999999999999999999999999",
        "null",
        "1e-300",
    ];
    let number = numbers[random.below(numbers.len() as u64) as usize];
    [&text[..start], number.as_bytes(), &text[start + digits..]].concat()
}

/// What must hold of anything that was read.
fn check(recorded: &Recorded) {
    assert!(recorded.problems.len() <= 101);
    assert!(
        recorded
            .problems
            .iter()
            .all(|problem| problem.len() < 2_000)
    );
    for cell in &recorded.run.cells {
        for summary in cell.phases.values() {
            let quantiles = [
                summary.p10,
                summary.p50,
                summary.p90,
                summary.p99,
                summary.p999,
            ];
            let inside = |ns: u64| summary.min <= ns && ns <= summary.max;
            assert!(
                quantiles.into_iter().flatten().all(inside),
                "{}: {summary:?}",
                cell.id
            );
            assert!(summary.count > 0 && summary.mean.is_finite());
        }
    }
}

#[test]
fn a_thousand_mutations_of_every_file_are_read_or_refused() {
    let parent = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(parent.path(), header("run")).unwrap();
    lines()
        .into_iter()
        .for_each(|line| writer.append(line).unwrap());
    writer.finish("2026-07-01T10:30:00Z").unwrap();
    let sound = ["trials.jsonl", "run.json", "histograms.hlog"]
        .map(|name| fs::read(writer.directory().join(name)).unwrap());
    let [trials, run, log] = &sound;

    let mut random = Random::new(2_026);
    let (mut fine, mut told, mut refused) = (0, 0, 0);
    for round in 0..MUTATIONS {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
        let which = (round % 3) as usize;
        let donor = &sound[random.below(3) as usize];
        let mutated = mutate(&mut random, &sound[which], donor);
        match which {
            0 => put("trials.jsonl", &mutated),
            1 => put("run.json", &mutated),
            _ => {
                put("run.json", run);
                put("histograms.hlog", &mutated);
            }
        }
        if which == 1 {
            put("histograms.hlog", log);
        }
        let began = Instant::now();
        match read(folder.path()) {
            Ok(recorded) => {
                check(&recorded);
                *(if recorded.problems.is_empty() {
                    &mut fine
                } else {
                    &mut told
                }) += 1;
            }
            Err(error) => {
                assert!(!error.to_string().contains('\0') && error.to_string().len() < 1_000);
                refused += 1;
            }
        }
        // The sound files take a hundredth of a second; a hang is what is looked for.
        assert!(began.elapsed() < Duration::from_secs(20), "round {round}");
        go_on_writing(folder.path(), which == 0 && round % 10 == 0);
    }
    let all = (fine, told, refused);
    assert!(fine > 50 && told > 300 && refused > 100, "{all:?}");
    assert!(trials.len() > 5_000);
}

/// A writer that joins what was mutated refuses, or records.
fn go_on_writing(folder: &Path, wanted: bool) {
    if !wanted || rebuild(folder).is_err() {
        return;
    }
    if let Ok(recorded) = read(folder) {
        check(&recorded);
        let unfinished = |problem: &String| problem.contains("unfinished");
        assert!(
            !recorded.problems.iter().any(unfinished),
            "{:?}",
            recorded.problems
        );
    }
}

#[test]
fn a_small_file_that_claims_much_takes_little() {
    // 500 trials whose histograms of 30,000 buckets deflate to next to nothing.
    let every: Vec<u64> = (0..30_000u64).map(value_of_bucket).collect();
    let mut text = String::new();
    text.push_str(&serde_json::to_string(&Line::Run(Box::new(header("run")))).unwrap());
    let mut line = TrialLine {
        cell: cell("fork", "0"),
        trial: trial(0, &every),
    };
    for index in 0..500 {
        line.trial.index = index;
        text.push('\n');
        text.push_str(&serde_json::to_string(&Line::Trial(Box::new(line.clone()))).unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("trials.jsonl"), text).unwrap();
    let before = peak_memory();
    let recorded = read(folder.path()).unwrap();
    let grown = peak_memory() - before;
    assert_eq!(recorded.run.cells[0].trials.len(), 500);
    assert!(recorded.problems.last().unwrap().contains("more problems"));
    assert!(grown < 512 << 20, "{} MiB", grown >> 20);
}

/// A value in bucket `at` of a histogram of three digits.
fn value_of_bucket(at: u64) -> u64 {
    let doublings = (at / 1_024).saturating_sub(1);
    (at - doublings * 1_024) << doublings
}

/// The most bytes this process has had in memory.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.split_once("VmHWM:").unwrap().1;
    peak.split_whitespace()
        .next()
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1_024
}
