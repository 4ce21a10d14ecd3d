//! Channels as tables: on a terminal, in Markdown, on the page.

use super::channels::{Group, NOTE, Row, TITLE, answer, groups, setup_sentence};
use super::markdown::escaped;
use super::reading::{centre, is_measured, marked, p99, plain, short};
use super::scale::size_name;
use super::terminal::{Styles, missing, pad, pad_left, titled, wrapped};
use crate::mechanism::Phase;
use crate::recording::{Cell, Run, Status};
use crate::units::human_time;

impl Row<'_> {
    /// A phase that hardly hangs on where both ran: on one CPU, else on two.
    fn phase(&self, phase: Phase) -> Option<&Cell> {
        let mut measured = self.cells().filter(|cell| is_measured(cell));
        measured.find(|cell| centre(cell, phase).is_some())
    }

    /// A column's text.
    fn value(&self, head: &str) -> String {
        let none = || "–".to_owned();
        let middle = |cell: Option<&Cell>| {
            let cell = cell.filter(|cell| is_measured(cell));
            cell.map_or_else(none, |cell| marked(cell, Phase::RoundTrip))
        };
        let tail = |cell: Option<&Cell>| {
            let tail = cell.filter(|cell| is_measured(cell));
            tail.and_then(|cell| p99(cell, Phase::RoundTrip))
                .map_or_else(none, human_time)
        };
        let of_phase = |phase| {
            let cell = self.phase(phase);
            cell.map_or_else(none, |cell| marked(cell, phase))
        };
        match head {
            "one CPU" => middle(self.one),
            "its p99" => tail(self.one),
            "two CPUs" => middle(self.two),
            "their p99" => tail(self.two),
            "free" => middle(self.free),
            "open" => of_phase(Phase::Open),
            _ => of_phase(Phase::Setup),
        }
    }
}

/// The columns after a channel's name: what stands above them, and how wide a table must be to have them.
fn columns(width: usize, groups: &[Group<'_>]) -> Vec<(&'static str, usize)> {
    let all = [
        ("one CPU", 9, 0),
        ("its p99", 9, 66),
        ("two CPUs", 9, 0),
        ("their p99", 9, 66),
        ("free", 9, 0),
        ("open", 9, 56),
        ("setup", 9, 44),
    ];
    let mut rows = groups.iter().flat_map(|group| &group.rows);
    let has_free = rows.any(|row| row.free.is_some());
    let kept = all
        .into_iter()
        .filter(|(head, _, from)| *from <= width && (*head != "free" || has_free));
    kept.map(|(head, wide, _)| (head, wide)).collect()
}

/// The cells of a group that have no figure, with their reasons.
fn unmeasured<'a>(group: &Group<'a>) -> impl Iterator<Item = &'a Cell> {
    let cells: Vec<&Cell> = group.rows.iter().flat_map(Row::cells).collect();
    cells.into_iter().filter(|cell| cell.status != Status::Ok)
}

fn has_figures(row: &Row<'_>) -> bool {
    row.best().is_finite()
}

/// What stands below tables, where it does not stand above everything already.
fn sentences(run: &Run) -> impl Iterator<Item = String> {
    let headline = super::answer::answer(run).map(|answer| answer.sentence);
    let own = answer(run).map(|answer| answer.sentence);
    let own = own.filter(|own| headline.as_ref() != Some(own));
    [own, setup_sentence(run)].into_iter().flatten()
}

/// The block of a terminal's table; nothing where a run has no such cells.
pub(super) fn block(text: &mut String, run: &Run, width: usize, styles: &Styles) {
    let groups = groups(run);
    let columns = columns(width, &groups);
    let taken: usize = columns.iter().map(|(_, wide)| wide + 1).sum();
    let name_width = width.saturating_sub(taken).max(10);
    for group in &groups {
        let title = format!("{} there and back", size_name(group.message));
        text.push_str(&format!("\n{}\n", styles.put("1", &title)));
        let mut heads = pad("channel", name_width);
        for (head, wide) in &columns {
            heads.push_str(&format!(" {}", pad_left(head, *wide)));
        }
        text.push_str(&format!("{}\n", styles.dim(heads.trim_end())));
        for row in group.rows.iter().filter(|row| has_figures(row)) {
            text.push_str(&titled(&row.name(), name_width, width));
            for (head, wide) in &columns {
                text.push_str(&format!(" {}", pad_left(&row.value(head), *wide)));
            }
            text.push('\n');
        }
        for cell in unmeasured(group) {
            missing(text, &plain(&cell.id), cell, width, styles);
        }
    }
    if groups.is_empty() {
        return;
    }
    let mut words: String = sentences(run).map(|said| said + ". ").collect();
    words.push_str(NOTE);
    for line in wrapped(&words, width) {
        text.push_str(&format!("{}\n", styles.dim(&line)));
    }
}

/// The section of a run in Markdown; nothing where it has no such cells.
pub(super) fn markdown(text: &mut String, run: &Run) {
    let groups = groups(run);
    let columns = columns(usize::MAX, &groups);
    let heads: String = columns
        .iter()
        .map(|(head, _)| format!(" {head} |"))
        .collect();
    let line = "---:|".repeat(columns.len());
    for group in &groups {
        let size = size_name(group.message);
        text.push_str(&format!(
            "\n#### {TITLE}: {size}\n\n| channel |{heads}\n|---|{line}\n"
        ));
        for row in group.rows.iter().filter(|row| has_figures(row)) {
            let values = columns.iter().map(|(head, _)| escaped(&row.value(head)));
            let values: String = values.map(|value| format!(" {value} |")).collect();
            let name = escaped(&short(&row.name(), 80));
            text.push_str(&format!("| {name} |{values}\n"));
        }
        for cell in unmeasured(group) {
            let word = match cell.status {
                Status::Failed => "failed",
                _ => "skipped",
            };
            let reason = cell.reason.as_deref().unwrap_or("no reason given");
            let (name, reason) = (escaped(&short(&cell.id, 80)), escaped(&short(reason, 500)));
            let rest = " |".repeat(columns.len());
            text.push_str(&format!("| {name} | {word}: {reason}{rest}\n"));
        }
    }
    if groups.is_empty() {
        return;
    }
    for said in sentences(run) {
        text.push_str(&format!("\n{}.\n", escaped(&said)));
    }
    text.push_str(&format!("\n{NOTE}\n"));
}

/// The same rows for the page: a table for each message.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Table {
    pub title: String,
    pub head: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// What was not measured, and why.
    pub missing: Vec<[String; 3]>,
}

/// The tables of the page.
pub(super) fn tables(run: &Run) -> Vec<Table> {
    let groups = groups(run);
    let columns = columns(usize::MAX, &groups);
    let table = |group: &Group<'_>| {
        let rows = group.rows.iter().filter(|row| has_figures(row));
        let line = |row: &Row<'_>| {
            let mut line = vec![short(&row.name(), 80)];
            line.extend(columns.iter().map(|(head, _)| row.value(head)));
            line
        };
        let missing = unmeasured(group).map(|cell| {
            let word = match cell.status {
                Status::Failed => "failed",
                _ => "skipped",
            };
            let reason = cell.reason.as_deref().unwrap_or("no reason was recorded");
            [plain(&cell.id), word.to_owned(), plain(reason)]
        });
        let mut head = vec!["channel"];
        head.extend(columns.iter().map(|(head, _)| *head));
        Table {
            title: format!("{} there and back", size_name(group.message)),
            head,
            rows: rows.map(line).collect(),
            missing: missing.collect(),
        }
    };
    groups.iter().map(table).collect()
}
