//! Holding the fragments of free memory while something else is filled.
//!
//! The page allocator hands out small free blocks before it splits large ones, and before both the
//! pages on its per-CPU lists, which are the last ones freed. Whoever fills memory gets other
//! programs' leftovers first. A soak takes these leftovers, and what is filled meanwhile comes from
//! the large blocks.

use super::BASE_PAGE;
use super::memory;
use super::proc::{lines, number_of, scratch};
use super::region::Region;

/// Blocks of this order and below are fragments: up to 128 KiB. Larger ones hold 64 neighbours and more,
/// whose struct pages fill a page: fork costs the same with them (adjacency 0.98 against 0.998), and
/// the soak is a third as large as it would be with blocks of up to 1 MiB.
const LARGEST_FRAGMENT: usize = 5;
/// Beyond what is counted: pages that are freed while the soak fills.
const MARGIN: u64 = 16 << 20;

/// Fragments of free memory, held until dropped.
#[derive(Debug, Default)]
pub(super) struct Soak {
    region: Option<Region>,
    /// Whether the kernel told how much free memory is fragmented.
    pub(super) told: bool,
}

impl Soak {
    /// Takes the fragments of free memory, but no more than half of what is available beside the
    /// `needed` bytes that are to be filled.
    pub(super) fn hold(needed: u64) -> Self {
        let Some(fragments) = fragments() else {
            return Self::default();
        };
        let available = memory::available().unwrap_or(0);
        let bytes = (fragments + MARGIN).min(available.saturating_sub(needed) / 2);
        let region = Self::take(bytes / BASE_PAGE * BASE_PAGE);
        Self { region, told: true }
    }

    fn take(bytes: u64) -> Option<Region> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let region = Region::map(usize::try_from(bytes).ok()?, flags, -1).ok()?;
        // Refused by kernels without huge pages, which is as good.
        let _ = region.advise(libc::MADV_NOHUGEPAGE);
        region.populate(libc::MADV_POPULATE_WRITE, BASE_PAGE).ok()?;
        Some(region)
    }

    /// Bytes that are held.
    pub(super) fn bytes(&self) -> u64 {
        self.region.as_ref().map_or(0, |region| region.len() as u64)
    }
}

/// Bytes in free blocks of orders 0 to 5 and on the per-CPU lists; `None` where /proc/buddyinfo cannot
/// be read.
fn fragments() -> Option<u64> {
    let mut scratch = scratch().ok()?;
    let mut pages = 0;
    lines(c"/proc/buddyinfo", scratch.bytes(), &mut |line| {
        pages += fragments_of(line);
        true
    })
    .ok()?;
    // Within a zone of zoneinfo, `count:` stands for a per-CPU list alone.
    let _ = lines(c"/proc/zoneinfo", scratch.bytes(), &mut |line| {
        pages += number_of(line.trim_ascii_start(), "count:").unwrap_or(0);
        true
    });
    Some(pages * BASE_PAGE)
}

/// Pages in the fragments of one zone: `Node 0, zone   Normal   2007    773 …`.
fn fragments_of(line: &[u8]) -> u64 {
    let Ok(line) = std::str::from_utf8(line) else {
        return 0;
    };
    let blocks = line.split_ascii_whitespace().skip(4);
    blocks
        .take(LARGEST_FRAGMENT + 1)
        .enumerate()
        .map(|(order, count)| count.parse::<u64>().unwrap_or(0) << order)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_the_blocks_of_up_to_32_pages() {
        let line = b"Node 0, zone   Normal   3  1  0  0  0  2  100  0  0  100  100";
        assert_eq!(fragments_of(line), 3 + 2 + 2 * 32);
        assert_eq!(fragments_of(b""), 0);
    }
}
