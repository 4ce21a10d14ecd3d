//! Servers: the curve of each, its knee, and where they stand.

use forkbench::mechanism::Phase;
use forkbench::recording::{Placement, Requests, Status, is_held};
use forkbench::report;

use super::markup::{assert_harmless, assert_sound};
use super::recorded::Builder;

/// Adds a server at a rate, with a response of about so many nanoseconds; `lost` of its requests got no answer.
fn add(builder: &mut Builder, server: &str, footprint: &str, rate: u32, response: f64, lost: u64) {
    let costs = [
        (Phase::Response, response),
        (Phase::Service, response * 0.95),
    ];
    let cell = builder.measured(server, footprint, Placement::Pinned, &costs, 0.01);
    let old = cell.id.clone();
    if rate != 50 {
        cell.rate = Some(rate);
        cell.id = format!("{old}@rate={rate}");
    }
    let id = cell.id.clone();
    for trial in &mut cell.trials {
        let due = trial.phases[&Phase::Response].quantiles.count;
        trial.requests = Some(Requests {
            rate,
            due,
            answered: due - lost,
            unanswered: lost,
            early: Some(response as u64),
            slow: if response >= 10e6 { 400 } else { 0 },
            late: Some(response as u64 * if lost > 0 { 7 } else { 1 }),
            ..Requests::default()
        });
    }
    if let Some(samples) = builder.recorded.histograms.remove(&old) {
        builder.recorded.histograms.insert(id, samples);
    }
}

/// Two servers of which one holds more.
fn servers() -> Builder {
    let mut builder = Builder::new(5);
    for (server, held) in [("server:fork", 200), ("server:prefork", 3_200)] {
        for rate in [50, 200, 800, 3_200, 12_800] {
            let (response, lost) = match rate > held {
                true => (80e6, 40),
                false => (400e3, 0),
            };
            add(&mut builder, server, "256MiB", rate, response, lost);
        }
    }
    builder
}

#[test]
fn pauses_of_the_host_lose_no_rate() {
    let held = |slow: &[u64], unanswered: u64| {
        let mut builder = Builder::new(5);
        builder.trials = slow.len() as u32;
        add(&mut builder, "server:prefork", "0", 200, 400e3, 0);
        let cell = &mut builder.recorded.run.cells[0];
        for (trial, slow) in cell.trials.iter_mut().zip(slow) {
            let requests = trial.requests.as_mut().unwrap();
            (requests.due, requests.slow, requests.unanswered) = (334, *slow, unanswered);
        }
        is_held(cell)
    };
    assert_eq!(held(&[3, 40, 4], 0), Some(true));
    assert_eq!(held(&[4, 40, 5], 0), Some(false));
    assert_eq!(held(&[0, 0, 0], 1), Some(false));
    assert_eq!(held(&[], 0), None);
}

/// The page as it is read: a slash is escaped in it.
fn page(builder: &Builder) -> String {
    let page = report::page(&builder.recorded).unwrap();
    assert_harmless(&page);
    page.replace("&#x2f;", "/")
}

#[test]
fn marks_and_columns_are_explained_where_they_stand() {
    let mut builder = servers();
    let table = |builder: &Builder, width| report::table(&builder.recorded.run, width, false);
    assert!(!table(&builder, Some(80)).contains("\n* The trials"));
    // The service is shown where there is room.
    assert!(!table(&builder, Some(80)).contains("Service:"));
    assert!(table(&builder, Some(100)).contains("Service:"));
    let cell = &mut builder.recorded.run.cells[0];
    let response = cell.phases.get_mut(&Phase::Response).unwrap();
    response.trials_disagree = true;
    assert!(table(&builder, Some(80)).contains("\n* The trials"));
    let markdown = report::markdown(&builder.recorded.run);
    assert!(
        markdown.contains("s\\* |") && markdown.contains("\n\\* The trials"),
        "{markdown}"
    );
}

#[test]
fn a_rate_that_was_not_held_is_no_boast() {
    for (response, lost, words) in [
        (
            400e3,
            0,
            "server:prefork is asked 200 requests in a second; half of them are answered within",
        ),
        (
            80e6,
            40,
            "server:prefork does not hold 200 requests in a second; half of them",
        ),
    ] {
        let mut builder = Builder::new(5);
        add(&mut builder, "server:prefork", "0", 200, response, lost);
        let headline = report::headline(&builder.recorded.run).unwrap();
        assert!(headline.starts_with(words), "{headline}");
    }
}

#[test]
fn servers_have_a_section_with_their_knees() {
    let mut builder = servers();
    let sentence = "From a parent of 256 MiB, a server that forks for each request holds 200/s, and server:prefork holds \
                    3,200/s, with a p99 below 10.0 ms";
    let headline = report::headline(&builder.recorded.run);
    assert_eq!(headline.as_deref(), Some(sentence));
    let drawn = page(&builder);
    for word in [
        "id=\"servers\"",
        "id=\"servers-1\"",
        "requests in a second",
        "server:fork/256MiB@rate=800",
        sentence,
    ] {
        assert!(drawn.contains(word), "no `{word}` in the page");
    }
    // They start children, and are no way to start one.
    assert!(!drawn.contains("id=\"ranked\"") && !drawn.contains("id=\"footprint\""));
    let table = report::table(&builder.recorded.run, Some(100), false);
    let knees: Vec<&str> = table
        .lines()
        .filter(|line| line.ends_with("knee"))
        .collect();
    assert_eq!(knees.len(), 2, "{table}");
    assert!(
        knees[0].starts_with("server:prefork/256MiB@rate=3200"),
        "{table}"
    );
    assert!(
        knees[1].starts_with("server:fork/256MiB@rate=200"),
        "{table}"
    );
    let lost = table
        .lines()
        .find(|line| line.starts_with("server:fork/256MiB@rate=800"));
    assert!(
        lost.unwrap().contains("7.0") && lost.unwrap().ends_with("no"),
        "{table}"
    );
    let markdown = report::markdown(&builder.recorded.run);
    assert!(
        markdown.contains("| server:fork/256MiB\\@rate=200 |"),
        "{markdown}"
    );
    let charts = report::charts(&builder.recorded).unwrap();
    let chart = charts
        .iter()
        .find(|chart| chart.name == "servers-1")
        .unwrap();
    assert_sound(&chart.name, &chart.svg);
    assert!(chart.svg.contains("3,200/s") && chart.svg.contains("server:fork"));

    // Beside children they stand in no other section, and the question is another.
    for (name, ns) in [("fork", 4e6), ("posix_spawn", 9e4)] {
        builder.measured(
            name,
            "256MiB",
            Placement::Pinned,
            &[(Phase::Call, ns)],
            0.01,
        );
    }
    let both = report::headline(&builder.recorded.run).unwrap();
    assert!(
        both.contains("stands still") && !both.contains("server"),
        "{both}"
    );
    assert!(page(&builder).contains(sentence));
}

#[test]
fn a_server_that_failed_stands_with_its_reason() {
    let mut builder = servers();
    let reason = "none of 1000 requests was answered";
    builder.missing("server:thread", "256MiB", Status::Failed, reason);
    for text in [
        page(&builder),
        report::table(&builder.recorded.run, Some(120), false),
        report::markdown(&builder.recorded.run),
    ] {
        assert!(
            text.contains("server:thread/256MiB") && text.contains(reason),
            "{text}"
        );
    }
    let without = page(&Builder::new(1));
    assert!(!without.contains("id=\"servers\""));
}
