//! A comparison on a terminal: a block for each cell, the worst first.

use crate::comparison::{CellVerdict, Comparison};
use crate::report::reading::short;
use crate::report::terminal::{Styles, columns, hanging, pad, pad_left, wrapped};
use crate::statistics::Verdict;

use super::answer;
use super::line::{line, scale};
use super::numbers;
use super::words;

/// As wide as the longest verdict.
const VERDICT: usize = 14;
const EFFECT: usize = 8;
const INTERVAL: usize = 18;
/// The narrowest table with interval and effort in the same lines as effect and number line.
const WIDE: usize = 66;
/// Room for `180 pairs, look 7, 60.0 s`.
const EFFORT: usize = 26;

/// A comparison as a table for a terminal of `width` columns (80 where unknown, 40 to 100 are used).
///
/// In what the sides differ comes first, then the answer, then each cell with verdict, effect, interval,
/// [number line](super::line()), both sides' figures and what there is to add; last the summary, the seed and
/// the command, which is never broken. With `colour`, ANSI styles are added. Control characters of the
/// comparison's own text never reach the terminal.
pub fn table(comparison: &Comparison, width: Option<usize>, colour: bool) -> String {
    let page = Sheet {
        comparison,
        width: columns(width),
        styles: Styles { colour },
    };
    let mut text = String::new();
    page.head(&mut text);
    let cells = words::worst_first(comparison).into_iter();
    let (uncompared, compared): (Vec<_>, Vec<_>) = cells
        .map(|(_, cell)| cell)
        .partition(|cell| words::is_uncompared(comparison, cell));
    for (index, cell) in compared.into_iter().enumerate() {
        if index == 0 {
            let marks = format!("  {}", scale(comparison.threshold, page.line_columns()));
            page.put(&mut text, "2", &marks);
        } else {
            text.push('\n');
        }
        page.cell(&mut text, cell);
    }
    page.uncompared(&mut text, &uncompared);
    page.foot(&mut text);
    text
}

/// One cell of it, 80 columns wide and without colour.
pub(super) fn block(comparison: &Comparison, cell: &CellVerdict) -> String {
    let page = Sheet {
        comparison,
        width: columns(None),
        styles: Styles { colour: false },
    };
    let mut text = format!("  {}\n", scale(comparison.threshold, page.line_columns()));
    page.cell(&mut text, cell);
    text
}

struct Sheet<'a> {
    comparison: &'a Comparison,
    width: usize,
    styles: Styles,
}

impl Sheet<'_> {
    fn is_wide(&self) -> bool {
        self.width >= WIDE
    }

    fn line_columns(&self) -> usize {
        let beside = if self.is_wide() { EFFORT + 2 } else { 0 };
        self.width - 2 - beside
    }

    fn put(&self, text: &mut String, code: &str, line: &str) {
        text.push_str(&self.styles.put(code, line));
        text.push('\n');
    }

    /// `words` in lines of the table's width, each beginning with `indent`.
    fn tell(&self, text: &mut String, code: &str, words: &str, indent: &str) {
        for line in wrapped(words, self.width - indent.len()) {
            self.put(text, code, &format!("{indent}{line}"));
        }
    }

    /// What could not be compared is a line each, behind what was.
    fn uncompared(&self, text: &mut String, cells: &[&CellVerdict]) {
        if !cells.is_empty() {
            let name = format!("\n{}:", Verdict::NotMeasurable.word());
            self.put(text, "33", &name);
        }
        for cell in cells {
            let reason = cell.reason.as_deref().unwrap_or("one side has no figures");
            let line = format!("{}: {}", words::name(cell), short(reason, 300));
            for line in hanging(&line, self.width, "  ", "    ") {
                self.put(text, "", &line);
            }
        }
    }

    fn head(&self, text: &mut String) {
        let comparison = self.comparison;
        let differences = words::differences(comparison);
        if !differences.is_empty() {
            self.tell(text, "33", "A and B also differ in other things:", "");
            for difference in &differences {
                self.tell(text, "33", difference, "  ");
            }
            text.push('\n');
        }
        self.tell(text, "1", &format!("{}.", answer::answer(comparison)), "");
        if comparison.finished.is_none() {
            self.tell(
                text,
                "33",
                "It did not finish: what stands here is all it had.",
                "",
            );
        }
        for (letter, name) in words::sides(comparison) {
            self.tell(text, "2", &format!("{letter}: {name}"), "");
        }
        text.push('\n');
    }

    fn cell(&self, text: &mut String, cell: &CellVerdict) {
        let code = match cell.verdict {
            Verdict::Regressed => "1;31",
            Verdict::Improved => "32",
            Verdict::Inconclusive | Verdict::NotMeasurable => "33",
            Verdict::Unchanged => "1",
        };
        self.title(text, cell, code);
        let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let drawn = line(
            number(cell.low),
            number(cell.effect),
            number(cell.high),
            self.comparison.threshold,
            self.line_columns(),
        );
        let effort = short(&words::effort(self.comparison, cell), EFFORT);
        if self.is_wide() {
            text.push_str(&format!("  {drawn}  {}\n", self.styles.dim(&effort)));
        } else {
            text.push_str(&format!("  {drawn}\n"));
            let interval = numbers::interval(cell.low, cell.high);
            self.tell(text, "2", &format!("{interval}; {effort}"), "  ");
        }
        self.figures(text, cell);
        for note in words::notes(self.comparison, cell) {
            self.tell(text, "", &note, "  ");
        }
    }

    /// Verdict, name, effect and, where there is room, its interval; a name that is too long for its
    /// room has lines of its own.
    fn title(&self, text: &mut String, cell: &CellVerdict, code: &str) {
        let mut numbers = pad_left(&numbers::signed(cell.effect), EFFECT);
        if self.is_wide() {
            numbers.push_str(&pad_left(&numbers::interval(cell.low, cell.high), INTERVAL));
        }
        let room = self.width - VERDICT - 2 - numbers.chars().count();
        let name = words::name(cell);
        let fits = name.chars().count() <= room;
        let beside = pad(if fits { &name } else { "" }, room);
        let said = self.styles.put(code, &pad(&words::said(cell), VERDICT));
        text.push_str(&format!("{said} {beside} {numbers}\n"));
        if !fits {
            self.tell(text, "", &name, "  ");
        }
    }

    /// Both sides' figures below each other.
    fn figures(&self, text: &mut String, cell: &CellVerdict) {
        for (letter, side) in [('A', &cell.base), ('B', &cell.candidate)] {
            let Some(side) = side else { continue };
            let named = words::figures(cell, side).into_iter();
            let named = named.map(|(name, time)| (name, time.unwrap_or_else(|| "–".to_owned())));
            if self.is_wide() {
                let each = named.map(|(name, time)| format!("   {name} {}", pad_left(&time, 7)));
                let line = format!("  {letter}{}", each.collect::<String>());
                self.put(text, "2", &line);
            } else {
                let each: Vec<String> =
                    named.map(|(name, time)| format!("{name} {time}")).collect();
                self.tell(text, "2", &format!("{letter}: {}", each.join(", ")), "  ");
            }
        }
    }

    fn foot(&self, text: &mut String) {
        let comparison = self.comparison;
        if !comparison.cells.is_empty() {
            text.push('\n');
        }
        self.tell(text, "1", &format!("{}.", answer::summary(comparison)), "");
        if comparison
            .cells
            .iter()
            .any(|cell| cell.verdict == Verdict::Unchanged)
        {
            let note = "Unchanged is said of that quantile alone: look at the others beside it.";
            self.tell(text, "2", note, "");
        }
        let seed = comparison
            .seed
            .map_or(String::new(), |seed| format!("Seed {seed}. "));
        self.tell(text, "2", &format!("{seed}This repeats it:"), "");
        text.push_str(&format!("  {}\n", words::command(comparison)));
    }
}
