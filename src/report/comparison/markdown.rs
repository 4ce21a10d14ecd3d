//! A comparison as Markdown, for a pull request or the summary of a CI job.

use crate::comparison::{CellVerdict, Comparison, SideFigures};
use crate::report::markdown::escaped;
use crate::report::reading::{grouped, short};

use super::answer;
use super::numbers;
use super::words;

/// GitHub refuses comments of more than 65,536 characters; bytes are counted here, to be safe.
const MOST_BYTES: usize = 60_000;
/// What is kept free for the text below the table.
const FOOT_BYTES: usize = 18_000;
/// Notes take no more of what is left, so that rows have room.
const NOTES_BYTES: usize = 14_000;

/// A comparison as Markdown: the answer, a table with the worst cell on top, what there is to add, and how it was
/// made.
///
/// It is shorter than 60,000 bytes, however many cells there are: it says how many rows it left out. The
/// comparison's own text is escaped: it opens no link, no tag and no column, and calls nobody.
pub fn markdown(comparison: &Comparison) -> String {
    let cells = words::worst_first(comparison);
    let mut text = format!("**{}.**\n\n", escaped(&answer::answer(comparison)));
    text.push_str(&format!("{}.\n", escaped(&answer::summary(comparison))));
    if comparison.finished.is_none() {
        text.push_str("\nIt did not finish: what stands here is all it had.\n");
    }
    let differences = words::differences(comparison);
    if !differences.is_empty() {
        text.push_str("\nA and B also differ in other things:\n\n");
        for difference in differences.iter().take(10) {
            text.push_str(&format!("- {}\n", escaped(&short(difference, 160))));
        }
    }
    if cells.is_empty() {
        return text + &details(comparison);
    }
    let names = words::figure_names(cells[0].1.statistic).join(" / ");
    text.push_str(&format!(
        "\n| verdict | cell | effect | interval | A: {names} | B: {names} | pairs |\n\
         |---|---|---:|---:|---:|---:|---:|\n",
    ));
    let mut written = 0;
    let mut notes = String::new();
    for (_, cell) in &cells {
        let row = row(comparison, cell);
        if text.len() + row.len() > MOST_BYTES - FOOT_BYTES - NOTES_BYTES {
            break;
        }
        text.push_str(&row);
        let added = added(comparison, cell);
        if notes.len() + added.len() <= NOTES_BYTES {
            notes.push_str(&added);
        }
        written += 1;
    }
    if written < cells.len() {
        let left = grouped((cells.len() - written) as u64);
        text.push_str(&format!(
            "\n{left} of {} rows are left out, none of them worse than those above.\n",
            grouped(cells.len() as u64)
        ));
    }
    if !notes.is_empty() {
        text.push_str(&format!("\n{notes}"));
    }
    text + &details(comparison)
}

fn row(comparison: &Comparison, cell: &CellVerdict) -> String {
    let side = |side: &Option<SideFigures>| match side {
        None => "–".to_owned(),
        Some(side) => {
            let times = words::figures(cell, side).into_iter();
            let times = times.map(|(_, time)| time.unwrap_or_else(|| "–".to_owned()));
            times.collect::<Vec<_>>().join(" / ")
        }
    };
    let mark = match cell.verdict.word() {
        "regressed" => format!("**{}**", words::said(cell)),
        _ => words::said(cell),
    };
    format!(
        "| {mark} | {} | {} | {} | {} | {} | {} |\n",
        escaped(&words::name(cell)),
        numbers::signed(cell.effect),
        numbers::interval(cell.low, cell.high),
        side(&cell.base),
        side(&cell.candidate),
        words::effort(comparison, cell),
    )
}

/// What there is to add to a row, as an item of a list.
fn added(comparison: &Comparison, cell: &CellVerdict) -> String {
    let notes = words::notes(comparison, cell);
    if notes.is_empty() {
        return String::new();
    }
    let name = escaped(&words::name(cell));
    format!("- {name}: {}\n", escaped(&short(&notes.join("; "), 600)))
}

fn details(comparison: &Comparison) -> String {
    let mut text = String::from("\n<details><summary>How it was made</summary>\n\n");
    for (letter, name) in words::sides(comparison) {
        text.push_str(&format!("- {letter}: {}\n", escaped(&short(&name, 120))));
    }
    for (what, value) in words::method(comparison) {
        text.push_str(&format!("- {what}: {}\n", escaped(&short(&value, 200))));
    }
    // A fence longer than any run of backquotes in it cannot be closed from inside.
    let command = short(&words::command(comparison), 1_500);
    let run = command.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(run.max(2) + 1);
    text.push_str(&format!("\n{fence}\n{command}\n{fence}\n\n</details>\n"));
    text
}
