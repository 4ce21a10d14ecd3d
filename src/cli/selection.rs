//! The flags that say what is measured, shared by the verbs that measure.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Deserialize;

use super::plan_file::PlanFile;
use crate::footprint::Footprint;
use crate::harness::cell::{Cell, CellError};
use crate::harness::environment;
use crate::harness::launcher::{Launcher, LauncherError, SubjectCommand};
use crate::harness::plan::{self, PlanError};
use crate::harness::registry::{self, Registry, RegistryError};
use crate::protocol::Known;
use crate::recording::Placement;
use crate::units::{exact_size, parse_size};

/// `--placement`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PlacementChoice {
    /// Subject and children on one CPU, forkbench on another.
    Pinned,
    /// The scheduler chooses.
    Free,
}

/// What is measured.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Cells (fork/64MiB), mechanisms (fork), or globs over whole ids (fork/*, */1GiB*)
    #[arg(value_name = "FILTER")]
    pub filters: Vec<String>,
    /// Leave out parents larger than this, as in 1GiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_footprint: Option<u64>,
    /// Where subject and children run
    #[arg(long, value_name = "WHERE")]
    pub placement: Option<PlacementChoice>,
    /// The program that children execute, with its arguments, in place of forkbench's own
    #[arg(long, value_name = "PROGRAM")]
    pub exec: Option<String>,
    /// Another subject: its name in cells, and the command that starts it
    #[arg(long, value_name = "NAME=COMMAND")]
    pub subject: Vec<String>,
    /// A TOML file of further subjects, with their mechanisms [default: FORKBENCH_SUBJECTS]
    #[arg(long, value_name = "FILE")]
    pub subjects: Option<PathBuf>,
    /// A TOML file with cells, trials, time, seed, placement, max-footprint, exec and subjects; flags
    /// override it. What `ab` reads of it, threshold, confidence and budget, changes nothing here
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// What came of the flags.
pub(super) struct Selected {
    /// The cells, in the order in which tables list them.
    pub cells: Vec<Cell>,
    /// Starts their subjects.
    pub launcher: Launcher,
    /// The plan that was read.
    pub plan: PlanFile,
    /// The subjects that are known by name.
    pub registry: Registry,
}

impl Selection {
    /// Finds the cells and what it takes to measure them. `all` are those that filters choose from.
    pub(super) fn resolve(&self, all: &[Cell]) -> anyhow::Result<Selected> {
        let plan = PlanFile::read(self.plan.as_deref())?;
        let mut subjects = Vec::new();
        for (name, command) in &plan.subjects {
            subjects.push(SubjectCommand::parse(&format!("{name}={command}"))?);
        }
        for text in &self.subject {
            let named = SubjectCommand::parse(text)?;
            subjects.retain(|subject| subject.name != named.name);
            subjects.push(named);
        }
        let registry = registry(self.subjects.as_deref())?;
        let filters = if self.filters.is_empty() {
            &plan.cells
        } else {
            &self.filters
        };
        let mut cells = plan::select(all, &registry, filters)?;
        let exec = self.exec.as_deref().or(plan.exec.as_deref());
        let native = SubjectCommand::native()?;
        let cpus = environment::choose_cpus();
        let launcher = Launcher::new(native, subjects, cpus, exec)?;
        let launcher = launcher.with_registered(&registry, &cells);
        let largest = match (&self.max_footprint, &plan.max_footprint) {
            (Some(bytes), _) => Some(*bytes),
            (None, Some(text)) => Some(parse_size(text)?),
            (None, None) => None,
        };
        if let Some(largest) = largest {
            leave_out(&mut cells, largest)?;
        }
        let free = self.placement.or(plan.placement) == Some(PlacementChoice::Free);
        let exec_name = launcher.exec_name();
        for cell in &mut cells {
            if free {
                cell.placement = Placement::Free;
            }
            let executes = match registry.mechanism(cell) {
                Some(mechanism) => mechanism.executes(),
                None => cell.known().is_none_or(Known::executes),
            };
            // The name tells which program it was, and not where it is.
            if let Some(program) = cell
                .exec
                .take()
                .filter(|_| exec_name.is_none() || !executes)
            {
                let cell = cell.to_string();
                return Err(match executes {
                    true => PlanError::Program { cell, program },
                    false => PlanError::ExecutesNothing { cell, program },
                }
                .into());
            }
            if executes {
                cell.exec = exec_name.clone();
            } else if exec_name.is_some() {
                eprintln!("warning: {cell} executes nothing: --exec does not change it");
            }
            match launcher.subject(cell) {
                // Its cells stand in the run, skipped, with the reason.
                Ok(_) | Err(LauncherError::Absent(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut seen = Vec::new();
        cells.retain(|cell| {
            let fresh = !seen.contains(cell);
            seen.push(cell.clone());
            fresh
        });
        Ok(Selected {
            cells,
            launcher,
            plan,
            registry,
        })
    }
}

/// The subjects that ship, and those of the file that `--subjects` or the environment names.
pub(super) fn registry(subjects: Option<&Path>) -> Result<Registry, RegistryError> {
    let variable = std::env::var_os(registry::VARIABLE).filter(|path| !path.is_empty());
    let path = subjects.map(Path::to_owned).or(variable.map(PathBuf::from));
    Registry::load(path.as_deref())
}

/// Leaves out parents larger than `largest`.
pub(super) fn leave_out(cells: &mut Vec<Cell>, largest: u64) -> Result<(), PlanError> {
    let smallest = cells.iter().map(|cell| cell.footprint.bytes).min();
    cells.retain(|cell| cell.footprint.bytes <= largest);
    match smallest {
        Some(smallest) if cells.is_empty() => Err(PlanError::NoneLeft {
            limit: exact_size(largest),
            smallest: exact_size(smallest),
        }),
        _ => Ok(()),
    }
}

/// A cell, or a mechanism at the smallest parent, or a channel with the smallest message.
pub(super) fn parse_cell(text: &str) -> Result<Cell, CellError> {
    if text.contains('/') {
        return text.parse();
    }
    match Known::named(text) {
        Some(Known::Channel(channel)) => {
            let place = match channel.refusal(1, true) {
                None => "",
                Some(_) => "@two",
            };
            format!("{text}/1B{place}").parse()
        }
        known => {
            let smallest = known.map_or(Footprint::default(), Known::smallest);
            format!("{text}/{smallest}").parse()
        }
    }
}
