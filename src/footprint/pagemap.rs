//! Where the ballast's pages lie in physical memory, from /proc/self/pagemap.
//!
//! The format is that of the kernel's Documentation/admin-guide/mm/pagemap.rst: 64 bits a page, bit 63
//! "present", bits 0 to 54 the page frame number, which reads as 0 without CAP_SYS_ADMIN.

use super::BASE_PAGE;
use super::proc::File;
use super::region::Region;

const PRESENT: u64 = 1 << 63;
const FRAME: u64 = (1 << 55) - 1;
/// Pages that lie this close together are near: 64 struct pages are one page of them.
const NEAR: u64 = 64;

/// What pagemap says of a region.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Pages that are present.
    pub(super) present: u64,
    /// Pairs of neighbours that are both present and whose frames may be known.
    pairs: u64,
    adjacent: u64,
    near: u64,
}

impl Layout {
    /// Reads pagemap for `region`; `None` where it may not be read.
    pub(super) fn read(region: &Region, buffer: &mut [u8]) -> Option<Self> {
        let file = File::open(c"/proc/self/pagemap").ok()?;
        let first = region.start() as u64 / BASE_PAGE * 8;
        let bytes = region.len() as u64 / BASE_PAGE * 8;
        let mut layout = Self::default();
        let (mut done, mut before) = (0, 0);
        while done < bytes {
            let wanted = (bytes - done).min(buffer.len() as u64) as usize;
            let read = file.read_at(&mut buffer[..wanted], first + done).ok()?;
            if read == 0 {
                return None;
            }
            for entry in buffer[..read].chunks_exact(8) {
                let entry = u64::from_ne_bytes(entry.try_into().ok()?);
                layout.add(before, entry);
                before = entry;
            }
            done += read as u64;
        }
        Some(layout)
    }

    fn add(&mut self, before: u64, entry: u64) {
        if entry & PRESENT == 0 {
            return;
        }
        self.present += 1;
        let (one, next) = (before & FRAME, entry & FRAME);
        if before & PRESENT == 0 || one == 0 || next == 0 {
            return;
        }
        self.pairs += 1;
        self.adjacent += u64::from(next == one + 1);
        self.near += u64::from(one.abs_diff(next) <= NEAR);
    }

    /// Share of neighbouring pages that are neighbours in memory; `None` where frames are hidden.
    pub(super) fn adjacency(&self) -> Option<f64> {
        self.share(self.adjacent)
    }

    /// Share of neighbouring pages within 64 pages of each other; `None` where frames are hidden.
    pub(super) fn nearness(&self) -> Option<f64> {
        self.share(self.near)
    }

    fn share(&self, part: u64) -> Option<f64> {
        (self.pairs > 0).then(|| part as f64 / self.pairs as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_counted_among_present_pages_with_known_frames() {
        let mut layout = Layout::default();
        let entries = [
            PRESENT | 10,
            PRESENT | 11,
            PRESENT | 60,
            0,
            PRESENT | 61,
            PRESENT,
        ];
        let mut before = 0;
        for entry in entries {
            layout.add(before, entry);
            before = entry;
        }
        assert_eq!(layout.present, 5);
        // 10 and 11 are neighbours; 11 and 60 are near; nothing is known of the others.
        assert_eq!(layout.adjacency(), Some(0.5));
        assert_eq!(layout.nearness(), Some(1.0));
    }
}
