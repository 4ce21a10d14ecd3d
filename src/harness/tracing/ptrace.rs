//! The few ptrace requests and the one wait that following a subject takes.
//!
//! nix has most of them, but its `waitpid` loses a stop by a real-time signal, and its system call
//! information exists with glibc alone.

use std::ffi::{c_int, c_long, c_void};

use nix::errno::Errno;

/// What a tracee is asked to report, and that it dies with its tracer.
const OPTIONS: c_int = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_EXITKILL;

/// The type of this request differs between C libraries.
#[allow(clippy::unnecessary_cast)]
const SYSCALL: u32 = libc::PTRACE_SYSCALL as u32;
const SEIZE: u32 = 0x4206;
const INTERRUPT: u32 = 0x4207;
const GET_SYSCALL_INFO: u32 = 0x420e;
const EVENT_STOP: c_int = 128;

/// What a wait found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Nothing has happened.
    Nothing,
    /// No tracee and no child is left.
    NoneLeft,
    /// A new tracee's first stop, or one that was asked for.
    Begin(i32),
    /// Before or after a system call.
    Call(i32),
    /// A child was born: `PTRACE_EVENT_FORK`, `VFORK` or `CLONE`.
    Birth(i32, crate::mechanism::Event),
    /// An image was executed.
    Exec(i32),
    /// A signal is about to be delivered.
    Signal(i32, c_int),
    /// It ended by itself, with this status.
    Exited(i32, i32),
    /// It ended by this signal.
    Killed(i32, i32),
}

/// What the kernel tells about the system call a tracee stands before or behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Before it.
    Entry {
        /// Its number.
        number: u64,
        /// Its arguments.
        arguments: [u64; 6],
    },
    /// Behind it.
    Exit {
        /// What it returned; a negated error number if it failed.
        returned: i64,
    },
    /// Elsewhere, or in a program of another architecture.
    None,
}

fn request(request: u32, pid: i32, address: usize, data: usize) -> Result<c_long, Errno> {
    // SAFETY: the requests made here either pass plain numbers or, for GET_SYSCALL_INFO, a buffer with
    // its size; the kernel refuses a pid that is no tracee of this thread.
    let result = unsafe {
        libc::ptrace(
            request as _,
            pid,
            address as *mut c_void,
            data as *mut c_void,
        )
    };
    Errno::result(result)
}

/// Begins to trace a process without stopping it.
pub(super) fn seize(pid: i32) -> Result<(), Errno> {
    request(SEIZE, pid, 0, OPTIONS as usize).map(drop)
}

/// Stops a tracee wherever it is.
pub(super) fn interrupt(pid: i32) -> Result<(), Errno> {
    request(INTERRUPT, pid, 0, 0).map(drop)
}

/// Lets a stopped tracee run to its next system call, with a signal or 0.
pub(super) fn resume(pid: i32, signal: c_int) -> Result<(), Errno> {
    request(SYSCALL, pid, 0, signal as usize).map(drop)
}

/// The pid that an event is about.
pub(super) fn event_message(pid: i32) -> Result<i32, Errno> {
    let message = nix::sys::ptrace::getevent(nix::unistd::Pid::from_raw(pid))?;
    i32::try_from(message).map_err(|_| Errno::ERANGE)
}

/// The register a system call returns in: in a newborn child, what its birth returned to it.
pub(super) fn return_register(pid: i32) -> Result<i64, Errno> {
    let registers = nix::sys::ptrace::getregs(nix::unistd::Pid::from_raw(pid))?;
    #[cfg(target_arch = "x86_64")]
    return Ok(registers.rax as i64);
    #[cfg(target_arch = "aarch64")]
    return Ok(registers.regs[0] as i64);
}

/// A word of a tracee's memory.
pub(super) fn word(pid: i32, address: u64) -> Result<u64, Errno> {
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::ptrace::read(pid, address as *mut c_void).map(|word| word as u64)
}

/// `struct ptrace_syscall_info` of linux/ptrace.h.
#[repr(C)]
#[derive(Default)]
struct Info {
    kind: u8,
    padding: [u8; 3],
    architecture: u32,
    instruction: u64,
    stack: u64,
    /// Before a call: number and six arguments. Behind it: what it returned.
    words: [u64; 8],
}

/// The system call a stopped tracee stands at.
pub(super) fn call(pid: i32) -> Result<Call, Errno> {
    const ENTRY: u8 = 1;
    const EXIT: u8 = 2;
    /// AUDIT_ARCH of linux/audit.h: a 32-bit program numbers its calls otherwise.
    const NATIVE: u32 = if cfg!(target_arch = "x86_64") {
        0xc000_003e
    } else {
        0xc000_00b7
    };
    let mut info = Info::default();
    request(
        GET_SYSCALL_INFO,
        pid,
        size_of::<Info>(),
        (&raw mut info) as usize,
    )?;
    Ok(match info.kind {
        _ if info.architecture != NATIVE => Call::None,
        ENTRY => Call::Entry {
            number: info.words[0],
            arguments: std::array::from_fn(|index| info.words[index + 1]),
        },
        EXIT => Call::Exit {
            returned: info.words[0] as i64,
        },
        _ => Call::None,
    })
}

/// What has happened to a tracee or child of this thread, without waiting for it.
///
/// Other threads' children are theirs to reap.
pub(super) fn poll() -> Result<Stop, Errno> {
    let mut status: c_int = 0;
    let flags = libc::__WALL | libc::__WNOTHREAD | libc::WNOHANG;
    // SAFETY: `status` outlives the call.
    match Errno::result(unsafe { libc::waitpid(-1, &mut status, flags) }) {
        Ok(0) | Err(Errno::EINTR) => Ok(Stop::Nothing),
        Ok(pid) => Ok(decode(pid, status)),
        Err(Errno::ECHILD) => Ok(Stop::NoneLeft),
        Err(error) => Err(error),
    }
}

fn decode(pid: i32, status: c_int) -> Stop {
    use crate::mechanism::Event;
    if libc::WIFEXITED(status) {
        return Stop::Exited(pid, libc::WEXITSTATUS(status));
    }
    if libc::WIFSIGNALED(status) {
        return Stop::Killed(pid, libc::WTERMSIG(status));
    }
    let signal = libc::WSTOPSIG(status);
    match status >> 16 {
        libc::PTRACE_EVENT_FORK => Stop::Birth(pid, Event::Fork),
        libc::PTRACE_EVENT_VFORK => Stop::Birth(pid, Event::Vfork),
        libc::PTRACE_EVENT_CLONE => Stop::Birth(pid, Event::Clone),
        libc::PTRACE_EVENT_EXEC => Stop::Exec(pid),
        EVENT_STOP => Stop::Begin(pid),
        // PTRACE_O_TRACESYSGOOD marks these stops.
        _ if signal == libc::SIGTRAP | 0x80 => Stop::Call(pid),
        _ => Stop::Signal(pid, signal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::Event;

    #[test]
    fn a_wait_status_is_told_apart() {
        let stopped = |signal: c_int, event: c_int| event << 16 | signal << 8 | 0x7f;
        for (status, stop) in [
            (7 << 8, Stop::Exited(9, 7)),
            (libc::SIGKILL, Stop::Killed(9, libc::SIGKILL)),
            (stopped(libc::SIGTRAP | 0x80, 0), Stop::Call(9)),
            (stopped(libc::SIGTRAP, 1), Stop::Birth(9, Event::Fork)),
            (stopped(libc::SIGTRAP, 2), Stop::Birth(9, Event::Vfork)),
            (stopped(libc::SIGTRAP, 3), Stop::Birth(9, Event::Clone)),
            (stopped(libc::SIGTRAP, 4), Stop::Exec(9)),
            (stopped(libc::SIGTRAP, 128), Stop::Begin(9)),
            (stopped(libc::SIGUSR1, 0), Stop::Signal(9, libc::SIGUSR1)),
            // The first real-time signal, which glibc keeps for itself.
            (stopped(33, 0), Stop::Signal(9, 33)),
        ] {
            assert_eq!(decode(9, status), stop, "{status:#x}");
        }
    }

    #[test]
    fn a_process_that_is_not_traced_is_refused() {
        // Where ptrace is denied altogether, another error says so.
        assert!(resume(i32::MAX, 0).is_err());
        assert!(call(i32::MAX).is_err());
    }
}
