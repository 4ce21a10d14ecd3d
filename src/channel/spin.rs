//! Shared memory alone: who waits reads a word again and again.

use std::hint::spin_loop;
use std::sync::atomic::Ordering;

use super::board::Board;
use super::failure::{Broken, Failure};
use super::{Channel, Ends, Side, Vigil, Waiting};

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:spin",
    summary: "shared memory alone: who waits reads a word again and again",
    waiting: Waiting::Spinning,
    open,
    sweep: None,
};

struct Words {
    board: Board,
    side: Side,
    /// Messages so far: what the words hold once the next is there.
    sent: u32,
    received: u32,
}

fn open(message: usize) -> Result<Box<dyn Ends>, Failure> {
    Ok(Box::new(Words {
        board: Board::new(message)?,
        side: Side::Parent,
        sent: 0,
        received: 0,
    }))
}

impl Ends for Words {
    fn take(&mut self, side: Side, _: libc::pid_t) {
        self.side = side;
    }

    fn send(&mut self, message: &[u8], _: &Vigil) -> Result<(), Broken> {
        let way = self.side.outgoing();
        self.board.put(way, message);
        self.sent = self.sent.wrapping_add(1);
        self.board.word(way).store(self.sent, Ordering::Release);
        Ok(())
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        let way = self.side.incoming();
        let word = self.board.word(way);
        let before = self.received;
        self.received = before.wrapping_add(1);
        while word.load(Ordering::Acquire) == before {
            spin_loop();
            if vigil.ticked() {
                vigil.look()?;
            }
        }
        self.board.get(way, room);
        Ok(())
    }
}
