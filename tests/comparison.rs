//! What shows a comparison, held to comparisons with every verdict and to some that nobody makes.

#[path = "comparison/compared.rs"]
mod compared;

use compared::{HOSTILE, absurd, all_verdicts, cell, empty};
use forkbench::comparison::Comparison;
use forkbench::mechanism::Phase;
use forkbench::report::comparison::{junit, markdown, table};
use forkbench::statistics::Verdict;

fn with_cells(cells: Vec<forkbench::comparison::CellVerdict>) -> Comparison {
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
        "fork/1GiB is 31.0 % slower in B (28.0 to 34.0 %, 99 %); 2 cells more got slower."
    );
    assert_eq!(
        answer(vec![unchanged(), unchanged()]),
        "Nothing got slower by more than 3 %: p10 unchanged in 2 cells."
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
        "No verdict was reached: inconclusive."
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

#[test]
fn the_table_has_everything_and_the_worst_first() {
    let mut comparison = all_verdicts();
    let text = table(&comparison, Some(80), false);
    assert_in_order(
        &text,
        &[
            "fork/1GiB is 31.0 % slower",
            "−2.9 %",
            "0",
            "+3.0 %",
            "regressed      fork/1GiB",
            "+31.0 %",
            "+28.0 to +34.0 %",
            "▶",
            "36 pairs, look 3, 9.20 s",
            "confirmed by 24 fresh pairs: +31.0 %",
            "regressed      fork/64MiB",
            "+5.1 %",
            "+4.7 to +5.6 %",
            "not measurable null/0",
            "the clock ticks too seldom",
            "inconclusive   vfork/0",
            "48 fresh pairs did not confirm the change: +0.10 %",
            "about 240 pairs would decide, more than the 180",
            // 120 pairs, the first look with enough, at 9.2 s for 36, and a tenth to spare.
            "about 110 pairs would decide: --budget 35s",
            "improved       posix_spawn/64MiB",
            "−12.0 %",
            "p10 unchanged  fork/0",
            "p10 1.20 ms",
            "p50 1.26 ms",
            "p90 1.41 ms",
            "p99 2.90 ms",
            "8 cells: 2 regressed, 1 not measurable, 3 inconclusive, 1 improved, 1 unchanged;",
            "all verdicts hold together with 99 %.",
            "Seed 42",
            "  forkbench ab --a-subject ./old --b-subject ./new 'fork/*' --seed 42\n",
        ],
    );
    comparison.differences = vec!["kernel: A 6.1, B 6.18".to_owned()];
    comparison.finished = None;
    let text = table(&comparison, None, false);
    assert!(text.starts_with("A and B also differ in other things:\n  kernel: A 6.1, B 6.18\n"));
    assert!(text.contains("It did not finish"));
}

#[test]
fn the_budget_covers_pairs_that_confirmed_too_and_the_edge_has_none() {
    let mut unsure = cell("fork/0", Verdict::Inconclusive, 0.02, 0.02);
    unsure.pairs_needed = Some(180);
    unsure.seconds = 3_600.0;
    let text = table(&with_cells(vec![unsure.clone()]), Some(80), false);
    assert!(
        text.contains("about 180 pairs would decide: --budget 19800s"),
        "{text}"
    );
    unsure.seconds = 0.0;
    let text = table(&with_cells(vec![unsure.clone()]), Some(80), false);
    assert!(text.contains("give it a larger --budget"), "{text}");
    unsure.pairs_needed = None;
    let text = table(&with_cells(vec![unsure]), Some(80), false);
    assert!(text.contains("lies on the threshold"), "{text}");
}

#[test]
fn tables_keep_to_their_width_and_to_text() {
    for comparison in [all_verdicts(), absurd(), empty()] {
        for width in [
            Some(0),
            Some(40),
            Some(65),
            Some(66),
            Some(80),
            Some(100),
            Some(4_000),
            None,
        ] {
            let text = table(&comparison, width, false);
            let most = width.unwrap_or(80).clamp(40, 100);
            let command = text.lines().count() - 1;
            for line in text.lines().take(command) {
                assert!(line.chars().count() <= most, "{most}: {line}");
            }
            assert!(!text.contains(['\u{1b}', '\0', '\u{202e}', '\r']));
        }
    }
    let coloured = table(&all_verdicts(), Some(80), true);
    let mut plain = String::new();
    let mut pieces = coloured.split("\u{1b}[");
    plain.push_str(pieces.next().unwrap_or_default());
    pieces.for_each(|piece| plain.push_str(piece.split_once('m').expect("a whole code").1));
    assert_eq!(plain, table(&all_verdicts(), Some(80), false));
    assert_ne!(plain, coloured);
}

#[test]
fn markdown_has_the_answer_and_the_worst_first() {
    let mut comparison = all_verdicts();
    comparison.differences = vec!["kernel: A 6.1, B 6.18".to_owned()];
    assert_in_order(
        &markdown(&comparison),
        &[
            "**fork/1GiB is 31.0 % slower in B (28.0 to 34.0 %, 99 %); 1 cell more got slower.**",
            "8 cells: 2 regressed",
            "- kernel: A 6.1, B 6.18",
            "| verdict | cell | effect | interval | A: p10 / p50 / p90 / p99 |",
            "| **regressed** | fork/1GiB | +31.0 % | +28.0 to +34.0 % | 1.20 ms / 1.26 ms / 1.41 ms / 2.90 ms |",
            "| **regressed** | fork/64MiB |",
            "| not measurable | null/0 | – | – | – | – |",
            "| p10 unchanged | fork/0 |",
            "- null/0: pairs of null/0 differ by 31 %",
            "- thread/0: about 110 pairs would decide: --budget 35s",
            "<details>",
            "- seed: 42",
            "Example CPU 3000",
            "forkbench ab --a-subject ./old",
            "</details>",
        ],
    );
}

#[test]
fn markdown_stays_below_the_limits_and_opens_nothing() {
    let mut many = empty();
    for index in 0..5_000 {
        let mut one = cell(
            &format!("fork/{index}MiB+shuffled"),
            Verdict::Unchanged,
            0.001,
            0.01,
        );
        if index == 4_321 {
            one = cell("vfork/0", Verdict::Regressed, 0.2, 0.01);
        }
        one.reason = Some("a reason ".repeat(100));
        many.cells.push(one);
    }
    many.differences = vec!["&".repeat(400); 50];
    let text = markdown(&many);
    assert!(text.len() < 60_000, "{} bytes", text.len());
    assert!(text.contains("| **regressed** | vfork/0 |"));
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| p10") || line.starts_with("| **reg"))
        .count();
    let left: String = text
        .lines()
        .find_map(|line| line.split_once(" of 5,000 rows are left out"))
        .expect("it says so")
        .0
        .replace(',', "");
    assert_eq!(rows + left.parse::<usize>().expect("a number"), 5_000);
    assert!(rows > 20, "{rows}");

    let text = markdown(&absurd());
    assert!(text.len() < 60_000, "{} bytes", text.len());
    let outside = text
        .rsplit_once("\n\n````")
        .or_else(|| text.rsplit_once("\n\n```"))
        .expect("a fence")
        .0;
    assert!(!outside.contains("<b") && !outside.contains("x](y)") && !outside.contains(" @you"));
    assert!(!text.contains(['\u{1b}', '\0', '\u{202e}']));
    let mut fenced = empty();
    fenced.command = "````\n<b>".to_owned();
    assert!(markdown(&fenced).contains("\n`````\n```` <b>\n`````\n"));
}

/// Elements, quotes and characters as XML 1.0 wants them.
fn assert_well_formed(xml: &str) {
    let mut open = Vec::new();
    for piece in xml.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "{text}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        match (
            tag.strip_prefix('/'),
            tag.ends_with('/') || tag.starts_with('?'),
        ) {
            (Some(name), _) => assert_eq!(open.pop(), Some(name), "in {tag}"),
            (None, true) => {}
            (None, false) => open.push(tag.split(' ').next().unwrap_or_default()),
        }
        for entity in piece.split('&').skip(1) {
            let name = entity.split(';').next().unwrap_or_default();
            assert!(["lt", "gt", "amp", "quot"].contains(&name), "{entity}");
        }
    }
    assert!(open.is_empty());
    assert!(!xml.contains(|c: char| c.is_control() && c != '\n' || c == '\u{ffff}'));
}

#[test]
fn junit_fails_what_regressed_and_skips_what_was_not_found_out() {
    let xml = junit(&all_verdicts());
    assert_well_formed(&xml);
    assert_in_order(
        &xml,
        &[
            "<testsuite name=\"forkbench\"",
            "tests=\"8\" failures=\"2\" errors=\"0\" skipped=\"4\" time=\"73.600\"",
            "timestamp=\"2026-03-01T10:00:00\" hostname=\"shed\"",
            "<property name=\"seed\" value=\"42\"/>",
            "<property name=\"threshold\" value=\"0.03\"/>",
            "<property name=\"confidence\" value=\"0.99\"/>",
            "<testcase name=\"fork/1GiB call\" classname=\"forkbench.call\" time=\"9.200\">",
            "<failure type=\"regressed\" message=\"regressed: +31.0 % (+28.0 to +34.0 %)\">",
            "p99 2.90 ms",
            "<testcase name=\"null/0 call\"",
            "<skipped type=\"not measurable\"",
            "the clock ticks too seldom",
            "<testcase name=\"thread/0 call\"",
            "<skipped type=\"inconclusive\"",
            "--budget 35s",
            "<testcase name=\"fork/0 call\" classname=\"forkbench.call\" time=\"9.200\"></testcase>",
            "<system-out>8 cells: 2 regressed",
        ],
    );
    assert_eq!(xml.matches("<failure ").count(), 2);
    assert_eq!(xml.matches("<skipped ").count(), 4);
}

#[test]
fn junit_is_xml_whatever_it_holds() {
    assert_well_formed(&junit(&absurd()));
    assert_well_formed(&junit(&empty()));
    let xml = junit(&with_cells(vec![cell(
        HOSTILE,
        Verdict::Regressed,
        0.1,
        0.01,
    )]));
    assert_well_formed(&xml);
    assert!(xml.contains("&lt;b onload=x&gt;&amp;|`"));
}
