//! What a mechanism finds prepared: where a child stamps the clock, what it executes, its stack.

use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::ptr;
use std::sync::atomic::Ordering;

use super::account::{Account, Moment, Spent};
use super::child::{COUNTER, Child, Stamps};
use super::reap::Zombie;
use super::tables::{Tables, Weighing};
use super::{Failure, Image, Iteration, Needs, Sample};
use crate::clock;

/// Bytes of the stack that `clone-vm` gives its child: what glibc's posix_spawn maps at the least.
const STACK: usize = 32 * 1024;

/// The descriptor on which the exec image writes its stamps. Fixed, because it stands in its argv, and
/// below 10, where the protocol's descriptors begin.
pub(super) const STAMP_FD: c_int = 9;

/// What is known of one child beside its sample.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The parent's last reading of the clock before the call.
    pub t0: u64,
    /// Its pid, where the parent was given one.
    pub pid: libc::pid_t,
    /// What it told.
    pub stamps: Stamps,
    /// What it left behind.
    pub zombie: Option<Zombie>,
    /// What the parent spent from `t0` until the call returned.
    pub call: Option<Spent>,
    /// And until the child was reaped.
    pub reap: Option<Spent>,
    /// The page tables of the child that weighed its own.
    pub tables: Option<Tables>,
}

/// Everything prepared for iterations of one mechanism.
#[derive(Debug)]
pub struct Stage {
    stamps: *mut Stamps,
    stack: *mut c_void,
    pipe: [c_int; 2],
    image: Option<Image>,
    /// Owns what `argv` points to. The first is the path; the second the status, rewritten in place.
    arguments: Vec<CString>,
    argv: Vec<*const c_char>,
    status: Box<[u8; 4]>,
    stamp_fd: CString,
    counted: u64,
    /// When the last sample began.
    pub(super) t0: u64,
    /// The last child's pid.
    pub(super) pid: libc::pid_t,
    /// Whether this is an iteration whose life is told.
    pub(super) watching: bool,
    /// What the last watched child left behind.
    pub(super) zombie: Option<Zombie>,
    /// The parent's own account of a watched iteration.
    account: Option<Account>,
    /// Where a child puts what it reads of its page tables; null: none is asked to.
    weighing: *mut Weighing,
}

impl Stage {
    /// Prepares what `needs` names; `stamped` says whether any iteration will stamp.
    ///
    /// # Errors
    /// Where memory, a pipe or a descriptor is refused.
    pub fn new(needs: Needs, image: Option<Image>, stamped: bool) -> io::Result<Self> {
        let mut stage = Self {
            stamps: ptr::null_mut(),
            stack: ptr::null_mut(),
            pipe: [-1, -1],
            image: None,
            arguments: Vec::new(),
            argv: Vec::new(),
            status: Box::new(*b"000\0"),
            stamp_fd: CString::default(),
            counted: 0,
            t0: 0,
            pid: 0,
            watching: false,
            zombie: None,
            account: None,
            weighing: ptr::null_mut(),
        };
        if stamped {
            // Shared, so that a forked child's writes are seen; fork skips such mappings.
            stage.stamps = map(size_of::<Stamps>(), libc::MAP_SHARED)?.cast();
        }
        if needs.stack {
            stage.stack = map(STACK, libc::MAP_PRIVATE | libc::MAP_STACK)?;
        }
        if needs.image {
            let image = image.ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidInput, "no image to execute was named")
            })?;
            stage.set_image(image, stamped)?;
        }
        Ok(stage)
    }

    fn set_image(&mut self, image: Image, stamped: bool) -> io::Result<()> {
        let path = CString::new(image.path.as_str())?;
        // SAFETY: `path` is a null-terminated string.
        if unsafe { libc::access(path.as_ptr(), libc::X_OK) } != 0 {
            let error = io::Error::last_os_error();
            return Err(io::Error::new(
                error.kind(),
                format!(
                    "`{}` cannot be executed: {error}; name another with --exec",
                    image.path
                ),
            ));
        }
        self.arguments = vec![path];
        for argument in image.foreign.iter().flatten() {
            self.arguments.push(CString::new(argument.as_str())?);
        }
        if image.foreign.is_none() && stamped {
            self.open_stamp_pipe()?;
            self.stamp_fd = CString::new(STAMP_FD.to_string())?;
        }
        self.image = Some(image);
        Ok(())
    }

    fn open_stamp_pipe(&mut self) -> io::Result<()> {
        // SAFETY: `pipe` has room for two descriptors; dup2 onto a number the subject keeps free.
        unsafe {
            if libc::pipe2(self.pipe.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) != 0 {
                return Err(io::Error::last_os_error());
            }
            // dup2 drops the close-on-exec flag: the image inherits this one.
            if libc::dup2(self.pipe[1], STAMP_FD) < 0 {
                return Err(io::Error::last_os_error());
            }
            libc::close(self.pipe[1]);
        }
        self.pipe[1] = STAMP_FD;
        Ok(())
    }

    /// Whether children execute a program that is not forkbench's.
    pub fn is_foreign(&self) -> bool {
        self.image
            .as_ref()
            .is_some_and(|image| image.foreign.is_some())
    }

    /// The image, where there is one.
    pub(super) fn image(&self) -> Option<&Image> {
        self.image.as_ref()
    }

    /// From now on, iterations tell their child's life and leave their zombie to be looked at.
    pub fn watch(&mut self) {
        self.watching = true;
        self.account = Some(Account::open());
    }

    /// Has the child of the next iteration read how large its page tables are. That takes a while, so it is
    /// not an iteration whose times are told.
    ///
    /// # Errors
    /// Where memory for it is refused.
    pub fn weigh(&mut self) -> io::Result<()> {
        self.weighing = map(size_of::<Weighing>(), libc::MAP_SHARED)?.cast();
        Ok(())
    }

    /// Reads the clock for `t0`, after the account of a parent that is watched.
    #[inline]
    pub(super) fn begin(&mut self) -> u64 {
        self.note(Moment::Before);
        clock::now()
    }

    /// Reads the account of a parent that is watched.
    #[inline]
    pub(super) fn note(&mut self, moment: Moment) {
        if let Some(account) = &mut self.account {
            account.note(moment);
        }
    }

    /// What the last child told and left behind.
    pub fn observed(&self) -> Trace {
        // SAFETY: null or a mapping of this stage, whose child has ended.
        let stamps = unsafe { self.stamps.as_ref() }.copied().unwrap_or_default();
        // SAFETY: as above.
        let weighing = unsafe { self.weighing.as_ref() };
        let (call, reap) = self.account.as_ref().map_or((None, None), Account::spent);
        Trace {
            t0: self.t0,
            pid: self.pid,
            stamps,
            zombie: self.zombie.clone(),
            call,
            reap,
            tables: weighing.map(Weighing::tables),
        }
    }

    /// What the next child is told. `shares_memory`: whether its writes are its parent's.
    pub(super) fn child(&mut self, iteration: Iteration, shares_memory: bool) -> Child {
        self.counted = COUNTER.load(Ordering::Relaxed);
        if iteration.stamped && !self.stamps.is_null() {
            // SAFETY: this stage's own mapping; no child is alive.
            unsafe { *self.stamps = Stamps::default() };
        }
        Child {
            stamps: if iteration.stamped {
                self.stamps
            } else {
                ptr::null_mut()
            },
            life: self.watching,
            // One that shares its parent's memory was given no tables.
            weighing: if shares_memory || self.watching {
                ptr::null_mut()
            } else {
                self.weighing
            },
            // A forked child that wrote would pay a fault; it does so only where it stamps anyway.
            count: shares_memory || iteration.stamped,
            status: iteration.status(),
            path: ptr::null(),
            argv: ptr::null(),
        }
    }

    /// The same for a child that executes the image.
    pub(super) fn executing_child(&mut self, iteration: Iteration, shares_memory: bool) -> Child {
        let mut child = self.child(iteration, shares_memory);
        child.argv = self.argv(iteration);
        child.path = self
            .arguments
            .first()
            .map_or(ptr::null(), |path| path.as_ptr());
        child
    }

    /// The image's arguments for an iteration. They stay valid until the next call.
    pub(super) fn argv(&mut self, iteration: Iteration) -> *const *const c_char {
        self.argv.clear();
        self.argv
            .extend(self.arguments.iter().map(|argument| argument.as_ptr()));
        if !self.is_foreign() {
            let status = iteration.status() as u8;
            *self.status = [
                b'0' + status / 100,
                b'0' + status / 10 % 10,
                b'0' + status % 10,
                0,
            ];
            self.argv.push(self.status.as_ptr().cast());
            if iteration.stamped {
                self.argv.push(self.stamp_fd.as_ptr());
            }
        }
        self.argv.push(ptr::null());
        self.argv.as_ptr()
    }

    /// The image's path.
    pub(super) fn path(&self) -> *const c_char {
        self.arguments
            .first()
            .map_or(ptr::null(), |path| path.as_ptr())
    }

    /// The top of the child's stack, aligned as both architectures want it.
    pub(super) fn stack_top(&self) -> *mut c_void {
        // SAFETY: one past the end of this stage's own mapping of STACK bytes.
        unsafe { self.stack.byte_add(STACK) }
    }

    /// Keeps what a watched thread saw of itself, and takes the time that took off the end.
    pub(super) fn keep_thread(&mut self, looked: Option<(Zombie, u64)>, reaped: u64) -> u64 {
        self.note(Moment::Reaped);
        match looked {
            Some((zombie, took)) => {
                self.zombie = Some(zombie);
                reaped - took
            }
            None => reaped,
        }
    }

    /// Checks that the child shared, or did not share, the parent's memory.
    pub(super) fn check_memory(&self, shares_memory: bool) -> Result<(), Failure> {
        let seen = COUNTER.load(Ordering::Relaxed).wrapping_sub(self.counted);
        if seen == u64::from(shares_memory) {
            Ok(())
        } else {
            Err(Failure::Memory {
                expected: shares_memory,
            })
        }
    }

    /// Makes the sample of an iteration from the parent's three readings and the child's own.
    pub(super) fn sample(
        &mut self,
        iteration: Iteration,
        t0: u64,
        called: u64,
        reaped: u64,
    ) -> Result<Sample, Failure> {
        self.t0 = t0;
        let mut sample = Sample {
            call: called - t0,
            start: 0,
            exec: 0,
            reap: reaped - t0,
        };
        if !iteration.stamped {
            return Ok(sample);
        }
        if self.pipe[0] >= 0 {
            sample.exec = self.read_exec_stamp()?.wrapping_sub(t0);
        }
        // SAFETY: null or this stage's own mapping, whose child has ended.
        if let Some(stamps) = unsafe { self.stamps.as_ref() } {
            if stamps.start != 0 {
                sample.start = stamps.start.wrapping_sub(t0);
            }
        }
        if sample.start > sample.reap || sample.exec > sample.reap {
            let Sample {
                start, exec, reap, ..
            } = sample;
            return Err(Failure::Order { start, exec, reap });
        }
        if sample.start == 0 && sample.exec == 0 {
            return Err(Failure::NoStamp);
        }
        Ok(sample)
    }

    fn read_exec_stamp(&mut self) -> Result<u64, Failure> {
        let mut readings = [0u64; 2];
        let bytes = size_of_val(&readings);
        // SAFETY: `readings` has room for `bytes`.
        let read = unsafe { libc::read(self.pipe[0], readings.as_mut_ptr().cast(), bytes) };
        if read != bytes as isize {
            return Err(Failure::NoStamp);
        }
        // SAFETY: null or this stage's own mapping, whose child has ended.
        if let Some(stamps) = unsafe { self.stamps.as_mut() } {
            stamps.exec = readings[0];
            stamps.end = readings[1];
        }
        Ok(readings[0])
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // SAFETY: what is unmapped and closed here is this stage's own, and no child is alive.
        unsafe {
            if !self.stamps.is_null() {
                libc::munmap(self.stamps.cast(), size_of::<Stamps>());
            }
            if !self.weighing.is_null() {
                libc::munmap(self.weighing.cast(), size_of::<Weighing>());
            }
            if !self.stack.is_null() {
                libc::munmap(self.stack, STACK);
            }
            for fd in self.pipe.into_iter().filter(|&fd| fd >= 0) {
                libc::close(fd);
            }
        }
    }
}

pub(super) fn map(bytes: usize, flags: c_int) -> io::Result<*mut c_void> {
    // SAFETY: an anonymous mapping at an address of the kernel's choice disturbs nothing.
    let address = unsafe {
        libc::mmap(
            ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            flags | libc::MAP_ANONYMOUS | libc::MAP_POPULATE,
            -1,
            0,
        )
    };
    if address == libc::MAP_FAILED {
        Err(io::Error::last_os_error())
    } else {
        Ok(address)
    }
}
