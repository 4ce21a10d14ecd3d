//! The memory of a footprint: mapped, filled, rewritten, freed.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Instant;

use super::error::HoldError;
use super::nameless;
use super::order::{Pages, Piece, Shuffled, fill_in_one_piece};
use super::region::{Region, errno};
use super::smaps::thp_bytes;
use super::{BASE_PAGE, Footprint, HUGE_PAGE, Mapping, Order, Page, Touch};

/// The ballast: one mapping, one VMA, filled as its footprint says.
#[derive(Debug)]
pub(super) struct Ballast {
    pub(super) region: Region,
    footprint: Footprint,
    /// Nanoseconds it took to fill.
    pub(super) fill_ns: u64,
    /// How it came to lie in one piece, if it was to.
    pub(super) piece: Piece,
}

impl Ballast {
    /// Maps and fills the ballast of a footprint that has one.
    ///
    /// # Errors
    /// [`HoldError`].
    pub(super) fn hold(footprint: &Footprint) -> Result<Self, HoldError> {
        let start = Instant::now();
        let mut ballast = Self {
            region: map(footprint)?,
            footprint: *footprint,
            fill_ns: 0,
            piece: Piece::default(),
        };
        ballast
            .fill()
            .map_err(|errno| failed("madvise", footprint, errno))?;
        ballast.fill_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Ok(ballast)
    }

    fn fill(&mut self) -> Result<(), i32> {
        self.region.keep_apart()?;
        match self.footprint.page {
            // Refused by kernels without huge pages, which is as good.
            Page::Base => drop(self.region.advise(libc::MADV_NOHUGEPAGE)),
            Page::Thp => self.region.advise(libc::MADV_HUGEPAGE)?,
            Page::Hugetlb => {}
        }
        match (self.footprint.touch, self.footprint.order) {
            (Touch::Untouched, _) => {}
            (Touch::Read, Order::Shuffled) => self.each_shuffled(|offset| self.region.read(offset)),
            (Touch::Written, Order::Shuffled) if in_one_piece(&self.footprint) => {
                self.piece = fill_in_one_piece(&mut self.region, self.footprint.bytes as usize)?;
                self.shuffle_windows()?;
            }
            (Touch::Written, Order::Shuffled) if self.footprint.is_scattered() => {
                self.piece = self.shuffle_over_memory()?;
            }
            (Touch::Written, Order::Shuffled) => {
                self.each_shuffled(|offset| self.region.write(offset));
            }
            (Touch::Read, _) => self.region.populate(libc::MADV_POPULATE_READ, BASE_PAGE)?,
            (Touch::Written, _) if in_one_piece(&self.footprint) => {
                self.piece = fill_in_one_piece(&mut self.region, self.footprint.bytes as usize)?;
            }
            (Touch::Written, _) => {
                let stride = self.footprint.page_bytes();
                self.region.populate(libc::MADV_POPULATE_WRITE, stride)?;
            }
        }
        if self.footprint.page == Page::Thp && self.footprint.touch == Touch::Written {
            let huge = thp_bytes(&self.region);
            if huge.is_some_and(|bytes| bytes < self.footprint.bytes) {
                // The allocator had no huge page at hand everywhere; this makes them (Linux 6.1). What
                // came of it stands in the receipt.
                let _ = self.region.advise(libc::MADV_COLLAPSE);
            }
        }
        match self.footprint.mapping {
            Mapping::Dontfork => self.region.advise(libc::MADV_DONTFORK),
            Mapping::Wipeonfork => self.region.advise(libc::MADV_WIPEONFORK),
            Mapping::Private | Mapping::Shared | Mapping::File => Ok(()),
        }
    }

    /// Shuffles the pages of each window among themselves. The pages of one that are freed by rising address
    /// are the next that the allocator hands out on this CPU, and so those that are touched next, in the
    /// window's order.
    fn shuffle_windows(&self) -> Result<(), i32> {
        let window = self.footprint.window as usize * BASE_PAGE as usize;
        let mut freed = 0;
        let mut result = Ok(());
        self.each_shuffled(|offset| {
            if offset >= freed && result.is_ok() {
                let len = window.min(self.region.len() - freed);
                result = self.region.advise_part(freed, len, libc::MADV_DONTNEED);
                freed += len;
            }
            self.region.write(offset);
        });
        result
    }

    /// Scatters the pages over as much memory in one piece as they take, or so many times as much. A page of that
    /// memory that is given back is the next that the allocator hands out on this CPU, and so the one that the
    /// touch after it gets. Without the piece they would lie wherever memory was free: side by side, in an order
    /// of their own, or one by one among others' pages, which costs fork half as much again.
    fn shuffle_over_memory(&self) -> Result<Piece, i32> {
        let spread = u64::from(self.footprint.spread.max(1));
        let bytes = self.footprint.bytes.checked_mul(spread);
        let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let bytes = bytes.ok_or(libc::ENOMEM)?;
        let len = bytes.checked_next_multiple_of(HUGE_PAGE as usize);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let len = len.ok_or(libc::ENOMEM)?;
        let mut memory = Region::map_aligned(len, HUGE_PAGE as usize, flags, -1)?;
        let piece = fill_in_one_piece(&mut memory, bytes)?;
        let (mut next, mut result) = (0, Ok(()));
        self.each_shuffled(|offset| {
            // One of each `spread` pages, and not always the same, lest they share too few of the cache's sets.
            let frame = next * spread + scrambled(next) % spread;
            if result.is_ok() {
                let at = (frame * BASE_PAGE) as usize;
                result = memory.advise_part(at, BASE_PAGE as usize, libc::MADV_DONTNEED);
            }
            self.region.write(offset);
            next += 1;
        });
        result.map(|()| piece)
    }

    /// Does something to every page of a shuffled ballast, in its order.
    fn each_shuffled(&self, mut each: impl FnMut(usize)) {
        for page in Shuffled::new(self.region.len() as u64 / BASE_PAGE, self.footprint.window) {
            each((page * BASE_PAGE) as usize);
        }
    }

    /// Its pages in the order in which they were first touched.
    pub(super) fn pages(&self) -> Pages {
        let pages = self.footprint.bytes / self.footprint.page_bytes();
        match self.footprint.order {
            Order::Sequential => Pages::Rising(0..pages),
            Order::Shuffled => Pages::Shuffled(Shuffled::new(pages, self.footprint.window)),
        }
    }

    /// Writes one byte to a page.
    #[inline]
    pub(super) fn write(&self, page: u64) {
        self.region
            .write((page * self.footprint.page_bytes()) as usize);
    }

    /// Fills transparent huge pages anew where a write after a fork has left base pages: such a write
    /// splits the mapping of a huge page for good. The errno of `madvise`, or ENOMEM where there are no
    /// huge pages any longer.
    pub(super) fn mend(&self) -> Result<(), i32> {
        let whole = || thp_bytes(&self.region).is_none_or(|bytes| bytes >= self.footprint.bytes);
        if self.footprint.page != Page::Thp || whole() {
            return Ok(());
        }
        self.region.advise(libc::MADV_DONTNEED)?;
        self.region.populate(libc::MADV_POPULATE_WRITE, HUGE_PAGE)?;
        if !whole() {
            let _ = self.region.advise(libc::MADV_COLLAPSE);
        }
        if whole() { Ok(()) } else { Err(libc::ENOMEM) }
    }

    /// Writes one byte to every page, so that none is write-protected any longer.
    pub(super) fn rewrite(&self) {
        self.region.write_every(self.footprint.page_bytes());
    }
}

impl Drop for Ballast {
    /// Pages come back to others in the order in which they are freed. Scattered ones are freed in the
    /// order they were handed out in, so that whoever comes next gets them in one piece again.
    fn drop(&mut self) {
        if self.footprint.is_scattered() {
            self.each_shuffled(|offset| {
                let _ = self
                    .region
                    .advise_part(offset, BASE_PAGE as usize, libc::MADV_DONTNEED);
            });
        }
    }
}

/// A number that looks random and follows from another (Fibonacci hashing).
fn scrambled(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
}

/// Whether the ballast is made of base pages that have an order in memory, and is to lie in one piece, though
/// the pages of a window may be shuffled among themselves.
fn in_one_piece(footprint: &Footprint) -> bool {
    footprint.page == Page::Base
        && footprint.touch == Touch::Written
        && (footprint.order == Order::Sequential || footprint.window != 0)
        && !matches!(footprint.mapping, Mapping::Shared | Mapping::File)
}

fn map(footprint: &Footprint) -> Result<Region, HoldError> {
    let refused = HoldError::Refused {
        needed: footprint.bytes,
    };
    let mut bytes = footprint.bytes;
    if in_one_piece(footprint) {
        bytes = bytes
            .checked_next_multiple_of(HUGE_PAGE)
            .ok_or(refused.clone())?;
    }
    let Ok(len) = usize::try_from(bytes) else {
        return Err(refused);
    };
    let file = match footprint.mapping {
        Mapping::File => Some(temporary_file(footprint)?),
        _ => None,
    };
    let mut flags = match footprint.mapping {
        Mapping::Shared => libc::MAP_SHARED | libc::MAP_ANONYMOUS,
        Mapping::File => libc::MAP_SHARED,
        Mapping::Private | Mapping::Dontfork | Mapping::Wipeonfork => {
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS
        }
    };
    if footprint.page == Page::Hugetlb {
        flags |= libc::MAP_HUGETLB | libc::MAP_HUGE_2MB;
    }
    let fd = file.as_ref().map_or(-1, AsRawFd::as_raw_fd);
    Region::map_aligned(len, HUGE_PAGE as usize, flags, fd).map_err(|errno| match errno {
        libc::ENOMEM => refused,
        errno => failed("mmap", footprint, errno),
    })
}

fn failed(call: &'static str, footprint: &Footprint, errno: i32) -> HoldError {
    if errno == libc::ENOMEM {
        return HoldError::Refused {
            needed: footprint.bytes,
        };
    }
    HoldError::System {
        call,
        thing: format!("the ballast of {footprint}"),
        errno,
    }
}

/// A file as long as the ballast that has no name, so that nothing is left of it whatever happens.
fn temporary_file(footprint: &Footprint) -> Result<OwnedFd, HoldError> {
    let folder = nameless::folder();
    let failed = |call| HoldError::System {
        call,
        thing: format!("a file of {} in {}", footprint, folder.display()),
        errno: errno(),
    };
    let file = nameless::open(&folder).map_err(|_| failed("open"))?;
    // A full disk would end the subject with SIGBUS at some page.
    // SAFETY: statvfs is plain numbers, for which zeros are a value.
    let mut room: libc::statvfs64 = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open and the pointer is to a live value.
    if unsafe { libc::fstatvfs64(file.as_raw_fd(), &raw mut room) } == 0 {
        let free = (room.f_bavail as u64).saturating_mul(room.f_frsize as u64);
        if footprint.touch == Touch::Written && free < footprint.bytes {
            return Err(HoldError::Disk {
                folder: folder.display().to_string(),
                needed: footprint.bytes,
                free,
            });
        }
    }
    // SAFETY: the descriptor is open.
    match unsafe { libc::ftruncate64(file.as_raw_fd(), footprint.bytes as i64) } {
        0 => Ok(file),
        _ => Err(failed("ftruncate")),
    }
}
