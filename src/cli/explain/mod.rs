//! `forkbench explain`.

mod beside;
mod reasons;
mod request;
mod timeline;

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::Exit;
use super::output::{fill, print, print_json, width};
use super::selection::{parse_cell, registry};
use crate::harness::cell::NATIVE;
use crate::harness::environment;
use crate::harness::launcher::{Launcher, LauncherError, SubjectCommand};
use crate::harness::life;
use crate::harness::plan::PlanError;
use crate::model::{Explanation, explain};
use crate::recording::Life;

/// Lives of each kind that are told: the median of so many is a usual one.
const LIVES: u32 = 7;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  forkbench explain fork\n  forkbench explain vfork-exec\n  forkbench explain fork/1GiB\n  \
                        forkbench explain python:subprocess\n  forkbench explain server:fork\n\n\
                        The times are those of one ordinary child, the median of seven, not a measurement: \
                        `forkbench run` measures."
)]
pub(super) struct Explain {
    /// A mechanism (fork), a server (server:fork) or a cell (fork/1GiB); of another subject (python:subprocess), it is told beside
    /// the native one that asks the same of the kernel
    #[arg(value_name = "MECHANISM|CELL")]
    cell: String,
    /// Another subject: its name in cells, and the command that starts it
    #[arg(long, value_name = "NAME=COMMAND")]
    subject: Vec<String>,
    /// A TOML file of further subjects, with their mechanisms [default: FORKBENCH_SUBJECTS]
    #[arg(long, value_name = "FILE")]
    subjects: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    explanation: &'a Explanation,
}

impl Explain {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let cell = parse_cell(&self.cell)?;
        if !life::has_a_life(&cell) && cell.model().is_none() {
            let what = match cell.message {
                Some(_) => "round trips",
                None => "writes",
            };
            eprintln!(
                "{cell}: its iterations are {what}, and no one child has a life to tell; `forkbench run {cell}` \
                 measures them, and `forkbench explain fork` tells of the fork before them"
            );
            return Ok(Exit::Refused);
        }
        let native = SubjectCommand::native()?;
        let named = self.subject.iter().map(|text| SubjectCommand::parse(text));
        let others = named.collect::<Result<Vec<_>, _>>()?;
        let mut launcher = Launcher::new(native, others, environment::choose_cpus(), None)?;
        if cell.model().is_some() {
            launcher.keep_off();
            return request::explain(&launcher, &cell, json);
        }
        if cell.subject != NATIVE {
            let registry = registry(self.subjects.as_deref())?;
            registry.check(&cell).map_err(PlanError::Foreign)?;
            launcher = launcher.with_registered(&registry, std::slice::from_ref(&cell));
            match launcher.subject(&cell) {
                Err(LauncherError::Absent(absence)) => {
                    eprintln!("{absence}");
                    return Ok(Exit::Refused);
                }
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
            launcher.keep_off();
            return beside::explain(&launcher, &cell, json);
        }
        launcher.keep_off();
        if std::io::stderr().is_terminal() {
            eprintln!("telling {LIVES} lives of each kind …");
        }
        let lives = match life::tell_in_turn(&launcher, &cell, LIVES) {
            Ok(lives) => lives,
            Err(error) if error.is_skip() => {
                eprintln!("{cell}: {error}");
                return Ok(Exit::Refused);
            }
            Err(error) => return Err(error.into()),
        };
        let explanation = explain(&lives.cell, &lives.kept, &lives.bare)
            .context("no life was told: that is a mistake in forkbench")?;
        if json {
            print_json(&Document {
                schema: "forkbench.explanation/1",
                explanation: &explanation,
            })?;
            return Ok(Exit::Done);
        }
        let width = width().unwrap_or(80);
        let life = &explanation.life;
        let mut text = format!("{}\n\n", fill(&introduction(life), width, ""));
        text.push_str(&format!(
            "{}\n\n{}",
            timeline::timeline(life, width),
            timeline::states(life, width)
        ));
        if life.mechanism != "null" {
            text.push_str(&reasons::reasons(&explanation, &cell.footprint, width));
        }
        print(&text)?;
        Ok(Exit::Done)
    }
}

/// What happens, for someone who has never called it.
fn introduction(life: &Life) -> String {
    let name = spoken(&life.mechanism);
    let mut text = match life.mechanism.as_str() {
        "null" => {
            return format!(
                "{}: nothing is started. The clock is read twice.",
                life.cell
            );
        }
        _ => format!("{}: one child's life, told by both sides.", life.cell),
    };
    if let Some(call) = &life.system_call {
        text.push_str(&format!(
            " Inside {name} the system call is {}.",
            call.replace('|', " | ")
        ));
    }
    match (life.returned_in_child, life.child_pid) {
        (Some(value), _) => text.push_str(&format!(
            " {name} is called once and returns twice: in the parent it returns {}, the child's pid; in the \
             child it returns {value}. {}",
            life.returned_in_parent,
            if life.mechanism.starts_with("vfork") {
                "The child runs in the parent's own memory, and the parent stands still until it has ended \
                 or executed another program."
            } else {
                "From there on two processes run the same program, each in memory of its own."
            }
        )),
        (None, Some(pid)) => text.push_str(&format!(
            " {name} returns once, in the parent; the child ({pid}) begins in a function of its own."
        )),
        (None, None) => text.push_str(&format!(
            " {name} returns once, in the parent; the child begins in the new program."
        )),
    }
    text
}

/// What is written in a program to call a mechanism.
fn spoken(mechanism: &str) -> &str {
    match mechanism {
        "clone-vm" => "clone",
        "fork-exec" => "fork",
        "vfork-exec" => "vfork",
        "command" | "command-fork" => "Command::spawn",
        "pthread" => "pthread_create",
        "thread" => "thread::spawn",
        other => other,
    }
}
