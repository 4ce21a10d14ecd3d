//! What a parent is made of, as far as fork's cost goes.

use serde::{Deserialize, Serialize};

use crate::footprint::{BASE_PAGE, Footprint, HUGE_PAGE, Mapping, Order, Page, Receipt, Touch};

/// A part of a parent that fork pays for by the piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The call itself: what a parent of nothing pays. There is one.
    Bare,
    /// A copied 4 KiB page that lies within 8 pages of its neighbour in physical memory.
    PageNear,
    /// One that lies within 512 pages of it, and not within 8.
    PageMid,
    /// One that lies farther away.
    PageFar,
    /// A copied transparent huge page of 2 MiB.
    PageThp,
    /// A VMA that the child gets.
    Vma,
    /// A VMA with `MADV_DONTFORK`, which it does not get: fork passes it over.
    VmaDontfork,
    /// An open file descriptor.
    Fd,
    /// A thread beside the one that forks. Its stack's pages and VMAs are counted as such.
    Thread,
    /// A thread that runs on another CPU meanwhile.
    Busy,
}

impl Part {
    /// Every part, in the order in which tables list them.
    pub const ALL: [Self; 10] = [
        Self::Bare,
        Self::PageNear,
        Self::PageMid,
        Self::PageFar,
        Self::PageThp,
        Self::Vma,
        Self::VmaDontfork,
        Self::Fd,
        Self::Thread,
        Self::Busy,
    ];

    /// Whether it is copied memory.
    pub fn is_page(self) -> bool {
        matches!(
            self,
            Self::PageNear | Self::PageMid | Self::PageFar | Self::PageThp
        )
    }
}

/// How many of each part a parent has. Fractions are allowed: what is known of pages' places is a share.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Shape {
    counts: [f64; Part::ALL.len()],
}

impl Shape {
    /// A parent of nothing.
    pub fn bare() -> Self {
        Self::default().with(Part::Bare, 1.0)
    }

    /// The same with so many of a part.
    #[must_use]
    pub fn with(mut self, part: Part, count: f64) -> Self {
        self.counts[part as usize] = count;
        self
    }

    /// How many of a part.
    pub fn count(&self, part: Part) -> f64 {
        self.counts[part as usize]
    }

    /// Both together.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        let counts = self.counts.iter_mut().zip(other.counts);
        counts.for_each(|(count, more)| *count += more);
        self
    }

    /// Copied 4 KiB pages, wherever they lie.
    pub fn base_pages(&self) -> f64 {
        self.count(Part::PageNear) + self.count(Part::PageMid) + self.count(Part::PageFar)
    }

    /// With `pages` 4 KiB pages, of whose neighbours shares lie within 8 and within 512 pages.
    #[must_use]
    pub fn with_base_pages(self, pages: f64, within_8: f64, within_512: f64) -> Self {
        self.with(Part::PageNear, pages * within_8)
            .with(Part::PageMid, pages * (within_512 - within_8).max(0.0))
            .with(
                Part::PageFar,
                pages * (1.0 - within_512.max(within_8)).max(0.0),
            )
    }

    /// The shape of a measured parent: what the kernel said it got, and where it said nothing, what was
    /// asked for. `None` for one that says nothing of a fork's parts: reserved huge pages, which have no
    /// part of their own, and receipts without VMAs, threads or descriptors.
    pub fn of_receipt(footprint: &Footprint, receipt: &Receipt) -> Option<Self> {
        let whole = |count: Option<u64>| count.map(|count| count as f64);
        let all = whole(receipt.vmas)?;
        let mut added = whole(receipt.vmas_added).unwrap_or(f64::from(footprint.vmas));
        // The ballast and the added VMAs.
        let passed = match footprint.mapping {
            Mapping::Dontfork => (1.0 + std::mem::take(&mut added)).min(all),
            _ => 0.0,
        };
        let mut shape = Self::bare()
            .with(Part::Vma, all - passed)
            .with(Part::VmaDontfork, passed)
            .with(Part::Fd, whole(receipt.fds)?)
            .with(Part::Busy, whole(receipt.busy)?)
            .with(
                Part::Thread,
                (whole(receipt.threads)? - 1.0 - whole(receipt.busy)?).max(0.0),
            );
        // An added VMA has two pages, of which one is written; these are neighbours but one.
        if !copied(footprint) {
            return Some(shape.with_base_pages(added, 1.0, 1.0));
        }
        match footprint.page {
            Page::Hugetlb => return None,
            Page::Thp => {
                let huge = receipt.thp.unwrap_or(footprint.bytes);
                let rest = footprint.bytes.saturating_sub(huge) / BASE_PAGE;
                shape = shape
                    .with(Part::PageThp, huge as f64 / HUGE_PAGE as f64)
                    .with_base_pages(rest as f64 + added, 1.0, 1.0);
            }
            Page::Base => {
                let pages = (footprint.bytes / BASE_PAGE) as f64;
                let (within_8, within_512) = places(footprint, receipt);
                shape = shape.with_base_pages(pages, within_8, within_512);
                let near = shape.count(Part::PageNear) + added;
                shape = shape.with(Part::PageNear, near);
            }
        }
        Some(shape)
    }
}

/// Whether fork copies the entries of this ballast's pages: it leaves to page faults what these can refill.
pub(super) fn copied(footprint: &Footprint) -> bool {
    footprint.bytes > 0
        && footprint.touch == Touch::Written
        && footprint.mapping == Mapping::Private
}

/// Shares of neighbours within 8 and 512 pages: as read, or as asked for.
fn places(footprint: &Footprint, receipt: &Receipt) -> (f64, f64) {
    let asked = match (footprint.order, footprint.window) {
        (Order::Sequential, _) => (1.0, 1.0),
        (Order::Shuffled, 0) => (0.0, 0.0),
        (Order::Shuffled, window) => (within(8, window), within(512, window)),
    };
    (
        receipt.within_8.unwrap_or(asked.0),
        receipt.within_512.unwrap_or(asked.1),
    )
}

/// The share of neighbours in a shuffled window that lie within `limit` pages of each other. Two different
/// places among n are d apart in n − d of n (n − 1) / 2 ways.
fn within(limit: u32, window: u32) -> f64 {
    let (n, d) = (f64::from(window), f64::from(limit.min(window - 1)));
    (n * d - d * (d + 1.0) / 2.0) / (n * (n - 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(name: &str, receipt: Receipt) -> Shape {
        let receipt = Receipt {
            vmas: receipt.vmas.or(Some(30)),
            fds: Some(6),
            threads: receipt.threads.or(Some(1)),
            busy: receipt.busy.or(Some(0)),
            ..receipt
        };
        Shape::of_receipt(&name.parse().unwrap(), &receipt).unwrap()
    }

    #[test]
    fn pages_are_parted_by_where_they_lie_or_were_asked_to_lie() {
        let read = Receipt {
            within_8: Some(0.25),
            within_512: Some(0.75),
            ..Receipt::default()
        };
        let told = shape("4MiB+shuffled", read);
        assert_eq!(told.count(Part::PageNear), 256.0);
        assert_eq!(told.count(Part::PageMid), 512.0);
        assert_eq!(told.count(Part::PageFar), 256.0);
        let asked = shape("4MiB+shuffled+window=64", Receipt::default());
        // 64 places have 2,016 pairs, of which 63 + 62 + … + 56 are within 8.
        assert!((asked.count(Part::PageNear) - 1024.0 * 476.0 / 2016.0).abs() < 1e-6);
        assert_eq!(asked.count(Part::PageFar), 0.0);
        assert_eq!(
            shape("4MiB+shuffled", Receipt::default()).count(Part::PageFar),
            1024.0
        );
    }

    #[test]
    fn what_fork_does_not_copy_is_not_counted() {
        for name in [
            "4MiB+shared",
            "4MiB+dontfork",
            "4MiB+untouched",
            "4MiB+read",
            "0",
        ] {
            let shape = shape(name, Receipt::default());
            assert_eq!(
                shape.base_pages() + shape.count(Part::PageThp),
                0.0,
                "{name}"
            );
            let vmas = shape.count(Part::Vma) + shape.count(Part::VmaDontfork);
            assert_eq!(vmas, 30.0, "{name}");
        }
        let receipt = Receipt::default();
        assert_eq!(Shape::of_receipt(&Footprint::of(4096), &receipt), None);
    }

    #[test]
    fn a_vma_that_the_child_does_not_get_is_another_part() {
        let receipt = Receipt {
            vmas: Some(2_031),
            vmas_added: Some(2_000),
            ..Receipt::default()
        };
        let passed = shape("4KiB+dontfork+vmas=2000", receipt.clone());
        assert_eq!(passed.count(Part::VmaDontfork), 2_001.0);
        assert_eq!(passed.count(Part::Vma), 30.0);
        assert_eq!(passed.base_pages(), 0.0);
        let copied = shape("4KiB+vmas=2000", receipt);
        assert_eq!(copied.count(Part::VmaDontfork), 0.0);
        assert_eq!(copied.base_pages(), 2_001.0);
    }

    #[test]
    fn threads_are_those_beside_the_one_that_forks() {
        let receipt = Receipt {
            threads: Some(34),
            busy: Some(1),
            vmas: Some(96),
            vmas_added: Some(2),
            ..Receipt::default()
        };
        let shape = shape("0+vmas=2+threads=32+busy=1", receipt);
        assert_eq!(shape.count(Part::Thread), 32.0);
        assert_eq!(shape.count(Part::Busy), 1.0);
        assert_eq!(shape.count(Part::Vma), 96.0);
        assert_eq!(shape.base_pages(), 2.0);
    }
}
