//! What a page fault costs: a write to a page that a living child shares, which is copied for it.

use std::ffi::c_int;
use std::ptr;

use crate::clock;

/// Pages written, each a fault of its own.
const PAGES: usize = 64;
const PAGE: usize = 4096;

/// The median time of a copy-on-write fault here and now, in nanoseconds; `None` where no child could be
/// made to share pages with.
pub fn fault_cost() -> Option<u64> {
    let memory = shared_page_by_page()?;
    let cost = with_sharer(|| {
        let mut times = [0; PAGES];
        for (page, time) in times.iter_mut().enumerate() {
            let before = clock::now();
            // SAFETY: within the mapping made above, which nobody else writes.
            unsafe { ptr::write_volatile(memory.add(page * PAGE), 2) };
            *time = clock::now() - before;
        }
        times.sort_unstable();
        times[PAGES / 2]
    });
    // SAFETY: the mapping made above.
    unsafe { libc::munmap(memory.cast(), PAGES * PAGE) };
    cost
}

/// Memory that is mapped and written, in pages of 4 KiB.
fn shared_page_by_page() -> Option<*mut u8> {
    // SAFETY: an anonymous mapping at an address of the kernel's choice disturbs nothing; it is written
    // within its bounds.
    unsafe {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let address = libc::mmap(ptr::null_mut(), PAGES * PAGE, rights, flags, -1, 0);
        if address == libc::MAP_FAILED {
            return None;
        }
        // Larger folios would be copied at one fault. Kernels without them refuse, and need no advice.
        libc::madvise(address, PAGES * PAGE, libc::MADV_NOHUGEPAGE);
        let memory: *mut u8 = address.cast();
        for page in 0..PAGES {
            ptr::write_volatile(memory.add(page * PAGE), 1);
        }
        Some(memory)
    }
}

/// Does `work` while a child has a copy of this process, and waits for the child.
fn with_sharer<T>(work: impl FnOnce() -> T) -> Option<T> {
    let mut pipe: [c_int; 2] = [-1; 2];
    // SAFETY: `pipe` has room for two descriptors. The child closes, reads and leaves, which is safe between
    // fork and _exit, and the parent waits for the child it made.
    unsafe {
        if libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) != 0 {
            return None;
        }
        let pid = libc::fork();
        if pid == 0 {
            libc::close(pipe[1]);
            // Until the parent closes its end, or is gone.
            libc::read(pipe[0], (&raw mut pipe).cast(), 1);
            libc::_exit(0)
        }
        let result = (pid > 0).then(work);
        libc::close(pipe[0]);
        libc::close(pipe[1]);
        if pid > 0 {
            libc::waitpid(pid, ptr::null_mut(), 0);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_costs_more_than_a_write() {
        let mut byte = 0;
        let before = clock::now();
        // SAFETY: a live byte.
        unsafe { ptr::write_volatile(&mut byte, 1) };
        let write = clock::now() - before;
        let fault = fault_cost().unwrap();
        assert!(fault > write.min(100), "{fault} against {write}");
    }
}
