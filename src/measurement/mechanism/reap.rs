//! Waiting for a child, and looking at what it left behind.

use std::fs;

use super::account::Moment;
use super::{Failure, Stage};
use crate::clock;

/// What the kernel still knows of a child that has ended and was not yet reaped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Zombie {
    /// When the parent was told that it has ended.
    pub ended: u64,
    /// Nanoseconds it ran on a CPU.
    pub ran: Option<u64>,
    /// Nanoseconds it was ready and waited for one.
    pub waited: Option<u64>,
    /// Minor page faults.
    pub minor_faults: Option<u64>,
    /// Major page faults.
    pub major_faults: Option<u64>,
    /// Times it gave up the CPU.
    pub voluntary_switches: Option<u64>,
    /// Times the CPU was taken from it.
    pub involuntary_switches: Option<u64>,
}

/// Waits for the child `pid`, checks that it ended with `status` (0 for a foreign image), and returns
/// when it was reaped.
#[inline]
pub(super) fn reap(stage: &mut Stage, pid: libc::pid_t, status: i32) -> Result<u64, Failure> {
    stage.pid = pid;
    let looked = if stage.watching {
        look_at_zombie(stage, pid)?
    } else {
        0
    };
    let mut end = 0;
    // SAFETY: `end` is a valid place for a status.
    let reaped = unsafe { libc::waitpid(pid, &mut end, 0) };
    let now = clock::now();
    stage.note(Moment::Reaped);
    if reaped < 0 {
        return Err(Failure::of_call("waitpid"));
    }
    check(stage, pid, reaped, end, status)?;
    // Looking at a zombie keeps it from its grave; that time is not the mechanism's.
    Ok(now - looked)
}

fn check(
    stage: &Stage,
    pid: libc::pid_t,
    reaped: libc::pid_t,
    end: i32,
    status: i32,
) -> Result<(), Failure> {
    if reaped != pid {
        return Err(Failure::WrongChild {
            expected: pid.into(),
            got: reaped.into(),
        });
    }
    let expected = if stage.is_foreign() { 0 } else { status };
    if libc::WIFEXITED(end) && libc::WEXITSTATUS(end) == expected {
        return Ok(());
    }
    let got = if libc::WIFSIGNALED(end) {
        format!("signal {}", libc::WTERMSIG(end))
    } else {
        match libc::WEXITSTATUS(end) {
            126 => "126: the program could not be executed".to_owned(),
            other => other.to_string(),
        }
    };
    Err(Failure::WrongEnd { expected, got })
}

/// Waits until the child has ended without reaping it, reads what the kernel knows of it, and returns
/// how long the reading took.
fn look_at_zombie(stage: &mut Stage, pid: libc::pid_t) -> Result<u64, Failure> {
    stage.note(Moment::Called);
    // SAFETY: all zeros is a valid siginfo_t, and waitid fills it in.
    let waited = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        libc::waitid(
            libc::P_PID,
            pid as libc::id_t,
            &mut info,
            libc::WEXITED | libc::WNOWAIT,
        )
    };
    let ended = clock::now();
    if waited != 0 {
        return Err(Failure::of_call("waitid"));
    }
    stage.note(Moment::Looks);
    stage.zombie = Some(Zombie {
        ended,
        ..read_task(&format!("/proc/{pid}"))
    });
    stage.note(Moment::Looked);
    Ok(clock::now() - ended)
}

/// Looks at the calling thread, which cannot be looked at once it has ended, and says how long it took.
pub(super) fn look_at_thread() -> (Zombie, u64) {
    let begin = clock::now();
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for a timespec.
    let read = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    let mut zombie = read_task("/proc/thread-self");
    // A running task's schedstat is as old as the last tick; its CPU clock is not.
    zombie.ran = (read == 0).then_some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64);
    (zombie, clock::now() - begin)
}

/// Reads a task's times and counters below its folder in /proc.
fn read_task(folder: &str) -> Zombie {
    let mut zombie = Zombie::default();
    if let Ok(text) = fs::read_to_string(format!("{folder}/schedstat")) {
        let mut numbers = text.split_whitespace().map(|word| word.parse().ok());
        zombie.ran = numbers.next().flatten();
        zombie.waited = numbers.next().flatten();
    }
    if let Ok(text) = fs::read_to_string(format!("{folder}/stat")) {
        // The command's name, in parentheses, may itself hold spaces and parentheses.
        let fields: Vec<&str> = text
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        zombie.minor_faults = fields.get(7).and_then(|word| word.parse().ok());
        zombie.major_faults = fields.get(9).and_then(|word| word.parse().ok());
    }
    if let Ok(text) = fs::read_to_string(format!("{folder}/status")) {
        let value = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        zombie.voluntary_switches = value("voluntary_ctxt_switches:");
        zombie.involuntary_switches = value("nonvoluntary_ctxt_switches:");
    }
    zombie
}
