//! What is said of a comparison, the same on page, terminal and in Markdown.

use crate::comparison::{CellVerdict, Comparison, Kind, SideFigures, Statistic};
use crate::mechanism::Phase;
use crate::recording::Severity;
use crate::report::reading::{counted, grouped, plain, short};
use crate::statistics::{LOOKS, Verdict};
use crate::units::Nanoseconds;

use super::numbers::{finite, interval, percent, seconds, signed};

/// A cell's name in a sentence is no longer.
pub(super) const LONGEST_NAME: usize = 120;

/// Cells with their places in the document, the worst first: by verdict, then the slowest, then as measured.
pub(super) fn worst_first(comparison: &Comparison) -> Vec<(usize, &CellVerdict)> {
    let mut cells: Vec<_> = comparison.cells.iter().enumerate().collect();
    let effect = |cell: &CellVerdict| finite(cell.effect).unwrap_or(f64::NEG_INFINITY);
    cells.sort_by(|(_, a), (_, b)| {
        let by_verdict = a.verdict.cmp(&b.verdict);
        by_verdict.then_with(|| effect(b).total_cmp(&effect(a)))
    });
    cells
}

/// A cell's name, with its phase where that is not `call`.
pub(super) fn name(cell: &CellVerdict) -> String {
    let id = short(&cell.id, LONGEST_NAME);
    match cell.phase {
        Phase::Call => id,
        other => format!("{id} {}", other.name()),
    }
}

/// Whether recorded runs have nothing of a cell that could be compared: one of them lacks it, or has another.
pub(super) fn is_uncompared(comparison: &Comparison, cell: &CellVerdict) -> bool {
    let is_empty = cell.base.is_none() || cell.candidate.is_none();
    comparison.kind == Kind::Compare && cell.verdict == Verdict::NotMeasurable && is_empty
}

/// The verdict as it is written beside a cell. A change in the slower half of the samples is
/// invisible to their p10, so `unchanged` says of what.
pub(super) fn said(cell: &CellVerdict) -> String {
    match cell.verdict {
        Verdict::Unchanged => format!("{} unchanged", cell.statistic.name()),
        other => other.word().to_owned(),
    }
}

/// What the verdict took: `36 pairs, look 3, 9.20 s`; of recorded runs the sittings of both sides.
pub(super) fn effort(comparison: &Comparison, cell: &CellVerdict) -> String {
    if comparison.kind == Kind::Compare {
        let sittings = |side: &Option<SideFigures>| side.as_ref().map_or(0, |side| side.sittings);
        let (a, b) = (sittings(&cell.base), sittings(&cell.candidate));
        return format!("sittings: A {}, B {}", grouped(a), grouped(b));
    }
    let pairs = counted(cell.pairs as usize, "pair");
    let look = if cell.look > 0 {
        format!(", look {}", cell.look)
    } else {
        String::new()
    };
    format!("{pairs}{look}, {}", seconds(cell.seconds))
}

/// What stands below a cell: its reason, what would decide it, what fresh pairs said.
pub(super) fn notes(comparison: &Comparison, cell: &CellVerdict) -> Vec<String> {
    let reason = cell.reason.as_deref().map(|reason| short(reason, 1_000));
    let reason = reason.or_else(|| {
        let is_bare = cell.verdict == Verdict::NotMeasurable;
        is_bare.then(|| "no reason was recorded".to_owned())
    });
    [reason, needs(comparison, cell), confirmation(cell)]
        .into_iter()
        .flatten()
        .collect()
}

/// What an inconclusive cell needs.
fn needs(comparison: &Comparison, cell: &CellVerdict) -> Option<String> {
    if cell.verdict != Verdict::Inconclusive || comparison.kind != Kind::Ab {
        return None;
    }
    // The effect was clear, and then gone: more pairs are not what it lacks.
    if cell.confirmation.is_some_and(|seen| !seen.confirmed) {
        return None;
    }
    let Some(needed) = cell.pairs_needed else {
        let on_the_threshold = cell.reason.is_none() && !cell.looks.is_empty();
        return on_the_threshold.then(|| {
            "the effect lies on the threshold, where no number of pairs decides: ask with another --threshold"
                .to_owned()
        });
    };
    let about = format!("about {} pairs would decide", grouped(needed));
    // The number of pairs that fit is looked at up to the last look, and never beyond.
    let most = LOOKS[LOOKS.len() - 1] as u64;
    match LOOKS.iter().find(|&&look| look as u64 >= needed) {
        Some(&look) => Some(match budget(cell, look as u64) {
            Some(budget) => format!("{about}: --budget {budget}s"),
            None => format!("{about}: give it a larger --budget"),
        }),
        // A reason says already why no number of pairs would do.
        None if cell.reason.is_some() => None,
        None => Some(format!(
            "{about}, more than the {most} that are made at most: a larger --threshold or a quieter host would too"
        )),
    }
}

/// Seconds for as many pairs as that look takes, with a tenth to spare, rounded up.
fn budget(cell: &CellVerdict, look: u64) -> Option<u64> {
    let made = cell
        .pairs
        .saturating_add(cell.confirmation.map_or(0, |seen| seen.pairs));
    let each = cell.seconds / made as f64;
    let whole = each * look as f64 * 1.1;
    if !(whole.is_finite() && whole > 0.0 && whole < 1e7) {
        return None;
    }
    let step = if whole < 60.0 { 5.0 } else { 30.0 };
    Some(((whole / step).ceil() * step) as u64)
}

fn confirmation(cell: &CellVerdict) -> Option<String> {
    let seen = cell.confirmation?;
    let pairs = grouped(seen.pairs);
    let (effect, span) = (
        signed(Some(seen.effect)),
        interval(Some(seen.low), Some(seen.high)),
    );
    Some(if seen.confirmed {
        format!("confirmed by {pairs} fresh pairs: {effect} ({span}, 95 %)")
    } else {
        format!("{pairs} fresh pairs did not confirm the change: {effect} ({span}, 95 %)")
    })
}

/// The quantiles that stand beside a verdict, the one that was judged first.
pub(super) fn figure_names(statistic: Statistic) -> Vec<&'static str> {
    let tails = ["p50", "p90", "p99"].into_iter();
    let tails = tails.filter(|&name| name != statistic.name());
    std::iter::once(statistic.name()).chain(tails).collect()
}

/// A side's [`figure_names`] with their times; `None` where samples are too few.
pub(super) fn figures(
    cell: &CellVerdict,
    side: &SideFigures,
) -> Vec<(&'static str, Option<String>)> {
    let time = |name| match name {
        _ if name == cell.statistic.name() => Some(side.value),
        "p50" => side.p50.map(|ns| ns as f64),
        "p90" => side.p90.map(|ns| ns as f64),
        _ => side.p99.map(|ns| ns as f64),
    };
    let time = |name| time(name).filter(|ns| ns.is_finite() && (0.0..1e20).contains(ns));
    let names = figure_names(cell.statistic).into_iter();
    names
        .map(|name| (name, time(name).map(|ns| Nanoseconds(ns).to_string())))
        .collect()
}

/// Both sides by their letters, with what they are called; the same cell of a run has no name of its own.
pub(super) fn sides(comparison: &Comparison) -> [(char, String); 2] {
    let called = |name: &str| short(name, 300);
    [
        ('A', called(&comparison.base.name)),
        ('B', called(&comparison.candidate.name)),
    ]
}

/// In what both sides differ beside what is compared, as far as anyone reads on.
pub(super) fn differences(comparison: &Comparison) -> Vec<String> {
    comparison
        .differences
        .iter()
        .take(50)
        .map(|text| short(text, 500))
        .collect()
}

/// The command that repeats it, with the seed it drew; as long as it is, it stays one that can be pasted.
pub(super) fn command(comparison: &Comparison) -> String {
    let command = plain(&comparison.command);
    match comparison.seed {
        Some(seed) if !command.contains("--seed") => format!("{command} --seed {seed}"),
        _ => command,
    }
}

/// How it was made, as labels and values: question, seed, host, tool.
pub(super) fn method(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    lines.push(("how", match comparison.kind {
        Kind::Ab => "both sides in one sitting, in pairs whose order is a coin of the seed; looks fixed beforehand, \
                     and a change is seen again in fresh pairs"
            .to_owned(),
        Kind::Compare => "from recorded runs: sittings are counted, not trials".to_owned(),
    }));
    lines.push((
        "smallest change that matters",
        percent(comparison.threshold),
    ));
    lines.push((
        "all verdicts hold together with",
        percent(comparison.confidence),
    ));
    lines.extend(
        comparison
            .budget
            .map(|budget| ("budget of each cell", seconds(budget))),
    );
    lines.extend(comparison.seed.map(|seed| ("seed", seed.to_string())));
    lines.push(("began", plain(&comparison.started)));
    lines.extend(
        comparison
            .finished
            .as_deref()
            .map(|at| ("ended", plain(at))),
    );
    if let Some(host) = &comparison.host {
        let cpu = host.cpu.as_deref().unwrap_or("CPU unknown");
        let words = format!(
            "{}, {cpu}, {} CPUs, kernel {}",
            host.name, host.cpus, host.kernel
        );
        lines.push(("host", plain(&words)));
        lines.extend(
            host.virtualization
                .as_deref()
                .map(|kind| ("virtualisation", plain(kind))),
        );
    }
    if let Some(host) = &comparison.host {
        // Who reads this in a pull request sees nothing of what was told on the terminal.
        let serious = host
            .findings
            .iter()
            .filter(|one| one.severity >= Severity::Warning);
        let told: Vec<String> = serious
            .take(8)
            .map(|one| format!("{}: {}", one.name, one.seen))
            .collect();
        if !told.is_empty() {
            lines.push(("the doctor warns of", plain(&short(&told.join("; "), 600))));
        }
    }
    if comparison.kind == Kind::Ab {
        lines.push((
            "figures and effects",
            "a side's figures are medians over its own trials; the effect is of pairs, and need not be their ratio"
                .to_owned(),
        ));
    }
    let commit = comparison.tool.commit.as_deref();
    let commit = commit.map_or_else(String::new, |commit| format!(" ({commit})"));
    let tool = format!(
        "forkbench {}{commit}, {}",
        comparison.tool.version, comparison.tool.driver
    );
    lines.push(("compared by", plain(&tool)));
    lines
}
