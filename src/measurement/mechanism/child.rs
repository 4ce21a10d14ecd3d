//! The child's side: what it is told before it exists, what it does, and what it tells.

use std::ffi::{c_char, c_int};
use std::sync::atomic::{AtomicU64, Ordering};

use super::tables::Weighing;
use crate::clock;

/// Private memory that a child sharing its parent's memory counts up: the proof that it does.
pub(super) static COUNTER: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" {
    pub(super) static environ: *const *mut c_char;
}

/// What a child tells, on a page that both sides see. Times are absolute; 0 is "was not told".
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct Stamps {
    /// First reading of the clock.
    pub start: u64,
    /// The new image's first instruction.
    pub exec: u64,
    /// Last reading of the clock.
    pub end: u64,
    /// What the call returned in the child, and 0 where it returns once.
    pub returned: i64,
    /// Its pid, or a thread's tid.
    pub pid: i64,
    /// Its parent's pid.
    pub parent: i64,
}

/// What a child is told before it exists. It lives in the parent's memory, which the child sees or has
/// a copy of.
#[derive(Debug)]
#[repr(C)]
pub struct Child {
    /// Where to stamp; null: don't.
    pub(super) stamps: *mut Stamps,
    /// Whether to tell pids too.
    pub(super) life: bool,
    /// Whether to count up [`COUNTER`].
    pub(super) count: bool,
    /// Where to put what it reads of its page tables; null: it reads nothing.
    pub(super) weighing: *mut Weighing,
    /// What to end with.
    pub(super) status: c_int,
    /// What to execute; null: nothing.
    pub(super) path: *const c_char,
    /// Its arguments.
    pub(super) argv: *const *const c_char,
}

impl Child {
    /// The child's first steps. `returned` is what the call returned to it.
    ///
    /// # Safety
    /// `self` and what it points to must be mapped. Otherwise safe between fork and exec.
    #[inline(always)]
    pub(super) unsafe fn arrive(&self, returned: i64) {
        if !self.stamps.is_null() {
            let start = clock::now();
            // SAFETY: a stage's stamps outlive its children, and one child at a time writes them.
            let stamps = unsafe { &mut *self.stamps };
            stamps.start = start;
            if self.life {
                stamps.returned = returned;
                // SAFETY: these three calls have no preconditions.
                unsafe {
                    stamps.pid = libc::syscall(libc::SYS_gettid);
                    stamps.parent = libc::syscall(libc::SYS_getppid);
                }
                stamps.end = clock::now();
            }
        }
        if !self.weighing.is_null() {
            // SAFETY: as for the stamps.
            unsafe { Weighing::read(self.weighing) };
        }
        if self.count {
            COUNTER.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What a thread is to return.
    pub(super) fn status(&self) -> c_int {
        self.status
    }

    /// The child's end: it executes its image, or leaves.
    ///
    /// # Safety
    /// To be called in a process of its own, never in a thread. `path` and `argv` are null or valid.
    #[inline(always)]
    pub(super) unsafe fn depart(&self) -> ! {
        // SAFETY: both calls are async-signal-safe and run nothing of the parent's. The strings were made
        // before the child and are null-terminated; `environ` is libc's.
        unsafe {
            if self.path.is_null() {
                libc::_exit(self.status)
            }
            libc::execve(self.path, self.argv, environ as *const *const c_char);
            // 126 is outside the statuses children are told, so the parent sees that exec failed.
            libc::_exit(126)
        }
    }
}
