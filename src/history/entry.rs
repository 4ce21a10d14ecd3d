//! What of a run goes into the store.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::digest::Digest;
use super::figures::{TrialFigures, pack};
use super::fingerprint::{StoredHost, clipped};
use super::levels::{Levels, Unmeasured, status_word};
use super::moment;
use super::selection::Source;
use crate::mechanism::Phase;
use crate::recording::{CALIBRATES, Cell, Recorded, Status, TrialPhase, plain};
use crate::statistics::Histogram;

/// Bytes that an id may have, of a run or a cell.
const LONGEST_ID: usize = 1_024;
/// Bytes of a reason that are kept.
const LONGEST_REASON: usize = 1_024;

/// What was measured, as whoever adds a run says it: no run knows it by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// The commit.
    pub commit: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// What the host shall be called instead of its own name.
    pub host_name: Option<String>,
}

/// A run as the store takes it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who measured.
    pub source: Source,
    /// The run's id.
    pub id: String,
    /// Its seed, which tells runs of one id apart; 0 for Criterion.
    pub seed: u64,
    /// When it began, in seconds since 1970.
    pub started: i64,
    /// When it ended, likewise; `None` if it did not.
    pub finished: Option<i64>,
    /// On which host.
    pub host: StoredHost,
    /// Under which kernel, where that is known.
    pub kernel: Option<StoredHost>,
    /// The commit of what was measured.
    pub commit: Option<String>,
    /// The branch of what was measured.
    pub branch: Option<String>,
    /// Where it lies.
    pub path: Option<PathBuf>,
    /// The program that measured, with its version.
    pub tool: String,
    /// Each phase of each cell that has figures.
    pub levels: Vec<Levels>,
    /// The cells that have none, and why.
    pub unmeasured: Vec<Unmeasured>,
    /// What of the run was left out, in words. They are not stored.
    pub warnings: Vec<String>,
}

/// Why a run can't go into the store.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Its trials are those of `forkbench ab`.
    #[error(
        "run `{run}` has trials of an A/B comparison alone: they are half of a pair, and no level to be compared with other days. Add runs of `forkbench run` or `cargo bench`"
    )]
    Arms {
        /// The run's id.
        run: String,
    },
    /// `forkbench predict` made it for one parent.
    #[error(
        "run `{run}` is a calibration of `forkbench predict`: its cells are of one parent's size, once. Add runs of `forkbench run` or `cargo bench`"
    )]
    Calibration {
        /// The run's id.
        run: String,
    },
    /// There is nothing in it.
    #[error("run `{run}` has no cells yet: add it when it is done")]
    Nothing {
        /// The run's id.
        run: String,
    },
    /// It says of no moment when it began.
    #[error(
        "run `{run}` began at `{started}`, which is no moment after 1970 in RFC 3339; restore its trials.jsonl"
    )]
    Started {
        /// The run's id.
        run: String,
        /// What it says.
        started: String,
    },
    /// Its id is no name.
    #[error(
        "a run's id of {bytes} bytes begins with `{run}`, and at most {LONGEST_ID} are kept; restore its trials.jsonl"
    )]
    Id {
        /// The beginning.
        run: String,
        /// All of it.
        bytes: usize,
    },
}

impl Entry {
    /// What of a recorded run is kept. `path` is where it lies; `labels` is asked for those of a run that began at
    /// that moment.
    ///
    /// # Errors
    /// Where nothing in it can be compared with other runs.
    pub fn of_run(
        recorded: &Recorded,
        path: Option<&Path>,
        labels: impl FnOnce(SystemTime) -> Labels,
    ) -> Result<Self, EntryError> {
        let run = &recorded.run;
        let name = plain(&run.id);
        if run.id.len() > LONGEST_ID {
            let bytes = run.id.len();
            return Err(EntryError::Id { run: name, bytes });
        }
        if run.tool.driver == CALIBRATES {
            return Err(EntryError::Calibration { run: name });
        }
        let Some(started) = moment::of_text(&run.started) else {
            let started = plain(&run.started);
            return Err(EntryError::Started { run: name, started });
        };
        let labels = labels(moment::of_seconds(started));
        let mut entry = Self {
            source: Source::Forkbench,
            id: run.id.clone(),
            seed: run.seed,
            started,
            finished: run.finished.as_deref().and_then(moment::of_text),
            host: StoredHost::of(&run.host, labels.host_name.as_deref()),
            kernel: Some(StoredHost::kernel_of(&run.host)),
            commit: labels.commit,
            branch: labels.branch,
            path: path.map(Path::to_owned),
            tool: format!("forkbench {}", clipped(&run.tool.version, LONGEST_ID)),
            levels: Vec::new(),
            unmeasured: Vec::new(),
            warnings: recorded.problems.clone(),
        };
        let mut arms = false;
        for cell in &run.cells {
            arms |= cell.trials.iter().any(|trial| !trial.arm.is_empty());
            entry.take(recorded, cell);
        }
        match (entry.levels.is_empty() && entry.unmeasured.is_empty(), arms) {
            (true, true) => Err(EntryError::Arms { run: name }),
            (true, false) => Err(EntryError::Nothing { run: name }),
            (false, _) => Ok(entry),
        }
    }

    fn take(&mut self, recorded: &Recorded, cell: &Cell) {
        if cell.id.len() > LONGEST_ID {
            let id = plain(&cell.id);
            self.warnings
                .push(format!("`{id}` was left out: its id is endless"));
            return;
        }
        if cell.status != Status::Ok {
            let reason = cell.reason.as_deref();
            self.unmeasured.push(Unmeasured {
                cell: cell.id.clone(),
                status: cell.status,
                reason: reason.map(|reason| clipped(reason, LONGEST_REASON).to_owned()),
            });
            return;
        }
        for phase in Phase::ALL {
            match trials_of(recorded, cell, phase) {
                Ok(trials) if trials.is_empty() => {}
                Ok(trials) => self.levels.push(Levels {
                    cell: cell.id.clone(),
                    phase: Some(phase),
                    trials,
                    written: None,
                }),
                Err(why) => self.warnings.push(format!(
                    "`{}` was left out of `{}`: {why}",
                    phase.name(),
                    plain(&cell.id)
                )),
            }
        }
    }

    /// How many cells have figures.
    pub fn cells(&self) -> usize {
        let mut ids: Vec<&str> = self
            .levels
            .iter()
            .map(|level| level.cell.as_str())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    }

    /// What tells its figures from others, whatever order they stand in.
    pub(super) fn digest(&self) -> [u8; 16] {
        let mut levels: Vec<_> = self.levels.iter().collect();
        levels.sort_by(|a, b| (&a.cell, a.phase).cmp(&(&b.cell, b.phase)));
        let mut unmeasured: Vec<_> = self.unmeasured.iter().collect();
        unmeasured.sort_by(|a, b| a.cell.cmp(&b.cell));
        let mut digest = Digest::new();
        digest.add_number(self.started as u64);
        digest.add_number(levels.len() as u64);
        for level in levels {
            digest.add(level.cell.as_bytes());
            digest.add(level.phase_word().as_bytes());
            digest.add(&pack(&level.trials));
        }
        for cell in unmeasured {
            digest.add(cell.cell.as_bytes());
            digest.add(status_word(cell.status).as_bytes());
            digest.add(cell.reason.as_deref().unwrap_or_default().as_bytes());
        }
        digest.bytes()
    }
}

/// The trials of a phase that are no arm of a comparison, or why they can't be had.
fn trials_of(
    recorded: &Recorded,
    cell: &Cell,
    phase: Phase,
) -> Result<Vec<TrialFigures>, &'static str> {
    let histograms = recorded.trial_histograms.get(&cell.id);
    let mut trials = Vec::new();
    for (number, trial) in cell.trials.iter().enumerate() {
        let Some(measured) = trial.phases.get(&phase).filter(|_| trial.arm.is_empty()) else {
            continue;
        };
        let samples = histograms.and_then(|all| all.get(number)?.get(&phase));
        let figures = figures_of(measured, samples).ok_or(
            "a trial has too few samples for a p10 of its own, and its histogram is not there; restore trials.jsonl",
        )?;
        if figures.p10 == 0 {
            return Err("a trial's p10 is 0 ns: the clock is too coarse for it");
        }
        trials.push(figures);
    }
    Ok(trials)
}

/// A trial's own quantiles; where its samples are too few for one to be recorded, the same order statistic from its
/// histogram, which is off by 0.1 % at the most.
fn figures_of(measured: &TrialPhase, samples: Option<&Histogram>) -> Option<TrialFigures> {
    let own = &measured.quantiles;
    let counted = |q: f64| samples.map(|samples| samples.at(q).clamp(own.min, own.max));
    Some(TrialFigures {
        count: own.count,
        p10: own.p10.or_else(|| counted(0.10))?,
        p50: own.p50.or_else(|| counted(0.50))?,
        p90: own.p90,
        p99: own.p99,
    })
}
