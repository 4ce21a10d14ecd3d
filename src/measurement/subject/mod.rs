//! The process under measurement: it holds a footprint, does iterations, and answers.
//!
//! It is single-threaded and small, since both would show in what it measures. It prints nothing while
//! an iteration is timed, and what it keeps samples in is not inherited by children.

mod buffer;
mod exchanges;
mod life;
mod serving;
mod timing;
mod wire;
mod writes;

use std::io;

use crate::footprint::{Footprint, Held};
use crate::mechanism::{Failure, Image, Mechanism, Stage};
use crate::protocol::{Answer, Known, Order, VERSION};
use crate::server::Served;
use wire::Wire;

/// Serves orders from standard input until it ends, and returns the exit code.
pub fn serve() -> i32 {
    let wire = match Wire::take_over() {
        Ok(wire) => wire,
        // Nobody can be told any more.
        Err(_) => return 1,
    };
    let mut subject = Subject {
        wire,
        cpu: None,
        image: None,
        held: None,
        rewrites: false,
        done_first: false,
        copied: false,
        served: None,
        next: 0,
    };
    match subject.serve() {
        Ok(()) => 0,
        Err(_) => 1,
    }
}

/// Waits until standard input ends, which is when the harness is gone, and then ends everything in its
/// process group, itself included. Children of a subject don't inherit its death signal; this is theirs.
pub fn keep() -> i32 {
    wire::drain(0);
    // SAFETY: 0 means the caller's own process group, which the harness made for this subject.
    unsafe { libc::kill(0, libc::SIGKILL) };
    0
}

struct Subject {
    wire: Wire,
    cpu: Option<u32>,
    image: Option<Image>,
    held: Option<Held>,
    rewrites: bool,
    done_first: bool,
    /// Whether a pass of copies was made since the footprint is held.
    copied: bool,
    /// What came of the last `serve`, or the answer that says why nothing did, until it is asked for.
    served: Option<Result<Served, Answer>>,
    /// The number of the next iteration.
    next: u64,
}

impl Subject {
    fn serve(&mut self) -> io::Result<()> {
        let hello = Answer::Hello {
            protocol: VERSION,
            pid: std::process::id() as i32,
        };
        self.wire.send(&hello)?;
        let mut greeted = false;
        while let Some(line) = self.wire.receive()? {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let order = match Order::from_line(&line) {
                Ok(order) => order,
                Err(error) => {
                    self.wire.send(&Answer::Fail(error.to_string()))?;
                    continue;
                }
            };
            match order {
                Order::Hello { version: VERSION } => greeted = true,
                Order::Hello { version } => {
                    let reason = format!(
                        "this subject speaks protocol {VERSION}, not {version}; use a forkbench of the same version"
                    );
                    return self.wire.send(&Answer::Fail(reason));
                }
                Order::End => break,
                _ if !greeted => {
                    let reason = format!("the first line must be `forkbench {VERSION}`");
                    return self.wire.send(&Answer::Fail(reason));
                }
                order => self.obey(order)?,
            }
        }
        // What a footprint gives back, and in which order, matters to the next subject.
        self.held = None;
        Ok(())
    }

    fn obey(&mut self, order: Order) -> io::Result<()> {
        match order {
            Order::Cpu(cpu) => self.pin(cpu),
            Order::Exec(image) => {
                self.image = Some(image);
                Ok(())
            }
            Order::Hold(footprint) => self.hold(&footprint),
            Order::Time {
                mechanism,
                exchange,
                count,
            } => match Known::named(&mechanism) {
                Some(Known::Mechanism(mechanism)) => timing::time(self, mechanism, count),
                Some(Known::Channel(channel)) => {
                    exchanges::time(self, channel, exchange.unwrap_or_default(), count)
                }
                Some(Known::Server(model)) => self.wire.send(&Answer::Fail(format!(
                    "{}: a server is told to `serve`, and sent requests; it has no iterations to time",
                    model.name
                ))),
                None => self.unknown(&mechanism),
            },
            Order::Life { mechanism, kept } => match Mechanism::named(&mechanism) {
                Some(mechanism) => life::tell(self, mechanism, kept),
                None => self.unknown(&mechanism),
            },
            Order::Serve(serve) => serving::serve(self, &serve),
            Order::Stop => serving::stop(self),
            Order::Load(load) => serving::generate(self, &load),
            Order::Hello { .. } | Order::End => Ok(()),
        }
    }

    fn pin(&mut self, cpu: u32) -> io::Result<()> {
        // SAFETY: all zeros is an empty set; `set` outlives the call.
        let result = unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            if (cpu as usize) < 8 * size_of::<libc::cpu_set_t>() {
                libc::CPU_SET(cpu as usize, &mut set);
            }
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set)
        };
        if result == 0 {
            self.cpu = Some(cpu);
            return Ok(());
        }
        let error = io::Error::last_os_error();
        self.wire
            .send(&Answer::Fail(format!("cannot run on CPU {cpu}: {error}")))
    }

    fn hold(&mut self, footprint: &Footprint) -> io::Result<()> {
        if let Err(error) = footprint.check() {
            return self.wire.send(&Answer::Fail(error.to_string()));
        }
        // One footprint at a time.
        self.held = None;
        self.copied = false;
        self.rewrites = footprint.state == crate::footprint::State::Rewritten;
        let answer = match Held::hold(footprint, self.cpu) {
            Ok(held) => {
                let receipt = held.receipt();
                self.held = Some(held);
                Answer::Receipt(Box::new(receipt))
            }
            Err(error) if error.is_skip() => Answer::Skip(error.to_string()),
            Err(error) => Answer::Fail(error.to_string()),
        };
        self.wire.send(&answer)
    }

    fn unknown(&mut self, mechanism: &str) -> io::Result<()> {
        self.wire.send(&Answer::Fail(format!(
            "`{mechanism}` is no mechanism of this subject"
        )))
    }

    /// A stage for a mechanism, or the answer that says why there is none.
    fn stage(&self, mechanism: &Mechanism, stamped: bool) -> Result<Stage, Answer> {
        Stage::new(mechanism.needs, self.image.clone(), stamped)
            .map_err(|error| Answer::Fail(format!("{}: {error}", mechanism.name)))
    }

    /// Makes ready for an iteration, untimed.
    fn before_iteration(&mut self) {
        if self.rewrites {
            if let Some(held) = &mut self.held {
                held.rewrite();
            }
        }
    }
}

fn failed(mechanism: &Mechanism, failure: &Failure) -> Answer {
    let reason = format!("{}: {failure}", mechanism.name);
    match failure {
        Failure::Unavailable { .. } => Answer::Skip(reason),
        _ => Answer::Fail(reason),
    }
}
