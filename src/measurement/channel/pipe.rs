//! Two pipes, one each way.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::failure::{Broken, Failure};
use super::stream::{read_all, write_all};
use super::{Channel, Ends, Side, Vigil, Waiting};

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:pipe",
    summary: "two pipes, one each way",
    waiting: Waiting::Asleep,
    open,
    sweep: None,
};

struct Pipes {
    /// Of each way the end that is read, and the end that is written.
    ways: [[Option<OwnedFd>; 2]; 2],
    reads: RawFd,
    writes: RawFd,
}

fn open(_: usize) -> Result<Box<dyn Ends>, Failure> {
    Ok(Box::new(Pipes {
        ways: [pipe()?, pipe()?],
        reads: -1,
        writes: -1,
    }))
}

fn pipe() -> Result<[Option<OwnedFd>; 2], Failure> {
    let mut ends = [-1; 2];
    // SAFETY: `ends` has room for two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(Failure::of_call("pipe2"));
    }
    // SAFETY: both were just opened, and are nobody else's.
    Ok(ends.map(|fd| Some(unsafe { OwnedFd::from_raw_fd(fd) })))
}

impl Ends for Pipes {
    fn take(&mut self, side: Side, _: libc::pid_t) {
        let [to_child, to_parent] = &mut self.ways;
        let (incoming, outgoing) = match side {
            Side::Parent => (to_parent, to_child),
            Side::Child => (to_child, to_parent),
        };
        let [read, others_write] = incoming;
        let [others_read, write] = outgoing;
        self.reads = read.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        self.writes = write.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        // A reader is told of an end only if nobody is left who could write.
        (*others_write, *others_read) = (None, None);
    }

    fn send(&mut self, message: &[u8], vigil: &Vigil) -> Result<(), Broken> {
        write_all(self.writes, message, vigil)
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        read_all(self.reads, room, vigil)
    }
}
