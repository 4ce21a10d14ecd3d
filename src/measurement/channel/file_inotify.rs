//! Two files, one each way; inotify tells the reader that its file was written.
//!
//! They have no name, so that nothing is left of them. A watch is put on what a descriptor points to.

use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::failure::{Broken, Call, Failure};
use super::stream::{interrupted, read_at, write_at};
use super::{Channel, Ends, Side, Vigil, Waiting};
use crate::footprint::nameless_file;

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:file-inotify",
    summary: "two files, one each way, whose reader is told by inotify",
    waiting: Waiting::Asleep,
    open,
    sweep: None,
};

/// Room for a few events without a name.
const EVENTS: usize = 256;

struct Files {
    /// By way.
    files: [OwnedFd; 2],
    /// Of each way what tells its reader.
    watches: [OwnedFd; 2],
    side: Side,
}

fn open(_: usize) -> Result<Box<dyn Ends>, Failure> {
    let files = [file()?, file()?];
    let [to_child, to_parent] = &files;
    let watches = [watch(to_child)?, watch(to_parent)?];
    Ok(Box::new(Files {
        files,
        watches,
        side: Side::Parent,
    }))
}

/// A file without a name.
pub(super) fn file() -> Result<OwnedFd, Failure> {
    nameless_file().map_err(|source| Failure::with_error("open", source))
}

fn watch(file: &OwnedFd) -> Result<OwnedFd, Failure> {
    // SAFETY: plain numbers.
    let fd = unsafe { libc::inotify_init1(libc::IN_CLOEXEC) };
    if fd < 0 {
        return Err(Failure::of_call("inotify_init1"));
    }
    // SAFETY: it was just opened, and is nobody else's.
    let watch = unsafe { OwnedFd::from_raw_fd(fd) };
    let path = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let path = path.unwrap_or_default();
    // SAFETY: the path is a C string.
    if unsafe { libc::inotify_add_watch(watch.as_raw_fd(), path.as_ptr(), libc::IN_MODIFY) } < 0 {
        return Err(Failure::of_call("inotify_add_watch"));
    }
    Ok(watch)
}

/// Waits until a file was written. Async-signal-safe.
fn wait(watch: RawFd, vigil: &Vigil) -> Result<(), Broken> {
    let mut events = [0u8; EVENTS];
    loop {
        // SAFETY: `events` has room for as many bytes as it is long.
        let read = unsafe { libc::read(watch, events.as_mut_ptr().cast(), EVENTS) };
        if read > 0 {
            return Ok(());
        }
        interrupted(Call::Read, vigil)?;
    }
}

impl Ends for Files {
    fn take(&mut self, side: Side, _: libc::pid_t) {
        self.side = side;
    }

    fn send(&mut self, message: &[u8], vigil: &Vigil) -> Result<(), Broken> {
        let way = self.side.outgoing();
        write_at(self.files[way & 1].as_raw_fd(), message, 0, vigil)
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        let way = self.side.incoming() & 1;
        wait(self.watches[way].as_raw_fd(), vigil)?;
        read_at(self.files[way].as_raw_fd(), room, 0, vigil)
    }
}
