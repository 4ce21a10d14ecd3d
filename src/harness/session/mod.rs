//! A live subject: orders go in, answers come out, and it dies with us.

mod error;
mod link;
mod process;
mod serving;
mod truth;

use std::io;
use std::time::Duration;

use nix::sched::CpuSet;

use super::interrupt::interrupted;
use super::launcher::SubjectCommand;
use crate::footprint::{Footprint, Receipt};
use crate::mechanism::Image;
use crate::protocol::{
    Answer, Batch, Count, Exchange, LONGEST_LINE, Observed, Order, TimedSample, VERSION, headline,
};

pub use error::SessionError;
pub(super) use link::{Deadline, Heard, Link};
pub use process::keep_exit_statuses;
pub(super) use process::without_sigpipe;
pub(super) use truth::Ledger;

/// How long a subject that has closed its output may take to be gone.
const GOING: Duration = Duration::from_secs(1);

/// What the first order asks for, in messages.
const HELLO: &str = "say hello";

/// A live subject.
#[derive(Debug)]
pub struct Session {
    link: Link,
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
        let link = Link::start(command, keeper, allowed)?;
        let mut session = Self { link, patience };
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
        self.link.pid()
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
    /// `exchange` is what goes through a channel; `expected` is how long all of it takes, about.
    ///
    /// # Errors
    /// Where something goes wrong, or it is not done after ten times as long as expected and its patience.
    pub fn time(
        &mut self,
        mechanism: &str,
        exchange: Option<Exchange>,
        count: Count,
        expected: Duration,
        keep: &mut dyn FnMut(bool, TimedSample),
    ) -> Result<Batch, SessionError> {
        let order = format!("time {mechanism}");
        let deadline = Deadline::after(self.patience.saturating_add(expected.saturating_mul(10)));
        self.order(&Order::Time {
            mechanism: mechanism.to_owned(),
            exchange,
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
        self.link.close_input();
        // It has nothing more to say; what it says nevertheless has a limit. Dropping ends what is left.
        self.link.drain(Deadline::after(self.patience));
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
        match self.link.write(line.as_bytes()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(self.died(&beginning())),
            Err(source) => Err(SessionError::Broken {
                order: beginning(),
                source,
            }),
        }
    }

    fn answer(&mut self, order: &str, deadline: Deadline) -> Result<Answer, SessionError> {
        match self.link.hear(deadline) {
            Ok(Heard::Line(line)) => match Answer::from_line(&line)? {
                Answer::Skip(reason) => Err(SessionError::Skipped(reason)),
                Answer::Fail(reason) => Err(SessionError::Failed(reason)),
                answer => Ok(answer),
            },
            Ok(Heard::TooLong) => {
                let what = format!("a line of more than {LONGEST_LINE} bytes");
                Err(SessionError::lie(order, what))
            }
            Ok(Heard::Nothing) => Err(SessionError::Silent {
                order: order.to_owned(),
                seconds: deadline.patience.as_secs_f64(),
            }),
            Ok(Heard::End) => Err(self.died(order)),
            Err(_) if interrupted() => Err(SessionError::Interrupted),
            Err(source) => Err(SessionError::Broken {
                order: order.to_owned(),
                source,
            }),
        }
    }

    /// The error for a subject that hung up. Most are gone the next moment; one that lives on must not
    /// hold us up.
    fn died(&mut self, order: &str) -> SessionError {
        let end = match self.link.end_within(GOING) {
            Ok(Some(status)) => error::describe(status),
            Ok(None) if interrupted() => return SessionError::Interrupted,
            Ok(None) => error::hung_up(),
            Err(error) => error.to_string(),
        };
        SessionError::Died {
            order: order.to_owned(),
            end,
        }
    }
}

fn unexpected(order: &str, answer: &Answer) -> SessionError {
    let line = answer.to_line();
    let what = format!("`{}`", line.chars().take(80).collect::<String>());
    SessionError::lie(order, what)
}
