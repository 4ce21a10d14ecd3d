//! `forkbench doctor`.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::Exit;
use super::output::{fill, fresh_seed, paint, print, print_json, width};
use crate::harness::ab::SubjectArms;
use crate::harness::doctor;
use crate::harness::environment::{self, Environment};
use crate::harness::interrupt;
use crate::harness::launcher::{Launcher, SubjectCommand};
use crate::harness::power::{self, Power, QUIET};
use crate::recording::{Finding, Host, Severity};
use crate::statistics::Verdict;

/// How long it looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long `--power` compares forkbench with itself.
const COMPARE: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  forkbench doctor\n  forkbench doctor --power\n  \
                        forkbench doctor --json | jq '.findings[] | select(.severity == \"warning\")'\n\n\
                        The doctor changes nothing."
)]
pub(super) struct Doctor {
    /// Show what is as it should be, too
    #[arg(long)]
    all: bool,
    /// Compare forkbench with itself for a minute, and say which changes `forkbench ab` could see here now
    #[arg(long)]
    power: bool,
}

#[derive(Serialize)]
struct Diagnosis {
    conclusion: String,
    findings: Vec<Finding>,
    host: Host,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    power: Vec<Power>,
}

impl Doctor {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let environment = Environment::here();
        let host = environment.host();
        let findings = doctor::examine(&environment, &host, LOOK);
        let conclusion = doctor::conclusion(&host, &findings);
        let (power, exit) = match self.power {
            true => examine_power()?,
            false => (Vec::new(), Exit::Done),
        };
        if json {
            print_json(&Diagnosis {
                conclusion,
                findings,
                host,
                power,
            })?;
            return Ok(exit);
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
        text.push_str(&format!("\n{}\n", fill(&conclusion, width, "")));
        for cell in &power {
            text.push_str(&format!("\n{}\n", fill(&told_power(cell), width, "")));
        }
        if self.power {
            text.push_str(&format!("\n{}\n", fill(&quiet(&power), width, "")));
        }
        print(&text)?;
        Ok(exit)
    }
}

/// What can be seen, cell by cell. Cells that could not be measured are told at once.
fn examine_power() -> anyhow::Result<(Vec<Power>, Exit)> {
    let native = SubjectCommand::native()?;
    let launcher = Launcher::new(native, Vec::new(), environment::choose_cpus(), None)?;
    interrupt::listen();
    launcher.keep_off();
    eprintln!(
        "comparing forkbench with itself, for {} s",
        COMPARE.as_secs()
    );
    let seen = power::examine(&mut SubjectArms::new(&launcher), COMPARE, fresh_seed());
    let mut exit = match interrupt::interrupted() {
        true => Exit::Interrupted,
        false => Exit::Done,
    };
    let mut measured = Vec::new();
    for cell in seen {
        match cell {
            Ok(power) => measured.push(power),
            Err((id, reason)) => {
                eprintln!("{id}: not measured: {reason}");
                if exit == Exit::Done {
                    exit = Exit::Refused;
                }
            }
        }
    }
    Ok((measured, exit))
}

fn told_power(cell: &Power) -> String {
    let mut text = format!(
        "{}: pairs spread {:.1} % ({} pairs of {:.0} ms). `forkbench ab` says `unchanged` at its default of 3 % after about {} \
         pairs, {}, if nothing changed; the smallest change it can see, with --threshold 0%, is {:.1} %, in {}.",
        cell.id,
        100.0 * cell.spread,
        cell.pairs,
        1e3 * cell.pair_seconds,
        cell.unchanged_pairs,
        about(cell.unchanged_seconds),
        100.0 * cell.smallest_change,
        about(cell.smallest_change_seconds),
    );
    if matches!(cell.verdict, Verdict::Regressed | Verdict::Improved) {
        text.push_str(
            " It saw a change in this comparison with itself, which is a false alarm: at 99 % confidence one in a hundred.",
        );
    }
    text
}

fn quiet(power: &[Power]) -> String {
    let fork = power.iter().find(|cell| cell.id == "fork/64MiB");
    let limit = 100.0 * QUIET;
    match fork {
        Some(fork) if fork.spread <= QUIET => {
            format!("The host is quiet: pairs of fork/64MiB spread by no more than {limit:.1} %.")
        }
        Some(_) => format!(
            "The host is noisy: on a quiet one, pairs of fork/64MiB spread by no more than {limit:.1} %. Verdicts hold all the same; \
             they take more pairs, or end `inconclusive`."
        ),
        None => "Whether the host is quiet could not be found out.".to_owned(),
    }
}

fn about(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
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
