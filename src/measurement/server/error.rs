//! What keeps a server from serving.

use std::io;

use super::LARGEST_POOL;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another program listens there.
    #[error(
        "port {port} of 127.0.0.1 is in use: see who has it with `ss -ltnp sport = :{port}`, or take port 0, \
         which is any that is free"
    )]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The port may not be had.
    #[error(
        "port {port} of 127.0.0.1 may be taken by root alone: take port 0, which is any that is free"
    )]
    PortForbidden {
        /// The port.
        port: u16,
    },
    /// A call failed that every server needs.
    #[error("{call} failed: {source}")]
    Call {
        /// The call.
        call: &'static str,
        /// What it answered.
        source: io::Error,
    },
    /// No pool of such a size.
    #[error("a pool of {asked} can't be: it has 1 to {LARGEST_POOL}")]
    Pool {
        /// What was asked for.
        asked: u32,
    },
    /// The pool could not be started.
    #[error(
        "the pool got {made} of its {wanted} {workers}: {source}; a limit of processes or threads was met: \
         raise `ulimit -u` or the cgroup's pids.max"
    )]
    Starting {
        /// `processes` or `threads`.
        workers: &'static str,
        /// How many there should be.
        wanted: u32,
        /// How many there are.
        made: u32,
        /// What the kernel answered.
        source: io::Error,
    },
    /// No program to execute.
    #[error("`{program}` cannot be executed for a request: {source}; name another with --exec")]
    Program {
        /// Its path, or nothing.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// Children or threads that don't end.
    #[error("{left} of what was started for requests had not ended {seconds} s after the last")]
    Stuck {
        /// How many.
        left: u64,
        /// How long was waited.
        seconds: u64,
    },
}

impl ServerError {
    /// The failure of `call` that `errno` tells of.
    pub(super) fn of_call(call: &'static str) -> Self {
        Self::Call {
            call,
            source: io::Error::last_os_error(),
        }
    }
}
