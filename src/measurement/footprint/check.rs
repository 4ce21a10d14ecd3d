//! Holding a receipt against the footprint that was asked for.

use super::{Footprint, Mapping, Order, Page, Receipt, Touch};
use crate::units::{exact_size, human_size};

/// Neighbours in a ballast touched in order should be neighbours in memory, and otherwise not. Beyond
/// this share the ballast is the opposite of what it is called.
const HALF: f64 = 0.5;
/// Pages shuffled within windows no larger than this lie near each other.
const NEAR: u32 = 64;
/// Smaller ballast says little about the order of its pages.
const ORDER_SHOWS_FROM: u64 = 1 << 20;

/// A receipt that misses the footprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the receipt has {what} {got} where {asked} was asked for: {remedy}")]
pub struct ReceiptMismatch {
    /// Which figure of the receipt.
    pub what: &'static str,
    /// What stands there.
    pub got: String,
    /// What should.
    pub asked: String,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Receipt {
    /// Checks that this is the receipt of `footprint`: counts exactly, bytes within 2 % of the
    /// ballast, the flags of its VMA, and that its pages lie more in order than not, or the other way
    /// about. What could not be read is not checked; it stands in [`Receipt::unverified`].
    ///
    /// # Errors
    /// [`ReceiptMismatch`] with the first figure that misses.
    pub fn check(&self, footprint: &Footprint) -> Result<(), ReceiptMismatch> {
        self.check_counts(footprint)?;
        self.check_bytes(footprint)?;
        self.check_flags(footprint)?;
        self.check_order(footprint)
    }

    fn check_counts(&self, footprint: &Footprint) -> Result<(), ReceiptMismatch> {
        let threads = 1 + u64::from(footprint.threads) + u64::from(footprint.busy);
        let counts = [
            ("threads", self.threads, threads),
            ("busy threads", self.busy, footprint.busy.into()),
            ("added VMAs", self.vmas_added, footprint.vmas.into()),
            (
                "added file descriptors",
                self.fds_added,
                footprint.fds.into(),
            ),
        ];
        for (what, got, asked) in counts {
            if let Some(got) = got.filter(|&got| got != asked) {
                return Err(ReceiptMismatch {
                    what,
                    got: got.to_string(),
                    asked: asked.to_string(),
                    remedy: "something else in the process makes or ends some",
                });
            }
        }
        Ok(())
    }

    fn check_bytes(&self, footprint: &Footprint) -> Result<(), ReceiptMismatch> {
        let remedy = "memory may be short or fragmented; free some, or ask for less";
        let mismatch = |what, got: u64, asked: u64| ReceiptMismatch {
            what,
            got: human_size(got),
            asked: exact_size(asked),
            remedy,
        };
        if self.ballast != footprint.bytes {
            return Err(mismatch("ballast", self.ballast, footprint.bytes));
        }
        let backed = if footprint.is_backed() {
            footprint.bytes
        } else {
            0
        };
        let of_kind = |page| if footprint.page == page { backed } else { 0 };
        let touched = match footprint.touch {
            Touch::Untouched => 0,
            Touch::Read | Touch::Written => footprint.bytes,
        };
        let figures = [
            ("resident", self.rss, backed - of_kind(Page::Hugetlb)),
            ("transparent huge pages", self.thp, of_kind(Page::Thp)),
            ("reserved huge pages", self.hugetlb, of_kind(Page::Hugetlb)),
            ("present", self.present, touched),
        ];
        for (what, got, asked) in figures {
            let missed = |&got: &u64| got.abs_diff(asked) > footprint.bytes / 50;
            if let Some(got) = got.filter(missed) {
                return Err(mismatch(what, got, asked));
            }
        }
        Ok(())
    }

    fn check_flags(&self, footprint: &Footprint) -> Result<(), ReceiptMismatch> {
        let Some(flags) = &self.vm_flags else {
            return Ok(());
        };
        let shared = matches!(footprint.mapping, Mapping::Shared | Mapping::File);
        let wanted = [
            ("sh", shared),
            ("dc", footprint.mapping == Mapping::Dontfork),
            ("wf", footprint.mapping == Mapping::Wipeonfork),
            ("ht", footprint.page == Page::Hugetlb),
        ];
        for (flag, asked) in wanted {
            if flags.split_ascii_whitespace().any(|word| word == flag) != asked {
                return Err(ReceiptMismatch {
                    what: "VmFlags",
                    got: format!("`{flags}`"),
                    asked: format!("`{flag}` {}", if asked { "set" } else { "not set" }),
                    remedy: "the kernel may not know this kind of mapping",
                });
            }
        }
        Ok(())
    }

    fn check_order(&self, footprint: &Footprint) -> Result<(), ReceiptMismatch> {
        let Some(adjacency) = self.adjacency else {
            return Ok(());
        };
        // Pages of the page cache and of shared memory are laid out by their file system.
        let ordered = footprint.page == Page::Base
            && footprint.touch == Touch::Written
            && !matches!(footprint.mapping, Mapping::Shared | Mapping::File)
            && footprint.bytes >= ORDER_SHOWS_FROM;
        let scattered_windows = (2..=NEAR).contains(&footprint.window)
            && self.nearness.is_some_and(|nearness| nearness < HALF);
        let missed = match footprint.order {
            Order::Sequential => adjacency < HALF,
            Order::Shuffled => adjacency > HALF || scattered_windows,
        };
        if !ordered || !missed {
            return self.check_spread(footprint);
        }
        Err(ReceiptMismatch {
            what: if scattered_windows {
                "nearness"
            } else {
                "adjacency"
            },
            got: match self.nearness.filter(|_| scattered_windows) {
                Some(nearness) => format!("{nearness:.2}"),
                None => format!("{adjacency:.2}"),
            },
            asked: match footprint.order {
                Order::Sequential => "nearly 1 (sequential)".to_owned(),
                Order::Shuffled if scattered_windows => {
                    format!(
                        "more than a half (shuffled within windows of {})",
                        footprint.window
                    )
                }
                Order::Shuffled => "nearly 0 (shuffled)".to_owned(),
            },
            remedy: "free memory is too fragmented to hold the order; free some, or echo madvise > \
                     /sys/kernel/mm/transparent_hugepage/enabled",
        })
    }
}

impl Receipt {
    fn check_spread(&self, footprint: &Footprint) -> Result<(), ReceiptMismatch> {
        let asked = 1.0 / f64::from(footprint.spread.max(1));
        match self.density.filter(|_| footprint.spread > 1) {
            Some(density) if density > 2.0 * asked => Err(ReceiptMismatch {
                what: "density",
                got: format!("{density:.2}"),
                asked: format!("about {asked:.2} (spread={})", footprint.spread),
                remedy: "something else takes and frees memory meanwhile; run fewer other programs",
            }),
            _ => Ok(()),
        }
    }
}

/// Whether a footprint fits into half of what is available, so that the host does not come to swap or
/// to kill because it was measured.
///
/// `available` is bytes, cgroup limits counted in. A soak, where one is
/// needed, takes no more than half of what the footprint leaves.
///
/// # Errors
/// What it needs, what there is, and the option that leaves it out.
pub fn fits(footprint: &Footprint, available: u64) -> Result<(), String> {
    let (needed, limit) = (footprint.memory_needed(), available / 2);
    if needed <= limit {
        return Ok(());
    }
    let fitting = 1u64 << (limit.max(1).ilog2());
    Err(format!(
        "needs {}, {} are available (half of {}): pass --max-footprint {}",
        human_size(needed),
        human_size(limit),
        human_size(available),
        exact_size(fitting),
    ))
}
