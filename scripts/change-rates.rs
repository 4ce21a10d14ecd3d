//! How soon `forkbench history check` tells a change of level, and how often it tells one that is none: on nights that are
//! made up, as in `tests/simulation`, only more of them.
//!
//!     cargo run --release --example change-rates [HOSTS]
//!
//! Prints a JSON object for each kind of nights. `scripts/change-rates` keeps them and writes the table.

#[path = "../tests/simulation/nights.rs"]
mod nights;
#[path = "../tests/simulation/watch.rs"]
mod watch;

use nights::{CELLS, Kind};
use serde_json::json;
use watch::{Watched, watched};

/// The same nights every time. None of these hosts was looked at when penalty and thresholds were chosen.
const SEED: u64 = 2_000_000;

fn main() {
    let hosts = std::env::args()
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(12);
    let still = Kind::STILL;
    let drifting = Kind {
        drifts: true,
        ..still
    };
    for (name, kind) in [
        ("no step", still),
        ("no step, drifting", drifting),
        (
            "no step, drifting, sittings that resemble the one before",
            Kind {
                memory: 0.6,
                ..drifting
            },
        ),
        (
            "steps of 2 %, drifting",
            Kind {
                step: 0.02,
                ..drifting
            },
        ),
        (
            "steps of 5 %",
            Kind {
                step: 0.05,
                ..still
            },
        ),
        (
            "steps of 5 %, drifting",
            Kind {
                step: 0.05,
                ..drifting
            },
        ),
        (
            "steps of 15 %, drifting",
            Kind {
                step: 0.15,
                ..drifting
            },
        ),
        (
            "steps of 5 % of all cells, drifting",
            Kind {
                step: 0.05,
                is_common: true,
                ..drifting
            },
        ),
        (
            "steps of 15 % of all cells, drifting",
            Kind {
                step: 0.15,
                is_common: true,
                ..drifting
            },
        ),
    ] {
        // Steps of all cells are few.
        let hosts = if kind.is_common { 3 * hosts } else { hosts };
        println!("{}", line(name, kind, hosts, &watched(kind, hosts, SEED)));
    }
}

fn line(name: &str, kind: Kind, hosts: u64, watched: &Watched) -> serde_json::Value {
    let within = |runs: usize| (!watched.delays.is_empty()).then(|| watched.within(runs));
    let share = |of: &[bool]| {
        let count = of.iter().filter(|one| **one).count();
        (!of.is_empty()).then(|| count as f64 / of.len() as f64)
    };
    json!({
        "nights": name,
        "hosts": hosts,
        "cells": CELLS,
        "nights_each": kind.nights,
        "steps": watched.delays.len(),
        "within_3": within(3),
        "within_5": within(5),
        "within_10": within(10),
        "within_20": within(20),
        "median": watched.delay(0.5),
        "p95": watched.delay(0.95),
        "intervals_held": share(&watched.held),
        "withdrawn": share(&watched.withdrawn),
        "false_alarms": watched.false_alarms,
        "cell_nights": watched.cell_nights,
        "false_alarms_per_thousand": watched.alarms_per_thousand(),
    })
}
