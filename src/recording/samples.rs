//! `samples/`: every sample in order, one text file for each trial.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use super::directory::{file_name, replace};
use super::error::RecordingError;
use super::journal::MOST_BYTES;
use super::lines::next_line;
use super::schema::CellKey;
use crate::protocol::TimedSample;

const HEADING: &str = "call,start,exec,reap";

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
    replace(&path, |file| {
        writeln!(file, "{HEADING}")?;
        for row in rows {
            let [call, start, exec, reap] = row
                .phases
                .map(|ns| ns.map(|ns| ns.to_string()).unwrap_or_default());
            writeln!(file, "{call},{start},{exec},{reap}")?;
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
    while let Some(line) = next_line(&mut reader).map_err(failed)? {
        number += 1;
        let text = line.bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        match text.as_deref() {
            Some(HEADING) if number == 1 => {}
            Some(text) if number > 1 && row_of(text).is_some() => rows.extend(row_of(text)),
            _ => {
                return Err(RecordingError::Malformed {
                    path,
                    line: number,
                    reason: format!("no sample; a line is `{HEADING}` in nanoseconds"),
                });
            }
        }
    }
    Ok(Some(rows))
}

fn row_of(text: &str) -> Option<TimedSample> {
    let mut columns = text.split(',').map(|column| match column {
        "" => Some(None),
        column => column.parse().ok().map(Some),
    });
    let mut row = TimedSample::default();
    for phase in &mut row.phases {
        *phase = columns.next()??;
    }
    columns.next().is_none().then_some(row)
}
