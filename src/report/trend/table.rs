//! A history on a terminal.

use crate::report::comparison::numbers::signed;
use crate::report::reading::{counted, grouped, short};
use crate::report::terminal::{Styles, columns, pad, pad_left, wrapped};
use crate::statistics::Verdict;
use crate::trend::{CellHistory, History, HostHistory};

use std::ops::RangeInclusive;

use super::answer;
use super::stretches::buckets;
use super::words;

/// As wide as the longest verdict.
const VERDICT: usize = 20;
const LEVEL: usize = 9;
const EFFECT: usize = 9;
/// From here on levels over time have room: the least, and all they are drawn with.
const WIDE: usize = 48;
const TRENDS: RangeInclusive<usize> = 8..=24;
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What `forkbench history check` says, for a terminal of `width` columns (80 where unknown, 40 to 100 are used): the
/// answer, then for each host its cells, the worst first, with where and how much they changed. With `colour`, ANSI styles
/// are added. Control characters of the store's text never reach the terminal.
pub fn check(history: &History, width: Option<usize>, colour: bool) -> String {
    let mut sheet = Sheet::new(history, width, colour);
    for host in &history.hosts {
        sheet.host(host);
        let mut unchanged = 0;
        for cell in words::worst_first(host) {
            if cell.verdict == Verdict::Unchanged {
                unchanged += 1;
                continue;
            }
            sheet.cell(cell);
        }
        if unchanged > 0 {
            let cells = if unchanged == 1 {
                "1 is"
            } else {
                &format!("{} are", grouped(unchanged))
            };
            sheet.tell("2", &format!("{cells} unchanged"), "");
        }
    }
    sheet.foot();
    sheet.text
}

/// What `forkbench history show` says: a line for each cell, with its level over time.
pub fn show(history: &History, width: Option<usize>, colour: bool) -> String {
    let mut sheet = Sheet::new(history, width, colour);
    for host in &history.hosts {
        sheet.host(host);
        for cell in words::worst_first(host) {
            sheet.row(host, cell);
        }
    }
    sheet.foot();
    sheet.text
}

struct Sheet<'a> {
    history: &'a History,
    width: usize,
    styles: Styles,
    text: String,
}

impl<'a> Sheet<'a> {
    fn new(history: &'a History, width: Option<usize>, colour: bool) -> Self {
        let mut sheet = Self {
            history,
            width: columns(width),
            styles: Styles { colour },
            text: String::new(),
        };
        sheet.tell("1", &format!("{}.", answer::answer(history)), "");
        sheet
    }

    fn put(&mut self, code: &str, line: &str) {
        let line = self.styles.put(code, line);
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn tell(&mut self, code: &str, words: &str, indent: &str) {
        for line in wrapped(words, self.width - indent.len()) {
            self.put(code, &format!("{indent}{line}"));
        }
    }

    fn host(&mut self, host: &HostHistory) {
        self.text.push('\n');
        let runs = counted(host.count, "run");
        let newest = words::newest(host);
        let name = format!(
            "{} ({}): {runs}{newest}",
            words::host(host),
            short(&host.host, 40)
        );
        self.tell("2", &name, "");
    }

    fn code(cell: &CellHistory) -> &'static str {
        match cell.verdict {
            Verdict::Regressed => "1;31",
            Verdict::Improved => "32",
            Verdict::Inconclusive | Verdict::NotMeasurable => "33",
            Verdict::Unchanged => "",
        }
    }

    /// Verdict, name, level and effect, and below it where the change lies.
    fn cell(&mut self, cell: &CellHistory) {
        let decisive = words::decisive(cell);
        let pending = cell.pending.as_ref().map(|pending| pending.effect);
        let effect = decisive.map(|change| change.effect).or(pending);
        let numbers = format!(
            "{} {}",
            pad_left(&words::level(cell), LEVEL),
            pad_left(&signed(effect), EFFECT)
        );
        let room = self.width.saturating_sub(VERDICT + 1 + LEVEL + 1 + EFFECT);
        self.title(cell, room, &numbers);
        if let Some(change) = decisive {
            let place = format!("{} {}", words::effect(change), words::between(change));
            self.tell("", &place, "  ");
            self.tell("2", &words::evidence(change), "  ");
            for note in words::notes(cell, change) {
                self.tell("2", &note, "  ");
            }
        } else if let Some(reason) = cell.reason.as_deref().filter(|_| cell.pending.is_none()) {
            self.tell("2", &short(reason, 300), "  ");
        } else if let Some(pending) = &cell.pending {
            self.tell("2", &format!("since {}", words::run(&pending.after)), "  ");
        }
    }

    fn title(&mut self, cell: &CellHistory, room: usize, numbers: &str) {
        let name = words::name(cell);
        let fits = name.chars().count() < room;
        let beside = pad(if fits { &name } else { "" }, room);
        let said = self
            .styles
            .put(Self::code(cell), &pad(&words::said(cell), VERDICT));
        self.text.push_str(&format!("{said} {beside}{numbers}\n"));
        if !fits {
            self.tell("", &name, "  ");
        }
    }

    /// One line: name, level, how it went, and the newest change.
    fn row(&mut self, host: &HostHistory, cell: &CellHistory) {
        let trend = match self.width.checked_sub(WIDE) {
            Some(more) => {
                let width = (TRENDS.start() + more).min(*TRENDS.end());
                format!("{} ", heights(cell, host, width))
            }
            None => String::new(),
        };
        let newest = words::decisive(cell).or(cell.changes.last());
        let effect = newest.map_or(String::new(), |change| signed(Some(change.effect)));
        let fixed = LEVEL + 1 + trend.chars().count() + EFFECT;
        let numbers = format!(
            "{} {trend}{}",
            pad_left(&words::level(cell), LEVEL),
            pad_left(&effect, EFFECT)
        );
        let room = self.width.saturating_sub(fixed + 1);
        let name = words::name(cell);
        let fits = name.chars().count() <= room;
        if !fits {
            self.tell(Self::code(cell), &name, "");
        }
        let beside = pad(if fits { &name } else { "" }, room);
        let beside = self.styles.put(Self::code(cell), &beside);
        self.text.push_str(&format!("{beside} {numbers}\n"));
    }

    fn foot(&mut self) {
        self.text.push('\n');
        self.tell("1", &format!("{}.", answer::summary(self.history)), "");
        self.tell("2", "This repeats it:", "");
        let command = words::command(self.history);
        self.text.push_str(&format!("  {command}\n"));
    }
}

/// A cell's level over time as a row of blocks; a space where nothing was measured.
fn heights(cell: &CellHistory, host: &HostHistory, width: usize) -> String {
    let buckets = buckets(cell, &host.runs, width);
    let value = |at: usize| {
        buckets[at]
            .adjusted
            .unwrap_or(buckets[at].middle)
            .max(1.0)
            .ln()
    };
    let all = (0..buckets.len()).map(value);
    let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let (first, last) = match (host.runs.first(), host.runs.last()) {
        (Some(first), Some(last)) => (first.seconds as f64, last.seconds as f64),
        _ => return " ".repeat(width),
    };
    let mut row = vec![' '; width];
    for (index, bucket) in buckets.iter().enumerate() {
        let share = if last > first {
            (bucket.at - first) / (last - first)
        } else {
            0.0
        };
        let place = ((share * width as f64) as usize).min(width - 1);
        // Less than 2 % is no height: noise is no mountain range.
        let height = (value(index) - low) / (high - low).max(0.02);
        row[place] = HEIGHTS[((height * 8.0) as usize).min(7)];
    }
    row.iter().collect()
}
