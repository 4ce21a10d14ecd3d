//! Servers: latency against the rate of requests, and the highest rate that each held.

use std::collections::BTreeMap;

use super::answer::Answer;
use super::markdown::escaped;
use super::palette::rank_of;
use super::reading::{
    centre, grouped, is_measured, is_server, label, marked, p99, plain, repeat_command, short,
};
use super::scale::size_name;
use super::terminal::{Styles, missing, pad_left, titled, wrapped};
use crate::footprint::Footprint;
use crate::mechanism::Phase;
use crate::recording::{BOUND, Cell, Knee, Placement, Requests, Run, Status, is_held, rate_of};
use crate::units::{Nanoseconds, human_time};

/// What the section is called, wherever it stands.
pub(super) const TITLE: &str = "What a server that forks can hold";

/// How each column of [`HEADS`] is read that needs it.
const NOTES: [(usize, &str); 4] = [
    (
        2,
        "Response: from when a request was due until the last byte of its reply; the generator does not wait for \
         replies, so a server that stands still is seen by every request that was due meanwhile.",
    ),
    (4, "Service: from when it was sent."),
    (
        7,
        "A rate is held while all requests are answered and, in one trial at least, the p99 of response is below \
         10 ms; the knee is the highest that was held, with none below it that was not.",
    ),
    (
        6,
        "Late / early: the last third's median against the first's; above 1 while a queue grows, and near it again \
         once the queue is full.",
    ),
];

/// How columns are read: those of which `is_shown` is true.
pub(super) fn note(is_shown: impl Fn(usize) -> bool) -> String {
    let shown = NOTES.iter().filter(|(column, _)| is_shown(*column));
    let sentences: Vec<&str> = shown.map(|(_, sentence)| *sentence).collect();
    sentences.join(" ")
}

/// One server at the rates that were measured.
#[derive(Debug)]
pub(super) struct Series<'a> {
    /// The server's name, without its footprint.
    pub name: String,
    /// By rate.
    pub cells: Vec<&'a Cell>,
    pub knee: Knee,
}

impl<'a> Series<'a> {
    fn of(name: String, mut cells: Vec<&'a Cell>) -> Self {
        cells.sort_by_key(|cell| rate_of(cell));
        let judged: Vec<(u32, bool)> = cells
            .iter()
            .filter_map(|cell| Some((rate_of(cell), is_held(cell)?)))
            .collect();
        Self {
            name,
            cells,
            knee: Knee::of(judged),
        }
    }

    /// The footprint and the placement that all its cells have.
    pub fn place(&self) -> Option<(Footprint, Placement)> {
        let cell = self.cells.first()?;
        Some((cell.footprint, cell.placement))
    }

    pub fn mechanism(&self) -> &'a str {
        self.cells
            .first()
            .map_or("", |cell| cell.mechanism.as_str())
    }

    /// The highest rate held, in words.
    pub fn knee_words(&self) -> String {
        match (self.knee.held, self.knee.lost) {
            (Some(held), Some(_)) => format!("{}/s", grouped(u64::from(held))),
            (Some(held), None) => format!("{}/s or more", grouped(u64::from(held))),
            (None, Some(lost)) => format!("less than {}/s", grouped(u64::from(lost))),
            (None, None) => "–".to_owned(),
        }
    }
}

/// Every server of a run, by its place and then as a reader meets them.
pub(super) fn series(run: &Run) -> Vec<Series<'_>> {
    let mut groups: BTreeMap<(Footprint, bool, usize, String), Vec<&Cell>> = BTreeMap::new();
    for cell in run.cells.iter().filter(|cell| is_server(cell)) {
        let free = cell.placement == Placement::Free;
        let key = (cell.footprint, free, rank_of(&cell.mechanism), label(cell));
        groups.entry(key).or_default().push(cell);
    }
    let groups = groups.into_iter();
    groups
        .map(|((_, _, _, name), cells)| Series::of(name, cells))
        .collect()
}

/// What a run says of servers in a sentence: fork for each request against the best at the largest parent.
pub(super) fn sentence(run: &Run) -> Option<String> {
    let all = series(run);
    let known = |series: &&Series| {
        series.knee.held.is_some()
            && series.knee.lost.is_some()
            && series.mechanism() != "server:null"
    };
    let fork = all
        .iter()
        .filter(known)
        .rfind(|series| series.mechanism() == "server:fork")?;
    let best = all
        .iter()
        .filter(known)
        .filter(|series| series.place() == fork.place() && series.mechanism() != "server:fork")
        .max_by_key(|series| series.knee.held)?;
    let parent = match fork.place()?.0.bytes {
        0 => "a bare parent".to_owned(),
        bytes => format!("a parent of {}", size_name(bytes)),
    };
    Some(format!(
        "From {parent}, a server that forks for each request holds {}, and {} holds {}, with a p99 below {}",
        fork.knee_words(),
        best.name,
        best.knee_words(),
        human_time(BOUND)
    ))
}

/// What a run of servers alone answers; `None` where none was measured.
pub(super) fn answer(run: &Run) -> Option<Answer<'_>> {
    let all = series(run);
    let measured = |series: &&Series| series.cells.iter().any(|cell| is_measured(cell));
    let dear = all
        .iter()
        .filter(measured)
        .max_by_key(|series| series.mechanism() == "server:fork")?;
    let knee = |cell: &&&Cell| Some(rate_of(cell)) == dear.knee.held;
    let usable = || dear.cells.iter().filter(|cell| is_measured(cell));
    let cell: &Cell = usable().find(knee).or_else(|| usable().next())?;
    let sentence = sentence(run).or_else(|| {
        let middle = centre(cell, Phase::Response)?;
        Some(format!(
            "{} {} {} requests in a second; half of them are answered within {}",
            dear.name,
            match is_held(cell) {
                Some(false) => "does not hold",
                _ => "is asked",
            },
            grouped(u64::from(rate_of(cell))),
            Nanoseconds(middle.ns)
        ))
    })?;
    Some(Answer {
        question: "How many requests in a second does a server hold?".to_owned(),
        sentence,
        dear: cell,
        cheap: None,
        phase: Phase::Response,
        command: repeat_command(&[cell]),
    })
}

/// All of a cell's trials together; `None` without any.
pub(super) fn requests(cell: &Cell) -> Option<Requests> {
    let mut all = cell
        .trials
        .iter()
        .filter_map(|trial| trial.requests.as_ref());
    let mut sum = all.next()?.clone();
    for more in all {
        sum.due = sum.due.saturating_add(more.due);
        sum.answered = sum.answered.saturating_add(more.answered);
        sum.failed = sum.failed.saturating_add(more.failed);
        sum.unanswered = sum.unanswered.saturating_add(more.unanswered);
        sum.refused = sum.refused.saturating_add(more.refused);
        sum.most = sum.most.max(more.most);
    }
    Some(sum)
}

/// The median over trials of the last third's median over the first's.
fn growth(cell: &Cell) -> Option<f64> {
    let ratios = cell.trials.iter().filter_map(|trial| {
        let requests = trial.requests.as_ref()?;
        let (early, late) = (requests.early?, requests.late?);
        (early > 0).then(|| late as f64 / early as f64)
    });
    let mut ratios: Vec<f64> = ratios.collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied()
}

/// What stands above the columns of [`row`].
pub(super) const HEADS: [&str; 8] = [
    "cell",
    "rate",
    "response",
    "p99",
    "service",
    "not answered",
    "late / early",
    "held",
];

/// A cell in columns.
pub(super) fn row(series: &Series, cell: &Cell) -> [String; 8] {
    let none = || "–".to_owned();
    let service = centre(cell, Phase::Service);
    let rate = rate_of(cell);
    let held = match is_held(cell) {
        Some(true) if series.knee.held == Some(rate) && series.knee.lost.is_some() => "knee",
        Some(true) => "yes",
        Some(false) => "no",
        None => "–",
    };
    [
        plain(&cell.id),
        format!("{}/s", grouped(u64::from(rate))),
        marked(cell, Phase::Response),
        p99(cell, Phase::Response).map_or_else(none, human_time),
        service.map_or_else(none, |middle| Nanoseconds(middle.ns).to_string()),
        requests(cell).map_or_else(none, |sent| {
            grouped(sent.failed.saturating_add(sent.unanswered))
        }),
        growth(cell).map_or_else(none, super::reading::factor),
        held.to_owned(),
    ]
}

/// The block of a terminal's table; nothing where a run has no servers.
pub(super) fn block(text: &mut String, run: &Run, width: usize, styles: &Styles) {
    let all = series(run);
    if all.is_empty() {
        return;
    }
    text.push_str(&format!("\n{}\n", styles.put("1", TITLE)));
    // A column, its width, and how wide a table must be to have it.
    let columns = [
        (2, 10, 0),
        (3, 9, 0),
        (4, 9, 88),
        (5, 12, 74),
        (6, 12, 96),
        (7, 5, 44),
    ];
    let columns: Vec<_> = columns.iter().filter(|column| column.2 <= width).collect();
    let taken: usize = columns.iter().map(|column| column.1 + 1).sum();
    let name_width = width.saturating_sub(taken).max(10);
    let line = |row: &[String; 8]| {
        let mut line = titled(&row[0], name_width, width);
        for (at, wide, _) in &columns {
            line.push_str(&format!(" {}", pad_left(&row[*at], *wide)));
        }
        line
    };
    let heads = line(&HEADS.map(str::to_owned));
    text.push_str(&format!("{}\n", styles.dim(heads.trim_end())));
    for series in &all {
        for cell in &series.cells {
            if cell.status == Status::Ok {
                text.push_str(&line(&row(series, cell)));
                text.push('\n');
            } else {
                missing(text, &plain(&cell.id), cell, width, styles);
            }
        }
    }
    let shown = |column| columns.iter().any(|(at, _, _)| *at == column);
    for line in wrapped(&note(shown), width) {
        text.push_str(&format!("{}\n", styles.dim(&line)));
    }
}

/// The section of a run in Markdown; nothing where it has no servers.
pub(super) fn markdown(text: &mut String, run: &Run) {
    let all = series(run);
    if all.is_empty() {
        return;
    }
    text.push_str(&format!(
        "\n#### {TITLE}\n\n| {} |\n|---|---:|---:|---:|---:|---:|---:|---|\n",
        HEADS.join(" | ")
    ));
    for series in &all {
        for cell in &series.cells {
            let mut row = row(series, cell).map(|value| escaped(&short(&value, 80)));
            if cell.status != Status::Ok {
                let word = match cell.status {
                    Status::Failed => "failed",
                    _ => "skipped",
                };
                let reason = cell.reason.as_deref().unwrap_or("no reason given");
                row[2] = format!("{word}: {}", escaped(&short(reason, 500)));
            }
            text.push_str(&format!("| {} |\n", row.join(" | ")));
        }
    }
    text.push_str(&format!("\n{}\n", note(|_| true)));
}
