//! Writing a run as its trials finish.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::assembly::Assembly;
use super::directory::{RUN, TRIALS, find_sitting, make, open_parent, point_latest, replace, sync};
use super::error::RecordingError;
use super::interval_log;
use super::journal::{Journal, lock};
use super::samples;
use super::schema::{CellKey, FinishedLine, Line, RunLine};
use crate::protocol::TimedSample;

/// How often `run.json` is made anew while a run is under way.
const BETWEEN_RUN_FILES: Duration = Duration::from_secs(1);

/// A run that is being written. Call it between trials only: it writes and syncs files.
///
/// When [`RunWriter::append`] has returned, the line survives whatever happens to this process. Files
/// that are derived from `trials.jsonl` are brought up to date at most once a second, and by
/// [`RunWriter::flush`] and [`RunWriter::finish`]; that they cannot be written fails only those two.
pub struct RunWriter {
    directory: PathBuf,
    journal: Journal,
    assembly: Assembly,
    run_written: Option<Instant>,
    log_is_behind: bool,
}

impl RunWriter {
    /// Begins a run in a directory of its own in `parent`, called by `header.id` (-2, -3 … added where
    /// that is taken), and points `parent/latest` to it.
    ///
    /// # Errors
    /// Where the directory, its files or the link can't be made.
    pub fn create(parent: &Path, header: RunLine) -> Result<Self, RecordingError> {
        let folder = open_parent(parent)?;
        let _alone = lock(&folder, parent)?;
        Self::begin(parent, header, true)
    }

    /// As [`RunWriter::create`], for a run that nobody asked for: `parent/latest` stays what it was.
    ///
    /// # Errors
    /// As [`RunWriter::create`].
    pub fn create_aside(parent: &Path, header: RunLine) -> Result<Self, RecordingError> {
        let folder = open_parent(parent)?;
        let _alone = lock(&folder, parent)?;
        Self::begin(parent, header, false)
    }

    /// Goes on with the newest run in `parent` of this `sitting`, or begins one. All targets of one `cargo
    /// bench` are one sitting; the empty one joins nothing.
    ///
    /// # Errors
    /// As [`RunWriter::create`], and where the run that is there can't be read.
    pub fn join(parent: &Path, sitting: &str, header: RunLine) -> Result<Self, RecordingError> {
        let folder = open_parent(parent)?;
        let _alone = lock(&folder, parent)?;
        let found = match sitting {
            "" => None,
            _ => find_sitting(parent, sitting),
        };
        match found {
            Some(directory) => {
                let writer = Self::resume(directory)?;
                // Whoever began it may have been killed before it could.
                let name = writer.directory.file_name().unwrap_or_default();
                point_latest(parent, Path::new(name))?;
                Ok(writer)
            }
            None => Self::begin(
                parent,
                RunLine {
                    sitting: sitting.to_owned(),
                    ..header
                },
                true,
            ),
        }
    }

    fn begin(parent: &Path, mut header: RunLine, is_latest: bool) -> Result<Self, RecordingError> {
        let (directory, name) = make(parent, &header.id)?;
        header.id = name;
        Self::fill(parent, &directory, header, is_latest).inspect_err(|_| {
            // Nothing is in it yet that anyone could miss.
            let _ = fs::remove_dir_all(&directory);
        })
    }

    fn fill(
        parent: &Path,
        directory: &Path,
        header: RunLine,
        is_latest: bool,
    ) -> Result<Self, RecordingError> {
        let name = header.id.clone();
        let mut writer = Self::resume(directory.to_owned())?;
        writer.append(Line::Run(Box::new(header)))?;
        writer.rebuild_log()?;
        sync(directory)?;
        sync(parent)?;
        if is_latest {
            point_latest(parent, Path::new(&name))?;
        }
        Ok(writer)
    }

    fn resume(directory: PathBuf) -> Result<Self, RecordingError> {
        let mut writer = Self {
            journal: Journal::open(directory.join(TRIALS))?,
            directory,
            assembly: Assembly::default(),
            run_written: None,
            log_is_behind: true,
        };
        let _alone = writer.journal.lock()?;
        writer.journal.catch_up(&mut writer.assembly)?;
        if writer.assembly.header().is_some() {
            writer.rebuild_log()?;
        }
        Ok(writer)
    }

    /// The run's directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The index that the next trial of a cell and arm takes: trials of this cell may stand in the run
    /// already, from another target of the same sitting.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn next_index(&mut self, cell: &str, arm: &str) -> Result<u32, RecordingError> {
        let _alone = self.journal.lock()?;
        self.journal.catch_up(&mut self.assembly)?;
        Ok(self.assembly.next_index(cell, arm))
    }

    /// Records a line. A trial whose index is taken gets the next free one.
    ///
    /// # Errors
    /// Where there is no room or the file can't be written, which is then as it was before; and where the
    /// line contradicts itself or the run.
    pub fn append(&mut self, mut line: Line) -> Result<(), RecordingError> {
        let _alone = self.journal.lock()?;
        self.journal.catch_up(&mut self.assembly)?;
        if let Line::Trial(line) = &mut line {
            let (cell, trial) = (&line.cell.id, &mut line.trial);
            if self.assembly.has(cell, &trial.arm, trial.index) {
                trial.index = self.assembly.next_index(cell, &trial.arm);
            }
        }
        if let Some(reason) = self.assembly.refusal(&line) {
            return Err(RecordingError::Refused {
                path: self.journal.path().to_owned(),
                reason,
            });
        }
        self.journal.append(&line)?;
        if let Line::Trial(line) = &line {
            let appended = interval_log::append(&self.directory, &line.cell, &line.trial);
            self.log_is_behind |= appended.is_err();
        }
        self.assembly.take(line);
        let due = (self.run_written).is_none_or(|written| written.elapsed() >= BETWEEN_RUN_FILES);
        if due {
            // Derived, and made anew in a second: `flush` and `finish` tell if it still fails then.
            let _ = self.write_run();
        }
        Ok(())
    }

    /// Keeps every sample of a trial, in order, in a file of its own under `samples/`.
    ///
    /// # Errors
    /// Where the file can't be written; a part of it is not left behind.
    pub fn keep_samples(
        &self,
        cell: &CellKey,
        arm: &str,
        index: u32,
        rows: &[TimedSample],
    ) -> Result<(), RecordingError> {
        samples::write(&self.directory, cell, arm, index, rows)
    }

    /// Brings `run.json` and `histograms.hlog` up to date, without saying that the run has ended.
    ///
    /// # Errors
    /// Where one of them can't be written.
    pub fn flush(&mut self) -> Result<(), RecordingError> {
        let _alone = self.journal.lock()?;
        self.journal.catch_up(&mut self.assembly)?;
        if self.log_is_behind {
            self.rebuild_log()?;
        }
        self.write_run()
    }

    /// Says that the run ended at `finished` (RFC 3339), and brings everything up to date. A later trial,
    /// from another target of the sitting, takes it back.
    ///
    /// # Errors
    /// As [`RunWriter::append`] and [`RunWriter::flush`].
    pub fn finish(&mut self, finished: &str) -> Result<(), RecordingError> {
        self.append(Line::Finished(FinishedLine {
            finished: finished.to_owned(),
        }))?;
        self.flush()
    }

    /// The caller holds the lock and has caught up.
    fn write_run(&mut self) -> Result<(), RecordingError> {
        self.run_written = Some(Instant::now());
        let Some(run) = self.assembly.run() else {
            return Ok(());
        };
        replace(&self.directory.join(RUN), |mut file| {
            serde_json::to_writer(&mut file, &run)?;
            file.write_all(b"\n")
        })
    }

    /// The caller holds the lock and has caught up.
    fn rebuild_log(&mut self) -> Result<(), RecordingError> {
        if let Some(header) = self.assembly.header() {
            interval_log::rebuild(&self.directory, header, &self.assembly.trials())?;
            self.log_is_behind = false;
        }
        Ok(())
    }
}

/// Makes `run.json` and `histograms.hlog` in a run's directory anew from its `trials.jsonl`, and mends an
/// end that a crash left unfinished.
///
/// # Errors
/// Where the directory has no `trials.jsonl`, it can't be read, or the others can't be written.
pub fn rebuild(directory: &Path) -> Result<(), RecordingError> {
    if !directory.join(TRIALS).is_file() {
        return Err(RecordingError::NoRun {
            path: directory.to_owned(),
        });
    }
    RunWriter::resume(directory.to_owned())?.flush()
}
