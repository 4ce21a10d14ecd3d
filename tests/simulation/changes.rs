//! Changes of level in the nights of forty cells: found soon, and seldom seen where there is none.
//!
//! A host's nights are few where they have to run in seconds, so limits leave two or three standard errors of room.
//! `scripts/change-rates held` holds thousands of nights of many hosts to the limits themselves.

use super::nights::{CELLS, Kind};
use super::watch::{Watched, watched};

fn said(name: &str, watched: &Watched) {
    println!(
        "{name}: {} steps, within 3, 5, 10 runs {:.3} {:.3} {:.3}, median {:?}, false alarms {} in {} cell-nights",
        watched.delays.len(),
        watched.within(3),
        watched.within(5),
        watched.within(10),
        watched.delay(0.5),
        watched.false_alarms,
        watched.cell_nights,
    );
}

fn with_steps(step: f64) -> Kind {
    Kind {
        step,
        drifts: true,
        ..Kind::STILL
    }
}

#[test]
fn nights_without_a_step_raise_about_one_false_alarm_in_a_thousand_cells_at_most() {
    for drifts in [false, true] {
        let watched = watched(
            Kind {
                drifts,
                nights: 600,
                ..Kind::STILL
            },
            1,
            11,
        );
        said(if drifts { "drifting" } else { "still" }, &watched);
        assert!(watched.cell_nights >= CELLS * 600);
        // A standard error is 0.2.
        assert!(
            watched.alarms_per_thousand() <= 1.2,
            "{}",
            watched.false_alarms
        );
    }
}

#[test]
fn steps_of_five_percent_are_found_within_five_runs() {
    let kind = Kind {
        nights: 600,
        ..with_steps(0.05)
    };
    let watched = watched(kind, 1, 21);
    said("5 %", &watched);
    // A standard error is 1.3 points at 96 %.
    assert!(watched.delays.len() >= 200);
    assert!(watched.within(5) >= 0.92, "{}", watched.within(5));
    // Three runs confirm; now and then the last one before the step happens to lie like those after it.
    assert!(watched.within(2) <= 0.12 && watched.within(1) <= 0.01);
    assert!(watched.alarms_per_thousand() <= 1.2);
    let held = watched.held.iter().filter(|held| **held).count() as f64 / watched.held.len() as f64;
    assert!(
        (0.87..=0.995).contains(&held),
        "intervals hold the effect in {held}"
    );
}

#[test]
fn large_steps_are_found_as_soon_as_may_be_and_small_ones_in_the_end() {
    let short = |step: f64| Kind {
        nights: 400,
        ..with_steps(step)
    };
    let large = watched(short(0.15), 1, 31);
    said("15 %", &large);
    assert!(large.within(5) >= 0.95, "{}", large.within(5));
    assert!(large.alarms_per_thousand() <= 1.5);
    let small = watched(short(0.02), 1, 41);
    said("2 %", &small);
    assert!(small.within(20) < large.within(20));
    assert!(small.alarms_per_thousand() <= 1.5);
}

/// What hits all cells moves none against the others.
#[test]
fn a_step_of_all_cells_is_found_in_what_they_have_in_common() {
    let kind = Kind {
        is_common: true,
        nights: 600,
        ..with_steps(0.15)
    };
    let watched = watched(kind, 1, 51);
    said("15 % of all cells", &watched);
    assert!(watched.delays.len() >= 4);
    assert!(watched.within(10) >= 0.8, "{}", watched.within(10));
    assert!(watched.alarms_per_thousand() <= 1.5);
}

/// Sittings that take after the one before are no levels. What they have in common is then told from its spread less well:
/// docs/METHODOLOGY.md says how often.
#[test]
fn sittings_that_resemble_each_other_are_seldom_taken_for_changes() {
    let kind = Kind {
        memory: 0.6,
        drifts: true,
        nights: 400,
        ..Kind::STILL
    };
    let watched = watched(kind, 1, 61);
    said("with memory", &watched);
    assert!(
        watched.alarms_per_thousand() <= 2.0,
        "{}",
        watched.false_alarms
    );
}
