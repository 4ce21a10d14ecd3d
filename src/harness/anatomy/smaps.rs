//! The mappings of a process, from `smaps`, or from `maps` where a kernel has no smaps.

use std::io::{self, BufRead};

use super::status::field;
use crate::footprint::BASE_PAGE;

/// Longest name that is kept. The kernel's own limit of a path is 4,096 bytes.
const LONGEST_NAME: usize = 4096;

/// A mapping as smaps tells it, in bytes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MappingSeen {
    /// Its first address.
    pub start: u64,
    /// The address after its last.
    pub end: u64,
    /// Whether writes stay in the process.
    pub private: bool,
    /// The file, or a name as `[heap]`; empty for anonymous memory. Whoever made the mapping chose it.
    pub name: String,
    /// Resident bytes.
    pub rss: u64,
    /// Of those, bytes that belong to no file.
    pub anonymous: u64,
    /// Bytes in transparent huge pages that are mapped whole.
    pub thp: u64,
    /// Bytes of files in huge pages that are mapped whole. fork leaves them to page faults.
    pub file_thp: u64,
    /// Bytes in reserved huge pages.
    pub hugetlb: u64,
    /// Bytes in swap.
    pub swap: u64,
    /// Two letters each, as the kernel writes them.
    pub flags: Vec<[u8; 2]>,
    /// Shares of its neighbouring 4 KiB pages that lie within 8 and within 512 pages of each other in
    /// physical memory; `None` where that is not known. Not from smaps: from pagemap.
    pub places: Option<[f64; 2]>,
    /// The same shares with each neighbour counted by the share that the process has of the 64 frames around it: a CPU
    /// fetches the kernel's records of neighbouring pages along, which is of use where these are the process's.
    pub own_places: Option<[f64; 2]>,
}

impl MappingSeen {
    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Resident 4 KiB pages, those that are parts of huge pages mapped whole left out.
    pub fn base_pages(&self) -> u64 {
        let huge = self.thp.saturating_add(self.file_thp);
        self.rss.saturating_sub(huge) / BASE_PAGE
    }

    /// Whether the kernel has set a flag, as in `dc`.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag.as_bytes())
    }

    /// Whether fork gives it to the child at all: `MADV_DONTFORK` keeps it back.
    pub fn is_inherited(&self) -> bool {
        !self.has("dc")
    }

    /// Whether fork copies its page table. It does where pages could not be found again: the kernel's
    /// `vma_needs_copy` asks for an `anon_vma`, which a private mapping gets with its first written page, or
    /// for mappings of a device and of userfaultfd. `MADV_WIPEONFORK` gives the child zeros instead.
    pub fn is_copied(&self) -> bool {
        let written = self.private && self.anonymous.saturating_add(self.swap) > 0;
        let special = ["pf", "mm", "uw"].iter().any(|flag| self.has(flag));
        self.is_inherited() && !self.has("wf") && (written || special)
    }

    /// The line that a mapping begins with: `7f00-7f10 rw-p 00000000 fe:00 247749    /usr/bin/sed`.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut words = line.splitn(6, |&byte| byte == b' ');
        let range = std::str::from_utf8(words.next()?).ok()?;
        let (start, end) = range.split_once('-')?;
        let rights = words.next()?;
        let name = words.nth(3).unwrap_or_default().trim_ascii();
        let name = &name[..name.len().min(LONGEST_NAME)];
        let seen = Self {
            start: u64::from_str_radix(start, 16).ok()?,
            end: u64::from_str_radix(end, 16).ok()?,
            private: rights.get(3) == Some(&b'p'),
            name: String::from_utf8_lossy(name).into_owned(),
            ..Self::default()
        };
        (seen.end > seen.start).then_some(seen)
    }

    fn add(&mut self, line: &[u8]) {
        if let Some(flags) = line.strip_prefix(b"VmFlags:") {
            let words = flags.split(|&byte| byte == b' ');
            self.flags = words.filter_map(|word| word.try_into().ok()).collect();
            return;
        }
        let Some((key, kib)) = field(line) else {
            return;
        };
        let bytes = kib.saturating_mul(1024);
        match key {
            b"Rss" => self.rss = bytes,
            b"Anonymous" => self.anonymous = bytes,
            b"AnonHugePages" => self.thp = bytes,
            b"FilePmdMapped" | b"ShmemPmdMapped" => {
                self.file_thp = self.file_thp.saturating_add(bytes);
            }
            b"Private_Hugetlb" | b"Shared_Hugetlb" => {
                self.hugetlb = self.hugetlb.saturating_add(bytes);
            }
            b"Swap" => self.swap = bytes,
            _ => {}
        }
    }
}

/// Reads smaps, or maps, which is its first lines alone. The kernel's page for old programs, which is no
/// mapping, is left out, and so are lines that say nothing.
///
/// # Errors
/// The input's, `ESRCH` for a process that has gone meanwhile.
pub(super) fn mappings(input: &mut impl BufRead) -> io::Result<Vec<MappingSeen>> {
    let mut mappings: Vec<MappingSeen> = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        // Fields begin with a capital; a mapping's own line with a hexadecimal digit in lower case.
        if line.first().is_some_and(u8::is_ascii_uppercase) {
            if let Some(last) = mappings.last_mut() {
                last.add(line);
            }
        } else if let Some(seen) = MappingSeen::parse(line) {
            mappings.push(seen);
        }
    }
    mappings.retain(|seen| seen.name != "[vsyscall]");
    Ok(mappings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<MappingSeen> {
        mappings(&mut &text[..]).unwrap()
    }

    const HEAP: &str = "\
55d0c0de0000-55d0c0fe0000 rw-p 00000000 00:00 0                          [heap]
Size:               2048 kB
Rss:                1500 kB
Pss:                1500 kB
Anonymous:          1500 kB
AnonHugePages:         0 kB
Private_Hugetlb:       0 kB
Swap:                  8 kB
VmFlags: rd wr mr mw me ac sd 
";

    #[test]
    fn a_mapping_is_read_with_all_that_fork_asks_of_it() {
        let [heap] = &read(HEAP.as_bytes())[..] else {
            panic!("one mapping")
        };
        assert_eq!(
            (heap.bytes(), heap.rss, heap.anonymous),
            (2 << 20, 1500 << 10, 1500 << 10)
        );
        assert_eq!(
            (heap.name.as_str(), heap.swap, heap.private),
            ("[heap]", 8 << 10, true)
        );
        assert!(heap.has("sd") && !heap.has("dc"));
        assert!(heap.is_copied());
    }

    #[test]
    fn what_fork_leaves_alone_is_known_by_its_flags_and_by_having_no_written_page() {
        let with = |from: &str, to: &str| read(HEAP.replace(from, to).as_bytes()).remove(0);
        let clean = HEAP.replace("Swap:                  8", "Swap:                  0");
        let unwritten = clean.replace("Anonymous:          1500", "Anonymous:             0");
        assert!(!read(unwritten.as_bytes())[0].is_copied());
        assert!(!with("rw-p", "rw-s").is_copied());
        let kept = with("ac sd", "dc sd");
        assert!(!kept.is_copied() && !kept.is_inherited());
        let wiped = with("ac sd", "wf sd");
        assert!(!wiped.is_copied() && wiped.is_inherited());
        // Written pages that are all in swap still have entries.
        assert!(with("Anonymous:          1500", "Anonymous:             0").is_copied());
        // A page table of userfaultfd is copied whatever it maps.
        assert!(read(unwritten.replace("ac sd", "uw sd").as_bytes())[0].is_copied());
    }

    #[test]
    fn names_are_text_whatever_they_hold() {
        let text = b"7f00-8f00 r--p 00000000 fe:00 1   /a \x1b[31m\xff b (deleted)\nRss: 4 kB\n";
        let [odd] = &read(text)[..] else {
            panic!("one mapping")
        };
        assert_eq!(odd.name, "/a \u{1b}[31m\u{fffd} b (deleted)");
        assert_eq!(odd.rss, 4096);
        let long = format!("7f00-8f00 r--p 0 0 0 {}", "x".repeat(99_999));
        assert_eq!(read(long.as_bytes())[0].name.len(), LONGEST_NAME);
    }

    #[test]
    fn lines_that_say_nothing_are_left_out() {
        for text in [
            "",
            "\n\n",
            "Rss: 4 kB\n",
            "banana\n",
            "7f00-7f00 rw-p 0 0 0\n",
            "9f00-7f00 rw-p 0 0 0\n",
            "7f00-zz00 rw-p 0 0 0\n",
            "7f00-8f00\n",
            "fffffffff00000-ffffffffff000000000 rw-p 0 0 0\n",
            "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n",
        ] {
            assert_eq!(read(text.as_bytes()), [], "{text:?}");
        }
        // A number that does not fit is not known, and none wraps round.
        let huge =
            "7f00-8f00 rw-p 0 0 0\nRss: 99999999999999999999 kB\nSwap: 18446744073709551615 kB\n";
        assert_eq!(
            (read(huge.as_bytes())[0].rss, read(huge.as_bytes())[0].swap),
            (0, u64::MAX)
        );
    }
}
