//! `samples/`: every sample in order, one text file for each trial.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use super::directory::{file_name, replace};
use super::error::RecordingError;
use super::journal::MOST_BYTES;
use super::lines::next_line;
use super::schema::CellKey;
use crate::mechanism::Phase;
use crate::protocol::TimedSample;

/// A line's phases: those of a child's life, of writes, of a channel, or of requests.
const KINDS: [&[Phase]; 4] = [
    &Phase::LIFE,
    &Phase::WRITES,
    &Phase::CHANNEL,
    &Phase::REQUESTS,
];

fn heading(kind: &[Phase]) -> String {
    let names: Vec<&str> = kind.iter().map(|phase| phase.name()).collect();
    names.join(",")
}

fn path_of(directory: &Path, cell: &CellKey, arm: &str, index: u32) -> PathBuf {
    let mut name = file_name(&cell.id);
    if !arm.is_empty() {
        name.push_str(&format!("-{}", file_name(arm)));
    }
    directory
        .join("samples")
        .join(format!("{name}-{index}.csv"))
}

/// Writes the samples of one trial.
pub(super) fn write(
    directory: &Path,
    cell: &CellKey,
    arm: &str,
    index: u32,
    rows: &[TimedSample],
) -> Result<(), RecordingError> {
    let path = path_of(directory, cell, arm, index);
    let folder = directory.join("samples");
    fs::create_dir_all(&folder).map_err(|error| RecordingError::io("make", &folder, error))?;
    let has_any = |kind: &&[Phase]| {
        let mut all = rows
            .iter()
            .flat_map(|row| kind.iter().map(|&phase| row.get(phase)));
        all.any(|time| time.is_some())
    };
    let kind = KINDS.into_iter().find(has_any).unwrap_or(&Phase::LIFE);
    replace(&path, |file| {
        writeln!(file, "{}", heading(kind))?;
        for row in rows {
            let of = |&phase| row.get(phase).map(|ns| ns.to_string()).unwrap_or_default();
            let line: Vec<String> = kind.iter().map(of).collect();
            writeln!(file, "{}", line.join(","))?;
        }
        Ok(())
    })
}

/// Reads the samples of one trial back; `None` where they were not kept.
///
/// # Errors
/// Where the file can't be read, is too large, or a line is no sample.
pub fn read_samples(
    directory: &Path,
    cell: &CellKey,
    arm: &str,
    index: u32,
) -> Result<Option<Vec<TimedSample>>, RecordingError> {
    let path = path_of(directory, cell, arm, index);
    let failed = |error| RecordingError::io("read", &path, error);
    let bytes = match fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
        Ok(there) if !there.is_file() => return Err(RecordingError::NotAFile { path }),
        Ok(there) => there.len(),
    };
    if bytes > MOST_BYTES {
        return Err(RecordingError::TooLarge {
            path,
            bytes,
            limit: MOST_BYTES,
        });
    }
    let mut reader = BufReader::new(File::open(&path).map_err(failed)?);
    let mut rows = Vec::new();
    let mut number = 0;
    let mut kind = None;
    while let Some(line) = next_line(&mut reader).map_err(failed)? {
        number += 1;
        let text = line.bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let understood = match (text.as_deref(), kind) {
            (Some(text), None) => {
                kind = KINDS.into_iter().find(|kind| heading(kind) == text);
                kind.is_some()
            }
            (Some(text), Some(kind)) => {
                let row = row_of(text, kind);
                rows.extend(row);
                row.is_some()
            }
            (None, _) => false,
        };
        if !understood {
            let kinds = KINDS
                .map(|kind| format!("`{}`", heading(kind)))
                .join(" or ");
            return Err(RecordingError::Malformed {
                path,
                line: number,
                reason: format!("no sample; a line is {kinds} in nanoseconds"),
            });
        }
    }
    Ok(Some(rows))
}

fn row_of(text: &str, kind: &[Phase]) -> Option<TimedSample> {
    let mut columns = text.split(',').map(|column| match column {
        "" => Some(None),
        column => column.parse().ok().map(Some),
    });
    let mut row = TimedSample::default();
    for &phase in kind {
        if let Some(time) = columns.next()?? {
            row.set(phase, time);
        }
    }
    columns.next().is_none().then_some(row)
}
