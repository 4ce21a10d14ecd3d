//! What was asked of a history, and the answer in a sentence.

use std::collections::BTreeSet;

use crate::mechanism::Phase;
use crate::report::comparison::numbers::percent;
use crate::report::comparison::numbers::signed;
use crate::report::reading::{counted, grouped};
use crate::statistics::Verdict;
use crate::trend::{CellHistory, FEWEST_RUNS, History, HostHistory};

use super::words;

/// What was asked.
pub(super) fn question(history: &History) -> String {
    format!(
        "Has anything become slower by {} or more?",
        percent(history.threshold)
    )
}

/// The worst regression, with its host.
fn worst(history: &History) -> Option<(&HostHistory, &CellHistory, f64)> {
    let cells = history
        .hosts
        .iter()
        .flat_map(|host| host.cells.iter().map(move |cell| (host, cell)));
    let regressed = cells.filter(|(_, cell)| cell.verdict == Verdict::Regressed);
    let with_effect = regressed.map(|(host, cell)| {
        let effect = words::decisive(cell).map_or(0.0, |change| change.effect);
        (host, cell, effect)
    });
    with_effect.max_by(|a, b| a.2.total_cmp(&b.2))
}

/// The answer, without a full stop.
pub(super) fn answer(history: &History) -> String {
    if history.hosts.iter().all(|host| host.cells.is_empty()) {
        return "The store has no figures of what was asked for".to_owned();
    }
    let open = words::count(history, Verdict::Inconclusive);
    let Some((host, cell, effect)) = worst(history) else {
        let improved = words::count(history, Verdict::Improved);
        if improved + words::count(history, Verdict::Unchanged) == 0 {
            // Green would say more than is known.
            return undecided(history);
        }
        let mut text = format!(
            "Nothing became slower by {} or more",
            percent(history.threshold)
        );
        if improved > 0 {
            text.push_str(&format!("; {} became faster", counted(improved, "cell")));
        }
        if open > 0 {
            text.push_str(&format!("; {} undecided", counted(open, "cell")));
        }
        return text;
    };
    let change = words::decisive(cell);
    let since = change.map_or(String::new(), |change| {
        format!(" since {}", words::run(&change.after))
    });
    let size = signed(Some(effect)).replace('+', "");
    let on = match history.hosts.len() {
        1 => String::new(),
        _ => format!(" on {}", words::host(host)),
    };
    let mut text = match size.strip_prefix('×') {
        Some(times) => format!(
            "{} takes {times} times as long{on}{since}",
            words::name(cell)
        ),
        None => format!("{} is {size} slower{on}{since}", words::name(cell)),
    };
    let more = words::count(history, Verdict::Regressed) - 1;
    if more > 0 {
        text.push_str(&format!(
            "; {} more became slower, too",
            grouped(more as u64)
        ));
    }
    text
}

/// The answer where there is none.
fn undecided(history: &History) -> String {
    let mut cells = history.hosts.iter().flat_map(|host| &host.cells);
    let because = match cells.all(|cell| cell.count < FEWEST_RUNS) {
        true => format!(" yet: a first verdict takes {FEWEST_RUNS} runs"),
        false => String::new(),
    };
    format!("Nothing could be decided{because}")
}

/// What was looked at: `812 runs, 40 judgements of call, 1 host`.
pub(super) fn summary(history: &History) -> String {
    let runs: usize = history.hosts.iter().map(|host| host.count).sum();
    let judged = history.hosts.iter().map(|host| host.cells.len()).sum();
    let phases: BTreeSet<Phase> = history
        .hosts
        .iter()
        .flat_map(|host| &host.cells)
        .filter_map(|cell| cell.phase)
        .collect();
    let phases: Vec<&str> = phases.into_iter().map(Phase::name).collect();
    let of = match phases.is_empty() {
        true => String::new(),
        false => format!(" of {}", phases.join(", ")),
    };
    let hosts: BTreeSet<(&str, &str)> = history
        .hosts
        .iter()
        .map(|host| (host.name.as_str(), host.host.as_str()))
        .collect();
    // A host stands once for each of its branches.
    let branches: BTreeSet<Option<&str>> = history
        .hosts
        .iter()
        .map(|host| host.branch.as_deref())
        .collect();
    let branches = match branches.len() {
        0 | 1 => String::new(),
        count => format!(", {count} branches"),
    };
    format!(
        "{}, {}{of}, {}{branches}",
        counted(runs, "run"),
        counted(judged, "judgement"),
        counted(hosts.len(), "host")
    )
}
