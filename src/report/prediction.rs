//! A prediction for a terminal.

use super::reading::{grouped, short};
use super::terminal::{Styles, columns, hanging, pad, pad_left, wrapped};
use crate::footprint::{BASE_PAGE, HUGE_PAGE};
use crate::model::{Bracket, MechanismCost, Part, Prediction, words_of};
use crate::units::{human_size, human_time};

/// Mappings and parts that a screen has room for; the document has more.
const SHOWN: usize = 6;
/// From here on there is room for all columns.
const WIDE: usize = 64;

/// A prediction as text for a terminal of `width` columns (80 where unknown, 40 to 100 are used). Names come
/// from the process: control characters in them never reach the terminal.
pub fn prediction(prediction: &Prediction, width: Option<usize>, colour: bool) -> String {
    let mut screen = Screen {
        text: String::new(),
        width: columns(width),
        styles: Styles { colour },
    };
    for line in wrapped(&headline(prediction), screen.width) {
        let line = screen.styles.put("1", &line);
        screen.line(&line);
    }
    screen.mechanisms(prediction);
    screen.parts(prediction);
    screen.mappings(prediction);
    screen.changes(prediction);
    screen.notes(prediction);
    screen.text
}

/// `fork would stop redis-server (pid 4711, 734 MiB of memory) for about 17.2 ms; between 11.9 ms and 24.0 ms.`
fn headline(prediction: &Prediction) -> String {
    let footprint = &prediction.footprint;
    let memory = human_size(footprint.rss.unwrap_or(footprint.copied));
    let who = match (&footprint.name, footprint.pid) {
        (Some(name), Some(pid)) => format!("{} (pid {pid}, {memory} of memory)", short(name, 40)),
        _ => format!("a parent of {memory}"),
    };
    let Bracket {
        low,
        expected,
        high,
    } = prediction.fork.call_ns;
    let between = format!("{} and {}", human_time(low), human_time(high));
    match expected {
        Some(expected) => format!(
            "fork would stop {who} for about {}; between {between}.",
            human_time(expected)
        ),
        None => format!("fork would stop {who} for between {between}."),
    }
}

struct Screen {
    text: String,
    width: usize,
    styles: Styles,
}

impl Screen {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, line: &str) {
        let line = self.styles.dim(line.trim_end());
        self.text.push('\n');
        self.line(&line);
    }

    /// Text in lines, all but the first set in.
    fn paragraph(&mut self, text: &str, first: &str) {
        let indent = " ".repeat(first.chars().count());
        for line in hanging(text, self.width, first, &indent) {
            self.line(&line);
        }
    }

    fn mechanisms(&mut self, prediction: &Prediction) {
        let wide = self.width >= WIDE;
        let heads = ["low", "expected", "high", "until reaped"];
        self.heading(&row("mechanism", heads, wide));
        let others = [
            ("vfork", &prediction.vfork),
            ("posix_spawn", &prediction.posix_spawn),
            ("thread", &prediction.thread),
        ];
        let measured = others
            .into_iter()
            .filter_map(|(name, cost)| Some((name, cost.as_ref()?)));
        for (name, cost) in [("fork", &prediction.fork)].into_iter().chain(measured) {
            self.line(&mechanism(name, cost, wide));
        }
        let legend = "fork, low: pages side by side, and a fork before; expected: pages where they are, all written since; \
                      high: pages scattered, all written. The others do not copy the parent's memory: p10, p50 and p90 as \
                      measured. posix_spawn holds an exec, vfork a child that ends at once.";
        self.legend(legend);
    }

    fn parts(&mut self, prediction: &Prediction) {
        let mut parts = prediction.parts.clone();
        parts.retain(|part| part.call_ns > 0);
        parts.sort_by_key(|part| std::cmp::Reverse(part.call_ns));
        let told = parts.iter().take(SHOWN).map(|part| {
            let time = human_time(part.call_ns);
            match part.part {
                Part::Bare => format!("{} {time}", words_of(part.part)),
                _ => format!(
                    "{} {} {time}",
                    grouped(part.count.round() as u64),
                    words_of(part.part)
                ),
            }
        });
        let told: Vec<String> = told.collect();
        self.text.push('\n');
        let known = match prediction.fork.call_ns.expected {
            Some(_) => "",
            None => ", if its pages lay side by side and were all written since the last fork",
        };
        self.paragraph(
            &format!("What makes it up{known}: {}.", told.join(", ")),
            "",
        );
    }

    fn mappings(&mut self, prediction: &Prediction) {
        let wide = self.width >= WIDE;
        let columns = if wide {
            [10, 7, 7, 10, 7]
        } else {
            [8, 0, 0, 9, 6]
        };
        let taken: usize = columns
            .iter()
            .filter(|width| **width > 0)
            .map(|width| width + 1)
            .sum();
        let name_width = self.width.saturating_sub(taken);
        let line = |name: &str, cells: [&str; 5]| {
            let cells = cells
                .into_iter()
                .zip(columns)
                .filter(|(_, width)| *width > 0);
            let cells: Vec<String> = cells
                .map(|(text, width)| format!(" {}", pad_left(text, width)))
                .collect();
            format!(
                "{}{}",
                pad(&short(name, name_width), name_width),
                cells.concat()
            )
        };
        if prediction.footprint.pid.is_none() || prediction.mappings.is_empty() {
            return;
        }
        self.heading(&line("mapping", ["memory", "near", "far", "call", "share"]));
        let percent = |share: Option<f64>| {
            share.map_or("–".to_owned(), |share| format!("{:.0} %", 100.0 * share))
        };
        let time = |ns: Option<u64>| ns.map_or("–".to_owned(), human_time);
        let (shown, more) = prediction
            .mappings
            .split_at(prediction.mappings.len().min(SHOWN));
        for one in shown {
            let name = match one.name.as_str() {
                "" => format!("anonymous, at {:x}", one.start),
                name => name.to_owned(),
            };
            let size = human_size(one.pages_4k * BASE_PAGE + one.pages_thp * HUGE_PAGE);
            let far = one.within_512.map(|within| 1.0 - within);
            let cells = [
                size,
                percent(one.within_8),
                percent(far),
                time(one.call_ns),
                percent(Some(one.share)),
            ];
            self.line(&line(&name, cells.each_ref().map(String::as_str)));
        }
        let rest = prediction.other_mappings;
        let count = more.len() as u64 + rest.count;
        if count > 0 {
            let pages = |count: &dyn Fn(&crate::model::MappingCost) -> u64| {
                more.iter().map(count).sum::<u64>()
            };
            let size = (pages(&|one| one.pages_4k) + rest.pages_4k) * BASE_PAGE
                + (pages(&|one| one.pages_thp) + rest.pages_thp) * HUGE_PAGE;
            let call = rest
                .call_ns
                .map(|ns| ns + pages(&|one| one.call_ns.unwrap_or(0)));
            let share = rest.share + more.iter().map(|one| one.share).sum::<f64>();
            let cells = [
                human_size(size),
                "–".to_owned(),
                "–".to_owned(),
                time(call),
                percent(Some(share)),
            ];
            let name = format!("{} more", grouped(count));
            self.line(&line(&name, cells.each_ref().map(String::as_str)));
        }
        let legend = "near, far: neighbouring 4 KiB pages within 8 pages, or beyond 512, of each other in physical memory.";
        if wide {
            self.legend(legend);
        }
    }

    fn legend(&mut self, text: &str) {
        for line in wrapped(text, self.width) {
            let line = self.styles.dim(&line);
            self.line(&line);
        }
    }

    fn changes(&mut self, prediction: &Prediction) {
        if prediction.changes.is_empty() {
            return;
        }
        self.heading("what to change first (each by itself)");
        if prediction.fork.call_ns.expected.is_none() {
            // Between the low end and the high one: neither of them is what is reckoned with.
            self.legend("Reckoned for pages side by side, all written since the last fork:");
        }
        for (at, change) in prediction.changes.iter().enumerate() {
            let text = format!(
                "saves {}: {}. {}.",
                human_time(change.saves_ns),
                change.what,
                capital(&change.condition)
            );
            self.paragraph(&text, &format!("{}. ", at + 1));
        }
    }

    fn notes(&mut self, prediction: &Prediction) {
        if prediction.notes.is_empty() {
            return;
        }
        self.heading("notes");
        for note in &prediction.notes {
            self.paragraph(&format!("{}.", capital(note)), "- ");
        }
    }
}

fn row(name: &str, [low, expected, high, reap]: [&str; 4], wide: bool) -> String {
    let [call, life] = if wide { [11, 14] } else { [8, 0] };
    let cells = [(low, call), (expected, call), (high, call), (reap, life)];
    let cells = cells.into_iter().filter(|(_, width)| *width > 0);
    let cells: Vec<String> = cells
        .map(|(text, width)| format!(" {}", pad_left(text, width)))
        .collect();
    format!("{}{}", pad(name, 12), cells.concat())
}

fn mechanism(name: &str, cost: &MechanismCost, wide: bool) -> String {
    let time = |ns: Option<u64>| ns.map_or("–".to_owned(), human_time);
    let call = cost.call_ns;
    let reap = cost
        .reap_ns
        .map_or("–".to_owned(), |reap| match reap.expected {
            Some(expected) => human_time(expected),
            None => format!("≤ {}", human_time(reap.high)),
        });
    let cells = [
        time(Some(call.low)),
        time(call.expected),
        time(Some(call.high)),
        reap,
    ];
    row(name, cells.each_ref().map(String::as_str), wide)
}

/// With a capital in front.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
