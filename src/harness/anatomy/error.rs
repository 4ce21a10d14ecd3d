//! Why nothing can be said of a process.

/// Why a process could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnatomyError {
    /// Nobody has that pid.
    #[error(
        "there is no process {pid}: it has ended, or /proc hides it from you (hidepid); `pgrep -a NAME` finds pids"
    )]
    Gone {
        /// The pid.
        pid: i32,
    },
    /// It ended while it was read.
    #[error(
        "process {pid} ended while it was read; nothing is said of half of it: name one that stays"
    )]
    Ended {
        /// The pid.
        pid: i32,
    },
    /// It has ended and nobody has waited for it.
    #[error(
        "process {pid} ({name}) is a zombie: it has ended, holds no memory and will never fork; name its parent, {parent}"
    )]
    Zombie {
        /// The pid.
        pid: i32,
        /// Its name.
        name: String,
        /// Who should wait for it.
        parent: i32,
    },
    /// A thread of the kernel.
    #[error(
        "process {pid} ({name}) is a kernel thread: it has no memory of its own and never forks; name a program's pid"
    )]
    Kernel {
        /// The pid.
        pid: i32,
        /// Its name.
        name: String,
    },
    /// Its files could not be read as files of /proc.
    #[error("process {pid}: {file} could not be read: {reason}; is /proc mounted?")]
    Unreadable {
        /// The pid.
        pid: i32,
        /// Which.
        file: &'static str,
        /// Why.
        reason: String,
    },
}
