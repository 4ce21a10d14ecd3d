//! Runs and series, read from a store.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{OptionalExtension, Row, params};

use super::entry::Entry;
use super::error::StoreError;
use super::figures::unpack;
use super::fingerprint::HostFingerprint;
use super::levels::{Levels, Unmeasured};
use super::moment;
use super::selection::{Selection, Source};
use super::series::{Point, Series, StoredRun};
use super::store::Store;
use crate::mechanism::Phase;
use crate::recording::Status;

const RUNS: &str = "SELECT runs.id, runs.name, runs.started, hosts.fingerprint, hosts.name, \
    kernels.release, runs.revision, runs.branch, runs.path, runs.cells, runs.unmeasured, \
    runs.finished IS NOT NULL, runs.seed \
    FROM runs JOIN hosts ON hosts.id = runs.host \
    LEFT JOIN kernels ON kernels.id = runs.kernel \
    WHERE runs.source = ?1 AND runs.started >= ?2 AND runs.started < ?3";

const SERIES: &str = "SELECT series.id, hosts.fingerprint, hosts.name, series.cell, series.phase \
    FROM series JOIN hosts ON hosts.id = series.host WHERE series.source = ?1";

const POINTS: &str = "SELECT run, trials, p10, p50, low, high FROM levels \
    WHERE series = ?1 AND started >= ?2 AND started < ?3 ORDER BY started, run";

const TRIALS: &str = "SELECT series.cell, series.phase, trials.figures, trials.written FROM trials \
    JOIN series ON series.id = trials.series WHERE trials.run = ?1";

const UNMEASURED: &str = "SELECT cell, status, reason FROM unmeasured JOIN runs ON runs.id = unmeasured.run \
    WHERE runs.source = ?1 AND runs.name = ?2 AND runs.seed = ?3 ORDER BY cell";

/// A run with all that it says of its cells.
pub type WholeRun = (StoredRun, Vec<Levels>);

/// A series as the store keys it.
struct Key {
    number: i64,
    host: HostFingerprint,
    host_name: String,
    cell: String,
    phase: Option<Phase>,
}

/// Where the runs of a selection stand in their order, by number.
struct Places {
    numbers: Vec<i64>,
    by_number: HashMap<i64, usize>,
}

impl Places {
    fn of(numbers: Vec<i64>) -> Self {
        let by_number = numbers.iter().copied().zip(0..).collect();
        Self { numbers, by_number }
    }

    /// The place of a run that probably stands at a known one: most series have a point of every run.
    fn find(&self, number: i64, probably: usize) -> Option<usize> {
        match self.numbers.get(probably) == Some(&number) {
            true => Some(probably),
            false => self.by_number.get(&number).copied(),
        }
    }
}

impl Store {
    /// The runs of a selection, by time and id. Its cells and phases are not looked at.
    ///
    /// # Errors
    /// Where the store can't be read or holds what no forkbench writes.
    pub fn runs(&self, selection: &Selection) -> Result<Vec<StoredRun>, StoreError> {
        let runs = self.numbered_runs(selection)?;
        Ok(runs.into_iter().map(|(_, run)| run).collect())
    }

    /// The run of an entry as the store has it, under the labels it was first added with.
    ///
    /// # Errors
    /// As [`Store::runs`].
    pub fn stored(&self, entry: &Entry) -> Result<Option<StoredRun>, StoreError> {
        let text = format!("{RUNS} AND runs.name = ?4 AND runs.seed = ?5");
        let (all, source) = (i64::MIN, entry.source);
        let key = params![source.name(), all, i64::MAX, entry.id, entry.seed as i64];
        let found = self
            .connection()
            .query_row(&text, key, |row| stored_run(row, source));
        found.optional().map_err(|error| self.failed("read", error))
    }

    /// The series of a selection that have points in it, by host's name, fingerprint, cell and phase.
    ///
    /// # Errors
    /// As [`Store::runs`].
    pub fn series(&self, selection: &Selection) -> Result<Vec<Series>, StoreError> {
        let snapshot = self.snapshot()?;
        let (numbers, runs): (Vec<i64>, Vec<StoredRun>) =
            self.numbered_runs(selection)?.into_iter().unzip();
        let (places, runs) = (Places::of(numbers), Arc::from(runs));
        let mut series = Vec::new();
        for key in self.keys(selection)? {
            let points = self.points(key.number, selection, &places)?;
            if !points.is_empty() {
                series.push(Series {
                    host: key.host,
                    host_name: key.host_name,
                    source: selection.source,
                    cell: key.cell,
                    phase: key.phase,
                    runs: Arc::clone(&runs),
                    points,
                });
            }
        }
        drop(snapshot);
        series.sort_by(|a, b| {
            let key = |one: &Series| (one.phase, one.source);
            let a_key = (&a.host_name, &a.host, &a.cell, key(a));
            a_key.cmp(&(&b.host_name, &b.host, &b.cell, key(b)))
        });
        Ok(series)
    }

    /// Every trial of a selection, by run and then by cell and phase.
    ///
    /// # Errors
    /// As [`Store::runs`].
    pub fn all_levels(&self, selection: &Selection) -> Result<Vec<WholeRun>, StoreError> {
        let snapshot = self.snapshot()?;
        let runs = self.numbered_runs(selection)?;
        let mut all = Vec::with_capacity(runs.len());
        for (number, run) in runs {
            let mut levels = self.levels(number)?;
            levels
                .retain(|one| selection.takes_cell(&one.cell) && selection.takes_phase(one.phase));
            if !levels.is_empty() {
                all.push((run, levels));
            }
        }
        drop(snapshot);
        Ok(all)
    }

    fn levels(&self, run: i64) -> Result<Vec<Levels>, StoreError> {
        let failed = |error| self.failed("read", error);
        let mut query = self.connection().prepare(TRIALS).map_err(failed)?;
        let mut rows = query.query([run]).map_err(failed)?;
        let mut levels = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let word: String = row.get(1).map_err(failed)?;
            let packed: Vec<u8> = row.get(2).map_err(failed)?;
            let trials = unpack(&packed).ok_or_else(|| {
                let bytes = format!("{} bytes", packed.len());
                self.content("trials.figures", &bytes, "packed trials")
            })?;
            levels.push(Levels {
                cell: row.get(0).map_err(failed)?,
                phase: self.phase(&word)?,
                trials,
                written: row.get(3).map_err(failed)?,
            });
        }
        levels.sort_by(|a, b| (&a.cell, a.phase).cmp(&(&b.cell, b.phase)));
        Ok(levels)
    }

    /// The cells of a run that have no figures, with the reasons.
    ///
    /// # Errors
    /// As [`Store::runs`].
    pub fn unmeasured(&self, run: &StoredRun) -> Result<Vec<Unmeasured>, StoreError> {
        let failed = |error| self.failed("read", error);
        let mut query = self.connection().prepare(UNMEASURED).map_err(failed)?;
        let mut rows = query
            .query(params![run.source.name(), run.id, run.seed as i64])
            .map_err(failed)?;
        let mut cells = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let word: String = row.get(1).map_err(failed)?;
            let status = match word.as_str() {
                "skipped" => Status::Skipped,
                "failed" => Status::Failed,
                other => {
                    return Err(self.content("unmeasured.status", other, "skipped or failed"));
                }
            };
            cells.push(Unmeasured {
                cell: row.get(0).map_err(failed)?,
                status,
                reason: row.get(2).map_err(failed)?,
            });
        }
        Ok(cells)
    }

    /// Runs with the numbers that the tables know them by, by time and id.
    pub(super) fn numbered_runs(
        &self,
        selection: &Selection,
    ) -> Result<Vec<(i64, StoredRun)>, StoreError> {
        let (since, until) = selection.seconds();
        let failed = |error| self.failed("read", error);
        let mut query = self.connection().prepare(RUNS).map_err(failed)?;
        let mut rows = query
            .query(params![selection.source.name(), since, until])
            .map_err(failed)?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let number = row.get(0).map_err(failed)?;
            let run = stored_run(row, selection.source).map_err(failed)?;
            if selection.takes_run(&run) {
                runs.push((number, run));
            }
        }
        runs.sort_by(|(_, a), (_, b)| (a.started, &a.id, a.seed).cmp(&(b.started, &b.id, b.seed)));
        Ok(runs)
    }

    fn keys(&self, selection: &Selection) -> Result<Vec<Key>, StoreError> {
        let failed = |error| self.failed("read", error);
        let mut query = self.connection().prepare(SERIES).map_err(failed)?;
        let mut rows = query.query([selection.source.name()]).map_err(failed)?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let word: String = row.get(4).map_err(failed)?;
            let key = Key {
                number: row.get(0).map_err(failed)?,
                host: HostFingerprint(row.get(1).map_err(failed)?),
                host_name: row.get(2).map_err(failed)?,
                cell: row.get(3).map_err(failed)?,
                phase: self.phase(&word)?,
            };
            if selection.takes_host(&key.host, &key.host_name)
                && selection.takes_cell(&key.cell)
                && selection.takes_phase(key.phase)
            {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    fn phase(&self, word: &str) -> Result<Option<Phase>, StoreError> {
        if word.is_empty() {
            return Ok(None);
        }
        let known = Phase::from_name(word).map(Some);
        known.ok_or_else(|| self.content("series.phase", word, "the name of a phase"))
    }

    fn points(
        &self,
        series: i64,
        selection: &Selection,
        places: &Places,
    ) -> Result<Vec<Point>, StoreError> {
        let (since, until) = selection.seconds();
        let failed = |error| self.failed("read", error);
        let mut query = self.connection().prepare(POINTS).map_err(failed)?;
        let mut rows = query.query(params![series, since, until]).map_err(failed)?;
        let mut points: Vec<Point> = Vec::with_capacity(places.numbers.len());
        while let Some(row) = rows.next().map_err(failed)? {
            let after = points.last().map_or(0, |last| last.run + 1);
            if let Some(run) = places.find(row.get(0).map_err(failed)?, after) {
                points.push(self.point(row, run)?);
            }
        }
        // Runs of one second may be numbered in another order.
        points.sort_by_key(|point| point.run);
        Ok(points)
    }

    fn point(&self, row: &Row, run: usize) -> Result<Point, StoreError> {
        let failed = |error| self.failed("read", error);
        let mut ns = [0u64; 4];
        for (at, ns) in ns.iter_mut().enumerate() {
            let value: i64 = row.get(at + 2).map_err(failed)?;
            *ns = u64::try_from(value)
                .map_err(|_| self.content("levels", &value.to_string(), "a duration"))?;
        }
        let [p10, p50, low, high] = ns;
        Ok(Point {
            run,
            trials: row.get(1).map_err(failed)?,
            p10,
            p50,
            low,
            high,
        })
    }
}

fn stored_run(row: &Row, source: Source) -> rusqlite::Result<StoredRun> {
    Ok(StoredRun {
        id: row.get(1)?,
        source,
        started: moment::of_seconds(row.get(2)?),
        host: HostFingerprint(row.get(3)?),
        host_name: row.get(4)?,
        kernel: row.get(5)?,
        commit: row.get(6)?,
        branch: row.get(7)?,
        path: row.get::<_, Option<String>>(8)?.map(PathBuf::from),
        cells: row.get(9)?,
        unmeasured: row.get(10)?,
        finished: row.get(11)?,
        seed: row.get::<_, i64>(12)? as u64,
    })
}
