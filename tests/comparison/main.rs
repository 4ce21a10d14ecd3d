//! What shows a comparison, held to comparisons with every verdict and to some that nobody makes.

mod compared;
#[path = "../recording/fixtures.rs"]
#[allow(dead_code)]
mod fixtures;
mod junit;
#[path = "../page/markup.rs"]
#[allow(dead_code)]
mod markup;
mod text;

use std::collections::BTreeSet;
use std::process::Command;

use compared::{HOSTILE, absurd, all_verdicts, cell, empty, with_samples};
use forkbench::comparison::{CellVerdict, Compared, Comparison, Kind};
use forkbench::mechanism::Phase;
use forkbench::recording::RunWriter;
use forkbench::report;
use forkbench::report::comparison::{junit, markdown, page, table, write};
use forkbench::statistics::{Histogram, Verdict};
use markup::{assert_harmless, assert_sound, attribute, tags};

fn with_cells(cells: Vec<CellVerdict>) -> Comparison {
    Comparison { cells, ..empty() }
}

/// The places of `words` in `text`, which must all be there, in this order.
fn assert_in_order(text: &str, words: &[&str]) {
    let mut from = 0;
    for word in words {
        match text[from..].find(word) {
            Some(at) => from += at + word.len(),
            None => panic!("`{word}` is missing after byte {from} in\n{text}"),
        }
    }
}

fn first_line(comparison: &Comparison) -> String {
    table(comparison, Some(100), false)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn the_first_line_answers() {
    let unchanged = || cell("fork/0", Verdict::Unchanged, 0.001, 0.006);
    let slower = || cell("fork/64MiB", Verdict::Regressed, 0.0514, 0.0044);
    let faster = || cell("vfork/0", Verdict::Improved, -0.12, 0.02);
    let open = || cell("thread/0", Verdict::Inconclusive, 0.02, 0.02);
    let answer = |cells| first_line(&with_cells(cells));
    assert_eq!(
        answer(vec![unchanged(), slower()]),
        "fork/64MiB is 5.1 % slower in B (4.7 to 5.6 %, 99 %)."
    );
    let worse = cell("fork/1GiB", Verdict::Regressed, 0.31, 0.03);
    assert_eq!(
        answer(vec![slower(), worse, slower()]),
        "fork/1GiB is 31.0 % slower in B (28.0 to 34.0 %, 99 %); 2 more cells got slower."
    );
    assert_eq!(
        answer(vec![unchanged(), unchanged()]),
        "Nothing got slower by more than 3 %: p10 unchanged in 2 judgements."
    );
    assert_eq!(
        answer(vec![faster(), unchanged()]),
        "vfork/0 is 12.0 % faster in B (10.0 to 14.0 %, 99 %); nothing got slower by more than 3 %."
    );
    assert_eq!(
        answer(vec![unchanged(), open()]),
        "Nothing is known to be slower by more than 3 %, and 1 cell is undecided."
    );
    assert_eq!(
        answer(vec![open()]),
        "Nothing could be decided: thread/0 is inconclusive."
    );
    assert_eq!(answer(Vec::new()), "Nothing was compared.");
    let twelve = cell("fork/0 vs thread/0", Verdict::Regressed, 11.0, 1.0);
    assert_eq!(
        answer(vec![twelve]),
        "thread/0 takes 12 times as long as fork/0 (×11 to ×13, 99 %)."
    );
    let mut reap = slower();
    reap.phase = Phase::Reap;
    assert!(answer(vec![reap]).starts_with("fork/64MiB reap is 5.1 % slower"));
}

/// A page with samples for every cell that has figures.
fn drawn(comparison: Comparison) -> String {
    page(&with_samples(comparison, 3)).expect("the page is drawn")
}

/// What stands on the page as text, without the charts.
fn assert_page_in_order(page: &str, words: &[&str]) {
    let spaced = page.replace('\u{a0}', " ").replace("&#x2f;", "/");
    assert_in_order(&spaced, words);
}

#[test]
fn the_page_answers_first_and_has_every_cell_the_worst_first() {
    let mut comparison = all_verdicts();
    comparison.differences = vec!["kernel: A 6.1, B 6.18".to_owned()];
    let page = drawn(comparison);
    assert_page_in_order(
        &page,
        &[
            "<title>fork/1GiB is 31.0 % slower in B (28.0 to 34.0 %, 99 %)",
            "Is B slower than A by more than 3 %?",
            "fork/1GiB is 31.0 % slower in B",
            "2 regressed",
            "1 not measurable",
            "3 inconclusive",
            "1 improved",
            "1 unchanged",
            "kernel: A 6.1, B 6.18",
            "./old",
            "./new",
            "forkbench ab --a-subject ./old",
            "the seed 42",
            "id=\"forest\"",
            "id=\"cell-fork-1GiB\"",
            "regressed",
            "+31.0 %",
            "36 pairs, look 3, 9.20 s",
            "Samples of fork/1GiB in A and B",
            "How the interval of fork/1GiB closed",
            "1.20 ms",
            "1.26 ms",
            "1.41 ms",
            "2.90 ms",
            "confirmed by 24 fresh pairs",
            "36 trials, 1,440 samples",
            "id=\"cell-fork-64MiB\"",
            "id=\"cell-null-0\"",
            "the clock ticks too seldom",
            "id=\"cell-vfork-0\"",
            "did not confirm the change",
            "id=\"cell-thread-0\"",
            "--budget 35s",
            "id=\"cell-posix_spawn-64MiB\"",
            "id=\"cell-fork-0\"",
            "p10 unchanged",
            "id=\"full\"",
            "Example CPU 3000",
            "id=\"method\"",
        ],
    );
    // Every chart's figures are a table: three looks and the fresh pairs, and each bin.
    assert_page_in_order(
        &page,
        &[
            "<th>16<td>",
            "<th>24<td>",
            "<th>36<td>",
            "<th>24 fresh<td>+31.0 %",
        ],
    );
    assert!(page.contains("The histograms&#x27; bins") || page.contains("The histograms' bins"));
}

#[test]
fn the_page_loads_nothing_and_links_only_to_itself() {
    for comparison in [all_verdicts(), absurd(), empty()] {
        let page = drawn(comparison);
        assert_harmless(&page);
        assert!(page.contains("default-src 'none'"));
        let ids: BTreeSet<&str> = tags(&page)
            .iter()
            .filter_map(|(_, tag)| attribute(tag, "id"))
            .collect();
        let targets = tags(&page);
        let targets = targets
            .iter()
            .filter_map(|(_, tag)| attribute(tag, "href")?.strip_prefix('#'));
        for target in targets.filter(|&target| target != "table" || page.contains("id=\"full\"")) {
            assert!(ids.contains(target), "nothing is called {target}");
        }
        let all: Vec<&str> = tags(&page)
            .iter()
            .filter_map(|(_, tag)| attribute(tag, "id"))
            .collect();
        assert_eq!(all.len(), ids.len(), "an id stands twice");
    }
}

#[test]
fn charts_are_sound_small_and_keep_to_their_sheet() {
    for comparison in [all_verdicts(), absurd()] {
        let page = drawn(comparison);
        let mut small = 0;
        for piece in page.split("<svg ").skip(1) {
            let svg = format!(
                "<svg {}</svg>",
                piece.split("</svg>").next().unwrap_or_default()
            );
            let name = attribute(&svg, "aria-label")
                .expect("a chart has a label")
                .to_owned();
            assert_sound(&name, &svg);
            if !name.starts_with("Every effect") {
                assert!(svg.len() < 5_000, "{name}: {} bytes", svg.len());
                small += 1;
            }
        }
        assert!(small >= 14, "{small}");
    }
}

#[test]
fn a_forest_marks_an_end_that_goes_on_and_the_thresholds() {
    let forest = |cells| {
        let page = drawn(with_cells(cells));
        let from = page.find("class=\"wide\">").expect("a wide chart");
        let to = page[from..].find("</svg>").expect("it ends");
        page[from..from + to].to_owned()
    };
    let near = || cell("fork/0", Verdict::Unchanged, 0.001, 0.005);
    let usual = forest(vec![near(), near(), near()]);
    assert!(usual.contains("+3.0 %") && usual.contains("−2.9 %"));
    let huge = cell("vfork/0", Verdict::Regressed, 400.0, 1.0);
    let with_huge = forest(vec![near(), near(), near(), huge.clone()]);
    assert!(with_huge.contains("×400"), "{with_huge}");
    // One cell off the scale leaves the others as they were, and an arrow is filled.
    assert!(with_huge.contains("+3.0 %") && with_huge.contains("−2.9 %"));
    let fills = |svg: &str| svg.matches(" f\"").count();
    assert!(fills(&with_huge) > fills(&usual));
    // Alone it has the scale for itself.
    assert!(forest(vec![huge]).contains(" %"));
}

#[test]
fn thousands_of_cells_make_one_page_of_reasonable_size() {
    let mut many = empty();
    many.cells = (0..5_200)
        .map(|index| cell(&format!("fork/{index}MiB"), Verdict::Unchanged, 0.001, 0.01))
        .collect();
    let samples = vec![None; many.cells.len()];
    let compared = Compared {
        comparison: many,
        samples,
    };
    let page = page(&compared).expect("the page is drawn");
    assert!(page.len() < 4_000_000, "{}", page.len());
    assert_eq!(page.matches("<article ").count(), 400);
    assert!(page.contains("4,800 more, none of them worse"));
    assert!(page.contains("200 more rows are left out"));
}

#[test]
fn samples_that_are_missing_leave_their_charts_out() {
    let mut compared = with_samples(all_verdicts(), 3);
    compared.samples.truncate(1);
    compared.comparison.cells[0].looks.clear();
    let page = page(&compared).expect("the page is drawn");
    assert!(page.contains("Samples of fork"));
    assert_eq!(page.matches("aria-label=\"Samples of").count(), 1);
    assert!(!page.contains("How the interval of fork/0 closed"));
    compared.samples[0] = Some([Histogram::new(), Histogram::of(&[u64::MAX, 0, 1])]);
    assert!(report::comparison::page(&compared).is_ok());
    compared.samples[0] = Some([Histogram::of(&[7]), Histogram::of(&[u64::MAX, 0, 1])]);
    assert!(report::comparison::page(&compared).is_ok());
}

#[test]
fn page_and_chart_are_written_into_the_directory() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = write(folder.path(), &with_samples(all_verdicts(), 3)).expect("it is written");
    assert_eq!(path, folder.path().join("index.html"));
    let page = std::fs::read_to_string(path).expect("it is there");
    assert!(page.starts_with("<!doctype html>"));
    let chart =
        std::fs::read_to_string(folder.path().join("charts/forest.svg")).expect("it is there");
    assert!(chart.starts_with("<svg ") && chart.contains("<style>"));
}

#[test]
fn report_shows_the_comparison_of_a_run_that_holds_a_verdict() {
    let folder = tempfile::tempdir().expect("a folder");
    let header = fixtures::header("run");
    let mut writer = RunWriter::create(folder.path(), header).expect("a run");
    for line in fixtures::lines() {
        writer.append(line).expect("a line");
    }
    writer.finish("2026-07-01T10:30:00Z").expect("it ends");
    let directory = writer.directory();
    forkbench::comparison::write(directory, &all_verdicts()).expect("a verdict");
    let report = |flag: Option<&str>| {
        let output = Command::new(env!("CARGO_BIN_EXE_forkbench"))
            .arg("report")
            .arg(directory)
            .args(flag)
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let text = report(None);
    assert!(
        text.starts_with(&table(&all_verdicts(), None, false)),
        "{text}"
    );
    assert!(text.ends_with("index.html\n"), "{text}");
    let page = std::fs::read_to_string(directory.join("index.html")).expect("a page");
    assert!(page.contains("Is B slower than A by more than 3 %?"));
    assert_eq!(report(Some("--markdown")), markdown(&all_verdicts()));
    let document: serde_json::Value = serde_json::from_str(&report(Some("--json"))).expect("JSON");
    assert_eq!(document["schema"], forkbench::comparison::VERDICT_SCHEMA);
}

#[test]
fn recorded_runs_are_shown_by_their_sittings() {
    let mut comparison = all_verdicts();
    (comparison.kind, comparison.seed, comparison.host) = (Kind::Compare, None, None);
    for cell in &mut comparison.cells {
        (cell.pairs, cell.look, cell.pairs_needed) = (0, 0, None);
        (cell.confirmation, cell.looks) = (None, Vec::new());
        if let Some(side) = &mut cell.candidate {
            side.sittings = 3;
        }
    }
    let text = table(&comparison, Some(80), false);
    assert!(
        text.contains("sittings: A 1, B 3") && !text.contains("36 pairs"),
        "{text}"
    );
    assert!(text.ends_with(
        "This repeats it:\n  forkbench ab --a-subject ./old --b-subject ./new 'fork/*' --seed 42\n"
    ));
    let page = drawn(comparison);
    assert!(page.contains("sittings are counted, not trials") && !page.contains("signed-rank"));
    assert!(!page.contains("How the interval of") && !page.contains("id=\"host\""));
}
