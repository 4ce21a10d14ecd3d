//! A futex each way, in shared memory beside the message: who waits sleeps.

use std::ptr;
use std::sync::atomic::AtomicU32;

use super::counted::Counted;
use super::failure::{Broken, Call, Failure, errno};
use super::{Channel, Ends, Side, Vigil, Waiting};

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:futex",
    summary: "shared memory, with a futex each way: who waits sleeps",
    waiting: Waiting::Asleep,
    open,
    sweep: None,
};

struct Futexes(Counted);

fn open(message: usize) -> Result<Box<dyn Ends>, Failure> {
    Ok(Box::new(Futexes(Counted::new(message)?)))
}

/// The word is shared between processes, so this is not the private kind of futex.
fn futex(word: &AtomicU32, operation: i32, value: u32) -> i64 {
    let none: *const libc::timespec = ptr::null();
    // SAFETY: the word is mapped, and no time limit is given.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, none) }
}

impl Ends for Futexes {
    fn take(&mut self, side: Side, _: libc::pid_t) {
        self.0.take(side);
    }

    fn send(&mut self, message: &[u8], _: &Vigil) -> Result<(), Broken> {
        match futex(self.0.post(message), libc::FUTEX_WAKE, 1) {
            woken if woken >= 0 => Ok(()),
            _ => Err(Broken::of_call(Call::Futex)),
        }
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        self.0.await_next(room, |word, before| {
            if futex(word, libc::FUTEX_WAIT, before) == 0 {
                return Ok(());
            }
            match errno() {
                // The message came before the sleep.
                libc::EAGAIN => Ok(()),
                libc::EINTR => vigil.look(),
                errno => Err(Broken::Call(Call::Futex, errno)),
            }
        })
    }
}
