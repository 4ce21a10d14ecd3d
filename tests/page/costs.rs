//! Where the time goes and what would change it, held to runs whose costs are known.

use std::collections::BTreeMap;

use forkbench::model::Shape;
use forkbench::recording::{Recorded, Run};
use forkbench::report;

use super::markup::{assert_harmless, assert_sound, tags};
use super::parents::{PARENTS, run, sum};

fn recorded(run: Run) -> Recorded {
    Recorded {
        run,
        histograms: BTreeMap::new(),
        trial_histograms: BTreeMap::new(),
        problems: Vec::new(),
    }
}

/// A run without noise.
fn made(parents: &[&str]) -> Run {
    run(parents, 3, 0.0, 1, |_, shape| sum(shape))
}

/// The table without its line breaks.
fn table(run: &Run) -> String {
    let table = report::table(run, Some(100), false);
    table.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_costs_are_those_of_the_run_and_their_gibibytes_are_sums() {
    let run = made(&PARENTS);
    let text = table(&run);
    for line in [
        "the call itself 13.0 µs",
        // 90 ns for each of 262,144 pages; 1,200 for each of 512.
        "4 KiB page, in order 90.0 ns 23.6",
        "4 KiB page, scattered 130 ns 34.1",
        "huge page of 2 MiB 1.20 µs 0.61",
        "VMA 1.10 µs",
        "open descriptor 5.0 ns",
        "Rewritten: the sums come within 0.0 % of all 16 cells.",
        "one cell alone tells the cost of 4 KiB page, nearby, VMA kept from child, open descriptor, idle thread and running thread",
        "no cell tells what a page costs fork in state hot; measure fork/1GiB",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let page = report::page(&recorded(run.clone())).unwrap();
    assert_harmless(&page);
    assert!(page.contains("23.6 ms/GiB") && page.contains("href=\"#costs\""));
    let charts = report::charts(&recorded(run)).unwrap();
    let chart = charts.iter().find(|chart| chart.name == "parts").unwrap();
    assert_sound("parts", &chart.svg);
    // Four parents of 1 GiB: each a bar of at least its pages, and a tick.
    for text in ["thp rewritten", "shuffled window=64 rewritten", "34.1 ms"] {
        assert!(chart.svg.contains(text), "{text}");
    }
    let bars = tags(&chart.svg)
        .iter()
        .filter(|(name, _)| name == "rect")
        .count();
    assert!(bars >= 8, "{bars}");
}

#[test]
fn costs_that_do_not_add_up_are_said_to() {
    let off = |name: &str, shape: &Shape| match name == "256MiB+rewritten" {
        true => 1.5 * sum(shape),
        false => sum(shape),
    };
    let text = table(&run(&PARENTS, 3, 0.0, 1, off));
    assert!(
        text.contains("Rewritten: costs do not add up to fork/256MiB+rewritten ("),
        "{text}"
    );
    assert!(
        text.contains("% too low)") && text.contains("Don't rely on them"),
        "{text}"
    );
    assert!(!text.contains("the sums come within"), "{text}");
}

#[test]
fn what_would_change_it_is_what_was_measured() {
    let text = table(&made(&PARENTS));
    // The largest parent in order: 23.6 ms. With huge pages 0.04 and 0.61 ms.
    for line in [
        "transparent huge pages: fork/1GiB+thp+rewritten 658 µs instead of fork/1GiB+rewritten 23.6 ms, \
         saves 23.0 ms (97 %)",
        "fewer VMAs: fork/0 42.7 µs instead of fork/0+vmas=2000 2.42 ms, saves 2.38 ms (98 %)",
        "posix_spawn (posix_spawn/1GiB)",
        "MADV_DONTFORK (fork/1GiB+dontfork)",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // A parent that fork does not copy stands for itself whatever its state.
    assert!(
        text.contains("a shared mapping: fork/1GiB+shared 43.8 µs instead of fork/1GiB+rewritten"),
        "{text}"
    );
    assert!(
        !text.contains("posix_spawn:") && !text.contains("vfork:"),
        "{text}"
    );

    let huge_costs_as_much = |name: &str, shape: &Shape| match name.contains("thp") {
        true => 23.6e6,
        false => sum(shape),
    };
    let text = table(&run(
        &["0", "1GiB+rewritten", "1GiB+thp+rewritten"],
        5,
        0.05,
        1,
        huge_costs_as_much,
    ));
    assert!(
        text.contains("saves no more than trials differ by"),
        "{text}"
    );
}

#[test]
fn runs_that_tell_nothing_of_it_say_so_or_nothing() {
    for parents in [&["0"][..], &["0", "1GiB+shared"], &[]] {
        let run = made(parents);
        assert!(!table(&run).contains("Where the time goes"), "{parents:?}");
        let page = report::page(&recorded(run)).unwrap();
        assert!(!page.contains("id=\"costs\"") && !page.contains("id=\"savings\""));
    }
    let text = table(&made(&["64MiB+rewritten", "1GiB+rewritten"]));
    assert!(
        text.contains(
            "Not told: no cell tells what fork costs without memory to copy; measure fork/0."
        ),
        "{text}"
    );
}
