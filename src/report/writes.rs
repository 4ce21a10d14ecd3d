//! First writes after a fork: what a run says of them, in a sentence, on a terminal and in Markdown.

use super::answer::{Answer, beside};
use super::markdown::escaped;
use super::palette::rank_of;
use super::reading::{
    centre, is_measured, is_writes, label, marked, p99, plain, repeat_command, short,
};
use super::scale::size_name;
use super::terminal::{Styles, missing, pad, pad_left, titled, wrapped};
use crate::footprint::Footprint;
use crate::mechanism::Phase;
use crate::recording::{Cell, Placement, Run, Status};
use crate::units::{Nanoseconds, human_time};

/// What the section is called, wherever it stands.
pub(super) const TITLE: &str = "What the first write after a fork costs";

/// The cells whose iterations are writes, measured or not, by who writes and what.
pub(super) fn cells(run: &Run) -> impl Iterator<Item = &Cell> {
    let mut cells: Vec<&Cell> = run.cells.iter().filter(|cell| is_writes(cell)).collect();
    let free = |cell: &Cell| cell.placement == Placement::Free;
    cells.sort_by_cached_key(|cell| {
        let rank = rank_of(&cell.mechanism);
        (rank, label(cell), free(cell), cell.footprint)
    });
    cells.into_iter()
}

/// Bytes that the kernel copied for each first write while the child was alive, by its own account.
pub(super) fn copied_per_write(cell: &Cell) -> Option<u64> {
    let (mut bytes, mut writes) = (0u64, 0u64);
    for trial in &cell.trials {
        if let Some(copied) = trial.host.copied_bytes {
            let passes = [Phase::FirstPass, Phase::SecondPass].into_iter();
            let counts = passes.filter_map(|phase| Some(trial.phases.get(&phase)?.quantiles.count));
            writes = counts.fold(writes, u64::saturating_add);
            bytes = bytes.saturating_add(copied);
        }
    }
    (writes > 0).then(|| (bytes as f64 / writes as f64).round() as u64)
}

/// [`copied_per_write`] as tables have it.
pub(super) fn copied_text(cell: &Cell) -> String {
    copied_per_write(cell).map_or("–".to_owned(), size_name)
}

/// What a run says of first writes; `None` where none were measured.
pub(super) fn answer(run: &Run) -> Option<Answer<'_>> {
    let told = |cell: &&Cell| centre(cell, Phase::SecondPass).is_some_and(|centre| centre.ns > 0.0);
    let usual = |cell: &&Cell| {
        let plain = cell.footprint == Footprint::of(cell.footprint.bytes);
        cell.id.starts_with("cow-parent/") && plain
    };
    let measured = || cells(run).filter(|cell| is_measured(cell)).filter(told);
    let cell = measured().find(usual).or_else(|| measured().next())?;
    let writer = match cell.mechanism.as_str() {
        "cow-child" => "its",
        _ => "the parent's",
    };
    let shape = match cell.footprint.to_string().split_once('+') {
        None => "a page".to_owned(),
        Some((_, words)) => format!("a page ({})", words.replace('+', ", ")),
    };
    let time = |phase| centre(cell, phase).map(|centre| centre.ns);
    let second = time(Phase::SecondPass).unwrap_or_default();
    let mut sentence = format!(
        "While a forked child lives, {writer} first write to {shape} takes {}",
        Nanoseconds(second)
    );
    if let Some(before) = time(Phase::Before) {
        sentence.push_str(&format!(" instead of {}", beside(before, second)));
    }
    if let Some(bytes) = copied_per_write(cell) {
        sentence.push_str(&format!(": {} are copied", size_name(bytes)));
    }
    if let Some(after) = time(Phase::After) {
        let after = beside(after, second);
        sentence.push_str(&format!("; once the child is gone, {after}"));
    }
    Some(Answer {
        question: "What does the first write after a fork cost?".to_owned(),
        sentence,
        dear: cell,
        cheap: None,
        phase: Phase::SecondPass,
        command: repeat_command(&[cell]),
    })
}

/// The columns after a cell's name: what stands above them, and how wide a table must be to have them.
fn columns(width: usize) -> Vec<(&'static str, usize)> {
    let all = [
        ("before", 9, 50),
        ("first-pass", 10, 84),
        ("second-pass", 11, 0),
        ("p99", 9, 60),
        ("after", 9, 50),
        ("copied", 8, 94),
    ];
    let kept = all.into_iter().filter(|(_, _, from)| *from <= width);
    kept.map(|(head, wide, _)| (head, wide)).collect()
}

fn value(cell: &Cell, head: &str) -> String {
    match head {
        "p99" => p99(cell, Phase::SecondPass).map_or("–".to_owned(), human_time),
        "copied" => copied_text(cell),
        phase => Phase::from_name(phase).map_or("–".to_owned(), |phase| marked(cell, phase)),
    }
}

/// The block of a terminal's table; nothing where a run has no such cells.
pub(super) fn block(text: &mut String, run: &Run, width: usize, styles: &Styles) {
    let columns = columns(width);
    let taken: usize = columns.iter().map(|(_, wide)| wide + 1).sum();
    let name_width = width.saturating_sub(taken).max(10);
    for (index, cell) in cells(run).enumerate() {
        if index == 0 {
            text.push_str(&format!("\n{}\n", styles.put("1", TITLE)));
            let mut heads = pad("cell", name_width);
            for (head, wide) in &columns {
                heads.push_str(&format!(" {}", pad_left(head, *wide)));
            }
            text.push_str(&format!("{}\n", styles.dim(heads.trim_end())));
        }
        let name = plain(&cell.id);
        if cell.status != Status::Ok {
            missing(text, &name, cell, width, styles);
            continue;
        }
        text.push_str(&titled(&name, name_width, width));
        for (head, wide) in &columns {
            text.push_str(&format!(" {}", pad_left(&value(cell, head), *wide)));
        }
        text.push('\n');
    }
    let note = "Median of a write: before any fork; the first after one, in a subject's first pass of copies and in \
                a later one, the child alive; the first after the child is gone. p99 is second-pass's.";
    if cells(run).next().is_some() {
        for line in wrapped(note, width) {
            text.push_str(&format!("{}\n", styles.dim(&line)));
        }
    }
}

/// The section of a run in Markdown; nothing where it has no such cells.
pub(super) fn markdown(text: &mut String, run: &Run) {
    let columns = columns(usize::MAX);
    for (index, cell) in cells(run).enumerate() {
        if index == 0 {
            let heads: String = columns
                .iter()
                .map(|(head, _)| format!(" {head} |"))
                .collect();
            let line = "---:|".repeat(columns.len());
            text.push_str(&format!("\n#### {TITLE}\n\n| cell |{heads}\n|---|{line}\n"));
        }
        let name = escaped(&short(&cell.id, 80));
        if cell.status != Status::Ok {
            let reason = cell.reason.as_deref().unwrap_or("no reason given");
            let word = if cell.status == Status::Failed {
                "failed"
            } else {
                "skipped"
            };
            let rest = " |".repeat(columns.len());
            let reason = escaped(&short(reason, 500));
            text.push_str(&format!("| {name} | {word}: {reason}{rest}\n"));
            continue;
        }
        let values = columns.iter().map(|(head, _)| value(cell, head));
        let values: String = values
            .map(|value| format!(" {} |", escaped(&value)))
            .collect();
        text.push_str(&format!("| {name} |{values}\n"));
    }
}
