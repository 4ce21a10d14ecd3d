//! Proof by ptrace of the system call a mechanism makes.
//!
//! A subject is started, seized while it waits for its job, and followed until it ends, with everything
//! it creates. [`verify`] then holds what was seen to what the mechanism claims.
//!
//! A tracer is a thread, not a process: every request, and the wait, must come from the thread that
//! seized. [`trace`] therefore does its work on a thread of its own and waits for that thread's children
//! alone.

mod calls;
mod follow;
mod ptrace;
mod verify;

use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::session::without_sigpipe;
use crate::mechanism::Event;
use crate::protocol::Answer;
use follow::Follower;
use ptrace::Stop;

pub use calls::Creation;
pub use verify::{Expected, Mismatch, verify};

/// The longest job, in bytes: what every pipe takes without waiting.
pub const LONGEST_JOB: usize = 4096;

/// The most of a subject's answers that is kept, in bytes.
const MOST_OUTPUT: usize = 1 << 20;

/// How long killed tracees get to disappear.
const BURIAL: Duration = Duration::from_secs(2);

/// Longest pause between two looks at the tracees.
const LONGEST_PAUSE: Duration = Duration::from_millis(1);

/// What was seen of a subject and its job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// Children the subject made after it began to read its job, in the order of their birth. Threads are
    /// children too.
    pub children: Vec<Child>,
    /// What its descendants made meanwhile.
    pub descendants: Vec<Child>,
    /// How the subject itself ended.
    pub end: End,
    /// What it answered, at most a mebibyte.
    pub output: String,
}

impl Traced {
    /// Why the subject did not do its job, if it said so: then what was seen proves nothing.
    pub fn refusal(&self) -> Option<String> {
        self.output
            .lines()
            .find_map(|line| match Answer::from_line(line) {
                Ok(Answer::Skip(reason) | Answer::Fail(reason)) => Some(reason),
                _ => None,
            })
    }
}

/// One child of the subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its pid, or a thread's tid.
    pub pid: i32,
    /// The thread that made it.
    pub parent: i32,
    /// The process of that thread.
    pub maker: i32,
    /// The step of the job, counted from 0, that the subject was at.
    pub step: usize,
    /// What the kernel called its birth.
    pub event: Event,
    /// The system call that made it.
    pub creation: Creation,
    /// What that call returned in the parent.
    pub returned_in_parent: Option<i64>,
    /// What it returned in the child.
    pub returned_in_child: Option<i64>,
    /// The path of the image it executed, as it was given.
    pub exec: Option<String>,
    /// How many of its calls came before that image ran, `execve` included; 0 where it executed none.
    pub calls_to_exec: usize,
    /// How it ended; `None` if the subject ended first.
    pub end: Option<End>,
    /// What the parent called before, since it made the child before this one or began to read its job.
    pub before: Vec<String>,
    /// What the child called.
    pub calls: Vec<String>,
    /// What the parent called between the child's birth and its end, and the wait for it.
    pub meanwhile: Vec<String>,
}

/// How a process or thread ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

/// Why nothing could be traced.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The host forbids tracing or does not offer it: the claim stays unverified.
    #[error("tracing is denied here ({request}: {source}); `forkbench doctor` says what denies it")]
    Denied {
        /// What was asked of the kernel.
        request: &'static str,
        /// What it said.
        source: Errno,
    },
    /// The subject could not be started.
    #[error("cannot start the subject `{program}`: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The job is longer than a pipe surely takes.
    #[error("the job has {bytes} bytes, {LONGEST_JOB} are the most that can be traced")]
    JobTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The subject took too long and was killed.
    #[error(
        "the subject did not end within {} and was killed; its last answer was `{answer}`",
        crate::units::human_time(limit.as_nanos() as u64)
    )]
    Late {
        /// How long it had.
        limit: Duration,
        /// Its last line.
        answer: String,
    },
    /// ptrace failed for another reason.
    #[error("tracing failed ({request}: {source})")]
    Failed {
        /// What was asked of the kernel.
        request: &'static str,
        /// What it said.
        source: Errno,
    },
}

impl TraceError {
    fn of(request: &'static str, source: Errno) -> Self {
        match source {
            // EIO is what kernels before 5.3 say to a request they don't know.
            Errno::EPERM | Errno::EACCES | Errno::ENOSYS | Errno::EIO => {
                Self::Denied { request, source }
            }
            _ => Self::Failed { request, source },
        }
    }
}

/// Runs a subject on a job and follows it until it ends.
///
/// `command` starts the subject; its standard input and output are taken. The job is all that the
/// subject is given, so it should ask for one iteration and then end. The subject and all that it
/// made are killed after `limit`.
///
/// # Errors
/// [`TraceError::Denied`] where ptrace is forbidden or not offered; else what went wrong.
pub fn trace(command: &mut Command, job: &str, limit: Duration) -> Result<Traced, TraceError> {
    trace_in_steps(command, &[job.to_owned()], limit)
}

/// The same with a job in steps, so that what is seen in one can be told from what is seen in another. A step is
/// given to the subject once it has answered all orders of those before, one order each. After the first
/// `skip` or `fail` it is given no more.
///
/// # Errors
/// Those of [`trace`].
pub fn trace_in_steps(
    command: &mut Command,
    steps: &[String],
    limit: Duration,
) -> Result<Traced, TraceError> {
    let bytes = steps.iter().map(String::len).sum();
    if bytes > LONGEST_JOB {
        return Err(TraceError::JobTooLong { bytes });
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new();
        let tracer = thread
            .spawn_scoped(scope, || Session::start(command)?.run(steps, limit))
            .map_err(|source| TraceError::Start {
                program: "the tracer's thread".to_owned(),
                source,
            })?;
        match tracer.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// A subject that is being traced. Dropping it kills what is left.
struct Session {
    follower: Follower,
    input: Option<std::process::ChildStdin>,
    output: Option<ChildStdout>,
    answers: Vec<u8>,
    /// How much of the answers was looked through, how many orders they end, and whether one was refused.
    looked: usize,
    answered: usize,
    refused: bool,
}

impl Session {
    fn start(command: &mut Command) -> Result<Self, TraceError> {
        let mut subject = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| TraceError::Start {
                program: command.get_program().to_string_lossy().into_owned(),
                source,
            })?;
        let pid = subject.id() as i32;
        let input = subject.stdin.take();
        let output = subject.stdout.take();
        let job = input.as_ref().and_then(|input| {
            let link = format!("/proc/self/fd/{}", input.as_raw_fd());
            std::fs::read_link(link).ok()
        });
        let job = job.map_or_else(String::new, |link| link.to_string_lossy().into_owned());
        let mut session = Self {
            follower: Follower::new(pid, job),
            input,
            output,
            answers: Vec::new(),
            looked: 0,
            answered: 0,
            refused: false,
        };
        if let Some(output) = &session.output {
            // The subject must never wait for us while we wait for it.
            fcntl(output.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
                .map_err(|source| TraceError::of("F_SETFL", source))?;
        }
        session
            .follower
            .seize()
            .map_err(|source| TraceError::of("PTRACE_SEIZE", source))?;
        Ok(session)
    }

    fn run(mut self, steps: &[String], limit: Duration) -> Result<Traced, TraceError> {
        let start = Instant::now();
        let mut given = 0;
        let mut pause = Duration::ZERO;
        let end = loop {
            let stop = ptrace::poll().map_err(|source| TraceError::of("waitpid", source))?;
            self.read_answers();
            if given > 0 {
                self.give(steps, &mut given);
            }
            match stop {
                Stop::Nothing if start.elapsed() > limit => {
                    return Err(self.late(limit));
                }
                Stop::Nothing => {
                    // Stops follow each other within microseconds; only a subject at work takes longer.
                    std::thread::sleep(pause);
                    pause = (pause * 2 + Duration::from_micros(1)).min(LONGEST_PAUSE);
                    continue;
                }
                stop => self
                    .follower
                    .take(stop)
                    .map_err(|source| TraceError::of("ptrace", source))?,
            }
            pause = Duration::ZERO;
            if given == 0 && self.follower.has_begun() {
                self.give(steps, &mut given);
            }
            if let Some(end) = self.follower.end {
                break end;
            }
            if start.elapsed() > limit {
                return Err(self.late(limit));
            }
        };
        self.read_answers();
        let subject = self.follower.subject();
        // Those that are left are still followed until they are gone.
        let born = self.follower.born.clone();
        let (children, descendants) = born.into_iter().partition(|child| child.maker == subject);
        Ok(Traced {
            children,
            descendants,
            end,
            output: String::from_utf8_lossy(&self.answers).into_owned(),
        })
    }

    /// Gives the next step if the subject is done with those before, and the end of its input after the last.
    fn give(&mut self, steps: &[String], given: &mut usize) {
        self.look();
        if !self.refused && self.answered >= *given {
            if let (Some(step), Some(input)) = (steps.get(*given), &mut self.input) {
                self.follower.step = *given;
                *given += 1;
                // A subject that is gone already is seen by its end, not by this.
                let _ = without_sigpipe(|| input.write_all(step.as_bytes()));
            }
        }
        if self.refused || *given == steps.len() {
            self.input = None;
        }
    }

    /// Counts the orders that were answered.
    fn look(&mut self) {
        while let Some(length) = self.answers[self.looked..]
            .iter()
            .position(|&byte| byte == b'\n')
        {
            let line = &self.answers[self.looked..self.looked + length];
            let word = line.split(|&byte| byte == b' ').next().unwrap_or_default();
            self.refused |= word == b"skip" || word == b"fail";
            self.answered += usize::from([&b"receipt"[..], b"done", b"life"].contains(&word));
            self.looked += length + 1;
        }
    }

    fn late(&self, limit: Duration) -> TraceError {
        let answers = String::from_utf8_lossy(&self.answers);
        let answer = answers.lines().last().unwrap_or_default();
        TraceError::Late {
            limit,
            answer: answer.chars().take(200).collect(),
        }
    }

    fn read_answers(&mut self) {
        let Some(output) = &mut self.output else {
            return;
        };
        let mut chunk = [0_u8; 4096];
        while let Ok(count @ 1..) = output.read(&mut chunk) {
            let room = MOST_OUTPUT - self.answers.len();
            self.answers.extend_from_slice(&chunk[..count.min(room)]);
        }
    }
}

impl Drop for Session {
    /// Whoever is left dies here and is waited for, so that neither a process nor a zombie stays.
    fn drop(&mut self) {
        let deadline = Instant::now() + BURIAL;
        loop {
            let alive = self.follower.alive();
            if alive.is_empty() || Instant::now() > deadline {
                return;
            }
            for pid in alive {
                // Not waited for yet, so the pid is still this tracee's.
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            match ptrace::poll() {
                Ok(Stop::NoneLeft) | Err(_) => return,
                Ok(Stop::Nothing) => std::thread::sleep(LONGEST_PAUSE),
                Ok(stop) => drop(self.follower.take(stop)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
