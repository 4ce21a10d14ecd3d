//! A run as Markdown, for a pull request or an issue.

use crate::mechanism::Phase;
use crate::recording::{Run, Status};
use crate::units::human_time;

use super::answer;
use super::reading::{factor, footprint_words, has_mark, label, marked, p99, plain, short, spread};

/// A run as Markdown: the answer, then one table for each footprint.
///
/// The run's own text is escaped: it opens no link, no tag and no column.
pub fn markdown(run: &Run) -> String {
    let mut text = String::new();
    match answer::answer(run) {
        Some(answer) => text.push_str(&format!(
            "**{}.**\n\n`{}`\n",
            escaped(&answer.sentence),
            answer.command.replace('`', "'")
        )),
        None => text.push_str("Nothing was measured.\n"),
    }
    if run.finished.is_none() {
        text.push_str("\nThis run did not finish: what stands here is all it had.\n");
    }
    for ranking in answer::rankings(run) {
        let words = footprint_words(&ranking.footprint);
        text.push_str(&format!(
            "\n#### {}: {}\n\n",
            escaped(&ranking.name()),
            escaped(&words)
        ));
        text.push_str(
            "| mechanism | call p50 | lowest to highest trial | p99 | reap p50 | × least |\n",
        );
        text.push_str("|---|---:|---:|---:|---:|---:|\n");
        for cell in &ranking.cells {
            let name = escaped(&short(&label(cell), 80));
            if cell.status != Status::Ok {
                let word = if cell.status == Status::Failed {
                    "failed"
                } else {
                    "skipped"
                };
                let reason = escaped(&short(
                    cell.reason.as_deref().unwrap_or("no reason given"),
                    500,
                ));
                text.push_str(&format!("| {name} | {word}: {reason} | | | | |\n"));
                continue;
            }
            let time = |phase: Phase| escaped(&marked(cell, phase));
            let band = spread(cell, Phase::Call).map_or("–".to_owned(), |(low, high)| {
                format!("{} to {}", human_time(low), human_time(high))
            });
            let tail = p99(cell, Phase::Call).map_or("–".to_owned(), human_time);
            let ratio = match ranking.ratio(cell) {
                Some(_) if cell.mechanism == "null" => "floor".to_owned(),
                ratio => ratio.map_or("–".to_owned(), factor),
            };
            let (call, reap) = (time(Phase::Call), time(Phase::Reap));
            text.push_str(&format!(
                "| {name} | {call} | {band} | {tail} | {reap} | {ratio} |\n"
            ));
        }
    }
    super::writes::markdown(&mut text, run);
    super::channels_table::markdown(&mut text, run);
    super::languages::markdown(&mut text, run);
    super::servers::markdown(&mut text, run);
    if has_mark(run, "*") {
        text.push_str("\n\\* The trials disagree by more than their samples explain.\n");
    }
    if has_mark(run, "~") {
        text.push_str("\n\\~ Too few samples for a median: their mean.\n");
    }
    text
}

/// Text that Markdown leaves alone.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '@' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_opens_nothing() {
        assert_eq!(
            escaped("<b>|[x](y)`\n@you"),
            "&lt;b&gt;\\|\\[x\\](y)\\` \\@you"
        );
    }
}
