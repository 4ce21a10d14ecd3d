//! Round trips through a channel, and their samples: first those with a fresh channel and a fresh child each, then
//! those with one child that stays.

use std::io;

use super::Subject;
use super::buffer::Buffer;
use super::timing::{MOST_ITERATIONS, Watch};
use crate::channel::{Begun, Channel, Exchange, Failure, Prepared};
use crate::mechanism::Phase;
use crate::protocol::{self, Answer, Batch, Count, TimedSample};

/// Words of a fresh child's sample.
const FRESH: usize = 2;

/// Obeys a `time` order for a channel.
pub(super) fn time(
    subject: &mut Subject,
    channel: &'static Channel,
    asked: protocol::Exchange,
    count: Count,
) -> io::Result<()> {
    if let Some(reason) = refusal(subject, channel, asked, count) {
        let answer = Answer::Fail(format!("{}: {reason}", channel.name));
        return subject.wire.send(&answer);
    }
    let (fresh, plain) = (count.fresh as usize, count.plain as usize);
    let mut rows = Buffer::new(FRESH * fresh + plain)?;
    let made = Prepared::new(channel, asked.message as usize, subject.cpu, asked.peer)
        .and_then(|mut prepared| make(subject, &mut prepared, count, rows.words()));
    match made {
        Ok(batch) => report(subject, rows.words(), fresh, batch),
        Err(failure) => subject.wire.send(&failed(channel, &failure)),
    }
}

/// Why an order makes no sense, and what to ask for instead.
fn refusal(
    subject: &Subject,
    channel: &Channel,
    asked: protocol::Exchange,
    count: Count,
) -> Option<String> {
    if count.stamped > 0 {
        let reason =
            "an iteration is a round trip, in which no child reads a clock; leave out stamped";
        return Some(reason.to_owned());
    }
    let total = count.samples();
    if total > MOST_ITERATIONS || count.warmup > MOST_ITERATIONS {
        return Some(format!(
            "{total} iterations are too many for one order; {MOST_ITERATIONS} is the most"
        ));
    }
    let one_cpu = subject.cpu.is_some() && asked.peer.is_none();
    channel.refusal(asked.message, one_cpu).map(str::to_owned)
}

/// Makes the iterations, and lays their times down: two words for each fresh one, then one for each plain one.
fn make(
    subject: &mut Subject,
    prepared: &mut Prepared,
    count: Count,
    rows: &mut [u64],
) -> Result<Batch, Failure> {
    let (fresh, plain) = rows.split_at_mut(FRESH * count.fresh as usize);
    let watch = Watch::start();
    let mut timed = 0;
    for row in fresh.chunks_exact_mut(FRESH) {
        let (exchange, Begun { open, setup }) = Exchange::begin(prepared, 1, status(subject))?;
        exchange.end()?;
        row.copy_from_slice(&[open, setup]);
        timed += setup;
    }
    let rounds = 1 + count.warmup + count.plain;
    if rounds > 1 {
        let (mut exchange, _) = Exchange::begin(prepared, rounds, status(subject))?;
        for _ in 0..count.warmup {
            exchange.round_trip()?;
        }
        for time in plain {
            *time = exchange.round_trip()?;
            timed += *time;
        }
        exchange.end()?;
    }
    Ok(watch.stop(count.samples(), timed, None))
}

/// What the next child ends with: another each time, from 1 to 125.
fn status(subject: &mut Subject) -> i32 {
    subject.next += 1;
    1 + (subject.next % 125) as i32
}

fn report(subject: &mut Subject, rows: &[u64], fresh: usize, batch: Batch) -> io::Result<()> {
    let (begun, plain) = rows.split_at(FRESH * fresh);
    for row in begun.chunks_exact(FRESH) {
        let mut sample = TimedSample::default();
        sample.set(Phase::Open, row[0]);
        sample.set(Phase::Setup, row[1]);
        subject.wire.queue(&Answer::Sample(sample))?;
    }
    for &time in plain {
        let mut sample = TimedSample::default();
        sample.set(Phase::RoundTrip, time);
        subject.wire.queue(&Answer::Sample(sample))?;
    }
    subject.wire.send(&Answer::Done(batch))
}

fn failed(channel: &Channel, failure: &Failure) -> Answer {
    let reason = format!("{}: {failure}", channel.name);
    match failure {
        Failure::Unavailable { .. } => Answer::Skip(reason),
        _ => Answer::Fail(reason),
    }
}
