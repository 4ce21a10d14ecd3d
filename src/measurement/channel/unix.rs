//! A pair of Unix stream sockets.

use std::os::fd::{FromRawFd, OwnedFd};

use super::failure::{Broken, Failure};
use super::stream::Sockets;
use super::{Channel, Ends, Side, Vigil, Waiting};

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:unix",
    summary: "a pair of Unix stream sockets",
    waiting: Waiting::Asleep,
    open,
    sweep: None,
};

struct Pair(Sockets);

fn open(_: usize) -> Result<Box<dyn Ends>, Failure> {
    let mut ends = [-1; 2];
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: `ends` has room for two descriptors.
    if unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) } != 0 {
        return Err(Failure::of_call("socketpair"));
    }
    // SAFETY: both were just opened, and are nobody else's.
    let ends = ends.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    Ok(Box::new(Pair(Sockets::new(ends))))
}

impl Ends for Pair {
    fn take(&mut self, side: Side, _: libc::pid_t) {
        self.0.take(side);
    }

    fn send(&mut self, message: &[u8], vigil: &Vigil) -> Result<(), Broken> {
        self.0.send(message, vigil)
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        self.0.receive(room, vigil)
    }
}
