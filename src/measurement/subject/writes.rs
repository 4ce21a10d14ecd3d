//! Writes to memory that fork shares, in passes, and their times.
//!
//! One round writes some pages in each way that has a phase. The first round after a footprint was taken is
//! the only one with a `first-pass`: whatever is copied later lands on memory that an earlier pass gave back.

use std::io;

use super::buffer::Buffer;
use super::timing::Watch;
use super::{Subject, failed};
use crate::footprint::Held;
use crate::mechanism::copy_on_write::{self, Times};
use crate::mechanism::{Failure, Iteration, Mechanism, Phase, Stage, Writer};
use crate::protocol::{Answer, Batch, Count, TimedSample};

/// The phases of a sample, in the order of its words.
const PHASES: usize = Phase::WRITES.len();

/// What a batch of rounds came to.
#[derive(Default)]
struct Sum {
    /// Samples that have a first pass: those of the first round.
    firsts: usize,
    timed: u64,
    /// `None` as soon as one pass could not be accounted for.
    copied: Option<u64>,
}

/// Obeys a `time` order for writes; `plain` and `warmup` count pages.
pub(super) fn time(
    subject: &mut Subject,
    mechanism: &Mechanism,
    writer: Writer,
    count: Count,
) -> io::Result<()> {
    let fail = |reason: &str| Answer::Fail(format!("{}: {reason}", mechanism.name));
    if count.stamped > 0 {
        let answer = fail(&Failure::NoChild.to_string());
        return subject.wire.send(&answer);
    }
    let mut stage = match subject.stage(mechanism, false) {
        Ok(stage) => stage,
        Err(answer) => return subject.wire.send(&answer),
    };
    // Taken out, for the rounds need the subject too.
    let Some(held) = subject.held.take() else {
        return subject
            .wire
            .send(&fail("no footprint is held; say `hold` first"));
    };
    let answered = match mechanism.refusal(held.footprint()) {
        Some(reason) => subject.wire.send(&fail(reason)),
        None => warm_up_and_time(subject, mechanism, writer, count, &mut stage, &held),
    };
    subject.held = Some(held);
    answered
}

fn warm_up_and_time(
    subject: &mut Subject,
    mechanism: &Mechanism,
    writer: Writer,
    count: Count,
    stage: &mut Stage,
    held: &Held,
) -> io::Result<()> {
    let mut rows = Buffer::new(PHASES * count.warmup.max(count.plain) as usize)?;
    let mut rounds = |pages: u64, rows: &mut [u64]| {
        let rows = &mut rows[..PHASES * pages as usize];
        Rounds {
            next: &mut subject.next,
            copied: &mut subject.copied,
            stage: &mut *stage,
            held,
            writer,
        }
        .make(rows)
    };
    let done = rounds(count.warmup, rows.words()).and_then(|_| {
        let watch = Watch::start();
        let sum = rounds(count.plain, rows.words())?;
        let batch = watch.stop(count.plain, sum.timed, sum.copied);
        Ok((sum.firsts, batch))
    });
    match done {
        Ok((firsts, batch)) => {
            let rows = &rows.words()[..PHASES * count.plain as usize];
            report(subject, rows, firsts, batch)
        }
        Err(failure) => subject.wire.send(&failed(mechanism, &failure)),
    }
}

/// As many rounds as pages were asked for.
struct Rounds<'a> {
    next: &'a mut u64,
    copied: &'a mut bool,
    stage: &'a mut Stage,
    held: &'a Held,
    writer: Writer,
}

impl Rounds<'_> {
    fn make(&mut self, rows: &mut [u64]) -> Result<Sum, Failure> {
        let mut sum = Sum {
            copied: (!rows.is_empty()).then_some(0),
            ..Sum::default()
        };
        let pages = self.held.pages().count();
        for rows in rows.chunks_mut(PHASES * pages.max(1)) {
            self.round(rows, &mut sum)?;
        }
        Ok(sum)
    }

    /// Writes as many pages as there are rows, in each way.
    fn round(&mut self, rows: &mut [u64], sum: &mut Sum) -> Result<(), Failure> {
        let pages = rows.len() / PHASES;
        let first = !std::mem::replace(self.copied, true);
        let mut times = Times::new(pages).map_err(|source| Failure::Call {
            call: "mmap",
            source,
        })?;
        for (column, phase) in Phase::WRITES.into_iter().enumerate() {
            if phase == Phase::FirstPass && !first {
                continue;
            }
            self.held.mend().map_err(Failure::Ballast)?;
            self.pass(phase, &mut times, sum)?;
            for (row, &time) in rows.chunks_exact_mut(PHASES).zip(times.all()) {
                row[column] = time;
                sum.timed += time;
            }
        }
        if first {
            sum.firsts = pages;
        }
        Ok(())
    }

    fn pass(&mut self, phase: Phase, times: &mut Times, sum: &mut Sum) -> Result<(), Failure> {
        let iteration = Iteration {
            number: *self.next,
            stamped: false,
        };
        match phase {
            Phase::Before => {
                copy_on_write::before(self.held, times);
                return Ok(());
            }
            Phase::After => copy_on_write::after(self.stage, iteration, self.held, times)?,
            _ => {
                let (stage, writer) = (&mut *self.stage, self.writer);
                let copied =
                    copy_on_write::while_shared(stage, iteration, writer, self.held, times)?;
                sum.copied = sum.copied.zip(copied).map(|(sum, more)| sum + more);
            }
        }
        *self.next += 1;
        Ok(())
    }
}

fn report(subject: &mut Subject, rows: &[u64], firsts: usize, batch: Batch) -> io::Result<()> {
    for (index, row) in rows.chunks_exact(PHASES).enumerate() {
        let mut sample = TimedSample::default();
        for (phase, &time) in Phase::WRITES.into_iter().zip(row) {
            if phase != Phase::FirstPass || index < firsts {
                sample.set(phase, time);
            }
        }
        subject.wire.queue(&Answer::Sample(sample))?;
    }
    subject.wire.send(&Answer::Done(batch))
}
