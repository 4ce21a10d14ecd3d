//! The image that children execute, put where it can be executed from.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use crate::mechanism::Image;

/// The image, built without libc or loader.
static CHILD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/forkbench-child"));

/// Why there is no image to execute.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// No folder would take it.
    #[error(
        "the program that children execute could not be put into {}: {source}; set XDG_CACHE_HOME to a \
         folder that is yours and not mounted noexec",
        folder.display()
    )]
    Write {
        /// The last folder tried.
        folder: PathBuf,
        /// What it answered.
        source: io::Error,
    },
    /// The named program is not there.
    #[error("--exec `{program}`: no such program, in {searched}; name another")]
    Missing {
        /// What was given.
        program: String,
        /// Where it was looked for.
        searched: String,
    },
    /// The named program cannot be executed.
    #[error("--exec `{program}`: {} is not an executable file", path.display())]
    NotExecutable {
        /// What was given.
        program: String,
        /// What it names.
        path: PathBuf,
    },
}

/// Puts forkbench's own image into the user's cache folder, once for each version of it, and returns
/// it. A file on a disk, because executing a memfd through /proc takes 12 % longer.
///
/// # Errors
/// [`ImageError::Write`].
pub fn own() -> Result<Image, ImageError> {
    let uid = Uid::effective();
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let folders = [
        cache.map(|cache| cache.join("forkbench")),
        home.map(|home| home.join("forkbench")),
        Some(std::env::temp_dir().join(format!("forkbench-{uid}"))),
    ];
    let mut error = None;
    for folder in folders
        .into_iter()
        .flatten()
        .filter(|folder| folder.is_absolute())
    {
        match put(&folder, uid) {
            Ok(path) => {
                return Ok(Image {
                    path: path.display().to_string(),
                    foreign: None,
                });
            }
            Err(source) => error = Some(ImageError::Write { folder, source }),
        }
    }
    Err(error.unwrap_or_else(|| ImageError::Write {
        folder: std::env::temp_dir(),
        source: io::ErrorKind::NotFound.into(),
    }))
}

fn put(folder: &Path, uid: Uid) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let metadata = fs::metadata(folder)?;
    if metadata.uid() != uid.as_raw() || metadata.mode() & 0o022 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "others own or may write the folder",
        ));
    }
    let path = folder.join(format!(
        "child-{}-{:016x}",
        std::env::consts::ARCH,
        fingerprint(CHILD)
    ));
    if fs::read(&path).is_ok_and(|bytes| bytes == CHILD) && is_executable(&path) {
        return Ok(path);
    }
    // Written beside and renamed, so that a forkbench that starts meanwhile never executes half of it.
    let temporary = folder.join(format!("child.{}", std::process::id()));
    let mut file: File = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o755)
        .open(&temporary)?;
    file.write_all(CHILD)?;
    drop(file);
    fs::rename(&temporary, &path)?;
    Ok(path)
}

/// FNV-1a: it tells one build's image from another's, no more.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// A foreign program with its arguments, separated by blanks, as `--exec` takes it.
///
/// # Errors
/// [`ImageError::Missing`] and [`ImageError::NotExecutable`]: a missing program must never look like a
/// fast one.
pub fn foreign(command: &str) -> Result<Image, ImageError> {
    let mut words = command.split_whitespace().map(str::to_owned);
    let program = words.next().unwrap_or_default();
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![PathBuf::from(&program)]
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|folder| folder.join(&program))
            .collect()
    };
    let Some(path) = candidates
        .iter()
        .find(|path| path.exists() && !program.is_empty())
    else {
        let searched = if program.contains('/') {
            "that place"
        } else {
            "the folders of PATH"
        };
        return Err(ImageError::Missing {
            program,
            searched: searched.to_owned(),
        });
    };
    if !is_executable(path) {
        return Err(ImageError::NotExecutable {
            program,
            path: path.clone(),
        });
    }
    let path = path.canonicalize().unwrap_or_else(|_| path.clone());
    Ok(Image {
        path: path.display().to_string(),
        foreign: Some(words.collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        for program in ["no-such-program", "/no/such/program", ""] {
            let error = foreign(program).unwrap_err().to_string();
            assert!(error.contains(&format!("`{program}`")), "{error}");
        }
        let error = foreign("/etc/passwd").unwrap_err().to_string();
        assert!(error.contains("not an executable file"), "{error}");
    }

    #[test]
    fn arguments_stay_with_their_program() {
        let image = foreign("sleep 999").unwrap();
        assert!(image.path.starts_with('/'));
        assert_eq!(image.foreign, Some(vec!["999".to_owned()]));
    }

    #[test]
    fn an_image_someone_else_spoiled_is_put_right() {
        let folder = tempfile::tempdir().unwrap();
        let path = put(folder.path(), Uid::effective()).unwrap();
        fs::write(&path, "spoiled").unwrap();
        assert_eq!(put(folder.path(), Uid::effective()).unwrap(), path);
        assert_eq!(fs::read(&path).unwrap(), CHILD);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(put(folder.path(), Uid::effective()).is_err());
    }
}
