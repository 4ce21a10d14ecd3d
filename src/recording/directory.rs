//! Making a run's directory, finding it again, and replacing files in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::RecordingError;
use super::lines::next_line;
use super::schema::{Line, RunLine};

/// The truth.
pub(super) const TRIALS: &str = "trials.jsonl";
/// What is derived from it.
pub(super) const RUN: &str = "run.json";
/// The link to the newest run.
const LATEST: &str = "latest";
/// Bytes that an id may have: a file name has at most 255, and a counter may be added.
const LONGEST_ID: usize = 200;

/// The name of a run that began at `started` on `host`: UTC time and host, as in
/// `2026-07-01T10-20-30Z-alpha`.
pub fn run_id(started: SystemTime, host: &str) -> String {
    let time = rfc3339(started).replace(':', "-");
    format!("{time}-{}", file_name(host))
}

/// A moment as it stands in a run's files: RFC 3339 in UTC, whole seconds.
pub fn rfc3339(moment: SystemTime) -> String {
    humantime::format_rfc3339_seconds(moment).to_string()
}

/// Seconds since 1970 of such a text; 0 for what is none.
pub(super) fn seconds(text: &str) -> f64 {
    let moment = humantime::parse_rfc3339_weak(text).unwrap_or(SystemTime::UNIX_EPOCH);
    let since = moment.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs_f64()
}

/// Text as one part of a path, different for different texts: a `/` becomes `~`, and what is neither
/// letter, digit nor one of `-_.+=@:,` becomes % and two hexadecimal digits. At the front so does a dot.
pub(crate) fn file_name(text: &str) -> String {
    let mut name = String::new();
    for byte in text.bytes() {
        match byte {
            b'/' => name.push('~'),
            b'.' if name.is_empty() => name.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => name.push(byte.into()),
            b'-' | b'_' | b'.' | b'+' | b'=' | b'@' | b':' | b',' => name.push(byte.into()),
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name
}

/// Makes a directory for a run in `parent`, named by the id or, where that is taken, the id with -2,
/// -3 … added. Returns it with the name it got.
pub(super) fn make(parent: &Path, id: &str) -> Result<(PathBuf, String), RecordingError> {
    let mut id = file_name(id);
    id.truncate(LONGEST_ID);
    if id.is_empty() || id == LATEST {
        id.push_str("-run");
    }
    for number in 1..10_000 {
        let name = match number {
            1 => id.clone(),
            _ => format!("{id}-{number}"),
        };
        let directory = parent.join(&name);
        match fs::create_dir(&directory) {
            Ok(()) => return Ok((directory, name)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(RecordingError::io("make", &directory, error)),
        }
    }
    let taken = io::Error::new(
        ErrorKind::AlreadyExists,
        "10,000 runs of this name are there",
    );
    Err(RecordingError::io("make", &parent.join(id), taken))
}

/// Opens the folder that holds the runs, made if need be: its lock keeps two processes from making two
/// runs of one sitting.
pub(super) fn open_parent(parent: &Path) -> Result<File, RecordingError> {
    fs::create_dir_all(parent).map_err(|error| RecordingError::io("make", parent, error))?;
    File::open(parent).map_err(|error| RecordingError::io("open", parent, error))
}

/// Points `latest` in `parent` to the run called `name`, in one step. Does nothing where the file system
/// has no links.
pub(super) fn point_latest(parent: &Path, name: &Path) -> Result<(), RecordingError> {
    let latest = parent.join(LATEST);
    let in_the_way = || RecordingError::InTheWay {
        path: latest.clone(),
    };
    match fs::symlink_metadata(&latest) {
        Ok(there) if !there.is_symlink() => return Err(in_the_way()),
        _ => {}
    }
    let temporary = parent.join(format!(".{LATEST}.{}", std::process::id()));
    let _ = fs::remove_file(&temporary);
    match symlink(name, &temporary) {
        Ok(()) => {}
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::Unsupported
            ) =>
        {
            return Ok(());
        }
        Err(error) => return Err(RecordingError::io("link", &latest, error)),
    }
    fs::rename(&temporary, &latest).map_err(|error| {
        let _ = fs::remove_file(&temporary);
        RecordingError::io("link", &latest, error)
    })
}

/// Writes a file anew: beside it, synced, then renamed over it. A reader sees the old or the new one,
/// whole. Where it fails the old one stays.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), RecordingError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.new"));
    let written = (|| {
        let mut file = BufWriter::new(File::create(&temporary)?);
        write(&mut file)?;
        file.into_inner()?.sync_all()?;
        fs::rename(&temporary, path)
    })();
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        RecordingError::io("write", path, error)
    })
}

/// Sees the names in a directory to the disk.
pub(super) fn sync(directory: &Path) -> Result<(), RecordingError> {
    let synced = File::open(directory).and_then(|file| file.sync_all());
    synced.map_err(|error| RecordingError::io("sync", directory, error))
}

/// The newest run in `parent` that belongs to a sitting.
pub(super) fn find_sitting(parent: &Path, sitting: &str) -> Option<PathBuf> {
    let mut runs = runs(parent).into_iter();
    let found = runs.find(|(header, _)| header.sitting == sitting);
    found.map(|(_, directory)| directory)
}

/// The runs whose directories stand in `parent`, by their first lines, the newest first. None where the
/// folder can't be read.
pub fn runs(parent: &Path) -> Vec<(RunLine, PathBuf)> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    // `latest` is one of them a second time.
    let directories = entries.map(|entry| entry.path());
    let real = directories.filter(|directory| !directory.is_symlink());
    let mut runs: Vec<(RunLine, PathBuf)> = real
        .filter_map(|directory| Some((header_of(&directory.join(TRIALS))?, directory)))
        .collect();
    runs.sort_by(|(a, one), (b, other)| (&b.started, other).cmp(&(&a.started, one)));
    runs
}

/// The line that names a run, if it is the first of a file.
fn header_of(path: &Path) -> Option<RunLine> {
    // Something else than a file may stand there, and opening a pipe would wait for ever.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .ok()?;
    file.metadata().ok()?.is_file().then_some(())?;
    let line = next_line(&mut BufReader::new(file)).ok()??;
    match serde_json::from_slice(&line.bytes?).ok()? {
        Line::Run(header) => Some(*header),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_one_part_of_a_path_and_tell_texts_apart() {
        let texts = [
            "fork/64MiB",
            "fork~64MiB",
            "fork_64MiB",
            "..",
            "",
            "a b",
            "a%20b",
            "é/\n",
        ];
        let names: BTreeSet<String> = texts.iter().map(|text| file_name(text)).collect();
        assert_eq!(names.len(), texts.len());
        assert!(names.iter().all(|name| !name.contains('/') && name != ".."));
        assert_eq!(
            file_name("posix_spawn/1GiB+thp@free"),
            "posix_spawn~1GiB+thp@free"
        );
    }

    #[test]
    fn ids_sort_by_time() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(
            run_id(at(1_782_901_230), "alpha"),
            "2026-07-01T10-20-30Z-alpha"
        );
        assert!(run_id(at(1_782_901_230), "zeta") < run_id(at(1_782_901_231), "alpha"));
        assert_eq!(seconds(&rfc3339(at(1_782_901_230))), 1_782_901_230.0);
        assert_eq!(seconds("soon"), 0.0);
    }
}
