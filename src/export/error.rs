//! What can go wrong with an export.

use std::io;
use std::path::PathBuf;

use crate::recording::RecordingError;

/// Why a run could not be exported. Every message names the thing and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The run has nothing that the format holds.
    #[error(
        "run `{run}` has nothing to export as {format}: {why}; name a run that was measured, or repeat it with `forkbench run`"
    )]
    Nothing {
        /// The run's id.
        run: String,
        /// The format's name.
        format: &'static str,
        /// What is missing.
        why: String,
    },
    /// The format is behind a cargo feature that is off.
    #[error(
        "this forkbench was built without {format}; build one that has it, with `cargo install --path . --features {format}` in forkbench's source, or take `--format csv`"
    )]
    NotBuilt {
        /// The format, and the feature of the same name.
        format: &'static str,
    },
    /// The format's library refused.
    #[error(
        "the run could not be put into {format}: {problem}; `--format csv` holds its cells too"
    )]
    Refused {
        /// The format's name.
        format: &'static str,
        /// What the library said.
        problem: String,
    },
    /// The folder can't be made.
    #[error("cannot make the folder `{}`: {source}; name another with --out", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A folder or a device stands where a file should be written.
    #[error("`{}` is there and no ordinary file; name another with --out, or leave --out away and send standard output there", path.display())]
    InTheWay {
        /// The path.
        path: PathBuf,
    },
    /// A file can't be written.
    #[error(transparent)]
    Write(#[from] RecordingError),
}
