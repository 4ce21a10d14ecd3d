//! Why a conversation with a subject came to nothing.

use std::io;

use crate::protocol::LineError;

/// Where a reader finds what a subject has to say.
const BY_HAND: &str =
    "to see what it says, give it the job by hand: forkbench list --job CELL | COMMAND";

/// Why a trial could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The subject's program could not be started.
    #[error(
        "the subject `{program}` could not be started: {source}{}",
        remedy(source)
    )]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It ended before it had answered.
    #[error("the subject ended while it was asked to {order}: {end}")]
    Died {
        /// The order under way.
        order: String,
        /// How it ended, and what to do about it.
        end: String,
    },
    /// It did not answer in time.
    #[error(
        "the subject did not answer `{order}` within {seconds} s and was ended; wait longer with \
         --patience, or leave the cell out"
    )]
    Silent {
        /// The order.
        order: String,
        /// How long it was waited for.
        seconds: f64,
    },
    /// It answered something that is no answer.
    #[error(
        "the subject's answer could not be read: {0}; its standard output is the protocol and must \
         carry nothing else (docs/PROTOCOL.md)"
    )]
    Garbage(#[from] LineError),
    /// It answered something else than what was asked for, or something that cannot be.
    #[error("the subject answered `{order}` with what cannot be: {what}; {BY_HAND}")]
    Lie {
        /// The order.
        order: String,
        /// What cannot be.
        what: String,
    },
    /// It says that this host cannot do it.
    #[error("{0}")]
    Skipped(String),
    /// It says that something went wrong.
    #[error("{0}")]
    Failed(String),
    /// The conversation broke.
    #[error(
        "the conversation with the subject broke while it was asked to {order}: {source}; {BY_HAND}"
    )]
    Broken {
        /// The order.
        order: String,
        /// Why.
        source: io::Error,
    },
    /// The order is longer than a subject reads.
    #[error(
        "the order `{order}…` has {bytes} bytes, and a line has {limit} at most: shorten --exec"
    )]
    TooLong {
        /// Its beginning.
        order: String,
        /// Its length.
        bytes: usize,
        /// The most.
        limit: usize,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl SessionError {
    pub(super) fn lie(order: &str, what: String) -> Self {
        Self::Lie {
            order: order.to_owned(),
            what,
        }
    }
}

/// What to do about a program that does not start.
fn remedy(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(nix::libc::EAGAIN) => {
            "; a limit of processes was met: raise `ulimit -u` or the cgroup's pids.max"
        }
        Some(nix::libc::ENOMEM) => "; free some memory, or raise the cgroup's limit",
        Some(nix::libc::ENOENT) => {
            "; name a program that is there, with its interpreter, as in --subject NAME=COMMAND"
        }
        Some(nix::libc::EACCES) => "; make it executable, and check the mount's noexec",
        Some(nix::libc::ENOEXEC) => "; a script needs a first line like #!/bin/sh",
        _ => "",
    }
}

/// How a process ended, with what that usually means.
pub(super) fn describe(status: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it exited with {code}; {BY_HAND}"),
        (None, Some(nix::libc::SIGKILL)) => {
            "it was killed (SIGKILL): out of memory, or a cgroup's limit; ask for less with --max-footprint"
                .to_owned()
        }
        (None, Some(signal)) => format!("it was ended by signal {signal}; {BY_HAND}"),
        (None, None) => status.to_string(),
    }
}

/// What is said of a subject that hangs up and lives on.
pub(super) fn hung_up() -> String {
    format!("it closed its standard input or output and lived on; {BY_HAND}")
}
