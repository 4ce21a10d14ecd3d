//! Mechanisms that are held to their claims.

use serde::Serialize;

use super::super::Exit;
use super::super::output::{fill, paint, width};
use crate::harness::cell::{CellError, NATIVE};
use crate::harness::launcher::{Launcher, SubjectCommand};
use crate::harness::plan::{PlanError, glob};
use crate::harness::proof::{
    Births, Proof, RegisteredProof, Verdict, describe, prove, prove_registered,
};
use crate::harness::registry::{
    Absence, ForeignMechanism, Found, NoSuchMechanism, RegisteredSubject, Registry,
};
use crate::harness::tracing::Child;
use crate::mechanism::Mechanism;
use crate::protocol::family_of;

/// A mechanism that is to be proven.
pub(super) enum Chosen<'a> {
    /// Of forkbench's own subject.
    Native(&'static Mechanism),
    /// Of a registered one.
    Registered(&'a RegisteredSubject, &'a ForeignMechanism),
}

/// What is printed of a proof.
#[derive(Serialize)]
pub(super) struct Row {
    subject: String,
    mechanism: String,
    /// What ran it, and its version; of registered subjects alone.
    interpreter: Option<String>,
    verdict: &'static str,
    claim: Option<String>,
    seen: Option<String>,
    returned_in_parent: Option<i64>,
    returned_in_child: Option<i64>,
    executed: Option<String>,
    /// What else was made: helpers of an interpreter.
    beside: Vec<String>,
    reason: Option<String>,
}

/// The mechanisms that the words mean.
pub(super) fn named<'a>(
    registry: &'a Registry,
    words: &[String],
) -> Result<Vec<Chosen<'a>>, PlanError> {
    let mut chosen = Vec::new();
    for word in words {
        if family_of(word).is_some() {
            let name = word.clone();
            return Err(PlanError::NoClaim { name });
        }
        let Some((subject, pattern)) = word.split_once(':').filter(|(name, _)| *name != NATIVE)
        else {
            let name = word.strip_prefix("native:").unwrap_or(word).to_owned();
            if registry.named(&name).is_some() {
                return Err(PlanError::Subject { name });
            }
            let mechanism =
                Mechanism::named(&name).ok_or(CellError::Mechanism { mechanism: name })?;
            chosen.push(Chosen::Native(mechanism));
            continue;
        };
        let none = || PlanError::NoMatch {
            filter: word.clone(),
        };
        let subject = registry.named(subject).ok_or_else(none)?;
        let before = chosen.len();
        let matching = subject.mechanisms.iter();
        let matching = matching.filter(|known| glob(pattern, &known.name));
        chosen.extend(matching.map(|known| Chosen::Registered(subject, known)));
        if chosen.len() == before {
            if pattern.contains(['*', '?']) {
                return Err(none());
            }
            let names = subject.mechanisms.iter().map(|known| known.name.clone());
            return Err(PlanError::Foreign(NoSuchMechanism {
                subject: subject.name.clone(),
                mechanism: pattern.to_owned(),
                known: names.collect(),
            }));
        }
    }
    Ok(chosen)
}

/// Proves each in turn: a mechanism of forkbench's own in `subject`.
pub(super) fn prove_all(
    launcher: &Launcher,
    subject: &SubjectCommand,
    chosen: &[Chosen<'_>],
) -> Vec<Row> {
    // An interpreter is looked for once.
    let mut found: Vec<(&str, Result<Found, Absence>)> = Vec::new();
    let mut rows = Vec::new();
    for chosen in chosen {
        let (subject, mechanism) = match chosen {
            Chosen::Native(mechanism) => {
                rows.push(row(&prove(launcher, subject, mechanism)));
                continue;
            }
            Chosen::Registered(subject, mechanism) => (*subject, *mechanism),
        };
        if !found.iter().any(|(name, _)| *name == subject.name) {
            found.push((&subject.name, subject.find()));
        }
        let here = found.iter().find(|(name, _)| *name == subject.name);
        rows.push(match here.map(|(_, found)| found) {
            Some(Ok(found)) => {
                registered_row(prove_registered(launcher, subject, found, mechanism))
            }
            Some(Err(absence)) => absent_row(subject, mechanism, absence),
            None => continue,
        });
    }
    rows
}

/// Refuted is worse than not seen.
pub(super) fn exit_of(rows: &[Row]) -> Exit {
    let any = |word: &str| rows.iter().any(|row| row.verdict == word);
    if any("refuted") {
        Exit::Failed
    } else if any("unverified") {
        Exit::Refused
    } else {
        Exit::Done
    }
}

fn row(proof: &Proof) -> Row {
    let child = proof.child.as_ref();
    Row {
        seen: proof.seen.clone(),
        ..shared(
            NATIVE,
            proof.mechanism.name,
            &proof.verdict,
            Some(describe(&proof.mechanism.claim)),
            child,
        )
    }
}

fn registered_row(proof: RegisteredProof) -> Row {
    let child = proof.seen.child.as_ref();
    let by = |births: &Births| match births.by_subject {
        true => "",
        false => ", in a process that the subject had started",
    };
    Row {
        interpreter: Some(proof.interpreter.to_string()),
        seen: child.map(|births| format!("{}{}", births.child.creation, by(births))),
        beside: proof.seen.others.iter().map(ToString::to_string).collect(),
        ..shared(
            &proof.subject,
            &proof.mechanism,
            &proof.verdict,
            proof.claim.clone(),
            child.map(|births| &births.child),
        )
    }
}

fn absent_row(subject: &RegisteredSubject, mechanism: &ForeignMechanism, why: &Absence) -> Row {
    let verdict = Verdict::Unverified(why.to_string());
    shared(&subject.name, &mechanism.name, &verdict, None, None)
}

fn shared(
    subject: &str,
    mechanism: &str,
    verdict: &Verdict,
    claim: Option<String>,
    child: Option<&Child>,
) -> Row {
    Row {
        subject: subject.to_owned(),
        mechanism: mechanism.to_owned(),
        interpreter: None,
        verdict: verdict.name(),
        claim,
        seen: None,
        returned_in_parent: child.and_then(|child| child.returned_in_parent),
        returned_in_child: child.and_then(|child| child.returned_in_child),
        executed: child.and_then(|child| child.exec.clone()),
        beside: Vec::new(),
        reason: verdict.reason().map(str::to_owned),
    }
}

/// A proof in a few lines.
pub(super) fn told(row: &Row) -> String {
    let code = match row.verdict {
        "proven" => "32",
        "refuted" => "31",
        _ => "33",
    };
    let width = width().unwrap_or(80);
    let name = match row.subject.as_str() {
        NATIVE => row.mechanism.clone(),
        subject => format!("{subject}:{}", row.mechanism),
    };
    let mut text = format!("{name:13} {}", paint(row.verdict, code));
    if let Some(interpreter) = &row.interpreter {
        text.push_str(&format!("  {interpreter}"));
    }
    text.push('\n');
    let claim = row.claim.as_ref().map(|claim| format!("claims {claim}"));
    let beside = row.beside.iter().map(|births| format!("beside {births}"));
    for line in [claim, seen(row)]
        .into_iter()
        .flatten()
        .chain(beside)
        .chain(row.reason.clone())
    {
        text.push_str(&fill(&line.replace('|', " | "), width, "  "));
        text.push('\n');
    }
    text
}

fn seen(row: &Row) -> Option<String> {
    let number = |value: Option<i64>| value.map_or("nothing".to_owned(), |n| n.to_string());
    match (&row.seen, row.verdict) {
        (Some(call), _) => Some(format!(
            "seen   {call} = {} in the parent, {} in the child{}",
            number(row.returned_in_parent),
            number(row.returned_in_child),
            if row.executed.is_some() {
                ", then execve"
            } else {
                ""
            }
        )),
        (None, "proven") => Some("seen   no child".to_owned()),
        (None, _) => None,
    }
}
