//! Reading /proc and /sys without an allocation.
//!
//! What the subject allocates stays in its heap and is paid for by every fork. So text is read into
//! memory of the caller's, a piece at a time.

use std::ffi::CStr;

use super::region::{Region, errno};

/// Bytes read at a time.
const PIECE: usize = 64 << 10;

/// A buffer outside the heap that children do not inherit, gone when dropped.
///
/// # Errors
/// The errno of `mmap`.
pub(super) fn scratch() -> Result<Region, i32> {
    Region::bookkeeping(PIECE)
}

/// An open file, closed when dropped.
pub(super) struct File(i32);

impl File {
    /// Opens a file or directory for reading.
    ///
    /// # Errors
    /// The errno of `open`.
    pub(super) fn open(path: &CStr) -> Result<Self, i32> {
        // SAFETY: the path is a C string.
        match unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) } {
            -1 => Err(errno()),
            fd => Ok(Self(fd)),
        }
    }

    /// Reads into `buffer`; 0 is the end.
    ///
    /// # Errors
    /// The errno of `read`.
    pub(super) fn read(&self, buffer: &mut [u8]) -> Result<usize, i32> {
        // SAFETY: the buffer is borrowed mutably for the length given.
        let read = unsafe { libc::read(self.0, buffer.as_mut_ptr().cast(), buffer.len()) };
        usize::try_from(read).map_err(|_| errno())
    }

    /// Reads into `buffer` from `offset`; 0 is the end.
    ///
    /// # Errors
    /// The errno of `pread`.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, i32> {
        // SAFETY: the buffer is borrowed mutably for the length given.
        let read = unsafe {
            libc::pread64(
                self.0,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                offset as i64,
            )
        };
        usize::try_from(read).map_err(|_| errno())
    }

    /// Directory entries left: their number, and 0 at the end of the directory.
    ///
    /// # Errors
    /// The errno of `getdents64`.
    pub(super) fn entries(&self, buffer: &mut [u8]) -> Result<u64, i32> {
        // SAFETY: the buffer is borrowed mutably for the length given.
        let read = unsafe {
            libc::syscall(
                libc::SYS_getdents64,
                self.0,
                buffer.as_mut_ptr(),
                buffer.len(),
            )
        };
        let read = usize::try_from(read).map_err(|_| errno())?;
        let (mut at, mut count) = (0, 0);
        while at + 18 < read {
            // struct linux_dirent64: ino 8 bytes, off 8, reclen 2, type 1, name.
            let length = usize::from(u16::from_ne_bytes([buffer[at + 16], buffer[at + 17]]));
            count += 1;
            at += length.max(1);
        }
        Ok(count)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: the descriptor is this value's own.
        unsafe { libc::close(self.0) };
    }
}

/// Hands the lines of a file to `line` until it returns false. A line longer than the buffer comes
/// in pieces.
///
/// # Errors
/// The errno of `open` or `read`.
pub(super) fn lines(
    path: &CStr,
    buffer: &mut [u8],
    line: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), i32> {
    let file = File::open(path)?;
    let mut held = 0;
    loop {
        let read = file.read(&mut buffer[held..])?;
        let filled = held + read;
        let mut from = 0;
        while let Some(end) = buffer[from..filled].iter().position(|&byte| byte == b'\n') {
            if !line(&buffer[from..from + end]) {
                return Ok(());
            }
            from += end + 1;
        }
        let full = from == 0 && filled == buffer.len();
        if from < filled && (read == 0 || full) {
            if !line(&buffer[from..filled]) {
                return Ok(());
            }
            from = filled;
        }
        if read == 0 {
            return Ok(());
        }
        buffer.copy_within(from..filled, 0);
        held = filled - from;
    }
}

/// The number in a line that begins with `key`: `VmPTE:     48 kB` is 48.
pub(super) fn number_of(line: &[u8], key: &str) -> Option<u64> {
    number(line.strip_prefix(key.as_bytes())?)
}

/// The first number of a text, after blanks.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii_start();
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

/// The address range a line of maps or smaps begins with: `7f00-7f10 rw-p …`.
pub(super) fn range_of(line: &[u8]) -> Option<(u64, u64)> {
    let dash = line.iter().position(|&byte| byte == b'-')?;
    let blank = line.iter().position(|&byte| byte == b' ')?;
    let hexadecimal = |text: &[u8]| u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok();
    Some((
        hexadecimal(&line[..dash])?,
        hexadecimal(line.get(dash + 1..blank)?)?,
    ))
}

/// The number that stands alone in a file of /proc/sys or /sys.
pub(super) fn value(path: &CStr) -> Option<u64> {
    let mut buffer = [0; 64];
    let read = File::open(path).ok()?.read(&mut buffer).ok()?;
    number(&buffer[..read])
}

/// A number of /proc/self/status. Sizes there are in KiB.
pub(super) fn status(key: &str, buffer: &mut [u8]) -> Option<u64> {
    let mut found = None;
    lines(c"/proc/self/status", buffer, &mut |line| {
        found = number_of(line, key);
        found.is_none()
    })
    .ok()?;
    found
}

/// Open descriptors of this process, the one that is needed to count them left out.
pub(super) fn open_descriptors(buffer: &mut [u8]) -> Option<u64> {
    let folder = File::open(c"/proc/self/fd").ok()?;
    let mut total = 0;
    loop {
        match folder.entries(buffer).ok()? {
            // `.`, `..` and the folder itself.
            0 => return u64::checked_sub(total, 3),
            more => total += more,
        }
    }
}
