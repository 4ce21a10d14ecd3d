//! Channels between a parent and its child: what a run says of them, in rows and in a sentence.

use std::collections::BTreeMap;

use super::answer::Answer;
use super::palette::rank_of;
use super::reading::{centre, is_channel, is_measured, label, repeat_command, short, spread};
use super::scale::size_name;
use crate::channel::{Channel, FAMILY, Waiting};
use crate::mechanism::Phase;
use crate::recording::{Cell, Placement, Run};
use crate::units::Nanoseconds;

/// What the section is called, wherever it stands.
pub(super) const TITLE: &str = "Which channel, for what size";

/// How every one of these tables is read.
pub(super) const NOTE: &str = "A message goes from the parent to its child, which waits for it, and as many bytes come back: \
                               medians and 99th percentiles of the whole way. open: making the channel; setup: making it, \
                               forking a child, and the first answer; both are medians, on one CPU where that was \
                               measured.";

/// Messages that are told of, at the most: a run may name any.
const MOST_MESSAGES: usize = 12;
/// Messages that the answer speaks of.
const MOST_CLAUSES: usize = 3;
/// Channels that are as good as the best of theirs, and are named with it.
const MOST_EQUALS: usize = 3;

/// One channel with one message, wherever it ran.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// What is measured, or why it is not.
    pub one: Option<&'a Cell>,
    /// The same with a CPU for each side.
    pub two: Option<&'a Cell>,
    /// The same where the scheduler chooses.
    pub free: Option<&'a Cell>,
}

impl<'a> Row<'a> {
    /// Its cells, those on one CPU first.
    pub fn cells(&self) -> impl Iterator<Item = &'a Cell> + use<'a> {
        [self.one, self.two, self.free].into_iter().flatten()
    }

    fn place(&mut self, cell: &'a Cell) {
        let place = match cell.placement {
            Placement::Pinned => &mut self.one,
            Placement::Two => &mut self.two,
            Placement::Free => &mut self.free,
        };
        place.get_or_insert(cell);
    }

    /// What it is called: the channel without its family, with the subject where that is another.
    pub fn name(&self) -> String {
        self.cells().next().map_or(String::new(), name)
    }

    /// Its shortest median round trip, nanoseconds; infinite where there is none.
    pub fn best(&self) -> f64 {
        let measured = self.cells().filter(|cell| is_measured(cell));
        let times = measured.filter_map(|cell| Some(centre(cell, Phase::RoundTrip)?.ns));
        times.fold(f64::INFINITY, f64::min)
    }
}

/// A channel's name without its family.
fn name(cell: &Cell) -> String {
    label(cell).replacen(&format!("{FAMILY}:"), "", 1)
}

/// All channels with one message, the quickest first.
#[derive(Debug, Clone)]
pub(super) struct Group<'a> {
    pub message: u64,
    pub rows: Vec<Row<'a>>,
}

/// The groups of a run, small messages first.
pub(super) fn groups(run: &Run) -> Vec<Group<'_>> {
    let mut by_message: BTreeMap<u64, BTreeMap<(usize, String), Row<'_>>> = BTreeMap::new();
    for cell in run.cells.iter().filter(|cell| is_channel(cell)) {
        let Some(message) = cell.message else {
            continue;
        };
        let key = (rank_of(&cell.mechanism), label(cell));
        let rows = by_message.entry(message).or_default();
        let row = rows.entry(key).or_insert(Row {
            one: None,
            two: None,
            free: None,
        });
        row.place(cell);
    }
    let groups = by_message.into_iter().map(|(message, rows)| {
        let mut rows: Vec<Row<'_>> = rows.into_values().collect();
        rows.sort_by(|a, b| a.best().total_cmp(&b.best()));
        Group { message, rows }
    });
    groups.take(MOST_MESSAGES).collect()
}

fn time_of(cell: &Cell) -> Option<f64> {
    let told = centre(cell, Phase::RoundTrip).filter(|_| is_measured(cell))?;
    (told.ns > 0.0).then_some(told.ns)
}

fn sleeps(cell: &Cell) -> bool {
    let channel = Channel::named(&cell.mechanism);
    channel.is_some_and(|channel| channel.waiting == Waiting::Asleep)
}

/// The quickest of some cells, and those that its own trials reach as far as.
fn quickest<'a>(cells: impl Iterator<Item = &'a Cell>) -> Vec<&'a Cell> {
    let mut timed: Vec<(f64, &Cell)> = cells
        .filter_map(|cell| Some((time_of(cell)?, cell)))
        .collect();
    timed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some(&(least, best)) = timed.first() else {
        return Vec::new();
    };
    let reach = spread(best, Phase::RoundTrip).map_or(least, |(_, high)| high as f64);
    let equals = timed.into_iter().filter(|(ns, _)| *ns <= reach.max(least));
    equals.map(|(_, cell)| cell).take(MOST_EQUALS).collect()
}

/// `pipe (5.20 µs)`, `futex or eventfd (4.10 µs)`.
fn told(cells: &[&Cell]) -> Option<String> {
    let best = cells.first()?;
    let names: Vec<String> = cells.iter().map(|cell| short(&name(cell), 40)).collect();
    let time = Nanoseconds(time_of(best)?);
    Some(format!("{} ({time})", names.join(" or ")))
}

/// What a group says, and the cells that it speaks of: the quickest on one CPU, and on two, where waiting asleep is
/// told apart from spinning.
fn clause<'a>(group: &Group<'a>) -> Option<(String, Vec<&'a Cell>)> {
    let one = quickest(group.rows.iter().filter_map(|row| row.one));
    let two = quickest(group.rows.iter().filter_map(|row| row.two));
    let asleep = match two.iter().all(|cell| sleeps(cell)) {
        true => Vec::new(),
        false => {
            let twos = group.rows.iter().filter_map(|row| row.two);
            quickest(twos.filter(|cell| sleeps(cell)))
        }
    };
    let parts = [
        told(&one).map(|named| format!("{named} on one CPU")),
        told(&two).map(|named| format!("{named} on two")),
        told(&asleep).map(|named| format!("{named} there if who waits shall sleep")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let chosen = [one, two, asleep].into_iter();
    let chosen = chosen.filter_map(|cells| cells.first().copied()).collect();
    (!parts.is_empty()).then(|| {
        let text = format!("for {}, {}", size_name(group.message), parts.join(", "));
        (text, chosen)
    })
}

/// The names of all that were measured.
fn measured_names(run: &Run) -> impl Iterator<Item = String> {
    let channels = run.cells.iter().filter(|cell| is_channel(cell));
    channels.filter(|cell| is_measured(cell)).map(name)
}

/// What a run says of channels; `None` where none were measured.
pub(super) fn answer(run: &Run) -> Option<Answer<'_>> {
    let clauses: Vec<(String, Vec<&Cell>)> = groups(run)
        .iter()
        .filter_map(clause)
        .take(MOST_CLAUSES)
        .collect();
    // Where there is one, nothing is the quickest.
    let mut names: Vec<String> = measured_names(run).collect();
    let alone = names
        .pop()
        .filter(|name| names.iter().all(|other| other == name));
    let texts: Vec<&str> = clauses.iter().map(|(text, _)| text.as_str()).collect();
    let chosen: Vec<&Cell> = clauses
        .iter()
        .flat_map(|(_, cells)| cells)
        .copied()
        .collect();
    Some(Answer {
        question: "Which channel between a parent and its child, for what size?".to_owned(),
        sentence: match alone {
            Some(name) => format!("Through {name} and back it takes, {}", texts.join("; ")),
            None => format!("The quickest way there and back is, {}", texts.join("; ")),
        },
        dear: *chosen.first()?,
        cheap: None,
        phase: Phase::RoundTrip,
        command: repeat_command(&chosen),
    })
}

/// What it takes to have one with a fresh child: the cheapest and the dearest of a group.
pub(super) fn setup_sentence(run: &Run) -> Option<String> {
    let groups = groups(run);
    let group = groups.first()?;
    let ones = group.rows.iter().filter_map(|row| row.one);
    let mut timed: Vec<(f64, String)> = ones
        .filter(|cell| is_measured(cell))
        .filter_map(|cell| Some((centre(cell, Phase::Setup)?.ns, name(cell))))
        .collect();
    timed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ((low, cheap), (high, dear)) = (timed.first()?, timed.last()?);
    if timed.len() < 2 {
        return None;
    }
    Some(format!(
        "From nothing to a fresh child's first answer it takes {} with {}, and {} with {}",
        Nanoseconds(*low),
        short(cheap, 40),
        Nanoseconds(*high),
        short(dear, 40)
    ))
}
