//! Two files, one each way; the reader looks again and again, and lets others run between two looks.
//!
//! A message is followed by its number, in a page of its own: what a reader sees of a file that is being written is
//! anything. The number is there only after all of the message.

use std::os::fd::{AsRawFd, OwnedFd};

use super::failure::{Broken, Failure};
use super::file_inotify::file;
use super::stream::{read_at, write_at};
use super::{Channel, Ends, Side, Vigil, Waiting};

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:file-poll",
    summary: "two files, one each way, whose reader looks again and again",
    waiting: Waiting::Yielding,
    open,
    sweep: None,
};

/// Where the message begins; before it stands its number.
const MESSAGE_AT: i64 = 4096;

struct Files {
    /// By way.
    files: [OwnedFd; 2],
    side: Side,
    sent: u64,
    received: u64,
}

fn open(_: usize) -> Result<Box<dyn Ends>, Failure> {
    let files = [file()?, file()?];
    for file in &files {
        // The number of no message, so that a reader finds one.
        write_at(file.as_raw_fd(), &0_u64.to_ne_bytes(), 0, &Vigil::none())
            .map_err(|_| Failure::of_call("pwrite"))?;
    }
    Ok(Box::new(Files {
        files,
        side: Side::Parent,
        sent: 0,
        received: 0,
    }))
}

impl Ends for Files {
    fn take(&mut self, side: Side, _: libc::pid_t) {
        self.side = side;
    }

    fn send(&mut self, message: &[u8], vigil: &Vigil) -> Result<(), Broken> {
        let file = self.files[self.side.outgoing() & 1].as_raw_fd();
        self.sent = self.sent.wrapping_add(1);
        write_at(file, message, MESSAGE_AT, vigil)?;
        write_at(file, &self.sent.to_ne_bytes(), 0, vigil)
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        let file = self.files[self.side.incoming() & 1].as_raw_fd();
        self.received = self.received.wrapping_add(1);
        loop {
            let mut number = [0; 8];
            read_at(file, &mut number, 0, vigil)?;
            if u64::from_ne_bytes(number) == self.received {
                return read_at(file, room, MESSAGE_AT, vigil);
            }
            if vigil.ticked() {
                vigil.look()?;
            }
            // SAFETY: the call takes nothing.
            unsafe { libc::sched_yield() };
        }
    }
}
