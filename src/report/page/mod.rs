//! The page: one HTML file that loads nothing.

mod cells;
mod costs;
pub(super) mod host;
mod ranking;

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};

use super::ReportError;
use super::answer::{self, Answer};
use super::charts::Figures;
use super::palette;
use super::pen::FONT;
use super::reading::{plain, repeat_command, shape_words};
use crate::mechanism::Phase;
use crate::recording::{Recorded, Run};

const TEMPLATE: &str = include_str!("../assets/page.html");
const STYLE: &str = include_str!("../assets/page.css");
const SCRIPT: &str = include_str!("../assets/page.js");
/// The SHA-256 of the script, for the page's content security policy; a test holds it.
const SCRIPT_HASH: &str = include_str!("../assets/page.js.sha256");

/// The page of a run, self-contained.
///
/// # Errors
/// [`ReportError`] where a chart cannot be drawn or the template fails.
pub fn page(recorded: &Recorded) -> Result<String, ReportError> {
    let run = &recorded.run;
    let anchors = anchors(run);
    let targets = targets(run, &anchors);
    let (rankings, left_out) = ranking::views(run, &targets);
    let context = context! {
        run => run_view(recorded),
        answer => answer::answer(run).map(|answer| answer_view(&answer, &targets)),
        rankings,
        rankings_left_out => left_out,
        costs => costs::costs_view(run),
        savings => costs::savings_view(run, &targets),
        figures => Value::from(Serde(Figures::of(run, false)?)),
        writes_title => super::writes::TITLE,
        writes_sentence => super::writes::answer(run).map(|answer| answer.sentence),
        channels_title => super::channels::TITLE,
        channels_sentence => super::channels::answer(run).map(|answer| answer.sentence),
        channels_setup => super::channels::setup_sentence(run),
        channels_note => super::channels::NOTE,
        channels => Value::from(Serde(super::channels_table::tables(run))),
        languages_title => super::languages::TITLE,
        languages_sentence => super::languages::sentence(run),
        languages_note => super::languages::NOTE,
        languages_versions => super::languages::versions(run),
        languages => super::languages::pairs(run).iter().map(|pair| pair.row()).collect::<Vec<_>>(),
        servers_title => super::servers::TITLE,
        servers_sentence => super::servers::sentence(run),
        servers_note => super::servers::note(|_| true),
        cells => cells::views(recorded, &anchors)?,
        only_ranges => cells::are_all_ranged(run),
        host => host::view(&run.host),
        findings => host::findings(&run.host),
        phases => phase_meanings(run),
    };
    rendered(TEMPLATE, "", context)
}

/// A page of its own: `template` filled with `context`, and with font, style sheet and script, which all pages
/// share; `style` is added.
pub(super) fn rendered(template: &str, style: &str, context: Value) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", template)?;
    let style = format!("{}{}{}{style}", font_face(), palette::css(), STYLE);
    let shared = context! {
        style => Value::from_safe_string(style),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        script_hash => SCRIPT_HASH.trim(),
    };
    let whole = context! { ..context, ..shared };
    Ok(environment.get_template("page")?.render(whole)?)
}

fn font_face() -> &'static str {
    static FACE: OnceLock<String> = OnceLock::new();
    FACE.get_or_init(|| {
        format!(
            "@font-face{{font-family:ForkbenchInter;font-weight:400 650;src:url(data:font/ttf;base64,{})}}",
            BASE64.encode(FONT)
        )
    })
}

/// Each cell's link target.
pub(super) fn anchors(run: &Run) -> Vec<String> {
    unique_anchors(run.cells.iter().map(|cell| cell.id.as_str()))
}

/// Link targets: each id in letters, digits, `-`, `_` and `.`, made unique.
pub(super) fn unique_anchors<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut anchors = Vec::new();
    for id in ids {
        let clean: String = id
            .chars()
            .take(80)
            .map(|c| {
                if c.is_ascii_alphanumeric() || "_.".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let mut anchor = format!("cell-{clean}");
        let mut number = 2;
        while !taken.insert(anchor.clone()) {
            anchor = format!("cell-{clean}--{number}");
            number += 1;
        }
        anchors.push(anchor);
    }
    anchors
}

/// Link targets by cell id; of cells that share one, the first.
type Targets<'a> = HashMap<&'a str, &'a str>;

fn targets<'a>(run: &'a Run, anchors: &'a [String]) -> Targets<'a> {
    let mut targets = HashMap::with_capacity(anchors.len());
    for (cell, anchor) in run.cells.iter().zip(anchors) {
        targets.entry(cell.id.as_str()).or_insert(anchor.as_str());
    }
    targets
}

fn run_view(recorded: &Recorded) -> Value {
    let run = &recorded.run;
    let trials: usize = run.cells.iter().map(|cell| cell.trials.len()).sum();
    let samples = run
        .cells
        .iter()
        .flat_map(|cell| cell.phases.values())
        .fold(0u64, |sum, phase| sum.saturating_add(phase.count));
    let problems: Vec<String> = recorded
        .problems
        .iter()
        .take(50)
        .map(|p| plain(p))
        .collect();
    context! {
        id => plain(&run.id),
        started => plain(&run.started),
        finished => run.finished.as_deref().map(plain),
        seed => run.seed.to_string(),
        command => plain(&run.command),
        version => plain(&run.tool.version),
        commit => run.tool.commit.as_deref().map(plain),
        driver => plain(&run.tool.driver),
        host => plain(&run.host.name),
        cells => run.cells.len(),
        trials => trials,
        samples => super::reading::grouped(samples),
        problems => problems,
    }
}

fn answer_view(answer: &Answer, targets: &Targets) -> Value {
    let cells: Vec<_> = [Some(answer.dear), answer.cheap]
        .into_iter()
        .flatten()
        .collect();
    let receipts: Vec<Value> = cells
        .iter()
        .map(|cell| {
            context! {
                id => plain(&cell.id),
                anchor => targets.get(cell.id.as_str()).copied(),
                lines => cells::receipt_lines(cell),
                disagrees => super::reading::disagrees(cell, answer.phase),
            }
        })
        .collect();
    context! {
        question => answer.question.clone(),
        sentence => answer.sentence.clone(),
        phase => answer.phase.name(),
        command => answer.command.clone(),
        shape => shape_words(answer.dear),
        receipts => receipts,
        job => repeat_command(&[answer.dear]).replacen("run", "list --job", 1),
    }
}

fn phase_meanings(run: &Run) -> Vec<Value> {
    let meaning = |phase: Phase| match phase {
        Phase::Call => {
            "until the call has returned in the parent: how long the parent stands still"
        }
        Phase::Start => "until the child's first reading of the clock",
        Phase::Exec => "until the new image's first instruction",
        Phase::Reap => {
            "until the parent has waited for the child: its whole life, teardown included"
        }
        Phase::Before => "a write to a page that is nobody else's",
        Phase::FirstPass => {
            "the first write to a page after a fork, the child alive, in the first pass of copies that a \
             subject makes: they land on memory that is new to it"
        }
        Phase::SecondPass => {
            "the same after another fork: the copies land on memory that an earlier pass has given back"
        }
        Phase::After => {
            "the first write to a page after a fork whose child is gone: a page fault, and nothing to copy"
        }
        Phase::Open => "until a channel to a child that is not there yet is made",
        Phase::Setup => {
            "until a fresh child has answered once: making the channel, the fork, and one round trip"
        }
        Phase::RoundTrip => {
            "from before a message is sent to a child that waits for it until the whole answer has come"
        }
        Phase::Response => {
            "of a request to a server: from when it was due until the last byte of its reply"
        }
        Phase::Service => "the same from when it was sent",
    };
    let writes = run.cells.iter().any(super::reading::is_writes);
    let of_writes = Phase::WRITES.into_iter().filter(|_| writes);
    let channels = run.cells.iter().any(super::reading::is_channel);
    let of_channels = Phase::CHANNEL.into_iter().filter(|_| channels);
    let serves = run.cells.iter().any(super::reading::is_server);
    let of_requests = Phase::REQUESTS.into_iter().filter(|_| serves);
    Phase::LIFE
        .into_iter()
        .chain(of_writes)
        .chain(of_channels)
        .chain(of_requests)
        .map(|phase| context! { name => phase.name(), meaning => meaning(phase) })
        .collect()
}
