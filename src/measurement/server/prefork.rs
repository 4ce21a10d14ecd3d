//! A pool of processes that were forked before any request, each of which accepts for itself: Apache's
//! `prefork`.

use std::io;

use super::accepting::{Due, wait};
use super::exchange::{Waiting, answer};
use super::listener::Accepted;
use super::reaping;
use super::scoreboard::Step;
use super::{Model, ServerError, Serving};

pub(super) const MODEL: Model = Model {
    name: "server:prefork",
    summary: "a pool of forked processes, each of which accepts",
    executes: false,
    serve,
};

fn serve(serving: &Serving<'_>) -> Result<(), ServerError> {
    let mut pids = Vec::with_capacity(serving.setup.pool as usize);
    let filled = fill(serving, &mut pids);
    let served = filled.and_then(|()| replace_until_stopped(serving, &mut pids));
    for pid in pids.into_iter().filter(|&pid| is_child(pid)) {
        // SAFETY: a signal to a child of this process.
        unsafe { libc::kill(pid, libc::SIGTERM) };
    }
    served.and(reaping::wait_for_all(serving.board))
}

/// Whether the number is still that of a child: of one that was reaped it may be somebody else's.
fn is_child(pid: libc::pid_t) -> bool {
    // SAFETY: all zeros is a siginfo, which the kernel fills in; WNOWAIT leaves the child to be reaped.
    unsafe {
        let mut ended: libc::siginfo_t = std::mem::zeroed();
        let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        libc::waitid(libc::P_PID, pid as libc::id_t, &mut ended, how) == 0
    }
}

/// Forks until the pool is full.
fn fill(serving: &Serving<'_>, pids: &mut Vec<libc::pid_t>) -> Result<(), ServerError> {
    while serving.board.alive() < u64::from(serving.setup.pool) {
        serving.board.started();
        // SAFETY: the child keeps to what is safe between fork and _exit.
        match unsafe { libc::fork() } {
            0 => work(serving),
            pid if pid > 0 => pids.push(pid),
            _ => {
                let source = io::Error::last_os_error();
                serving.board.not_started();
                return Err(ServerError::Starting {
                    workers: "processes",
                    wanted: serving.setup.pool,
                    made: serving.board.alive() as u32,
                    source,
                });
            }
        }
    }
    Ok(())
}

/// A process that ended is replaced, as Apache does it.
fn replace_until_stopped(
    serving: &Serving<'_>,
    pids: &mut Vec<libc::pid_t>,
) -> Result<(), ServerError> {
    loop {
        match wait(None, serving.stop)? {
            Due::Stop => return Ok(()),
            _ => fill(serving, pids)?,
        }
    }
}

/// What a process of the pool does until it is ended.
fn work(serving: &Serving<'_>) -> ! {
    loop {
        match serving.listener.accept(0) {
            Accepted::Connection(connection) => {
                let number = serving.board.accepted();
                serving.note(number, Step::Accepted);
                let replied = answer(connection.fd(), Waiting::Asleep);
                serving.note(number, Step::Replied);
                serving.board.answered(replied);
            }
            Accepted::None => {}
            // SAFETY: ends this process alone; the parent starts another.
            Accepted::NoRoom | Accepted::Never => unsafe { libc::_exit(1) },
        }
    }
}
