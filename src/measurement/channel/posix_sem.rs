//! Two POSIX semaphores in shared memory, one each way; the message lies beside them.
//!
//! They have no name, so that nothing is left of them whatever ends their users.

use super::board::Board;
use super::failure::{Broken, Call, Failure};
use super::stream::interrupted;
use super::{Channel, Ends, Side, Vigil, Waiting};

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:posix-sem",
    summary: "two unnamed POSIX semaphores, one each way; the message in shared memory",
    waiting: Waiting::Asleep,
    open,
    sweep: None,
};

struct Semaphores {
    board: Board,
    side: Side,
}

fn open(message: usize) -> Result<Box<dyn Ends>, Failure> {
    let semaphores = Semaphores {
        board: Board::new(message)?,
        side: Side::Parent,
    };
    for way in 0..2 {
        // SAFETY: the place has room for a semaphore, is aligned, and is shared between processes as the second
        // argument says.
        if unsafe { libc::sem_init(semaphores.of(way), 1, 0) } != 0 {
            return Err(Failure::of_call("sem_init"));
        }
    }
    Ok(Box::new(semaphores))
}

impl Semaphores {
    fn of(&self, way: usize) -> *mut libc::sem_t {
        self.board.place(way).cast()
    }
}

impl Ends for Semaphores {
    fn take(&mut self, side: Side, _: libc::pid_t) {
        self.side = side;
    }

    fn send(&mut self, message: &[u8], _: &Vigil) -> Result<(), Broken> {
        let way = self.side.outgoing();
        self.board.put(way, message);
        // SAFETY: a semaphore that `open` has made.
        match unsafe { libc::sem_post(self.of(way)) } {
            0 => Ok(()),
            _ => Err(Broken::of_call(Call::SemPost)),
        }
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        let way = self.side.incoming();
        // SAFETY: as above.
        while unsafe { libc::sem_wait(self.of(way)) } != 0 {
            interrupted(Call::SemWait, vigil)?;
        }
        self.board.get(way, room);
        Ok(())
    }
}
