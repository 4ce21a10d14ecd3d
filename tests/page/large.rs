//! Runs with figures and sizes that nobody expects.

use super::*;

#[test]
fn absurd_numbers_are_drawn_all_the_same() {
    let recorded = absurd();
    let page = report::page(&recorded).unwrap();
    assert!(
        !page.contains("NaN") && !page.contains("inf "),
        "a number that is none"
    );
    for chart in report::charts(&recorded).unwrap() {
        assert_sound(&chart.name, &chart.svg);
    }
    for line in report::table(&recorded.run, Some(80), false).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    report::markdown(&recorded.run);
}

#[test]
fn two_hundred_cells_stay_below_three_megabytes() {
    let mut builder = Builder::new(11);
    (builder.iterations, builder.trials) = (3_334, 3);
    let costs = [
        (Phase::Call, 4e4),
        (Phase::Start, 6e4),
        (Phase::Exec, 8e4),
        (Phase::Reap, 1.1e5),
    ];
    builder.measured("command-fork", "64MiB", Placement::Pinned, &costs, 0.1);
    let mut recorded = builder.recorded;
    let (cell, samples) = (
        recorded.run.cells[0].clone(),
        recorded.histograms["command-fork/64MiB"].clone(),
    );
    for number in 1..200u32 {
        let mut next = cell.clone();
        next.footprint.bytes += u64::from(number) << 20;
        next.id = format!("{}/{}", next.mechanism, next.footprint);
        recorded.histograms.insert(next.id.clone(), samples.clone());
        recorded.run.cells.push(next);
    }
    let page = report::page(&recorded).unwrap();
    assert_eq!(page.matches("<article ").count(), 200);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}

#[test]
fn thousands_of_cells_and_names_that_stand_twice_are_drawn() {
    let mut builder = Builder::new(13);
    (builder.iterations, builder.trials) = (20, 1);
    builder.measured(
        "fork",
        "1GiB",
        Placement::Pinned,
        &[(Phase::Call, 1e6)],
        0.0,
    );
    let mut recorded = builder.recorded;
    recorded.histograms.clear();
    let cell = recorded.run.cells[0].clone();
    recorded.run.cells = vec![cell; 3_000];
    let page = report::page(&recorded).unwrap();
    let ids: Vec<&str> = tags(&page)
        .iter()
        .filter_map(|(_, tag)| attribute(tag, "id"))
        .collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len());
    assert!(page.matches("<article ").count() == 3_000);
}
