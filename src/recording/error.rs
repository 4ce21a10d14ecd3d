//! What can go wrong with a run directory.

use std::io;
use std::path::{Path, PathBuf};

use super::schema::RUN_SCHEMA;

/// Why a run could not be written or read. Every message names the file and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}; check the folder and its permissions, or name another with --out", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// There was no room left. The file is as it was before.
    #[error("no room to write `{}`: {source}; trials recorded before are safe. Free some space, or name another folder with --out", path.display())]
    Full {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Nothing is there.
    #[error("there is no run at `{}`; name a run directory or its run.json (`forkbench run` makes one, and `latest` is the newest)", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A directory without a run in it.
    #[error("`{}` holds no run: it has neither trials.jsonl nor run.json; name a directory that `forkbench run` or `cargo bench` made", path.display())]
    NoRun {
        /// The directory.
        path: PathBuf,
    },
    /// A device, a pipe or the like.
    #[error("`{}` is no ordinary file; name a run directory or its run.json", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Written by another version.
    #[error("`{}`, line {line}: the schema is `{schema}`, and this forkbench reads `{RUN_SCHEMA}`; read it with the forkbench that wrote it", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What it says it is.
        schema: String,
    },
    /// No line says what run this is.
    #[error("`{}` has no readable first line that names the run, and there is no run.json beside it; restore either file", path.display())]
    NoHeader {
        /// The file.
        path: PathBuf,
    },
    /// More than is read.
    #[error("`{}` has {bytes} bytes, and at most {limit} are read; split the run, or name another file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The most that is read.
        limit: u64,
    },
    /// `run.json` is no run.
    #[error("`{}`, line {line}: {reason}; restore it, or the trials.jsonl it was made from", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// What should be recorded contradicts itself or what was recorded before.
    #[error("not recorded in `{}`: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// `latest` can't be made to point to the run.
    #[error("`{}` is in the way of the link to the newest run; move it, or name another folder with --out", path.display())]
    InTheWay {
        /// What stands there.
        path: PathBuf,
    },
}

impl RecordingError {
    /// The error for what the operating system said about a file.
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full { path, source },
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }
}

/// Foreign text as it may stand in a message: on one line, without control characters, and short.
pub(crate) fn plain(text: &str) -> String {
    const MOST: usize = 160;
    let mut plain: String = text
        .chars()
        .take(MOST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(MOST).is_some() {
        plain.push('…');
    }
    plain
}
