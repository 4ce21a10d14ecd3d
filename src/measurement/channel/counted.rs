//! Messages in shared memory, counted in a word each way: what channels have in common that differ in how they wait.

use std::sync::atomic::{AtomicU32, Ordering};

use super::Side;
use super::board::Board;
use super::failure::{Broken, Failure};

/// One side's view of both ways.
pub(super) struct Counted {
    board: Board,
    side: Side,
    /// Messages so far: what the words hold once the next is there.
    sent: u32,
    received: u32,
}

impl Counted {
    /// Room for messages of `message` bytes.
    ///
    /// # Errors
    /// Where memory is refused.
    pub(super) fn new(message: usize) -> Result<Self, Failure> {
        Ok(Self {
            board: Board::new(message)?,
            side: Side::Parent,
            sent: 0,
            received: 0,
        })
    }

    /// From here on this is that side.
    pub(super) fn take(&mut self, side: Side) {
        self.side = side;
    }

    /// Lays a message down and counts it: the other side may look now. The word to wake it by.
    #[inline]
    pub(super) fn post(&mut self, message: &[u8]) -> &AtomicU32 {
        let way = self.side.outgoing();
        self.board.put(way, message);
        self.sent = self.sent.wrapping_add(1);
        let word = self.board.word(way);
        word.store(self.sent, Ordering::Release);
        word
    }

    /// Takes up the next message. Until it is there `wait` is called, with the word and what it holds until then.
    #[inline]
    pub(super) fn await_next(
        &mut self,
        room: &mut [u8],
        mut wait: impl FnMut(&AtomicU32, u32) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let way = self.side.incoming();
        let word = self.board.word(way);
        let before = self.received;
        self.received = before.wrapping_add(1);
        while word.load(Ordering::Acquire) == before {
            wait(word, before)?;
        }
        self.board.get(way, room);
        Ok(())
    }
}
