//! `forkbench doctor`.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::Exit;
use super::output::{colour, print_json, width};
use crate::harness::doctor;
use crate::harness::environment::Environment;
use crate::recording::{Finding, Host, Severity};

/// How long it looks.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  forkbench doctor\n  forkbench doctor --json | jq '.findings[] | select(.severity == \"warning\")'\n\n\
                        The doctor changes nothing."
)]
pub(super) struct Doctor {
    /// Show what is as it should be, too
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct Diagnosis {
    conclusion: String,
    findings: Vec<Finding>,
    host: Host,
}

impl Doctor {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let environment = Environment::here();
        let host = environment.host();
        let findings = doctor::examine(&environment, &host, LOOK);
        let conclusion = doctor::conclusion(&host, &findings);
        if json {
            print_json(&Diagnosis {
                conclusion,
                findings,
                host,
            })?;
            return Ok(Exit::Done);
        }
        let width = width().unwrap_or(80);
        let mut shown = 0;
        for finding in &findings {
            if self.all || finding.severity > Severity::Fine {
                print_finding(finding, width);
                shown += 1;
            }
        }
        if shown < findings.len() {
            println!(
                "{} more are as they should be: forkbench doctor --all",
                findings.len() - shown
            );
        }
        println!("\n{}", fill(&conclusion, width, ""));
        Ok(Exit::Done)
    }
}

fn print_finding(finding: &Finding, width: usize) {
    let (mark, code) = match finding.severity {
        Severity::Fine => ("fine", "32"),
        Severity::Note => ("note", "36"),
        Severity::Warning => ("warning", "33"),
        Severity::Refused => ("refused", "31"),
    };
    let mark = if colour() {
        format!("\x1b[{code}m{mark}\x1b[0m")
    } else {
        mark.to_owned()
    };
    println!("{mark} {}", finding.name);
    let lines = [&finding.seen, &finding.effect, &finding.remedy];
    for line in lines.into_iter().filter(|line| !line.is_empty()) {
        println!("{}", fill(line, width, "  "));
    }
}

/// Breaks text into lines of at most `width` characters, each beginning with `indent`.
pub(super) fn fill(text: &str, width: usize, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a last line");
        let used = line.chars().count();
        if used > indent.len() && used + 1 + word.chars().count() > width {
            lines.push(format!("{indent}{word}"));
        } else {
            if used > indent.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}
