//! Messages through descriptors that carry bytes: all of them, in as many pieces as the kernel makes.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::failure::{Broken, Call, errno};
use super::{Side, Vigil};

/// Writes a whole message. Async-signal-safe.
#[inline]
pub(super) fn write_all(fd: RawFd, mut rest: &[u8], vigil: &Vigil) -> Result<(), Broken> {
    while !rest.is_empty() {
        // SAFETY: `rest` is valid for its length.
        let written = unsafe { libc::write(fd, rest.as_ptr().cast(), rest.len()) };
        if written > 0 {
            rest = rest.get(written as usize..).unwrap_or_default();
        } else {
            interrupted(Call::Write, vigil)?;
        }
    }
    Ok(())
}

/// Reads until there is no more room. Async-signal-safe.
#[inline]
pub(super) fn read_all(fd: RawFd, mut room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
    while !room.is_empty() {
        // SAFETY: `room` is valid for its length.
        let read = unsafe { libc::read(fd, room.as_mut_ptr().cast(), room.len()) };
        match read {
            0 => return Err(Broken::Ended),
            n if n > 0 => room = room.get_mut(n as usize..).unwrap_or_default(),
            _ => interrupted(Call::Read, vigil)?,
        }
    }
    Ok(())
}

/// What a call came to that did nothing: whether to try again. Async-signal-safe.
#[cold]
pub(super) fn interrupted(call: Call, vigil: &Vigil) -> Result<(), Broken> {
    match errno() {
        libc::EINTR => vigil.look(),
        libc::EPIPE | libc::ECONNRESET => Err(Broken::Ended),
        errno => Err(Broken::Call(call, errno)),
    }
}

/// A pair of connected sockets: the parent's, then the child's.
pub(super) struct Sockets {
    ends: [Option<OwnedFd>; 2],
    own: RawFd,
}

impl Sockets {
    pub(super) fn new([parent, child]: [OwnedFd; 2]) -> Self {
        Self {
            ends: [Some(parent), Some(child)],
            own: -1,
        }
    }

    /// Both descriptors, before a side has taken its own.
    pub(super) fn both(&self) -> impl Iterator<Item = RawFd> {
        self.ends.iter().flatten().map(AsRawFd::as_raw_fd)
    }

    /// Closes the other side's. Async-signal-safe.
    pub(super) fn take(&mut self, side: Side) {
        let [parent, child] = &mut self.ends;
        let (own, others) = match side {
            Side::Parent => (parent, child),
            Side::Child => (child, parent),
        };
        self.own = own.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        *others = None;
    }

    #[inline]
    pub(super) fn send(&self, message: &[u8], vigil: &Vigil) -> Result<(), Broken> {
        write_all(self.own, message, vigil)
    }

    #[inline]
    pub(super) fn receive(&self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        read_all(self.own, room, vigil)
    }
}

/// Writes a whole message at a place of a file. Async-signal-safe.
pub(super) fn write_at(
    fd: RawFd,
    mut rest: &[u8],
    mut at: i64,
    vigil: &Vigil,
) -> Result<(), Broken> {
    while !rest.is_empty() {
        // SAFETY: `rest` is valid for its length.
        let written = unsafe { libc::pwrite64(fd, rest.as_ptr().cast(), rest.len(), at) };
        if written > 0 {
            rest = rest.get(written as usize..).unwrap_or_default();
            at += written as i64;
        } else {
            interrupted(Call::Write, vigil)?;
        }
    }
    Ok(())
}

/// Reads from a place of a file until there is no more room. Async-signal-safe.
pub(super) fn read_at(
    fd: RawFd,
    mut room: &mut [u8],
    mut at: i64,
    vigil: &Vigil,
) -> Result<(), Broken> {
    while !room.is_empty() {
        // SAFETY: `room` is valid for its length.
        let read = unsafe { libc::pread64(fd, room.as_mut_ptr().cast(), room.len(), at) };
        match read {
            // Shorter than it was said to be.
            0 => return Err(Broken::Ended),
            n if n > 0 => {
                room = room.get_mut(n as usize..).unwrap_or_default();
                at += n as i64;
            }
            _ => interrupted(Call::Read, vigil)?,
        }
    }
    Ok(())
}
