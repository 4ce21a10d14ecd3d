//! Runs and results of Criterion below a folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::criterion::is_benchmark;

/// Folders that are looked at, and how deep.
const MOST_FOLDERS: usize = 200_000;
const DEEPEST: usize = 24;
/// Folders that hold no results, and many files. Below `criterion` they are somebody's benchmarks.
const SKIPPED: [&str; 3] = ["deps", "incremental", "node_modules"];

/// What was found, in the order of the paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Directories of runs.
    pub runs: Vec<PathBuf>,
    /// Folders of Criterion's benchmarks.
    pub benchmarks: Vec<PathBuf>,
    /// Folders that could not be read, with the reason.
    pub unreadable: Vec<String>,
}

/// Why a folder was not looked through.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// Nothing is there, or no folder.
    #[error("`{}` is no folder that can be read: {reason}; name one that holds runs, or target/criterion", path.display())]
    NoFolder {
        /// What was named.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It is endless.
    #[error("`{}` holds more than {MOST_FOLDERS} folders: name one that is nearer to the runs", path.display())]
    TooMany {
        /// What was named.
        path: PathBuf,
    },
}

/// Looks for runs and results in a folder and below. Links and hidden folders are not followed, and nothing is looked for
/// inside a run.
///
/// # Errors
/// Where the folder can't be read, or holds too many.
pub fn find(folder: &Path) -> Result<Found, FoundError> {
    if let Err(error) = fs::read_dir(folder) {
        return Err(FoundError::NoFolder {
            path: folder.to_owned(),
            reason: error.to_string(),
        });
    }
    let mut found = Found::default();
    let mut looked = 0;
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((folder_here, depth)) = waiting.pop() {
        looked += 1;
        if looked > MOST_FOLDERS {
            return Err(FoundError::TooMany {
                path: folder.to_owned(),
            });
        }
        if is_run(&folder_here) {
            found.runs.push(folder_here);
            continue;
        }
        if is_benchmark(&folder_here) {
            found.benchmarks.push(folder_here.clone());
        }
        if depth == DEEPEST {
            continue;
        }
        match below(&folder_here) {
            Ok(folders) => waiting.extend(folders.into_iter().map(|path| (path, depth + 1))),
            Err(error) => found
                .unreadable
                .push(format!("`{}`: {error}", folder_here.display())),
        }
    }
    found.runs.sort();
    found.benchmarks.sort();
    Ok(found)
}

/// Whether a folder is a run's. A `run.json` alone may be anybody's.
fn is_run(folder: &Path) -> bool {
    folder.join("trials.jsonl").is_file()
        || (folder.join("run.json").is_file() && folder.join("histograms.hlog").is_file())
}

fn below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let benchmarks = folder.iter().any(|part| part == "criterion");
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // The kind of a link is that of the link.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let skipped = name.starts_with('.') || SKIPPED.contains(&name.as_ref());
        if is_folder && (benchmarks || !skipped) {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_benchmarks_are_found_and_nothing_inside_a_run() {
        let scratch = tempfile::tempdir().unwrap();
        let make = |file: &str| {
            let path = scratch.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        make("reports/one/trials.jsonl");
        make("reports/one/inner/trials.jsonl");
        make("old/run.json");
        make("old/histograms.hlog");
        make("other/run.json");
        make(".hidden/trials.jsonl");
        make("target/deps/trials.jsonl");
        make("target/criterion/group/bench/new/benchmark.json");
        make("target/criterion/group/bench/new/sample.json");
        make("target/criterion/group/bench/base/benchmark.json");
        let link = scratch.path().join("latest");
        std::os::unix::fs::symlink(scratch.path().join("reports/one"), link).unwrap();
        let found = find(scratch.path()).unwrap();
        let names = |paths: &[PathBuf]| -> Vec<String> {
            let relative = paths
                .iter()
                .map(|path| path.strip_prefix(scratch.path()).unwrap());
            relative.map(|path| path.display().to_string()).collect()
        };
        assert_eq!(names(&found.runs), ["old", "reports/one"]);
        assert_eq!(names(&found.benchmarks), ["target/criterion/group/bench"]);
        assert_eq!(found.unreadable, [""; 0]);
        let missing = find(&scratch.path().join("missing"))
            .unwrap_err()
            .to_string();
        assert!(missing.contains("missing"), "{missing}");
    }
}
