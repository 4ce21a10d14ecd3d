//! What a language adds to the call: its cells beside the native ones that ask the same of the kernel.

use super::markdown::escaped;
use super::palette::rank_of;
use super::reading::{centre, is_measured, mark, plain, short};
use super::terminal::{Styles, pad_left, titled, wrapped};
use crate::mechanism::{Mechanism, Phase};
use crate::recording::{Cell, Run};
use crate::units::Nanoseconds;

/// What the section is called, wherever it stands.
pub(super) const TITLE: &str = "What a language adds to the call";

/// The subject whose cells others stand beside.
const NATIVE: &str = "native";

/// How every one of these tables is read.
pub(super) const NOTE: &str = "Medians of call: the language's cell, and the native one at the same footprint that asks \
                               the same of the kernel. The rest is the language's: its interpreter, its library, and \
                               what a larger parent costs the kernel. Cells without a native one beside them do something \
                               that no single call does, or it was not measured.";

/// A language's cell, and the native one at the same footprint that asks the same of the kernel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub foreign: &'a Cell,
    /// `None` where nothing does, or it was not measured.
    pub native: Option<&'a Cell>,
    /// The medians of `call`, nanoseconds.
    pub whole: f64,
    pub share: Option<f64>,
}

/// The cells of subjects that say what they are: by footprint, then by name.
pub(super) fn pairs(run: &Run) -> Vec<Pair<'_>> {
    let told = |cell: &Cell| cell.version.is_some() || cell.native.is_some();
    let foreign = run.cells.iter().filter(|cell| cell.subject != NATIVE);
    let mut pairs: Vec<Pair> = foreign
        .filter(|cell| told(cell) && is_measured(cell))
        .filter_map(|cell| pair(run, cell))
        .collect();
    pairs.sort_by_key(|pair| {
        let cell = pair.foreign;
        (cell.footprint, cell.placement as u8, &cell.id)
    });
    pairs
}

fn pair<'a>(run: &'a Run, foreign: &'a Cell) -> Option<Pair<'a>> {
    let whole = centre(foreign, Phase::Call)?.ns;
    let name = foreign
        .native
        .as_deref()
        .filter(|name| Mechanism::named(name).is_some());
    let beside = |cell: &&Cell| {
        cell.subject == NATIVE
            && Some(cell.mechanism.as_str()) == name
            && cell.footprint == foreign.footprint
            && cell.placement == foreign.placement
            && cell.exec == foreign.exec
            && is_measured(cell)
    };
    let native = run.cells.iter().find(beside);
    let share = native.and_then(|cell| Some(centre(cell, Phase::Call)?.ns));
    Some(Pair {
        foreign,
        native: native.filter(|_| share.is_some()),
        whole,
        share,
    })
}

impl Pair<'_> {
    /// What the language adds, nanoseconds; negative where its cell came out cheaper.
    pub fn added(&self) -> Option<f64> {
        self.share.map(|share| self.whole - share)
    }

    /// The language's part of the whole call, from 0 to 1.
    pub fn part(&self) -> Option<f64> {
        let added = self.added()?;
        (self.whole > 0.0).then(|| (added / self.whole).clamp(0.0, 1.0))
    }

    /// Its cells in columns: what stands in each table.
    pub fn row(&self) -> [String; 6] {
        let time = |ns: f64| Nanoseconds(ns).to_string();
        let mark = |cell: &Cell| mark(cell, Phase::Call);
        let none = || "–".to_owned();
        let signed = |ns: f64| match ns < 0.0 {
            true => format!("−{}", time(-ns)),
            false => time(ns),
        };
        [
            plain(&self.foreign.id),
            format!("{}{}", time(self.whole), mark(self.foreign)),
            self.native.map_or_else(none, |cell| plain(&cell.id)),
            self.native
                .zip(self.share)
                .map_or_else(none, |(cell, ns)| format!("{}{}", time(ns), mark(cell))),
            self.added().map_or_else(none, signed),
            self.part()
                .map_or_else(none, |part| format!("{:.0} %", part * 100.0)),
        ]
    }
}

/// What stands above the columns of [`Pair::row`].
pub(super) const HEADS: [&str; 6] = ["cell", "call", "native", "its call", "added", "share"];

/// Interpreters and their versions, as in `python 3.11.7`.
pub(super) fn versions(run: &Run) -> Vec<String> {
    let mut versions: Vec<String> = Vec::new();
    for cell in &run.cells {
        if let Some(version) = &cell.version {
            let said = format!("{} {}", short(&cell.subject, 40), short(version, 40));
            if !versions.contains(&said) && versions.len() < 20 {
                versions.push(said);
            }
        }
    }
    versions
}

/// The pair that tells most: `fork` of the largest parent, else the largest parent's first.
pub(super) fn sentence(run: &Run) -> Option<String> {
    let pairs = pairs(run);
    let told = pairs.iter().filter(|pair| pair.added().is_some());
    let best = told.max_by_key(|pair| {
        let rank = pair
            .native
            .map_or(usize::MAX, |cell| rank_of(&cell.mechanism));
        (pair.foreign.footprint, std::cmp::Reverse(rank))
    })?;
    let [cell, call, native, beside, added, share] = best.row();
    Some(format!(
        "{cell} stands still for {call}, and {native} for {beside}: {added} or {share} of the call is the language's"
    ))
}

/// What is said where there is nothing to compare with.
fn alone(run: &Run, pairs: &[Pair<'_>]) -> Option<String> {
    let none = pairs.iter().all(|pair| pair.native.is_none());
    none.then(|| {
        format!(
            "No native cell at their footprints asks the same of the kernel: measure fork/0, posix_spawn/0 and their like in \
             the same run. {}.",
            versions(run).join(", ")
        )
    })
}

/// The block of a terminal's table; nothing where a run has no such cells.
pub(super) fn block(text: &mut String, run: &Run, width: usize, styles: &Styles) {
    let pairs = pairs(run);
    if pairs.is_empty() {
        return;
    }
    text.push_str(&format!("\n{}\n", styles.put("1", TITLE)));
    if let Some(alone) = alone(run, &pairs) {
        for line in wrapped(&alone, width) {
            text.push_str(&format!("{}\n", styles.dim(&line)));
        }
        return;
    }
    // A column, its width, and how wide a table must be to have it.
    let columns = [(1, 10, 0), (3, 10, 56), (4, 10, 44), (5, 6, 66)];
    let columns: Vec<_> = columns.iter().filter(|column| column.2 <= width).collect();
    let taken: usize = columns.iter().map(|column| column.1 + 1).sum();
    let name_width = width.saturating_sub(taken).max(10);
    let line = |row: &[String; 6]| {
        let mut line = titled(&row[0], name_width, width);
        for (at, wide, _) in &columns {
            line.push_str(&format!(" {}", pad_left(&row[*at], *wide)));
        }
        line
    };
    let heads = line(&HEADS.map(str::to_owned));
    text.push_str(&format!("{}\n", styles.dim(heads.trim_end())));
    for pair in &pairs {
        text.push_str(&line(&pair.row()));
        text.push('\n');
    }
    for line in wrapped(&format!("{NOTE} {}.", versions(run).join(", ")), width) {
        text.push_str(&format!("{}\n", styles.dim(&line)));
    }
}

/// The section of a run in Markdown; nothing where it has no such cells.
pub(super) fn markdown(text: &mut String, run: &Run) {
    let pairs = pairs(run);
    if pairs.is_empty() {
        return;
    }
    if let Some(alone) = alone(run, &pairs) {
        text.push_str(&format!("\n#### {TITLE}\n\n{}\n", escaped(&alone)));
        return;
    }
    text.push_str(&format!(
        "\n#### {TITLE}\n\n| {} |\n|---|---:|---|---:|---:|---:|\n",
        HEADS.join(" | ")
    ));
    for pair in &pairs {
        let row = pair.row().map(|value| escaped(&short(&value, 80)));
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    let versions: Vec<String> = versions(run).iter().map(|said| escaped(said)).collect();
    text.push_str(&format!("\n{NOTE} {}.\n", versions.join(", ")));
}
