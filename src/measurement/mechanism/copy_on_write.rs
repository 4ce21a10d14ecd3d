//! The first write to a page after a fork: parent and child share memory, and who writes copies it, page by
//! page.
//!
//! One iteration is one page. Pages are written in *passes*, since one fork serves many: the same pages
//! before any fork, while a child is alive that shares them, and after one that is gone again. Where the
//! child writes, it leaves its times in memory that was shared before the fork.

use std::io::{self, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::ptr::NonNull;

use super::child::Child;
use super::claim::{Claim, Event};
use super::reap::reap;
use super::stage::map;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Stage, Work, Writer};
use crate::clock;
use crate::footprint::{BASE_PAGE, Footprint, Held, Mapping, Page, State, Touch};

/// Bytes of the smallest ballast whose pages are a choice.
pub(super) const SMALLEST: u64 = 16 * BASE_PAGE;

const CLAIM: Claim = Claim {
    event: Event::Fork,
    calls: &["clone", "fork"],
    flags: &["SIGCHLD"],
    without: &["CLONE_VM", "CLONE_VFORK", "CLONE_PIDFD"],
    exec: false,
    // What the child is told by, and fork's has no need of.
    also: &["socketpair"],
};
const NEEDS: Needs = Needs {
    image: false,
    stack: false,
};

pub(super) const PARENT: Mechanism = Mechanism {
    name: "cow-parent",
    summary: "first write of the parent to a page that it shares with a forked child",
    phases: &Phase::WRITES,
    claim: CLAIM,
    returns_twice: true,
    needs: NEEDS,
    work: Work::Writes(Writer::Parent),
};

pub(super) const CHILD: Mechanism = Mechanism {
    name: "cow-child",
    summary: "first write of a forked child to a page that it shares with its parent",
    phases: &Phase::WRITES,
    claim: CLAIM,
    returns_twice: true,
    needs: NEEDS,
    work: Work::Writes(Writer::Child),
};

/// Why a footprint has nothing that a write would copy, and what to ask for instead.
pub(super) fn refusal(footprint: &Footprint) -> Option<&'static str> {
    let reason = if footprint.bytes == 0 {
        "a bare parent has no memory to write; name a size, as in 256MiB"
    } else if footprint.touch != Touch::Written {
        "only pages that were written are copied; leave out read and untouched"
    } else if footprint.mapping != Mapping::Private {
        "only private memory that the child inherits is copied; leave out shared, file, dontfork and \
         wipeonfork"
    } else if footprint.page == Page::Hugetlb {
        "copies of reserved huge pages come out of the pool, which has no room set aside for them; take \
         4k or thp"
    } else if footprint.state == State::Rewritten {
        "every page is written again as it is, before it is shared; leave out rewritten"
    } else {
        return None;
    };
    Some(reason)
}

/// The times of one pass, in memory that a child shares for good.
#[derive(Debug)]
pub struct Times {
    /// The child's page faults, and after them the times.
    words: NonNull<u64>,
    length: usize,
}

impl Times {
    /// Room for `length` times, in nanoseconds, all 0.
    ///
    /// # Errors
    /// Where the memory is not granted.
    pub fn new(length: usize) -> io::Result<Self> {
        let words = map((length + 1) * size_of::<u64>(), libc::MAP_SHARED)?;
        let words = NonNull::new(words.cast())
            .ok_or_else(|| io::Error::other("the kernel mapped a buffer at address 0"))?;
        Ok(Self { words, length })
    }

    /// The times of the last pass.
    pub fn all(&self) -> &[u64] {
        // SAFETY: this value's own mapping of one word more than `length`; no child is alive that writes.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().add(1), self.length) }
    }

    fn parts(&mut self) -> (&mut u64, &mut [u64]) {
        // SAFETY: as above; the two don't overlap.
        unsafe {
            let times = std::slice::from_raw_parts_mut(self.words.as_ptr().add(1), self.length);
            (self.words.as_mut(), times)
        }
    }
}

impl Drop for Times {
    fn drop(&mut self) {
        let bytes = (self.length + 1) * size_of::<u64>();
        // SAFETY: this value's own mapping.
        unsafe { libc::munmap(self.words.as_ptr().cast(), bytes) };
    }
}

/// Writes one byte to each page in turn, as many as there is room for times. Safe between fork and `_exit`.
#[inline]
fn write(held: &Held, times: &mut [u64]) {
    for (page, time) in held.pages().zip(times) {
        let begin = clock::now();
        held.write(page);
        *time = clock::now() - begin;
    }
}

/// Minor page faults of the calling thread so far. Safe between fork and `_exit`.
fn faults() -> u64 {
    // SAFETY: all zeros is a valid rusage, and getrusage fills it in.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
        usage.ru_minflt as u64
    }
}

/// Times writes to pages that nobody shares, each of them written before.
pub fn before(held: &Held, times: &mut Times) {
    let (_, times) = times.parts();
    // The first time round takes the faults of whatever a fork has left write-protected.
    write(held, times);
    write(held, times);
}

/// Times the first writes to pages that parent and child share, both alive. Returns the bytes that were copied
/// meanwhile by the kernel's account, where that may be read.
///
/// # Errors
/// [`Failure`]: among others [`Failure::Gone`] and [`Failure::NotCopied`], where the writes copied less than
/// a page each.
pub fn while_shared(
    stage: &mut Stage,
    iteration: Iteration,
    writer: Writer,
    held: &Held,
    times: &mut Times,
) -> Result<Option<u64>, Failure> {
    let sharer = match writer {
        Writer::Parent => Sharer::fork(stage, iteration, None)?,
        Writer::Child => Sharer::fork(stage, iteration, Some((held, &mut *times)))?,
    };
    let copied = sharer.copied(writer, held, times);
    let ended = sharer.end(stage);
    let copied = copied?;
    ended?;
    Ok(copied)
}

/// Times the parent's first writes after a fork whose child has ended: each meets a write-protected page that
/// is its own again.
///
/// # Errors
/// [`Failure`], as of [`while_shared`].
pub fn after(
    stage: &mut Stage,
    iteration: Iteration,
    held: &Held,
    times: &mut Times,
) -> Result<(), Failure> {
    Sharer::fork(stage, iteration, None)?.end(stage)?;
    let faults_before = faults();
    let (_, times) = times.parts();
    write(held, times);
    check(times.len() as u64, faults() - faults_before, None)
}

/// Whether so many writes met memory that a fork had shared.
fn check(pages: u64, faults: u64, copied: Option<u64>) -> Result<(), Failure> {
    if faults < pages || copied.is_some_and(|bytes| bytes < pages * BASE_PAGE) {
        return Err(Failure::NotCopied {
            pages,
            faults,
            copied,
        });
    }
    Ok(())
}

/// A child that shares its parent's memory until it is told to end.
struct Sharer {
    pid: libc::pid_t,
    /// The child goes when this is closed.
    line: UnixStream,
    iteration: Iteration,
}

impl Sharer {
    /// Forks a child and waits until it stands still. Given memory and times, it writes before that.
    fn fork(
        stage: &mut Stage,
        iteration: Iteration,
        task: Option<(&Held, &mut Times)>,
    ) -> Result<Self, Failure> {
        let (line, theirs) = UnixStream::pair().map_err(|source| Failure::Call {
            call: "socketpair",
            source,
        })?;
        let child = Child {
            // What it counts must not be seen by the parent.
            count: true,
            ..stage.child(iteration, false)
        };
        // SAFETY: the child keeps to what is safe between fork and _exit.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: this is the child; `child` is in its copy of the parent's memory.
            unsafe {
                child.arrive(0);
                libc::close(line.as_raw_fd());
                if let Some((held, times)) = task {
                    write_in_child(held, times);
                }
                stand_still(theirs.as_raw_fd());
                child.depart()
            }
        }
        if pid < 0 {
            return Err(Failure::of_call("fork"));
        }
        drop(theirs);
        let mut sharer = Self {
            pid,
            line,
            iteration,
        };
        match sharer.line.read_exact(&mut [0]) {
            Ok(()) => Ok(sharer),
            // A child that ends hangs up. How it ended says more.
            Err(_) => sharer.end(stage).and(Err(Failure::Gone)),
        }
    }

    /// Has the parent write, if it is the writer, and asks the kernel what was copied.
    fn copied(
        &self,
        writer: Writer,
        held: &Held,
        times: &mut Times,
    ) -> Result<Option<u64>, Failure> {
        let (faults_of_child, times) = times.parts();
        let (pid, faults) = match writer {
            Writer::Parent => {
                let faults_before = faults();
                write(held, times);
                // SAFETY: getpid takes and touches nothing.
                (unsafe { libc::getpid() }, faults() - faults_before)
            }
            Writer::Child => (self.pid, *faults_of_child),
        };
        if !self.is_alive()? {
            return Err(Failure::Gone);
        }
        let copied = held.exclusive(pid);
        check(times.len() as u64, faults, copied)?;
        Ok(copied)
    }

    fn is_alive(&self) -> Result<bool, Failure> {
        // SAFETY: all zeros is a valid siginfo_t, and waitid fills it in where the child has ended.
        let (waited, ended) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            let waited = libc::waitid(libc::P_PID, self.pid as libc::id_t, &mut info, flags);
            (waited, info.si_pid())
        };
        if waited != 0 {
            return Err(Failure::of_call("waitid"));
        }
        Ok(ended == 0)
    }

    /// Tells the child to end, and checks that it was that child, and that it ended as it was told.
    fn end(self, stage: &mut Stage) -> Result<(), Failure> {
        drop(self.line);
        reap(stage, self.pid, self.iteration.status())?;
        stage.check_memory(false)
    }
}

/// The child's own pass.
#[inline(always)]
fn write_in_child(held: &Held, times: &mut Times) {
    let (faults_meanwhile, times) = times.parts();
    // Fork leaves shared mappings to page faults; those are not what is timed, or counted.
    times.fill(0);
    let faults_before = faults();
    write(held, times);
    *faults_meanwhile = faults() - faults_before;
}

/// Says that it is there, and waits until its parent hangs up.
///
/// # Safety
/// `line` must be open. Otherwise safe between fork and `_exit`.
unsafe fn stand_still(line: RawFd) {
    let mut byte = 0u8;
    let place: *mut libc::c_void = (&raw mut byte).cast();
    // SAFETY: `place` has room for a byte. A parent that is gone ends the second call at once.
    unsafe {
        libc::send(line, place, 1, libc::MSG_NOSIGNAL);
        libc::read(line, place, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: usize = 16;

    fn set() -> (Stage, Held, Times, Iteration) {
        let held = Held::hold(&Footprint::of(SMALLEST), None).unwrap();
        let iteration = Iteration {
            number: 4,
            stamped: false,
        };
        let stage = Stage::new(NEEDS, None, false).unwrap();
        (stage, held, Times::new(PAGES).unwrap(), iteration)
    }

    #[test]
    fn whoever_writes_copies_a_page_for_each_write() {
        let (mut stage, held, mut times, iteration) = set();
        for writer in [Writer::Parent, Writer::Child] {
            // Where another test of this process forks meanwhile, pages that were copied are shared again.
            let copied = (0..100)
                .find_map(|_| while_shared(&mut stage, iteration, writer, &held, &mut times).ok());
            let copied = copied.unwrap();
            assert!(copied.is_none_or(|bytes| bytes == SMALLEST), "{copied:?}");
            assert!(times.all().iter().all(|&ns| ns > 0));
            after(&mut stage, iteration, &held, &mut times).unwrap();
        }
    }

    #[test]
    fn a_child_that_is_gone_before_its_time_is_no_measurement() {
        let (mut stage, held, mut times, iteration) = set();
        let sharer = Sharer::fork(&mut stage, iteration, None).unwrap();
        // SAFETY: the pid is that of our own child, which was not reaped.
        unsafe { libc::kill(sharer.pid, libc::SIGKILL) };
        while sharer.is_alive().unwrap() {}
        let result = sharer.copied(Writer::Parent, &held, &mut times);
        assert!(
            matches!(result, Err(Failure::Gone | Failure::NotCopied { .. })),
            "{result:?}"
        );
        let ended = sharer.end(&mut stage).unwrap_err().to_string();
        assert!(ended.contains("signal 9"), "{ended}");
    }

    #[test]
    fn writes_that_no_fork_came_before_are_no_measurement() {
        let (mut stage, held, mut times, iteration) = set();
        let sharer = Sharer::fork(&mut stage, iteration, None).unwrap();
        // This memory came after the fork: the child knows nothing of it.
        let later = Held::hold(&Footprint::of(SMALLEST), None).unwrap();
        later.rewrite();
        let result = sharer.copied(Writer::Parent, &later, &mut times);
        assert!(
            matches!(result, Err(Failure::NotCopied { faults: 0, .. })),
            "{result:?}"
        );
        sharer.end(&mut stage).unwrap();
        // Nor is there a page fault where nothing was forked at all.
        before(&held, &mut times);
        let counted = faults();
        write(&held, times.parts().1);
        assert!(check(PAGES as u64, faults() - counted, None).is_err());
    }

    #[test]
    fn memory_that_no_write_copies_is_refused_with_a_remedy() {
        for (name, remedy) in [
            ("0", "256MiB"),
            ("64MiB+read", "leave out read"),
            ("64MiB+untouched", "leave out read and untouched"),
            ("64MiB+shared", "leave out shared"),
            ("64MiB+file", "file"),
            ("64MiB+dontfork", "dontfork"),
            ("64MiB+wipeonfork", "wipeonfork"),
            ("64MiB+hugetlb", "take 4k or thp"),
            ("64MiB+rewritten", "leave out rewritten"),
        ] {
            let reason = refusal(&name.parse().unwrap()).unwrap_or_default();
            assert!(reason.contains(remedy), "{name}: {reason}");
        }
        for name in ["4KiB", "64MiB+shuffled", "64MiB+thp+busy=1", "1MiB+vmas=3"] {
            assert_eq!(refusal(&name.parse().unwrap()), None, "{name}");
        }
    }
}
