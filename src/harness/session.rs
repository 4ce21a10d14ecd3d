//! A live subject: orders go in, answers come out, and it dies with us.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getppid, setpgid};

use super::interrupt::interrupted;
use super::launcher::SubjectCommand;
use crate::footprint::{Footprint, Receipt};
use crate::mechanism::Image;
use crate::protocol::{
    Answer, Batch, Count, LONGEST_LINE, LineError, Observed, Order, TimedSample, VERSION,
};

/// How long a subject may take to say hello, or to leave.
const GREETING: Duration = Duration::from_secs(20);
/// Samples that one order may bring: more are a subject gone wild.
const MOST_SAMPLES: u64 = 1 << 23;

/// Why a trial could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The subject's program could not be started.
    #[error("the subject `{program}` could not be started: {source}")]
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
        /// How it ended.
        end: String,
    },
    /// It did not answer in time.
    #[error("the subject did not answer `{order}` within {seconds} s; it was ended")]
    Silent {
        /// The order.
        order: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// It answered something that is no answer.
    #[error("the subject's answer could not be read: {0}")]
    Garbage(#[from] LineError),
    /// It answered something else than what was asked for, or something that cannot be.
    #[error("the subject answered `{order}` with what cannot be: {what}")]
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
    #[error("the conversation with the subject broke while it was asked to {order}: {source}")]
    Broken {
        /// The order.
        order: String,
        /// Why.
        source: io::Error,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

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
}

impl Session {
    /// Starts a subject. To be called from the thread that lives as long as the program: the subject
    /// dies with it.
    ///
    /// `keeper` is the native subject's program; `allowed` are the CPUs the subject may use.
    ///
    /// # Errors
    /// Where it does not start or does not say hello.
    pub fn start(
        command: &SubjectCommand,
        keeper: &SubjectCommand,
        allowed: CpuSet,
    ) -> Result<Self, SessionError> {
        let started = |source| SessionError::Start {
            program: command.program.display().to_string(),
            source,
        };
        let mut subject = spawn_subject(command, allowed).map_err(started)?;
        let keeper = spawn_keeper(keeper, subject.id()).map_err(started);
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
        };
        session.order(&Order::Hello { version: VERSION })?;
        match session.answer("say hello", GREETING)? {
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
    /// Where it can't, or does not answer in time: 20 s and 5 s for each GiB.
    pub fn hold(&mut self, footprint: &Footprint) -> Result<Receipt, SessionError> {
        let order = format!("hold {footprint}");
        self.order(&Order::Hold(*footprint))?;
        let patience = GREETING + Duration::from_secs(5 * (footprint.bytes >> 30));
        match self.answer(&order, patience)? {
            Answer::Receipt(receipt) => Ok(*receipt),
            other => Err(unexpected(&order, &other)),
        }
    }

    /// Has it do iterations; every sample goes to `keep`, with whether it is the first of all.
    ///
    /// # Errors
    /// Where something goes wrong, or no line comes for `patience`.
    pub fn time(
        &mut self,
        mechanism: &str,
        count: Count,
        patience: Duration,
        keep: &mut dyn FnMut(bool, TimedSample),
    ) -> Result<Batch, SessionError> {
        let order = format!("time {mechanism}");
        let begin = Instant::now();
        self.order(&Order::Time {
            mechanism: mechanism.to_owned(),
            count,
        })?;
        let mut samples = 0u64;
        loop {
            match self.answer(&order, patience)? {
                Answer::First(sample) => keep(true, sample),
                Answer::Sample(sample) => {
                    samples += 1;
                    if samples > (count.plain + count.stamped).min(MOST_SAMPLES) {
                        let what = format!(
                            "more samples than the {} asked for",
                            count.plain + count.stamped
                        );
                        return Err(SessionError::Lie { order, what });
                    }
                    check_sample(&order, sample)?;
                    keep(false, sample);
                }
                Answer::Done(batch) => {
                    let what = check_batch(&batch, count, samples, begin.elapsed());
                    return match what {
                        Some(what) => Err(SessionError::Lie { order, what }),
                        None => Ok(batch),
                    };
                }
                other => return Err(unexpected(&order, &other)),
            }
        }
    }

    /// Has it tell one child's life.
    ///
    /// # Errors
    /// Where something goes wrong, or it takes longer than `patience`.
    pub fn life(&mut self, mechanism: &str, patience: Duration) -> Result<Observed, SessionError> {
        let order = format!("tell the life of a {mechanism}");
        self.order(&Order::Life {
            mechanism: mechanism.to_owned(),
        })?;
        match self.answer(&order, patience)? {
            Answer::Life(observed) => Ok(*observed),
            other => Err(unexpected(&order, &other)),
        }
    }

    /// Lets the subject give back its footprint and leave. One that does not is ended.
    pub fn end(mut self) {
        if self.order(&Order::End).is_ok() {
            self.input = None;
            let deadline = Instant::now() + GREETING;
            while Instant::now() < deadline && !interrupted() {
                // Its end is seen as the end of its output, without asking again and again.
                match self.fill(
                    deadline
                        .saturating_duration_since(Instant::now())
                        .min(GREETING),
                ) {
                    Ok(true) => self.pending.clear(),
                    _ => break,
                }
            }
        }
        // Dropping ends what is left.
    }

    fn order(&mut self, order: &Order) -> Result<(), SessionError> {
        let line = order.to_line() + "\n";
        let written = match &mut self.input {
            Some(input) => input.write_all(line.as_bytes()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        match written {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                Err(self.died(line.trim_end()))
            }
            Err(source) => Err(SessionError::Broken {
                order: line.trim_end().to_owned(),
                source,
            }),
        }
    }

    fn answer(&mut self, order: &str, patience: Duration) -> Result<Answer, SessionError> {
        let deadline = Instant::now() + patience;
        loop {
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
                return Err(SessionError::Lie {
                    order: order.to_owned(),
                    what,
                });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let seconds = patience.as_secs();
                return Err(SessionError::Silent {
                    order: order.to_owned(),
                    seconds,
                });
            }
            match self.fill(left) {
                Ok(true) => {}
                Ok(false) => return Err(self.died(order)),
                Err(_) if interrupted() => return Err(SessionError::Interrupted),
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

    /// Waits for output and takes what is there; `false` at its end.
    fn fill(&mut self, patience: Duration) -> io::Result<bool> {
        self.pending.drain(..self.consumed);
        self.consumed = 0;
        if interrupted() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let fd: BorrowedFd<'_> = self.output.as_fd();
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        if poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], timeout)? == 0 {
            return Ok(true);
        }
        let mut chunk = [0; 16 * 1024];
        let read = self.output.read(&mut chunk)?;
        self.pending.extend_from_slice(&chunk[..read]);
        Ok(read > 0)
    }

    fn died(&mut self, order: &str) -> SessionError {
        let end = match self.subject.wait() {
            Ok(status) => describe(status),
            Err(error) => error.to_string(),
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

/// A line for how a process ended, with what that usually means.
fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it exited with {code}"),
        (None, Some(9)) => {
            "it was killed (SIGKILL): out of memory, or a cgroup's limit; ask for less with --max-footprint"
                .to_owned()
        }
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn spawn_subject(command: &SubjectCommand, allowed: CpuSet) -> io::Result<Child> {
    let parent = Pid::this();
    let mut process = Command::new(&command.program);
    process
        .args(&command.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    if command.name == super::cell::NATIVE {
        // Its environment is copied to every image it executes; a fixed one makes runs comparable.
        process
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin");
    }
    // SAFETY: the closure makes system calls alone, and allocates nothing.
    unsafe {
        process.pre_exec(move || {
            // A group of its own: the terminal's Ctrl-C is the harness's to answer, and whatever the
            // subject leaves behind can be ended with it.
            setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            if getppid() != parent {
                // The harness died before the death signal was set.
                return Err(io::Error::from_raw_os_error(nix::libc::ESRCH));
            }
            // The harness pinned itself; its subjects choose for themselves.
            let _ = sched_setaffinity(Pid::from_raw(0), &allowed);
            Ok(())
        });
    }
    process.spawn()
}

/// Starts the process that ends the subject's group when this process is gone.
fn spawn_keeper(keeper: &SubjectCommand, group: u32) -> io::Result<Child> {
    Command::new(&keeper.program)
        .arg("keep")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(group as i32)
        .spawn()
}

fn unexpected(order: &str, answer: &Answer) -> SessionError {
    let line = answer.to_line();
    let what = format!("`{}`", line.chars().take(80).collect::<String>());
    SessionError::Lie {
        order: order.to_owned(),
        what,
    }
}

fn check_sample(order: &str, sample: TimedSample) -> Result<(), SessionError> {
    let [call, start, exec, reap] = sample.phases;
    let late = |time: Option<u64>| time.zip(reap).is_some_and(|(time, reap)| time > reap);
    let impossible = late(call) || late(start) || late(exec) || sample.phases == [None; 4];
    if impossible {
        let what = format!(
            "`{}`: phases end in the wrong order",
            Answer::Sample(sample).to_line()
        );
        return Err(SessionError::Lie {
            order: order.to_owned(),
            what,
        });
    }
    Ok(())
}

fn check_batch(batch: &Batch, count: Count, samples: u64, elapsed: Duration) -> Option<String> {
    let asked = count.plain + count.stamped;
    if samples != asked || batch.iterations != asked {
        return Some(format!(
            "{asked} iterations were asked for, {} are said to be done, {samples} samples came",
            batch.iterations
        ));
    }
    let elapsed = elapsed.as_nanos() as u64;
    if batch.timed > batch.wall || batch.wall > elapsed {
        return Some(format!(
            "{} ns in timed operations, in a loop of {} ns, in {elapsed} ns of waiting for it",
            batch.timed, batch.wall
        ));
    }
    None
}
