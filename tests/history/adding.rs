//! Adding runs: what is kept of them, and that twice is once.

use forkbench::history::{Added, Entry, EntryError, Labels, Selection, StoreError};
use forkbench::mechanism::Phase;
use forkbench::recording::{self, Line, Status, TrialLine};

use crate::fixtures::{cell, cell_line, samples, trial};
use crate::made::{fork, ids, made, run, runs, series, store};
use crate::scratch::Scratch;

#[test]
fn what_was_recorded_comes_back_as_series() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    let labels = |commit: &str| Labels {
        commit: Some(commit.to_owned()),
        branch: Some("main".to_owned()),
        host_name: None,
    };
    let late = run(5, 44_000).with(&cell("vfork", "0"), &[9_000]);
    for (made, commit) in [(late, "bbb"), (run(2, 40_000), "aaa")] {
        assert_eq!(
            store.add(&made.entry(labels(commit)), false).unwrap(),
            Added::New
        );
    }
    let calls = series(&store, Phase::Call);
    let names: Vec<(&str, usize)> = calls
        .iter()
        .map(|series| (series.cell.as_str(), series.points.len()))
        .collect();
    assert_eq!(names, [("fork/64MiB", 2), ("vfork/0", 1)]);
    let [early, late] = calls[0].points.as_slice() else {
        panic!("two points");
    };
    let (first, second) = (calls[0].run(early), calls[0].run(late));
    assert_eq!(
        (first.id.as_str(), second.id.as_str()),
        ("run-0002", "run-0005")
    );
    assert!(first.started < second.started);
    assert_eq!(first.commit.as_deref(), Some("aaa"));
    assert_eq!(first.branch.as_deref(), Some("main"));
    assert_eq!(first.kernel.as_deref(), Some("6.18.0"));
    assert_eq!(
        first.path.as_ref().unwrap().to_str(),
        Some("/runs/run-0002")
    );
    assert_eq!((early.trials, second.cells), (3, 2));
    // The figures of the trials themselves.
    let p10 = |level: u64, index: u32| {
        let measured = &trial(index, &samples(level, index, 200)).phases[&Phase::Call];
        measured.quantiles.p10.unwrap()
    };
    let mut own = [p10(39_600, 0), p10(40_000, 1), p10(40_800, 2)];
    own.sort_unstable();
    assert_eq!([early.low, early.p10, early.high], own);
    assert!(early.p50 > early.p10);
    let reap = &series(&store, Phase::Reap)[0].points[0];
    assert_eq!(reap.low, own[0] * 2);
}

#[test]
fn a_selection_takes_globs_times_branches_and_hosts() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    for minute in 0..6 {
        let made = run(minute, 40_000).with(&cell("vfork", "0"), &[9_000]);
        let made = made.on(|header| {
            if minute % 2 == 1 {
                header.host.thp = Some("never".to_owned());
            }
        });
        let labels = Labels {
            branch: (minute > 0).then(|| format!("b{}", minute / 3)),
            ..Labels::default()
        };
        store.add(&made.entry(labels), false).unwrap();
    }
    let count = |selection: &Selection| -> Vec<usize> {
        let series = store.series(selection).unwrap();
        series.iter().map(|series| series.points.len()).collect()
    };
    // Two hosts, two cells, two phases.
    assert_eq!(count(&Selection::default()), [3; 8]);
    let globs = |globs: &[&str]| globs.iter().map(ToString::to_string).collect::<Vec<_>>();
    let calls = Selection {
        cells: globs(&["vf*"]),
        phases: vec![Phase::Call],
        ..Selection::default()
    };
    assert_eq!(count(&calls), [3, 3]);
    let started = |at: usize| runs(&store)[at].started;
    let between = Selection {
        since: Some(started(1)),
        until: Some(started(3)),
        ..calls.clone()
    };
    assert_eq!(count(&between), [1, 1]);
    let branch = Selection {
        branches: globs(&["b0"]),
        ..calls.clone()
    };
    assert_eq!(count(&branch).iter().sum::<usize>(), 2);
    let host = Selection {
        hosts: vec![runs(&store)[0].host.0.clone()],
        ..calls
    };
    assert_eq!(count(&host), [3]);
}

#[test]
fn adding_twice_changes_nothing() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    let entry = run(1, 40_000).plain();
    assert_eq!(store.add(&entry, false).unwrap(), Added::New);
    let before = (runs(&store), series(&store, Phase::Call));
    let elsewhere = Entry {
        path: None,
        commit: Some("other".to_owned()),
        ..entry.clone()
    };
    for again in [&entry, &elsewhere] {
        assert_eq!(store.add(again, false).unwrap(), Added::Unchanged);
        assert_eq!((runs(&store), series(&store, Phase::Call)), before);
    }
    assert_eq!(store.add(&elsewhere, true).unwrap(), Added::Replaced);
    assert_eq!(runs(&store).len(), 1);
    assert_eq!(runs(&store)[0].commit.as_deref(), Some("other"));
}

#[test]
fn a_run_that_goes_on_grows_and_keeps_its_labels() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    let early = made("run", 1).with(&fork(), &[40_000, 41_000]);
    let labels = Labels {
        commit: Some("abc".to_owned()),
        ..Labels::default()
    };
    let begun = early.clone().unfinished();
    assert_eq!(store.add(&begun.entry(labels), false).unwrap(), Added::New);
    assert!(!runs(&store)[0].finished);
    let failed = cell_line(&cell("fork", "0"), Status::Failed, "the subject hung");
    let late = early.with(&fork(), &[42_000]).with_line(failed);
    assert_eq!(store.add(&late.plain(), false).unwrap(), Added::Grown);
    let stored = &runs(&store)[0];
    assert_eq!(stored.commit.as_deref(), Some("abc"));
    assert_eq!(
        (stored.finished, stored.cells, stored.unmeasured),
        (true, 1, 1)
    );
    assert_eq!(series(&store, Phase::Call)[0].points[0].trials, 3);
    let unmeasured = store.unmeasured(stored).unwrap();
    assert_eq!(unmeasured[0].reason.as_deref(), Some("the subject hung"));
    // An old copy of it takes nothing back.
    assert_eq!(store.add(&begun.plain(), false).unwrap(), Added::Older);
    assert_eq!(series(&store, Phase::Call)[0].points[0].trials, 3);
    assert_eq!(store.add(&late.plain(), false).unwrap(), Added::Unchanged);
}

#[test]
fn another_run_of_that_name_is_refused_and_named() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    store.add(&run(1, 40_000).plain(), false).unwrap();
    let before = series(&store, Phase::Call);
    let error = store.add(&run(1, 50_000).plain(), false).unwrap_err();
    assert!(matches!(error, StoreError::Differs { .. }));
    let told = error.to_string();
    for word in ["run-0001", "`call` of `fork/64MiB`", "--replace"] {
        assert!(told.contains(word), "{told}");
    }
    assert_eq!(series(&store, Phase::Call), before);
    // Two hosts of one name may begin a run in the same second: the seed tells them apart.
    let other = run(1, 50_000).on(|header| header.seed = 7);
    assert_eq!(store.add(&other.plain(), false).unwrap(), Added::New);
    assert_eq!(ids(&store), ["run-0001", "run-0001"]);
}

#[test]
fn arms_and_empty_runs_are_no_levels() {
    let scratch = tempfile::tempdir().unwrap();
    let entry = |made: crate::made::Made| {
        let recorded = recording::read(&made.written(scratch.path())).unwrap();
        Entry::of_run(&recorded, None, |_| Labels::default())
    };
    let mut arm = trial(0, &samples(40_000, 0, 200));
    arm.arm = "a".to_owned();
    let line = Line::Trial(Box::new(TrialLine {
        cell: fork(),
        trial: arm,
    }));
    let arms = entry(made("arms", 1).with_line(line));
    assert!(matches!(arms, Err(EntryError::Arms { .. })), "{arms:?}");
    let empty = entry(made("empty", 1));
    assert!(
        matches!(empty, Err(EntryError::Nothing { .. })),
        "{empty:?}"
    );
    let timeless = entry(run(1, 40_000).on(|header| header.started = "soon".to_owned()));
    assert!(timeless.unwrap_err().to_string().contains("`soon`"));
}

#[test]
fn many_runs_are_filled_in_at_once_or_not_at_all() {
    let scratch = Scratch::new();
    let store = store(&scratch);
    let entries: Vec<Entry> = (0..5).map(|minute| run(minute, 40_000).plain()).collect();
    store.fill(&entries).unwrap();
    assert_eq!(runs(&store).len(), 5);
    let again = [run(9, 40_000).plain(), entries[0].clone()];
    assert!(store.fill(&again).is_err());
    assert_eq!(runs(&store).len(), 5);
}
