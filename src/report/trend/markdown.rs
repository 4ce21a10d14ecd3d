//! A history as Markdown, for a pull request or the summary of a CI job.

use crate::report::comparison::numbers::{interval, percent, signed};
use crate::report::markdown::escaped;
use crate::report::reading::{counted, grouped, short};
use crate::statistics::Verdict;
use crate::trend::{CellHistory, History, HostHistory};

use super::answer;
use super::words;

/// GitHub refuses comments of more than 65,536 characters; bytes are counted here, to be safe.
const MOST_BYTES: usize = 60_000;
/// What is kept free for the text below the tables.
const FOOT_BYTES: usize = 6_000;

/// A history as Markdown: the answer, and for each host what is not unchanged, the worst first.
///
/// It is shorter than 60,000 bytes, however many cells there are: it says how many rows it left out. The store's own text is
/// escaped: it opens no link, no tag and no column, and calls nobody.
pub fn markdown(history: &History) -> String {
    let mut text = format!("**{}.**\n\n", escaped(&answer::answer(history)));
    text.push_str(&format!("{}.\n", escaped(&answer::summary(history))));
    let mut left = 0;
    for host in &history.hosts {
        left += table(&mut text, host);
    }
    if left > 0 {
        text.push_str(&format!("\n{} rows are left out.\n", grouped(left)));
    }
    text.push_str("\n<details><summary>How it was judged</summary>\n\n");
    for (what, value) in words::method(history) {
        text.push_str(&format!("- {what}: {}\n", escaped(&short(&value, 200))));
    }
    // A fence longer than any run of backquotes in it cannot be closed from inside.
    let command = short(&words::command(history), 1_500);
    let run = command.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(run.max(2) + 1);
    text.push_str(&format!("\n{fence}\n{command}\n{fence}\n\n</details>\n"));
    text
}

/// Adds a host; returns how many rows found no room.
fn table(text: &mut String, host: &HostHistory) -> u64 {
    let name = escaped(&words::host(host));
    let cells = words::worst_first(host);
    let told: Vec<&CellHistory> = cells
        .iter()
        .copied()
        .filter(|cell| cell.verdict != Verdict::Unchanged)
        .collect();
    let head = format!(
        "\n### {name}\n\n{}{}; ",
        counted(host.count, "run"),
        words::newest(host)
    );
    let unchanged = grouped((cells.len() - told.len()) as u64);
    let mut added = format!("{head}{unchanged} unchanged.\n");
    if !told.is_empty() {
        added.push_str("\n| verdict | cell | level | effect | interval | between | and | confidence |\n|---|---|---:|---:|---:|---|---|---:|\n");
    }
    if text.len() + added.len() > MOST_BYTES - FOOT_BYTES {
        return told.len() as u64;
    }
    text.push_str(&added);
    for (index, cell) in told.iter().enumerate() {
        let row = row(cell);
        if text.len() + row.len() > MOST_BYTES - FOOT_BYTES {
            return (told.len() - index) as u64;
        }
        text.push_str(&row);
    }
    0
}

fn row(cell: &CellHistory) -> String {
    let mark = match cell.verdict {
        Verdict::Regressed => format!("**{}**", words::said(cell)),
        _ => words::said(cell),
    };
    let name = escaped(&words::name(cell));
    let level = words::level(cell);
    let Some(change) = words::decisive(cell) else {
        let effect = signed(cell.pending.as_ref().map(|pending| pending.effect));
        let why = cell.reason.as_deref().map_or(String::new(), |reason| {
            format!(": {}", escaped(&short(reason, 200)))
        });
        return format!("| {mark}{why} | {name} | {level} | {effect} | – | – | – | – |\n");
    };
    let mut after = escaped(&words::run(&change.after));
    if let Some([old, new]) = &change.kernels {
        after.push_str(&format!(
            ", kernel {} → {}",
            escaped(&short(old, 60)),
            escaped(&short(new, 60))
        ));
    }
    format!(
        "| {mark} | {name} | {level} | {} | {} | {} | {after} | {} |\n",
        signed(Some(change.effect)),
        interval(Some(change.low), Some(change.high)),
        escaped(&words::run(&change.before)),
        percent(change.confidence),
    )
}
