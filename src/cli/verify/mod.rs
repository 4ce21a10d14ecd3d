//! `forkbench verify`.

mod conformance;
mod proofs;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Exit;
use super::output::{print, print_json};
use super::run::seconds;
use super::selection::registry;
use crate::harness::environment;
use crate::harness::launcher::{Launcher, SubjectCommand};
use crate::mechanism::MECHANISMS;
use proofs::{Chosen, Row, exit_of, named, prove_all, told};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  forkbench verify\n  forkbench verify vfork posix_spawn\n  \
                        forkbench verify python:subprocess\n  forkbench verify 'python:*'\n  \
                        forkbench verify --subject 'python3 subject.py'\n  \
                        forkbench verify spawn --subject 'node mine.js'\n\n\
                        A library can lose vfork for years without anyone noticing. This looks: iterations of \
                        each mechanism are traced, and the system call and its flags are held to what the \
                        mechanism claims. Where ptrace is denied the answer is `unverified` and the exit code 4.\n\n\
                        --subject holds a new subject to the protocol of docs/PROTOCOL.md, with a check for \
                        each thing that it asks, and tells its author what to change. 0: it conforms; 1: it \
                        does not."
)]
pub(super) struct Verify {
    /// Mechanisms to prove: of forkbench's own subject (fork), or of one that is known by name
    /// (python:subprocess, 'python:*') [default: all of forkbench's own]
    #[arg(value_name = "MECHANISM")]
    mechanisms: Vec<String>,
    /// Hold a new subject to the protocol: its command, or a name that is known. MECHANISM is then what
    /// it has [default: what it names, or answers to]. A build of forkbench's own is proven, too
    #[arg(long, value_name = "COMMAND")]
    subject: Option<String>,
    /// How long a new subject may take over an order
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds, requires = "subject")]
    patience: f64,
    /// A TOML file of further subjects, with their mechanisms [default: FORKBENCH_SUBJECTS]
    #[arg(long, value_name = "FILE")]
    subjects: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let registry = registry(self.subjects.as_deref())?;
        let native = SubjectCommand::native()?;
        let start = |native| Launcher::new(native, Vec::new(), environment::choose_cpus(), None);
        if let Some(command) = &self.subject {
            let (names, patience) = (&self.mechanisms, Duration::from_secs_f64(self.patience));
            let launcher = start(native)?;
            return conformance::verify(launcher, &registry, command, names, patience, json);
        }
        let mut chosen = named(&registry, &self.mechanisms)?;
        if chosen.is_empty() {
            chosen.extend(MECHANISMS.iter().map(Chosen::Native));
        }
        let launcher = start(native.clone())?;
        let rows: Vec<Row> = prove_all(&launcher, &native, &chosen);
        if json {
            print_json(&rows)?;
        } else {
            print(&rows.iter().map(told).collect::<String>())?;
        }
        Ok(exit_of(&rows))
    }
}
