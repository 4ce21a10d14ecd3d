//! First writes after a fork: their section, and runs of nothing else.

use super::*;

/// Adds a cell of first writes that cost about this many nanoseconds each.
fn add_writes(builder: &mut Builder, mechanism: &str, footprint: &str, costs: [f64; 4]) {
    let costs: Vec<(Phase, f64)> = Phase::WRITES.into_iter().zip(costs).collect();
    let cell = builder.measured(mechanism, footprint, Placement::Pinned, &costs, 0.01);
    for trial in &mut cell.trials {
        let count = |phase| trial.phases[&phase].quantiles.count;
        let writes = count(Phase::FirstPass) + count(Phase::SecondPass);
        trial.host.copied_bytes = Some(writes * 4096);
    }
    for (phase, ns) in costs {
        cell.phases.get_mut(&phase).unwrap().p50 = Some(ns as u64);
    }
}

#[test]
fn first_writes_have_a_section_of_their_own_and_stand_in_no_other() {
    let mut builder = Builder::new(3);
    set_call(&mut builder, "fork", "256MiB", 4_000_000);
    set_call(&mut builder, "posix_spawn", "256MiB", 90_000);
    let without = report::page(&builder.recorded).unwrap();
    let title = "What the first write after a fork costs";
    assert!(!without.contains(title) && !without.contains("second-pass"));
    let headline = report::headline(&builder.recorded.run);
    add_writes(
        &mut builder,
        "cow-child",
        "256MiB+thp",
        [20.0, 14e3, 14e3, 700.0],
    );
    add_writes(
        &mut builder,
        "cow-parent",
        "256MiB",
        [20.0, 2_300.0, 1_900.0, 700.0],
    );
    builder.missing(
        "cow-parent",
        "256MiB+busy=1",
        Status::Failed,
        "no second CPU",
    );
    let run = &builder.recorded.run;
    let page = report::page(&builder.recorded).unwrap();
    let sentence = "While a forked child lives, the parent&#x27;s first write to a page takes 1.90 µs \
                    instead of 20 ns: 4 KiB are copied; once the child is gone, 0.70 µs.";
    assert!(page.contains(title) && page.contains(sentence), "{page}");
    // The answer, the ranking and the life of a child are of children alone.
    assert_eq!(report::headline(run), headline);
    let ranked = &page[page.find("id=\"ranked\"").unwrap()..page.find("id=\"writes\"").unwrap()];
    assert!(ranked.contains("posix_spawn") && !ranked.contains("cow-"));
    let charts = report::charts(&builder.recorded).unwrap();
    for chart in &charts {
        let of_writes = chart.name == "copies" || chart.name.contains("cell-cow-");
        assert_eq!(chart.svg.contains("cow-"), of_writes, "{}", chart.name);
    }
    let copies = charts.iter().find(|chart| chart.name == "copies").unwrap();
    assert_sound(&copies.name, &copies.svg);
    for phase in Phase::WRITES {
        assert!(copies.svg.contains(&format!(">{}<", phase.name())));
    }
    let numbers = "<td>second-pass</td>";
    assert!(page.contains(numbers) && page.contains("<td>4 KiB</td>"));
    for table in [report::table(run, Some(100), false), report::markdown(run)] {
        let (children, writes) = table.split_once(title).unwrap();
        assert!(!children.contains("cow-"), "{table}");
        for word in ["1.90 µs", "14.0 µs", "4 KiB", "no second CPU"] {
            assert!(writes.contains(word), "no {word}: {table}");
        }
    }
    for width in [40, 60, 80, 100] {
        let table = report::table(run, Some(width), false);
        let longest = table.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(width), "{width}: {table}");
    }
}

#[test]
fn a_run_of_first_writes_alone_is_answered_by_them() {
    let mut builder = Builder::new(4);
    add_writes(
        &mut builder,
        "cow-child",
        "64MiB+shuffled",
        [20.0, 2e3, 2e3, 900.0],
    );
    let sentence = report::headline(&builder.recorded.run).unwrap();
    let begin = "While a forked child lives, its first write to a page (shuffled) takes 2.00 µs";
    assert!(sentence.starts_with(begin), "{sentence}");
    let page = report::page(&builder.recorded).unwrap();
    assert!(page.contains("Median of the phase <code>second-pass</code>"));
    assert!(!page.contains("id=\"ranked\"") && !page.contains("id=\"life\""));
}
