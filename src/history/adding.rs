//! Adding a run, whole or not at all, once however often it is said.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use super::content::{Content, Relation};
use super::entry::Entry;
use super::error::StoreError;
use super::figures::pack;
use super::fingerprint::StoredHost;
use super::levels::{Levels, status_word};
use super::moment;
use super::store::Store;
use crate::recording::plain;

/// What became of a run that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It was not there, and is now.
    New,
    /// It was there as it is; nothing was changed.
    Unchanged,
    /// It was there as it had been before it went on; what came since was added. Its commit and branch stay.
    Grown,
    /// It was there with more than this copy of it has; nothing was changed.
    Older,
    /// It was there, and was replaced, as had been asked for.
    Replaced,
}

impl Added {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "added",
            Self::Unchanged => "unchanged",
            Self::Grown => "grown",
            Self::Older => "older",
            Self::Replaced => "replaced",
        }
    }
}

/// A run that is there already.
struct There {
    number: i64,
    digest: Vec<u8>,
    started: i64,
    finished: Option<i64>,
}

/// What messages call it.
const ACTION: &str = "add to";

const FIND: &str =
    "SELECT id, digest, started, finished FROM runs WHERE source = ?1 AND name = ?2 AND seed = ?3";

const PUT_RUN: &str = "INSERT INTO runs (id, name, seed, digest, started, finished, added, host, kernel, revision, \
    branch, path, tool, cells, unmeasured, source) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

const PUT_LEVELS: &str = "INSERT INTO levels (series, started, run, trials, p10, p50, low, high) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

impl Store {
    /// Adds a run. It is known by its source, id and seed: adding it again changes nothing, save where it has gone
    /// on since. With `replace`, one that is there is taken away first, labels and all.
    ///
    /// # Errors
    /// [`StoreError::Differs`] where a run of this id and seed with other figures is there; where the store
    /// can't be written. It is then as it was.
    pub fn add(&self, entry: &Entry, replace: bool) -> Result<Added, StoreError> {
        // Packing takes longer than looking, and nobody should wait for it.
        let new = Content::of(entry);
        let digest = entry.digest();
        self.writing(ACTION, |connection| {
            let adding = Adding {
                store: self,
                connection,
                entry,
            };
            adding.add(&new, &digest, replace)
        })
    }

    /// Adds many runs in one transaction, none of which may be there: for filling a store quickly. One sync is paid
    /// for all of them instead of one each.
    ///
    /// # Errors
    /// Where one is there already, or the store can't be written. None is added then.
    pub fn fill(&self, entries: &[Entry]) -> Result<(), StoreError> {
        self.writing(ACTION, |connection| {
            for entry in entries {
                let adding = Adding {
                    store: self,
                    connection,
                    entry,
                };
                adding.put(&entry.digest(), None)?;
            }
            Ok(())
        })
    }
}

struct Adding<'a> {
    store: &'a Store,
    connection: &'a Connection,
    entry: &'a Entry,
}

impl Adding<'_> {
    fn add(&self, new: &Content, digest: &[u8], replace: bool) -> Result<Added, StoreError> {
        let Some(there) = self.find().map_err(|error| self.failed(error))? else {
            self.put(digest, None)?;
            return Ok(Added::New);
        };
        if replace {
            self.store
                .take_away(ACTION, self.connection, there.number)?;
            self.put(digest, None)?;
            return Ok(Added::Replaced);
        }
        let relation = match there.digest == digest {
            true => Relation::Same,
            false => self.content(there.number)?.relation(new),
        };
        let ended = self.entry.finished.is_some() && there.finished.is_none();
        match relation {
            Relation::Same if !ended => Ok(Added::Unchanged),
            Relation::Older => Ok(Added::Older),
            Relation::Same | Relation::Grown if there.started == self.entry.started => {
                self.put(digest, Some(&there))?;
                Ok(Added::Grown)
            }
            Relation::Different(cell) => Err(self.differs(&cell)),
            Relation::Same | Relation::Grown => Err(self.differs("when it began")),
        }
    }

    fn differs(&self, difference: &str) -> StoreError {
        StoreError::Differs {
            path: self.store.path().to_owned(),
            run: plain(&self.entry.id),
            difference: difference.to_owned(),
        }
    }

    fn failed(&self, error: rusqlite::Error) -> StoreError {
        self.store.failed(ACTION, error)
    }

    fn find(&self) -> rusqlite::Result<Option<There>> {
        let Entry {
            source, id, seed, ..
        } = self.entry;
        let key = params![source.name(), id, *seed as i64];
        let there = self.connection.query_row(FIND, key, |row| {
            Ok(There {
                number: row.get(0)?,
                digest: row.get(1)?,
                started: row.get(2)?,
                finished: row.get(3)?,
            })
        });
        there.optional()
    }

    /// The figures of a run that is there.
    fn content(&self, run: i64) -> Result<Content, StoreError> {
        let read = || -> rusqlite::Result<Content> {
            let mut content = Content::default();
            let mut query = self.connection.prepare(
                "SELECT series.cell, series.phase, trials.figures FROM trials \
                 JOIN series ON series.id = trials.series WHERE trials.run = ?1",
            )?;
            let mut rows = query.query([run])?;
            while let Some(row) = rows.next()? {
                let key = (row.get(0)?, row.get(1)?);
                content.levels.insert(key, row.get(2)?);
            }
            let mut query = self
                .connection
                .prepare("SELECT cell FROM unmeasured WHERE run = ?1")?;
            let mut rows = query.query([run])?;
            while let Some(row) = rows.next()? {
                content.unmeasured.insert(row.get(0)?);
            }
            Ok(content)
        };
        read().map_err(|error| self.failed(error))
    }

    /// Writes the run: anew, or in place of the state of it that is there, whose labels stay.
    fn put(&self, digest: &[u8], there: Option<&There>) -> Result<(), StoreError> {
        match there {
            None => {
                let number = self.put_run(digest).map_err(|error| self.failed(error))?;
                self.put_figures(number).map_err(|error| self.failed(error))
            }
            Some(there) => {
                self.store
                    .take_figures(ACTION, self.connection, there.number)?;
                self.renew(there.number, digest)
                    .and_then(|()| self.put_figures(there.number))
                    .map_err(|error| self.failed(error))
            }
        }
    }

    fn put_run(&self, digest: &[u8]) -> rusqlite::Result<i64> {
        let entry = self.entry;
        let host = self.number_of("hosts", "name", &entry.host)?;
        let kernel = match &entry.kernel {
            Some(kernel) => Some(self.number_of("kernels", "release", kernel)?),
            None => None,
        };
        let path = entry.path.as_ref().map(|path| path.to_string_lossy());
        self.connection.execute(
            PUT_RUN,
            params![
                None::<i64>,
                entry.id,
                entry.seed as i64,
                digest,
                entry.started,
                entry.finished,
                moment::seconds(SystemTime::now()),
                host,
                kernel,
                entry.commit,
                entry.branch,
                path.as_deref(),
                entry.tool,
                entry.cells() as i64,
                entry.unmeasured.len() as i64,
                entry.source.name(),
            ],
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    fn renew(&self, run: i64, digest: &[u8]) -> rusqlite::Result<()> {
        let entry = self.entry;
        let cells = entry.cells() as i64;
        let unmeasured = entry.unmeasured.len() as i64;
        let renewed = self.connection.execute(
            "UPDATE runs SET digest = ?2, finished = ?3, cells = ?4, unmeasured = ?5 WHERE id = ?1",
            params![run, digest, entry.finished, cells, unmeasured],
        );
        renewed.map(drop)
    }

    /// The number of a host or a kernel, which is made known if it is not.
    fn number_of(&self, table: &str, name: &str, host: &StoredHost) -> rusqlite::Result<i64> {
        let find = format!("SELECT id FROM {table} WHERE fingerprint = ?1");
        let found = self
            .connection
            .query_row(&find, [&host.fingerprint.0], |row| row.get(0));
        if let Some(number) = found.optional()? {
            return Ok(number);
        }
        let put = format!("INSERT INTO {table} (fingerprint, {name}, traits) VALUES (?1, ?2, ?3)");
        let row = params![host.fingerprint.0, host.name, host.traits];
        self.connection.execute(&put, row)?;
        Ok(self.connection.last_insert_rowid())
    }

    fn put_figures(&self, run: i64) -> rusqlite::Result<()> {
        // Not the entry's: a run that was added under another name of its host stays with that.
        let of_run = "SELECT host FROM runs WHERE id = ?1";
        let host: i64 = self.connection.query_row(of_run, [run], |row| row.get(0))?;
        let mut find = self.connection.prepare(
            "SELECT id FROM series WHERE source = ?1 AND host = ?2 AND cell = ?3 AND phase = ?4",
        )?;
        let mut make = self
            .connection
            .prepare("INSERT INTO series (source, host, cell, phase) VALUES (?1, ?2, ?3, ?4)")?;
        let mut put = self.connection.prepare(PUT_LEVELS)?;
        let mut put_trials = self.connection.prepare(
            "INSERT INTO trials (run, series, figures, written) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for levels in &self.entry.levels {
            let word = levels.phase_word();
            let key = params![self.entry.source.name(), host, levels.cell, word];
            let found: Option<i64> = find.query_row(key, |row| row.get(0)).optional()?;
            let series = match found {
                Some(series) => series,
                None => make.insert(key)?,
            };
            put.execute(level_row(series, self.entry.started, run, levels))?;
            put_trials.execute(params![run, series, pack(&levels.trials), levels.written])?;
        }
        let mut put = self.connection.prepare(
            "INSERT INTO unmeasured (run, cell, status, reason) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for cell in &self.entry.unmeasured {
            put.execute(params![
                run,
                cell.cell,
                status_word(cell.status),
                cell.reason
            ])?;
        }
        Ok(())
    }
}

/// A row of `levels`.
fn level_row(series: i64, started: i64, run: i64, levels: &Levels) -> [i64; 8] {
    // No measured time comes near: recording refuses what is longer than an hour.
    let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let level = levels.level();
    [
        series,
        started,
        run,
        levels.trials.len() as i64,
        whole(level.p10),
        whole(level.p50),
        whole(level.low),
        whole(level.high),
    ]
}
