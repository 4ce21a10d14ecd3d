//! VMAs beyond those of the bare subject.

use super::BASE_PAGE;
use super::error::HoldError;
use super::proc::{scratch, value};
use super::region::Region;
use super::smaps;

/// A VMA is two pages, and a hole of one page stands before each, so that no two can merge.
const HOLE: u64 = BASE_PAGE;
const PAIR: u64 = 2 * BASE_PAGE;
const STEP: u64 = HOLE + PAIR;

/// What the count of VMAs may grow by for other reasons: threads' stacks aside, a heap, a buffer.
const SLACK: u64 = 16;

/// VMAs of two pages, one of them written.
#[derive(Debug)]
pub(super) struct Mappings {
    region: Region,
}

impl Mappings {
    /// Whether the kernel permits `count` more VMAs.
    ///
    /// # Errors
    /// [`HoldError::Mappings`] where `vm.max_map_count` is in the way.
    pub(super) fn permitted(count: u32) -> Result<(), HoldError> {
        let limit = value(c"/proc/sys/vm/max_map_count").unwrap_or(65_530);
        let now = scratch()
            .ok()
            .and_then(|mut scratch| smaps::count(&mut scratch, &mut |_, _| false))
            .map_or(0, |count| count.all);
        let needed = now + u64::from(count) + SLACK;
        if needed > limit {
            return Err(HoldError::Mappings { needed, limit });
        }
        Ok(())
    }

    /// Makes `count` VMAs, at least one, which a child gets unless `dontfork`.
    ///
    /// # Errors
    /// [`HoldError::System`].
    pub(super) fn hold(count: u32, dontfork: bool) -> Result<Self, HoldError> {
        let failed = |call, errno| HoldError::System {
            call,
            thing: format!("{count} VMAs"),
            errno,
        };
        // A hole at the end too: what stands above must not merge with the last.
        let len = u64::from(count) * STEP + HOLE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let region = Region::map(len as usize, flags, -1).map_err(|errno| failed("mmap", errno))?;
        // Something may be mapped into a hole later.
        region
            .keep_apart()
            .map_err(|errno| failed("madvise", errno))?;
        // Two pages are enough for a huge one of 8 KiB, where those are switched on.
        let _ = region.advise(libc::MADV_NOHUGEPAGE);
        if dontfork {
            region
                .advise(libc::MADV_DONTFORK)
                .map_err(|errno| failed("madvise", errno))?;
        }
        for index in (0..=u64::from(count)).rev() {
            region
                .punch((index * STEP) as usize, HOLE as usize)
                .map_err(|errno| failed("munmap", errno))?;
        }
        for index in 0..u64::from(count) {
            region.write((index * STEP + HOLE) as usize);
        }
        Ok(Self { region })
    }

    /// Whether a VMA is one of these.
    pub(super) fn has(&self, start: u64, end: u64) -> bool {
        let first = self.region.start() as u64;
        let last = first + self.region.len() as u64;
        start >= first && end <= last && end - start == PAIR && (start - first) % STEP == HOLE
    }

    /// Writes the written page of each again.
    pub(super) fn rewrite(&self) {
        for offset in (0..self.region.len() as u64 - HOLE).step_by(STEP as usize) {
            self.region.write((offset + HOLE) as usize);
        }
    }
}
