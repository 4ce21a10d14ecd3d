//! The ballast's own entry in /proc/self/smaps, and VMAs counted in /proc/self/maps.

use std::ffi::CStr;

use super::proc::{lines, number_of, range_of};
use super::region::Region;

/// What smaps says of one VMA, in bytes.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Its length.
    pub(super) size: u64,
    /// Resident bytes. Reserved huge pages do not count here.
    pub(super) rss: u64,
    /// Resident bytes that no other process maps.
    pub(super) private: u64,
    /// Bytes in transparent huge pages that a PMD maps.
    pub(super) thp: u64,
    /// Bytes in reserved huge pages.
    pub(super) hugetlb: u64,
    /// `rd wr mr …`, as the kernel writes them.
    pub(super) flags: Option<String>,
}

/// The entry of the VMA that begins where `region` does; `None` if none does.
///
/// # Errors
/// The errno of reading smaps, which not every kernel has.
pub(super) fn entry(region: &Region, buffer: &mut [u8]) -> Result<Option<Entry>, i32> {
    entry_of(c"/proc/self/smaps", region, buffer)
}

/// The same from the smaps of a process that may be a child forked from this one.
///
/// # Errors
/// The errno of reading it.
pub(super) fn entry_of(
    path: &CStr,
    region: &Region,
    buffer: &mut [u8],
) -> Result<Option<Entry>, i32> {
    let mut entry = Entry::default();
    let mut inside = false;
    lines(path, buffer, &mut |line| {
        // Fields begin with a capital; a VMA's own line with a hexadecimal digit in lower case.
        if !line.first().is_some_and(u8::is_ascii_uppercase) {
            if inside {
                return false;
            }
            inside = range_of(line).is_some_and(|(start, _)| start == region.start() as u64);
        } else if inside {
            entry.read(line);
        }
        true
    })?;
    Ok(inside.then_some(entry))
}

impl Entry {
    fn read(&mut self, line: &[u8]) {
        if let Some(flags) = line.strip_prefix(b"VmFlags:") {
            let flags = std::str::from_utf8(flags.trim_ascii());
            self.flags = flags.ok().map(str::to_owned);
            return;
        }
        let fields = [
            (&mut self.size, ["Size:", "", ""]),
            (&mut self.rss, ["Rss:", "", ""]),
            (&mut self.private, ["Private_Clean:", "Private_Dirty:", ""]),
            (
                &mut self.thp,
                ["AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:"],
            ),
            (
                &mut self.hugetlb,
                ["Shared_Hugetlb:", "Private_Hugetlb:", ""],
            ),
        ];
        for (field, keys) in fields {
            for key in keys.iter().filter(|key| !key.is_empty()) {
                *field += number_of(line, key).unwrap_or(0) * 1024;
            }
        }
    }
}

/// Bytes of `region` in transparent huge pages that a PMD maps.
pub(super) fn thp_bytes(region: &Region) -> Option<u64> {
    let mut scratch = super::proc::scratch().ok()?;
    Some(entry(region, scratch.bytes()).ok()??.thp)
}

/// VMAs of this process.
#[derive(Debug, Default)]
pub(super) struct Count {
    /// All of them but the buffer they are read into and the kernel's own page.
    pub(super) all: u64,
    /// Those that `added` knows as its own.
    pub(super) added: u64,
}

/// Counts the VMAs of this process, and those among them whose range `added` accepts.
pub(super) fn count(
    scratch: &mut Region,
    added: &mut dyn FnMut(u64, u64) -> bool,
) -> Option<Count> {
    let own = (
        scratch.start() as u64,
        (scratch.start() + scratch.len()) as u64,
    );
    let mut count = Count::default();
    lines(c"/proc/self/maps", scratch.bytes(), &mut |line| {
        let Some(range) = range_of(line) else {
            return true;
        };
        // The buffer is gone when this returns. Where the kernel has made one VMA of it and a
        // neighbour, the neighbour stays.
        if range != own && !line.ends_with(b"[vsyscall]") {
            count.all += 1;
        }
        count.added += u64::from(added(range.0, range.1));
        true
    })
    .ok()?;
    Some(count)
}
