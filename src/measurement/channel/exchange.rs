//! A parent and its forked child, and what they send each other.
//!
//! A message's bytes are all the same, and another value in each round trip; the answer is the message with its
//! first byte inverted. What was left from the round trip before is told from what came.

use std::sync::atomic::Ordering;

use super::answering::{BROKEN, Report, Task, answer, run_on};
use super::board::Shared;
use super::failure::{Broken, Call, Failure};
use super::vigil::{PATIENCE_SECONDS, Timer};
use super::{Channel, Ends, Side, Vigil};
use crate::clock;

/// What exchanges of one kind have in common: the memory that messages lie in, and the timer that watches over
/// children.
pub struct Prepared {
    channel: &'static Channel,
    message: Vec<u8>,
    answer: Vec<u8>,
    /// Where the child receives, in its copy.
    room: Vec<u8>,
    report: Shared,
    /// The CPU that this process is pinned to.
    own: Option<u32>,
    /// The one that the child pins itself to.
    peer: Option<u32>,
    _timer: Timer,
}

impl Prepared {
    /// Ready for exchanges of messages of so many bytes. `own` is the CPU that this process is pinned to, `peer` the
    /// one that the child is to run on, where that is another.
    ///
    /// # Errors
    /// Where memory or a timer is refused.
    pub fn new(
        channel: &'static Channel,
        message: usize,
        own: Option<u32>,
        peer: Option<u32>,
    ) -> Result<Self, Failure> {
        channel.sweep();
        Ok(Self {
            channel,
            message: vec![0; message],
            answer: vec![0; message],
            room: vec![0; message],
            report: Shared::new(size_of::<Report>())?,
            own,
            peer,
            _timer: Timer::start()?,
        })
    }

    fn report(&self) -> &Report {
        // SAFETY: the mapping is as long as a report, zeros are one, and both sides see it as atomics alone.
        unsafe { &*self.report.address().cast() }
    }
}

/// What it took to begin, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// Until the channel was open.
    pub open: u64,
    /// From there on, until the first answer of a fresh child had come: all of it together.
    pub setup: u64,
}

/// A child that answers.
pub struct Exchange<'a> {
    prepared: &'a mut Prepared,
    ends: Box<dyn Ends>,
    vigil: Vigil,
    child: libc::pid_t,
    /// What the child ends with.
    status: i32,
    /// How often it answers before that.
    rounds: u64,
    /// Round trips so far.
    done: u64,
}

impl<'a> Exchange<'a> {
    /// Opens a channel, forks a child that answers `rounds` times (1 at the least) and then ends with `status` (1 to
    /// 125), and makes the first round trip.
    ///
    /// # Errors
    /// Where anything of it fails; the child is gone then.
    pub fn begin(
        prepared: &'a mut Prepared,
        rounds: u64,
        status: i32,
    ) -> Result<(Self, Begun), Failure> {
        let rounds = rounds.max(1);
        let report = prepared.report();
        report.call.store(0, Ordering::Relaxed);
        report.began_on.store(0, Ordering::Relaxed);
        report.ended_on.store(0, Ordering::Relaxed);
        report.answered.store(0, Ordering::Relaxed);
        prepared.message.fill(1);
        // SAFETY: the call takes nothing.
        let parent = unsafe { libc::getpid() };
        let t0 = clock::now();
        let mut ends = (prepared.channel.open)(prepared.message.len())?;
        let open = clock::now() - t0;
        // SAFETY: the child keeps to what is safe between fork and _exit.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: this is the child.
            unsafe {
                let report = &*prepared.report.address().cast();
                let task = Task {
                    rounds,
                    status,
                    parent,
                    peer: prepared.peer,
                };
                answer(report, &mut prepared.room, &mut *ends, task)
            }
        }
        if child < 0 {
            return Err(Failure::of_call("fork"));
        }
        ends.take(Side::Parent, child);
        let peer = prepared.peer;
        let mut exchange = Self {
            prepared,
            ends,
            vigil: Vigil::over(child),
            child,
            status,
            rounds,
            done: 0,
        };
        // It could move by itself, but not before it has run here: behind a parent that spins, a time slice later.
        if peer.is_some_and(|cpu| !run_on(child, cpu)) {
            return Err(Failure::of_call(Call::SchedSetaffinity.name()));
        }
        exchange.pass()?;
        let setup = clock::now() - t0;
        exchange.verify()?;
        exchange.ends.check()?;
        Ok((exchange, Begun { open, setup }))
    }

    /// Makes one round trip, and returns how long it took in nanoseconds.
    ///
    /// # Errors
    /// Where the child does not answer, or not what it should; it is gone then.
    #[inline]
    pub fn round_trip(&mut self) -> Result<u64, Failure> {
        let value = (self.done + 1) as u8;
        self.prepared.message.fill(value);
        self.vigil.begin();
        let begin = clock::now();
        self.pass()?;
        let took = clock::now() - begin;
        self.verify()?;
        Ok(took)
    }

    /// There and back.
    #[inline]
    fn pass(&mut self) -> Result<(), Failure> {
        let sent = self.ends.send(&self.prepared.message, &self.vigil);
        let passed = match sent {
            Ok(()) => self.ends.receive(&mut self.prepared.answer, &self.vigil),
            broken => broken,
        };
        match passed {
            Ok(()) => {
                self.done += 1;
                Ok(())
            }
            Err(broken) => Err(self.failure(broken)),
        }
    }

    /// Whether the answer is that to the message.
    fn verify(&self) -> Result<(), Failure> {
        let (message, answer) = (&self.prepared.message, &self.prepared.answer);
        let expected = |at: usize| if at == 0 { !message[at] } else { message[at] };
        let first = answer.first() == message.first().map(|byte| !byte).as_ref();
        if first && answer[1..] == message[1..] {
            return Ok(());
        }
        let wrong = (0..answer.len()).find(|&at| answer[at] != expected(at));
        let at = wrong.unwrap_or(0);
        Err(Failure::WrongAnswer {
            round: self.done,
            at,
            expected: expected(at),
            got: answer[at],
        })
    }

    /// Why a round trip came to nothing, from what is left of the child.
    #[cold]
    fn failure(&mut self, broken: Broken) -> Failure {
        let round = self.done + 1;
        if broken != Broken::Ended {
            self.kill();
        }
        let how = self.reap();
        match broken {
            Broken::Quiet => Failure::Silent {
                round,
                seconds: PATIENCE_SECONDS,
            },
            Broken::Call(call, errno) => Failure::Call {
                call: call.name(),
                source: std::io::Error::from_raw_os_error(errno),
            },
            Broken::Ended => self.of_child().unwrap_or(Failure::Gone {
                round,
                rounds: self.rounds,
                how: how.map_or_else(|failure| failure.to_string(), how_it_ended),
            }),
        }
    }

    /// What the child has said of itself.
    fn of_child(&self) -> Option<Failure> {
        let report = self.prepared.report();
        let call = report.call.load(Ordering::Relaxed);
        (call != 0).then(|| Failure::InChild {
            call: Call::named(call),
            round: report.answered.load(Ordering::Relaxed) + 1,
            source: std::io::Error::from_raw_os_error(report.errno.load(Ordering::Relaxed)),
        })
    }

    fn kill(&self) {
        if self.child > 0 {
            // SAFETY: a child of this process that was not reaped: nobody else can have its pid.
            unsafe { libc::kill(self.child, libc::SIGKILL) };
        }
    }

    /// Waits for the child, and returns its wait status.
    fn reap(&mut self) -> Result<i32, Failure> {
        let child = std::mem::replace(&mut self.child, 0);
        let mut end = 0;
        loop {
            // SAFETY: `end` is a valid place for a status.
            let reaped = unsafe { libc::waitpid(child, &mut end, 0) };
            if reaped == child {
                return Ok(end);
            }
            let failure = std::io::Error::last_os_error();
            if failure.kind() != std::io::ErrorKind::Interrupted {
                return Err(Failure::with_error("waitpid", failure));
            }
        }
    }

    /// Waits for the child, which has answered as often as it was to, and checks how and where it ended.
    ///
    /// # Errors
    /// Where it has not, or otherwise than it was told.
    pub fn end(mut self) -> Result<(), Failure> {
        if self.done < self.rounds {
            self.kill();
            self.reap()?;
            return Ok(());
        }
        let end = self.reap()?;
        if let Some(failure) = self.of_child() {
            return Err(failure);
        }
        if !libc::WIFEXITED(end) || libc::WEXITSTATUS(end) != self.status {
            return Err(Failure::WrongEnd {
                expected: self.status,
                got: how_it_ended(end),
            });
        }
        let report = self.prepared.report();
        let Some(expected) = self.prepared.peer.or(self.prepared.own) else {
            return Ok(());
        };
        for told in [&report.began_on, &report.ended_on] {
            let told = told.load(Ordering::Relaxed);
            if told != expected + 1 {
                let got = i64::from(told) as i32 - 1;
                return Err(Failure::Misplaced { expected, got });
            }
        }
        Ok(())
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        if self.child > 0 {
            self.kill();
            let _ = self.reap();
        }
    }
}

fn how_it_ended(end: i32) -> String {
    if libc::WIFSIGNALED(end) {
        return format!("signal {}", libc::WTERMSIG(end));
    }
    match libc::WEXITSTATUS(end) {
        BROKEN => format!("status {BROKEN}: it could not go on"),
        status => format!("status {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::CHANNELS;

    /// Those whose waiting does not need the whole process, of which a test is but a thread.
    fn testable() -> impl Iterator<Item = &'static Channel> {
        CHANNELS
            .iter()
            .filter(|channel| channel.name != "ipc:signal")
    }

    #[test]
    fn every_channel_carries_every_byte_there_and_back() {
        for channel in testable() {
            for message in [1, 2, 4096, 100_000] {
                let mut prepared = Prepared::new(channel, message, None, None).unwrap();
                let (mut exchange, begun) = Exchange::begin(&mut prepared, 600, 7).unwrap();
                assert!(begun.open > 0 && begun.open < begun.setup, "{channel:?}");
                for _ in 1..600 {
                    assert!(exchange.round_trip().unwrap() > 0);
                }
                exchange.end().unwrap();
            }
        }
    }

    #[test]
    fn a_wrong_answer_is_named_by_its_first_byte() {
        let channel = Channel::named("ipc:pipe").unwrap();
        let mut prepared = Prepared::new(channel, 100, None, None).unwrap();
        let (mut exchange, _) = Exchange::begin(&mut prepared, 3, 1).unwrap();
        exchange.round_trip().unwrap();
        for (at, said) in [(0, "byte 0"), (99, "byte 99")] {
            exchange.prepared.answer[at] ^= 0x10;
            let wrong = exchange.verify().unwrap_err().to_string();
            assert!(wrong.contains(said), "{wrong}");
            exchange.prepared.answer[at] ^= 0x10;
        }
        exchange.verify().unwrap();
    }

    #[test]
    fn a_child_that_ends_otherwise_is_no_measurement() {
        let channel = Channel::named("ipc:pipe").unwrap();
        let mut prepared = Prepared::new(channel, 1, None, None).unwrap();
        let (mut exchange, _) = Exchange::begin(&mut prepared, 2, 9).unwrap();
        exchange.round_trip().unwrap();
        exchange.status = 8;
        let wrong = exchange.end().unwrap_err().to_string();
        assert!(
            wrong.contains("status 8") && wrong.contains("status 9"),
            "{wrong}"
        );
    }

    #[test]
    fn a_child_that_is_killed_is_told_of() {
        let channel = Channel::named("ipc:unix").unwrap();
        let mut prepared = Prepared::new(channel, 1, None, None).unwrap();
        let (mut exchange, _) = Exchange::begin(&mut prepared, 1_000, 9).unwrap();
        exchange.kill();
        let gone = (0..1_000).find_map(|_| exchange.round_trip().err());
        let gone = gone.unwrap().to_string();
        assert!(gone.contains("signal 9"), "{gone}");
    }
}
