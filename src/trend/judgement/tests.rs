//! A host's runs that are made up, and what is said of them.

use super::*;
use crate::statistics::Random;
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
