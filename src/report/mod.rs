//! What people read: the page, its charts, the tables.
//!
//! Everything here is drawn from a [`Recorded`] alone, which may come from a stranger: its text stays
//! text, and no value of it panics. `page` is the HTML page, `charts` its pictures, `terminal` and
//! `markdown` the tables. Units are written here and nowhere further left.

mod answer;
mod channels;
mod channels_table;
mod charts;
pub mod comparison;
mod costs;
mod costs_table;
mod languages;
mod markdown;
mod page;
mod palette;
mod pen;
mod prediction;
mod reading;
mod savings;
mod scale;
mod servers;
mod sheet;
mod terminal;
pub mod trend;
mod writes;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use charts::{ChartFile, charts};
pub use markdown::markdown;
pub use page::page;
pub use prediction::prediction;
pub(crate) use reading::{counted, grouped, plain};
pub use terminal::table;

use crate::recording::{Recorded, Run};

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The page's template failed.
    #[error("the page could not be put together: {0}")]
    Page(#[from] minijinja::Error),
    /// A chart could not be drawn.
    #[error("a chart could not be drawn: {problem}")]
    Chart {
        /// What the drawing library said.
        problem: String,
    },
    /// A file could not be written.
    #[error("{} could not be written: {source}; check that the disk has room and the folder is yours", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The question a run answers and its answer, as one line; `None` where nothing was measured.
pub fn headline(run: &Run) -> Option<String> {
    answer::answer(run).map(|answer| answer.sentence)
}

/// Writes `index.html` and `charts/` into a run's directory and returns the page's path.
///
/// Each file is replaced whole, so that a reader never sees half of one.
///
/// # Errors
/// [`ReportError`] where the page cannot be made, or a file not written.
pub fn write(dir: &Path, recorded: &Recorded) -> Result<PathBuf, ReportError> {
    let folder = dir.join("charts");
    fs::create_dir_all(&folder).map_err(|source| ReportError::Write {
        path: folder.clone(),
        source,
    })?;
    for chart in charts(recorded)? {
        replace(
            &folder.join(format!("{}.svg", chart.name)),
            chart.svg.as_bytes(),
        )?;
        if let Some(png) = chart.png {
            replace(&folder.join(format!("{}.png", chart.name)), &png)?;
        }
    }
    let path = dir.join("index.html");
    replace(&path, page(recorded)?.as_bytes())?;
    Ok(path)
}

/// Replaces a file whole.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|source| {
            // What is left of a failed attempt is of no use; the first error is the one to tell.
            let _ = fs::remove_file(&temporary);
            ReportError::Write {
                path: path.to_owned(),
                source,
            }
        })
}
