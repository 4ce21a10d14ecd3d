//! The store: one SQLite file, opened, made and written by several processes at once.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::{AccessFlags, access};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::error::StoreError;
use super::migrations::{APPLICATION, NEWEST, migrate, version};
use crate::recording::{folder_of, plain};

/// How long others are waited for. Adding a run holds the file for milliseconds, most of them the disk's.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long is slept where SQLite itself does not wait.
const NAP: Duration = Duration::from_millis(20);
/// What is so old that nobody makes a store of it any more.
const ABANDONED: Duration = Duration::from_secs(3_600);
/// The longest text and the longest row that is read, in bytes.
const LONGEST: i32 = 16 << 20;
/// Stores that this process has made: each is made under a name of its own.
static MADE: AtomicU32 = AtomicU32::new(0);

/// The history of runs. It is open as long as this lives, and may be open in other processes, too.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the store at `path`, made if need be, with its folder.
    ///
    /// # Errors
    /// As [`Store::open`], and where it can't be made.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        if !is_there(path)? {
            make(path)?;
        }
        Self::open(path)
    }

    /// Opens the store at `path`. One of an older version is taken to the newest, in one transaction. One that may not be
    /// written can be read, and nothing is left beside it.
    ///
    /// # Errors
    /// Where none is there, another file is, it is of a newer forkbench, damaged, or can't be written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        recognise(path)?;
        let opened = match is_for_reading(path) {
            true => Connection::open_with_flags(address(path), alone()),
            false => Connection::open_with_flags(whole(path), flags()),
        };
        let connection = opened
            .and_then(|connection| {
                connection.busy_timeout(PATIENCE)?;
                // Until its version is known nothing is moved into the file from the log beside it.
                connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
                connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
                connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
                connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST)?;
                Ok(connection)
            })
            .map_err(|error| StoreError::sqlite("open", path, &error))?;
        let store = Self {
            connection,
            path: path.to_owned(),
        };
        store.settle()?;
        Ok(store)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn settle(&self) -> Result<(), StoreError> {
        let opened = || Ok((application(&self.connection)?, version(&self.connection)?));
        let (application, found) = self.patiently("open", opened)?;
        if application != i64::from(APPLICATION) {
            return Err(StoreError::Foreign {
                path: self.path.clone(),
                seen: "it is an SQLite file of another program".to_owned(),
            });
        }
        self.check(found)?;
        if found < NEWEST {
            self.writing("migrate", |connection| {
                // Another process may have done it meanwhile.
                let found = version(connection).map_err(|error| self.failed("migrate", error))?;
                self.check(found)?;
                migrate(connection, found).map_err(|error| self.failed("migrate", error))
            })?;
        }
        let settled = || {
            // With FULL every commit is synced: a run that was said to be added is there after a power cut,
            // which NORMAL would not promise in WAL mode. It costs one sync a run.
            self.connection.pragma_update(None, "synchronous", "FULL")?;
            let off = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
            self.connection.set_db_config(off, false)
        };
        settled()
            .map(drop)
            .map_err(|error| self.failed("open", error))
    }

    fn check(&self, version: i64) -> Result<(), StoreError> {
        let path = self.path.clone();
        match version {
            1..=NEWEST => Ok(()),
            ..1 => Err(StoreError::NoVersion { path, version }),
            _ => Err(StoreError::Newer { path, version }),
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// One state of the store for all that is read until this is dropped.
    pub(super) fn snapshot(&self) -> Result<Transaction<'_>, StoreError> {
        self.patiently("read", || self.connection.unchecked_transaction())
    }

    /// Does something whole or not at all, alone among all who write.
    pub(super) fn writing<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // At once for writing: one that began by reading could not wait its turn.
        let immediate = TransactionBehavior::Immediate;
        let transaction = self.patiently(action, || {
            Transaction::new_unchecked(&self.connection, immediate)
        })?;
        let done = work(&transaction)?;
        transaction
            .commit()
            .map_err(|error| self.failed(action, error))?;
        Ok(done)
    }

    /// Tries again while others keep the store busy. SQLite waits by itself, but not where another process is
    /// just closing the file, or mending it after a crash.
    fn patiently<T>(
        &self,
        action: &'static str,
        mut attempt: impl FnMut() -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let begin = Instant::now();
        loop {
            match attempt() {
                Err(error) if is_busy(&error) && begin.elapsed() < PATIENCE => thread::sleep(NAP),
                other => return other.map_err(|error| self.failed(action, error)),
            }
        }
    }

    /// The error for what SQLite said.
    pub(super) fn failed(&self, action: &'static str, error: rusqlite::Error) -> StoreError {
        if is_busy(&error) {
            return StoreError::Busy {
                action,
                path: self.path.clone(),
                seconds: PATIENCE.as_secs(),
            };
        }
        StoreError::sqlite(action, &self.path, &error)
    }

    /// The error for a value that no forkbench writes.
    pub(super) fn content(
        &self,
        column: &'static str,
        value: &str,
        expected: &'static str,
    ) -> StoreError {
        StoreError::Content {
            path: self.path.clone(),
            column,
            value: plain(value),
            expected,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Those that go with an [`address`].
fn alone() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Whether a store can only be read, and all of it stands in the file: neither it nor what SQLite keeps beside it may be
/// written by this process, and nobody has it open for writing. What a mere reader left beside it would be the reader's,
/// and would keep its owner from writing.
fn is_for_reading(path: &Path) -> bool {
    let may_write = |path: &Path| access(path, AccessFlags::W_OK).is_ok();
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    !has_log && (!may_write(path) || !may_write(folder_of(path)))
}

/// A name beginning with `file:` would be an address to SQLite; one that begins with a slash is a file.
fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn is_there(path: &Path) -> Result<bool, StoreError> {
    path.try_exists()
        .map_err(|error| StoreError::io("open", path, error))
}

/// Looks whether a file is a store at all, before it is opened as one, which writes beside it. SQLite does the looking, and
/// not we: POSIX takes all locks of a process off a file when the process closes it once, and another store of
/// this process may be open. `immutable` has it read the file alone, and make nothing.
fn recognise(path: &Path) -> Result<(), StoreError> {
    let foreign = |seen: &str| {
        Err(StoreError::Foreign {
            path: path.to_owned(),
            seen: seen.to_owned(),
        })
    };
    let there = fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => StoreError::Missing {
            path: path.to_owned(),
        },
        _ => StoreError::io("open", path, error),
    })?;
    if !there.is_file() {
        return foreign("it is no ordinary file");
    }
    if there.len() == 0 {
        return foreign("it is empty");
    }
    let looked = Connection::open_with_flags(address(path), alone())
        .and_then(|connection| Ok((application(&connection)?, version(&connection)?)));
    let code = |error: &rusqlite::Error| error.sqlite_error_code();
    match looked {
        Ok((application, _)) if application != i64::from(APPLICATION) => {
            foreign("it is an SQLite file of another program")
        }
        Ok((_, version)) if version > NEWEST => Err(StoreError::Newer {
            path: path.to_owned(),
            version,
        }),
        Ok(_) => Ok(()),
        Err(error) if code(&error) == Some(ErrorCode::NotADatabase) => {
            foreign("it is no SQLite file")
        }
        // Another process may be moving pages into it just now: whoever knows the log beside it has to say.
        Err(error) if code(&error) == Some(ErrorCode::DatabaseCorrupt) => Ok(()),
        Err(error) => Err(StoreError::sqlite("open", path, &error)),
    }
}

/// A file as an address by which SQLite opens it without locks, and without what lies beside it.
fn address(path: &Path) -> String {
    let mut address = "file:".to_owned();
    for byte in whole(path).as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                address.push(char::from(*byte));
            }
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address + "?immutable=1"
}

fn application(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA application_id", [], |row| row.get(0))
}

/// Makes an empty store. It is made beside and then given its name, so that no process ever sees half of one;
/// of several that make it at once the first one's stays.
fn make(path: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("make", path, error);
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(failed)?;
    let log = beside(path, "-wal");
    if is_there(&log)? && !is_there(path)? {
        // SQLite would take it for the new file's.
        return Err(StoreError::Foreign {
            path: log,
            seen: "it is what a history that is gone has left behind; move it away".to_owned(),
        });
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    sweep(folder, &format!(".{name}."));
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".{name}.{}-{number}.new", std::process::id()));
    let made = fill(&temporary)
        .map_err(|error| StoreError::sqlite("make", path, &error))
        .and_then(|()| {
            let synced = File::open(&temporary).and_then(|file| file.sync_all());
            synced.map_err(failed)?;
            match fs::hard_link(&temporary, path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(error)),
                _ => File::open(folder)
                    .and_then(|folder| folder.sync_all())
                    .map_err(failed),
            }
        });
    for ending in ["", "-journal", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(&temporary, ending));
    }
    made
}

/// Takes away what processes that were killed while they made a store have left behind. Not what is young: its process may
/// be one of another container.
fn sweep(folder: &Path, beginning: &str) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_made = name.starts_with(beginning) && name.contains(".new");
        let age = entry
            .metadata()
            .ok()
            .and_then(|file| file.modified().ok()?.elapsed().ok());
        if is_made && age.is_some_and(|age| age > ABANDONED) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn fill(path: &Path) -> rusqlite::Result<()> {
    let _ = fs::remove_file(path);
    let flags = flags() | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(whole(path), flags)?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    let transaction = connection.unchecked_transaction()?;
    migrate(&transaction, 0)?;
    transaction.commit()?;
    // Who reads then never waits for who writes, nor the other way round.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.close().map_err(|(_, error)| error)
}

/// The file that SQLite keeps beside another, by its ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
