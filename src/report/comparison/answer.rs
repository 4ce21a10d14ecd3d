//! What was asked, and the answer in a sentence.

use std::collections::BTreeSet;

use crate::comparison::{CellVerdict, Comparison};
use crate::report::reading::{counted, factor, grouped};
use crate::statistics::Verdict;

use super::numbers::{FACTORS_FROM, GREATEST_FACTOR, finite, interval, percent, signed};
use super::words::{name, said, worst_first};

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

/// Judgements are cells, unless several phases of one were judged.
fn in_words(comparison: &Comparison, count: usize) -> String {
    let ids = comparison.cells.iter().map(|cell| cell.id.as_str());
    let several = ids.collect::<BTreeSet<_>>().len() < comparison.cells.len();
    match (several, count) {
        (false, _) => counted(count, "cell"),
        (true, _) => counted(count, "judgement"),
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
        _ if open == cells.len() => "nothing could be decided".to_owned(),
        _ => format!(
            "nothing is known to be slower{by}, and {} undecided",
            are(comparison, open)
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
            let cells = in_words(comparison, cells.len());
            sentence(&format!("{nothing}: {statistic} unchanged in {cells}"))
        }
        None if open == cells.len() => {
            let each = if open == 1 {
                format!("{} is {}", name(worst), said(worst))
            } else {
                format!("{} are undecided", in_words(comparison, open))
            };
            sentence(&format!("{nothing}: {each}"))
        }
        None => sentence(&nothing),
    }
}

fn are(comparison: &Comparison, count: usize) -> String {
    format!(
        "{} {}",
        in_words(comparison, count),
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
    let cells = counted(ids.len(), "cell");
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
    let counts = counts.join(", ");
    if count(comparison, Verdict::NotMeasurable) == judgements {
        return format!("{what}: {counts}");
    }
    format!(
        "{what}: {counts}; all verdicts hold together with {}",
        percent(comparison.confidence)
    )
}
