//! What shows a history: the trend page, the terminal, Markdown.

mod made;
#[path = "../page/markup.rs"]
#[allow(dead_code)]
mod markup;

use std::collections::BTreeSet;
use std::path::Path;

use forkbench::report::trend::{check, markdown, page, show, write};
use forkbench::statistics::Verdict;
use forkbench::trend::History;
use made::{HOSTILE, Nights, absurd, everything, history, host, hostile, judged};
use markup::{TAGS, assert_sound, attribute, tags};

fn drawn(history: &History) -> String {
    unescaped(&page(history, Path::new("/nowhere")).expect("it is drawn"))
}

/// A slash needs no escape, and the template's engine gives it one.
fn unescaped(page: &str) -> String {
    page.replace("&#x2f;", "/")
}

/// The SVG elements of a page.
fn charts(page: &str) -> Vec<&str> {
    let begins: Vec<usize> = page.match_indices("<svg ").map(|(at, _)| at).collect();
    let ends = begins
        .iter()
        .map(|at| at + page[*at..].find("</svg>").expect("it ends") + 6);
    begins
        .iter()
        .zip(ends)
        .map(|(&from, to)| &page[from..to])
        .collect()
}

/// Only tags of our own, no handler, and no address but within the page and to runs beside it.
fn assert_harmless(page: &str) {
    for (name, tag) in tags(page) {
        assert!(TAGS.contains(&name.as_str()), "{tag}");
        let names: String = tag.split('"').step_by(2).collect();
        assert!(!names.contains(" on"), "{tag}");
        assert!(attribute(tag, "src").is_none(), "{tag}");
        if let Some(address) = attribute(tag, "href") {
            let is_ours =
                address.starts_with('#') || address.starts_with("./") || address == "data:,";
            assert!(is_ours, "{tag}");
        }
    }
    assert!(
        !page.contains('\u{1b}') && !page.contains('\u{202e}'),
        "control characters"
    );
}

/// All text of a page, without its markup.
fn text(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<') {
        text.push_str(part.split_once('>').map_or("", |(_, text)| text));
    }
    text
}

#[test]
fn everything_is_on_the_page_and_sound() {
    let history = everything();
    let page = drawn(&history);
    assert_harmless(&page);
    let drawn = charts(&page);
    let cells: usize = history.hosts.iter().map(|host| host.cells.len()).sum();
    assert!(
        drawn.len() > cells,
        "{} charts of {cells} cells",
        drawn.len()
    );
    for (index, chart) in drawn.iter().enumerate() {
        assert_sound(&format!("chart {index}"), chart);
    }
    for host in &history.hosts {
        assert!(page.contains(&host.name) && page.contains(&host.host));
        for cell in host.cells.iter().filter(|cell| !cell.is_common()) {
            assert!(page.contains(&cell.id), "{}", cell.id);
            for change in &cell.changes {
                let commit = &change.after.commit.as_deref().expect("it has one")[..10];
                assert!(page.contains(commit), "{} {commit}", cell.id);
            }
        }
    }
    // As many tables of numbers as there are cells: each chart has its own.
    assert_eq!(page.matches("<table class=\"numbers\">").count(), cells);
    assert!(page.contains("kernel 6.12.1 → 6.18.0 in the same run"));
    assert!(page.contains("1 of the 3 runs that would confirm it"));
}

#[test]
fn every_anchor_is_there_once_and_every_link_leads_to_one() {
    let page = drawn(&everything());
    let ids: Vec<&str> = tags(&page)
        .iter()
        .filter_map(|(_, tag)| attribute(tag, "id"))
        .collect();
    let distinct: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(distinct.len(), ids.len());
    let mut links = 0;
    for (_, tag) in tags(&page) {
        if let Some(target) = attribute(tag, "href").and_then(|address| address.strip_prefix('#')) {
            assert!(distinct.contains(target), "{tag}");
            links += 1;
        }
    }
    assert!(links > 20);
}

#[test]
fn hosts_are_apart_and_the_first_line_answers() {
    let history = everything();
    let page = drawn(&history);
    let answer = "fork/1GiB is 1";
    assert!(
        page.contains(answer) && page.contains("slower on shed, branch main since"),
        "{}",
        text(&page).chars().take(400).collect::<String>()
    );
    assert_eq!(page.matches("class=\"lead\"").count(), 2);
    let nothing = history_of_nothing();
    assert!(drawn(&nothing).contains("Nothing became slower by 3\u{a0}% or more"));
    assert!(
        check(&history_of_nothing(), None, false)
            .starts_with("Nothing became slower by 3 % or more.")
    );
    assert!(drawn(&history_without()).contains("The store has no figures of what was asked for"));
}

fn history_of_nothing() -> History {
    let still = Nights {
        steps: false,
        ..Nights::USUAL
    };
    history(vec![judged(&host("shed", still))])
}

fn history_without() -> History {
    history(Vec::new())
}

#[test]
fn nights_without_a_run_break_the_line() {
    let history = history_of_nothing();
    let page = drawn(&history);
    let with_gap = charts(&page)[3].matches("<path").count();
    let mut whole = host(
        "shed",
        Nights {
            steps: false,
            ..Nights::USUAL
        },
    );
    for (night, run) in whole.runs.iter_mut().enumerate() {
        *run = made::run(night, "6.18.0");
    }
    for cell in &mut whole.cells {
        let mut measured = cell.measured.clone();
        measured.retain(|one| one.run < whole.runs.len());
        cell.measured = measured;
    }
    let page = drawn(&made::history(vec![judged(&whole)]));
    let without = charts(&page)[3].matches("<path").count();
    assert!(with_gap > without, "{with_gap} and {without} paths");
}

#[test]
fn hostile_text_stays_text() {
    let history = hostile();
    let page = drawn(&history);
    assert_harmless(&page);
    assert!(
        !page.contains("<script>alert")
            && !page.contains("<img")
            && page.contains("&lt;script&gt;alert(1)")
    );
    for text in [
        markdown(&history),
        check(&history, None, true),
        show(&history, Some(100), true),
    ] {
        assert!(!text.contains('\u{202e}') && !text.contains("\u{1b}[31mx"));
        assert!(!text.contains(HOSTILE));
    }
    let text = markdown(&history);
    // The command stands in a fence that nothing in it can close.
    let (told, _) = text.split_once("<details>").expect("how it was judged");
    assert!(!told.contains("<img") && !text.contains("\n# [x]") && text.len() < 60_000);
}

#[test]
fn figures_that_nobody_measures_do_no_harm() {
    let history = absurd();
    let page = drawn(&history);
    assert_harmless(&page);
    for chart in charts(&page) {
        assert_sound("absurd", chart);
    }
    for width in [None, Some(40), Some(100)] {
        assert!(
            !check(&history, width, false).is_empty() && !show(&history, width, false).is_empty()
        );
    }
    assert!(!markdown(&history).is_empty());
}

#[test]
fn a_page_of_many_runs_stays_small_and_says_so() {
    let many = Nights {
        runs: 3_000,
        cells: 40,
        seed: 3,
        steps: true,
    };
    let page = drawn(&history(vec![judged(&host("shed", many))]));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("Runs share places"));
    for chart in charts(&page) {
        assert_sound("many", chart);
    }
    assert!(page.matches("class=\"tag").count() > 40);
}

#[test]
fn the_terminal_has_it_all_in_its_columns() {
    let history = everything();
    for width in [40, 80, 100] {
        for text in [
            check(&history, Some(width), false),
            show(&history, Some(width), false),
        ] {
            let (body, _) = text
                .rsplit_once("This repeats it:")
                .expect("the command is last");
            for line in body.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
    let text = check(&history, Some(80), false);
    for words in [
        "regressed",
        "fork/1GiB",
        "between",
        "and",
        "runs speak for it, confidence",
        "unconfirmed (1 of 3)",
        "unchanged",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let text = show(&history, Some(80), false);
    assert!(text.contains('▁') && text.contains('█'), "{text}");
    assert!(
        text.lines()
            .any(|line| line.contains("fork/64MiB") && line.contains("µs") || line.contains("ms"))
    );
    assert!(!check(&history, Some(80), false).contains('\u{1b}'));
    assert!(check(&history, Some(80), true).contains("\u{1b}[1;31m"));
}

#[test]
fn markdown_has_the_worst_first() {
    let text = markdown(&everything());
    assert!(text.starts_with("**fork/1GiB is 1"), "{text}");
    let regressed = text.find("| **regressed** |").expect("one regressed");
    let improved = text.find("| improved |").expect("one improved");
    assert!(regressed < improved && text.contains("### shed, branch main"));
    assert!(text.contains("kernel 6.12.1 → 6.18.0"));
}

#[test]
fn runs_that_are_there_are_linked_from_where_the_page_lies() {
    let folder = tempfile::tempdir().unwrap();
    let mut runs = host("shed", Nights::USUAL);
    for run in &mut runs.runs {
        let directory = folder.path().join("runs").join(&run.id);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("index.html"), "").unwrap();
        run.path = Some(directory.display().to_string());
    }
    let history = history(vec![judged(&runs)]);
    let change = history.hosts[0]
        .cells
        .iter()
        .find_map(|cell| cell.changes.last())
        .expect("a change");
    let path = folder.path().join("pages/trend.html");
    write(&path, &history).unwrap();
    let page = unescaped(&std::fs::read_to_string(&path).unwrap());
    assert_harmless(&page);
    let id = change.after.id.replace(':', "%3A");
    assert!(
        page.contains(&format!("href=\"./../runs/{id}/index.html\"")),
        "{id}"
    );
    assert!(!page.contains(&folder.path().display().to_string()));
}

#[test]
fn the_verdicts_of_these_nights_are_what_they_were_made_for() {
    let history = everything();
    let verdict = |id: &str| {
        let cell = history.hosts[0]
            .cells
            .iter()
            .find(|cell| cell.id == id)
            .expect(id);
        cell.verdict
    };
    assert_eq!(verdict("fork/64MiB"), Verdict::Regressed);
    assert_eq!(verdict("fork/1GiB"), Verdict::Regressed);
    assert_eq!(verdict("vfork/0"), Verdict::Improved);
    // It went up and came back.
    assert_eq!(verdict("thread/0"), Verdict::Improved);
    assert_eq!(verdict("posix_spawn/0"), Verdict::Inconclusive);
    assert_eq!(verdict("fork/0"), Verdict::Unchanged);
    assert!(
        history.hosts[1]
            .cells
            .iter()
            .all(|cell| cell.changes.is_empty())
    );
}
