//! The subjects of one cell, as Criterion's samples go by.

use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use criterion::Bencher;
use forkbench::cli::bench::BenchRun;
use forkbench::harness::cell::Cell;
use forkbench::harness::launcher::Launcher;
use forkbench::harness::runner::{Outcome, outcome_of};
use forkbench::harness::schedule::Slot;
use forkbench::harness::serving::{self, Sent};
use forkbench::harness::trial::{LiveTrial, TrialError};
use forkbench::mechanism::Phase;
use forkbench::protocol::{Count, headline};
use forkbench::recording::CellLine;

use super::{Arguments, SUBJECTS};

/// Stops a cell that cannot be measured. Criterion has no word for that, and must not be given a
/// number; so the closure never returns.
pub struct Abandoned;

/// What arrivals of requests are drawn from; a trial's own seed is recorded with it.
const SEED: u64 = 1;
/// Plain iterations for each stamped one.
const PLAIN_PER_STAMPED: u64 = 4;
/// How long requests are sent to a server for one of Criterion's samples, and how many at the least.
const REQUESTS: (Duration, u64) = (Duration::from_millis(100), 10);
/// How long a subject is warmed up at the most, and with how many iterations.
const WARM_UP: (Duration, u64) = (Duration::from_millis(10), 50);

/// One cell under Criterion.
pub struct CellSession<'a> {
    launcher: &'a Launcher,
    cell: &'a Cell,
    arguments: &'a Arguments,
    run: Option<&'a mut BenchRun>,
    live: Option<LiveTrial>,
    /// Subjects so far.
    trials: u32,
    /// How long Criterion has been warming up, by its own reckoning.
    warmed: Duration,
    /// Samples since it stopped.
    samples: usize,
    /// Plain iterations since the last stamped one.
    unstamped: u64,
    /// How long an iteration takes.
    each: Duration,
    /// How long a response takes, once a server has been asked.
    response: Option<Duration>,
    error: Option<TrialError>,
}

impl<'a> CellSession<'a> {
    pub fn new(
        launcher: &'a Launcher,
        cell: &'a Cell,
        arguments: &'a Arguments,
        run: Option<&'a mut BenchRun>,
    ) -> Self {
        Self {
            launcher,
            cell,
            arguments,
            run,
            live: None,
            trials: 0,
            warmed: Duration::ZERO,
            samples: 0,
            unstamped: 0,
            each: Duration::from_millis(1),
            response: None,
            error: None,
        }
    }

    /// One of Criterion's samples.
    pub fn sample(&mut self, bencher: &mut Bencher<'_>) {
        let warming = !self.arguments.quick
            && self.arguments.measures()
            && self.warmed < self.arguments.warm_up;
        if self.cell.model().is_some() {
            return self.sample_of_server(bencher, warming);
        }
        if self.is_spent(warming) {
            (self.live, self.trials) = (None, 0);
        }
        if self.live.is_none() || self.wants_a_fresh_subject(warming) {
            if let Err(error) = self.renew() {
                self.abandon(error);
            }
        }
        bencher.iter_custom(|iterations| {
            let begin = Instant::now();
            match self.iterate(iterations) {
                Ok(total) => {
                    self.each = begin.elapsed() / u32::try_from(iterations).unwrap_or(u32::MAX);
                    if warming {
                        self.warmed += begin.elapsed();
                    }
                    total
                }
                Err(error) => self.abandon(error),
            }
        });
        if warming {
            if let Some(live) = &mut self.live {
                live.forget();
            }
        } else {
            self.samples += 1;
        }
    }

    /// One of Criterion's samples of a server: a trial of its own. Requests come at their rate, however many
    /// iterations Criterion would like: it is given the mean of those that came.
    fn sample_of_server(&mut self, bencher: &mut Bencher<'_>, warming: bool) {
        bencher.iter_custom(|iterations| {
            let known = self.response.filter(|_| warming);
            let response = match known.map_or_else(|| self.serve(warming), Ok) {
                Ok(response) => response,
                Err(error) => self.abandon(error),
            };
            self.response = Some(response);
            let total = response.as_nanos() * u128::from(iterations);
            let total = Duration::from_nanos(u64::try_from(total).unwrap_or(u64::MAX));
            if warming {
                self.warmed += total;
            }
            total
        });
    }

    /// The mean response of one trial, which is recorded unless it warms up.
    fn serve(&mut self, warming: bool) -> Result<Duration, TrialError> {
        let recorded = self.run.as_mut().filter(|_| !warming);
        let index = match recorded {
            Some(run) => run.next_index(self.cell),
            None => self.trials,
        };
        let slot = Slot {
            cell: 0,
            block: self.trials,
            index,
        };
        let (time, least) = REQUESTS;
        let sent = Sent::within(self.cell, time, least, SEED, index);
        let (line, rows) = serving::trial(self.launcher, self.cell, slot, sent)?;
        self.trials += 1;
        if let (Some(run), false) = (self.run.as_mut(), warming) {
            run.keep(line)?;
        }
        let times = rows.iter().filter_map(|row| row.get(Phase::Response));
        let total: u64 = times.sum();
        Ok(Duration::from_nanos(total / rows.len().max(1) as u64))
    }

    /// Spreads the subjects evenly over the samples. In quick mode the first three batches get one
    /// each, since there may be no fourth.
    fn wants_a_fresh_subject(&self, warming: bool) -> bool {
        if warming {
            return false;
        }
        let due = if self.arguments.quick {
            self.samples.min(SUBJECTS - 1)
        } else {
            self.samples * SUBJECTS / self.arguments.samples.max(1)
        };
        due >= self.trials as usize
    }

    /// Whether the subject that Criterion warmed up with has nothing left to give: writes have their first
    /// pass but once.
    fn is_spent(&self, warming: bool) -> bool {
        let warmed = !warming && self.samples == 0 && self.warmed > Duration::ZERO;
        warmed && self.live.as_ref().is_some_and(LiveTrial::writes)
    }

    fn renew(&mut self) -> Result<(), TrialError> {
        self.keep()?;
        let index = self
            .run
            .as_mut()
            .map_or(self.trials, |run| run.next_index(self.cell));
        let mut live = LiveTrial::begin(self.launcher, self.cell, self.trials, index)?;
        if self.trials > 0 && !live.writes() {
            let affordable = WARM_UP.0.as_nanos() / self.each.as_nanos().max(1);
            let warmup = u64::try_from(affordable)
                .unwrap_or(WARM_UP.1)
                .min(WARM_UP.1);
            live.iterate(
                Count {
                    warmup,
                    ..Count::default()
                },
                self.each,
            )?;
        }
        self.trials += 1;
        self.live = Some(live);
        Ok(())
    }

    /// Records the subject's samples and lets it go.
    fn keep(&mut self) -> Result<(), TrialError> {
        let Some(live) = self.live.take() else {
            return Ok(());
        };
        let (line, _) = live.finish();
        if let Some(run) = self.run.as_mut() {
            run.keep(line)?;
        }
        Ok(())
    }

    fn iterate(&mut self, iterations: u64) -> Result<Duration, TrialError> {
        let Some(live) = self.live.as_mut() else {
            return Ok(Duration::ZERO);
        };
        let before = live.samples();
        // Counted over all batches: one stamped iteration in each would double batches of one.
        self.unstamped += iterations;
        let stamped = self.unstamped / PLAIN_PER_STAMPED;
        self.unstamped %= PLAIN_PER_STAMPED;
        live.iterate(
            Count {
                plain: iterations,
                stamped,
                ..Count::default()
            },
            self.each,
        )?;
        // Writes come in passes: more of them than Criterion asks for.
        let (total, made) = live.total(headline(&self.cell.mechanism), before);
        let share = u128::from(total) * u128::from(iterations) / u128::from(made.max(1));
        Ok(Duration::from_nanos(share as u64))
    }

    fn abandon(&mut self, error: TrialError) -> ! {
        self.error = Some(error);
        // Unlike a panic, this prints nothing.
        resume_unwind(Box::new(Abandoned))
    }

    /// Ends the cell; what became of it if it was not measured to its end.
    pub fn finish(mut self) -> anyhow::Result<Option<Outcome>> {
        let Some(error) = self.error.take() else {
            self.keep()?;
            return Ok(None);
        };
        self.live = None;
        let outcome = outcome_of(&error, self.launcher.key(self.cell));
        match (&outcome, self.run.as_mut()) {
            (Outcome::Dropped(line), Some(run)) => run.drop_cell(CellLine::clone(line))?,
            (Outcome::Interrupted, _) => anyhow::bail!("interrupted"),
            _ => {}
        }
        Ok(Some(outcome))
    }
}
