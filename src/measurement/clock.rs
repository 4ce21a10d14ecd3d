//! The one clock: `CLOCK_MONOTONIC`, in whole nanoseconds.
//!
//! It is read through the vDSO, without a system call, on every kernel and clock source forkbench is
//! meant for; `forkbench doctor` says where it is not. It is the same clock in every process, which is
//! what lets a child's reading be compared with its parent's.

/// Nanoseconds since an unspecified moment, the same for all processes of a boot.
///
/// Async-signal-safe: it allocates nothing and takes no lock.
#[inline]
pub fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for a timespec, and CLOCK_MONOTONIC exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// How much longer each call is made to take, in nanoseconds.
#[cfg(feature = "slower")]
pub static SLOWER_BY: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// The time when a call has returned. A subject built with the feature `slower` spins before it looks, as long as it was told to:
/// a change of known size, for testing what judges changes.
#[inline]
pub fn after_call() -> u64 {
    #[cfg(feature = "slower")]
    {
        let until = now() + SLOWER_BY.load(std::sync::atomic::Ordering::Relaxed);
        while now() < until {}
    }
    now()
}

/// Reads the clock in a loop for `nanoseconds` and returns the longest step between two readings: how
/// long the host took the CPU away, or stopped it.
pub fn largest_gap(nanoseconds: u64) -> u64 {
    let begin = now();
    let mut last = begin;
    let mut largest = 0;
    while last - begin < nanoseconds {
        let next = now();
        largest = largest.max(next - last);
        last = next;
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back_and_moves() {
        let mut last = now();
        let begin = last;
        for _ in 0..100_000 {
            let next = now();
            assert!(next >= last);
            last = next;
        }
        assert!(last > begin);
    }

    #[test]
    fn a_gap_is_no_longer_than_the_watch() {
        let begin = now();
        let gap = largest_gap(1_000_000);
        let watched = now() - begin;
        assert!(gap > 0 && gap <= watched, "{gap} of {watched}");
    }
}
