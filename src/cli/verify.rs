//! `forkbench verify`.

use clap::Args;
use serde::Serialize;

use super::Exit;
use super::output::{fill, paint, print, print_json, width};
use crate::harness::cell::{CellError, NATIVE};
use crate::harness::environment;
use crate::harness::launcher::{Launcher, SubjectCommand};
use crate::harness::proof::{Proof, Verdict, describe, prove};
use crate::mechanism::{MECHANISMS, Mechanism};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  forkbench verify\n  forkbench verify vfork posix_spawn\n\n\
                        A library can lose vfork for years without anyone noticing. This looks: one \
                        iteration of each mechanism is traced, and the system call and its flags are held \
                        to what the mechanism claims. Where ptrace is denied the answer is `unverified` and \
                        the exit code 4."
)]
pub(super) struct Verify {
    /// Mechanisms to prove [default: all]
    #[arg(value_name = "MECHANISM")]
    mechanisms: Vec<String>,
    /// Prove them in another build of the subject
    #[arg(long, value_name = "COMMAND")]
    subject: Option<String>,
}

#[derive(Serialize)]
struct Row {
    mechanism: &'static str,
    verdict: &'static str,
    claim: String,
    seen: Option<String>,
    returned_in_parent: Option<i64>,
    returned_in_child: Option<i64>,
    executed: Option<String>,
    reason: Option<String>,
}

impl Verify {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let mut mechanisms = Vec::new();
        for name in &self.mechanisms {
            let mechanism = name.clone();
            mechanisms.push(Mechanism::named(name).ok_or(CellError::Mechanism { mechanism })?);
        }
        if mechanisms.is_empty() {
            mechanisms.extend(MECHANISMS);
        }
        let native = SubjectCommand::native()?;
        let subject = match &self.subject {
            Some(command) => SubjectCommand::parse(&format!("{NATIVE}={command}"))?,
            None => native.clone(),
        };
        let launcher = Launcher::new(native, Vec::new(), environment::choose_cpus(), None)?;
        let proofs: Vec<Proof> = mechanisms
            .into_iter()
            .map(|mechanism| prove(&launcher, &subject, mechanism))
            .collect();
        let rows: Vec<Row> = proofs.iter().map(row).collect();
        if json {
            print_json(&rows)?;
        } else {
            print(&rows.iter().map(told).collect::<String>())?;
        }
        let any = |word: &str| rows.iter().any(|row| row.verdict == word);
        Ok(if any("refuted") {
            Exit::Failed
        } else if any("unverified") {
            Exit::Refused
        } else {
            Exit::Done
        })
    }
}

fn row(proof: &Proof) -> Row {
    let (verdict, reason) = match &proof.verdict {
        Verdict::Proven => ("proven", None),
        Verdict::Refuted(reason) => ("refuted", Some(reason.clone())),
        Verdict::Unverified(reason) => ("unverified", Some(reason.clone())),
    };
    let child = proof.child.as_ref();
    Row {
        mechanism: proof.mechanism.name,
        verdict,
        claim: describe(&proof.mechanism.claim),
        seen: proof.seen.clone(),
        returned_in_parent: child.and_then(|child| child.returned_in_parent),
        returned_in_child: child.and_then(|child| child.returned_in_child),
        executed: child.and_then(|child| child.exec.clone()),
        reason,
    }
}

fn told(row: &Row) -> String {
    let code = match row.verdict {
        "proven" => "32",
        "refuted" => "31",
        _ => "33",
    };
    let width = width().unwrap_or(80);
    let mut text = format!("{:13} {}\n", row.mechanism, paint(row.verdict, code));
    let claim = format!("claims {}", row.claim);
    let seen = match (&row.seen, row.verdict) {
        (Some(call), _) => {
            let number = |value: Option<i64>| value.map_or("nothing".to_owned(), |n| n.to_string());
            let mut text = format!(
                "seen   {} = {} in the parent, {} in the child",
                call.replace('|', " | "),
                number(row.returned_in_parent),
                number(row.returned_in_child)
            );
            if row.executed.is_some() {
                text.push_str(", then execve");
            }
            text
        }
        (None, "proven") => "seen   no child".to_owned(),
        (None, _) => String::new(),
    };
    for line in [Some(claim), Some(seen), row.reason.clone()]
        .into_iter()
        .flatten()
        .filter(|line| !line.is_empty())
    {
        text.push_str(&fill(&line, width, "  "));
        text.push('\n');
    }
    text
}
