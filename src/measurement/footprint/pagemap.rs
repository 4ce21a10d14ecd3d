//! Where pages lie in physical memory, from pagemap: those of the ballast, or of another process.
//!
//! The format is that of the kernel's Documentation/admin-guide/mm/pagemap.rst: 64 bits a page, bit 63
//! "present", bits 0 to 54 the page frame number, which reads as 0 without CAP_SYS_ADMIN.

use super::proc::File;
use super::region::Region;
use super::{BASE_PAGE, HUGE_PAGE};

const PRESENT: u64 = 1 << 63;
const FRAME: u64 = (1 << 55) - 1;
/// Up to which distances, in pages, neighbours are counted: side by side; within 8, which cost fork what
/// side by side costs; within 64, whose struct pages fill a page; within 512.
const DISTANCES: [u64; 4] = [1, 8, 64, 512];

/// How near to each other in physical memory the pages of a range lie.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// Pages that are present.
    pub present: u64,
    /// Those of them whose frames the kernel keeps back.
    pub hidden: u64,
    /// The entry before, 0 at the beginning.
    before: u64,
    /// Pairs of neighbours that are both present and whose frames may be known.
    pairs: u64,
    /// Of these, those within each of [`DISTANCES`].
    within: [u64; 4],
    /// Pages whose block is in `blocks`.
    placed: u64,
    blocks: Blocks,
}

/// Frames whose records in the kernel (`struct page`, 64 bytes) fill one page.
const BLOCK: u64 = 64;
/// Blocks that are kept apart: 16 TiB of physical memory in 8 MiB of bits.
const MOST_BLOCKS: u64 = 1 << 26;

/// The block of a frame; `None` beyond what is kept.
fn block_of(frame: u64) -> Option<u64> {
    Some(frame / BLOCK).filter(|&block| block < MOST_BLOCKS)
}

/// Blocks of frames of which one page at least was seen, a bit each.
#[derive(Debug, Clone, Default)]
struct Blocks {
    bits: Vec<u64>,
    count: u64,
}

impl Blocks {
    /// False where the block lies beyond what is kept.
    fn add(&mut self, frame: u64) -> bool {
        let Some(block) = block_of(frame) else {
            return false;
        };
        let (word, bit) = ((block / 64) as usize, 1 << (block % 64));
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        self.count += u64::from(self.bits[word] & bit == 0);
        self.bits[word] |= bit;
        true
    }
}

impl Layout {
    /// Reads pagemap for `region`; `None` where it may not be read.
    pub(super) fn read(region: &Region, buffer: &mut [u8]) -> Option<Self> {
        let file = File::open(c"/proc/self/pagemap").ok()?;
        let first = region.start() as u64 / BASE_PAGE * 8;
        let bytes = region.len() as u64 / BASE_PAGE * 8;
        let mut layout = Self::default();
        let mut done = 0;
        while done < bytes {
            let wanted = (bytes - done).min(buffer.len() as u64) as usize;
            let read = file.read_at(&mut buffer[..wanted], first + done).ok()?;
            if read == 0 {
                return None;
            }
            for entry in buffer[..read].chunks_exact(8) {
                layout.add(u64::from_ne_bytes(entry.try_into().ok()?));
            }
            done += read as u64;
        }
        Some(layout)
    }

    /// Frames in a block: those whose records in the kernel fill one page.
    pub const BLOCK: u64 = BLOCK;

    /// The block of [`Layout::BLOCK`] frames that an entry's page lies in; `None` where its frame is not known, or lies
    /// beyond 16 TiB.
    pub fn block(entry: u64) -> Option<usize> {
        Some(block_of(Self::frame(entry)?)? as usize)
    }

    /// The frame that an entry of pagemap shows; `None` where no page is present, or its frame is hidden.
    pub fn frame(entry: u64) -> Option<u64> {
        Some(entry & FRAME).filter(|&frame| entry & PRESENT != 0 && frame != 0)
    }

    /// Adds the next page's entry, as pagemap has it.
    pub fn add(&mut self, entry: u64) {
        let before = std::mem::replace(&mut self.before, entry);
        if entry & PRESENT == 0 {
            return;
        }
        self.present += 1;
        let (one, next) = (before & FRAME, entry & FRAME);
        self.hidden += u64::from(next == 0);
        self.placed += u64::from(next != 0 && self.blocks.add(next));
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

    /// What share of the memory around it is its own, 0 to 1: of all blocks of 64 frames that hold one of its pages, the
    /// frames that are such pages. `None` where frames are hidden.
    pub fn density(&self) -> Option<f64> {
        (self.placed > 0).then(|| self.placed as f64 / (BLOCK * self.blocks.count) as f64)
    }

    /// Begins elsewhere: the next entry is no neighbour of the last.
    pub fn skip(&mut self) {
        self.before = 0;
    }

    /// Whether such entries of 2 MiB look like a transparent huge page: all present, in a row, from a frame
    /// that 512 divides.
    pub fn is_huge(entries: &[u64]) -> bool {
        let first = entries.first().copied().unwrap_or(0) & FRAME;
        let in_a_row = |(at, entry): (usize, &u64)| {
            entry & PRESENT != 0 && entry & FRAME == first.wrapping_add(at as u64)
        };
        entries.len() as u64 == HUGE_PAGE / BASE_PAGE
            && first != 0
            && first % (HUGE_PAGE / BASE_PAGE) == 0
            && entries.iter().enumerate().all(in_a_row)
    }

    /// Shares of neighbouring pages that lie side by side, and within 8, 64 and 512 pages of each other;
    /// `None` where frames are hidden.
    pub fn shares(&self) -> Option<[f64; 4]> {
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
        entries.iter().for_each(|&entry| layout.add(entry));
        assert_eq!((layout.present, layout.hidden), (5, 1));
        // 10 and 11 are neighbours; 11 and 60 are near; nothing is known of the others.
        assert_eq!(layout.shares(), Some([0.5, 0.5, 1.0, 1.0]));
    }

    #[test]
    fn density_is_the_share_of_the_blocks_that_pages_fill() {
        let of = |frames: &mut dyn Iterator<Item = u64>| {
            let mut layout = Layout::default();
            frames.for_each(|frame| layout.add(PRESENT | frame));
            layout
        };
        let whole = of(&mut (64..192).rev());
        assert_eq!(whole.density(), Some(1.0));
        let sparse = of(&mut (0..100).map(|n| 6_400 + n * 640));
        assert_eq!(sparse.density(), Some(1.0 / 64.0));
        assert_eq!(of(&mut [0, 0].into_iter()).density(), None);
        // A frame that no machine has takes no memory to remember.
        assert_eq!(of(&mut [FRAME].into_iter()).density(), None);
    }

    #[test]
    fn what_comes_after_a_gap_is_no_neighbour() {
        let mut layout = Layout::default();
        layout.add(PRESENT | 10);
        layout.skip();
        layout.add(PRESENT | 11);
        assert_eq!((layout.present, layout.shares()), (2, None));
    }

    #[test]
    fn a_huge_page_is_512_frames_in_a_row_from_where_one_can_begin() {
        let from = |first: u64| {
            (first..first + 512)
                .map(|frame| PRESENT | frame)
                .collect::<Vec<_>>()
        };
        assert!(Layout::is_huge(&from(1024)));
        assert!(!Layout::is_huge(&from(1025)));
        assert!(!Layout::is_huge(&from(1024)[..511]));
        let mut holed = from(1024);
        holed[300] = 0;
        assert!(!Layout::is_huge(&holed));
        // Hidden frames read as 0.
        assert!(!Layout::is_huge(&[PRESENT; 512]));
    }
}
