//! The table on a terminal: one block for each footprint, mechanisms ranked within it.

use crate::mechanism::Phase;
use crate::recording::{Cell, Run, Status};
use crate::units::human_time;

use super::answer::{self, Ranking};
use super::costs_table::costs_text;
use super::reading::{
    centre, children, factor, footprint_words, has_mark, label, mark, marked, p99, plain, short,
    spread,
};

/// The width assumed where there is none to ask.
const USUAL_WIDTH: usize = 80;
/// Lines longer than this are hard to follow.
const WIDEST: usize = 100;
const NARROWEST: usize = 40;
/// Names longer than this are cut: a stranger's may be endless.
const LONGEST_NAME: usize = 120;

/// Styles, or none of them.
pub(super) struct Styles {
    pub colour: bool,
}

impl Styles {
    /// `text` with an SGR code; an empty one is none.
    pub fn put(&self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() && !code.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(&self, text: &str) -> String {
        self.put("1", text)
    }

    pub fn dim(&self, text: &str) -> String {
        self.put("2", text)
    }

    fn alarm(&self, text: &str) -> String {
        self.put("31", text)
    }
}

/// One column after the mechanism's name.
struct Column {
    head: &'static str,
    width: usize,
    /// The narrowest table that still has it.
    from: usize,
    text: fn(&Ranking, &Cell) -> String,
}

/// Against the cheapest of the same footprint.
const LEAST: &str = "× least";

const COLUMNS: [Column; 5] = [
    Column {
        head: "call p50",
        width: 11,
        from: 0,
        text: |_, cell| time_text(cell, Phase::Call),
    },
    Column {
        head: "spread",
        width: 12,
        from: 72,
        text: |_, cell| spread_text(cell),
    },
    Column {
        head: "p99",
        width: 9,
        from: 58,
        text: |_, cell| p99(cell, Phase::Call).map_or("–".to_owned(), human_time),
    },
    Column {
        head: "reap p50",
        width: 10,
        from: 66,
        text: |_, cell| time_text(cell, Phase::Reap),
    },
    Column {
        head: LEAST,
        width: 8,
        from: 0,
        text: |ranking, cell| match ranking.ratio(cell) {
            Some(_) if cell.mechanism == "null" => "floor".to_owned(),
            Some(ratio) => factor(ratio),
            None => "–".to_owned(),
        },
    },
];

/// Marks stand in a column of their own.
fn time_text(cell: &Cell, phase: Phase) -> String {
    match mark(cell, phase) {
        "" => format!("{} ", marked(cell, phase)),
        _ => marked(cell, phase),
    }
}

/// How far the trials' medians lie from the cell's: `−2 +3 %`.
fn spread_text(cell: &Cell) -> String {
    let (Some((low, high)), Some(centre)) = (spread(cell, Phase::Call), centre(cell, Phase::Call))
    else {
        return "–".to_owned();
    };
    if centre.ns <= 0.0 {
        return "–".to_owned();
    }
    let percent = |ns: u64| ((ns as f64 / centre.ns - 1.0) * 100.0).clamp(-999.0, 9_999.0);
    let (low, high) = (percent(low).min(0.0), percent(high).max(0.0));
    format!("−{:.0} +{:.0} %", low.abs(), high)
}

/// The columns that a table is laid out for.
pub(super) fn columns(width: Option<usize>) -> usize {
    width.unwrap_or(USUAL_WIDTH).clamp(NARROWEST, WIDEST)
}

/// A run as a table for a terminal of `width` columns (80 where unknown, 40 to 100 are used).
///
/// The first line answers the run's question. Each footprint has a block of its own, the cheapest
/// mechanism on top; what was not measured stands there too, with its reason. With `colour`, ANSI
/// styles are added. Control characters of the run's own text never reach the terminal.
pub fn table(run: &Run, width: Option<usize>, colour: bool) -> String {
    let width = columns(width);
    let styles = Styles { colour };
    let mut text = String::new();
    match answer::answer(run) {
        Some(answer) => {
            for line in wrapped(&format!("{}.", answer.sentence), width) {
                text.push_str(&styles.bold(&line));
                text.push('\n');
            }
        }
        None => text.push_str("Nothing was measured.\n"),
    }
    if run.finished.is_none() {
        text.push_str("This run did not finish: what stands here is all it had.\n");
    }
    for block in blocks(run) {
        text.push('\n');
        block.write(&mut text, width, &styles);
    }
    super::writes::block(&mut text, run, width, &styles);
    super::channels_table::block(&mut text, run, width, &styles);
    super::languages::block(&mut text, run, width, &styles);
    super::servers::block(&mut text, run, width, &styles);
    text.push_str(&costs_text(run, width, &styles));
    legend(&mut text, run, width, &styles);
    text
}

/// Rows that are compared with each other.
struct Block<'a> {
    title: String,
    ranking: Ranking<'a>,
    /// Whether rows differ in their footprints, so that each needs its whole name.
    is_mixed: bool,
}

/// A block for each footprint with several cells, and one for all that stand alone at theirs.
fn blocks(run: &Run) -> Vec<Block<'_>> {
    let (several, alone): (Vec<Ranking>, Vec<Ranking>) = answer::rankings(run)
        .into_iter()
        .partition(|ranking| ranking.cells.len() > 1);
    let mut blocks: Vec<Block> = several
        .into_iter()
        .map(|ranking| Block {
            title: format!(
                "{}: {}",
                ranking.name(),
                footprint_words(&ranking.footprint)
            ),
            ranking,
            is_mixed: false,
        })
        .collect();
    let title = if blocks.is_empty() {
        "Every cell"
    } else {
        "Alone at their parent"
    };
    let alone = alone.into_iter().flat_map(|ranking| ranking.cells);
    if let Some(ranking) = Ranking::of(alone.collect()) {
        blocks.push(Block {
            title: title.to_owned(),
            ranking,
            is_mixed: true,
        });
    }
    blocks
}

impl Block<'_> {
    fn name(&self, cell: &Cell) -> String {
        if self.is_mixed {
            plain(&cell.id)
        } else {
            label(cell)
        }
    }

    fn write(&self, text: &mut String, width: usize, styles: &Styles) {
        let columns: Vec<&Column> = COLUMNS
            .iter()
            .filter(|column| column.from <= width)
            // Rows of other parents are no alternatives.
            .filter(|column| !(self.is_mixed && column.head == LEAST))
            .collect();
        let taken: usize = columns.iter().map(|column| column.width + 1).sum();
        let name_width = width.saturating_sub(taken).max(10);
        for line in wrapped(&self.title, width) {
            text.push_str(&styles.bold(&line));
            text.push('\n');
        }
        let mut heads = pad("mechanism", name_width);
        for column in &columns {
            heads.push(' ');
            heads.push_str(&pad_left(column.head, column.width));
        }
        text.push_str(&styles.dim(heads.trim_end()));
        text.push('\n');
        for cell in &self.ranking.cells {
            if cell.status != Status::Ok {
                missing(text, &self.name(cell), cell, width, styles);
                continue;
            }
            text.push_str(&titled(&self.name(cell), name_width, width));
            for column in &columns {
                text.push(' ');
                text.push_str(&pad_left(&(column.text)(&self.ranking, cell), column.width));
            }
            text.push('\n');
        }
    }
}

/// A line for a cell that has no figures, with its reason.
pub(super) fn missing(text: &mut String, name: &str, cell: &Cell, width: usize, styles: &Styles) {
    let failed = cell.status == Status::Failed;
    let word = if failed { "failed" } else { "skipped" };
    let reason = cell.reason.as_deref().unwrap_or("no reason was recorded");
    let line = format!("{} {word}: {reason}", short(name, 60));
    for line in hanging(&line, width, "", "  ") {
        let styled = if failed {
            styles.alarm(&line)
        } else {
            styles.dim(&line)
        };
        text.push_str(&styled);
        text.push('\n');
    }
}

fn legend(text: &mut String, run: &Run, width: usize, styles: &Styles) {
    let mut notes = Vec::new();
    if has_mark(run, "*") {
        notes.push(
            "* The trials of this cell disagree by more than their samples explain: trust their spread, which \
             the page has, not the p50."
                .to_owned(),
        );
    }
    if has_mark(run, "~") {
        notes.push("~ Too few samples for a median: their mean.".to_owned());
    }
    if children(run).any(|cell| cell.status == Status::Ok) {
        notes.push(
            "call: the parent stands still. reap: the child's whole life. spread: the lowest and the \
             highest trial's p50 against the cell's."
                .to_owned(),
        );
    }
    let failed = run
        .cells
        .iter()
        .filter(|cell| cell.status == Status::Failed)
        .count();
    if failed > 0 {
        notes.push(format!("{failed} of {} cells failed.", run.cells.len()));
    }
    if !notes.is_empty() {
        text.push('\n');
    }
    for note in notes {
        for line in wrapped(&note, width) {
            text.push_str(&styles.dim(&line));
            text.push('\n');
        }
    }
}

/// The beginning of a row: its name, on lines of its own where the column is too narrow. Cut off there, two that begin
/// alike would look the same.
pub(super) fn titled(name: &str, column: usize, width: usize) -> String {
    let name = short(name, LONGEST_NAME);
    if name.chars().count() <= column {
        return pad(&name, column);
    }
    let mut lines: String = wrapped(&name, width)
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    lines.push_str(&" ".repeat(column));
    lines
}

pub(super) fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

pub(super) fn pad_left(text: &str, width: usize) -> String {
    let text = short(text, width);
    let missing = width.saturating_sub(text.chars().count());
    format!("{}{text}", " ".repeat(missing))
}

/// `text` in lines of at most `width` characters: the first begins with `first`, the others with `next`, which is no shorter.
pub(super) fn hanging(text: &str, width: usize, first: &str, next: &str) -> Vec<String> {
    let lines = wrapped(text, width.saturating_sub(next.chars().count()));
    let begins = std::iter::once(first).chain(std::iter::repeat(next));
    begins
        .zip(lines)
        .map(|(begin, line)| format!("{begin}{line}"))
        .collect()
}

/// `text` in lines of at most `width` characters, broken between words where there are any.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let text = plain(text);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    // A reason of a megabyte is no reason.
    for word in text.split(' ').filter(|word| !word.is_empty()).take(400) {
        let letters: Vec<char> = word.chars().take(2_000).collect();
        for piece in letters.chunks(width) {
            if length > 0 && length + 1 + piece.len() > width {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line.extend(piece);
            length += piece.len();
        }
    }
    if length > 0 {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_never_too_long() {
        assert_eq!(
            wrapped("one two three four", 9),
            ["one two", "three", "four"]
        );
        assert_eq!(wrapped("abcdefghijkl", 8), ["abcdefgh", "ijkl"]);
        assert!(wrapped("", 80).is_empty());
    }

    #[test]
    fn names_that_begin_alike_stay_apart() {
        assert_eq!(titled("fork", 6, 12), "fork  ");
        assert_eq!(titled("fork/1GiB+a", 6, 12), "fork/1GiB+a\n      ");
        assert_eq!(titled("fork/1GiB+ab", 6, 8), "fork/1Gi\nB+ab\n      ");
    }
}
