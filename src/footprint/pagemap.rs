//! Where the ballast's pages lie in physical memory, from /proc/self/pagemap.
//!
//! The format is that of the kernel's Documentation/admin-guide/mm/pagemap.rst: 64 bits a page, bit 63
//! "present", bits 0 to 54 the page frame number, which reads as 0 without CAP_SYS_ADMIN.

use super::BASE_PAGE;
use super::proc::File;
use super::region::Region;

const PRESENT: u64 = 1 << 63;
const FRAME: u64 = (1 << 55) - 1;
/// Up to which distances, in pages, neighbours are counted: side by side; within 8, which cost fork what
/// side by side costs; within 64, whose struct pages fill a page; within 512.
const DISTANCES: [u64; 4] = [1, 8, 64, 512];

/// What pagemap says of a region.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Pages that are present.
    pub(super) present: u64,
    /// Pairs of neighbours that are both present and whose frames may be known.
    pairs: u64,
    /// Of these, those within each of [`DISTANCES`].
    within: [u64; 4],
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
        let distance = one.abs_diff(next);
        for (count, limit) in self.within.iter_mut().zip(DISTANCES) {
            // Side by side is by rising frame alone.
            *count += u64::from(distance <= limit && (limit > 1 || next > one));
        }
    }

    /// Shares of neighbouring pages within each of [`DISTANCES`]; `None` where frames are hidden.
    pub(super) fn shares(&self) -> Option<[f64; 4]> {
        let share = |count: u64| count as f64 / self.pairs as f64;
        (self.pairs > 0).then(|| self.within.map(share))
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
        assert_eq!(layout.shares(), Some([0.5, 0.5, 1.0, 1.0]));
    }
}
