//! What the parent of a watched child spends: its page faults, its switches, its time on a CPU.

use std::ffi::c_int;

use serde::{Deserialize, Serialize};

/// What a thread spent in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// Nanoseconds on a CPU.
    pub ran_ns: u64,
    /// Nanoseconds it was ready and waited for one; `None` where the kernel does not count them.
    pub waited_ns: Option<u64>,
    /// Minor page faults.
    pub minor_faults: u64,
    /// Major page faults.
    pub major_faults: u64,
    /// Times it gave up the CPU.
    pub voluntary_switches: u64,
    /// Times the CPU was taken from it.
    pub involuntary_switches: u64,
}

impl Spent {
    /// What was spent since `earlier`.
    fn since(self, earlier: Self) -> Self {
        let spent = |now: u64, then: u64| now.saturating_sub(then);
        Self {
            ran_ns: spent(self.ran_ns, earlier.ran_ns),
            waited_ns: self
                .waited_ns
                .zip(earlier.waited_ns)
                .map(|(now, then)| spent(now, then)),
            minor_faults: spent(self.minor_faults, earlier.minor_faults),
            major_faults: spent(self.major_faults, earlier.major_faults),
            voluntary_switches: spent(self.voluntary_switches, earlier.voluntary_switches),
            involuntary_switches: spent(self.involuntary_switches, earlier.involuntary_switches),
        }
    }
}

/// When the account is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before `t0`.
    Before,
    /// After the clock was read for `call`.
    Called,
    /// The parent is about to look at its zombie.
    Looks,
    /// It has looked.
    Looked,
    /// After the clock was read for `reap`.
    Reaped,
}

/// The calling thread's counters at moments of one life.
#[derive(Debug)]
pub(super) struct Account {
    /// Held open: to open it between two readings of the clock would cost more than to read it.
    schedstat: c_int,
    readings: [Option<Spent>; 5],
}

impl Account {
    /// Opens the account of the calling thread.
    pub(super) fn open() -> Self {
        // SAFETY: the path is a C string.
        let schedstat = unsafe {
            libc::open(
                c"/proc/thread-self/schedstat".as_ptr(),
                libc::O_RDONLY | libc::O_CLOEXEC,
            )
        };
        Self {
            schedstat,
            readings: [None; 5],
        }
    }

    /// Reads the counters: three system calls, and no allocation.
    pub(super) fn note(&mut self, moment: Moment) {
        self.readings[moment as usize] = self.read();
    }

    /// What was spent from `t0` until the call returned, and until the child was reaped. What looking at the
    /// zombie took is left out.
    pub(super) fn spent(&self) -> (Option<Spent>, Option<Spent>) {
        let at = |moment: Moment| self.readings[moment as usize];
        let call = at(Moment::Called)
            .zip(at(Moment::Before))
            .map(|(called, before)| called.since(before));
        let whole = at(Moment::Reaped).zip(at(Moment::Before));
        let reap = whole.map(|(reaped, before)| {
            let whole = reaped.since(before);
            match at(Moment::Looked).zip(at(Moment::Looks)) {
                Some((looked, looks)) => whole.since(looked.since(looks)),
                None => whole,
            }
        });
        (call, reap)
    }

    fn read(&self) -> Option<Spent> {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: all zeros is a valid rusage; both places are valid for what is written to them.
        let (usage, read) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            let read = libc::getrusage(libc::RUSAGE_THREAD, &mut usage)
                | libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time);
            (usage, read)
        };
        (read == 0).then(|| Spent {
            ran_ns: time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64,
            waited_ns: self.waited(),
            minor_faults: usage.ru_minflt as u64,
            major_faults: usage.ru_majflt as u64,
            voluntary_switches: usage.ru_nvcsw as u64,
            involuntary_switches: usage.ru_nivcsw as u64,
        })
    }

    /// The second number of schedstat. It is counted when a thread gets a CPU, so it is never old.
    fn waited(&self) -> Option<u64> {
        let mut text = [0; 64];
        // SAFETY: `text` has room for as many bytes as it is long.
        let read = unsafe { libc::pread(self.schedstat, text.as_mut_ptr().cast(), text.len(), 0) };
        let text = text.get(..usize::try_from(read).ok()?)?;
        let text = std::str::from_utf8(text).ok()?;
        text.split_whitespace().nth(1)?.parse().ok()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if self.schedstat >= 0 {
            // SAFETY: the descriptor is this value's own.
            unsafe { libc::close(self.schedstat) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_the_faults_and_the_time_in_it_and_not_those_of_looking() {
        let mut account = Account::open();
        let touch = |pages: usize| {
            // Fresh memory: each page is a fault, unless huge pages came.
            let memory = vec![1u8; pages * 4096];
            std::hint::black_box(&memory);
        };
        let spin = |nanoseconds| {
            crate::clock::largest_gap(nanoseconds);
        };
        account.note(Moment::Before);
        spin(2_000_000);
        account.note(Moment::Called);
        account.note(Moment::Looks);
        spin(20_000_000);
        touch(4096);
        account.note(Moment::Looked);
        account.note(Moment::Reaped);
        let (call, reap) = account.spent();
        let (call, reap) = (call.unwrap(), reap.unwrap());
        let looking = account.readings[Moment::Looked as usize]
            .unwrap()
            .since(account.readings[Moment::Looks as usize].unwrap());
        assert!(looking.minor_faults > 0 && looking.ran_ns > call.ran_ns);
        assert!(call.ran_ns > 0);
        assert!(reap.ran_ns >= call.ran_ns && reap.ran_ns < call.ran_ns + looking.ran_ns / 2);
        assert!(reap.minor_faults < call.minor_faults + looking.minor_faults);
    }
}
