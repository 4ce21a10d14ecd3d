//! Whether what a subject says can be true: whoever wrote it, it may be wrong.

use std::time::Duration;

use super::error::SessionError;
use crate::footprint::BASE_PAGE;
use crate::mechanism::Phase;
use crate::protocol::{Answer, Batch, Count, TimedSample};

/// Samples that one order may bring: more are a subject gone wild.
const MOST_SAMPLES: u64 = 1 << 23;

/// What one order has brought so far.
#[derive(Debug)]
pub(in crate::harness) struct Ledger<'a> {
    order: &'a str,
    count: Count,
    /// The phase that every plain iteration has.
    headline: Phase,
    firsts: u64,
    samples: u64,
    headlines: u64,
    /// The longest phases of all samples, added up.
    spent: u64,
}

impl<'a> Ledger<'a> {
    pub(in crate::harness) fn new(order: &'a str, count: Count, headline: Phase) -> Self {
        Self {
            order,
            count,
            headline,
            firsts: 0,
            samples: 0,
            headlines: 0,
            spent: 0,
        }
    }

    fn asked(&self) -> u64 {
        self.count.samples()
    }

    /// Takes in the first iteration, `elapsed` after the order.
    pub(in crate::harness) fn first(
        &mut self,
        sample: TimedSample,
        elapsed: u64,
    ) -> Result<(), SessionError> {
        self.firsts += 1;
        if self.firsts > 1 {
            let what = "more than one first iteration".to_owned();
            return Err(SessionError::lie(self.order, what));
        }
        self.check(&Answer::First(sample), sample, elapsed)
    }

    /// Takes in a sample, `elapsed` after the order.
    pub(in crate::harness) fn sample(
        &mut self,
        sample: TimedSample,
        elapsed: u64,
    ) -> Result<(), SessionError> {
        self.samples += 1;
        if self.samples > self.asked().min(MOST_SAMPLES) {
            let what = format!("more samples than the {} asked for", self.asked());
            return Err(SessionError::lie(self.order, what));
        }
        self.check(&Answer::Sample(sample), sample, elapsed)?;
        self.headlines += u64::from(sample.get(self.headline).is_some());
        let longest = sample.times().max().unwrap_or(0);
        self.spent = self.spent.saturating_add(longest);
        Ok(())
    }

    fn check(
        &self,
        answer: &Answer,
        sample: TimedSample,
        elapsed: u64,
    ) -> Result<(), SessionError> {
        let [call, start, exec, reap] = Phase::LIFE.map(|phase| sample.get(phase));
        let [open, setup, _] = Phase::CHANNEL.map(|phase| sample.get(phase));
        let after = |time: Option<u64>, end: Option<u64>| {
            time.zip(end).is_some_and(|(time, end)| time > end)
        };
        let late = |time: Option<u64>| after(time, reap);
        let mut times = sample.times();
        let what = if sample == TimedSample::default() {
            "no phase"
        } else if late(call) || late(start) || late(exec) || after(open, setup) {
            "phases end in the wrong order"
        } else if times.any(|time| time > elapsed) {
            "a phase longer than the whole order took"
        } else {
            return Ok(());
        };
        let what = format!("`{}`: {what}", answer.to_line());
        Err(SessionError::lie(self.order, what))
    }

    /// Whether writes that should have copied a page each did not.
    fn copies_nothing(&self, batch: &Batch) -> bool {
        let too_little = |bytes: u64| bytes / BASE_PAGE < self.samples;
        batch.copied.is_some_and(too_little)
    }

    /// Takes in the end, `elapsed` after the order.
    pub(in crate::harness) fn done(
        self,
        batch: &Batch,
        elapsed: Duration,
    ) -> Result<(), SessionError> {
        let (asked, samples) = (self.asked(), self.samples);
        let elapsed = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let what = if samples != asked || batch.iterations != asked {
            format!(
                "{asked} iterations were asked for, {} are said to be done, {samples} samples came",
                batch.iterations
            )
        } else if self.headlines < self.count.plain {
            format!(
                "{} plain iterations were asked for, {} samples have a `{}`",
                self.count.plain,
                self.headlines,
                self.headline.name()
            )
        } else if self.headline == Phase::SecondPass && self.copies_nothing(batch) {
            format!(
                "{samples} pages were written after a fork, and {} bytes copied",
                batch.copied.unwrap_or(0)
            )
        } else if batch.timed > batch.wall || batch.wall > elapsed {
            format!(
                "{} ns in timed operations, in a loop of {} ns, in {elapsed} ns of waiting for it",
                batch.timed, batch.wall
            )
        } else if self.spent > elapsed || batch.gap.is_some_and(|gap| gap > elapsed) {
            format!(
                "samples of {} ns in all, in {elapsed} ns of waiting for them",
                self.spent
            )
        } else {
            return Ok(());
        };
        Err(SessionError::lie(self.order, what))
    }
}
