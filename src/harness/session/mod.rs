//! A live subject: orders go in, answers come out, and it dies with us.

mod error;
mod process;
mod truth;

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::CpuSet;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::interrupt::{self, interrupted};
use super::launcher::SubjectCommand;
use crate::footprint::{Footprint, Receipt};
use crate::mechanism::{Image, headline};
use crate::protocol::{Answer, Batch, Count, LONGEST_LINE, Observed, Order, TimedSample, VERSION};

pub use error::SessionError;
pub use process::keep_exit_statuses;
pub(super) use process::without_sigpipe;
use truth::Ledger;

/// How long a subject that has closed its output may take to be gone.
const GOING: Duration = Duration::from_secs(1);

/// What the first order asks for, in messages.
const HELLO: &str = "say hello";

/// A live subject.
#[derive(Debug)]
pub struct Session {
    subject: Child,
    keeper: Option<Child>,
    input: Option<ChildStdin>,
    output: ChildStdout,
    pending: Vec<u8>,
    /// How much of `pending` was read already.
    consumed: usize,
    patience: Duration,
}

impl Session {
    /// Starts a subject. To be called from the thread that lives as long as the program: the subject
    /// dies with it.
    ///
    /// `keeper` is the native subject's program; `allowed` are the CPUs the subject may use; `patience` is
    /// how long it may take over an order, beyond what the order itself takes.
    ///
    /// # Errors
    /// Where it does not start or does not say hello.
    pub fn start(
        command: &SubjectCommand,
        keeper: &SubjectCommand,
        allowed: CpuSet,
        patience: Duration,
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
        let mut session = Self {
            subject,
            keeper: Some(keeper),
            input,
            output,
            pending: Vec::new(),
            consumed: 0,
            patience,
        };
        session.order(&Order::Hello { version: VERSION })?;
        match session.answer(HELLO, Deadline::after(patience))? {
            Answer::Hello {
                protocol: VERSION, ..
            } => Ok(session),
            Answer::Hello { protocol, .. } => Err(SessionError::Failed(format!(
                "the subject speaks protocol {protocol} and forkbench {VERSION}: use subject and harness of one version"
            ))),
            other => Err(unexpected("hello", &other)),
        }
    }

    /// The subject's pid.
    pub fn pid(&self) -> u32 {
        self.subject.id()
    }

    /// Pins the subject.
    ///
    /// # Errors
    /// Where the subject is gone. That it could not be pinned, its next answer says.
    pub fn pin(&mut self, cpu: u32) -> Result<(), SessionError> {
        self.order(&Order::Cpu(cpu))
    }

    /// Names what children execute.
    ///
    /// # Errors
    /// Where the subject is gone.
    pub fn execute(&mut self, image: &Image) -> Result<(), SessionError> {
        self.order(&Order::Exec(image.clone()))
    }

    /// Has it hold a footprint.
    ///
    /// # Errors
    /// Where it can't, or does not answer in time: its patience and 5 s for each GiB.
    pub fn hold(&mut self, footprint: &Footprint) -> Result<Receipt, SessionError> {
        let order = format!("hold {footprint}");
        self.order(&Order::Hold(*footprint))?;
        let filling = Duration::from_secs(5 * (footprint.bytes >> 30));
        match self.answer(&order, Deadline::after(self.patience + filling))? {
            Answer::Receipt(receipt) => Ok(*receipt),
            other => Err(unexpected(&order, &other)),
        }
    }

    /// Has it do iterations; every sample goes to `keep`, with whether it is the first of all.
    /// `expected` is how long that takes, about.
    ///
    /// # Errors
    /// Where something goes wrong, or it is not done after ten times as long as expected and its patience.
    pub fn time(
        &mut self,
        mechanism: &str,
        count: Count,
        expected: Duration,
        keep: &mut dyn FnMut(bool, TimedSample),
    ) -> Result<Batch, SessionError> {
        let order = format!("time {mechanism}");
        let deadline = Deadline::after(self.patience.saturating_add(expected.saturating_mul(10)));
        self.order(&Order::Time {
            mechanism: mechanism.to_owned(),
            count,
        })?;
        let mut ledger = Ledger::new(&order, count, headline(mechanism));
        loop {
            let answer = self.answer(&order, deadline)?;
            let elapsed = deadline.begun.elapsed();
            let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            match answer {
                Answer::First(sample) => {
                    ledger.first(sample, nanoseconds)?;
                    keep(true, sample);
                }
                Answer::Sample(sample) => {
                    ledger.sample(sample, nanoseconds)?;
                    keep(false, sample);
                }
                Answer::Done(batch) => {
                    ledger.done(&batch, elapsed)?;
                    return Ok(batch);
                }
                other => return Err(unexpected(&order, &other)),
            }
        }
    }

    /// Has it tell one child's life. `kept`: the ballast is kept from the child meanwhile.
    ///
    /// # Errors
    /// Where something goes wrong, or it takes longer than its patience.
    pub fn life(&mut self, mechanism: &str, kept: bool) -> Result<Observed, SessionError> {
        let order = format!("tell the life of a {mechanism}");
        self.order(&Order::Life {
            mechanism: mechanism.to_owned(),
            kept,
        })?;
        match self.answer(&order, Deadline::after(self.patience))? {
            Answer::Life(observed) => Ok(*observed),
            other => Err(unexpected(&order, &other)),
        }
    }

    /// Lets the subject give back its footprint and leave. One that does not is ended.
    pub fn end(mut self) {
        if self.order(&Order::End).is_err() {
            return;
        }
        self.input = None;
        let deadline = Deadline::after(self.patience);
        // Its end is seen as the end of its output, without asking again and again. It has nothing more
        // to say; what it says nevertheless has a limit.
        while self.pending.len() <= LONGEST_LINE && !deadline.left().is_zero() {
            if !self.fill(deadline.left()).unwrap_or(false) {
                break;
            }
        }
        // Dropping ends what is left.
    }

    fn order(&mut self, order: &Order) -> Result<(), SessionError> {
        let line = order.to_line() + "\n";
        let beginning = || match order {
            // Whether a subject that is gone is noticed here or at its answer is chance.
            Order::Hello { .. } => HELLO.to_owned(),
            _ => line.trim_end().chars().take(80).collect(),
        };
        if line.len() > LONGEST_LINE {
            // A subject that does not read would block us, too: a pipe holds no more.
            return Err(SessionError::TooLong {
                order: beginning(),
                bytes: line.len(),
                limit: LONGEST_LINE,
            });
        }
        let written = match &mut self.input {
            Some(input) => without_sigpipe(|| input.write_all(line.as_bytes())),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        match written {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(self.died(&beginning())),
            Err(source) => Err(SessionError::Broken {
                order: beginning(),
                source,
            }),
        }
    }

    fn answer(&mut self, order: &str, deadline: Deadline) -> Result<Answer, SessionError> {
        loop {
            if interrupted() {
                return Err(SessionError::Interrupted);
            }
            let unread = &self.pending[self.consumed..];
            if let Some(end) = unread.iter().position(|&byte| byte == b'\n') {
                let line = String::from_utf8_lossy(&unread[..end]).into_owned();
                self.consumed += end + 1;
                return match Answer::from_line(&line)? {
                    Answer::Skip(reason) => Err(SessionError::Skipped(reason)),
                    Answer::Fail(reason) => Err(SessionError::Failed(reason)),
                    answer => Ok(answer),
                };
            }
            if unread.len() > LONGEST_LINE {
                let what = format!("a line of more than {LONGEST_LINE} bytes");
                return Err(SessionError::lie(order, what));
            }
            if deadline.left().is_zero() {
                return Err(SessionError::Silent {
                    order: order.to_owned(),
                    seconds: deadline.patience.as_secs_f64(),
                });
            }
            match self.fill(deadline.left()) {
                Ok(true) => {}
                Ok(false) => return Err(self.died(order)),
                Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(SessionError::Broken {
                        order: order.to_owned(),
                        source,
                    });
                }
            }
        }
    }

    /// Waits for output, or for the user to stop it, and takes what is there; `false` at its end.
    fn fill(&mut self, patience: Duration) -> io::Result<bool> {
        self.pending.drain(..self.consumed);
        self.consumed = 0;
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        let output = PollFd::new(self.output.as_fd(), PollFlags::POLLIN);
        // A signal that comes just before `poll` would not wake it; what its handler writes does.
        let ready = match interrupt::notice() {
            None => poll(&mut [output], timeout)? > 0,
            Some(notice) => {
                let mut both = [output, PollFd::new(notice, PollFlags::POLLIN)];
                poll(&mut both, timeout)?;
                if both[1].any() == Some(true) {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                both[0].any() == Some(true)
            }
        };
        if !ready {
            return Ok(true);
        }
        let mut chunk = [0; 16 * 1024];
        let read = self.output.read(&mut chunk)?;
        self.pending.extend_from_slice(&chunk[..read]);
        Ok(read > 0)
    }

    /// The error for a subject that hung up. Most are gone the next moment; one that lives on must not
    /// hold us up.
    fn died(&mut self, order: &str) -> SessionError {
        let deadline = Deadline::after(GOING);
        let end = loop {
            match self.subject.try_wait() {
                Ok(Some(status)) => break error::describe(status),
                Err(error) => break error.to_string(),
                Ok(None) if interrupted() => return SessionError::Interrupted,
                Ok(None) if deadline.left().is_zero() => break error::hung_up(),
                Ok(None) => thread::sleep(Duration::from_millis(2)),
            }
        };
        SessionError::Died {
            order: order.to_owned(),
            end,
        }
    }
}

impl Drop for Session {
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

/// Until when an answer is waited for.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    begun: Instant,
    patience: Duration,
}

impl Deadline {
    fn after(patience: Duration) -> Self {
        Self {
            begun: Instant::now(),
            patience,
        }
    }

    fn left(&self) -> Duration {
        self.patience.saturating_sub(self.begun.elapsed())
    }
}

fn unexpected(order: &str, answer: &Answer) -> SessionError {
    let line = answer.to_line();
    let what = format!("`{}`", line.chars().take(80).collect::<String>());
    SessionError::lie(order, what)
}
