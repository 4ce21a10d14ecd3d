//! A new subject, held to the protocol.

use anyhow::Context;
use serde::Serialize;

use super::super::Exit;
use super::super::output::{fill, paint, print, print_json, width};
use super::proofs::{self, Chosen, Row};
use crate::harness::conformance::{Candidate, Check, Conformance, Outcome, conform};
use crate::harness::launcher::{Launcher, SubjectCommand};
use crate::harness::registry::Registry;
use crate::mechanism::{MECHANISMS, Mechanism};
use crate::protocol::VERSION;
use crate::report::counted;

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    command: &'a str,
    protocol: u32,
    conforms: bool,
    mechanisms: &'a [String],
    checks: Vec<CheckRow<'a>>,
    proofs: &'a [Row],
}

#[derive(Serialize)]
struct CheckRow<'a> {
    name: &'static str,
    mechanism: Option<&'a str>,
    outcome: &'static str,
    asks: &'static str,
    order: Option<&'a str>,
    seen: &'a str,
    /// What to change; of failed checks alone.
    change: Option<&'static str>,
}

impl<'a> From<&'a Check> for CheckRow<'a> {
    fn from(check: &'a Check) -> Self {
        let failed = check.outcome == Outcome::Failed;
        Self {
            name: check.requirement.name,
            mechanism: check.mechanism.as_deref(),
            outcome: check.outcome.name(),
            asks: check.requirement.asks,
            order: check.order.as_deref(),
            seen: &check.seen,
            change: failed.then_some(check.requirement.remedy),
        }
    }
}

/// Holds the subject of a command, or a registered one, to the protocol. One that is a build of our own has its
/// mechanisms proven too.
pub(super) fn verify(
    launcher: Launcher,
    registry: &Registry,
    command: &str,
    mechanisms: &[String],
    patience: std::time::Duration,
    json: bool,
) -> anyhow::Result<Exit> {
    let registered = registry.named(command);
    let subject = match registered {
        None => SubjectCommand::unnamed(command)?,
        Some(known) => match known.find() {
            Ok(found) => found.command,
            Err(absence) => {
                eprintln!("{absence}");
                return Ok(Exit::Refused);
            }
        },
    };
    let candidate = Candidate {
        subject: &subject,
        mechanisms,
        registered: registered.map_or(&[], |known| &known.mechanisms),
        patience,
    };
    let conformance = conform(&launcher, candidate);
    let rows = match conformance.is_own {
        true => prove(&launcher, &subject, mechanisms),
        false => Vec::new(),
    };
    if json {
        print_json(&Document {
            schema: "forkbench.conformance/1",
            command,
            protocol: VERSION,
            conforms: conformance.holds(),
            mechanisms: &conformance.mechanisms,
            checks: conformance.checks.iter().map(CheckRow::from).collect(),
            proofs: &rows,
        })?;
    } else {
        let mut text: String = conformance.checks.iter().map(told).collect();
        text.push_str(&format!("\n{}\n", summary(command, &conformance)));
        if !rows.is_empty() {
            text.push_str(
                "\nIt is a build of forkbench's own subject, whose mechanisms make claims:\n\n",
            );
        }
        text.extend(rows.iter().map(proofs::told));
        print(&text).context("the answer was not told")?;
    }
    Ok(match proofs::exit_of(&rows) {
        _ if !conformance.holds() => Exit::Failed,
        Exit::Done if !conformance.has_judged() => Exit::Refused,
        exit => exit,
    })
}

fn prove(launcher: &Launcher, subject: &SubjectCommand, mechanisms: &[String]) -> Vec<Row> {
    let wanted = |known: &&Mechanism| {
        mechanisms.is_empty() || mechanisms.iter().any(|name| name == known.name)
    };
    let chosen: Vec<Chosen<'_>> = MECHANISMS
        .iter()
        .filter(wanted)
        .map(Chosen::Native)
        .collect();
    proofs::prove_all(launcher, subject, &chosen)
}

/// A check: a line if it passed; what was asked, sent and seen, and what to change, if it failed.
fn told(check: &Check) -> String {
    let code = match check.outcome {
        Outcome::Passed => "32",
        Outcome::Failed => "31",
        Outcome::NotApplicable => "33",
    };
    let width = width().unwrap_or(100);
    let word = paint(&format!("{:14}", check.outcome.name()), code);
    let mechanism = check.mechanism.as_ref();
    let mechanism = mechanism.map_or(String::new(), |name| format!("  {name}"));
    let mut text = format!("{word}  {}{mechanism}\n", check.requirement.name);
    let mut line = |head: &str, said: &str| {
        let filled = fill(&format!("{head}: {said}"), width, "    ");
        text.push_str(&format!("{filled}\n"));
    };
    match check.outcome {
        Outcome::Passed => {}
        Outcome::NotApplicable => line("since", &check.seen),
        Outcome::Failed => {
            line("asked", check.requirement.asks);
            if let Some(order) = &check.order {
                line("sent", order);
            }
            line("seen", &check.seen);
            line("change", check.requirement.remedy);
        }
    }
    text
}

fn summary(command: &str, conformance: &Conformance) -> String {
    let count = |outcome| {
        let checks = conformance.checks.iter();
        checks.filter(|check| check.outcome == outcome).count()
    };
    let (failed, passed) = (count(Outcome::Failed), count(Outcome::Passed));
    let rest = count(Outcome::NotApplicable);
    match failed {
        0 if conformance.has_judged() => format!(
            "`{command}` conforms to protocol {VERSION}: {passed} checks passed, {rest} did not apply."
        ),
        0 => format!(
            "`{command}` can't be judged here: {passed} checks passed, {rest} did not apply."
        ),
        _ => format!(
            "`{command}` does not conform to protocol {VERSION}: {} failed, {passed} passed, {rest} did \
             not apply.",
            counted(failed, "check")
        ),
    }
}
