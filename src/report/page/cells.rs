//! Each cell: its two small charts, its figures, its receipt, and how to measure it again.

use minijinja::value::Serde;
use minijinja::{Value, context};

use super::super::ReportError;
use super::super::charts::{CellFigure, cell_figure};
use super::super::palette::{look_of, rank_of};
use super::super::reading::{centre, grouped, plain, quoted, repeat_command, shape_words, spread};
use crate::footprint::Receipt;
use crate::mechanism::Phase;
use crate::recording::{Cell, PhaseSummary, Recorded, Run, Status};
use crate::units::{Nanoseconds, human_size, human_time};

/// How a cell ended, where it is worth a word.
pub(super) fn status_word(cell: &Cell) -> Option<&'static str> {
    match cell.status {
        Status::Ok => None,
        Status::Skipped => Some("skipped"),
        Status::Failed => Some("failed"),
    }
}

/// Every cell, like beside like. Charts are drawn on all CPUs: hundreds of them take a while.
pub(super) fn views(recorded: &Recorded, anchors: &[String]) -> Result<Vec<Value>, ReportError> {
    let cells = &recorded.run.cells;
    let workers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(8);
    let share = cells.len().div_ceil(workers).max(1);
    let figures: Result<Vec<Vec<Option<CellFigure>>>, ReportError> = std::thread::scope(|scope| {
        let draw = |part: &'_ [Cell]| -> Result<Vec<Option<CellFigure>>, ReportError> {
            part.iter()
                .map(|cell| cell_figure(recorded, cell))
                .collect()
        };
        let handles: Vec<_> = cells
            .chunks(share)
            .map(|part| {
                let thread = std::thread::Builder::new();
                (part, thread.spawn_scoped(scope, move || draw(part)))
            })
            .collect();
        handles
            .into_iter()
            .map(|(part, handle)| match handle {
                Ok(handle) => handle
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // A limit of threads was met, as it may have been by what was measured.
                Err(_) => draw(part),
            })
            .collect()
    });
    let figures = figures?.into_iter().flatten();
    let mut shown: Vec<_> = cells.iter().zip(anchors).zip(figures).collect();
    shown.sort_by_cached_key(|((cell, _), _)| place(cell));
    let views = shown
        .into_iter()
        .map(|((cell, anchor), figure)| view(cell, anchor, figure));
    Ok(views.collect())
}

/// Where a cell is looked for: the order that it was measured in came from a coin.
fn place(cell: &Cell) -> impl Ord + use<> {
    (
        (cell.subject.clone(), rank_of(&cell.mechanism)),
        (cell.mechanism.clone(), cell.placement.name()),
        (cell.footprint, cell.message, cell.rate),
        cell.exec.clone(),
    )
}

fn view(cell: &Cell, anchor: &str, figure: Option<CellFigure>) -> Value {
    let rows: Vec<Value> = cell
        .phases
        .iter()
        .map(|(&phase, summary)| phase_view(cell, phase, summary))
        .collect();
    let disagrees = cell.phases.values().any(|summary| summary.trials_disagree);
    context! {
        id => plain(&cell.id),
        anchor => anchor,
        class => look_of(&cell.mechanism).ink.class,
        words => shape_words(cell),
        placement => cell.placement.name(),
        status => status_word(cell),
        reason => cell.reason.as_deref().map(plain),
        trials => cell.trials.len(),
        rows => rows,
        disagrees => disagrees,
        receipt => receipt_lines(cell),
        run => repeat_command(&[cell]),
        job => format!("forkbench list --job {}", quoted(&cell.id)),
        figure => figure.map(|figure| Value::from(Serde(figure))),
    }
}

/// Trials whose resampled medians reach both ends more often than an interval of 95 % leaves out: the lowest of five is
/// the median of one draw in seventeen.
const RANGED: usize = 5;

/// Whether what stands as a cell's interval is but its lowest and its highest trial.
fn is_ranged(cell: &Cell) -> bool {
    // run.json of another writer may leave the trials out and keep the interval.
    (1..=RANGED).contains(&cell.trials.len())
}

/// Whether no cell of a run has an interval that is more than that.
pub(super) fn are_all_ranged(run: &Run) -> bool {
    let has_interval = |cell: &&Cell| {
        let mut phases = cell.phases.values();
        phases.any(|summary| summary.intervals.contains_key("p50"))
    };
    run.cells.iter().filter(has_interval).all(is_ranged)
}

fn phase_view(cell: &Cell, phase: Phase, summary: &PhaseSummary) -> Value {
    let written = |ns: Option<u64>| match ns {
        Some(ns) => context! { text => human_time(ns), sort => ns },
        None => Value::from(()),
    };
    let mean = if summary.mean.is_finite() {
        summary.mean.max(0.0)
    } else {
        0.0
    };
    let interval = summary.intervals.get("p50");
    context! {
        phase => phase.name(),
        centre => centre(cell, phase).map(|centre| Nanoseconds(centre.ns).to_string()),
        min => written(Some(summary.min)),
        p10 => written(summary.p10),
        p25 => written(summary.p25),
        p50 => written(summary.p50),
        p90 => written(summary.p90),
        p99 => written(summary.p99),
        p999 => written(summary.p999),
        max => written(Some(summary.max)),
        mean => context! { text => Nanoseconds(mean).to_string(), sort => mean as u64 },
        spread => spread(cell, phase)
            .map(|(low, high)| format!("{} to {}", human_time(low), human_time(high))),
        interval => interval.map(|[low, high]| format!("{} to {}", human_time(*low), human_time(*high))),
        is_range => interval.is_some() && is_ranged(cell),
        count => context! { text => grouped(summary.count), sort => summary.count },
        disagrees => summary.trials_disagree,
    }
}

/// What the kernel gave the cell's first subject, as label and value.
pub(super) fn receipt_lines(cell: &Cell) -> Vec<(String, String)> {
    let Some(trial) = cell.trials.first() else {
        return Vec::new();
    };
    let receipt = &trial.receipt;
    let mut lines = vec![
        (
            "asked for".to_owned(),
            super::super::scale::size_name(cell.footprint.bytes),
        ),
        ("ballast".to_owned(), human_size(receipt.ballast)),
    ];
    for (label, bytes) in [
        ("resident", receipt.rss),
        ("in huge pages", receipt.thp.filter(|&b| b > 0)),
        ("in reserved huge pages", receipt.hugetlb.filter(|&b| b > 0)),
        ("present in the page table", receipt.present),
        ("page tables", receipt.page_tables),
    ] {
        lines.extend(bytes.map(|bytes| (label.to_owned(), human_size(bytes))));
    }
    lines.extend(counts(receipt));
    for (_, value) in &mut lines {
        // A number and its unit stay on one line.
        *value = value.replace(' ', "\u{a0}");
    }
    if !receipt.unverified.is_empty() {
        let names: Vec<String> = receipt
            .unverified
            .iter()
            .take(20)
            .map(|n| plain(n))
            .collect();
        lines.push(("not verified".to_owned(), names.join(", ")));
    }
    lines
}

fn counts(receipt: &Receipt) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (label, count) in [
        ("VMAs", receipt.vmas),
        ("threads", receipt.threads),
        ("descriptors", receipt.fds),
    ] {
        lines.extend(count.map(|count| (label.to_owned(), grouped(count))));
    }
    if let Some(adjacency) = receipt.adjacency.filter(|share| share.is_finite()) {
        lines.push((
            "pages next to their neighbour".to_owned(),
            format!("{:.0} %", adjacency * 100.0),
        ));
    }
    if !receipt.image.is_empty() {
        lines.push(("image".to_owned(), plain(&receipt.image)));
    }
    lines
}
