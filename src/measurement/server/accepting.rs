//! The loop of servers whose main thread accepts: wait, accept, hand over.

use std::os::fd::RawFd;
use std::time::Duration;

use super::error::ServerError;
use super::listener::{Accepted, Connection};
use super::scoreboard::Step;
use super::{Serving, reaping};

/// How long a server that has no descriptor left waits for one.
const NO_ROOM: Duration = Duration::from_millis(1);

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// A connection waits.
    Connection,
    /// A signal came: children have ended.
    Signal,
    /// It is to stop.
    Stop,
}

/// Waits for a connection, if the listener is named, or to be stopped.
pub(super) fn wait(listener: Option<RawFd>, stop: RawFd) -> Result<Due, ServerError> {
    let watched = |fd| libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // poll passes over negative descriptors.
    let mut waited = [watched(stop), watched(listener.unwrap_or(-1))];
    // SAFETY: both entries are valid.
    let ready = unsafe { libc::poll(waited.as_mut_ptr(), waited.len() as libc::nfds_t, -1) };
    if ready < 0 {
        let error = std::io::Error::last_os_error();
        return match error.kind() {
            std::io::ErrorKind::Interrupted => Ok(Due::Signal),
            _ => Err(ServerError::of_call("poll")),
        };
    }
    // Its end, and an error on it, mean the same as a line on it.
    if waited[0].revents != 0 {
        return Ok(Due::Stop);
    }
    Ok(Due::Connection)
}

/// Accepts until told to stop, and has `serve` start whoever answers; then waits for all that was started.
///
/// `serve` is given the connection and its number, and says whether somebody was started.
pub(super) fn accept_each(
    serving: &Serving<'_>,
    mut serve: impl FnMut(Connection, u64) -> bool,
) -> Result<(), ServerError> {
    serving.listener.set_nonblocking()?;
    loop {
        match wait(Some(serving.listener.fd()), serving.stop)? {
            Due::Connection => {}
            Due::Signal => continue,
            Due::Stop => break,
        }
        match serving.listener.accept(0) {
            Accepted::Connection(connection) => {
                let number = serving.board.accepted();
                serving.note(number, Step::Accepted);
                if serve(connection, number) {
                    serving.note(number, Step::Called);
                } else {
                    serving.board.refused();
                }
            }
            Accepted::None => {}
            Accepted::NoRoom => std::thread::sleep(NO_ROOM),
            Accepted::Never => return Err(ServerError::of_call("accept4")),
        }
    }
    reaping::wait_for_all(serving.board)
}

impl Serving<'_> {
    /// Notes a step, if steps are noted. Async-signal-safe.
    #[inline]
    pub(super) fn note(&self, request: u64, step: Step) {
        if self.setup.watch {
            self.board.note(request, step);
        }
    }
}
