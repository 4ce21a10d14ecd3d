//! `histograms.hlog`: an HdrHistogram V2 interval log, for the tools that read those.
//!
//! Derived from `trials.jsonl`; the histograms' text is the same. Times in the log's own columns are
//! seconds, and the histograms count nanoseconds.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::BufRead;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::directory::{replace, seconds};
use super::error::RecordingError;
use super::lines::next_line;
use super::problems::Problems;
use super::schema::{Cell, CellKey, RunLine, Trial};
use crate::mechanism::Phase;
use crate::statistics::{Histogram, log_tag};

/// The file's name.
pub(super) const NAME: &str = "histograms.hlog";

fn tag(cell: &str, phase: Phase) -> String {
    log_tag(&format!("{cell}:{}", phase.name()))
}

fn heading(header: &RunLine) -> String {
    format!(
        "#[Histogram log format version 1.3]\n\
         #[forkbench {}; histograms count nanoseconds]\n\
         #[StartTime: {:.3} (seconds since epoch), {}]\n\
         #\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
        log_tag(&header.tool.version),
        seconds(&header.started),
        log_tag(&header.started),
    )
}

/// The lines of one trial: one for each phase that has a histogram.
fn lines(cell: &CellKey, trial: &Trial) -> String {
    let mut text = String::new();
    for (phase, measured) in &trial.phases {
        if let Some(histogram) = &measured.histogram {
            // Milliseconds, the unit in which these logs' readers show the greatest value.
            let max = measured.quantiles.max as f64 / 1e6;
            let (start, length) = (seconds(&trial.started), trial.host.wall_ns as f64 / 1e9);
            let tag = tag(&cell.id, *phase);
            text.push_str(&format!(
                "Tag={tag},{start:.3},{length:.3},{max:.3},{histogram}\n"
            ));
        }
    }
    text
}

/// Appends a trial's lines. Where that fails the file is as it was. The caller holds the run's lock.
pub(super) fn append(
    directory: &Path,
    cell: &CellKey,
    trial: &Trial,
) -> Result<(), RecordingError> {
    let path = directory.join(NAME);
    let failed = |error| RecordingError::io("write", &path, error);
    // Opened anew each time: another process may have made the file anew.
    let file = OpenOptions::new().write(true).open(&path).map_err(failed)?;
    let end = file.metadata().map_err(failed)?.len();
    if let Err(error) = file.write_all_at(lines(cell, trial).as_bytes(), end) {
        file.set_len(end).map_err(failed)?;
        return Err(failed(error));
    }
    Ok(())
}

/// Makes the file anew from trials in order of their start.
pub(super) fn rebuild(
    directory: &Path,
    header: &RunLine,
    trials: &[(&CellKey, &Trial)],
) -> Result<(), RecordingError> {
    replace(&directory.join(NAME), |file| {
        file.write_all(heading(header).as_bytes())?;
        for (cell, trial) in trials {
            file.write_all(lines(cell, trial).as_bytes())?;
        }
        Ok(())
    })
}

/// The histograms of a log by cell and phase, for a run of which `trials.jsonl` is gone. What is wrong
/// is said in `problems`.
pub(super) fn read(
    reader: &mut impl BufRead,
    cells: &[Cell],
    problems: &mut Problems,
) -> std::io::Result<BTreeMap<String, BTreeMap<Phase, Histogram>>> {
    let mut tags = BTreeMap::new();
    for cell in cells {
        for phase in cell.phases.keys() {
            tags.insert(tag(&cell.id, *phase), (cell.id.clone(), *phase));
        }
    }
    let mut histograms: BTreeMap<String, BTreeMap<Phase, Histogram>> = BTreeMap::new();
    let mut number = 0u64;
    while let Some(line) = next_line(reader)? {
        number += 1;
        let text = line.bytes.unwrap_or_default();
        if text.starts_with(b"#") {
            continue;
        }
        match entry(&text).and_then(|(tag, histogram)| Some((tags.get(tag)?, histogram))) {
            Some(((cell, phase), histogram)) => {
                let phases = histograms.entry(cell.clone()).or_default();
                phases.entry(*phase).or_default().add(&histogram);
            }
            None => problems.note(format!("{NAME}, line {number}: no histogram of this run")),
        }
    }
    Ok(histograms)
}

/// The tag and the histogram of a line.
fn entry(text: &[u8]) -> Option<(&str, Histogram)> {
    let text = std::str::from_utf8(text).ok()?.strip_prefix("Tag=")?;
    let mut columns = text.split(',');
    let tag = columns.next()?;
    let histogram = Histogram::from_base64(columns.nth(3)?.trim_end()).ok()?;
    Some((tag, histogram))
}
