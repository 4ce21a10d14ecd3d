//! What is said of a comparison, the same on page, terminal and in Markdown.

use std::collections::BTreeSet;

use crate::comparison::{CellVerdict, Comparison, Kind, SideFigures, Statistic};
use crate::mechanism::Phase;
use crate::report::reading::{factor, grouped, plain, short};
use crate::statistics::{LOOKS, Verdict};
use crate::units::Nanoseconds;

/// Ratios from here on are written as factors.
const FACTORS_FROM: f64 = 9.995;
/// A factor that says no more than "absurd".
const GREATEST_FACTOR: f64 = 1e9;
/// A cell's name in a sentence is no longer.
pub(super) const LONGEST_NAME: usize = 120;

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

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

/// A share as a percentage with the digits it was given with: `3 %`, `99.9 %`.
pub(super) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{:.4}", (share * 100.0).clamp(-1e9, 1e9));
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

fn decimals(percentage: f64) -> usize {
    match percentage.abs() {
        p if p < 0.995 => 2,
        p if p < 99.95 => 1,
        _ => 0,
    }
}

fn factor_of(effect: f64) -> String {
    format!("×{}", factor((1.0 + effect).min(GREATEST_FACTOR)))
}

fn signed_with(effect: f64, decimals: usize) -> String {
    if effect >= FACTORS_FROM {
        return factor_of(effect);
    }
    let percentage = effect * 100.0;
    let digits = format!("{:.decimals$}", percentage.abs());
    let is_zero = digits.chars().all(|c| c == '0' || c == '.');
    let sign = match percentage < 0.0 {
        _ if is_zero => "",
        true => "−",
        false => "+",
    };
    format!("{sign}{digits}")
}

/// An effect: `+5.1 %`, `−0.42 %`, `×12`.
pub(super) fn signed(effect: Option<f64>) -> String {
    match finite(effect) {
        None => "–".to_owned(),
        Some(effect) => {
            let text = signed_with(effect.max(-1.0), decimals(effect * 100.0));
            let unit = if effect >= FACTORS_FROM { "" } else { " %" };
            format!("{text}{unit}")
        }
    }
}

/// An interval: `+4.7 to +5.6 %`. An end that is no number is `–`.
pub(super) fn interval(low: Option<f64>, high: Option<f64>) -> String {
    let (low, high) = (finite(low), finite(high));
    let widest = [low, high].into_iter().flatten().map(f64::abs);
    let Some(widest) = widest.reduce(f64::max) else {
        return "–".to_owned();
    };
    let decimals = decimals(widest * 100.0);
    let end = |value: Option<f64>| match value {
        Some(value) => signed_with(value.max(-1.0), decimals),
        None => "–".to_owned(),
    };
    let unit = if high.is_some_and(|high| high >= FACTORS_FROM) {
        ""
    } else {
        " %"
    };
    format!("{} to {}{unit}", end(low), end(high))
}

/// A cell's name, with its phase where that is not `call`.
pub(super) fn name(cell: &CellVerdict) -> String {
    let id = short(&cell.id, LONGEST_NAME);
    match cell.phase {
        Phase::Call => id,
        other => format!("{id} {}", other.name()),
    }
}

/// The verdict as it is written beside a cell. A change in the slower half of the samples is
/// invisible to their p10, so `unchanged` says of what.
pub(super) fn said(cell: &CellVerdict) -> String {
    match cell.verdict {
        Verdict::Unchanged => format!("{} unchanged", cell.statistic.name()),
        other => other.word().to_owned(),
    }
}

/// How a change reads in a sentence: `is 5.1 % slower in B (4.7 to 5.6 %, 99 %)`.
fn change(comparison: &Comparison, cell: &CellVerdict) -> String {
    let name = name(cell);
    let (subject, against) = match name.split_once(" vs ") {
        Some((base, candidate)) => (candidate.to_owned(), format!("than {base}")),
        None => (name, "in B".to_owned()),
    };
    let confidence = percent(comparison.confidence);
    let effect = finite(cell.effect).unwrap_or(0.0);
    let span = interval(cell.low, cell.high);
    if effect >= FACTORS_FROM {
        let than = if against == "in B" {
            "in A"
        } else {
            against.trim_start_matches("than ")
        };
        let times = factor((1.0 + effect).min(GREATEST_FACTOR));
        return format!("{subject} takes {times} times as long as {than} ({span}, {confidence})");
    }
    let word = if effect < 0.0 { "faster" } else { "slower" };
    // A faster side's interval reads from its smaller change to its greater one.
    let span = match (cell.low, cell.high) {
        (Some(low), Some(high)) if high < 0.0 => interval(Some(-high), Some(-low)).replace('+', ""),
        (Some(low), Some(_)) if low > 0.0 => span.replace('+', ""),
        _ => span,
    };
    let size = signed(Some(effect.abs())).replace('+', "");
    format!("{subject} is {size} {word} {against} ({span}, {confidence})")
}

/// What was asked.
pub(super) fn question(comparison: &Comparison) -> String {
    if comparison.threshold > 0.0 {
        let threshold = percent(comparison.threshold);
        format!("Is B slower than A by more than {threshold}?")
    } else {
        "Is B slower than A?".to_owned()
    }
}

fn count(comparison: &Comparison, verdict: Verdict) -> usize {
    let cells = comparison.cells.iter();
    cells.filter(|cell| cell.verdict == verdict).count()
}

fn cells_in_words(count: usize) -> String {
    if count == 1 {
        "1 cell".to_owned()
    } else {
        format!("{} cells", grouped(count as u64))
    }
}

/// The answer in one sentence, without its full stop.
pub(super) fn answer(comparison: &Comparison) -> String {
    let cells = worst_first(comparison);
    let Some((_, worst)) = cells.first() else {
        return "Nothing was compared".to_owned();
    };
    let of = |verdict| count(comparison, verdict);
    let regressed = of(Verdict::Regressed);
    if regressed > 0 {
        let more = match regressed - 1 {
            0 => String::new(),
            1 => "; 1 more cell got slower".to_owned(),
            more => format!("; {} more cells got slower", grouped(more as u64)),
        };
        return format!("{}{more}", change(comparison, worst));
    }
    let threshold = percent(comparison.threshold);
    let by = if comparison.threshold > 0.0 {
        format!(" by more than {threshold}")
    } else {
        String::new()
    };
    let open = of(Verdict::Inconclusive) + of(Verdict::NotMeasurable);
    let nothing = match open {
        0 => format!("nothing got slower{by}"),
        _ if open == cells.len() => "no verdict was reached".to_owned(),
        _ => format!(
            "nothing is known to be slower{by}, and {} undecided",
            are(open)
        ),
    };
    let best = cells
        .iter()
        .map(|(_, cell)| *cell)
        .rfind(|cell| cell.verdict == Verdict::Improved);
    match best {
        Some(best) => format!("{}; {nothing}", change(comparison, best)),
        None if open == 0 => {
            let statistic = worst.statistic.name();
            let cells = cells_in_words(cells.len());
            sentence(&format!("{nothing}: {statistic} unchanged in {cells}"))
        }
        None if open == cells.len() => {
            let each = if open == 1 {
                said(worst)
            } else {
                format!("{} are undecided", cells_in_words(open))
            };
            sentence(&format!("{nothing}: {each}"))
        }
        None => sentence(&nothing),
    }
}

fn are(count: usize) -> String {
    format!(
        "{} {}",
        cells_in_words(count),
        if count == 1 { "is" } else { "are" }
    )
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// `4 cells: 1 regressed, 3 unchanged; all verdicts hold together with 99 %`.
pub(super) fn summary(comparison: &Comparison) -> String {
    let judgements = comparison.cells.len();
    let ids: BTreeSet<&str> = comparison
        .cells
        .iter()
        .map(|cell| cell.id.as_str())
        .collect();
    let cells = cells_in_words(ids.len());
    let what = if ids.len() == judgements {
        cells
    } else {
        format!("{} judgements of {cells}", grouped(judgements as u64))
    };
    let counts: Vec<String> = Verdict::ALL
        .into_iter()
        .map(|verdict| (count(comparison, verdict), verdict.word()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", grouped(count as u64)))
        .collect();
    if counts.is_empty() {
        return "0 cells".to_owned();
    }
    format!(
        "{what}: {}; all verdicts hold together with {}",
        counts.join(", "),
        percent(comparison.confidence)
    )
}

/// Seconds with three significant digits.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds.is_finite() && seconds >= 0.0 {
        Nanoseconds(seconds.min(1e9) * 1e9).to_string()
    } else {
        "–".to_owned()
    }
}

/// What the verdict took: `36 pairs, look 3, 9.20 s`; of recorded runs the sittings of both sides.
pub(super) fn effort(comparison: &Comparison, cell: &CellVerdict) -> String {
    if comparison.kind == Kind::Compare {
        let sittings = |side: &Option<SideFigures>| side.as_ref().map_or(0, |side| side.sittings);
        let (a, b) = (sittings(&cell.base), sittings(&cell.candidate));
        return format!("sittings: A {}, B {}", grouped(a), grouped(b));
    }
    let pairs = if cell.pairs == 1 { "pair" } else { "pairs" };
    let look = if cell.look > 0 {
        format!(", look {}", cell.look)
    } else {
        String::new()
    };
    format!(
        "{} {pairs}{look}, {}",
        grouped(cell.pairs),
        seconds(cell.seconds)
    )
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

/// The command that repeats it; as long as it is, it stays one that can be pasted.
pub(super) fn command(comparison: &Comparison) -> String {
    plain(&comparison.command)
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
    let commit = comparison.tool.commit.as_deref();
    let commit = commit.map_or_else(String::new, |commit| format!(" ({commit})"));
    let tool = format!(
        "forkbench {}{commit}, {}",
        comparison.tool.version, comparison.tool.driver
    );
    lines.push(("compared by", plain(&tool)));
    lines
}
