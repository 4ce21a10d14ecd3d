//! A host's runs that are made up, and what is said of them.

use super::*;
use crate::statistics::{Random, Verdict};
use crate::trend::Measured;

const NIGHTS: usize = 60;

fn run(night: usize) -> RunSeen {
    RunSeen {
        id: format!("run-{night}"),
        started: format!("night {night}"),
        seconds: night as i64 * 86_400,
        commit: Some(format!("c{night:03}")),
        kernel: Some(if night < 40 { "6.12.1" } else { "6.18.0" }.to_owned()),
        path: None,
    }
}

/// Cells of 40 µs whose sittings differ by 4 %; `moved` multiplies what one takes.
fn host(cells: usize, nights: usize, moved: impl Fn(usize, usize) -> f64) -> HostRuns {
    let mut random = Random::new(9);
    let sittings: Vec<f64> = (0..nights).map(|_| 0.04 * random.normal()).collect();
    let made = |cell: usize, random: &mut Random| CellRuns {
        id: format!("fork/{cell}MiB"),
        phase: Some(Phase::Call),
        is_reference: true,
        is_asked_for: true,
        measured: (0..nights)
            .map(|night| {
                let ns = 40_000.0
                    * (sittings[night] + 0.01 * random.normal()).exp()
                    * moved(cell, night);
                let p10 = ns as u64;
                Measured {
                    run: night,
                    p10,
                    low: p10 - 100,
                    high: p10 + 100,
                    trials: 5,
                }
            })
            .collect(),
    };
    HostRuns {
        fingerprint: "f00d".to_owned(),
        name: "vm".to_owned(),
        branch: Some("main".to_owned()),
        runs: (0..nights).map(run).collect(),
        cells: (0..cells).map(|cell| made(cell, &mut random)).collect(),
    }
}

fn asked() -> Asked {
    Asked {
        threshold: 0.03,
        ..Asked::default()
    }
}

fn slower(by: f64, cell: usize, from: usize) -> impl Fn(usize, usize) -> f64 {
    move |one, night| {
        if one == cell && night >= from {
            1.0 + by
        } else {
            1.0
        }
    }
}

#[test]
fn a_cell_that_got_slower_regressed_between_two_commits() {
    let history = judge(&host(12, NIGHTS, slower(0.10, 3, 40)), &asked());
    assert_eq!((history.count, history.cells.len()), (NIGHTS, 13));
    assert!(history.cells[0].is_common() && history.cells[0].level.is_none());
    for cell in &history.cells {
        let expected = if cell.id == "fork/3MiB" {
            Verdict::Regressed
        } else {
            Verdict::Unchanged
        };
        assert_eq!(cell.verdict, expected, "{cell:?}");
    }
    let cell = &history.cells[4];
    let change = &cell.changes[0];
    assert_eq!(cell.changes.len(), 1);
    assert_eq!(change.before.commit.as_deref(), Some("c039"));
    assert_eq!(change.after.commit.as_deref(), Some("c040"));
    assert_eq!((change.run, change.together), (40, 1));
    assert_eq!(
        change.kernels,
        Some(["6.12.1".to_owned(), "6.18.0".to_owned()])
    );
    assert!((change.effect - 0.10).abs() < 0.02 && change.low < 0.10 && 0.10 < change.high);
    assert!((change.measured.unwrap() - 0.10).abs() < 0.06 && change.confidence > 0.99);
    assert!((cell.level.unwrap() / 44_000.0 - 1.0).abs() < 0.05 && cell.normalised);
    assert!(cell.points.is_empty() && history.runs.is_empty());
}

#[test]
fn what_is_known_makes_no_verdict_and_neither_does_what_is_smaller() {
    let runs = host(12, NIGHTS, slower(0.10, 3, 40));
    let known = Asked {
        known: Some(41 * 86_400),
        ..asked()
    };
    assert_eq!(judge(&runs, &known).cells[4].verdict, Verdict::Unchanged);
    let known = Asked {
        known: Some(40 * 86_400),
        ..asked()
    };
    assert_eq!(judge(&runs, &known).cells[4].verdict, Verdict::Regressed);
    let wide = Asked {
        threshold: 0.2,
        ..asked()
    };
    let cell = judge(&runs, &wide).cells.remove(4);
    assert_eq!((cell.verdict, cell.changes.len()), (Verdict::Unchanged, 1));
    let improved = judge(&host(12, NIGHTS, slower(-0.10, 3, 40)), &asked());
    assert_eq!(improved.cells[4].verdict, Verdict::Improved);
}

#[test]
fn fewer_than_three_runs_leave_it_unconfirmed() {
    for runs in [1, 2] {
        let history = judge(&host(12, NIGHTS, slower(0.15, 3, NIGHTS - runs)), &asked());
        let cell = &history.cells[4];
        assert_eq!(cell.verdict, Verdict::Inconclusive);
        assert_eq!(
            cell.reason.as_deref(),
            Some(format!("unconfirmed ({runs} of 3)").as_str())
        );
        assert_eq!(cell.pending.as_ref().unwrap().runs, runs);
    }
    let history = judge(&host(12, NIGHTS, slower(0.15, 3, NIGHTS - 3)), &asked());
    assert_eq!(history.cells[4].verdict, Verdict::Regressed);
}

#[test]
fn what_moves_all_moves_what_they_have_in_common() {
    let history = judge(
        &host(12, NIGHTS, |_, night| if night >= 30 { 1.3 } else { 1.0 }),
        &asked(),
    );
    assert_eq!(
        history.cells[0].verdict,
        Verdict::Regressed,
        "{:?}",
        history.cells[0]
    );
    let cells = &history.cells[1..];
    assert!(cells.iter().all(|cell| cell.verdict == Verdict::Unchanged));
}

#[test]
fn filters_choose_what_is_said_and_not_what_it_is_said_from() {
    let mut runs = host(12, NIGHTS, slower(0.10, 3, 40));
    runs.cells
        .iter_mut()
        .for_each(|cell| cell.is_asked_for = cell.id == "fork/3MiB");
    let history = judge(
        &runs,
        &Asked {
            with_points: true,
            ..asked()
        },
    );
    assert_eq!(history.cells.len(), 2);
    let cell = &history.cells[1];
    assert!(cell.normalised && cell.verdict == Verdict::Regressed);
    assert_eq!((cell.points.len(), history.runs.len()), (NIGHTS, NIGHTS));
    assert_eq!(history.cells[0].points[0].p10, 1_000);
}

#[test]
fn few_runs_few_cells_and_cells_that_are_gone_are_told() {
    let few = judge(&host(12, 7, |_, _| 1.0), &asked());
    assert!(
        few.cells
            .iter()
            .all(|cell| cell.verdict == Verdict::Inconclusive)
    );
    assert!(
        few.cells[1]
            .reason
            .as_deref()
            .unwrap()
            .starts_with("7 runs so far")
    );
    // Nothing to go by: as it was measured, with the sittings in it.
    let alone = judge(&host(2, NIGHTS, |_, _| 1.0), &asked());
    assert_eq!(alone.cells.len(), 2);
    assert!(alone.cells.iter().all(|cell| !cell.normalised));
    let mut gone = host(12, NIGHTS, slower(0.10, 3, 10));
    gone.cells[3].measured.truncate(NIGHTS - GONE - 1);
    let cell = judge(&gone, &asked()).cells.remove(4);
    assert_eq!(cell.verdict, Verdict::NotMeasurable, "{cell:?}");
    let none = HostRuns {
        runs: Vec::new(),
        cells: Vec::new(),
        ..host(0, 0, |_, _| 1.0)
    };
    assert!(judge(&none, &asked()).cells.is_empty());
}

/// The verdict of a cell on each of the first nights up to a number of them.
fn night_by_night(
    runs: &HostRuns,
    cell: usize,
    nights: std::ops::RangeInclusive<usize>,
) -> Vec<Verdict> {
    let upto = |count: usize| {
        let mut seen = runs.clone();
        seen.runs.truncate(count);
        for cell in &mut seen.cells {
            cell.measured.retain(|one| one.run < count);
        }
        judge(&seen, &asked()).cells[cell + 1].verdict
    };
    nights.map(upto).collect()
}

#[test]
fn one_good_night_takes_no_regression_back() {
    // Four slow nights after twelve, and then it is as it was.
    let moved = |cell: usize, night: usize| {
        if cell == 3 && (12..16).contains(&night) {
            1.23
        } else {
            1.0
        }
    };
    let runs = host(6, 24, moved);
    let verdicts = night_by_night(&runs, 3, 16..=24);
    let back = verdicts
        .iter()
        .position(|verdict| *verdict != Verdict::Regressed);
    assert!(back.is_some_and(|nights| nights >= 3), "{verdicts:?}");
    let after = &verdicts[back.unwrap()..];
    let is_over = |verdict: &Verdict| matches!(verdict, Verdict::Improved | Verdict::Unchanged);
    assert!(after.iter().all(is_over), "{verdicts:?}");
    // What was measured on either side of the return is the slow nights, and no earlier ones.
    let cell = judge(&runs, &asked()).cells.remove(4);
    for change in &cell.changes {
        let measured = change.measured.unwrap();
        assert!((measured - change.effect).abs() < 0.08, "{change:?}");
    }
}

#[test]
fn three_bad_nights_are_never_called_two() {
    let moved = slower(0.10, 3, NIGHTS - 5);
    let runs = host(6, NIGHTS, moved);
    for count in NIGHTS - 4..=NIGHTS {
        let mut seen = runs.clone();
        seen.runs.truncate(count);
        seen.cells
            .iter_mut()
            .for_each(|cell| cell.measured.retain(|one| one.run < count));
        let cell = judge(&seen, &asked()).cells.remove(4);
        if let Some(pending) = cell.pending {
            assert_eq!(pending.runs, count - (NIGHTS - 5), "{count}: {pending:?}");
        }
    }
}

#[test]
fn nights_that_cannot_be_judged_are_not_green() {
    // From the fortieth night on, one cell takes longer, and too few others are measured to tell what a sitting did.
    let fewer = |nights: usize| {
        let mut runs = host(6, nights, slower(0.30, 0, 40));
        for cell in &mut runs.cells[4..] {
            cell.measured.retain(|one| one.run < 40);
        }
        judge(&runs, &asked()).cells.remove(1)
    };
    let cell = fewer(45);
    assert_eq!(cell.verdict, Verdict::Inconclusive, "{cell:?}");
    let reason = cell.reason.unwrap();
    assert!(reason.contains("the newest 5 of its runs"), "{reason}");
    // With eight of them all is judged as it was measured, and the step is seen.
    let cell = fewer(48);
    assert!(
        !cell.normalised && cell.verdict == Verdict::Regressed,
        "{cell:?}"
    );
    assert!((cell.level.unwrap() / 52_000.0 - 1.0).abs() < 0.1);
}

#[test]
fn a_cell_is_gone_after_three_of_its_own_nights() {
    let judged = |every: usize, last: usize| {
        let mut runs = host(12, NIGHTS, |_, _| 1.0);
        runs.cells[3]
            .measured
            .retain(|one| one.run % every == 0 && one.run <= last);
        judge(&runs, &asked()).cells.remove(4).verdict
    };
    assert_eq!(judged(1, NIGHTS - 3), Verdict::Unchanged);
    assert_eq!(judged(1, NIGHTS - 4), Verdict::NotMeasurable);
    // Once a week, it is missed for three weeks.
    assert_eq!(judged(5, NIGHTS - 10), Verdict::Unchanged);
    assert_eq!(judged(5, NIGHTS - 20), Verdict::NotMeasurable);
}

#[test]
fn cells_that_change_in_one_run_are_counted() {
    let moved = |cell: usize, night: usize| if cell < 3 && night >= 40 { 1.2 } else { 1.0 };
    let history = judge(&host(16, NIGHTS, moved), &asked());
    assert_eq!(history.cells[1].changes[0].together, 3);
}

#[test]
fn figures_of_a_stranger_do_no_harm() {
    let mut runs = host(6, NIGHTS, |_, _| 1.0);
    for (at, one) in runs.cells[2].measured.iter_mut().enumerate() {
        one.p10 = [0, u64::MAX, 1][at % 3];
    }
    runs.cells[3].measured[5].run = usize::MAX;
    let history = judge(
        &runs,
        &Asked {
            with_points: true,
            ..asked()
        },
    );
    let all = history.cells.iter().flat_map(|cell| &cell.changes);
    assert!(all.into_iter().all(|change| change.effect.is_finite()));
}
