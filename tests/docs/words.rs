//! The words of the code stand in the glossary, and the protocol's keys in its description.

use std::collections::BTreeSet;

use forkbench::channel::CHANNELS;
use forkbench::footprint::{Footprint, Mapping, Order, Page, Receipt, State, Touch};
use forkbench::load::Outcome;
use forkbench::mechanism::{MECHANISMS, Phase, Spent};
use forkbench::protocol::{Answer, Batch, Observed, Replied, TimedSample};
use forkbench::recording::{Placement, Requests, Severity, Status, TrialHost};
use forkbench::server::{MODELS, Served, Steps};
use serde_json::Value;

use super::{code_spans, read};

/// The words of a text that stand in backticks.
fn words_of(text: &str) -> BTreeSet<String> {
    let spans = code_spans(&read(text));
    let words = spans.iter().flat_map(|span| span.split(' '));
    words.map(str::to_owned).collect()
}

fn fields(value: impl serde::Serialize) -> Vec<String> {
    match serde_json::to_value(value).expect("plain data") {
        Value::Object(object) => object.keys().cloned().collect(),
        Value::String(word) => vec![word],
        other => panic!("{other} is neither an object nor a word"),
    }
}

fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<String> {
    all.iter().map(|&value| name(value).to_owned()).collect()
}

#[test]
fn the_glossary_has_every_word_of_the_code() {
    let mut wanted = Vec::new();
    wanted.extend(names(&Phase::ALL, Phase::name));
    wanted.extend(names(&Outcome::ALL, Outcome::name));
    wanted.extend(MODELS.iter().map(|model| model.name.to_owned()));
    wanted.extend(fields(Requests::default()));
    wanted.extend(MECHANISMS.iter().map(|mechanism| mechanism.name.to_owned()));
    wanted.extend(fields(Footprint::default()).into_iter().filter(|field| {
        // The axes that are words are named by their values.
        !["bytes", "page", "mapping", "touch", "order", "state"].contains(&field.as_str())
    }));
    wanted.extend(names(Page::ALL, Page::name));
    wanted.extend(names(Mapping::ALL, Mapping::name));
    wanted.extend(names(Touch::ALL, Touch::name));
    wanted.extend(names(Order::ALL, Order::name));
    wanted.extend(names(State::ALL, State::name));
    wanted.extend(fields(Receipt::default()));
    wanted.extend(fields(TrialHost::default()));
    for status in [Status::Ok, Status::Skipped, Status::Failed] {
        wanted.extend(fields(status));
    }
    wanted.extend(CHANNELS.iter().map(|channel| channel.name.to_owned()));
    for placement in Placement::ALL {
        wanted.extend(fields(placement));
    }
    for severity in [
        Severity::Fine,
        Severity::Note,
        Severity::Warning,
        Severity::Refused,
    ] {
        wanted.extend(fields(severity));
    }
    wanted.extend(["@free", "@two", "@rate=", "@exec="].map(str::to_owned));
    let there = words_of("docs/GLOSSARY.md");
    let missing: Vec<&String> = wanted
        .iter()
        .filter(|word| !there.contains(*word))
        .collect();
    assert!(missing.is_empty(), "the glossary lacks {missing:?}");
    assert!(
        wanted.len() > 70,
        "only {} words were looked for",
        wanted.len()
    );
}

#[test]
fn methodology_names_every_channel() {
    let text = read("docs/METHODOLOGY.md");
    for channel in CHANNELS {
        let row = format!("| `{}` |", channel.name);
        assert!(text.lines().any(|line| line.starts_with(&row)), "{row}");
    }
}

#[test]
fn methodology_names_every_mechanism_with_its_phases() {
    let text = read("docs/METHODOLOGY.md");
    for mechanism in MECHANISMS {
        let phases: Vec<&str> = mechanism.phases.iter().map(|phase| phase.name()).collect();
        let begins = format!("| `{}` |", mechanism.name);
        let ends = format!("| {} |", phases.join(" "));
        let is_row = |line: &str| line.starts_with(&begins) && line.ends_with(&ends);
        assert!(text.lines().any(is_row), "{begins} … {ends}");
    }
}

/// Every key of a line, with everything known.
fn keys(answer: &Answer) -> Vec<String> {
    let line = answer.to_line();
    let pairs = line.split(' ').skip(1);
    pairs
        .filter_map(|pair| pair.split_once('=').map(|(key, _)| key.to_owned()))
        .collect()
}

#[test]
fn the_protocols_description_has_every_key_of_the_answers() {
    let n = Some(1);
    let receipt = Receipt {
        rss: n,
        thp: n,
        hugetlb: n,
        present: n,
        vm_flags: Some("rd".into()),
        page_tables: n,
        process_rss: n,
        vmas: n,
        vmas_added: n,
        threads: n,
        busy: n,
        fds: n,
        fds_added: n,
        adjacency: Some(1.0),
        nearness: Some(1.0),
        within_8: Some(1.0),
        within_512: Some(1.0),
        density: Some(1.0),
        fill_ns: n,
        soaked: n,
        unverified: vec!["order".into()],
        ..Receipt::default()
    };
    let batch = Batch {
        gap: n,
        minor_faults: n,
        major_faults: n,
        voluntary_switches: n,
        involuntary_switches: n,
        ..Batch::default()
    };
    let spent = Some(Spent {
        waited_ns: n,
        ..Spent::default()
    });
    let life = Observed {
        child_returned: Some(1),
        child_pid: Some(1),
        child_parent_pid: Some(1),
        start: n,
        exec: n,
        end: n,
        ended: n,
        ran: n,
        waited: n,
        minor_faults: n,
        major_faults: n,
        voluntary_switches: n,
        involuntary_switches: n,
        status: Some(1),
        parent_call: spent,
        parent_reap: spent,
        copied_tables: n,
        copied_entries: n,
        fault: n,
        ..Observed::default()
    };
    let mut sample = TimedSample::default();
    for phase in Phase::ALL {
        sample.set(phase, 1);
    }
    let answers = [
        Answer::Hello {
            protocol: 1,
            pid: 1,
        },
        Answer::Receipt(Box::new(receipt)),
        Answer::Sample(sample),
        Answer::Done(batch),
        Answer::Life(Box::new(life)),
        Answer::Serving { port: 1 },
        Answer::Steps(Steps {
            accepted: 1,
            called: 1,
            started: 1,
            replied: 1,
            reaped: 1,
        }),
        Answer::Served(Served::default()),
        Answer::Request(Replied {
            service: n,
            connect: n,
            ..Replied::default()
        }),
        Answer::Loaded { requests: 1 },
    ];
    let text = read("docs/PROTOCOL.md");
    for answer in &answers {
        let line = answer.to_line();
        let word = line.split(' ').next().unwrap_or_default();
        let row = text
            .lines()
            .find(|row| row.starts_with('|') && row.contains(&format!("`{word}` |")))
            .unwrap_or_else(|| panic!("no row for `{word}`"));
        for key in keys(answer) {
            assert!(row.contains(&format!("`{key}`")), "`{word}` lacks `{key}`");
        }
    }
}

#[test]
fn the_protocols_description_has_every_check() {
    let text = read("docs/PROTOCOL.md");
    for one in forkbench::harness::conformance::REQUIREMENTS {
        let of = if one.of_mechanism {
            "each mechanism"
        } else {
            "the subject"
        };
        let row = format!("| `{}` | {of} | {} |", one.name, one.asks);
        assert!(text.contains(&row), "PROTOCOL.md lacks the row\n{row}");
    }
}
