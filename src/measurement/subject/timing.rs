//! Iterations, one after the other, and their samples.

use std::io;

use super::buffer::Buffer;
use super::{Subject, failed, writes};
use crate::clock;
use crate::mechanism::{Failure, Iteration, Mechanism, Phase, Sample, Stage, Work};
use crate::protocol::{Answer, Batch, Count, TimedSample};

/// The most iterations in one order: a guard against a mistyped job.
pub(super) const MOST_ITERATIONS: u64 = 1 << 22;
/// How long the clock is watched before a batch.
const GAP_WATCH: u64 = 1_000_000;

/// Obeys a `time` order.
pub(super) fn time(subject: &mut Subject, mechanism: &Mechanism, count: Count) -> io::Result<()> {
    if count.fresh > 0 {
        let reason = format!(
            "{} is no channel, and has no fresh ones: `fresh` goes with ipc:",
            mechanism.name
        );
        return subject.wire.send(&Answer::Fail(reason));
    }
    let total = count.samples();
    if total > MOST_ITERATIONS || count.warmup > MOST_ITERATIONS {
        let reason =
            format!("{total} iterations are too many for one order; {MOST_ITERATIONS} is the most");
        return subject.wire.send(&Answer::Fail(reason));
    }
    if let Work::Writes(writer) = mechanism.work {
        return writes::time(subject, mechanism, writer, count);
    }
    let mut stage = match subject.stage(mechanism, count.stamped > 0) {
        Ok(stage) => stage,
        Err(answer) => return subject.wire.send(&answer),
    };
    if let Err(failure) = first_and_warmup(subject, mechanism, &mut stage, count.warmup)? {
        return subject.wire.send(&failed(mechanism, &failure));
    }
    let mut rows = Buffer::new(2 * total as usize)?;
    match iterate(subject, mechanism, &mut stage, count, rows.words()) {
        Ok(batch) => report(subject, mechanism, count, rows.words(), batch),
        Err(failure) => subject.wire.send(&failed(mechanism, &failure)),
    }
}

/// Whether iteration `index` is stamped, with `count.stamped` of them spread evenly among all.
fn is_stamped(count: Count, index: u64) -> bool {
    let total = u128::from(count.plain + count.stamped);
    let share = |index: u64| u128::from(index) * u128::from(count.stamped) / total;
    share(index + 1) > share(index)
}

/// The first iteration of a subject meets pages that no fork has write-protected yet; it is told apart.
fn first_and_warmup(
    subject: &mut Subject,
    mechanism: &Mechanism,
    stage: &mut Stage,
    warmup: u64,
) -> io::Result<Result<(), Failure>> {
    let first = !subject.done_first;
    for index in 0..warmup + u64::from(first) {
        match one(subject, mechanism, stage, false) {
            Ok(sample) if first && index == 0 => {
                subject.done_first = true;
                let mut timed = TimedSample::default();
                timed.set(Phase::Call, sample.call);
                if mechanism.phases.contains(&Phase::Reap) {
                    timed.set(Phase::Reap, sample.reap);
                }
                subject.wire.send(&Answer::First(timed))?;
            }
            Ok(_) => {}
            Err(failure) => return Ok(Err(failure)),
        }
    }
    Ok(Ok(()))
}

fn one(
    subject: &mut Subject,
    mechanism: &Mechanism,
    stage: &mut Stage,
    stamped: bool,
) -> Result<Sample, Failure> {
    subject.before_iteration();
    let iteration = Iteration {
        number: subject.next,
        stamped,
    };
    subject.next += 1;
    mechanism.iterate(stage, iteration)
}

fn iterate(
    subject: &mut Subject,
    mechanism: &Mechanism,
    stage: &mut Stage,
    count: Count,
    rows: &mut [u64],
) -> Result<Batch, Failure> {
    let watch = Watch::start();
    let mut timed = 0;
    for (index, row) in rows.chunks_exact_mut(2).enumerate() {
        let stamped = is_stamped(count, index as u64);
        let sample = one(subject, mechanism, stage, stamped)?;
        timed += sample.reap.max(sample.call);
        let (first, second) = if stamped {
            (sample.start, sample.exec)
        } else {
            (sample.call, sample.reap)
        };
        row[0] = first;
        row[1] = second;
    }
    Ok(watch.stop(count.plain + count.stamped, timed, None))
}

/// What a batch takes beside its samples.
pub(super) struct Watch {
    gap: u64,
    usage: libc::rusage,
    begin: u64,
}

impl Watch {
    /// Looks at the clock for a while, and begins.
    pub(super) fn start() -> Self {
        Self {
            gap: clock::largest_gap(GAP_WATCH),
            usage: usage(),
            begin: clock::now(),
        }
    }

    /// The batch that ends here, with `timed` nanoseconds in timed operations.
    pub(super) fn stop(self, iterations: u64, timed: u64, copied: Option<u64>) -> Batch {
        let wall = clock::now() - self.begin;
        let (before, after) = (self.usage, usage());
        let spent = |field: fn(&libc::rusage) -> i64| Some((field(&after) - field(&before)) as u64);
        Batch {
            iterations,
            wall,
            timed,
            gap: Some(self.gap),
            minor_faults: spent(|usage| usage.ru_minflt),
            major_faults: spent(|usage| usage.ru_majflt),
            voluntary_switches: spent(|usage| usage.ru_nvcsw),
            involuntary_switches: spent(|usage| usage.ru_nivcsw),
            copied,
        }
    }
}

fn report(
    subject: &mut Subject,
    mechanism: &Mechanism,
    count: Count,
    rows: &[u64],
    batch: Batch,
) -> io::Result<()> {
    let reaps = mechanism.phases.contains(&Phase::Reap);
    for (index, row) in rows.chunks_exact(2).enumerate() {
        let mut sample = TimedSample::default();
        if is_stamped(count, index as u64) {
            if row[0] != 0 {
                sample.set(Phase::Start, row[0]);
            }
            if row[1] != 0 {
                sample.set(Phase::Exec, row[1]);
            }
        } else {
            sample.set(Phase::Call, row[0]);
            if reaps {
                sample.set(Phase::Reap, row[1]);
            }
        }
        subject.wire.queue(&Answer::Sample(sample))?;
    }
    subject.wire.send(&Answer::Done(batch))
}

fn usage() -> libc::rusage {
    // SAFETY: all zeros is a valid rusage, and getrusage fills it in.
    unsafe {
        let mut usage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamped_iterations_are_spread_evenly_and_are_as_many_as_asked_for() {
        for (plain, stamped) in [(100, 25), (7, 3), (1, 1), (0, 5), (5, 0), (3, 100)] {
            let count = Count {
                plain,
                stamped,
                ..Count::default()
            };
            let marks: Vec<bool> = (0..plain + stamped).map(|i| is_stamped(count, i)).collect();
            assert_eq!(marks.iter().filter(|&&mark| mark).count() as u64, stamped);
            for half in marks.chunks(marks.len().div_ceil(2)) {
                let share = half.iter().filter(|&&mark| mark).count() as f64 / half.len() as f64;
                let expected = stamped as f64 / (plain + stamped) as f64;
                assert!(
                    (share - expected).abs() <= 1.0 / half.len() as f64,
                    "{plain} {stamped}"
                );
            }
        }
    }
}
