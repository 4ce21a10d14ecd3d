//! Shared memory alone: who waits reads a word again and again.

use std::hint::spin_loop;

use super::counted::Counted;
use super::failure::{Broken, Failure};
use super::{Channel, Ends, Side, Vigil, Waiting};

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:spin",
    summary: "shared memory alone: who waits reads a word again and again",
    waiting: Waiting::Spinning,
    open,
    sweep: None,
};

struct Words(Counted);

fn open(message: usize) -> Result<Box<dyn Ends>, Failure> {
    Ok(Box::new(Words(Counted::new(message)?)))
}

impl Ends for Words {
    fn take(&mut self, side: Side, _: libc::pid_t) {
        self.0.take(side);
    }

    fn send(&mut self, message: &[u8], _: &Vigil) -> Result<(), Broken> {
        self.0.post(message);
        Ok(())
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        self.0.await_next(room, |_, _| {
            spin_loop();
            if vigil.ticked() {
                vigil.look()?;
            }
            Ok(())
        })
    }
}
