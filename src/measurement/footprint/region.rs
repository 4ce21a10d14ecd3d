//! Memory that is mapped, and unmapped when dropped.

use std::ptr;

/// The errno of the last system call of this thread.
pub(super) fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// A mapping that readable and writable memory backs. It is unmapped when dropped.
#[derive(Debug)]
pub(super) struct Region {
    start: usize,
    len: usize,
}

impl Region {
    /// Maps `len` bytes of private anonymous memory that no child inherits: memory for
    /// book-keeping, which must cost fork nothing.
    ///
    /// # Errors
    /// The errno of `mmap`.
    pub(super) fn bookkeeping(len: usize) -> Result<Self, i32> {
        let region = Self::map(len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1)?;
        region.advise(libc::MADV_DONTFORK)?;
        Ok(region)
    }

    /// Maps `len` bytes wherever the kernel likes.
    ///
    /// # Errors
    /// The errno of `mmap`.
    pub(super) fn map(len: usize, flags: i32, fd: i32) -> Result<Self, i32> {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: without MAP_FIXED no existing mapping is replaced.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, rights, flags, fd, 0) };
        if start == libc::MAP_FAILED {
            return Err(errno());
        }
        Ok(Self {
            start: start as usize,
            len,
        })
    }

    /// Maps `len` bytes at an address that is a multiple of `align`, a power of two.
    ///
    /// # Errors
    /// The errno of `mmap`.
    pub(super) fn map_aligned(len: usize, align: usize, flags: i32, fd: i32) -> Result<Self, i32> {
        let reserve = len.checked_add(align).ok_or(libc::ENOMEM)?;
        let nothing = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: without MAP_FIXED no existing mapping is replaced.
        let base = unsafe { libc::mmap(ptr::null_mut(), reserve, libc::PROT_NONE, nothing, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(errno());
        }
        let base = base as usize;
        let start = base.next_multiple_of(align);
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: [start, start + len) lies within the reservation made above, which nobody else knows.
        let mapped =
            unsafe { libc::mmap(start as *mut _, len, rights, flags | libc::MAP_FIXED, fd, 0) };
        if mapped == libc::MAP_FAILED {
            let errno = errno();
            unmap(base, reserve);
            return Err(errno);
        }
        unmap(base, start - base);
        unmap(start + len, base + reserve - (start + len));
        Ok(Self { start, len })
    }

    /// The first address.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Unmaps what lies beyond the first `len` bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        unmap(self.start + len, self.len - len);
        self.len = len;
    }

    /// Unmaps `len` bytes at `offset`; the region goes on around the hole.
    ///
    /// # Errors
    /// The errno of `munmap`: a hole makes one VMA two, and there is a limit to those.
    pub(super) fn punch(&self, offset: usize, len: usize) -> Result<(), i32> {
        assert!(offset + len <= self.len);
        // SAFETY: the range lies within this region, and nothing refers into it.
        match unsafe { libc::munmap((self.start + offset) as *mut _, len) } {
            0 => Ok(()),
            _ => Err(errno()),
        }
    }

    /// Gives the kernel advice on the whole of it.
    ///
    /// # Errors
    /// The errno of `madvise`.
    pub(super) fn advise(&self, advice: i32) -> Result<(), i32> {
        self.advise_part(0, self.len, advice)
    }

    /// Gives the kernel advice on `len` bytes at `offset`.
    ///
    /// # Errors
    /// The errno of `madvise`.
    pub(super) fn advise_part(&self, offset: usize, len: usize, advice: i32) -> Result<(), i32> {
        assert!(offset + len <= self.len);
        loop {
            // SAFETY: the range lies within this region; no reference into it is ever handed out
            // while advice that drops pages is given.
            let result = unsafe { libc::madvise((self.start + offset) as *mut _, len, advice) };
            match if result == 0 { 0 } else { errno() } {
                0 => return Ok(()),
                libc::EINTR | libc::EAGAIN => {}
                errno => return Err(errno),
            }
        }
    }

    /// Keeps the kernel from making one VMA of this and a neighbour, by a flag that neighbours lack and
    /// fork does not look at. (MADV_NOHUGEPAGE would not do: threads' stacks have it since Linux 6.7.)
    ///
    /// # Errors
    /// The errno of `madvise`.
    pub(super) fn keep_apart(&self) -> Result<(), i32> {
        self.advise(libc::MADV_DONTDUMP)
    }

    /// Touches all of it in one pass, as `advice` says: MADV_POPULATE_READ or MADV_POPULATE_WRITE.
    /// Kernels before Linux 5.14 get a loop over every `stride` bytes.
    ///
    /// # Errors
    /// The errno of `madvise`: ENOMEM, or EFAULT where touching would raise SIGBUS.
    pub(super) fn populate(&self, advice: i32, stride: u64) -> Result<(), i32> {
        match self.advise(advice) {
            Err(libc::EINVAL) if advice == libc::MADV_POPULATE_READ => self.read_every(stride),
            Err(libc::EINVAL) => self.write_every(stride),
            result => return result,
        }
        Ok(())
    }

    /// Writes one byte at `offset`. Not zero: the kernel maps pages that hold nothing but zeros to
    /// the one zero page when it splits a huge page.
    pub(super) fn write(&self, offset: usize) {
        debug_assert!(offset < self.len);
        // SAFETY: the byte lies within this region, which is writable.
        unsafe { ptr::write_volatile((self.start + offset) as *mut u8, 1) };
    }

    /// Reads one byte at `offset`.
    pub(super) fn read(&self, offset: usize) {
        debug_assert!(offset < self.len);
        // SAFETY: the byte lies within this region, which is readable.
        unsafe { ptr::read_volatile((self.start + offset) as *const u8) };
    }

    /// Writes one byte to every stretch of `stride` bytes, by rising address.
    pub(super) fn write_every(&self, stride: u64) {
        for offset in (0..self.len).step_by(stride as usize) {
            self.write(offset);
        }
    }

    /// Reads one byte of every stretch of `stride` bytes, by rising address.
    fn read_every(&self, stride: u64) {
        for offset in (0..self.len).step_by(stride as usize) {
            self.read(offset);
        }
    }

    /// The whole of it, as bytes.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the region is mapped, readable and writable, and borrowed mutably by the caller.
        unsafe { std::slice::from_raw_parts_mut(self.start as *mut u8, self.len) }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        unmap(self.start, self.len);
    }
}

fn unmap(start: usize, len: usize) {
    if len > 0 {
        // SAFETY: called with ranges that this module mapped and nobody uses any longer. It can only
        // fail for want of VMAs where a hole is made, which none of its callers does.
        unsafe { libc::munmap(start as *mut _, len) };
    }
}
