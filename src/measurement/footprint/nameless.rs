//! Files without a name: nothing is left of them, whatever ends their users.

use std::ffi::CString;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A file without a name, open for reading and writing, in `TMPDIR`, else in `/var/tmp`.
///
/// # Errors
/// Where it can't be made there.
pub fn nameless_file() -> io::Result<OwnedFd> {
    open(&folder())
}

/// Where such files lie.
pub(super) fn folder() -> PathBuf {
    match std::env::var_os("TMPDIR") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => PathBuf::from("/var/tmp"),
    }
}

/// Opens one in `folder`.
pub(super) fn open(folder: &Path) -> io::Result<OwnedFd> {
    let text = |path: &Path| CString::new(path.as_os_str().as_bytes());
    let path = text(folder)?;
    let flags = libc::O_RDWR | libc::O_CLOEXEC;
    // SAFETY: the path is a C string.
    let mut fd = unsafe { libc::open(path.as_ptr(), flags | libc::O_TMPFILE, 0o600) };
    if fd < 0 {
        // Not every file system knows O_TMPFILE.
        let named = format!(".forkbench-{}", std::process::id());
        let named = text(&folder.join(named))?;
        // SAFETY: as above.
        fd = unsafe { libc::open(named.as_ptr(), flags | libc::O_CREAT | libc::O_EXCL, 0o600) };
        if fd >= 0 {
            // SAFETY: as above.
            unsafe { libc::unlink(named.as_ptr()) };
        }
    }
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just opened and is nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
