//! The shape of a parent, and its canonical name.
//!
//! A footprint's name says what differs from the default (`4k private written sequential hot`) and
//! nothing else: `1GiB`, `1GiB+thp`, `64MiB+vmas=10000`. Two equal footprints have one name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::axis::{Mapping, Order, Page, State, Touch};
use crate::units::{exact_size, parse_size};

/// Bytes in a base page. forkbench runs on x86-64 and on aarch64 kernels with 4 KiB pages.
pub const BASE_PAGE: u64 = 4096;
/// Bytes in a huge page: what a PMD maps with 4 KiB base pages.
pub const HUGE_PAGE: u64 = 2 << 20;

/// The most times its own size over which a ballast lies scattered: then no 64 neighbours in physical memory hold two of
/// its pages.
const MOST_SPREAD: u32 = 64;

/// The shape of a parent.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Footprint {
    /// Bytes of ballast.
    pub bytes: u64,
    /// What the ballast is made of.
    pub page: Page,
    /// How it is mapped.
    pub mapping: Mapping,
    /// What was done to every page.
    pub touch: Touch,
    /// In which order.
    pub order: Order,
    /// Pages in each stretch within which a shuffled ballast is shuffled; 0: the whole ballast is one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub window: u32,
    /// Over how many times its own size in physical memory a shuffled ballast lies scattered; 0: over its own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spread: u32,
    /// What happens between iterations.
    pub state: State,
    /// VMAs beyond those of the bare subject and the ballast: two pages each, one of them written. Kept
    /// from the child, as the ballast is, where the mapping is `dontfork`.
    pub vmas: u32,
    /// Idle threads.
    pub threads: u32,
    /// Threads that spin on other CPUs than the subject's.
    pub busy: u32,
    /// Open file descriptors beyond those of the bare subject.
    pub fds: u32,
}

/// Why a footprint's name could not be read, or the footprint cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FootprintError {
    /// The first word is no size.
    #[error("footprint `{name}`: {source}")]
    Size {
        /// The name as given.
        name: String,
        /// What is wrong with its size.
        source: crate::units::UnitError,
    },
    /// A word that is no value of any axis.
    #[error(
        "footprint `{name}`: `{word}` is no part of a footprint. Parts are: 4k thp hugetlb, private \
         shared file dontfork wipeonfork, written read untouched, sequential shuffled, window=PAGES, spread=TIMES, \
         hot rewritten, vmas=N threads=N busy=N fds=N"
    )]
    Word {
        /// The name as given.
        name: String,
        /// The word.
        word: String,
    },
    /// Two words for one axis.
    #[error(
        "footprint `{name}`: `{word}` says a second time what was said before; keep one of them"
    )]
    Twice {
        /// The name as given.
        name: String,
        /// The later word.
        word: String,
    },
    /// The parts don't go together.
    #[error("footprint `{name}` cannot be: {reason}")]
    Refused {
        /// The canonical name.
        name: String,
        /// Why, and what to ask for instead.
        reason: String,
    },
}

impl Footprint {
    /// A ballast of `bytes`, all else at its default.
    pub fn of(bytes: u64) -> Self {
        Self {
            bytes,
            ..Self::default()
        }
    }

    /// Bytes in one page of this footprint's kind.
    pub fn page_bytes(&self) -> u64 {
        match self.page {
            Page::Base => BASE_PAGE,
            Page::Thp | Page::Hugetlb => HUGE_PAGE,
        }
    }

    /// Checks that the parts go together.
    ///
    /// # Errors
    /// [`FootprintError::Refused`] with the reason.
    pub fn check(&self) -> Result<(), FootprintError> {
        let reason = if self.bytes == 0 {
            let bare = Footprint {
                vmas: self.vmas,
                threads: self.threads,
                busy: self.busy,
                fds: self.fds,
                ..Self::default()
            };
            (*self != bare).then(|| "0 bytes have no pages of any kind; name a size".to_owned())
        } else if self.bytes % self.page_bytes() != 0 {
            Some(format!(
                "{} bytes are not whole pages of {} bytes; the next size up is {}",
                self.bytes,
                self.page_bytes(),
                exact_size(self.bytes.next_multiple_of(self.page_bytes())),
            ))
        } else {
            self.clash().map(str::to_owned)
        };
        match reason {
            None => Ok(()),
            Some(reason) => Err(FootprintError::Refused {
                name: self.to_string(),
                reason,
            }),
        }
    }

    fn clash(&self) -> Option<&'static str> {
        let huge = self.page != Page::Base;
        if self.mapping == Mapping::Wipeonfork && self.page == Page::Hugetlb {
            return Some(
                "the kernel wipes private anonymous memory only; wipeonfork goes with 4k or thp",
            );
        }
        if self.mapping == Mapping::File && huge {
            return Some(
                "a file's pages are the page cache's, whose size is the file system's to choose; file goes with 4k",
            );
        }
        if self.order == Order::Shuffled && self.touch == Touch::Untouched {
            return Some("pages that are not touched are not touched in any order");
        }
        if self.order == Order::Shuffled && huge {
            return Some("a huge page is contiguous; shuffled goes with 4k");
        }
        if self.window != 0 && self.order != Order::Shuffled {
            return Some("a window is what pages are shuffled within; window goes with shuffled");
        }
        if self.window == 1 {
            return Some(
                "a page alone cannot be shuffled; say sequential, or a window of 2 and more",
            );
        }
        if self.spread != 0 && (self.order != Order::Shuffled || self.window != 0) {
            return Some(
                "what lies scattered over more memory than its own is shuffled over all of it; spread goes with \
                 shuffled, without a window",
            );
        }
        if self.spread != 0 && !self.is_scattered() {
            return Some(
                "where pages of files and of shared memory lie is not ours to choose, and pages that were only \
                         read are all one; spread goes with written private memory",
            );
        }
        if self.spread != 0 && !(2..=MOST_SPREAD).contains(&self.spread) {
            return Some(
                "spread is how many times its own size a ballast lies scattered over, 2 to 64",
            );
        }
        if self.state == State::Rewritten && self.touch != Touch::Written {
            return Some("rewriting makes every page a written one; rewritten goes with written");
        }
        None
    }

    /// Bytes of memory that holding it takes, page tables and the added VMAs' pages included.
    pub fn memory_needed(&self) -> u64 {
        // Reserved huge pages are a pool of their own: what is available does not hold them.
        let resident = if self.is_backed() && self.page != Page::Hugetlb {
            self.bytes
        } else {
            0
        };
        // A page-table entry for each page, and a stack page and kernel stack for each thread.
        resident.saturating_mul(self.spread.max(1).into())
            + self.bytes / 512
            + u64::from(self.vmas) * 3 * BASE_PAGE
            + u64::from(self.threads + self.busy) * 8 * BASE_PAGE
    }

    /// Whether the ballast is of base pages that are its own and are put where they lie by touching them in random
    /// order.
    pub(super) fn is_scattered(&self) -> bool {
        self.order == Order::Shuffled
            && self.page == Page::Base
            && self.touch == Touch::Written
            && !matches!(self.mapping, Mapping::Shared | Mapping::File)
    }

    /// Whether the ballast has pages of its own: it was written, or it was read and is not private and
    /// anonymous, where reading finds the zero page.
    pub(super) fn is_backed(&self) -> bool {
        match (self.touch, self.mapping) {
            (Touch::Untouched, _) => false,
            (Touch::Read, Mapping::Private | Mapping::Dontfork | Mapping::Wipeonfork) => {
                self.page == Page::Hugetlb
            }
            _ => true,
        }
    }

    fn size_name(&self) -> String {
        let exact = exact_size(self.bytes);
        if !exact.ends_with("KiB") || self.bytes < 1 << 20 {
            return exact;
        }
        // 17,203 pages are 67.2 MiB to whoever asked for 67.2MiB.
        for decimals in [1, 2] {
            let text = format!("{:.decimals$}MiB", self.bytes as f64 / f64::from(1 << 20));
            if parse_footprint_size(&text) == Ok(self.bytes) {
                return text;
            }
        }
        exact
    }
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A size whose fraction, if it has one, means the nearest whole page.
fn parse_footprint_size(text: &str) -> Result<u64, crate::units::UnitError> {
    let bytes = parse_size(text)?;
    if text.contains('.') {
        return Ok((bytes + BASE_PAGE / 2) / BASE_PAGE * BASE_PAGE);
    }
    Ok(bytes)
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = self.size_name();
        let default = Self::default();
        let words = [
            (self.page != default.page, self.page.name()),
            (self.mapping != default.mapping, self.mapping.name()),
            (self.touch != default.touch, self.touch.name()),
            (self.order != default.order, self.order.name()),
        ];
        for (_, word) in words.iter().filter(|(differs, _)| *differs) {
            name.push('+');
            name.push_str(word);
        }
        if self.window != default.window {
            name.push_str(&format!("+window={}", self.window));
        }
        if self.spread != default.spread {
            name.push_str(&format!("+spread={}", self.spread));
        }
        if self.state != default.state {
            name.push('+');
            name.push_str(self.state.name());
        }
        let counts = [
            ("vmas", self.vmas),
            ("threads", self.threads),
            ("busy", self.busy),
            ("fds", self.fds),
        ];
        for (axis, count) in counts.iter().filter(|(_, count)| *count > 0) {
            name.push_str(&format!("+{axis}={count}"));
        }
        f.pad(&name)
    }
}

impl FromStr for Footprint {
    type Err = FootprintError;

    /// Reads a name; parts may come in any order and defaults may be said.
    fn from_str(name: &str) -> Result<Self, FootprintError> {
        let mut words = name.split('+');
        let size = words.next().unwrap_or_default();
        let bytes = parse_footprint_size(size).map_err(|source| FootprintError::Size {
            name: name.to_owned(),
            source,
        })?;
        let mut footprint = Self::of(bytes);
        let mut said: Vec<&str> = Vec::new();
        for word in words {
            let axis = footprint.set(word).ok_or_else(|| FootprintError::Word {
                name: name.to_owned(),
                word: word.to_owned(),
            })?;
            if said.contains(&axis) {
                return Err(FootprintError::Twice {
                    name: name.to_owned(),
                    word: word.to_owned(),
                });
            }
            said.push(axis);
        }
        footprint.check()?;
        Ok(footprint)
    }
}

impl Footprint {
    /// Sets the axis a word belongs to, and names the axis.
    fn set(&mut self, word: &str) -> Option<&'static str> {
        if let Some((axis, count)) = word.split_once('=') {
            let count: u32 = count.parse().ok()?;
            let (field, axis) = match axis {
                "window" => (&mut self.window, "window"),
                "spread" => (&mut self.spread, "spread"),
                "vmas" => (&mut self.vmas, "vmas"),
                "threads" => (&mut self.threads, "threads"),
                "busy" => (&mut self.busy, "busy"),
                "fds" => (&mut self.fds, "fds"),
                _ => return None,
            };
            *field = count;
            return Some(axis);
        }
        if let Some(page) = Page::from_name(word) {
            self.page = page;
            Some("page")
        } else if let Some(mapping) = Mapping::from_name(word) {
            self.mapping = mapping;
            Some("mapping")
        } else if let Some(touch) = Touch::from_name(word) {
            self.touch = touch;
            Some("touch")
        } else if let Some(order) = Order::from_name(word) {
            self.order = order;
            Some("order")
        } else if let Some(state) = State::from_name(word) {
            self.state = state;
            Some("state")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(name: &str) -> String {
        name.parse::<Footprint>().unwrap().to_string()
    }

    #[test]
    fn a_name_says_what_differs_from_the_default_and_nothing_else() {
        assert_eq!(canonical("0"), "0");
        assert_eq!(
            canonical("1024MiB+4k+private+written+sequential+hot"),
            "1GiB"
        );
        assert_eq!(canonical("1GiB+rewritten+thp"), "1GiB+thp+rewritten");
        assert_eq!(
            canonical("64MiB+fds=3+vmas=10000"),
            "64MiB+vmas=10000+fds=3"
        );
        assert_eq!(canonical("67.2MiB"), "67.2MiB");
        assert_eq!(
            canonical("1GiB+rewritten+window=64+shuffled"),
            "1GiB+shuffled+window=64+rewritten"
        );
        assert_eq!(
            canonical("1GiB+rewritten+spread=8+shuffled"),
            "1GiB+shuffled+spread=8+rewritten"
        );
        assert_eq!(canonical("0+threads=32+busy=1"), "0+threads=32+busy=1");
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        for (name, reason) in [
            ("4097B", "whole pages"),
            ("3MiB+hugetlb", "whole pages"),
            ("0+thp", "0 bytes"),
            ("0+shuffled", "0 bytes"),
            ("2MiB+hugetlb+wipeonfork", "wipeonfork goes with"),
            ("1MiB+shuffled+untouched", "not touched in any order"),
            ("2MiB+thp+shuffled", "contiguous"),
            ("2MiB+window=64", "window goes with shuffled"),
            ("2MiB+shuffled+window=1", "cannot be shuffled"),
            ("2MiB+spread=8", "spread goes with shuffled"),
            ("2MiB+shuffled+window=8+spread=8", "without a window"),
            ("2MiB+shuffled+read+spread=8", "written private memory"),
            ("2MiB+shuffled+shared+spread=8", "written private memory"),
            ("2MiB+shuffled+spread=1", "2 to 64"),
            ("2MiB+shuffled+spread=65", "2 to 64"),
            ("2MiB+file+thp", "page cache"),
            ("1MiB+read+rewritten", "rewritten goes with written"),
            ("1MiB+thick", "`thick` is no part"),
            ("1MiB+thp+hugetlb", "a second time"),
            ("1MiB+vmas=-1", "`vmas=-1`"),
            ("a lot", "`a lot` is not a size"),
        ] {
            let error = name.parse::<Footprint>().unwrap_err().to_string();
            assert!(error.contains(reason), "{name}: {error}");
        }
    }
}
