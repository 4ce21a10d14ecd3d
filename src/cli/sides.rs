//! The two arms of `forkbench ab`, from what was written to what is started.

use super::selection::parse_cell;
use crate::harness::ab::{Contest, Settings};
use crate::harness::cell::{Cell, NATIVE};
use crate::harness::environment;
use crate::harness::launcher::{Launcher, LauncherError, SubjectCommand};
use crate::mechanism::Phase;
use crate::protocol::Known;
use crate::recording::Placement;

/// A phase that a cell can never have.
#[derive(Debug, thiserror::Error)]
#[error("{cell} has no phase `{phase}`; it has {has}: choose with --phase")]
pub(super) struct NoSuchPhase {
    cell: String,
    phase: &'static str,
    has: String,
}

/// A server in the place of an arm.
#[derive(Debug, thiserror::Error)]
#[error(
    "{cell}: `ab` judges iterations of a mechanism, and a server is sent requests at a rate: measure it with `forkbench run \
     {cell}`, and judge recorded runs with `forkbench compare`"
)]
pub(super) struct NoContest {
    cell: String,
}

/// Where subjects run, and what their children execute.
pub(super) struct Placing<'a> {
    /// Left to the scheduler.
    pub free: bool,
    /// A foreign program.
    pub exec: Option<&'a str>,
}

/// What is compared, and how its subjects are started.
pub(super) struct Sides {
    pub contests: Vec<Contest>,
    pub launcher: Launcher,
    /// Whether both are one and the same: a change that is then seen is a false alarm.
    pub same: bool,
    /// What the base and the candidate are called, as they were given.
    pub names: [String; 2],
}

impl Sides {
    /// Two cells of the native subject.
    pub(super) fn of_cells(a: &str, b: &str, placing: &Placing) -> anyhow::Result<Self> {
        let launcher = launcher(Vec::new(), placing)?;
        let contest = Contest {
            a: placed(parse_cell(a)?, placing, &launcher),
            b: placed(parse_cell(b)?, placing, &launcher),
        };
        for cell in [&contest.a, &contest.b] {
            if cell.subject != NATIVE {
                let cell = cell.to_string();
                return Err(LauncherError::ForeignCell { cell }.into());
            }
        }
        let same = contest.a == contest.b;
        Ok(Self {
            same,
            names: [contest.a.to_string(), contest.b.to_string()],
            contests: vec![contest],
            launcher,
        })
    }

    /// Checks that every cell can have every phase that is judged.
    pub(super) fn check(&self, settings: &Settings) -> anyhow::Result<()> {
        let cells = self
            .contests
            .iter()
            .flat_map(|contest| [&contest.a, &contest.b]);
        if let Some(server) = cells.into_iter().find(|cell| cell.model().is_some()) {
            let cell = server.to_string();
            return Err(NoContest { cell }.into());
        }
        for (cell, phases) in self.contests.iter().flat_map(|contest| {
            let phases = settings.phases_of(contest);
            [(&contest.a, phases.clone()), (&contest.b, phases)]
        }) {
            let Some(mechanism) = cell.known() else {
                continue;
            };
            let foreign = cell.exec.is_some();
            let lacks = |phase: &&Phase| !mechanism.has(**phase, foreign);
            if let Some(phase) = phases.iter().find(lacks) {
                let has = mechanism
                    .phases()
                    .iter()
                    .filter(|phase| mechanism.has(**phase, foreign));
                let has: Vec<&str> = has.map(|phase| phase.name()).collect();
                return Err(NoSuchPhase {
                    cell: cell.to_string(),
                    phase: phase.name(),
                    has: has.join(", "),
                }
                .into());
            }
        }
        Ok(())
    }

    /// Two subjects, at the same cells.
    pub(super) fn of_subjects(
        a: &str,
        b: &str,
        cells: &[Cell],
        placing: &Placing,
    ) -> anyhow::Result<Self> {
        let arms = SubjectCommand::arms(a, b)?;
        for arm in &arms {
            let is_path = arm.program.components().count() > 1;
            if is_path && !arm.program.is_file() {
                let (arm, program) = (arm.name.clone(), arm.program.clone());
                return Err(LauncherError::NoProgram { arm, program }.into());
            }
        }
        let launcher = launcher(arms.to_vec(), placing)?;
        let of = |cell: &Cell, subject: &str| {
            let subject = subject.to_owned();
            let cell = Cell {
                subject,
                ..cell.clone()
            };
            placed(cell, placing, &launcher)
        };
        let contests = cells.iter().map(|cell| Contest {
            a: of(cell, "a"),
            b: of(cell, "b"),
        });
        Ok(Self {
            contests: contests.collect(),
            launcher,
            same: same_file(&arms),
            names: [a.to_owned(), b.to_owned()],
        })
    }
}

/// Whether both arms are started alike from files of the same bytes, as when a build was forgotten.
fn same_file([a, b]: &[SubjectCommand; 2]) -> bool {
    let bytes = |arm: &SubjectCommand| std::fs::read(&arm.program).ok();
    a.arguments == b.arguments && bytes(a).is_some_and(|of_a| bytes(b) == Some(of_a))
}

fn launcher(arms: Vec<SubjectCommand>, placing: &Placing) -> anyhow::Result<Launcher> {
    let native = SubjectCommand::native()?;
    let cpus = environment::choose_cpus();
    Ok(Launcher::new(native, arms, cpus, placing.exec)?)
}

fn placed(mut cell: Cell, placing: &Placing, launcher: &Launcher) -> Cell {
    if placing.free {
        cell.placement = Placement::Free;
    }
    if cell.known().is_none_or(Known::executes) {
        cell.exec = launcher.exec_name();
    }
    cell
}
