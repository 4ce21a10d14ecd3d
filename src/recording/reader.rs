//! Reading a run back. Everything in it is untrusted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::assembly::Assembly;
use super::directory::{RUN, TRIALS};
use super::error::{RecordingError, plain};
use super::interval_log;
use super::journal::{MOST_BYTES, too_long};
use super::lines::next_line;
use super::problems::Problems;
use super::recorded::Recorded;
use super::schema::{Line, RUN_SCHEMA, Run, RunLine};
use super::soundness::sift;

/// Reads a run: its directory, a link to that such as `latest`, its `trials.jsonl` or its `run.json`.
///
/// `trials.jsonl` is the truth and everything is made from it; a `run.json` beside it is looked at only
/// where the line that names the run is lost. A `run.json` alone is read as it is, with the
/// histograms from `histograms.hlog` if that is there. Lines that can't be read are left out and said in
/// [`Recorded::problems`].
///
/// # Errors
/// Where there is no run, it is of another version, or too large; where nothing says what run it is.
pub fn read(path: &Path) -> Result<Recorded, RecordingError> {
    let directory = locate(path)?;
    let named = path
        .file_name()
        .is_some_and(|name| name == RUN || name == TRIALS);
    if path.is_dir() || named {
        let trials = directory.join(TRIALS);
        if exists(&trials)? {
            return read_trials(&trials, &directory.join(RUN));
        }
        let run = directory.join(RUN);
        if exists(&run)? {
            return read_run(&run);
        }
        return Err(RecordingError::NoRun { path: directory });
    }
    match path.extension() {
        Some(extension) if extension == "jsonl" => read_trials(path, &directory.join(RUN)),
        _ => read_run(path),
    }
}

/// The directory of the run that a path names: itself, or the one that holds the file.
///
/// # Errors
/// Where nothing is there.
pub fn locate(path: &Path) -> Result<PathBuf, RecordingError> {
    let there = match fs::metadata(path) {
        Ok(there) => there,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(RecordingError::Missing {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(RecordingError::io("read", path, error)),
    };
    if there.is_dir() {
        return Ok(path.to_owned());
    }
    Ok(folder_of(path).to_owned())
}

/// The folder that a file lies in: the current one where its path names none.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn exists(path: &Path) -> Result<bool, RecordingError> {
    path.try_exists()
        .map_err(|error| RecordingError::io("read", path, error))
}

/// Opens an ordinary file of a size that is read. Asking before opening: opening a pipe would wait.
fn open(path: &Path) -> Result<impl Read + use<>, RecordingError> {
    let failed = |error| RecordingError::io("read", path, error);
    let there = fs::metadata(path).map_err(failed)?;
    let path = path.to_owned();
    if !there.is_file() {
        return Err(RecordingError::NotAFile { path });
    }
    if there.len() > MOST_BYTES {
        return Err(RecordingError::TooLarge {
            path,
            bytes: there.len(),
            limit: MOST_BYTES,
        });
    }
    // It may grow while it is read.
    File::open(&path)
        .map(|file| file.take(MOST_BYTES))
        .map_err(|error| RecordingError::io("read", &path, error))
}

fn read_trials(path: &Path, run: &Path) -> Result<Recorded, RecordingError> {
    let mut assembly = Assembly::default();
    let mut reader = BufReader::new(open(path)?);
    let mut number = 0;
    loop {
        let line =
            next_line(&mut reader).map_err(|error| RecordingError::io("read", path, error))?;
        let Some(line) = line else { break };
        number += 1;
        match line.bytes {
            None => assembly.problem(path, number, &too_long()),
            Some(text) => assembly.feed(path, number, &text, line.ended)?,
        }
    }
    if assembly.header().is_none() {
        let header = header_from(run).ok_or_else(|| RecordingError::NoHeader {
            path: path.to_owned(),
        })?;
        assembly.note(format!("{TRIALS} does not name its run; {RUN} does"));
        assembly.take(Line::Run(Box::new(header)));
    }
    assembly.recorded().ok_or_else(|| RecordingError::NoHeader {
        path: path.to_owned(),
    })
}

/// What `run.json` says of the run, where `trials.jsonl` has lost it.
fn header_from(path: &Path) -> Option<RunLine> {
    let run = parse_run(path).ok()?;
    Some(header_of(&run))
}

fn header_of(run: &Run) -> RunLine {
    RunLine {
        schema: RUN_SCHEMA.to_owned(),
        id: run.id.clone(),
        started: run.started.clone(),
        seed: run.seed,
        command: run.command.clone(),
        tool: run.tool.clone(),
        host: run.host.clone(),
        sitting: String::new(),
    }
}

/// What tells a run of another version from garbage.
#[derive(Deserialize)]
struct Probe {
    schema: String,
}

fn parse_run(path: &Path) -> Result<Run, RecordingError> {
    let mut text = Vec::new();
    open(path)?
        .read_to_end(&mut text)
        .map_err(|error| RecordingError::io("read", path, error))?;
    let parsed: Result<Run, _> = serde_json::from_slice(&text);
    let schema = match &parsed {
        Ok(run) => Some(run.schema.clone()),
        Err(_) => serde_json::from_slice::<Probe>(&text)
            .ok()
            .map(|probe| probe.schema),
    };
    if let Some(schema) = schema.filter(|schema| schema != RUN_SCHEMA) {
        return Err(RecordingError::Schema {
            path: path.to_owned(),
            line: 1,
            schema: plain(&schema),
        });
    }
    parsed.map_err(|error| RecordingError::Malformed {
        path: path.to_owned(),
        line: error.line() as u64,
        reason: plain(&error.to_string()),
    })
}

/// Reads a `run.json` that has no `trials.jsonl` beside it.
fn read_run(path: &Path) -> Result<Recorded, RecordingError> {
    let mut run = parse_run(path)?;
    let mut problems = Problems::default();
    sift(&mut run, &mut problems);
    let log = path.with_file_name(interval_log::NAME);
    let histograms = match open(&log) {
        Ok(file) => interval_log::read(&mut BufReader::new(file), &run.cells, &mut problems)
            .map_err(|error| RecordingError::io("read", &log, error))?,
        Err(_) => BTreeMap::new(),
    };
    if histograms.is_empty() && run.cells.iter().any(|cell| !cell.trials.is_empty()) {
        problems.note(format!(
            "histograms are missing: {} has none, and {TRIALS} is not there",
            path.display()
        ));
    }
    Ok(Recorded {
        run,
        histograms,
        trial_histograms: BTreeMap::new(),
        problems: problems.into_words(),
    })
}
