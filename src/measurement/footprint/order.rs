//! Filling memory in an order, physically.
//!
//! Touching pages by rising address does not put them side by side in memory: the page allocator
//! hands out what others freed, in the order in which they freed it, smallest blocks first. After a
//! process with scattered pages has exited, the next one gets them, scattered.
//!
//! So memory that is to lie in one piece is filled with huge pages, of which each is 512 neighbours by
//! definition, and these are then split into base pages for good, page by page in the page table and
//! in the kernel's own books. It is also the fastest way to fill memory with base pages: one fault
//! for 512 of them. Where huge pages are not to be had, a soak holds the fragments meanwhile.

use std::ops::Range;

use super::region::Region;
use super::smaps::thp_bytes;
use super::soak::Soak;
use super::{BASE_PAGE, HUGE_PAGE};

/// How memory came to lie in one piece.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// Bytes of fragments that were held meanwhile.
    pub(super) soaked: u64,
    /// Whether a soak was needed and the kernel did not tell how large.
    pub(super) blind: bool,
}

/// Fills private anonymous memory, aligned to huge pages and whole ones long, so that neighbours in it
/// are neighbours in memory, with base pages; then cuts it to `bytes`.
///
/// # Errors
/// The errno of the call that failed.
pub(super) fn fill_in_one_piece(region: &mut Region, bytes: usize) -> Result<Piece, i32> {
    if by_splitting(region)? {
        region.truncate(bytes);
        return Ok(Piece::default());
    }
    // Gives back what may be there, and keeps huge pages away.
    region.advise(libc::MADV_DONTNEED)?;
    let _ = region.advise(libc::MADV_NOHUGEPAGE);
    region.truncate(bytes);
    let soak = Soak::hold(bytes as u64);
    region.populate(libc::MADV_POPULATE_WRITE, BASE_PAGE)?;
    Ok(Piece {
        soaked: soak.bytes(),
        blind: !soak.told,
    })
}

/// Fills with huge pages and splits them. False where the kernel gives none, or too few.
fn by_splitting(region: &Region) -> Result<bool, i32> {
    if region.advise(libc::MADV_HUGEPAGE).is_err() {
        return Ok(false);
    }
    // One page shows whether there are any, before time is spent on the rest.
    region.write(0);
    if thp_bytes(region).unwrap_or(0) == 0 {
        return Ok(false);
    }
    region.populate(libc::MADV_POPULATE_WRITE, HUGE_PAGE)?;
    // A page of nothing but zeros would become the zero page when its huge page is split (Linux 6.12).
    region.write_every(BASE_PAGE);
    let enough = region.len() as u64 / 10 * 9;
    let mut huge = thp_bytes(region).unwrap_or(0);
    if huge < enough {
        // The allocator had none at hand in places; this makes room for them (Linux 6.1).
        let _ = region.advise(libc::MADV_COLLAPSE);
        huge = thp_bytes(region).unwrap_or(0);
    }
    if huge < enough {
        return Ok(false);
    }
    // Advice on a part of a huge page splits it, the folio too, not just its mapping. The second pass
    // is for pages that were busy in the first; on base pages it does next to nothing.
    for _ in 0..2 {
        for offset in (0..region.len()).step_by(HUGE_PAGE as usize) {
            region.advise_part(offset, BASE_PAGE as usize, libc::MADV_COLD)?;
        }
    }
    region.advise(libc::MADV_NOHUGEPAGE)?;
    let left = thp_bytes(region).unwrap_or(HUGE_PAGE);
    Ok(left == 0)
}

/// The pages of a ballast by number, from 0, in the order in which they were first touched.
#[derive(Debug, Clone)]
pub enum Pages {
    /// By rising address.
    Rising(Range<u64>),
    /// In random order.
    Shuffled(Shuffled),
}

impl Iterator for Pages {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        match self {
            Self::Rising(pages) => pages.next(),
            Self::Shuffled(pages) => pages.next(),
        }
    }
}

/// The pages 0 to `pages` - 1 in random order, the same order each time; window after window, if they
/// are shuffled within windows.
#[derive(Debug, Clone)]
pub struct Shuffled {
    pages: u64,
    window: u64,
    /// Pages before the window that is under way.
    before: u64,
    within: Permutation,
}

impl Shuffled {
    /// The order of `pages` pages, shuffled within windows of `window` pages. 0: all are one window.
    pub(super) fn new(pages: u64, window: u32) -> Self {
        let window = if window == 0 { pages } else { window.into() };
        Self {
            pages,
            window,
            before: 0,
            within: Permutation::new(window.min(pages), 0),
        }
    }
}

impl Iterator for Shuffled {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if let Some(page) = self.within.next() {
            return Some(self.before + page);
        }
        self.before += self.window;
        let left = self.pages.checked_sub(self.before).filter(|&n| n > 0)?;
        // Another order in each window, lest the processor learns it.
        self.within = Permutation::new(self.window.min(left), self.before);
        self.within.next().map(|page| self.before + page)
    }
}

/// The numbers 0 to `pages` - 1 in an order that looks random and follows from `key`.
///
/// A Feistel network is a permutation of the numbers of 2k bits, whatever its rounds compute; numbers
/// beyond the range are sent through again until they fall into it (Black and Rogaway, "Ciphers with
/// arbitrary finite domains", 2002). It takes no memory, so fork has none to copy.
#[derive(Debug, Clone)]
struct Permutation {
    pages: u64,
    key: u64,
    half: u32,
    next: u64,
}

impl Permutation {
    fn new(pages: u64, key: u64) -> Self {
        let bits = u64::BITS - pages.saturating_sub(1).leading_zeros();
        Self {
            pages,
            key,
            half: bits.div_ceil(2).max(1),
            next: 0,
        }
    }

    fn permute(&self, number: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let (mut left, mut right) = (number >> self.half, number & mask);
        for round in 1..=4u64 {
            let mut mixed =
                (right ^ self.key.wrapping_add(round << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (left, right) = (right, left ^ ((mixed >> 32) & mask));
        }
        left << self.half | right
    }
}

impl Iterator for Permutation {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.next == self.pages {
            return None;
        }
        let mut page = self.permute(self.next);
        while page >= self.pages {
            page = self.permute(page);
        }
        self.next += 1;
        Some(page)
    }
}

#[cfg(test)]
mod tests {
    use super::super::proc::File;
    use super::*;

    /// The kernel's flags of the page at `offset`, from /proc/kpageflags; `None` unless we are root.
    fn page_flags(region: &Region, offset: usize) -> Option<u64> {
        let number = |file: &File, index: usize| {
            let mut entry = [0; 8];
            let read = file.read_at(&mut entry, index as u64 * 8).ok()?;
            (read == 8).then(|| u64::from_ne_bytes(entry))
        };
        let pagemap = File::open(c"/proc/self/pagemap").ok()?;
        let frame = number(&pagemap, (region.start() + offset) / BASE_PAGE as usize)?;
        let frame = frame & ((1 << 55) - 1);
        number(&File::open(c"/proc/kpageflags").ok()?, frame as usize).filter(|_| frame != 0)
    }

    #[test]
    fn split_huge_pages_are_base_pages_in_the_kernels_books_too() {
        const ANONYMOUS: u64 = 1 << 12;
        const COMPOUND: u64 = 3 << 15;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let region = Region::map_aligned(8 << 20, HUGE_PAGE as usize, flags, -1).unwrap();
        if !by_splitting(&region).unwrap() {
            eprintln!("not tested here: no transparent huge pages");
            return;
        }
        for offset in (0..region.len()).step_by(BASE_PAGE as usize) {
            let Some(flags) = page_flags(&region, offset) else {
                eprintln!("not tested here: /proc/kpageflags cannot be read");
                return;
            };
            // Neither of a large folio, whose pages fork counts in one go, nor the zero page.
            assert_eq!(flags & (ANONYMOUS | COMPOUND), ANONYMOUS, "{flags:#x}");
        }
    }

    #[test]
    fn a_shuffle_has_every_page_once() {
        for pages in [1, 2, 3, 17, 256, 1_000, 16_384, 100_003] {
            let mut seen = vec![false; pages as usize];
            for window in [0, 2, 64, 1_000] {
                seen.fill(false);
                for page in Shuffled::new(pages, window) {
                    assert!(
                        !std::mem::replace(&mut seen[page as usize], true),
                        "{page} twice"
                    );
                }
                assert!(seen.iter().all(|&seen| seen), "{pages} in {window}");
            }
        }
        assert_eq!(Shuffled::new(0, 0).next(), None);
        assert_eq!(Shuffled::new(0, 8).next(), None);
    }

    #[test]
    fn a_window_is_left_when_all_of_it_was_seen() {
        let order: Vec<u64> = Shuffled::new(1_000, 64).collect();
        for (index, window) in order.chunks(64).enumerate() {
            let all = index as u64 * 64..index as u64 * 64 + window.len() as u64;
            assert!(window.iter().all(|page| all.contains(page)), "{window:?}");
        }
        let shape = |index: usize| order[index * 64..][..64].iter().map(|page| page % 64);
        assert!(!shape(0).eq(shape(1)), "every window has the same order");
    }

    #[test]
    fn a_shuffle_leaves_neighbours_far_apart() {
        let pages = 16_384;
        let order: Vec<u64> = Shuffled::new(pages, 0).collect();
        let near = order
            .windows(2)
            .filter(|pair| pair[0].abs_diff(pair[1]) <= 64);
        // In a random order one pair in 128 lies within 64 of each other: 128 here, give or take 11.
        let near = near.count();
        assert!((70..190).contains(&near), "{near}");
        let rising = order.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((7_800..8_600).contains(&rising), "{rising}");
    }
}
