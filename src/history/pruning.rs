//! Taking runs away.

use std::collections::HashMap;
use std::time::SystemTime;

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::fingerprint::HostFingerprint;
use super::selection::Selection;
use super::series::StoredRun;
use super::store::Store;

/// Which runs of a selection go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruning {
    /// Those that began before this moment.
    Before(SystemTime),
    /// All but so many of each host, those that began last.
    AllBut(usize),
}

impl Store {
    /// Takes runs away, all of them or, where that fails, none, and returns them, by time and id. Of a selection
    /// cells and phases are not looked at: a run goes whole. With `dry` nothing is changed.
    ///
    /// The file keeps its size: what is added later fills the room that has become free.
    ///
    /// # Errors
    /// Where the store can't be read or written. It is then as it was.
    pub fn prune(
        &self,
        selection: &Selection,
        pruning: Pruning,
        dry: bool,
    ) -> Result<Vec<StoredRun>, StoreError> {
        let chosen = || -> Result<Vec<(i64, StoredRun)>, StoreError> {
            let runs = self.numbered_runs(selection)?;
            Ok(choose(runs, pruning))
        };
        let gone = if dry {
            chosen()?
        } else {
            self.writing("prune", |connection| {
                let gone = chosen()?;
                for (number, _) in &gone {
                    self.take_away("prune", connection, *number)?;
                }
                self.forget_unused(connection)?;
                Ok(gone)
            })?
        };
        Ok(gone.into_iter().map(|(_, run)| run).collect())
    }

    /// Takes one run away with its figures.
    pub(super) fn take_away(
        &self,
        action: &'static str,
        connection: &Connection,
        run: i64,
    ) -> Result<(), StoreError> {
        self.take_figures(action, connection, run)?;
        let taken = connection.execute("DELETE FROM runs WHERE id = ?1", [run]);
        taken.map(drop).map_err(|error| self.failed(action, error))
    }

    /// Takes the figures of a run away.
    pub(super) fn take_figures(
        &self,
        action: &'static str,
        connection: &Connection,
        run: i64,
    ) -> Result<(), StoreError> {
        let take = || -> rusqlite::Result<()> {
            // The run's own rows name the series, and series and time are where its levels lie.
            let mut find = connection.prepare("SELECT series FROM trials WHERE run = ?1")?;
            let series: Vec<i64> = find
                .query_map([run], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let mut delete = connection.prepare(
                "DELETE FROM levels WHERE series = ?1 AND run = ?2 \
                 AND started = (SELECT started FROM runs WHERE id = ?2)",
            )?;
            for series in series {
                delete.execute(params![series, run])?;
            }
            connection.execute("DELETE FROM trials WHERE run = ?1", [run])?;
            connection.execute("DELETE FROM unmeasured WHERE run = ?1", [run])?;
            Ok(())
        };
        take().map_err(|error| self.failed(action, error))
    }

    /// Takes away what no run speaks of any more.
    fn forget_unused(&self, connection: &Connection) -> Result<(), StoreError> {
        let unused =
            "DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM levels WHERE series = series.id);
            DELETE FROM kernels WHERE id NOT IN (SELECT kernel FROM runs WHERE kernel IS NOT NULL);
            DELETE FROM hosts WHERE id NOT IN (SELECT host FROM runs)
                AND id NOT IN (SELECT host FROM series);";
        let forgotten = connection.execute_batch(unused);
        forgotten.map_err(|error| self.failed("prune", error))
    }
}

/// Of runs by time and id those that go.
fn choose(mut runs: Vec<(i64, StoredRun)>, pruning: Pruning) -> Vec<(i64, StoredRun)> {
    match pruning {
        Pruning::Before(moment) => runs.retain(|(_, run)| run.started < moment),
        Pruning::AllBut(most) => {
            let mut kept: HashMap<HostFingerprint, usize> = HashMap::new();
            let mut gone: Vec<_> = runs
                .into_iter()
                .rev()
                .filter(|(_, run)| {
                    let kept = kept.entry(run.host.clone()).or_default();
                    *kept += 1;
                    *kept > most
                })
                .collect();
            gone.reverse();
            runs = gone;
        }
    }
    runs
}
