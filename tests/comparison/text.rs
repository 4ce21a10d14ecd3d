//! The table on a terminal, and Markdown.

use super::*;

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
    comparison.command = "forkbench ab".to_owned();
    assert!(table(&comparison, None, false).ends_with("\n  forkbench ab --seed 42\n"));
    comparison.differences = vec!["kernel: A 6.1, B 6.18".to_owned()];
    comparison.finished = None;
    let text = table(&comparison, None, false);
    assert!(text.starts_with("A and B also differ in other things:\n  kernel: A 6.1, B 6.18\n"));
    assert!(text.contains("It did not finish"));
}

#[test]
fn what_one_run_alone_measured_stands_behind_what_was_compared() {
    let mut alone = cell("fork/2GiB", Verdict::NotMeasurable, 0.0, 0.0);
    (alone.base, alone.candidate) = (None, None);
    alone.reason = Some("only the candidate measured it".to_owned());
    let cells = vec![alone, cell("fork/0", Verdict::Unchanged, 0.001, 0.01)];
    let mut recorded = with_cells(cells);
    recorded.kind = Kind::Compare;
    let text = table(&recorded, Some(80), false);
    assert_in_order(
        &text,
        &[
            "unchanged",
            "not measurable:",
            "fork/2GiB: only the candidate measured it",
        ],
    );
    // Of two that were made in turn the one that failed is worse than one that is unchanged.
    recorded.kind = Kind::Ab;
    let text = table(&recorded, Some(80), false);
    assert_in_order(&text, &["not measurable fork/2GiB", "p10 unchanged"]);
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
            "**fork/1GiB is 31.0 % slower in B (28.0 to 34.0 %, 99 %); 1 more cell got slower.**",
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
    assert!(markdown(&fenced).contains("\n`````\n```` <b> --seed 42\n`````\n"));
}
