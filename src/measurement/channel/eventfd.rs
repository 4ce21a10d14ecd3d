//! Two event counters, one each way; the message lies in shared memory.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::board::Board;
use super::failure::{Broken, Failure};
use super::stream::{read_all, write_all};
use super::{Channel, Ends, Side, Vigil, Waiting};

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:eventfd",
    summary: "two eventfds, one each way; the message in shared memory",
    waiting: Waiting::Asleep,
    open,
    sweep: None,
};

struct Counters {
    board: Board,
    /// By way.
    counters: [OwnedFd; 2],
    side: Side,
}

fn open(message: usize) -> Result<Box<dyn Ends>, Failure> {
    Ok(Box::new(Counters {
        counters: [counter()?, counter()?],
        board: Board::new(message)?,
        side: Side::Parent,
    }))
}

fn counter() -> Result<OwnedFd, Failure> {
    // SAFETY: plain numbers.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
    if fd < 0 {
        return Err(Failure::of_call("eventfd"));
    }
    // SAFETY: it was just opened, and is nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

impl Ends for Counters {
    fn take(&mut self, side: Side, _: libc::pid_t) {
        self.side = side;
    }

    fn send(&mut self, message: &[u8], vigil: &Vigil) -> Result<(), Broken> {
        let way = self.side.outgoing();
        self.board.put(way, message);
        let fd = self.counters[way & 1].as_raw_fd();
        write_all(fd, &1_u64.to_ne_bytes(), vigil)
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        let way = self.side.incoming();
        let fd = self.counters[way & 1].as_raw_fd();
        read_all(fd, &mut [0; 8], vigil)?;
        self.board.get(way, room);
        Ok(())
    }
}
