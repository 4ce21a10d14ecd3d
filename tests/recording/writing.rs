//! What is written is there, whole, and where it was promised.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use forkbench::mechanism::Phase;
use forkbench::protocol::TimedSample;
use forkbench::recording::*;
use forkbench::statistics::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use crate::fixtures::*;

fn written(parent: &Path) -> RunWriter {
    let mut writer = RunWriter::create(parent, header("run")).unwrap();
    for line in lines() {
        writer.append(line).unwrap();
    }
    writer.finish("2026-07-01T10:30:00Z").unwrap();
    writer
}

#[test]
fn a_run_reads_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let writer = written(folder.path());
    let recorded = read(writer.directory()).unwrap();
    assert_eq!(recorded.problems, [""; 0]);
    let run = &recorded.run;
    assert_eq!(
        (run.seed, run.finished.as_deref()),
        (u64::MAX, Some("2026-07-01T10:30:00Z"))
    );
    assert_eq!(run.host, header("").host);
    let seen: Vec<_> = run
        .cells
        .iter()
        .map(|c| (c.id.as_str(), c.status, c.trials.len()))
        .collect();
    assert_eq!(
        seen,
        [
            ("fork/64MiB", Status::Ok, 4),
            ("vfork/0", Status::Failed, 1),
            ("fork/16GiB", Status::Skipped, 0),
        ]
    );
    assert_eq!(run.cells[1].reason.as_deref(), Some("the subject hung"));
    assert_eq!(run.lives.len(), 1);

    let all: Vec<u64> = (0..4)
        .flat_map(|index| samples(40_000, index, 200))
        .collect();
    assert_eq!(
        recorded.histograms["fork/64MiB"][&Phase::Call],
        Histogram::of(&all)
    );
    assert_eq!(run.cells[0].phases[&Phase::Call].count, 800);
    assert_eq!(run.cells[0].trials[2].phases[&Phase::Call].histogram, None);

    let derived: Run =
        serde_json::from_slice(&fs::read(writer.directory().join("run.json")).unwrap()).unwrap();
    assert_eq!(derived, recorded.run);
}

#[test]
fn a_taken_name_gets_a_number_and_latest_points_to_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["run", "run-2", "run-3"] {
        let writer = RunWriter::create(folder.path(), header("run")).unwrap();
        assert_eq!(writer.directory(), folder.path().join(name));
        assert_eq!(
            fs::read_link(folder.path().join("latest")).unwrap(),
            Path::new(name)
        );
        assert_eq!(read(&folder.path().join("latest")).unwrap().run.id, name);
    }
    let writer = RunWriter::create(folder.path(), header("../../etc/x")).unwrap();
    assert_eq!(writer.directory().parent(), Some(folder.path()));
}

#[test]
fn something_else_called_latest_is_neither_replaced_nor_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("latest")).unwrap();
    let error = RunWriter::create(folder.path(), header("run"))
        .err()
        .unwrap();
    assert!(matches!(error, RecordingError::InTheWay { .. }), "{error}");
    assert!(!folder.path().join("run").exists());
}

#[test]
fn a_sitting_is_joined_by_its_name_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (fork, name) = (cell("fork", "0"), "1234-5678");
    let mut first = RunWriter::join(folder.path(), name, header("a")).unwrap();
    first.append(trial_line(&fork, 0)).unwrap();
    first.finish("2026-07-01T10:30:00Z").unwrap();
    let other = RunWriter::join(folder.path(), "99-1", header("b")).unwrap();
    assert_ne!(other.directory(), first.directory());
    for _ in 0..2 {
        let alone = RunWriter::join(folder.path(), "", header("c")).unwrap();
        assert_eq!(fs::read_dir(alone.directory()).unwrap().count(), 3);
    }

    let mut second = RunWriter::join(folder.path(), name, header("d")).unwrap();
    assert_eq!(second.directory(), first.directory());
    assert_eq!(second.next_index("fork/0", "").unwrap(), 1);
    // The same cell from another target: numbered on, not dropped as a double.
    second.append(trial_line(&fork, 0)).unwrap();
    let recorded = read(second.directory()).unwrap();
    assert_eq!(
        (recorded.run.id.as_str(), recorded.problems.len()),
        ("a", 0)
    );
    assert_eq!(recorded.run.cells[0].trials.len(), 2);
    assert_eq!(
        recorded.run.finished, None,
        "a later trial takes `finished` back"
    );
    assert_eq!(
        first.next_index("fork/0", "").unwrap(),
        2,
        "the first sees the second's"
    );
}

#[test]
fn joining_mends_an_end_that_was_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let join = || RunWriter::join(folder.path(), "s", header("run")).unwrap();
    let fork = cell("fork", "0");
    let mut writer = join();
    let path = writer.directory().join("trials.jsonl");
    writer.append(trial_line(&fork, 0)).unwrap();
    let sound = fs::read(&path).unwrap();
    writer.append(trial_line(&fork, 1)).unwrap();
    let longer = fs::read(&path).unwrap();
    drop(writer);

    // Cut at every fiftieth byte of the second trial's line.
    for end in (sound.len()..longer.len()).step_by(50) {
        fs::write(&path, &longer[..end]).unwrap();
        join().append(trial_line(&fork, 1)).unwrap();
        let recorded = read(&path).unwrap();
        assert_eq!(recorded.problems, [""; 0], "cut at {end}");
        assert_eq!(recorded.run.cells[0].trials.len(), 2, "cut at {end}");
    }
    // The line end alone is missing: the trial is whole, and counts.
    fs::write(&path, &longer[..longer.len() - 1]).unwrap();
    assert_eq!(join().next_index("fork/0", "").unwrap(), 2);
    assert_eq!(fs::read(&path).unwrap(), longer);
}

#[test]
fn writers_side_by_side_lose_and_mix_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for mechanism in ["fork", "vfork", "thread"] {
            let folder = folder.path();
            scope.spawn(move || {
                let mut writer = RunWriter::join(folder, "s", header("run")).unwrap();
                for index in 0..20 {
                    writer
                        .append(trial_line(&cell(mechanism, "0"), index))
                        .unwrap();
                    writer
                        .append(trial_line(&cell("null", "0"), index))
                        .unwrap();
                }
                writer.flush().unwrap();
            });
        }
    });
    let recorded = read(&folder.path().join("run")).unwrap();
    assert_eq!(recorded.problems, [""; 0]);
    let counts: Vec<_> = recorded
        .run
        .cells
        .iter()
        .map(|c| (&c.id, c.trials.len()))
        .collect();
    assert_eq!(
        counts.iter().map(|(_, trials)| trials).sum::<usize>(),
        120,
        "{counts:?}"
    );
    let text = fs::read(folder.path().join("run/run.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Run>(&text).unwrap(), recorded.run);
    let log = fs::read(folder.path().join("run/histograms.hlog")).unwrap();
    assert_eq!(
        IntervalLogIterator::new(&log).filter(is_interval).count(),
        240
    );
}

#[test]
fn run_json_is_made_anew_at_most_once_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut writer = RunWriter::create(folder.path(), header("run")).unwrap();
    let path = writer.directory().join("run.json");
    let mut files = vec![fs::metadata(&path).unwrap().ino()];
    for index in 0..100 {
        writer
            .append(trial_line(&cell("fork", "0"), index))
            .unwrap();
        files.push(fs::metadata(&path).unwrap().ino());
    }
    files.dedup();
    assert!(
        files.len() as u64 <= 1 + began.elapsed().as_secs(),
        "{} times",
        files.len()
    );
    writer.flush().unwrap();
    let run: Run = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!((run.cells[0].trials.len(), run.finished), (100, None));
}

fn is_interval<E>(entry: &Result<LogEntry, E>) -> bool {
    matches!(entry, Ok(LogEntry::Interval(_)))
}

#[test]
fn the_interval_log_is_read_by_the_crates_own_reader() {
    let folder = tempfile::tempdir().unwrap();
    let writer = written(folder.path());
    let path = writer.directory().join("histograms.hlog");
    let log = fs::read(&path).unwrap();
    let mut entries = IntervalLogIterator::new(&log).map(Result::unwrap);
    assert!(
        matches!(entries.next(), Some(LogEntry::StartTime(at)) if at.as_secs() == 1_782_901_230)
    );
    let mut tags = Vec::new();
    for entry in entries {
        let LogEntry::Interval(interval) = entry else {
            panic!("{entry:?}");
        };
        let tag = interval.tag().unwrap().as_str().to_owned();
        let histogram = Histogram::from_base64(interval.encoded_histogram()).unwrap();
        assert_eq!(interval.duration().as_millis(), 250);
        if tag == "fork/64MiB:call" {
            let index = tags.iter().filter(|seen| **seen == tag).count() as u32;
            assert_eq!(
                interval.start_timestamp().as_secs(),
                1_782_901_260 + u64::from(index)
            );
            assert_eq!(histogram, Histogram::of(&samples(40_000, index, 200)));
        }
        tags.push(tag);
    }
    assert_eq!(tags.len(), 10);

    fs::remove_file(&path).unwrap();
    rebuild(writer.directory()).unwrap();
    let lines = |log: &[u8]| {
        let mut lines: Vec<_> = log.split(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&fs::read(&path).unwrap()), lines(&log));
}

#[test]
fn what_contradicts_itself_or_the_run_is_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(folder.path(), header("run")).unwrap();
    writer.append(trial_line(&cell("fork", "0"), 0)).unwrap();
    let before = fs::read(writer.directory().join("trials.jsonl")).unwrap();

    let mut other = cell("fork", "64MiB");
    other.id = "fork/0".to_owned();
    let mut backwards = trial(1, &[50; 40]);
    backwards
        .phases
        .get_mut(&Phase::Call)
        .unwrap()
        .quantiles
        .max = 49;
    let mut empty = trial(1, &[50; 40]);
    empty.phases.clear();
    let of = |trial| {
        let cell = cell("fork", "0");
        Line::Trial(Box::new(TrialLine { cell, trial }))
    };
    for line in [
        trial_line(&other, 1),
        of(backwards),
        of(empty),
        cell_line(&cell("fork", "0"), Status::Ok, ""),
        Line::Run(Box::new(header("again"))),
    ] {
        let error = writer.append(line).unwrap_err();
        assert!(matches!(error, RecordingError::Refused { .. }), "{error}");
    }
    assert_eq!(
        fs::read(writer.directory().join("trials.jsonl")).unwrap(),
        before
    );
}

/// Samples that have these phases alone.
fn of(kind: [Phase; 4], rows: [[Option<u64>; 4]; 3]) -> [TimedSample; 3] {
    rows.map(|times| {
        let mut sample = TimedSample::default();
        for (phase, time) in kind.into_iter().zip(times) {
            if let Some(time) = time {
                sample.set(phase, time);
            }
        }
        sample
    })
}

#[test]
fn samples_are_kept_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let writer = RunWriter::create(folder.path(), header("run")).unwrap();
    let fork = cell("fork", "64MiB");
    let rows = of(
        Phase::LIFE,
        [
            [Some(40_000), None, None, Some(108_000)],
            [None, Some(u64::MAX), Some(0), None],
            [None; 4],
        ],
    );
    writer.keep_samples(&fork, "", 3, &rows).unwrap();
    writer.keep_samples(&fork, "b", 3, &rows[..1]).unwrap();
    let path = writer.directory().join("samples/fork~64MiB-3.csv");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(
        text,
        "call,start,exec,reap\n40000,,,108000\n,18446744073709551615,0,\n,,,\n"
    );
    let back = |arm| read_samples(writer.directory(), &fork, arm, 3).unwrap();
    assert_eq!(back("").as_deref(), Some(&rows[..]));
    assert_eq!(back("b").as_deref(), Some(&rows[..1]));
    assert_eq!(back("c"), None);
    let writes = of(
        Phase::WRITES,
        [
            [Some(20), Some(1_900), Some(1_700), Some(700)],
            [Some(20), None, Some(1_700), Some(700)],
            [None; 4],
        ],
    );
    writer.keep_samples(&fork, "w", 3, &writes).unwrap();
    let text = fs::read_to_string(writer.directory().join("samples/fork~64MiB-w-3.csv")).unwrap();
    assert_eq!(
        text,
        "before,first-pass,second-pass,after\n20,1900,1700,700\n20,,1700,700\n,,,\n"
    );
    assert_eq!(back("w").as_deref(), Some(&writes[..]));
    fs::write(&path, "call,start,exec,reap\n1,2,3\n").unwrap();
    let error = read_samples(writer.directory(), &fork, "", 3)
        .unwrap_err()
        .to_string();
    assert!(error.contains("line 2"), "{error}");
}

/// Set in the child of the test below: the folder to write into until it is full.
const FILL: &str = "FORKBENCH_TEST_FILL";

#[test]
fn a_full_disk_leaves_what_was_there_and_says_so() {
    if let Ok(folder) = std::env::var(FILL) {
        return fill(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    // A limit on the size of files ends a write in the middle, as a full disk does.
    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -f 40; trap '' XFSZ; exec \"$0\" --exact \"$1\" --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .arg("writing::a_full_disk_leaves_what_was_there_and_says_so")
        .env(FILL, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let recorded: usize = said
        .split_once("recorded ")
        .unwrap()
        .1
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(recorded > 2, "{said}");

    let trials = fs::read(folder.path().join("run/trials.jsonl")).unwrap();
    assert!(trials.ends_with(b"}\n"));
    let log = fs::read(folder.path().join("run/histograms.hlog")).unwrap();
    assert!(log.ends_with(b"\n"));
    let run = read(&folder.path().join("run")).unwrap();
    assert_eq!(
        (run.run.cells[0].trials.len(), run.problems.len()),
        (recorded, 0)
    );

    // With room again, the run goes on.
    let mut writer = RunWriter::join(folder.path(), "s", header("run")).unwrap();
    writer.append(trial_line(&cell("fork", "0"), 0)).unwrap();
    writer.finish("2026-07-01T10:30:00Z").unwrap();
    assert_eq!(
        read(writer.directory()).unwrap().run.cells[0].trials.len(),
        recorded + 1
    );
}

fn fill(folder: &Path) {
    let mut writer = RunWriter::join(folder, "s", header("run")).unwrap();
    for index in 0.. {
        if let Err(error) = writer.append(trial_line(&cell("fork", "0"), index)) {
            assert!(matches!(error, RecordingError::Full { .. }), "{error:?}");
            let said = error.to_string();
            assert!(
                said.contains("trials.jsonl") && said.contains("--out"),
                "{said}"
            );
            println!("recorded {index} trials");
            return;
        }
    }
}
