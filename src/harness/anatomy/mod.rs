//! What a live process is made of, as far as fork's cost goes. It is read from /proc, never stopped, traced
//! or changed; the kernel holds its memory map for reading meanwhile, as for every reader of smaps.

mod error;
mod frames;
mod smaps;
mod status;
mod surroundings;

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

pub use error::AnatomyError;
pub use frames::Frames;
pub use smaps::MappingSeen;
pub use status::Status;

use status::Stat;

/// Bytes of a small file that are read. The kernel's own are far shorter.
const SMALL: u64 = 64 << 10;
/// Bytes of smaps that are read: a million mappings.
const LONGEST_SMAPS: u64 = 1 << 30;
/// Threads whose state is asked for.
const MOST_THREADS: usize = 10_000;

/// A process as it was when it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Anatomy {
    /// Its pid.
    pub pid: i32,
    /// The name it gave itself.
    pub name: String,
    /// What everybody may know of it.
    pub status: Status,
    /// Its mappings; `None` where smaps can't be read.
    pub mappings: Option<Vec<MappingSeen>>,
    /// How many mappings it has, which `maps` says even where there is no smaps.
    pub vmas: Option<u64>,
    /// Whether page frame numbers could be read. `Unreadable` where mappings could not.
    pub frames: Frames,
    /// Open descriptors.
    pub fds: Option<u64>,
    /// Threads that ran or were ready to when they were looked at.
    pub running: u64,
    /// What could not be seen, or changed meanwhile, in words.
    pub unseen: Vec<String>,
}

impl Anatomy {
    /// Reads a process from the `/proc` at `proc`.
    ///
    /// # Errors
    /// Where it has gone, ends meanwhile, or has no memory to copy.
    pub fn read(proc: &Path, pid: i32) -> Result<Self, AnatomyError> {
        Self::read_watched(proc, pid, || ())
    }

    /// [`Anatomy::read`]; `meanwhile` is called when all but the last look is done.
    fn read_watched(proc: &Path, pid: i32, meanwhile: impl FnOnce()) -> Result<Self, AnatomyError> {
        let files = Files {
            folder: proc.join(pid.to_string()),
        };
        let stat = files.stat(pid)?;
        if stat.kernel {
            let name = stat.name;
            return Err(AnatomyError::Kernel { pid, name });
        }
        if stat.has_ended() {
            let (name, parent) = (stat.name, stat.parent);
            return Err(AnatomyError::Zombie { pid, name, parent });
        }
        let status = files.status();
        let mut anatomy = Self {
            pid: status.process.unwrap_or(pid),
            name: stat.name.clone(),
            mappings: None,
            vmas: None,
            frames: Frames::Unreadable,
            fds: files.descriptors(),
            running: files.running(),
            unseen: Vec::new(),
            status,
        };
        anatomy.read_mappings(&files);
        if anatomy.fds.is_none() {
            anatomy.unseen.push(format!(
                "its descriptors can't be counted; its table has room for {}",
                anatomy.status.descriptors.unwrap_or(0)
            ));
        }
        meanwhile();
        let after = files.stat(pid).map_err(|_| AnatomyError::Ended { pid })?;
        // Its memory goes before its pid does.
        let let_go = files.status().rss.is_none() || anatomy.mappings.as_deref() == Some(&[]);
        if after.has_ended() || after.began != stat.began || let_go {
            return Err(AnatomyError::Ended { pid });
        }
        anatomy.compare(&files.status());
        Ok(anatomy)
    }

    fn read_mappings(&mut self, files: &Files) {
        match files.smaps() {
            Ok(mut mappings) => {
                self.frames = files.place(&mut mappings);
                self.vmas = Some(mappings.len() as u64);
                self.mappings = Some(mappings);
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => self
                .unseen
                .push("its mappings can't be read, which takes its own user or CAP_SYS_PTRACE: run as root, outside of a container".to_owned()),
            Err(error) => {
                self.vmas = files.maps().map(|maps| maps.len() as u64).ok();
                self.unseen.push(format!(
                    "its smaps can't be read ({error}): what its pages are is not known"
                ));
            }
        }
    }

    /// Says so where it grew or shrank by more than a tenth while it was read.
    fn compare(&mut self, after: &Status) {
        let (Some(before), Some(after)) = (self.status.rss, after.rss) else {
            return;
        };
        if before.abs_diff(after) > before / 10 {
            let [before, after] = [before, after].map(crate::units::human_size);
            self.unseen.push(format!(
                "its memory went from {before} to {after} while it was read: ask again for what it is now"
            ));
        }
    }
}

/// The files of one process. All are opened for reading alone.
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Those of a process of this host.
    pub(super) fn of(pid: i32) -> Self {
        let folder = Path::new("/proc").join(pid.to_string());
        Self { folder }
    }

    fn small(&self, name: &str) -> io::Result<Vec<u8>> {
        read_small(&self.folder.join(name))
    }

    pub(super) fn stat(&self, pid: i32) -> Result<Stat, AnatomyError> {
        let unreadable = |reason: String| AnatomyError::Unreadable {
            pid,
            file: "stat",
            reason,
        };
        match self.small("stat") {
            Ok(text) => Stat::parse(&text)
                .ok_or_else(|| unreadable("it is not what the kernel writes".to_owned())),
            Err(error) if is_gone(&error) => Err(AnatomyError::Gone { pid }),
            Err(error) => Err(unreadable(error.to_string())),
        }
    }

    pub(super) fn status(&self) -> Status {
        Status::parse(&self.small("status").unwrap_or_default())
    }

    pub(super) fn smaps(&self) -> io::Result<Vec<MappingSeen>> {
        let file = File::open(self.folder.join("smaps"))?;
        smaps::mappings(&mut BufReader::with_capacity(
            1 << 16,
            file.take(LONGEST_SMAPS),
        ))
    }

    fn maps(&self) -> io::Result<Vec<MappingSeen>> {
        let file = File::open(self.folder.join("maps"))?;
        smaps::mappings(&mut BufReader::new(file.take(LONGEST_SMAPS)))
    }

    fn place(&self, mappings: &mut [MappingSeen]) -> Frames {
        let file = File::open(self.folder.join("pagemap"));
        file.and_then(|file| frames::place(&file, mappings))
            .unwrap_or(Frames::Unreadable)
    }

    pub(super) fn descriptors(&self) -> Option<u64> {
        let entries = fs::read_dir(self.folder.join("fd")).ok()?;
        Some(entries.flatten().count() as u64)
    }

    /// Threads in state R.
    fn running(&self) -> u64 {
        let tasks = fs::read_dir(self.folder.join("task"));
        let tasks = tasks.into_iter().flatten().flatten().take(MOST_THREADS);
        let states =
            tasks.filter_map(|task| Stat::parse(&read_small(&task.path().join("stat")).ok()?));
        states.filter(|stat| stat.state == 'R').count() as u64
    }
}

fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SMALL).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// No such file, or what the kernel says of files that are open when their process goes.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

#[cfg(test)]
mod tests;
