//! The comparison's page: one HTML file that loads nothing.

use std::fs;
use std::path::{Path, PathBuf};

use minijinja::value::Serde;
use minijinja::{Value, context};

use crate::comparison::{CellVerdict, Compared, Comparison, Kind, SideFigures};
use crate::recording::Host;
use crate::report::charts::standalone;
use crate::report::page::{host, rendered, unique_anchors};
use crate::report::reading::{grouped, plain, short};
use crate::report::{ReportError, replace};
use crate::statistics::{Histogram, Verdict};

use super::answer;
use super::cell::{Overlay, closing, look_numbers};
use super::forest::{forest, look};
use super::junit::junit;
use super::markdown::markdown;
use super::numbers;
use super::words;

const TEMPLATE: &str = include_str!("../assets/comparison.html");
const STYLE: &str = include_str!("../assets/comparison.css");
/// Cells that are drawn each; the others are rows of the table.
const MOST_DRAWN: usize = 400;
/// Rows of the table.
const MOST_ROWS: usize = 5_000;

/// The page of a comparison, self-contained.
///
/// # Errors
/// [`ReportError`] where a chart cannot be drawn or the template fails.
pub fn page(compared: &Compared) -> Result<String, ReportError> {
    let comparison = &compared.comparison;
    let cells = words::worst_first(comparison);
    let names: Vec<String> = cells.iter().map(|(_, cell)| words::name(cell)).collect();
    let anchors = unique_anchors(names.iter().take(MOST_DRAWN).map(String::as_str));
    let drawn = cells.iter().zip(&anchors).map(|(&(index, cell), anchor)| {
        let samples = compared.samples.get(index).and_then(Option::as_ref);
        view(comparison, cell, anchor, samples)
    });
    let drawn: Vec<Value> = drawn.collect::<Result<_, _>>()?;
    let rows = cells.iter().take(MOST_ROWS).enumerate();
    let rows: Vec<Value> = rows
        .map(|(at, (_, cell))| row(comparison, cell, anchors.get(at).map(String::as_str)))
        .collect();
    let context = context! {
        version => plain(&comparison.tool.version),
        question => answer::question(comparison),
        answer => unbroken(&answer::answer(comparison)),
        summary => unbroken(&answer::summary(comparison)),
        counts => counts(comparison),
        is_paired => comparison.kind == Kind::Ab,
        finished => comparison.finished.is_some(),
        started => short(&comparison.started, 60),
        host_name => comparison.host.as_ref().map(|host| short(&host.name, 80)),
        sides => sides(comparison),
        differences => words::differences(comparison),
        command => words::command(comparison),
        seed => comparison.seed.map(|seed| seed.to_string()),
        forest => forest(comparison, &cells)?.map(|figure| Value::from(Serde(figure))),
        not_drawn => left(cells.len(), MOST_DRAWN),
        not_listed => left(cells.len(), MOST_ROWS),
        cells => drawn,
        rows => rows,
        figure_names => cells.first().map(|(_, cell)| words::figure_names(cell.statistic)),
        method => words::method(comparison),
        host => comparison.host.as_ref().map(host::view),
        findings => comparison.host.as_ref().map_or_else(Vec::new, |host: &Host| host::findings(host)),
    };
    rendered(TEMPLATE, STYLE, context)
}

/// Writes a comparison into `dir` in each of its forms, `index.html`, `charts/forest.svg`, `comparison.md` and
/// `junit.xml`, and returns the page's path.
///
/// Each file is replaced whole, so that a reader never sees half of one.
///
/// # Errors
/// [`ReportError`] where the page cannot be made, or a file not written.
pub fn write(dir: &Path, compared: &Compared) -> Result<PathBuf, ReportError> {
    let comparison = &compared.comparison;
    let folder = dir.join("charts");
    fs::create_dir_all(&folder).map_err(|source| ReportError::Write {
        path: folder.clone(),
        source,
    })?;
    if let Some(figure) = forest(comparison, &words::worst_first(comparison))? {
        replace(
            &folder.join("forest.svg"),
            standalone(&figure.wide).as_bytes(),
        )?;
    }
    replace(&dir.join("comparison.md"), markdown(comparison).as_bytes())?;
    replace(&dir.join("junit.xml"), junit(comparison).as_bytes())?;
    let path = dir.join("index.html");
    replace(&path, page(compared)?.as_bytes())?;
    Ok(path)
}

/// A number and its sign stay on one line.
fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

fn left(all: usize, shown: usize) -> Option<String> {
    (all > shown).then(|| grouped((all - shown) as u64))
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

fn counts(comparison: &Comparison) -> Vec<Value> {
    let of = |verdict| {
        comparison
            .cells
            .iter()
            .filter(|cell| cell.verdict == verdict)
            .count()
    };
    let counts = Verdict::ALL
        .into_iter()
        .map(|verdict| (verdict, of(verdict)));
    counts
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| {
            context! { word => verdict.word(), tag => tag(verdict), count => grouped(count as u64) }
        })
        .collect()
}

fn sides(comparison: &Comparison) -> Vec<Value> {
    let runs = [&comparison.base.runs, &comparison.candidate.runs];
    let sides = words::sides(comparison).into_iter().zip(runs);
    sides
        .map(|((letter, name), runs)| {
            let ids = runs.iter().take(20).map(|id| short(id, 100));
            context! { letter => letter.to_string(), name => name, runs => ids.collect::<Vec<_>>() }
        })
        .collect()
}

/// What row and article have in common.
fn row(comparison: &Comparison, cell: &CellVerdict, anchor: Option<&str>) -> Value {
    context! {
        name => words::name(cell),
        anchor => anchor,
        class => look(cell.verdict).ink.class,
        tag => tag(cell.verdict),
        said => words::said(cell),
        effect => numbers::signed(cell.effect),
        sort => cell.effect.filter(|effect| effect.is_finite()),
        interval => unbroken(&numbers::interval(cell.low, cell.high)),
        effort => words::effort(comparison, cell),
        figures => figures(cell),
    }
}

fn view(
    comparison: &Comparison,
    cell: &CellVerdict,
    anchor: &str,
    samples: Option<&[Histogram; 2]>,
) -> Result<Value, ReportError> {
    let overlay = samples.and_then(Overlay::of);
    let overlay_svg = overlay
        .as_ref()
        .map(|overlay| overlay.svg(cell))
        .transpose()?;
    let notes = words::notes(comparison, cell);
    let closing = closing(cell, comparison.threshold)?;
    Ok(context! {
        notes => notes.iter().map(|note| unbroken(note)).collect::<Vec<_>>(),
        overlay => overlay_svg,
        bins => overlay.map(|overlay| Value::from(Serde(overlay.numbers()))),
        looks => closing.as_ref().map(|_| Value::from(Serde(look_numbers(cell)))),
        closing => closing,
        ..row(comparison, cell, Some(anchor))
    })
}

/// Both sides' quantiles by their names, and how much they come from.
fn figures(cell: &CellVerdict) -> Vec<Value> {
    let sides = [("A", &cell.base), ("B", &cell.candidate)].into_iter();
    sides
        .filter_map(|(letter, side)| {
            let side: &SideFigures = side.as_ref()?;
            let times = words::figures(cell, side).into_iter().map(|(_, time)| time);
            Some(context! {
                letter => letter,
                cell => short(&side.cell, words::LONGEST_NAME),
                times => times.collect::<Vec<_>>(),
                trials => grouped(side.trials),
                samples => grouped(side.samples),
            })
        })
        .collect()
}
