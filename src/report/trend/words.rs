//! What is said of a history, the same on page, terminal and in Markdown.

use std::time::{Duration, UNIX_EPOCH};

use crate::protocol::headline;
use crate::recording::rfc3339;
use crate::report::comparison::numbers::{interval, percent, signed};
use crate::report::reading::{counted, grouped, short};
use crate::statistics::Verdict;
use crate::statistics::change_points::CONFIRMATION;
use crate::trend::{CellHistory, ChangeSeen, History, HostHistory, RunSeen, mechanism_of};
use crate::units::Nanoseconds;

/// A name in a sentence is no longer.
pub(super) const LONGEST_NAME: usize = 120;
/// The last second of the year 9999: no date is later.
const LAST: i64 = 253_402_300_799;
/// As many characters of a commit tell it from others.
const COMMIT: usize = 10;

/// A cell's name, with its phase where that is not the one it is spoken of by.
pub(super) fn name(cell: &CellHistory) -> String {
    let id = match cell.is_common() {
        true => "all cells".to_owned(),
        false => short(&cell.id, LONGEST_NAME),
    };
    match cell.phase {
        Some(phase) if cell.is_common() || phase != headline(mechanism_of(&cell.id)) => {
            format!("{id} {}", phase.name())
        }
        _ => id,
    }
}

/// Cells, the worst first: by verdict, then the slowest, then as they stand.
pub(super) fn worst_first(host: &HostHistory) -> Vec<&CellHistory> {
    let mut cells: Vec<&CellHistory> = host.cells.iter().collect();
    let effect =
        |cell: &CellHistory| decisive(cell).map_or(f64::NEG_INFINITY, |change| change.effect);
    cells.sort_by(|a, b| {
        let by_verdict = a.verdict.cmp(&b.verdict);
        by_verdict.then_with(|| effect(b).total_cmp(&effect(a)))
    });
    cells
}

/// The change that the verdict comes from: the newest in its direction; of an unchanged cell none.
pub(super) fn decisive(cell: &CellHistory) -> Option<&ChangeSeen> {
    let mut newest = cell.changes.iter().rev();
    match cell.verdict {
        Verdict::Regressed => newest.find(|change| change.effect > 0.0),
        Verdict::Improved => newest.find(|change| change.effect < 0.0),
        _ => None,
    }
}

/// The verdict as it is written beside a cell.
pub(super) fn said(cell: &CellHistory) -> String {
    match (&cell.pending, cell.verdict) {
        (Some(pending), Verdict::Inconclusive) if pending.runs < CONFIRMATION => {
            format!("unconfirmed ({} of {CONFIRMATION})", pending.runs)
        }
        (Some(pending), Verdict::Inconclusive) => format!("unconfirmed ({} runs)", pending.runs),
        (_, verdict) => verdict.word().to_owned(),
    }
}

/// A run's day: `2026-11-28`.
pub(super) fn day(run: &RunSeen) -> String {
    date(run.seconds)
}

/// The day of a moment, in seconds since 1970.
pub(super) fn date(seconds: i64) -> String {
    let moment = UNIX_EPOCH + Duration::from_secs(seconds.clamp(0, LAST) as u64);
    rfc3339(moment).chars().take(10).collect()
}

/// What a run measured: its commit, or its own id where none is known.
pub(super) fn commit(run: &RunSeen) -> String {
    match &run.commit {
        Some(commit) => short(commit, COMMIT + 30).chars().take(COMMIT).collect(),
        None => short(&run.id, 60),
    }
}

/// Commit and day: `5e6f7a8b9c (2026-11-21)`.
pub(super) fn run(run: &RunSeen) -> String {
    format!("{} ({})", commit(run), day(run))
}

/// Where a change lies: `between 1a2b3c4d5e (2026-11-20) and 5e6f7a8b9c (2026-11-21)`.
pub(super) fn between(change: &ChangeSeen) -> String {
    format!("between {} and {}", run(&change.before), run(&change.after))
}

/// The effect with its interval: `+5.1 % (+4.2 to +6.0 %)`.
pub(super) fn effect(change: &ChangeSeen) -> String {
    let interval = interval(Some(change.low), Some(change.high));
    format!("{} ({interval})", signed(Some(change.effect)))
}

/// How sure it is: `5 runs since, confidence 99.9 %`.
pub(super) fn evidence(change: &ChangeSeen) -> String {
    let speak = if change.runs == 1 { "speaks" } else { "speak" };
    format!(
        "{} {speak} for it, confidence {}",
        counted(change.runs, "run"),
        percent(change.confidence)
    )
}

/// What else a reader should know of a change.
pub(super) fn notes(cell: &CellHistory, change: &ChangeSeen) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some([old, new]) = &change.kernels {
        notes.push(format!(
            "kernel {} → {} in the same run",
            short(old, 60),
            short(new, 60)
        ));
    }
    match (&change.before.commit, &change.after.commit) {
        (Some(old), Some(new)) if old == new => {
            notes.push(
                "both runs carry the same commit: what it was built with, or the host, changed"
                    .to_owned(),
            );
        }
        _ => {}
    }
    if change.together > 1 {
        let others = grouped(change.together as u64 - 1);
        notes.push(format!(
            "{others} more changed in the same direction in that run"
        ));
    }
    if let (true, Some(measured)) = (cell.normalised, change.measured) {
        notes.push(format!("{} as it was measured", signed(Some(measured))));
    }
    notes
}

/// A cell's newest level: `41.2 µs`.
pub(super) fn level(cell: &CellHistory) -> String {
    match cell.level {
        Some(ns) if ns.is_finite() && ns >= 0.0 => Nanoseconds(ns).to_string(),
        _ => "–".to_owned(),
    }
}

/// Host and branch: `vm, branch main`.
pub(super) fn host(host: &HostHistory) -> String {
    match &host.branch {
        Some(branch) => format!("{}, branch {}", short(&host.name, 80), short(branch, 80)),
        None => short(&host.name, 80),
    }
}

/// When the newest of a host's runs began: `, the newest of 2026-11-21`.
pub(super) fn newest(host: &HostHistory) -> String {
    let newest = host.newest.as_ref();
    newest.map_or(String::new(), |newest| {
        format!(", the newest of {}", day(newest))
    })
}

/// How many of a host's verdicts are of one kind.
pub(super) fn count(history: &History, verdict: Verdict) -> usize {
    let cells = history.hosts.iter().flat_map(|host| &host.cells);
    cells.filter(|cell| cell.verdict == verdict).count()
}

/// What is to be known of how it was judged.
pub(super) fn method(history: &History) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("a trial's value", history.statistic.name().to_owned()),
        ("threshold", percent(history.threshold)),
        (
            "confirmed by",
            format!("{} consecutive runs", history.confirmation),
        ),
        (
            "no change",
            format!("a drift of up to {} from run to run", drift(history.drift)),
        ),
        (
            "intervals",
            format!("{} each", percent(history.interval_confidence)),
        ),
        ("made", short(&history.made, 60)),
        ("forkbench", short(&history.tool.version, 60)),
    ];
    if let Some(commit) = &history.tool.commit {
        lines.push(("built from", short(commit, 60)));
    }
    lines
}

/// `0.1 %`.
fn drift(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// The command that repeats it, as one harmless line.
pub(super) fn command(history: &History) -> String {
    short(&history.command, 4_000)
}
