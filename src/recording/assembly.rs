//! From lines to a run: what reader and writer both make of `trials.jsonl`.
//!
//! The rules, which docs/FORMATS.md repeats for other readers:
//! - The first `run` line is the run's; later ones are ignored.
//! - Of two trials with one cell, arm and index the first counts.
//! - A cell with a `failed` line is failed, for the first reason given, wherever the line stands; one with
//!   trials is ok; one with a `skipped` line alone is skipped, for the last reason given.
//! - `finished` holds only if no trial, cell or life follows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::error::{RecordingError, plain};
use super::problems::Problems;
use super::recorded::Recorded;
use super::schema::{
    Cell, CellKey, CellLine, Life, Line, RUN_SCHEMA, Run, RunLine, Status, Trial, TrialLine,
};
use super::soundness::{MOST_CELLS, flaw, histogram_of, name_of_parts};
use super::summary::summarise_with;
use crate::mechanism::Phase;
use crate::statistics::Histogram;

/// Trials and lives in a run, and histogram buckets in memory (16 bytes each): far
/// above any real run, and a bound on what a hostile one costs.
const MOST_TRIALS: usize = 50_000;
const MOST_LIVES: usize = 2_000;
const MOST_BUCKETS: usize = 8_000_000;
/// What a histogram that turns out unreadable is charged: the work of refusing it.
const COST_OF_REFUSAL: usize = 30_000;

type Samples = BTreeMap<Phase, Histogram>;

/// A run as far as its lines have been taken in.
#[derive(Default)]
pub(super) struct Assembly {
    header: Option<RunLine>,
    cells: Vec<Gathered>,
    by_id: BTreeMap<String, usize>,
    trials: usize,
    buckets: usize,
    lives: Vec<Life>,
    finished: Option<String>,
    problems: Problems,
}

/// What is known of one cell.
struct Gathered {
    key: CellKey,
    trials: Vec<(Trial, Samples)>,
    indices: BTreeSet<(String, u32)>,
    skipped: Option<String>,
    failed: Option<String>,
    /// Made when asked for, and dropped when a trial comes: resampling is not done twice.
    summary: Option<BTreeMap<Phase, super::schema::PhaseSummary>>,
}

/// What tells a line of another version from garbage.
#[derive(Deserialize)]
struct Probe {
    line: String,
    schema: String,
}

impl Assembly {
    /// Takes in one line of a file, `ended` by a line end or cut off. What is wrong with it becomes a problem.
    ///
    /// # Errors
    /// [`RecordingError::Schema`] for a run of another version.
    pub(super) fn feed(
        &mut self,
        path: &Path,
        number: u64,
        text: &[u8],
        ended: bool,
    ) -> Result<(), RecordingError> {
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        let schema_error = |schema: &str| RecordingError::Schema {
            path: path.to_owned(),
            line: number,
            schema: plain(schema),
        };
        match serde_json::from_slice::<Line>(text) {
            Ok(Line::Run(header)) if header.schema != RUN_SCHEMA => {
                return Err(schema_error(&header.schema));
            }
            Ok(line) => match self.refusal(&line) {
                None => self.take(line),
                Some(reason) => self.problem(path, number, &reason),
            },
            Err(error) => {
                if let Ok(Probe { line, schema }) = serde_json::from_slice(text) {
                    if line == "run" && schema != RUN_SCHEMA {
                        return Err(schema_error(&schema));
                    }
                }
                let reason = match ended {
                    true => format!("left out, as it is no line of a run: {error}"),
                    false => format!("unfinished; its {} bytes are left out", text.len()),
                };
                self.problem(path, number, &reason);
            }
        }
        Ok(())
    }

    /// Notes what is wrong with a line.
    pub(super) fn problem(&mut self, path: &Path, number: u64, reason: &str) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.note(format!("{name}, line {number}: {}", plain(reason)));
    }

    /// Notes what is wrong, for a limited number of things.
    pub(super) fn note(&mut self, problem: String) {
        self.problems.note(problem);
    }

    /// Why a line cannot be taken in.
    pub(super) fn refusal(&self, line: &Line) -> Option<String> {
        let cell = match line {
            Line::Run(_) if self.header.is_some() => {
                return Some("a second line that names the run; left out".to_owned());
            }
            Line::Run(_) | Line::Finished(_) => return None,
            Line::Life(_) => {
                return (self.lives.len() >= MOST_LIVES)
                    .then(|| format!("left out: more than {MOST_LIVES} lives"));
            }
            Line::Trial(line) => &line.cell,
            Line::Cell(line) => &line.cell,
        };
        let known = self.by_id.get(&cell.id).map(|&at| &self.cells[at]);
        if known.is_some_and(|known| known.key != *cell) {
            return Some(format!(
                "cell `{}` was another one before; left out",
                cell.id
            ));
        }
        if known.is_none() && self.cells.len() >= MOST_CELLS {
            return Some(format!("left out: more than {MOST_CELLS} cells"));
        }
        match line {
            Line::Cell(line) if line.status == Status::Ok => Some(format!(
                "left out: cell `{}` is said to be ok, which only trials can say",
                cell.id
            )),
            Line::Trial(line) => self.trial_refusal(line, known),
            _ => None,
        }
    }

    fn trial_refusal(&self, line: &TrialLine, known: Option<&Gathered>) -> Option<String> {
        let TrialLine { cell, trial } = line;
        let name = || format!("trial {} of cell `{}`", trial.index, cell.id);
        if self.trials >= MOST_TRIALS {
            return Some(format!(
                "{} left out: more than {MOST_TRIALS} trials",
                name()
            ));
        }
        if known.is_some_and(|known| known.indices.contains(&(trial.arm.clone(), trial.index))) {
            return Some(format!("{} is there twice; the first counts", name()));
        }
        flaw(trial).map(|flaw| format!("{} left out: {flaw}", name()))
    }

    /// Takes in a line for which there is no [`Assembly::refusal`].
    pub(super) fn take(&mut self, line: Line) {
        if !matches!(line, Line::Run(_)) {
            self.finished = None;
        }
        match line {
            Line::Run(header) => self.header = Some(*header),
            Line::Trial(line) => self.take_trial(*line),
            Line::Cell(line) => self.take_cell(*line),
            // Of a cell told twice, by two targets of one `cargo bench`, the later one stands.
            Line::Life(life) => match self.lives.iter_mut().find(|told| told.cell == life.cell) {
                Some(told) => *told = *life,
                None => self.lives.push(*life),
            },
            Line::Finished(line) => self.finished = Some(line.finished),
        }
    }

    fn take_trial(&mut self, line: TrialLine) {
        let TrialLine { cell, trial } = line;
        let mut samples = Samples::new();
        for (phase, measured) in &trial.phases {
            let read = match measured.histogram.as_deref() {
                _ if self.buckets >= MOST_BUCKETS => Err("too much in this run for it".to_owned()),
                None => Err("there is none".to_owned()),
                Some(text) => histogram_of(text, &measured.quantiles),
            };
            match read {
                Ok(histogram) => {
                    self.buckets += histogram.distinct();
                    samples.insert(*phase, histogram);
                }
                Err(reason) => {
                    self.buckets += COST_OF_REFUSAL;
                    let (id, index) = (plain(&cell.id), trial.index);
                    let phase = phase.name();
                    self.note(format!(
                        "trial {index} of cell `{id}` goes without its histogram of `{phase}`: {reason}"
                    ));
                }
            }
        }
        self.trials += 1;
        let gathered = self.cell(cell);
        gathered.indices.insert((trial.arm.clone(), trial.index));
        gathered.trials.push((trial, samples));
        gathered.summary = None;
    }

    fn take_cell(&mut self, line: CellLine) {
        let gathered = self.cell(line.cell);
        match line.status {
            Status::Failed if gathered.failed.is_none() => gathered.failed = Some(line.reason),
            Status::Skipped => gathered.skipped = Some(line.reason),
            _ => {}
        }
    }

    /// The cell with a key, new if need be.
    fn cell(&mut self, key: CellKey) -> &mut Gathered {
        let at = match self.by_id.get(&key.id) {
            Some(&at) => at,
            None => {
                if let Some(parts) = name_of_parts(&key) {
                    let said = plain(&key.id);
                    self.note(format!(
                        "cell `{said}` is named so, but its parts make `{parts}`"
                    ));
                }
                self.by_id.insert(key.id.clone(), self.cells.len());
                self.cells.push(Gathered {
                    key,
                    trials: Vec::new(),
                    indices: BTreeSet::new(),
                    skipped: None,
                    failed: None,
                    summary: None,
                });
                self.cells.len() - 1
            }
        };
        &mut self.cells[at]
    }

    /// The line that names the run, if one came.
    pub(super) fn header(&self) -> Option<&RunLine> {
        self.header.as_ref()
    }

    /// Whether a cell has a trial of this arm and index.
    pub(super) fn has(&self, cell: &str, arm: &str, index: u32) -> bool {
        let cell = self.by_id.get(cell).map(|&at| &self.cells[at]);
        cell.is_some_and(|cell| cell.indices.contains(&(arm.to_owned(), index)))
    }

    /// The index after the last that a trial of this cell and arm has.
    pub(super) fn next_index(&self, cell: &str, arm: &str) -> u32 {
        let Some(&at) = self.by_id.get(cell) else {
            return 0;
        };
        let of_arm = (arm.to_owned(), 0)..=(arm.to_owned(), u32::MAX);
        let last = self.cells[at].indices.range(of_arm).next_back();
        last.map_or(0, |(_, index)| index.saturating_add(1))
    }

    /// Every trial taken in, in order of its start.
    pub(super) fn trials(&self) -> Vec<(&CellKey, &Trial)> {
        let mut all = Vec::new();
        for cell in &self.cells {
            all.extend(cell.trials.iter().map(|(trial, _)| (&cell.key, trial)));
        }
        all.sort_by(|a, b| a.1.started.cmp(&b.1.started));
        all
    }

    /// The run as it stands; `None` before a line has named it.
    pub(super) fn run(&mut self) -> Option<Run> {
        let header = self.header.clone()?;
        Some(Run {
            schema: RUN_SCHEMA.to_owned(),
            id: header.id,
            started: header.started,
            finished: self.finished.clone(),
            seed: header.seed,
            command: header.command,
            tool: header.tool,
            host: header.host,
            cells: self.cells.iter_mut().map(Gathered::cell).collect(),
            lives: self.lives.clone(),
        })
    }

    /// The run with what `run.json` leaves out; `None` before a line has named it.
    pub(super) fn recorded(mut self) -> Option<Recorded> {
        let run = self.run()?;
        let mut histograms = BTreeMap::new();
        let mut trial_histograms = BTreeMap::new();
        for cell in self.cells {
            let trials: Vec<Samples> = cell.trials.into_iter().map(|trial| trial.1).collect();
            let mut pooled: Samples = BTreeMap::new();
            for (phase, samples) in trials.iter().flatten() {
                pooled.entry(*phase).or_default().add(samples);
            }
            histograms.insert(cell.key.id.clone(), pooled);
            trial_histograms.insert(cell.key.id, trials);
        }
        Some(Recorded {
            run,
            histograms,
            trial_histograms,
            problems: self.problems.into_words(),
        })
    }
}

impl Gathered {
    fn cell(&mut self) -> Cell {
        let summary = self.summary.get_or_insert_with(|| {
            let pairs: Vec<_> = self.trials.iter().map(|(t, s)| (t, s)).collect();
            summarise_with(&pairs)
        });
        let (status, reason) = match (&self.failed, self.trials.is_empty(), &self.skipped) {
            (Some(reason), _, _) => (Status::Failed, Some(reason.clone())),
            (None, true, Some(reason)) => (Status::Skipped, Some(reason.clone())),
            (None, _, _) => (Status::Ok, None),
        };
        let key = self.key.clone();
        Cell {
            id: key.id,
            subject: key.subject,
            mechanism: key.mechanism,
            footprint: key.footprint,
            message: key.message,
            placement: key.placement,
            exec: key.exec,
            version: key.version,
            native: key.native,
            rate: key.rate,
            status,
            reason,
            phases: summary.clone(),
            trials: self.trials.iter().map(|(trial, _)| bare(trial)).collect(),
        }
    }
}

/// A trial as `run.json` has it: without histograms.
fn bare(trial: &Trial) -> Trial {
    let mut bare = trial.clone();
    for measured in bare.phases.values_mut() {
        measured.histogram = None;
    }
    bare
}
