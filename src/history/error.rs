//! What can go wrong with a store.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::migrations::NEWEST;
use crate::recording::plain;

/// Why a store could not be opened, read or written. Every message names the file and the remedy. The store is
/// as it was before.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No file is there.
    #[error("there is no history at `{}`; `forkbench history add RUN` makes one, and --store names another", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Nothing of what was asked for is in it.
    #[error("nothing in the history is selected; `forkbench history list` shows what is there")]
    NothingSelected,
    /// Another file is there.
    #[error("`{}` is no history of forkbench: {seen}; it was left as it is. Name another file with --store", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        seen: String,
    },
    /// Written by a newer forkbench.
    #[error("`{}` has version {version} of the history's schema, and this forkbench knows versions up to {NEWEST}: use the forkbench that wrote it or a newer one, or name another file with --store. It was left as it is", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: i64,
    },
    /// A version that never was.
    #[error("`{}` says it has version {version} of the history's schema, which there never was; restore it from a copy, or name another file with --store", path.display())]
    NoVersion {
        /// The file.
        path: PathBuf,
        /// What it says.
        version: i64,
    },
    /// Parts of the file are missing or overwritten.
    #[error("`{}` is damaged ({problem}); it was left as it is. Restore it from a copy, or move it away and fill a new one with `forkbench history import`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        problem: String,
    },
    /// The tables hold what no forkbench writes.
    #[error("`{}`: {column} is `{value}`, and should be {expected}; restore the file from a copy, or take the run away with `forkbench history prune`", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Table and column.
        column: &'static str,
        /// What stands there, made harmless.
        value: String,
        /// What should.
        expected: &'static str,
    },
    /// No room left.
    #[error("no room to {action} `{}` ({problem}: a full disk, a quota or a limit of file sizes, unless the disk is broken); it is as it was before. Free some space, or name a file elsewhere with --store", path.display())]
    Full {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        problem: String,
    },
    /// The file or its folder can't be written.
    #[error("cannot {action} `{}`: {problem}. SQLite writes beside the file, too: make the file, its folder and what lies beside it as …-wal and …-shm writable, or name a file elsewhere with --store", path.display())]
    ReadOnly {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What was said.
        problem: String,
    },
    /// Others have written to it for a minute on end.
    #[error("cannot {action} `{}`: other processes have kept it busy for {seconds} s; try again when they are done", path.display())]
    Busy {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// How long it was waited.
        seconds: u64,
    },
    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}; check the folder and its permissions, or name another file with --store", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Anything else that SQLite says.
    #[error("cannot {action} `{}`: {problem}; `forkbench history list` shows whether it can be read, and --store names another", path.display())]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What it said.
        problem: String,
    },
    /// Another run of this name and seed is there.
    #[error("run `{run}` is in `{}` already with other figures ({difference}); pass --replace to put this one in its place", path.display())]
    Differs {
        /// The store.
        path: PathBuf,
        /// The run's id.
        run: String,
        /// In what they differ.
        difference: String,
    },
}

impl StoreError {
    /// The error for what SQLite said.
    pub(super) fn sqlite(action: &'static str, path: &Path, error: &rusqlite::Error) -> Self {
        let problem = plain(&error.to_string());
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, problem }
            }
            Some(ErrorCode::DiskFull) => Self::Full {
                action,
                path,
                problem,
            },
            // A limit of file sizes, or a quota: SQLite tells a full disk alone from other failures to write.
            Some(ErrorCode::SystemIoFailure) if is_of_writing(error) => Self::Full {
                action,
                path,
                problem,
            },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly {
                    action,
                    path,
                    problem,
                }
            }
            _ => Self::Sqlite {
                action,
                path,
                problem,
            },
        }
    }

    /// The error for what the operating system said.
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full {
                action,
                path,
                problem: source.to_string(),
            },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly {
                action,
                path,
                problem: source.to_string(),
            },
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }
}

/// Whether SQLite failed at making a file longer.
fn is_of_writing(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE};
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return false;
    };
    [
        SQLITE_IOERR_WRITE,
        SQLITE_IOERR_SHMSIZE,
        SQLITE_IOERR_TRUNCATE,
    ]
    .contains(&failure.extended_code)
}
