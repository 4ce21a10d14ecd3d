//! What a child was given of its parent's page tables, as it reads it of itself.

use std::ffi::CStr;

/// What page tables a child has. Bytes and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tables {
    /// Bytes of page tables, those of all levels.
    pub bytes: Option<u64>,
    /// Entries in them that map something: a page of 4 KiB, or a huge one.
    pub entries: Option<u64>,
}

/// Room for one file of /proc.
type Text = [u8; 4096];

/// What a child reads of itself into memory that both sides see: a process that has ended has no memory, and
/// a parent that reads /proc meanwhile would come too late where the child runs beside it.
#[repr(C)]
pub(super) struct Weighing {
    status: Text,
    rollup: Text,
}

impl Weighing {
    /// Reads both files.
    ///
    /// # Safety
    /// `this` must be mapped and written by nobody else. Otherwise safe between fork and exec.
    pub(super) unsafe fn read(this: *mut Self) {
        // SAFETY: as the caller says.
        unsafe {
            read(c"/proc/self/status", &mut (*this).status);
            read(c"/proc/self/smaps_rollup", &mut (*this).rollup);
        }
    }

    /// What was read.
    pub(super) fn tables(&self) -> Tables {
        const BASE: u64 = 4;
        const HUGE: u64 = 2048;
        let status = |key: &str| kib(&self.status, key);
        let rollup = |key: &str| kib(&self.rollup, key);
        let entries = rollup("Rss:").map(|rss| {
            let huge: u64 = ["AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:"]
                .into_iter()
                .filter_map(rollup)
                .sum();
            let reserved = status("HugetlbPages:").unwrap_or(0);
            rss.saturating_sub(huge) / BASE + (huge + reserved) / HUGE
        });
        Tables {
            bytes: status("VmPTE:").map(|kib| kib * 1024),
            entries,
        }
    }
}

/// Reads as much of a file as there is room for, with nothing but system calls.
unsafe fn read(path: &CStr, text: &mut Text) {
    // SAFETY: the path is a C string, and `text` has room for its own length.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if fd >= 0 {
            libc::read(fd, text.as_mut_ptr().cast(), text.len());
            libc::close(fd);
        }
    }
}

/// The number in the line that begins with `key`, which is in KiB.
fn kib(text: &Text, key: &str) -> Option<u64> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighing(status: &str, rollup: &str) -> Weighing {
        let text = |from: &str| {
            let mut text = [0; 4096];
            text[..from.len()].copy_from_slice(from.as_bytes());
            text
        };
        Weighing {
            status: text(status),
            rollup: text(rollup),
        }
    }

    #[test]
    fn a_huge_page_is_one_entry() {
        let status = "Name:\tx\nVmPTE:\t    2100 kB\nHugetlbPages:\t    4096 kB\n";
        let rollup = "00400000-7fff ---p 0 [rollup]\nRss:   6152 kB\nAnonHugePages:  4096 kB\n";
        let tables = weighing(status, rollup).tables();
        assert_eq!(tables.bytes, Some(2100 * 1024));
        assert_eq!(tables.entries, Some(514 + 2 + 2));
        assert_eq!(weighing("", "").tables(), Tables::default());
    }

    #[test]
    fn a_process_reads_its_own() {
        let mut own = weighing("", "");
        // SAFETY: nobody else knows of it.
        unsafe { Weighing::read(&mut own) };
        let tables = own.tables();
        // Fewer entries than there is room for: a table has 512.
        assert!(tables.bytes.unwrap() >= 4096);
        assert!(tables.entries.unwrap() <= tables.bytes.unwrap() / 8);
    }
}
