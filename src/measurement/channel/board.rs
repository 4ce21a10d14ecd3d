//! Memory that parent and child share, for channels that only wake the other side.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::AtomicU32;

use super::failure::Failure;

const PAGE: usize = 4096;
/// Bytes between what the two ways use: a cache line, so that neither side's word costs the other.
const APART: usize = 64;

/// A mapping that a forked child shares.
#[derive(Debug)]
pub(super) struct Shared {
    address: *mut c_void,
    bytes: usize,
}

impl Shared {
    /// At least `bytes` bytes, all 0.
    ///
    /// # Errors
    /// Where memory is refused.
    pub(super) fn new(bytes: usize) -> Result<Self, Failure> {
        let bytes = bytes.max(1).next_multiple_of(PAGE);
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: an anonymous mapping at an address of the kernel's choice disturbs nothing.
        let address = unsafe { libc::mmap(ptr::null_mut(), bytes, rights, flags, -1, 0) };
        if address == libc::MAP_FAILED {
            return Err(Failure::of_call("mmap"));
        }
        Ok(Self { address, bytes })
    }

    /// Its beginning.
    pub(super) fn address(&self) -> *mut c_void {
        self.address
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: this value's own mapping.
        unsafe { libc::munmap(self.address, self.bytes) };
    }
}

/// A word and room for a message, each way.
#[derive(Debug)]
pub(super) struct Board {
    memory: Shared,
    message: usize,
}

impl Board {
    /// Room for messages of `message` bytes.
    ///
    /// # Errors
    /// Where memory is refused.
    pub(super) fn new(message: usize) -> Result<Self, Failure> {
        let memory = Shared::new(PAGE + 2 * message.next_multiple_of(PAGE))?;
        Ok(Self { memory, message })
    }

    /// Sixty-four bytes of a way's own, for a word or a semaphore.
    pub(super) fn place(&self, way: usize) -> *mut c_void {
        // SAFETY: both places lie in the first page.
        unsafe { self.memory.address().byte_add((way & 1) * APART) }
    }

    /// A way's word.
    pub(super) fn word(&self, way: usize) -> &AtomicU32 {
        // SAFETY: the place is mapped as long as this value lives, aligned, and used as nothing else by whoever
        // asks for words.
        unsafe { &*self.place(way).cast() }
    }

    fn room(&self, way: usize) -> *mut u8 {
        let at = PAGE + (way & 1) * self.message.next_multiple_of(PAGE);
        // SAFETY: both rooms lie behind the first page, within the mapping.
        unsafe { self.memory.address().byte_add(at).cast() }
    }

    /// Lays a message down for the other side.
    #[inline]
    pub(super) fn put(&self, way: usize, message: &[u8]) {
        let bytes = message.len().min(self.message);
        // SAFETY: the room holds as many bytes, and the other side reads them only when it was woken.
        unsafe { ptr::copy_nonoverlapping(message.as_ptr(), self.room(way), bytes) };
    }

    /// Takes up what the other side has laid down.
    #[inline]
    pub(super) fn get(&self, way: usize, room: &mut [u8]) {
        let bytes = room.len().min(self.message);
        // SAFETY: as above; the other side writes no more until it was answered.
        unsafe { ptr::copy_nonoverlapping(self.room(way), room.as_mut_ptr(), bytes) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn each_way_has_room_of_its_own() {
        let board = Board::new(5000).unwrap();
        board.put(0, &[1; 5000]);
        board.put(1, &[2; 5000]);
        board.word(0).store(3, Ordering::Relaxed);
        assert_eq!(board.word(1).load(Ordering::Relaxed), 0);
        let mut room = [0; 5000];
        board.get(0, &mut room);
        assert_eq!(room, [1; 5000]);
        board.get(1, &mut room);
        assert_eq!(room, [2; 5000]);
    }
}
