//! What is read is checked, and what is wrong is said.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use forkbench::mechanism::Phase;
use forkbench::recording::*;
use tempfile::TempDir;

use crate::fixtures::*;

fn text(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&serde_json::to_string(line).unwrap());
        text.push('\n');
    }
    text
}

/// A folder whose trials.jsonl holds the line that names the run, and `rest`.
fn folder(rest: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let first = text(&[Line::Run(Box::new(header("run")))]);
    fs::write(folder.path().join("trials.jsonl"), first + rest).unwrap();
    folder
}

fn error_of(path: &Path) -> String {
    read(path).unwrap_err().to_string()
}

#[test]
fn a_run_is_found_by_any_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(folder.path(), header("run")).unwrap();
    writer.append(trial_line(&cell("fork", "0"), 0)).unwrap();
    writer.flush().unwrap();
    let run = folder.path().join("run");
    fs::copy(run.join("trials.jsonl"), folder.path().join("copy.jsonl")).unwrap();
    for path in [
        run.clone(),
        folder.path().join("latest"),
        run.join("run.json"),
        run.join("trials.jsonl"),
        folder.path().join("copy.jsonl"),
    ] {
        let recorded = read(&path).unwrap();
        assert_eq!(recorded.run.id, "run", "{}", path.display());
        assert_eq!(recorded.histograms["fork/0"].len(), 2, "{}", path.display());
    }
    assert_eq!(locate(&run.join("run.json")).unwrap(), run);
    assert_eq!(locate(Path::new("Cargo.toml")).unwrap(), PathBuf::from("."));
}

#[test]
fn what_is_no_run_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let said = error_of(&at("nothing"));
    assert!(
        said.contains("nothing") && said.contains("forkbench run"),
        "{said}"
    );
    let said = error_of(folder.path());
    assert!(said.contains("neither trials.jsonl nor run.json"), "{said}");
    fs::write(at("run.json"), "[1, 2]").unwrap();
    let said = error_of(folder.path());
    assert!(
        said.contains("run.json") && said.contains("line 1"),
        "{said}"
    );
    fs::write(at("trials.jsonl"), "").unwrap();
    let said = error_of(folder.path());
    assert!(said.contains("names the run"), "{said}");
    std::os::unix::fs::symlink("gone", at("latest")).unwrap();
    assert!(error_of(&at("latest")).contains("no run at"));
    // Neither is opened: the one never ends, the other would wait for a writer.
    assert!(error_of(Path::new("/dev/zero")).contains("no ordinary file"));
    let pipe = at("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(error_of(&pipe).contains("no ordinary file"));
}

#[test]
fn another_schema_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trials.jsonl");
    let sound = text(&[Line::Run(Box::new(header("run")))]);
    let unlike = r#"{"line":"run","schema":"forkbench.run/2","new":{}}"#.to_owned();
    for first in [sound.replace("forkbench.run/1", "forkbench.run/2"), unlike] {
        fs::write(&path, first).unwrap();
        let said = error_of(folder.path());
        assert!(
            said.contains("`forkbench.run/2`") && said.contains("line 1"),
            "{said}"
        );
        assert!(RunWriter::join(folder.path(), "s", header("x")).is_ok());
    }
    fs::remove_file(&path).unwrap();
    fs::write(
        folder.path().join("run.json"),
        r#"{"schema":"forkbench.run/9\u001b[31m"}"#,
    )
    .unwrap();
    let said = error_of(folder.path());
    assert!(
        said.contains("forkbench.run/9") && !said.contains('\u{1b}'),
        "{said}"
    );
}

#[test]
fn lines_that_cannot_be_read_are_named_and_the_rest_is_there() {
    let fork = cell("fork", "0");
    let trial = |index| text(&[trial_line(&fork, index)]);
    let half = &trial(2)[..500];
    let long = format!("\"{}\"\n", "x".repeat(5 << 20));
    let deep = format!("{{\"line\":\"life\",\"cell\":{}\n", "[".repeat(200_000));
    let odd = "{\"line\":\"omen\"}\n\u{1b}[2J\n\n";
    let folder = folder(&format!("{}{odd}{long}{deep}{}{half}", trial(0), trial(1)));
    let recorded = read(folder.path()).unwrap();
    assert_eq!(recorded.run.cells[0].trials.len(), 2);
    assert_eq!(recorded.problems.len(), 5, "{:#?}", recorded.problems);
    for (problem, (line, what)) in recorded.problems.iter().zip([
        ("line 3:", "omen"),
        ("line 4:", "no line of a run"),
        ("line 6:", "longer than"),
        ("line 7:", "recursion"),
        ("line 9:", "unfinished"),
    ]) {
        assert!(
            problem.contains(line) && problem.contains(what),
            "{problem}"
        );
        assert!(
            problem.len() < 300 && !problem.contains('\u{1b}'),
            "{problem}"
        );
    }
}

#[test]
fn a_lost_first_line_is_taken_from_run_json() {
    let parent = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(parent.path(), header("run")).unwrap();
    for index in 0..3 {
        writer
            .append(trial_line(&cell("fork", "0"), index))
            .unwrap();
    }
    let path = writer.directory().join("trials.jsonl");
    let mut text = fs::read(&path).unwrap();
    text[0] = b'#';
    fs::write(&path, &text).unwrap();
    let recorded = read(writer.directory()).unwrap();
    assert_eq!(
        (recorded.run.id.as_str(), recorded.run.cells[0].trials.len()),
        ("run", 3)
    );
    assert_eq!(recorded.problems.len(), 2);
    fs::remove_file(writer.directory().join("run.json")).unwrap();
    assert!(matches!(
        read(writer.directory()),
        Err(RecordingError::NoHeader { .. })
    ));
}

#[test]
fn run_json_alone_is_read_with_what_the_interval_log_has() {
    let parent = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(parent.path(), header("run")).unwrap();
    lines()
        .into_iter()
        .for_each(|line| writer.append(line).unwrap());
    writer.flush().unwrap();
    let whole = read(writer.directory()).unwrap();
    fs::remove_file(writer.directory().join("trials.jsonl")).unwrap();
    let recorded = read(writer.directory()).unwrap();
    assert_eq!((&recorded.run, recorded.problems.len()), (&whole.run, 0));
    for id in ["fork/64MiB", "vfork/0"] {
        assert_eq!(recorded.histograms[id], whole.histograms[id]);
    }
    fs::remove_file(writer.directory().join("histograms.hlog")).unwrap();
    let recorded = read(writer.directory()).unwrap();
    assert_eq!(recorded.run, whole.run);
    assert!(recorded.problems[0].contains("histograms are missing"));
}

#[test]
fn doubles_and_contradictions_are_left_out() {
    let (fork, mut claimed) = (cell("fork", "0"), cell("fork", "64MiB"));
    claimed.id = "fork/0".to_owned();
    let mut misnamed = cell("vfork", "0");
    misnamed.id = "vfork/none".to_owned();
    let mut foreign = cell("command", "0");
    foreign.id = "static:command/0@free@exec=true".to_owned();
    foreign.exec = Some("/bin/true --quickly".to_owned());
    (foreign.subject, foreign.placement) = ("static".to_owned(), Placement::Free);
    let mut long = trial(1, &[1_000; 50]);
    long.phases.get_mut(&Phase::Call).unwrap().quantiles.max = u64::MAX;
    let mut other = trial(2, &[1_000; 50]);
    let histogram = trial(2, &[1_000; 49]).phases[&Phase::Call]
        .histogram
        .clone();
    other.phases.get_mut(&Phase::Call).unwrap().histogram = histogram;
    let of = |trial| {
        let cell = fork.clone();
        Line::Trial(Box::new(TrialLine { cell, trial }))
    };
    let mut armed = trial(0, &[1_000; 50]);
    armed.arm = "b".to_owned();
    let folder = folder(&text(&[
        trial_line(&fork, 0),
        trial_line(&fork, 0),
        trial_line(&claimed, 1),
        of(long),
        of(other),
        of(armed),
        trial_line(&misnamed, 0),
        trial_line(&foreign, 0),
        cell_line(&fork, Status::Ok, "no"),
        Line::Run(Box::new(header("second"))),
    ]));
    let recorded = read(folder.path()).unwrap();
    let kept: Vec<_> = (recorded.run.cells[0].trials.iter())
        .map(|trial| (trial.arm.as_str(), trial.index))
        .collect();
    assert_eq!(kept, [("", 0), ("", 2), ("b", 0)]);
    assert_eq!(
        (recorded.run.id.as_str(), recorded.run.cells.len()),
        ("run", 3)
    );
    let told = recorded.problems.join("\n");
    for what in [
        "there twice",
        "was another one before",
        "longer than an hour",
        "49 samples where 50 were counted",
        "its parts make `vfork/0`",
        "only trials can say",
        "a second line that names the run",
    ] {
        assert!(told.contains(what), "{what}: {told}");
    }
    assert_eq!(recorded.problems.len(), 7, "{told}");
}

#[test]
fn a_failure_stands_and_a_skipped_cell_that_was_measured_is_ok() {
    let fork = cell("fork", "0");
    let (failed, skipped) = (
        |why| cell_line(&fork, Status::Failed, why),
        |why| cell_line(&fork, Status::Skipped, why),
    );
    let trial = || trial_line(&fork, 0);
    for (lines, status, reason) in [
        (vec![trial()], Status::Ok, None),
        (vec![skipped("a"), skipped("b")], Status::Skipped, Some("b")),
        (vec![skipped("a"), trial()], Status::Ok, None),
        (vec![trial(), skipped("a")], Status::Ok, None),
        (
            vec![trial(), failed("a"), failed("b")],
            Status::Failed,
            Some("a"),
        ),
        (vec![failed("a"), trial()], Status::Failed, Some("a")),
        (vec![failed("a"), skipped("b")], Status::Failed, Some("a")),
    ] {
        let recorded = read(folder(&text(&lines)).path()).unwrap();
        let cell = &recorded.run.cells[0];
        assert_eq!(
            (cell.status, cell.reason.as_deref()),
            (status, reason),
            "{lines:?}"
        );
    }
}

#[test]
fn finished_holds_until_something_follows() {
    let finished = || {
        let finished = "2026-07-01T10:30:00Z".to_owned();
        Line::Finished(FinishedLine { finished })
    };
    let trial = || trial_line(&cell("fork", "0"), 0);
    let of = |lines: &[Line]| read(folder(&text(lines)).path()).unwrap().run.finished;
    assert!(of(&[trial(), finished()]).is_some());
    assert!(of(&[finished(), trial()]).is_none());
    assert!(of(&[finished(), life_line()]).is_none());
    assert!(of(&[trial()]).is_none());
}

fn summary_of(trials: &[Trial]) -> PhaseSummary {
    summarise(trials).remove(&Phase::Call).unwrap()
}

#[test]
fn middle_quantiles_are_medians_over_trials_and_tails_are_of_all_samples() {
    // Trials of 100 samples: level + 0 … 99. The odd one out moves no median.
    let trials: Vec<Trial> = [1_000, 1_010, 9_000]
        .iter()
        .zip(0..)
        .map(|(&level, index)| trial(index, &(level..level + 100).collect::<Vec<u64>>()))
        .collect();
    let summary = summary_of(&trials);
    assert_eq!(
        (summary.count, summary.min, summary.max),
        (300, 1_000, 9_099)
    );
    assert_eq!(
        (summary.p10, summary.p25, summary.p50),
        (Some(1_019), Some(1_034), Some(1_059))
    );
    // The 270th of 300 samples is the 70th of the slow trial; buckets there are 8 ns wide.
    let p90 = summary.p90.unwrap();
    assert!((9_069..9_077).contains(&p90), "{p90}");
    assert_eq!((summary.p99, summary.p999), (None, None));
    assert!((summary.mean - 3_719.5).abs() < 1e-9, "{}", summary.mean);
    assert_eq!(
        summary.intervals.keys().collect::<Vec<_>>(),
        ["p10", "p25", "p50", "p90"]
    );
    assert_eq!(summary.intervals["p50"], [1_049, 9_049]);
    assert!(summary.trials_disagree);
    let agreeing = summary_of(&trials[..2]);
    assert!(!agreeing.trials_disagree);
    assert_eq!(agreeing.intervals, BTreeMap::new());
}

#[test]
fn trials_too_short_for_a_median_are_taken_together() {
    let short: Vec<Trial> = (0..3)
        .map(|index| trial(index, &[10, 20, 30, 40, 50, 60, 70]))
        .collect();
    let summary = summary_of(&short);
    assert_eq!((summary.p50, summary.p10), (Some(40), None));
    assert_eq!(summary.intervals["p50"], [40, 40]);
    assert_eq!(summary_of(&short[..2]).p50, None);
    // One short trial among long ones: no median over trials, as not every trial has one.
    let mixed = [trial(0, &[100; 80]), trial(1, &[500; 5])];
    assert_eq!(summary_of(&mixed).p50, Some(100));
    let mut bare = mixed;
    for trial in &mut bare {
        trial.phases.get_mut(&Phase::Call).unwrap().histogram = None;
    }
    assert_eq!(summary_of(&bare).p50, None);
    assert_eq!(summary_of(&bare[..1]).p50, Some(100));
    assert_eq!(summarise(&[]), BTreeMap::new());
}
