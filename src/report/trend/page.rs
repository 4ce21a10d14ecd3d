//! The trend page: one HTML file that loads nothing.

use std::fs;
use std::path::Path;

use minijinja::value::Serde;
use minijinja::{Value, context};

use crate::recording::folder_of;
use crate::report::comparison::numbers::{interval, percent, signed};
use crate::report::page::{rendered, unique_anchors};
use crate::report::palette::look_of;
use crate::report::reading::{counted, grouped, plain, short};
use crate::report::{ReportError, replace};
use crate::statistics::Verdict;
use crate::statistics::change_points::CONFIRMATION;
use crate::trend::{CellHistory, ChangeSeen, History, HostHistory, RunSeen, mechanism_of};

use super::answer;
use super::chart::Trend;
use super::links::to_run;
use super::words;

const TEMPLATE: &str = include_str!("../assets/trend.html");
const STYLE: &str = include_str!("../assets/trend.css");
/// Cells of a host that have a wide chart: those with something to say.
const MOST_WIDE: usize = 8;
/// Charts of the page; further cells are rows of the table.
const MOST_DRAWN: usize = 400;
/// Rows of the table, and of the list of changes.
const MOST_ROWS: usize = 5_000;
/// Runs of a host that are listed, the newest.
const MOST_RUNS: usize = 60;

/// The trend page of a history, self-contained. It will lie in the folder `from`, and names runs from there.
///
/// # Errors
/// [`ReportError`] where a chart cannot be drawn or the template fails.
pub fn page(history: &History, from: &Path) -> Result<String, ReportError> {
    let names = history.hosts.iter().flat_map(|host| {
        let cells = words::worst_first(host).into_iter();
        cells.map(|cell| {
            format!(
                "{}-{}-{}",
                host.name,
                host.branch.as_deref().unwrap_or(""),
                words::name(cell)
            )
        })
    });
    let names: Vec<String> = names.take(MOST_ROWS).collect();
    let anchors = unique_anchors(names.iter().map(String::as_str));
    let mut rest = anchors.as_slice();
    let mut room = MOST_DRAWN;
    let mut hosts = Vec::new();
    for (index, host) in history.hosts.iter().enumerate() {
        let (own, others) = rest.split_at(host.cells.len().min(rest.len()));
        rest = others;
        hosts.push(host_view(host, index, own, &mut room, from)?);
    }
    let context = context! {
        version => plain(&history.tool.version),
        question => answer::question(history),
        answer => unbroken(&answer::answer(history)),
        summary => answer::summary(history),
        made => short(&history.made, 60),
        counts => counts(history),
        command => words::command(history),
        threshold => percent(history.threshold),
        hosts,
        method => words::method(history),
    };
    rendered(TEMPLATE, STYLE, context)
}

/// Writes the trend page of a history to `path`, replaced whole.
///
/// # Errors
/// [`ReportError`] where the page cannot be made, or the file not written.
pub fn write(path: &Path, history: &History) -> Result<(), ReportError> {
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(|source| ReportError::Write {
        path: folder.to_owned(),
        source,
    })?;
    replace(path, page(history, folder)?.as_bytes())
}

/// A number and its sign stay on one line.
fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

/// How a verdict's tag is coloured; its word stands in it.
fn tag(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "failed",
        Verdict::Inconclusive => "warning",
        Verdict::Improved => "fine",
        Verdict::NotMeasurable | Verdict::Unchanged => "note",
    }
}

fn counts(history: &History) -> Vec<Value> {
    let counts = Verdict::ALL
        .into_iter()
        .map(|verdict| (verdict, words::count(history, verdict)));
    counts
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| {
            context! { word => verdict.word(), tag => tag(verdict), count => grouped(count as u64) }
        })
        .collect()
}

fn host_view(
    host: &HostHistory,
    index: usize,
    anchors: &[String],
    room: &mut usize,
    from: &Path,
) -> Result<Value, ReportError> {
    let cells = words::worst_first(host);
    let (mut wide, mut small, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for (cell, anchor) in cells.iter().zip(anchors) {
        let trend = if *room > 0 {
            Trend::of(cell, &host.runs)
        } else {
            None
        };
        *room -= usize::from(trend.is_some());
        let has_chart = trend.is_some();
        let row = row(cell, has_chart.then_some(anchor.as_str()), from);
        rows.push(row.clone());
        let Some(trend) = trend else { continue };
        let is_told = !cell.changes.is_empty() || cell.pending.is_some();
        if is_told && wide.len() < MOST_WIDE {
            let figure = trend.figure(anchor.clone())?;
            wide.push(context! { figure => Value::from(Serde(figure)), ..row });
        } else {
            let numbers = Value::from(Serde(trend.numbers()));
            small.push(context! { svg => trend.small()?, numbers => numbers, caption => trend.caption(), ..row });
        }
    }
    let listed = host.runs.len().saturating_sub(MOST_RUNS);
    let mut runs: Vec<Value> = host.runs[listed..]
        .iter()
        .map(|run| run_view(run, from))
        .collect();
    runs.reverse();
    Ok(context! {
        id => format!("host-{}", index + 1),
        name => words::host(host),
        fingerprint => short(&host.host, 60),
        count => counted(host.count, "run"),
        first => host.runs.first().map(words::day),
        last => host.runs.last().map(words::day),
        not_drawn => grouped((cells.len() - wide.len() - small.len()) as u64),
        has_more => cells.len() > wide.len() + small.len(),
        changes => changes(&cells, anchors, from),
        not_listed => (listed > 0).then(|| grouped(listed as u64)),
        wide, small, rows, runs,
    })
}

/// All changes of a host, the newest first.
fn changes(cells: &[&CellHistory], anchors: &[String], from: &Path) -> Vec<Value> {
    let named = cells.iter().zip(anchors);
    let mut all: Vec<(&CellHistory, &String, &ChangeSeen)> = named
        .flat_map(|(cell, anchor)| {
            cell.changes
                .iter()
                .map(move |change| (*cell, anchor, change))
        })
        .collect();
    all.sort_by_key(|(_, _, change)| std::cmp::Reverse(change.run));
    let views = all.into_iter().take(MOST_ROWS).map(|(cell, anchor, change)| {
        context! { cell => words::name(cell), anchor => anchor, ..change_view(cell, change, from) }
    });
    views.collect()
}

fn change_view(cell: &CellHistory, change: &ChangeSeen, from: &Path) -> Value {
    context! {
        effect => unbroken(&signed(Some(change.effect))),
        interval => unbroken(&interval(Some(change.low), Some(change.high))),
        is_slower => change.effect > 0.0,
        before => run_view(&change.before, from),
        after => run_view(&change.after, from),
        confidence => unbroken(&percent(change.confidence)),
        runs => grouped(change.runs as u64),
        notes => words::notes(cell, change).iter().map(|note| unbroken(note)).collect::<Vec<_>>(),
    }
}

fn run_view(run: &RunSeen, from: &Path) -> Value {
    context! {
        name => words::commit(run),
        id => short(&run.id, 100),
        day => words::day(run),
        kernel => run.kernel.as_deref().map(|kernel| short(kernel, 80)),
        address => to_run(run, from),
    }
}

/// What charts and table have in common.
fn row(cell: &CellHistory, anchor: Option<&str>, from: &Path) -> Value {
    let class = match cell.is_common() {
        true => "c1",
        false => look_of(mechanism_of(&cell.id)).ink.class,
    };
    let newest = words::decisive(cell).or(cell.changes.last());
    context! {
        name => words::name(cell),
        anchor => anchor,
        class => class,
        tag => tag(cell.verdict),
        said => words::said(cell),
        reason => cell.reason.as_deref().map(|reason| short(reason, 300)),
        level => words::level(cell),
        level_sort => cell.level.filter(|level| level.is_finite()),
        count => grouped(cell.count as u64),
        effect => newest.map_or("–".to_owned(), |change| unbroken(&signed(Some(change.effect)))),
        effect_sort => newest.map(|change| change.effect).filter(|effect| effect.is_finite()),
        changes => cell.changes.len(),
        listed => cell.changes.iter().rev().take(20).map(|change| change_view(cell, change, from)).collect::<Vec<_>>(),
        pending => cell.pending.as_ref().map(|pending| {
            let runs = match pending.runs < CONFIRMATION {
                true => format!("{} of the {CONFIRMATION} runs that would confirm it", pending.runs),
                false => format!("{} runs, not yet clear of the spread", pending.runs),
            };
            unbroken(&format!("{} since {}: {runs}", signed(Some(pending.effect)), words::run(&pending.after)))
        }),
    }
}
