//! What a cell says, read in one way by page, table and charts.

use crate::footprint::{Footprint, Mapping, Order, Page, State, Touch};
use crate::mechanism::{Mechanism, Phase};
use crate::protocol::Known;
use crate::recording::{Cell, Placement, Run, Status};

use super::scale::size_name;
use crate::units::Nanoseconds;

/// The middle of a phase's samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Centre {
    /// Nanoseconds; finite and not negative.
    pub ns: f64,
    /// There were too few samples for a median: this is their mean.
    pub is_mean: bool,
}

/// The median of a phase, or the mean where there are too few samples for one.
pub(super) fn centre(cell: &Cell, phase: Phase) -> Option<Centre> {
    let summary = cell.phases.get(&phase)?;
    if let Some(p50) = summary.p50 {
        return Some(Centre {
            ns: p50 as f64,
            is_mean: false,
        });
    }
    let usable = summary.count > 0 && summary.mean.is_finite() && summary.mean >= 0.0;
    usable.then_some(Centre {
        ns: summary.mean,
        is_mean: true,
    })
}

/// What stands behind a median in a table: `~` where it is a mean, `*` where trials disagree.
pub(super) fn mark(cell: &Cell, phase: Phase) -> &'static str {
    match centre(cell, phase) {
        Some(centre) if centre.is_mean => "~",
        Some(_) if disagrees(cell, phase) => "*",
        _ => "",
    }
}

/// A median with its mark; a dash where there is none.
pub(super) fn marked(cell: &Cell, phase: Phase) -> String {
    centre(cell, phase).map_or("–".to_owned(), |centre| {
        format!("{}{}", Nanoseconds(centre.ns), mark(cell, phase))
    })
}

/// Whether a mark stands behind a median of any table.
pub(super) fn has_mark(run: &Run, sought: &str) -> bool {
    let is_marked = |cell: &&Cell| {
        let phases: &[Phase] = match () {
            () if is_server(cell) => &[Phase::Response],
            () if is_channel(cell) => &[Phase::RoundTrip, Phase::Open, Phase::Setup],
            () if is_writes(cell) => &[
                Phase::Before,
                Phase::FirstPass,
                Phase::SecondPass,
                Phase::After,
            ],
            () => &[Phase::Call, Phase::Reap],
        };
        phases.iter().any(|&phase| mark(cell, phase) == sought)
    };
    let mut measured = run.cells.iter().filter(|cell| is_measured(cell));
    measured.any(|cell| is_marked(&cell))
}

/// The lowest and the highest of the trials' own medians; `None` with fewer than two.
pub(super) fn spread(cell: &Cell, phase: Phase) -> Option<(u64, u64)> {
    let medians = cell
        .trials
        .iter()
        .filter_map(|trial| trial.phases.get(&phase)?.quantiles.p50);
    let (low, high, count) = medians.fold((u64::MAX, 0, 0), |(low, high, count), p50| {
        (p50.min(low), p50.max(high), count + 1)
    });
    if count >= 2 {
        return Some((low, high));
    }
    // run.json of another writer may leave the trials out and keep the interval.
    let [low, high] = *cell.phases.get(&phase)?.intervals.get("p50")?;
    (low <= high).then_some((low, high))
}

/// The 99th percentile.
pub(super) fn p99(cell: &Cell, phase: Phase) -> Option<u64> {
    cell.phases.get(&phase)?.p99
}

/// Whether the trials' medians differ by more than their samples explain.
pub(super) fn disagrees(cell: &Cell, phase: Phase) -> bool {
    cell.phases
        .get(&phase)
        .is_some_and(|summary| summary.trials_disagree)
}

/// Whether a cell has figures that may be compared with others.
pub(super) fn is_measured(cell: &Cell) -> bool {
    cell.status == Status::Ok
        && Phase::ALL
            .iter()
            .any(|&phase| centre(cell, phase).is_some())
}

/// The cells in which children are started.
pub(super) fn children(run: &Run) -> impl Iterator<Item = &Cell> {
    let starts = |cell: &&Cell| Known::named(&cell.mechanism).is_none_or(Known::starts_children);
    run.cells.iter().filter(starts)
}

/// Whether a cell's iterations are round trips through a channel.
pub(super) fn is_channel(cell: &Cell) -> bool {
    Known::named(&cell.mechanism).is_some_and(|known| known.channel().is_some())
}

/// Whether a cell is a server that was sent requests.
pub(super) fn is_server(cell: &Cell) -> bool {
    Known::named(&cell.mechanism).is_some_and(|known| known.model().is_some())
}

/// Whether a cell's iterations are writes to memory that fork shares.
pub(super) fn is_writes(cell: &Cell) -> bool {
    Mechanism::named(&cell.mechanism).is_some_and(Mechanism::writes)
}

/// A cell's name without its footprint: `fork`, `python:subprocess`, `posix_spawn@exec=/bin/true`.
pub(super) fn label(cell: &Cell) -> String {
    let mut label = String::new();
    if cell.subject != "native" {
        label.push_str(&cell.subject);
        label.push(':');
    }
    label.push_str(&cell.mechanism);
    if let Some(program) = &cell.exec {
        label.push_str("@exec=");
        label.push_str(program);
    }
    plain(&label)
}

/// Text of a run file as one harmless line: control and direction-changing characters become `�`.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            let unprintable = c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
            match c {
                '\n' | '\t' => ' ',
                _ if turns || unprintable => '\u{fffd}',
                _ => c,
            }
        })
        .collect()
}

/// [`plain`], cut to at most `length` characters with an ellipsis.
pub(super) fn short(text: &str, length: usize) -> String {
    let text = plain(text);
    if text.chars().count() <= length {
        return text;
    }
    let kept: String = text.chars().take(length.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A shell word that stands for `text`.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", plain(text).replace('\'', r"'\''"))
}

/// The command that measures a cell again.
pub(super) fn repeat_command(cells: &[&Cell]) -> String {
    let mut command = "forkbench run".to_owned();
    for cell in cells {
        command.push(' ');
        // A program's name tells cells apart, and does not find it.
        let id = match (&cell.exec, cell.id.split_once("@exec=")) {
            (Some(_), Some((id, _))) => id,
            _ => &cell.id,
        };
        command.push_str(&quoted(id));
    }
    if let Some(program) = cells.iter().find_map(|cell| cell.exec.as_deref()) {
        command.push_str(&format!(" --exec {}", quoted(program)));
    }
    if cells.iter().any(|cell| cell.placement == Placement::Free) {
        command.push_str(" --placement free");
    }
    command
}

/// What a cell is measured with, in words: a message's size, or a footprint.
pub(super) fn shape_words(cell: &Cell) -> String {
    match cell.message {
        Some(bytes) => format!("{} there and back, from a bare parent", size_name(bytes)),
        None => footprint_words(&cell.footprint),
    }
}

/// A footprint in words: `4 KiB pages, private, written, in order, hot`.
pub(super) fn footprint_words(footprint: &Footprint) -> String {
    if footprint.bytes == 0 {
        return counts_in_words(footprint, "no ballast".to_owned());
    }
    let page = match footprint.page {
        Page::Base => "4 KiB pages",
        Page::Thp => "transparent huge pages",
        Page::Hugetlb => "reserved huge pages",
    };
    let mapping = match footprint.mapping {
        Mapping::File => "mapped from a file",
        Mapping::Dontfork => "private, MADV_DONTFORK",
        Mapping::Wipeonfork => "private, MADV_WIPEONFORK",
        Mapping::Private | Mapping::Shared => footprint.mapping.name(),
    };
    let touch = match footprint.touch {
        Touch::Read => "only read",
        Touch::Untouched => "never touched",
        Touch::Written => "written",
    };
    let order = match (footprint.order, footprint.window) {
        (Order::Sequential, _) => "in order".to_owned(),
        (Order::Shuffled, 0) if footprint.spread > 0 => {
            format!(
                "in random order over {} times as much memory",
                footprint.spread
            )
        }
        (Order::Shuffled, 0) => "in random order".to_owned(),
        (Order::Shuffled, window) => format!("in random order within windows of {window} pages"),
    };
    let state = match footprint.state {
        State::Hot => "left alone between iterations",
        State::Rewritten => "rewritten between iterations",
    };
    let words = format!("{page}, {mapping}, {touch} {order}, {state}");
    counts_in_words(footprint, words)
}

fn counts_in_words(footprint: &Footprint, mut words: String) -> String {
    for (count, name) in [
        (footprint.vmas, "more VMAs"),
        (footprint.threads, "idle threads"),
        (footprint.busy, "busy threads"),
        (footprint.fds, "more descriptors"),
    ] {
        if count > 0 {
            words.push_str(&format!(", {count} {name}"));
        }
    }
    words
}

/// A factor with as many digits as it bears: `1.04`, `3.2`, `150`.
pub(super) fn factor(ratio: f64) -> String {
    if !ratio.is_finite() {
        "–".to_owned()
    } else if ratio < 1.995 {
        format!("{ratio:.2}")
    } else if ratio < 9.95 {
        format!("{ratio:.1}")
    } else if ratio < 99.5 {
        format!("{ratio:.0}")
    } else {
        // Two significant digits: 152.3 is 150.
        let unit = 10f64.powf(ratio.log10().floor() - 1.0);
        grouped(((ratio / unit).round() * unit) as u64)
    }
}

/// A whole number with its thousands set apart: `30,000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of a thing that an `s` makes several of: `1 run`, `30,000 runs`.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(count as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_claim_no_more_digits_than_they_have() {
        for (ratio, text) in [
            (1.0, "1.00"),
            (1.996, "2.0"),
            (9.96, "10"),
            (152.3, "150"),
            (12_345.0, "12,000"),
            (f64::NAN, "–"),
            (f64::INFINITY, "–"),
        ] {
            assert_eq!(factor(ratio), text);
        }
    }

    #[test]
    fn hostile_text_is_one_harmless_line() {
        assert_eq!(
            plain("a\u{1b}[31m\nb\u{202e}c\0"),
            "a\u{fffd}[31m b\u{fffd}c\u{fffd}"
        );
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(short("abcdef", 4), "abc…");
    }
}
