//! Holding a footprint, and reading back what the kernel gave.

use std::ffi::CString;

use super::ballast::Ballast;
use super::descriptors::Descriptors;
use super::error::HoldError;
use super::mappings::Mappings;
use super::order::Pages;
use super::pagemap::Layout;
use super::proc::{open_descriptors, scratch, status};
use super::region::Region;
use super::threads::Threads;
use super::{Footprint, Mapping, Order, Page, Receipt, huge, memory, smaps};

/// A footprint that is held. It is given back when dropped.
///
/// Whatever is needed to keep it stands in memory that no child inherits; a bare footprint, `0`, adds
/// nothing to the process at all.
pub struct Held {
    footprint: Footprint,
    // In the order in which they go: threads may not outlive what they run on.
    threads: Option<Threads>,
    descriptors: Option<Descriptors>,
    mappings: Option<Mappings>,
    ballast: Option<Ballast>,
    /// Open descriptors before any were added.
    descriptors_before: Option<u64>,
}

impl Held {
    /// Takes the shape of `footprint`. `cpu` is the one the process is pinned to, if it is: busy
    /// threads spin on others.
    ///
    /// # Errors
    /// [`HoldError`]: [`HoldError::is_skip`] tells what the host does not offer from what failed.
    /// Nothing is held then.
    pub fn hold(footprint: &Footprint, cpu: Option<u32>) -> Result<Self, HoldError> {
        huge::offered(footprint)?;
        if footprint.vmas > 0 {
            Mappings::permitted(footprint.vmas)?;
        }
        let needed = footprint.memory_needed();
        if needed > 0 {
            // Else the kernel would grant it and end the process later.
            let available = memory::available().unwrap_or(u64::MAX);
            if needed > available {
                return Err(HoldError::Memory { needed, available });
            }
        }
        let open = |scratch: Result<Region, i32>| open_descriptors(scratch.ok()?.bytes());
        let mut held = Self {
            footprint: *footprint,
            threads: None,
            descriptors: None,
            mappings: None,
            ballast: None,
            descriptors_before: open(scratch()),
        };
        if footprint.bytes > 0 {
            held.ballast = Some(Ballast::hold(footprint)?);
        }
        if footprint.vmas > 0 {
            held.mappings = Some(Mappings::hold(
                footprint.vmas,
                footprint.mapping == Mapping::Dontfork,
            )?);
        }
        if footprint.fds > 0 {
            held.descriptors = Some(Descriptors::hold(footprint.fds)?);
        }
        if footprint.threads + footprint.busy > 0 {
            held.threads = Some(Threads::hold(footprint.threads, footprint.busy, cpu)?);
        }
        Ok(held)
    }

    /// Writes one byte to every page of the ballast and of the added VMAs that was written, so that
    /// none is write-protected by an earlier fork. For [`super::State::Rewritten`], between
    /// iterations, untimed.
    pub fn rewrite(&self) {
        if let Some(ballast) = &self.ballast {
            ballast.rewrite();
        }
        if let Some(mappings) = &self.mappings {
            mappings.rewrite();
        }
    }

    /// Keeps the ballast from children (`MADV_DONTFORK`), or lets them have it again: the same parent, whose
    /// ballast fork does not copy. A ballast that is kept by its footprint stays so.
    ///
    /// # Errors
    /// The errno of `madvise`.
    pub fn keep_ballast(&self, kept: bool) -> Result<(), i32> {
        match &self.ballast {
            Some(ballast) if self.footprint.mapping != Mapping::Dontfork => {
                ballast.region.advise(if kept {
                    libc::MADV_DONTFORK
                } else {
                    libc::MADV_DOFORK
                })
            }
            _ => Ok(()),
        }
    }

    /// What is held.
    pub fn footprint(&self) -> &Footprint {
        &self.footprint
    }

    /// The ballast's pages by number, in the order in which they were first touched; none without a ballast.
    pub fn pages(&self) -> Pages {
        self.ballast
            .as_ref()
            .map_or(Pages::Rising(0..0), Ballast::pages)
    }

    /// Writes one byte to a page of the ballast, by its number.
    ///
    /// Safe between fork and `_exit`: it allocates nothing and takes no lock.
    #[inline]
    pub fn write(&self, page: u64) {
        if let Some(ballast) = &self.ballast {
            ballast.write(page);
        }
    }

    /// Makes huge pages again of those that writes after a fork have split; nothing where none is.
    ///
    /// # Errors
    /// [`HoldError::System`] where the kernel has none left.
    pub fn mend(&self) -> Result<(), HoldError> {
        let mended = self.ballast.as_ref().map_or(Ok(()), Ballast::mend);
        mended.map_err(|errno| HoldError::System {
            call: "madvise",
            thing: format!("the huge pages of {}, anew", self.footprint),
            errno,
        })
    }

    /// Bytes of the ballast that the process `pid`, this one or a child that was forked from it, shares
    /// with no other; `None` where smaps cannot be read.
    pub fn exclusive(&self, pid: i32) -> Option<u64> {
        let region = &self.ballast.as_ref()?.region;
        let path = CString::new(format!("/proc/{pid}/smaps")).ok()?;
        let mut scratch = scratch().ok()?;
        let entry = smaps::entry_of(&path, region, scratch.bytes()).ok()??;
        Some(entry.private)
    }

    /// Gives everything back. Scattered pages are freed in the order in which they were touched.
    pub fn release(self) {
        drop(self);
    }

    /// Reads back from /proc what the kernel gave. What may not be read is named in
    /// [`Receipt::unverified`].
    pub fn receipt(&self) -> Receipt {
        // SAFETY: getpid and getauxval take and touch no memory of ours.
        let (pid, loader) = unsafe { (libc::getpid(), libc::getauxval(libc::AT_BASE)) };
        let image = if loader == 0 { "static" } else { "dynamic" };
        let mut receipt = Receipt {
            pid,
            image: image.to_owned(),
            ..Receipt::default()
        };
        match scratch() {
            Ok(mut scratch) => {
                self.read_process(&mut receipt, &mut scratch);
                self.read_ballast(&mut receipt, scratch.bytes());
            }
            Err(_) => receipt.unverified.push("receipt".to_owned()),
        }
        receipt
    }

    fn read_process(&self, receipt: &mut Receipt, scratch: &mut Region) {
        // In a piece of a page, lest the buffer counts itself.
        let piece = &mut scratch.bytes()[..super::BASE_PAGE as usize];
        let kib = |value: Option<u64>| value.map(|kib| kib * 1024);
        receipt.process_rss = kib(status("VmRSS:", piece));
        receipt.page_tables = kib(status("VmPTE:", piece));
        receipt.threads = status("Threads:", piece);
        receipt.busy = match &self.threads {
            Some(threads) => threads.spinning(),
            None => Some(0),
        };
        receipt.fds = open_descriptors(piece);
        receipt.fds_added = receipt
            .fds
            .zip(self.descriptors_before)
            .map(|(now, before)| now.saturating_sub(before));
        let count = smaps::count(scratch, &mut |start, end| {
            let mappings = self.mappings.as_ref();
            mappings.is_some_and(|mappings| mappings.has(start, end))
        });
        receipt.vmas = count.as_ref().map(|count| count.all);
        receipt.vmas_added = count.as_ref().map(|count| count.added);
        let unread = [
            ("threads", receipt.threads.is_none()),
            ("busy", receipt.busy.is_none()),
            ("fds", receipt.fds_added.is_none()),
            ("vmas", receipt.vmas_added.is_none()),
        ];
        note(receipt, &unread);
    }

    fn read_ballast(&self, receipt: &mut Receipt, buffer: &mut [u8]) {
        let Some(ballast) = &self.ballast else {
            (receipt.rss, receipt.thp) = (Some(0), Some(0));
            (receipt.hugetlb, receipt.present) = (Some(0), Some(0));
            return;
        };
        receipt.fill_ns = Some(ballast.fill_ns);
        receipt.soaked = (!ballast.piece.blind).then_some(ballast.piece.soaked);
        match smaps::entry(&ballast.region, buffer) {
            Ok(Some(entry)) => {
                receipt.ballast = entry.size;
                receipt.rss = Some(entry.rss);
                receipt.thp = Some(entry.thp);
                receipt.hugetlb = Some(entry.hugetlb);
                receipt.vm_flags = entry.flags;
            }
            // A neighbour has swallowed it: it has no length of its own.
            Ok(None) => {}
            Err(_) => receipt.ballast = ballast.region.len() as u64,
        }
        let layout = Layout::read(&ballast.region, buffer);
        receipt.present = layout
            .as_ref()
            .map(|layout| layout.present * super::BASE_PAGE);
        // The zero page lies nowhere in particular.
        if self.footprint.is_backed() {
            if let Some(shares) = layout.as_ref().and_then(Layout::shares) {
                let [adjacency, within_8, nearness, within_512] = shares.map(Some);
                (receipt.adjacency, receipt.nearness) = (adjacency, nearness);
                (receipt.within_8, receipt.within_512) = (within_8, within_512);
            }
            receipt.density = layout.as_ref().and_then(Layout::density);
        }
        let ordered = self.footprint.is_backed()
            && self.footprint.page == Page::Base
            && self.footprint.bytes > super::BASE_PAGE;
        let unread = [
            ("rss", receipt.rss.is_none()),
            ("flags", receipt.vm_flags.is_none()),
            ("present", receipt.present.is_none()),
            ("order", ordered && receipt.adjacency.is_none()),
            (
                "soak",
                (self.footprint.order == Order::Sequential || self.footprint.is_scattered())
                    && ballast.piece.blind,
            ),
        ];
        note(receipt, &unread);
    }
}

/// Names what could not be read.
fn note(receipt: &mut Receipt, unread: &[(&str, bool)]) {
    let names = unread.iter().filter(|(_, unread)| *unread);
    receipt
        .unverified
        .extend(names.map(|(name, _)| (*name).to_owned()));
}
