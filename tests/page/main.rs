//! What the page, its charts and the tables promise, held to runs drawn from a seed.

mod broken;
mod costs;
mod large;
mod markup;
#[allow(dead_code)]
#[path = "../simulation/parents.rs"]
mod parents;
mod recorded;
mod servers;
mod tables;
mod writes;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use broken::{absurd, hostile};
use forkbench::mechanism::Phase;
use forkbench::recording::{Placement, Recorded, Status};
use forkbench::report;
use markup::{assert_harmless, assert_sound, attribute, tags};
use recorded::Builder;

/// A full run, its page and its charts, drawn once for all tests.
fn full() -> &'static (Recorded, String, Vec<report::ChartFile>) {
    static FULL: OnceLock<(Recorded, String, Vec<report::ChartFile>)> = OnceLock::new();
    FULL.get_or_init(|| {
        let recorded = recorded::full(7);
        let page = report::page(&recorded).expect("the page is drawn");
        let charts = report::charts(&recorded).expect("the charts are drawn");
        (recorded, page, charts)
    })
}

fn chart(name: &str) -> &'static str {
    let found = full().2.iter().find(|chart| chart.name == name);
    &found
        .unwrap_or_else(|| panic!("no chart is called {name}"))
        .svg
}

/// Sets a cell's `call` to exactly this median.
fn set_call(builder: &mut Builder, mechanism: &str, footprint: &str, p50: u64) {
    builder.iterations = 40;
    let costs = [(Phase::Call, p50 as f64)];
    let cell = builder.measured(mechanism, footprint, Placement::Pinned, &costs, 0.0);
    let summary = cell
        .phases
        .get_mut(&Phase::Call)
        .expect("it was just measured");
    summary.p50 = Some(p50);
}

fn headline(cells: &[(&str, &str, u64)]) -> Option<String> {
    let mut builder = Builder::new(1);
    for (mechanism, footprint, p50) in cells {
        set_call(&mut builder, mechanism, footprint, *p50);
    }
    report::headline(&builder.recorded.run)
}

#[test]
fn the_headline_answers_what_the_run_can_answer() {
    let sentence =
        "A 1 GiB parent stands still 13.7 ms per fork, 91.0 µs with posix_spawn: 150 times";
    let cells = [
        ("fork", "0", 40_000),
        ("fork", "1GiB", 13_700_000),
        ("posix_spawn", "1GiB", 91_000),
        ("fork", "4GiB", 55_600_000),
        ("posix_spawn", "4GiB", 91_000),
    ];
    assert_eq!(headline(&cells).as_deref(), Some(sentence));

    // A parent that works rewrites its pages: where both were measured so, that is the answer.
    let mut rewritten = cells.to_vec();
    rewritten.push(("fork", "1GiB+rewritten", 16_800_000));
    assert_eq!(headline(&rewritten).as_deref(), Some(sentence));
    rewritten.push(("posix_spawn", "1GiB+rewritten", 92_000));
    let found = headline(&rewritten).expect("it has an answer");
    assert!(
        found.starts_with("A 1 GiB parent (rewritten) stands still 16.8 ms per fork"),
        "{found}"
    );

    let found = headline(&[
        ("thread", "0", 7_000),
        ("clone3", "0", 42_000),
        ("null", "0", 30),
    ]);
    let sentence = "A bare parent stands still 42.0 µs per clone3, 7.00 µs with thread: 6.0 times";
    assert_eq!(found.as_deref(), Some(sentence));

    let found = headline(&[("fork", "0", 40_000), ("fork", "1GiB", 13_700_000)]);
    let sentence = "fork takes 13.7 ms from a 1 GiB parent, 40.0 µs from a bare parent: 340 times";
    assert_eq!(found.as_deref(), Some(sentence));
    assert_eq!(headline(&[]), None);
}

#[test]
fn every_cell_has_a_link_target_of_its_own_and_its_command() {
    let (recorded, page, _) = full();
    let mut ids = BTreeSet::new();
    for (_, tag) in tags(page) {
        if let Some(id) = attribute(tag, "id") {
            assert!(ids.insert(id), "{id} stands twice");
        }
    }
    for cell in &recorded.run.cells {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "_.".contains(c) {
                c
            } else {
                '-'
            }
        };
        let target = format!("cell-{}", cell.id.chars().map(plain).collect::<String>());
        assert!(ids.contains(target.as_str()), "{target}");
        let command = format!("forkbench run '{}'", cell.id);
        let escaped = command.replace('\'', "&#x27;").replace('/', "&#x2f;");
        assert!(page.contains(&escaped), "{escaped}");
    }
    for (_, tag) in tags(page) {
        if let Some(target) = attribute(tag, "href").and_then(|href| href.strip_prefix('#')) {
            assert!(ids.contains(target), "nothing is called {target}");
        }
    }
}

#[test]
fn every_histogram_holds_its_samples() {
    let (recorded, page, charts) = full();
    let histograms: Vec<_> = charts
        .iter()
        .filter(|c| c.name.starts_with("histogram-"))
        .collect();
    assert_eq!(histograms.len(), recorded.histograms.len());
    for chart in histograms {
        let bars = tags(&chart.svg)
            .iter()
            .filter(|(name, _)| name == "rect")
            .count();
        assert!(bars > 12, "{} has {bars} bars", chart.name);
        assert!(
            chart.svg.len() <= 5 * 1024,
            "{} has {} bytes",
            chart.name,
            chart.svg.len()
        );
    }
    // The bins' counts are all of the samples of call and reap.
    let article = page
        .split("id=\"cell-fork-64MiB\"")
        .nth(1)
        .expect("the cell is there");
    let bins = article.split("The histogram").nth(1).expect("it has bins");
    let bins = bins.split("</table>").next().expect("the table ends");
    let counts = bins.split("<td>").skip(1);
    let sum: u64 = counts
        .filter_map(|text| text.split('<').next()?.parse::<u64>().ok())
        .sum();
    let cell = &recorded.histograms["fork/64MiB"];
    assert_eq!(sum, cell[&Phase::Call].count() + cell[&Phase::Reap].count());
}

#[test]
fn the_footprint_chart_holds_every_point() {
    let (recorded, _, _) = full();
    let svg = chart("footprint-call");
    let sizes = recorded.run.cells.iter().filter(|cell| {
        cell.mechanism == "fork"
            && cell.placement == Placement::Pinned
            && cell.footprint.to_string() == forkbench::units::exact_size(cell.footprint.bytes)
    });
    // fork is the one line there whose marker is a circle.
    let points = tags(svg)
        .iter()
        .filter(|(name, _)| name == "circle")
        .count();
    assert_eq!(
        points,
        sizes.filter(|cell| cell.status == Status::Ok).count()
    );
    for label in [
        "fork",
        "vfork",
        "posix_spawn",
        "thread",
        "ms/GiB",
        "64 MiB",
        "4 GiB",
    ] {
        assert!(svg.contains(label), "{label}");
    }
    for name in [
        "footprint-reap",
        "kinds-1",
        "phases-smallest",
        "life-1",
        "placement-start",
    ] {
        assert!(tags(chart(name)).len() > 30, "{name}");
    }
    let life = chart("life-1");
    for text in [
        "pid 4242",
        "pid 4711",
        "returns 4711",
        "returns 0",
        "reaped: nothing is left",
    ] {
        assert!(life.contains(text), "{text}");
    }
}

#[test]
fn a_life_tells_page_tables_faults_and_switches_where_the_run_has_them() {
    let told = "was given 92.0 KiB of page tables. The parent took 3 page faults in the call and 3 in all, and \
                had 1 voluntary and 0 involuntary switches.";
    let (recorded, page, _) = full();
    assert_eq!(page.matches(told).count(), 3);
    let mut recorded = recorded.clone();
    for life in &mut recorded.run.lives {
        (life.copied_tables, life.parent_call) = (None, None);
    }
    let page = report::page(&recorded).unwrap();
    assert!(!page.contains("page tables.") && !page.contains("involuntary switches."));
    assert!(page.contains("minor page faults."));
}

#[test]
fn nothing_is_drawn_beside_the_sheet_or_too_small() {
    let (_, page, charts) = full();
    for chart in charts {
        assert_sound(&chart.name, &chart.svg);
    }
    let inlined = page.split("<svg ").skip(1);
    for (index, svg) in inlined.enumerate() {
        let svg = svg.split("</svg>").next().expect("it ends");
        assert_sound(
            &format!("chart {index} of the page"),
            &format!("<svg {svg}</svg>"),
        );
    }
}

#[test]
fn hostile_text_stays_text() {
    let recorded = hostile();
    let page = report::page(&recorded).unwrap();
    assert_harmless(&page);
    assert_eq!(
        tags(&page)
            .iter()
            .filter(|(name, _)| name == "script")
            .count(),
        2,
        "one, and its end"
    );
    assert!(page.contains("{{ 7 * 7 }}"), "a run's text is no template");
    for chart in report::charts(&recorded).unwrap() {
        assert_harmless(&chart.svg);
        assert_sound(&chart.name, &chart.svg);
        let safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        assert!(
            chart.name.chars().all(safe) && chart.name.len() < 128,
            "{}",
            chart.name
        );
    }
    let table = report::table(&recorded.run, Some(80), false);
    assert!(!table.contains('\u{1b}') && !table.contains('\u{202e}'));
    let markdown = report::markdown(&recorded.run);
    // Between backquotes stands the command, which Markdown shows as it is.
    let text: String = markdown.split('`').step_by(2).collect();
    assert!(
        !text.contains("<img") && !text.contains("<script"),
        "{markdown}"
    );
}

#[test]
fn the_page_asks_nobody_for_anything() {
    let (_, page, _) = full();
    assert_harmless(page);
    let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!elsewhere.contains("http:") && !elsewhere.contains("https:"));
    assert!(
        elsewhere
            .split("url(")
            .skip(1)
            .all(|rest| rest.starts_with("data:"))
    );
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn the_policy_names_the_script() {
    let (_, page, _) = full();
    let script = page
        .split("<script>")
        .nth(1)
        .and_then(|rest| rest.split("</script>").next());
    let mut child = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("coreutils are there");
    let mut input = child.stdin.take().expect("it was piped");
    input
        .write_all(script.expect("the page has a script").as_bytes())
        .unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let hex = String::from_utf8(output.stdout).unwrap();
    let bytes: Vec<u8> = (0..32)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
        .collect();
    let policy = format!("script-src 'sha256-{}'", BASE64.encode(bytes));
    assert!(
        page.contains(&policy),
        "write this into src/report/assets/page.js.sha256: {policy}"
    );
}

#[test]
fn a_choice_works_without_a_script() {
    let (_, page, _) = full();
    let tags = tags(page);
    let inputs: Vec<&str> = tags
        .iter()
        .filter(|(n, _)| n == "input")
        .map(|(_, t)| *t)
        .collect();
    assert!(inputs.len() > 6);
    for tag in &inputs {
        let id = attribute(tag, "id").expect("a choice has a name");
        assert!(page.contains(&format!("#{id}:checked~.panels>#")), "{id}");
        assert!(
            tags.iter()
                .any(|(_, label)| attribute(label, "for") == Some(id)),
            "{id}"
        );
    }
    let groups: BTreeSet<_> = inputs
        .iter()
        .filter_map(|tag| attribute(tag, "name"))
        .collect();
    let chosen = inputs.iter().filter(|tag| tag.contains(" checked")).count();
    assert_eq!(chosen, groups.len(), "one choice of each group is made");
    assert!(page.contains("label for=\"rank-5\">1 GiB<"));
    let sortable = tags
        .iter()
        .filter(|(_, tag)| attribute(tag, "aria-sort").is_some())
        .count();
    assert_eq!(
        sortable,
        tags.iter()
            .filter(|(_, tag)| tag.starts_with("<button"))
            .count()
    );
}

#[test]
fn what_was_not_measured_stands_where_it_belongs() {
    let (recorded, page, _) = full();
    for id in ["fork/1GiB+hugetlb", "command/1GiB"] {
        let cell = recorded
            .run
            .cells
            .iter()
            .find(|cell| cell.id == id)
            .expect("it is in the run");
        let reason = cell.reason.as_deref().expect("it has one");
        let remedy = reason.rsplit(':').next().expect("a text has a last part");
        // In the ranking or the chart of its kind, in its own place, and in the table.
        let written = remedy.replace('/', "&#x2f;").replace('\'', "&#x27;");
        assert!(page.matches(&written).count() >= 3, "{remedy}");
        let table = report::table(&recorded.run, Some(100), false);
        let words: Vec<&str> = table.split_whitespace().collect();
        assert!(words.join(" ").contains(remedy.trim()), "{remedy}");
    }
}

#[test]
fn files_are_written_whole_and_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(17);
    builder.iterations = 30;
    for footprint in ["0", "1GiB"] {
        builder.measured(
            "fork",
            footprint,
            Placement::Pinned,
            &[(Phase::Call, 5e4)],
            0.0,
        );
    }
    let path = report::write(dir.path(), &builder.recorded).unwrap();
    assert_eq!(report::write(dir.path(), &builder.recorded).unwrap(), path);
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        report::page(&builder.recorded).unwrap()
    );
    let mut names: Vec<String> = std::fs::read_dir(dir.path().join("charts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "footprint-call.png",
        "footprint-call.svg",
        "histogram-cell-fork-0.svg",
        "histogram-cell-fork-1GiB.svg",
        "percentiles-cell-fork-0.svg",
        "percentiles-cell-fork-1GiB.svg",
    ];
    assert_eq!(names, expected);
    let png = std::fs::read(dir.path().join("charts/footprint-call.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > 2_000);

    let error = report::write(&path.join("below"), &builder.recorded).unwrap_err();
    assert!(error.to_string().contains("below"), "{error}");
}

#[test]
fn a_ranking_with_one_alone_far_longer_shows_places_instead_of_bars() {
    for (slow, share, scale) in [
        (1_200_000, "width:8.33%", None),
        (60_000_000, "width:92.61%", Some("from 100 µs to 100 ms")),
    ] {
        let mut builder = Builder::new(3);
        set_call(&mut builder, "null", "0", 30);
        set_call(&mut builder, "vfork", "0", 100_000);
        set_call(&mut builder, "thread", "0", 130_000);
        set_call(&mut builder, "posix_spawn", "0", 150_000);
        set_call(&mut builder, "fork", "0", slow);
        let page = report::page(&builder.recorded).unwrap();
        let (_, ranked) = page.split_once("id=\"ranked\"").unwrap();
        let (ranked, _) = ranked.split_once("</section>").unwrap();
        assert!(ranked.contains(share), "{ranked}");
        assert_eq!(ranked.contains("class=\"bar place "), scale.is_some());
        assert_eq!(ranked.contains("logarithmic"), scale.is_some());
        assert!(scale.is_none_or(|words| ranked.contains(words)), "{ranked}");
    }
}
