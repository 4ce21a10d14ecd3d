//! A subject's process with its keeper, and the lines that go to it and come from it.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::CpuSet;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::error::SessionError;
use super::process::{self, without_sigpipe};
use crate::harness::interrupt::{self, interrupted};
use crate::harness::launcher::SubjectCommand;
use crate::protocol::LONGEST_LINE;

/// A subject that was started. Dropping it ends its whole process group.
#[derive(Debug)]
pub(in crate::harness) struct Link {
    subject: Child,
    keeper: Option<Child>,
    input: Option<ChildStdin>,
    output: ChildStdout,
    /// Readable once the subject has ended; `None` where the kernel has no such descriptor (before 5.3).
    /// What it left running may hold its output open for ever.
    exit: Option<OwnedFd>,
    pending: Vec<u8>,
    /// How much of `pending` was read already.
    consumed: usize,
}

/// What came of listening to a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::harness) enum Heard {
    /// A line, without its end.
    Line(String),
    /// More than [`LONGEST_LINE`] bytes without an end.
    TooLong,
    /// It has ended, or closed its output.
    End,
    /// Nothing, in time.
    Nothing,
}

impl Link {
    /// Starts a subject, and the keeper that ends its group when this process is gone. To be called from the
    /// thread that lives as long as the program: the subject dies with it.
    ///
    /// # Errors
    /// [`SessionError::Start`].
    pub(in crate::harness) fn start(
        command: &SubjectCommand,
        keeper: &SubjectCommand,
        allowed: CpuSet,
    ) -> Result<Self, SessionError> {
        let started = |source| SessionError::Start {
            program: command.program.display().to_string(),
            source,
        };
        let mut subject = process::spawn_subject(command, allowed).map_err(started)?;
        let keeper = process::spawn_keeper(keeper, subject.id()).map_err(started);
        let (input, output) = (subject.stdin.take(), subject.stdout.take());
        let (keeper, output) = match (keeper, output) {
            (Ok(keeper), Some(output)) => (keeper, output),
            (keeper, _) => {
                let _ = subject.kill();
                let _ = subject.wait();
                return Err(keeper.err().unwrap_or(SessionError::Interrupted));
            }
        };
        Ok(Self {
            exit: process::exit_descriptor(subject.id()),
            subject,
            keeper: Some(keeper),
            input,
            output,
            pending: Vec::new(),
            consumed: 0,
        })
    }

    /// The pid of the process that was started: the subject's, and its group's.
    pub(in crate::harness) fn pid(&self) -> u32 {
        self.subject.id()
    }

    /// The keeper's pid, which is in the same group.
    pub(in crate::harness) fn keeper(&self) -> Option<u32> {
        self.keeper.as_ref().map(Child::id)
    }

    /// Writes to its standard input. More than a pipe takes would wait for it to read.
    ///
    /// # Errors
    /// `BrokenPipe` where nobody reads any more.
    pub(in crate::harness) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.input {
            Some(input) => without_sigpipe(|| input.write_all(bytes)),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Lets it read the end of its input.
    pub(in crate::harness) fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits for its next line.
    ///
    /// # Errors
    /// Where its output can't be read, or the user asked to stop.
    pub(in crate::harness) fn hear(&mut self, deadline: Deadline) -> io::Result<Heard> {
        loop {
            if interrupted() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let unread = &self.pending[self.consumed..];
            if let Some(end) = unread.iter().position(|&byte| byte == b'\n') {
                let line = String::from_utf8_lossy(&unread[..end]).into_owned();
                self.consumed += end + 1;
                return Ok(Heard::Line(line));
            }
            if unread.len() > LONGEST_LINE {
                return Ok(Heard::TooLong);
            }
            if deadline.left().is_zero() {
                return Ok(Heard::Nothing);
            }
            match self.fill(deadline.left()) {
                Ok(true) => {}
                Ok(false) => return Ok(Heard::End),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until it is done with its output, at most until the deadline, and takes little of it.
    pub(in crate::harness) fn drain(&mut self, deadline: Deadline) {
        while self.pending.len() <= LONGEST_LINE && !deadline.left().is_zero() {
            if !self.fill(deadline.left()).unwrap_or(false) {
                break;
            }
        }
    }

    /// How it ended, if it does so in time or before the user asks to stop.
    ///
    /// # Errors
    /// Where it can't be waited for.
    pub(in crate::harness) fn end_within(
        &mut self,
        patience: Duration,
    ) -> io::Result<Option<ExitStatus>> {
        let deadline = Deadline::after(patience);
        loop {
            let ended = self.subject.try_wait()?;
            if ended.is_some() || interrupted() || deadline.left().is_zero() {
                return Ok(ended);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for output, or for the user to stop it, and takes what is there; `false` at its end.
    fn fill(&mut self, patience: Duration) -> io::Result<bool> {
        self.pending.drain(..self.consumed);
        self.consumed = 0;
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        let ready = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut waited = vec![ready(self.output.as_fd())];
        let exit = self.exit.as_ref().map(|exit| ready(exit.as_fd()));
        // A signal that comes just before `poll` would not wake it; what its handler writes does.
        let notice = interrupt::notice().map(ready);
        let has_notice = notice.is_some();
        waited.extend(notice.into_iter().chain(exit));
        poll(&mut waited, timeout)?;
        let is_ready = |index: usize| waited.get(index).and_then(PollFd::any) == Some(true);
        if has_notice && is_ready(1) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if !is_ready(0) {
            // What it said last is read first, and the pipe is empty now.
            return Ok(!is_ready(1 + usize::from(has_notice)));
        }
        let mut chunk = [0; 16 * 1024];
        let read = self.output.read(&mut chunk)?;
        self.pending.extend_from_slice(&chunk[..read]);
        Ok(read > 0)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.input = None;
        // The group holds the subject, the keeper and every child they left. It still exists, since the
        // keeper has not been waited for.
        let _ = killpg(Pid::from_raw(self.subject.id() as i32), Signal::SIGKILL);
        let _ = self.subject.wait();
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.kill();
            let _ = keeper.wait();
        }
    }
}

/// Until when something is waited for.
#[derive(Debug, Clone, Copy)]
pub(in crate::harness) struct Deadline {
    pub(in crate::harness) begun: Instant,
    pub(in crate::harness) patience: Duration,
}

impl Deadline {
    /// So long from now on.
    pub(in crate::harness) fn after(patience: Duration) -> Self {
        Self {
            begun: Instant::now(),
            patience,
        }
    }

    /// What is left of it.
    pub(in crate::harness) fn left(&self) -> Duration {
        self.patience.saturating_sub(self.begun.elapsed())
    }
}
