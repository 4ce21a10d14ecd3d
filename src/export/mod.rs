//! A run in the formats of other programs: one file for each, and a row in [`FORMATS`].
//!
//! What each holds, and which figure it takes, stands in docs/FORMATS.md. Everything here is made from a
//! [`Recorded`] alone, which may come from a stranger: no value of it panics, and its text opens nothing
//! in the program that reads the export. What an export has to leave out it says.

mod bencher;
mod csv;
mod error;
pub(crate) mod field;
mod github;
mod hgrm;
mod openmetrics;
mod parquet;
mod rows;

use std::fs;
use std::path::{Path, PathBuf};

pub use error::ExportError;
#[cfg(all(feature = "history", feature = "parquet"))]
pub(crate) use parquet::Table;

use crate::recording::{self, Recorded, Status};
use crate::report::plain;

/// A foreign format.
#[derive(Debug)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is and who reads it, in a line.
    pub what: &'static str,
    /// What its files' names end in, without the dot.
    pub extension: &'static str,
    /// Whether it is several files in a folder, or one document.
    pub several: bool,
    /// Makes it.
    make: fn(&Source) -> Result<Export, ExportError>,
}

/// Every format, in the order in which they are listed.
pub static FORMATS: &[Format] = &[
    github::FORMAT,
    bencher::FORMAT,
    openmetrics::FORMAT,
    csv::FORMAT,
    hgrm::FORMAT,
    parquet::FORMAT,
];

/// What an export is made from.
struct Source<'a> {
    recorded: &'a Recorded,
    /// Where the run's `samples/` is, if it was kept.
    #[cfg_attr(not(feature = "parquet"), expect(dead_code))]
    directory: &'a Path,
}

/// One file of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The name of the file, which is one part of a path.
    pub name: String,
    /// What stands in it.
    pub bytes: Vec<u8>,
}

/// A run in a foreign format.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Export {
    /// One document, or those of [`Format::several`]; never none.
    pub documents: Vec<Document>,
    /// What is not in it that is in the run, and what a reader has to know, in words.
    pub warnings: Vec<String>,
}

impl Format {
    /// The format of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// A run in this format. `directory` is the run's, for its `samples/`.
    ///
    /// # Errors
    /// [`ExportError::Nothing`] where the run has nothing that this format holds;
    /// [`ExportError::NotBuilt`] for a format that this forkbench was built without.
    pub fn export(&self, recorded: &Recorded, directory: &Path) -> Result<Export, ExportError> {
        let mut export = (self.make)(&Source {
            recorded,
            directory,
        })?;
        if export.documents.is_empty() {
            return Err(ExportError::Nothing {
                run: short(&recorded.run.id),
                format: self.name,
                why: match (export.warnings.is_empty(), recorded.run.cells.is_empty()) {
                    (_, true) => "it has no cells".to_owned(),
                    (true, false) => "none of its cells has figures".to_owned(),
                    (false, false) => export.warnings.join("; "),
                },
            });
        }
        if recorded.run.finished.is_none() {
            let unfinished = "the run did not finish: the export holds what it had";
            export.warnings.insert(0, unfinished.to_owned());
        }
        Ok(export)
    }
}

impl Export {
    /// One document, or none where nothing was found to stand in it.
    fn of_one(name: &str, bytes: Option<Vec<u8>>, warnings: Vec<String>) -> Self {
        let document = bytes.map(|bytes| Document {
            name: name.to_owned(),
            bytes,
        });
        Self {
            documents: document.into_iter().collect(),
            warnings,
        }
    }

    /// Writes every document into a folder, which is made if need be, and returns their paths. Each file is
    /// replaced whole: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// Where the folder can't be made or a file not be written.
    pub fn write_into(&self, folder: &Path) -> Result<Vec<PathBuf>, ExportError> {
        fs::create_dir_all(folder).map_err(|source| ExportError::Folder {
            path: folder.to_owned(),
            source,
        })?;
        let write = |document: &Document| document.write(&folder.join(&document.name));
        self.documents.iter().map(write).collect()
    }
}

impl Document {
    /// Writes it to `path`, in place of what is there, and returns `path`.
    ///
    /// # Errors
    /// Where something else than an ordinary file is there, or the file can't be written.
    pub fn write(&self, path: &Path) -> Result<PathBuf, ExportError> {
        // Renaming over a device, as root, would take it away.
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(ExportError::InTheWay {
                path: path.to_owned(),
            });
        }
        recording::replace(path, |file| file.write_all(&self.bytes))?;
        Ok(path.to_owned())
    }
}

/// Which cells an export of figures that will be compared leaves out, in words: those without an end or
/// with a bad one.
fn unmeasured(recorded: &Recorded) -> Option<String> {
    let cells = recorded.run.cells.iter();
    let missing = cells.filter(|cell| cell.status != Status::Ok);
    let names = missing.map(|cell| cell.id.clone());
    told("left out, skipped or failed", names.collect())
}

/// What is said of cells or phases, with the first few names; `None` where there are none.
fn told(what: &str, names: Vec<String>) -> Option<String> {
    const SHOWN: usize = 5;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| short(name)).collect();
    let more = match names.len() {
        0 => return None,
        1..=SHOWN => String::new(),
        count => format!(" and {} more", count - SHOWN),
    };
    Some(format!("{what}: {}{more}", shown.join(", ")))
}

/// Foreign text as it may stand in a message: one harmless line of at most 160 bytes.
fn short(text: &str) -> String {
    plain(clipped(text, 160))
}

/// Bytes of a text that are taken. A hostile id of megabytes, repeated in every row, would have no end.
const LONGEST_TEXT: usize = 1024;

/// [`clipped`] to [`LONGEST_TEXT`].
fn cut(text: &str) -> &str {
    clipped(text, LONGEST_TEXT)
}

/// The beginning of a text, of at most `bytes` bytes.
fn clipped(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
