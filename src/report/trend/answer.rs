//! What was asked of a history, and the answer in a sentence.

use crate::report::comparison::numbers::percent;
use crate::report::comparison::numbers::signed;
use crate::report::reading::{counted, grouped};
use crate::statistics::Verdict;
use crate::trend::{CellHistory, History, HostHistory};

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

/// What was looked at: `812 runs of 40 cells on 1 host`.
pub(super) fn summary(history: &History) -> String {
    let runs: usize = history.hosts.iter().map(|host| host.count).sum();
    let all = history.hosts.iter().flat_map(|host| &host.cells);
    let judged = all.filter(|cell| !cell.is_common()).count();
    let hosts = history.hosts.len();
    format!(
        "{}, {}, {}",
        counted(runs, "run"),
        counted(judged, "judgement"),
        counted(hosts, "host")
    )
}
