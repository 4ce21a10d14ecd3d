//! A futex each way, in shared memory beside the message: who waits sleeps.

use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use super::board::Board;
use super::failure::{Broken, Call, Failure, errno};
use super::{Channel, Ends, Side, Vigil, Waiting};

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:futex",
    summary: "shared memory, with a futex each way: who waits sleeps",
    waiting: Waiting::Asleep,
    open,
    sweep: None,
};

struct Futexes {
    board: Board,
    side: Side,
    /// Messages so far: what the words hold once the next is there.
    sent: u32,
    received: u32,
}

fn open(message: usize) -> Result<Box<dyn Ends>, Failure> {
    Ok(Box::new(Futexes {
        board: Board::new(message)?,
        side: Side::Parent,
        sent: 0,
        received: 0,
    }))
}

/// The word is shared between processes, so this is not the private kind of futex.
fn futex(word: &AtomicU32, operation: i32, value: u32) -> i64 {
    let none: *const libc::timespec = ptr::null();
    // SAFETY: the word is mapped, and no time limit is given.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, none) }
}

impl Ends for Futexes {
    fn take(&mut self, side: Side, _: libc::pid_t) {
        self.side = side;
    }

    fn send(&mut self, message: &[u8], _: &Vigil) -> Result<(), Broken> {
        let way = self.side.outgoing();
        self.board.put(way, message);
        self.sent = self.sent.wrapping_add(1);
        let word = self.board.word(way);
        word.store(self.sent, Ordering::Release);
        match futex(word, libc::FUTEX_WAKE, 1) {
            woken if woken >= 0 => Ok(()),
            _ => Err(Broken::of_call(Call::Futex)),
        }
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        let way = self.side.incoming();
        let word = self.board.word(way);
        let before = self.received;
        self.received = before.wrapping_add(1);
        while word.load(Ordering::Acquire) == before {
            if futex(word, libc::FUTEX_WAIT, before) == 0 {
                continue;
            }
            match errno() {
                // The message came before the sleep.
                libc::EAGAIN => {}
                libc::EINTR => vigil.look()?,
                errno => return Err(Broken::Call(Call::Futex, errno)),
            }
        }
        self.board.get(way, room);
        Ok(())
    }
}
