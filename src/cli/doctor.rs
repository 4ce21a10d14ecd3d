//! `forkbench doctor`.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::Exit;
use super::output::{fill, paint, print, print_json, width};
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
        let shown: Vec<String> = findings
            .iter()
            .filter(|finding| self.all || finding.severity > Severity::Fine)
            .map(|finding| told(finding, width))
            .collect();
        let mut text = shown.concat();
        if shown.len() < findings.len() {
            let rest = findings.len() - shown.len();
            text.push_str(&format!(
                "{rest} more are as they should be: forkbench doctor --all\n"
            ));
        }
        print(&format!("{text}\n{}\n", fill(&conclusion, width, "")))?;
        Ok(Exit::Done)
    }
}

fn told(finding: &Finding, width: usize) -> String {
    let (mark, code) = match finding.severity {
        Severity::Fine => ("fine", "32"),
        Severity::Note => ("note", "36"),
        Severity::Warning => ("warning", "33"),
        Severity::Refused => ("refused", "31"),
    };
    let mut text = format!("{} {}\n", paint(mark, code), finding.name);
    let lines = [&finding.seen, &finding.effect, &finding.remedy];
    for line in lines.into_iter().filter(|line| !line.is_empty()) {
        text.push_str(&fill(line, width, "  "));
        text.push('\n');
    }
    text
}
