//! What Criterion leaves in `target/criterion`, as entries.
//!
//! A *sample* of Criterion is a batch of iterations, of which it keeps the time they took together; all batches come
//! from one process. So a result is one trial here, its p10 is the tenth percentile of the batches' means, and it
//! stands in series of its own: see [`Source::Criterion`].

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{OptionalExtension, params};
use serde::Deserialize;

use super::entry::{Entry, Labels};
use super::error::StoreError;
use super::figures::TrialFigures;
use super::fingerprint::StoredHost;
use super::levels::Levels;
use super::moment;
use super::selection::Source;
use super::store::Store;
use crate::recording::{Host, plain, run_id};
use crate::statistics::{order_statistic, samples_needed};

/// Bytes of a file that are read.
const MOST_BYTES: u64 = 4 << 20;
/// Batches of a result that are read.
const MOST_BATCHES: usize = 100_000;
/// Bytes that a benchmark's id may have.
const LONGEST_ID: usize = 1_024;
/// The shortest p10 that is kept, in nanoseconds: as a whole number a shorter one would be off by more than 0.5 %.
const SHORTEST: u64 = 100;
/// Results that were written this long after each other are of two sittings.
const PAUSE: i64 = 3_600;
/// The folder of a benchmark that holds what was measured last.
const NEWEST: &str = "new";
/// An hour in nanoseconds, the longest that anything is measured.
const LONGEST: f64 = 3_600e9;

/// One benchmark's newest result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriterionResult {
    /// The benchmark's full id.
    pub id: String,
    /// The name of its function, where it has one. forkbench's own benches name it by the cell.
    pub function: Option<String>,
    /// When it was written, in seconds since 1970.
    pub written: i64,
    /// What it came to.
    pub figures: TrialFigures,
    /// Its folder.
    pub path: PathBuf,
}

/// Why a result can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CriterionError {
    /// A file can't be read.
    #[error("cannot read `{}`: {reason}; run the benchmark again with `cargo bench`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file holds something else.
    #[error("`{}`: {reason}; run the benchmark again with `cargo bench`, or import another folder", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Too short for whole nanoseconds.
    #[error(
        "`{id}` takes {p10} ns an iteration, and what takes less than {SHORTEST} ns can't be kept in whole nanoseconds; it was left out"
    )]
    TooShort {
        /// The benchmark's id.
        id: String,
        /// Its p10.
        p10: u64,
    },
}

/// What is read of `benchmark.json`.
#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
    function_id: Option<String>,
}

/// What is read of `sample.json`: of each batch the iterations, and the nanoseconds of all of them together.
#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// Whether a folder is that of a benchmark.
pub(super) fn is_benchmark(folder: &Path) -> bool {
    let newest = folder.join(NEWEST);
    newest.join("benchmark.json").is_file() && newest.join("sample.json").is_file()
}

/// The newest result in a benchmark's folder.
///
/// # Errors
/// Where its files can't be read, hold something else, or what they hold is too short.
pub fn read(folder: &Path) -> Result<CriterionResult, CriterionError> {
    let newest = folder.join(NEWEST);
    let benchmark: Benchmark = parse(&newest.join("benchmark.json"))?;
    let path = newest.join("sample.json");
    let malformed = |reason: String| CriterionError::Malformed {
        path: path.clone(),
        reason,
    };
    if benchmark.full_id.is_empty() || benchmark.full_id.len() > LONGEST_ID {
        let bytes = benchmark.full_id.len();
        let reason = format!("full_id has {bytes} bytes, and 1 to {LONGEST_ID} are read");
        let path = newest.join("benchmark.json");
        return Err(CriterionError::Malformed { path, reason });
    }
    let sample: Sample = parse(&path)?;
    let figures = figures(&sample, &benchmark.full_id).map_err(|wrong| match wrong {
        Wrong::Malformed(reason) => malformed(reason),
        Wrong::TooShort(p10) => CriterionError::TooShort {
            id: plain(&benchmark.full_id),
            p10,
        },
    })?;
    let written = fs::metadata(&path).and_then(|there| there.modified());
    let written = written.map_err(|error| CriterionError::Unreadable {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    Ok(CriterionResult {
        id: benchmark.full_id,
        function: benchmark.function_id,
        written: moment::seconds(written),
        figures,
        path: folder.to_owned(),
    })
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, CriterionError> {
    let unreadable = |reason: String| CriterionError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let there = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !there.is_file() || there.len() > MOST_BYTES {
        let bytes = there.len();
        return Err(unreadable(format!(
            "it has {bytes} bytes or is no ordinary file, and at most {MOST_BYTES} are read"
        )));
    }
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut text))
        .map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| CriterionError::Malformed {
        path: path.to_owned(),
        reason: plain(&error.to_string()),
    })
}

/// Why a sample gives no figures.
enum Wrong {
    Malformed(String),
    TooShort(u64),
}

fn figures(sample: &Sample, id: &str) -> Result<TrialFigures, Wrong> {
    let Sample { iters, times } = sample;
    let (batches, timed) = (iters.len(), times.len());
    if batches != timed || batches == 0 || batches > MOST_BATCHES {
        return Err(Wrong::Malformed(format!(
            "`{}` has iters for {batches} batches and times for {timed}, and as many of both are needed, 1 to \
             {MOST_BATCHES}",
            plain(id)
        )));
    }
    let mut means = Vec::with_capacity(batches);
    let mut count = 0f64;
    for (iterations, ns) in iters.iter().zip(times) {
        let mean = ns / iterations;
        if !(*iterations >= 1.0 && (0.0..=LONGEST).contains(&mean)) {
            return Err(Wrong::Malformed(format!(
                "`{}` has a batch of {iterations} iterations in {ns} ns, which cannot be",
                plain(id)
            )));
        }
        count += iterations;
        means.push(mean);
    }
    means.sort_by(f64::total_cmp);
    // Whole nanoseconds from here on.
    let whole: Vec<u64> = means.iter().map(|mean| mean.round() as u64).collect();
    let at = |q: f64| order_statistic(&whole, q).unwrap_or(0);
    let maybe = |q: f64| (whole.len() as u64 >= samples_needed(q)).then(|| at(q));
    let p10 = at(0.10);
    if p10 < SHORTEST {
        return Err(Wrong::TooShort(p10));
    }
    Ok(TrialFigures {
        count: count as u64,
        p10,
        p50: at(0.50),
        p90: maybe(0.90),
        p99: maybe(0.99),
    })
}

/// Results as runs: those that were written within an hour of each other are of one sitting. Where they were
/// measured they do not say; `host` is taken for it. `labels` is asked for those of a sitting that began at that moment.
pub fn entries(
    mut results: Vec<CriterionResult>,
    host: &Host,
    labels: impl Fn(SystemTime) -> Labels,
) -> Vec<Entry> {
    results.sort_by(|a, b| (a.written, &a.id).cmp(&(b.written, &b.id)));
    let mut sittings: Vec<Vec<CriterionResult>> = Vec::new();
    for result in results {
        let goes_on = sittings.last().and_then(|sitting| sitting.last());
        let goes_on = goes_on.is_some_and(|last| result.written - last.written <= PAUSE);
        match sittings.last_mut() {
            Some(sitting) if goes_on => {
                // Two folders of one benchmark: the newer one counts.
                sitting.retain(|other| other.id != result.id);
                sitting.push(result);
            }
            _ => sittings.push(vec![result]),
        }
    }
    let entry = |sitting: Vec<CriterionResult>| entry_of(sitting, host, &labels);
    sittings.into_iter().filter_map(entry).collect()
}

fn entry_of(
    sitting: Vec<CriterionResult>,
    host: &Host,
    labels: &impl Fn(SystemTime) -> Labels,
) -> Option<Entry> {
    let (first, last) = (sitting.first()?.written, sitting.last()?.written);
    let path = sitting.first().and_then(|result| tree(&result.path));
    let begun = moment::of_seconds(first);
    let labels = labels(begun);
    let host = StoredHost::of(host, labels.host_name.as_deref());
    let levels = sitting.into_iter().map(|result| Levels {
        cell: result.id,
        phase: None,
        trials: vec![result.figures],
        written: Some(result.written),
    });
    Some(Entry {
        source: Source::Criterion,
        id: format!("criterion-{}", run_id(begun, &host.name)),
        seed: 0,
        started: first,
        finished: Some(last),
        host,
        // It may have been another.
        kernel: None,
        commit: labels.commit,
        branch: labels.branch,
        path,
        tool: "criterion".to_owned(),
        levels: levels.collect(),
        unmeasured: Vec::new(),
        warnings: Vec::new(),
    })
}

/// The folder called `criterion` that a benchmark lies in.
fn tree(benchmark: &Path) -> Option<PathBuf> {
    let mut above = benchmark.ancestors();
    let named = above.find(|folder| folder.ends_with("criterion"));
    named.map(Path::to_owned)
}

const KNOWN: &str = "SELECT 1 FROM series \
    JOIN levels ON levels.series = series.id \
    JOIN trials ON trials.run = levels.run AND trials.series = series.id \
    WHERE series.source = 'criterion' AND series.cell = ?1 AND trials.written = ?2 LIMIT 1";

/// A run of `cargo bench` closes within minutes after Criterion has written its last result.
const OWN: &str = "SELECT 1 FROM series \
    JOIN levels ON levels.series = series.id AND levels.started <= ?2 \
    JOIN runs ON runs.id = levels.run AND runs.finished >= ?2 - 600 \
    WHERE series.source = 'forkbench' AND series.cell = ?1 LIMIT 1";

impl Store {
    /// Whether the store has a result already: itself, or the run that forkbench recorded of the same measurement.
    ///
    /// # Errors
    /// Where the store can't be read.
    pub fn knows(&self, result: &CriterionResult) -> Result<bool, StoreError> {
        let asked = |query: &str, cell: &str| {
            let row = params![cell, result.written];
            let found = self.connection().query_row(query, row, |_| Ok(()));
            let found = found.optional().map(|found| found.is_some());
            found.map_err(|error| self.failed("read", error))
        };
        if asked(KNOWN, &result.id)? {
            return Ok(true);
        }
        match &result.function {
            Some(function) => asked(OWN, function),
            None => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(iters: &[f64], times: &[f64]) -> Result<TrialFigures, String> {
        let sample = Sample {
            iters: iters.to_vec(),
            times: times.to_vec(),
        };
        figures(&sample, "group/bench").map_err(|wrong| match wrong {
            Wrong::Malformed(reason) => reason,
            Wrong::TooShort(p10) => format!("short: {p10}"),
        })
    }

    #[test]
    fn a_batch_gives_its_mean() {
        let iters: Vec<f64> = (1..=20).map(f64::from).collect();
        let times: Vec<f64> = iters.iter().map(|n| n * (1_000.0 + n)).collect();
        let found = of(&iters, &times).unwrap();
        assert_eq!((found.count, found.p10, found.p50), (210, 1_002, 1_010));
        assert_eq!((found.p90, found.p99), (None, None));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (iters, times) in [
            (vec![], vec![]),
            (vec![1.0], vec![]),
            (vec![0.0], vec![1_000.0]),
            (vec![1.0], vec![-1.0]),
            (vec![1.0], vec![f64::NAN]),
            (vec![f64::NAN], vec![1_000.0]),
            (vec![1.0], vec![1e300]),
        ] {
            let told = of(&iters, &times).unwrap_err();
            assert!(told.contains("group/bench"), "{told}");
        }
        assert_eq!(of(&[10.0], &[120.0]).unwrap_err(), "short: 12");
    }

    fn result(id: &str, written: i64) -> CriterionResult {
        CriterionResult {
            id: id.to_owned(),
            function: None,
            written,
            figures: of(&[1.0], &[1_000.0]).unwrap(),
            path: PathBuf::from("/x/target/criterion/group/bench"),
        }
    }

    #[test]
    fn results_an_hour_apart_are_of_two_sittings() {
        let results = vec![result("b", 5_000), result("a", 4_000), result("a", 9_000)];
        let found = entries(results, &Host::default(), |_| Labels::default());
        let sittings: Vec<(i64, usize)> = found
            .iter()
            .map(|entry| (entry.started, entry.levels.len()))
            .collect();
        assert_eq!(sittings, [(4_000, 2), (9_000, 1)]);
        assert_eq!(
            found[0].path.as_deref(),
            Some(Path::new("/x/target/criterion"))
        );
        assert!(found[0].id.starts_with("criterion-1970-01-01T01-06-40Z"));
    }
}
