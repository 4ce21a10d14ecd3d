//! A real-time signal each way, waited for with `sigwaitinfo`; the message lies in shared memory.

use std::ptr;

use super::board::Board;
use super::failure::{Broken, Call, Failure};
use super::stream::interrupted;
use super::{Channel, Ends, Side, Vigil, Waiting};

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:signal",
    summary: "a real-time signal each way, waited for with sigwaitinfo; the message in shared memory",
    waiting: Waiting::Asleep,
    open,
    sweep: None,
};

struct Signals {
    board: Board,
    side: Side,
    peer: libc::pid_t,
    number: i32,
    set: libc::sigset_t,
    /// What was blocked before.
    before: libc::sigset_t,
}

fn open(message: usize) -> Result<Box<dyn Ends>, Failure> {
    let board = Board::new(message)?;
    let number = libc::SIGRTMIN();
    // SAFETY: all zeros is storage for a set, which sigemptyset makes one; the calls get valid places.
    let (set, before) = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, number);
        // Blocked before the fork, so that the child is never without it.
        if libc::sigprocmask(libc::SIG_BLOCK, &set, &mut before) != 0 {
            return Err(Failure::of_call("sigprocmask"));
        }
        (set, before)
    };
    Ok(Box::new(Signals {
        board,
        side: Side::Parent,
        peer: 0,
        number,
        set,
        before,
    }))
}

impl Ends for Signals {
    fn take(&mut self, side: Side, peer: libc::pid_t) {
        self.side = side;
        self.peer = peer;
    }

    fn send(&mut self, message: &[u8], _: &Vigil) -> Result<(), Broken> {
        self.board.put(self.side.outgoing(), message);
        let nothing = libc::sigval {
            sival_ptr: ptr::null_mut(),
        };
        // SAFETY: the peer is this process's child, which is not reaped yet, or its parent.
        match unsafe { libc::sigqueue(self.peer, self.number, nothing) } {
            0 => Ok(()),
            _ => Err(Broken::of_call(Call::Sigqueue)),
        }
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        loop {
            // SAFETY: all zeros is a valid siginfo_t, and the call fills it in.
            let (got, sender) = unsafe {
                let mut info: libc::siginfo_t = std::mem::zeroed();
                let got = libc::sigwaitinfo(&self.set, &mut info);
                (got, info.si_pid())
            };
            if got < 0 {
                interrupted(Call::Sigwaitinfo, vigil)?;
            } else if sender == self.peer {
                break;
            }
        }
        self.board.get(self.side.incoming(), room);
        Ok(())
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let at_once = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: valid places. One that is still queued would end the process once it is let through.
        unsafe {
            while libc::sigtimedwait(&self.set, ptr::null_mut(), &at_once) > 0 {}
            libc::sigprocmask(libc::SIG_SETMASK, &self.before, ptr::null_mut());
        }
    }
}
