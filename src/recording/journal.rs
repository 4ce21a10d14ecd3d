//! `trials.jsonl`: the truth. Appended under a lock, a line at a time, and synced.
//!
//! Two processes may write one run (the targets of one `cargo bench` do). The lock is an advisory one on
//! the file itself, which ends with its holder however that dies. Under it a writer first takes in what
//! others have appended, so that whatever it derives is derived from all.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::assembly::Assembly;
use super::error::RecordingError;
use super::lines::{LONGEST_LINE, next_line};
use super::schema::Line;

/// The most that is read of a file, in bytes.
pub(super) const MOST_BYTES: u64 = 256 << 20;

/// The open file, and how far it has been taken in.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    end: u64,
    lines: u64,
}

/// Takes the lock of an open file, or of a directory; it ends when the guard is dropped.
pub(super) fn lock(file: &File, path: &Path) -> Result<Flock<File>, RecordingError> {
    let failed = |error: std::io::Error| RecordingError::io("lock", path, error);
    loop {
        let handle = file.try_clone().map_err(failed)?;
        match Flock::lock(handle, FlockArg::LockExclusive) {
            Ok(guard) => return Ok(guard),
            Err((_, Errno::EINTR)) => {}
            Err((_, errno)) => return Err(failed(errno.into())),
        }
    }
}

impl Journal {
    /// Opens the file at `path`, new or not. Nothing of it is taken in yet.
    pub(super) fn open(path: PathBuf) -> Result<Self, RecordingError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options
            .open(&path)
            .map_err(|error| RecordingError::io("open", &path, error))?;
        Ok(Self {
            path,
            file,
            end: 0,
            lines: 0,
        })
    }

    /// The file's own path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps other writers away until the guard is dropped.
    pub(super) fn lock(&self) -> Result<Flock<File>, RecordingError> {
        lock(&self.file, &self.path)
    }

    /// Takes in what others appended, and mends an end that a crash left unfinished: a line that lacks
    /// its line end alone gets it, half a line goes. The caller holds the lock.
    pub(super) fn catch_up(&mut self, assembly: &mut Assembly) -> Result<(), RecordingError> {
        let failed = |error| RecordingError::io("read", &self.path, error);
        let bytes = self.file.metadata().map_err(failed)?.len();
        if bytes > MOST_BYTES {
            return Err(RecordingError::TooLarge {
                path: self.path.clone(),
                bytes,
                limit: MOST_BYTES,
            });
        }
        if bytes == self.end {
            return Ok(());
        }
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.end)).map_err(failed)?;
        let mut reader = BufReader::new(file.take(bytes.saturating_sub(self.end)));
        while let Some(line) = next_line(&mut reader).map_err(failed)? {
            let number = self.lines + 1;
            let text = line.bytes.as_deref();
            if !line.ended {
                let whole = text.is_some_and(|text| serde_json::from_slice::<Line>(text).is_ok());
                if !whole {
                    return self.cut(self.end);
                }
                write_at(&self.file, &self.path, b"\n", self.end + line.length)?;
                self.end += 1;
            }
            self.end += line.length;
            self.lines = number;
            match text {
                Some(text) => assembly.feed(&self.path, number, text, true)?,
                None => assembly.problem(&self.path, number, &too_long()),
            }
        }
        Ok(())
    }

    /// Appends a line and sees it to the disk. Where that fails the file is as it was. The caller holds
    /// the lock and has caught up.
    pub(super) fn append(&mut self, line: &Line) -> Result<(), RecordingError> {
        let mut text = serde_json::to_vec(line)
            .map_err(|error| RecordingError::io("write", &self.path, error.into()))?;
        if text.len() > LONGEST_LINE || self.end + text.len() as u64 >= MOST_BYTES {
            return Err(RecordingError::Refused {
                path: self.path.clone(),
                reason:
                    "the line or the file would be too long to be read again; begin another run"
                        .to_owned(),
            });
        }
        text.push(b'\n');
        let written = write_at(&self.file, &self.path, &text, self.end).and_then(|()| {
            let synced = self.file.sync_data();
            synced.map_err(|error| RecordingError::io("sync", &self.path, error))
        });
        if let Err(error) = written {
            self.cut(self.end)?;
            return Err(error);
        }
        self.end += text.len() as u64;
        self.lines += 1;
        Ok(())
    }

    fn cut(&self, length: u64) -> Result<(), RecordingError> {
        let cut = self.file.set_len(length);
        cut.map_err(|error| RecordingError::io("cut back", &self.path, error))
    }
}

/// What is said of a line beyond [`LONGEST_LINE`].
pub(super) fn too_long() -> String {
    format!("left out: longer than {LONGEST_LINE} bytes")
}

fn write_at(file: &File, path: &Path, text: &[u8], at: u64) -> Result<(), RecordingError> {
    file.write_all_at(text, at)
        .map_err(|error| RecordingError::io("write", path, error))
}
