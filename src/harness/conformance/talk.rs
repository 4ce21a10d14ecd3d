//! A conversation with a subject that may do anything: what goes wrong in it is a check that failed, and the
//! conversation goes on as far as it can.

use std::time::{Duration, Instant};

use super::checks::{About, Checks, escaped};
use crate::footprint::Footprint;
use crate::harness::launcher::{Launcher, SubjectCommand};
use crate::harness::session::{Deadline, Heard, Link};
use crate::protocol::{Answer, Order, Pairs, VERSION};

/// Lines that are no answers after which a subject is not listened to any more.
const MOST_GARBAGE: u32 = 50;
/// Lines of answers to one order that are read.
const MOST_LINES: usize = 1 << 17;
/// How long a subject that has nothing to say is listened to.
const HUSH: Duration = Duration::from_millis(60);
/// How long one that has closed its output may take to be gone.
const GOING: Duration = Duration::from_secs(1);
/// Orders without an answer after which no more are sent.
const MOST_SILENCES: u32 = 3;

/// Who is talked to, and how long is waited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partner<'a> {
    pub(super) subject: &'a SubjectCommand,
    pub(super) launcher: &'a Launcher,
    pub(super) patience: Duration,
}

/// Why a conversation can't go on. The check that says so has failed already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// What a subject says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hello {
    /// Its mechanisms, if it names them.
    pub(super) mechanisms: Vec<String>,
}

/// What one order brought.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    /// The order.
    pub(super) order: String,
    /// All answers, each with the nanoseconds since the order was sent.
    pub(super) answers: Vec<(u64, Answer)>,
}

impl Reply {
    /// The answer that ends the order.
    pub(super) fn last(&self) -> &Answer {
        &self.answers.last().expect("a reply has an end").1
    }
}

/// A conversation under way.
pub(super) struct Talk<'a> {
    link: Link,
    patience: Duration,
    pub(super) checks: &'a mut Checks,
    /// The pid that the subject says it has, where that can be; else that of the process that was started.
    pub(super) pid: i32,
    garbage: u32,
}

impl<'a> Talk<'a> {
    /// Starts a subject, hears its hello and greets it.
    pub(super) fn begin(
        partner: Partner<'_>,
        checks: &'a mut Checks,
    ) -> Result<(Self, Hello), Broken> {
        if checks.silences >= MOST_SILENCES {
            return Err(Broken);
        }
        let Partner {
            subject,
            launcher,
            patience,
        } = partner;
        let link = match Link::start(subject, launcher.native(), launcher.allowed) {
            Ok(link) => link,
            Err(error) => {
                checks.failed("starts", About::default(), &error.to_string());
                return Err(Broken);
            }
        };
        checks.passed("starts", About::default(), &format!("pid {}", link.pid()));
        let mut talk = Self {
            pid: link.pid() as i32,
            link,
            patience,
            checks,
            garbage: 0,
        };
        let hello = talk.hello()?;
        talk.send(&format!("forkbench {VERSION}"))?;
        Ok((talk, hello))
    }

    /// The process group that it was started in, and the keeper in it.
    pub(super) fn group(&self) -> (i32, Option<i32>) {
        let keeper = self.link.keeper().map(|pid| pid as i32);
        (self.link.pid() as i32, keeper)
    }

    fn hello(&mut self) -> Result<Hello, Broken> {
        let about = About::default();
        let deadline = Deadline::after(self.patience);
        let line = match self.link.hear(deadline) {
            Ok(Heard::Line(line)) => line,
            Ok(Heard::Nothing) => {
                let seen = format!("nothing within {} s", self.patience.as_secs_f64());
                self.checks.failed("hello", about, &seen);
                return Err(Broken);
            }
            _ => {
                let seen = format!("its output ended: {}", self.fate());
                self.checks.failed("hello", about, &seen);
                return Err(Broken);
            }
        };
        let said = format!("`{}`", escaped(&line));
        let Ok(Answer::Hello { protocol, pid }) = Answer::from_line(&line) else {
            self.checks.failed("hello", about, &said);
            let seen = format!("{said} in the place of hello");
            self.checks.failed("only-protocol", about, &seen);
            return Err(Broken);
        };
        self.checks.passed("hello", about, &said);
        if protocol != VERSION {
            let seen = format!("protocol {protocol}, and this is protocol {VERSION}");
            self.checks.failed("version", about, &seen);
            return Err(Broken);
        }
        self.checks
            .passed("version", about, &format!("protocol {protocol}"));
        self.take_pid(pid, &said);
        let names = Pairs::of(&line).text("mechanisms").unwrap_or_default();
        let names = names.split(',').filter(|name| !name.is_empty());
        Ok(Hello {
            mechanisms: names.take(64).map(escaped).collect(),
        })
    }

    /// A pid must be one of the group that forkbench made, and alive: what starts a subject may be a wrapper.
    fn take_pid(&mut self, pid: i32, said: &str) {
        let about = About::default();
        let own = self.link.pid() as i32;
        match super::kernel::process(pid) {
            Some(process) if process.group == own && Some(pid) != self.group().1 => {
                self.pid = pid;
                let seen = format!("{pid} is there, in process group {own}");
                self.checks.passed("pid", about, &seen);
            }
            Some(process) => {
                let seen = format!(
                    "{said}, and process {pid} is of group {}, not of {own}",
                    process.group
                );
                self.checks.failed("pid", about, &seen);
            }
            None => {
                let seen =
                    format!("{said}, and there is no process {pid}; the one started is {own}");
                self.checks.failed("pid", about, &seen);
            }
        }
    }

    /// Listens while it has nothing to say.
    pub(super) fn hush(&mut self) -> Result<(), Broken> {
        match self.link.hear(Deadline::after(HUSH)) {
            Ok(Heard::Line(line)) => {
                let seen = format!("`{}`, which nothing asked for", escaped(&line));
                self.checks.failed("only-protocol", About::default(), &seen);
                Ok(())
            }
            Ok(Heard::Nothing) => Ok(()),
            _ => Err(self.gone("nothing")),
        }
    }

    /// Sends a line.
    pub(super) fn send(&mut self, line: &str) -> Result<(), Broken> {
        match self.link.write(format!("{line}\n").as_bytes()) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.gone(line)),
        }
    }

    /// Sends an order and hears all answers up to the one that ends it.
    pub(super) fn ask(&mut self, order: &str, patience: Duration) -> Result<Reply, Broken> {
        let deadline = Deadline::after(patience);
        // Before it is sent: a subject may be at work before we run again.
        let begun = Instant::now();
        self.send(order)?;
        let mut answers = Vec::new();
        loop {
            let heard = self.link.hear(deadline);
            let after = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let line = match heard {
                Ok(Heard::Line(line)) => line,
                Ok(Heard::Nothing) => return Err(self.silent(order, patience)),
                Ok(Heard::TooLong) => return Err(self.flooded(order, "a line without an end")),
                Ok(Heard::End) | Err(_) => return Err(self.gone(order)),
            };
            match Answer::from_line(&line) {
                Ok(Answer::Hello { .. }) => self.note_garbage(order, "a second hello")?,
                Ok(answer) => {
                    let goes_on = matches!(answer, Answer::First(_) | Answer::Sample(_));
                    answers.push((after, answer));
                    if !goes_on {
                        break;
                    }
                    if answers.len() > MOST_LINES {
                        return Err(self.flooded(order, "answers without an end"));
                    }
                }
                Err(error) => self.note_garbage(order, &error.to_string())?,
            }
        }
        let reply = Reply {
            order: order.to_owned(),
            answers,
        };
        if let Answer::Skip(reason) | Answer::Fail(reason) = reply.last() {
            let wrong = reason.trim().is_empty();
            let wrong = wrong.then(|| "no reason stands behind the word".to_owned());
            let about = About::order(order);
            self.checks
                .held("reasons", about, wrong, &format!("`{reason}`"));
        }
        Ok(reply)
    }

    /// Has it hold a footprint.
    pub(super) fn hold(&mut self, footprint: &Footprint) -> Result<Reply, Broken> {
        self.ask(&Order::Hold(*footprint).to_line(), self.patience)
    }

    /// How long an order may take that takes no time by itself.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Ends it by `end`, or by the end of its input, and says how that went.
    pub(super) fn end(mut self, by_order: bool) {
        let group = self.group();
        let (name, order) = match by_order {
            true => ("end", "end"),
            false => ("end-of-input", "the end of the input"),
        };
        if by_order && self.send("end").is_err() {
            return;
        }
        if !by_order {
            self.link.close_input();
        }
        let begun = Instant::now();
        self.link.drain(Deadline::after(self.patience));
        let status = self
            .link
            .end_within(self.patience.saturating_sub(begun.elapsed()));
        let ended = matches!(status, Ok(Some(_)));
        let wrong =
            (!ended).then(|| format!("it lives on {} s later", self.patience.as_secs_f64()));
        let about = About::order(order);
        self.checks.held(name, about, wrong, "it ended");
        if !ended {
            self.checks.silences += 1;
            return;
        }
        let left = super::kernel::left_in_group(group.0, group.1);
        let wrong = (!left.is_empty()).then(|| format!("left behind: {}", left.join(", ")));
        self.checks.held(
            "leaves-nothing",
            about,
            wrong,
            "nothing is left in its process group",
        );
    }

    fn note_garbage(&mut self, order: &str, what: &str) -> Result<(), Broken> {
        self.garbage += 1;
        self.checks
            .failed("only-protocol", About::order(order), what);
        match self.garbage < MOST_GARBAGE {
            true => Ok(()),
            false => Err(Broken),
        }
    }

    fn silent(&mut self, order: &str, patience: Duration) -> Broken {
        let seen = format!("no answer within {} s", patience.as_secs_f64());
        self.checks.silences += 1;
        self.checks.failed("in-time", About::order(order), &seen);
        Broken
    }

    fn flooded(&mut self, order: &str, what: &str) -> Broken {
        self.checks
            .failed("only-protocol", About::order(order), what);
        Broken
    }

    fn gone(&mut self, order: &str) -> Broken {
        let fate = self.fate();
        self.checks.failed("stays", About::order(order), &fate);
        Broken
    }

    fn fate(&mut self) -> String {
        match self.link.end_within(GOING) {
            Ok(Some(status)) => {
                use std::os::unix::process::ExitStatusExt;
                match (status.code(), status.signal()) {
                    (Some(code), _) => format!("it exited with {code}"),
                    (None, Some(signal)) => format!("it was ended by signal {signal}"),
                    (None, None) => status.to_string(),
                }
            }
            _ => "it closed its standard input or output and lived on".to_owned(),
        }
    }
}
