//! Two System V semaphores, one each way; the message lies in shared memory.
//!
//! A set of semaphores outlives everyone who uses it. So each is marked, and whoever opens this channel first
//! removes marked ones whose maker is gone: [`sweep`].

use std::ffi::c_int;

use super::board::Board;
use super::failure::{Broken, Call, Failure};
use super::stream::interrupted;
use super::{Channel, Ends, Side, Vigil, Waiting};

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:sysv-sem",
    summary: "two System V semaphores, one each way; the message in shared memory",
    waiting: Waiting::Asleep,
    open,
    sweep: Some(sweep),
};

/// The third semaphore of a set is never waited for: its value says whose the set is, and the kernel keeps the pid
/// of who gave it that value.
const MARK_AT: c_int = 2;
const MARK: c_int = 27_494;
const SEMAPHORES: c_int = MARK_AT + 1;

struct Semaphores {
    board: Board,
    id: c_int,
    side: Side,
    /// Who may remove the set: the child's copy of this value must not.
    maker: bool,
}

fn open(message: usize) -> Result<Box<dyn Ends>, Failure> {
    let board = Board::new(message)?;
    // SAFETY: plain numbers.
    let id = unsafe { libc::semget(libc::IPC_PRIVATE, SEMAPHORES, libc::IPC_CREAT | 0o600) };
    if id < 0 {
        return Err(Failure::of_call("semget"));
    }
    let semaphores = Semaphores {
        board,
        id,
        side: Side::Parent,
        maker: true,
    };
    // SAFETY: SETVAL takes a number.
    if unsafe { libc::semctl(id, MARK_AT, libc::SETVAL, MARK) } != 0 {
        return Err(Failure::of_call("semctl"));
    }
    Ok(Box::new(semaphores))
}

/// Adds to a semaphore, or waits until it can be taken from. Async-signal-safe.
#[inline]
fn operate(id: c_int, way: usize, by: i16) -> c_int {
    let mut operation = libc::sembuf {
        sem_num: (way & 1) as u16,
        sem_op: by,
        sem_flg: 0,
    };
    // SAFETY: one operation, at a valid place.
    unsafe { libc::semop(id, &mut operation, 1) }
}

impl Ends for Semaphores {
    fn take(&mut self, side: Side, _: libc::pid_t) {
        self.side = side;
        self.maker = side == Side::Parent;
    }

    fn send(&mut self, message: &[u8], _: &Vigil) -> Result<(), Broken> {
        let way = self.side.outgoing();
        self.board.put(way, message);
        match operate(self.id, way, 1) {
            0 => Ok(()),
            _ => Err(Broken::of_call(Call::Semop)),
        }
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        let way = self.side.incoming();
        while operate(self.id, way, -1) != 0 {
            interrupted(Call::Semop, vigil)?;
        }
        self.board.get(way, room);
        Ok(())
    }
}

impl Drop for Semaphores {
    fn drop(&mut self) {
        if self.maker {
            // SAFETY: this value's own set.
            unsafe { libc::semctl(self.id, 0, libc::IPC_RMID) };
        }
    }
}

/// Removes the sets that makers have left behind who were killed. Those of other users are not ours to remove, and
/// one whose maker's pid is another process's by now stays until that one is gone too.
fn sweep() {
    // SAFETY: SEM_INFO fills in a seminfo, and returns the highest index in use; SEM_STAT fills in a semid_ds, and
    // returns the id of the set at an index. Both have room.
    unsafe {
        let mut info: libc::seminfo = std::mem::zeroed();
        let highest = libc::semctl(0, 0, libc::SEM_INFO, &raw mut info);
        for index in 0..=highest {
            let mut set: libc::semid_ds = std::mem::zeroed();
            let id = libc::semctl(index, 0, libc::SEM_STAT, &raw mut set);
            if id >= 0 && set.sem_nsems == SEMAPHORES as libc::c_ulong && is_left_behind(id) {
                libc::semctl(id, 0, libc::IPC_RMID);
            }
        }
    }
}

fn is_left_behind(id: c_int) -> bool {
    // SAFETY: both take nothing but numbers.
    let (mark, maker) = unsafe {
        (
            libc::semctl(id, MARK_AT, libc::GETVAL),
            libc::semctl(id, MARK_AT, libc::GETPID),
        )
    };
    // A pid of 0 is of another namespace, whose processes can't be seen from here.
    mark == MARK && maker > 0 && !exists(maker)
}

fn exists(pid: libc::pid_t) -> bool {
    // SAFETY: signal 0 is sent to nobody.
    let sent = unsafe { libc::kill(pid, 0) };
    sent == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}
