//! Files of forkbench's own that other programs execute or read, put where these can.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

/// No folder would take a file.
#[derive(Debug)]
pub(super) struct Refused {
    /// The last folder tried.
    pub(super) folder: PathBuf,
    /// What it answered.
    pub(super) source: io::Error,
}

/// Puts `bytes` into the user's cache folder as `STEM-FINGERPRINT` with an extension, once for each version of
/// them. A file on a disk, because executing a memfd through /proc takes 12 % longer.
///
/// # Errors
/// [`Refused`].
pub(super) fn place(
    stem: &str,
    extension: &str,
    bytes: &[u8],
    executable: bool,
) -> Result<PathBuf, Refused> {
    let uid = Uid::effective();
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let folders = [
        cache.map(|cache| cache.join("forkbench")),
        home.map(|home| home.join("forkbench")),
        Some(std::env::temp_dir().join(format!("forkbench-{uid}"))),
    ];
    let name = format!("{stem}-{:016x}{extension}", fingerprint(bytes));
    let mut refused = None;
    for folder in folders
        .into_iter()
        .flatten()
        .filter(|folder| folder.is_absolute())
    {
        match put(&folder, uid, &name, bytes, executable) {
            Ok(path) => return Ok(path),
            Err(source) => refused = Some(Refused { folder, source }),
        }
    }
    Err(refused.unwrap_or_else(|| Refused {
        folder: std::env::temp_dir(),
        source: io::ErrorKind::NotFound.into(),
    }))
}

fn put(folder: &Path, uid: Uid, name: &str, bytes: &[u8], executable: bool) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let metadata = fs::metadata(folder)?;
    if metadata.uid() != uid.as_raw() || metadata.mode() & 0o022 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "others own or may write the folder",
        ));
    }
    let path = folder.join(name);
    let usable = !executable || is_executable(&path);
    if usable && fs::read(&path).is_ok_and(|there| there == bytes) {
        return Ok(path);
    }
    // Written beside and renamed, so that a forkbench that starts meanwhile never executes half of it.
    let temporary = folder.join(format!("{name}.{}", std::process::id()));
    let mut file: File = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(if executable { 0o755 } else { 0o644 })
        .open(&temporary)?;
    file.write_all(bytes)?;
    drop(file);
    fs::rename(&temporary, &path)?;
    Ok(path)
}

/// FNV-1a: it tells one build's file from another's, no more.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Whether a file is there that may be executed.
pub(super) fn is_executable(path: &Path) -> bool {
    fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_someone_else_spoiled_is_put_right() {
        let folder = tempfile::tempdir().unwrap();
        let place = || put(folder.path(), Uid::effective(), "child", b"its bytes", true);
        let path = place().unwrap();
        fs::write(&path, "spoiled").unwrap();
        assert_eq!(place().unwrap(), path);
        assert_eq!(fs::read(&path).unwrap(), b"its bytes");
        assert!(is_executable(&path));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(place().is_err());
    }
}
