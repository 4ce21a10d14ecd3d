//! What tells the cost of each part of a parent.

use super::super::cell::Cell;
use crate::units::exact_size;

/// Bytes of the parents that a calibration holds in 4 KiB pages, at the least and at the most, and in huge pages at
/// the least. Scattered pages cost more where the kernel's structures for them, 64 bytes each, don't fit a cache, so
/// parents should be as large as the one that is asked for: from 1 MiB of structures, which fit one that a core has
/// alone, to 32 MiB, which fill most that cores share. Huge pages have few.
const SMALL: u64 = 64 << 20;
/// See [`SMALL`].
const LARGE: u64 = 2 << 30;
/// See [`SMALL`].
const SMALL_HUGE: u64 = 512 << 20;

/// Bytes of the parents that a calibration holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalibrationSizes {
    /// Of 4 KiB pages.
    pub pages: u64,
    /// Of huge pages.
    pub huge: u64,
}

impl CalibrationSizes {
    /// Bytes of 4 KiB pages of the smallest parent that still tells what a page costs.
    pub const LEAST: u64 = 16 << 20;

    /// For a parent of so many bytes of 4 KiB pages and of huge ones: as large as that, at the most `most` bytes. Cut
    /// off coarsely, since what is free differs from one moment to the next.
    pub fn of(pages: u64, huge: u64, most: u64) -> Self {
        let within =
            |bytes: u64, least: u64| bytes.clamp(least, LARGE).min(most) / (8 << 20) * (8 << 20);
        Self {
            pages: within(pages, SMALL),
            huge: within(huge, SMALL_HUGE),
        }
    }

    /// Whether parents so small tell what a page costs.
    pub fn suffice(self) -> bool {
        self.pages >= Self::LEAST
    }
}

/// What tells the cost of each part of a parent in a minute, or in four of parents as large as [`LARGE`]. All of one size: on either side of a cache's,
/// scattered pages cost half or twice as much.
pub fn calibration_cells(sizes: CalibrationSizes) -> Vec<Cell> {
    // The pages of a heap that has grown on a machine with other programs lie among theirs. Where structures for twice a
    // large calibration are passed through anyway, it no longer matters.
    let spread = (LARGE / sizes.pages.max(1)).clamp(2, 8);
    let (pages, huge) = (exact_size(sizes.pages), exact_size(sizes.huge));
    let scattered = format!("+shuffled+spread={spread}");
    let mut named = Vec::new();
    for mechanism in ["vfork", "posix_spawn", "thread"] {
        named.push(format!("{mechanism}/0"));
        named.push(format!("{mechanism}/{pages}"));
    }
    for order in ["", "+shuffled+window=64", &scattered] {
        named.push(format!("fork/{pages}{order}+rewritten"));
    }
    for order in ["", &scattered] {
        named.push(format!("fork/{pages}{order}"));
    }
    for state in ["", "+rewritten"] {
        named.push(format!("fork/{huge}+thp{state}"));
    }
    for parts in ["", "+vmas=2000", "+fds=10000", "+threads=32", "+busy=1"] {
        named.push(format!("fork/0{parts}"));
    }
    named.push("fork/4KiB+dontfork+vmas=2000".to_owned());
    let cells = named.iter().map(|id| id.parse());
    cells
        .map(|cell| cell.expect("a constant that a test reads"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_calibration_cell_can_be_and_stands_once() {
        for asked in [0, 200 << 20, 20 << 30] {
            for most in [CalibrationSizes::LEAST, 100 << 20, u64::MAX] {
                let sizes = CalibrationSizes::of(asked, asked, most);
                assert!(sizes.suffice());
                let cells = calibration_cells(sizes);
                for (index, cell) in cells.iter().enumerate() {
                    cell.footprint.check().unwrap();
                    assert!(!cells[..index].contains(cell), "{cell} stands twice");
                    assert!(cell.footprint.bytes <= most.min(LARGE));
                }
            }
        }
    }

    #[test]
    fn a_calibration_is_as_large_as_its_parent_within_what_is_allowed() {
        let of = |bytes, most| CalibrationSizes::of(bytes, 0, most).pages;
        assert_eq!(of(200 << 20, u64::MAX), 200 << 20);
        assert_eq!(of((200 << 20) + 4096, u64::MAX), 200 << 20);
        assert_eq!(of(0, u64::MAX), SMALL);
        assert_eq!(of(20 << 30, u64::MAX), LARGE);
        assert_eq!(of(20 << 30, 100 << 20), 96 << 20);
        assert!(!CalibrationSizes::of(20 << 30, 0, CalibrationSizes::LEAST - 1).suffice());
    }
}
