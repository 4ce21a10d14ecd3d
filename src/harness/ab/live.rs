//! One cell while it is compared.

use std::time::Duration;

use super::forecast::{Forecast, PILOT_PAIRS, first_iterations, iterations};
use super::{Arm, Contest, Settings};
use crate::mechanism::Phase;
use crate::protocol::{Count, TimedSample};
use crate::recording::TrialLine;
use crate::statistics::{
    Histogram, LOOKS, Procedure, Question, Random, Verdict, order_statistic, spread,
};

/// A pause of the subject's CPU that no clock interrupt explains: a quota, or a guest that is stopped.
const LONG_GAP: u64 = 10_000_000;
/// How many times its budget a cell may take, confirming included, before it is stopped.
const PATIENCE: u32 = 3;

/// One cell under way.
#[derive(Debug)]
pub struct Live<'a> {
    pub(super) contest: &'a Contest,
    index: usize,
    pub(super) settings: &'a Settings,
    pub(super) question: Question,
    count: Count,
    /// How long an iteration takes, at the least that a pilot trial came to.
    each: Option<Duration>,
    pilot_times: Vec<Duration>,
    forecast: Option<Forecast>,
    judgements: Vec<Judgement>,
    block: u32,
    pub(super) time: Duration,
    pub(super) trials: u64,
    pub(super) long_gaps: u64,
}

/// One phase of it.
#[derive(Debug)]
pub struct Judgement {
    /// The phase.
    pub phase: Phase,
    /// Its looks and verdict; `None` before they are planned.
    pub procedure: Option<Procedure>,
    /// The statistic of each trial, by arm.
    pub(super) values: [Vec<u64>; 2],
    pub(super) samples: [Histogram; 2],
    /// Why it is over without a verdict of its own, and what is said then.
    pub(super) stopped: Option<(Verdict, String)>,
}

impl Judgement {
    fn new(phase: Phase) -> Self {
        Self {
            phase,
            procedure: None,
            values: [Vec::new(), Vec::new()],
            samples: [Histogram::new(), Histogram::new()],
            stopped: None,
        }
    }

    fn is_over(&self) -> bool {
        let outcome = self.procedure.as_ref().and_then(Procedure::outcome);
        self.stopped.is_some() || outcome.is_some()
    }

    fn stop(&mut self, verdict: Verdict, reason: String) {
        if !self.is_over() {
            self.stopped = Some((verdict, reason));
        }
    }

    /// The statistic of a trial, its samples kept; a trial without any, or a time of zero, ends it.
    fn value(&mut self, rows: &[TimedSample], settings: &Settings) -> Option<(u64, Histogram)> {
        let times = rows.iter().filter_map(|sample| sample.get(self.phase));
        let mut times: Vec<u64> = times.collect();
        times.sort_unstable();
        let phase = self.phase.name();
        match order_statistic(&times, settings.statistic.quantile()) {
            Some(0) => {
                let figure = settings.statistic.name();
                let reason = format!(
                    "the {figure} of a trial's `{phase}` was 0 ns: the clock cannot see it"
                );
                self.stop(Verdict::NotMeasurable, reason);
                None
            }
            Some(value) => Some((value, Histogram::of(&times))),
            None => {
                let reason = format!("a trial had no `{phase}`; choose another with --phase");
                self.stop(Verdict::NotMeasurable, reason);
                None
            }
        }
    }
}

impl<'a> Live<'a> {
    pub(super) fn new(
        contest: &'a Contest,
        index: usize,
        settings: &'a Settings,
        judgements: usize,
    ) -> Self {
        Self {
            contest,
            index,
            settings,
            question: Question {
                threshold: settings.threshold,
                confidence: settings.confidence,
                judgements,
            },
            count: first_iterations(stamped(settings)),
            each: None,
            pilot_times: Vec::new(),
            forecast: None,
            judgements: settings
                .phases_of(contest)
                .into_iter()
                .map(Judgement::new)
                .collect(),
            block: PILOT_PAIRS,
            time: Duration::ZERO,
            trials: 0,
            long_gaps: 0,
        }
    }

    /// What is compared.
    pub fn contest(&self) -> &Contest {
        self.contest
    }

    /// Its phases.
    pub fn judgements(&self) -> &[Judgement] {
        &self.judgements
    }

    /// Whether nothing is left to find out.
    pub fn is_over(&self) -> bool {
        self.judgements.iter().all(Judgement::is_over)
    }

    pub(super) fn count(&self) -> Count {
        self.count
    }

    /// Both arms in the order that a coin for this very cell and pair says: anyone can toss it again.
    pub(super) fn order(&self, block: u32) -> [Arm; 2] {
        let toss = (self.index as u64) << 32 | u64::from(block);
        let mixed = Random::new(self.settings.seed ^ Random::new(toss).bits()).bits();
        if mixed >> 63 == 0 {
            [Arm::A, Arm::B]
        } else {
            [Arm::B, Arm::A]
        }
    }

    pub(super) fn next_block(&mut self) -> u32 {
        self.block += 1;
        self.block - 1
    }

    /// Takes a trial of a pilot pair. Each says how long an iteration takes, and the quickest of them how many
    /// iterations trials have from then on: a hiccup in one must not shorten all.
    pub(super) fn take_pilot(&mut self, arm: Arm, line: &TrialLine, rows: &[TimedSample]) {
        let made = u32::try_from(rows.len()).unwrap_or(u32::MAX).max(1);
        let each = Duration::from_nanos(line.trial.host.wall_ns) / made;
        let least = self.each.map_or(each, |least| least.min(each));
        self.each = Some(least);
        self.count = iterations(least, stamped(self.settings));
        for judgement in &mut self.judgements {
            if let Some((value, _)) = judgement.value(rows, self.settings) {
                judgement.values[arm as usize].push(value);
            }
        }
    }

    pub(super) fn take_pilot_time(&mut self, time: Duration) {
        self.pilot_times.push(time);
    }

    /// Whether two pilot pairs show already that the first look will not fit the budget.
    pub(super) fn is_hopeless(&self) -> bool {
        let [_, pair, ..] = self.pilot_times[..] else {
            return false;
        };
        let budget = self.settings.budget;
        budget.is_some_and(|budget| pair * LOOKS[0] as u32 > budget * 2)
    }

    /// Fixes the looks. `None` if the cell is over already.
    pub(super) fn plan(&mut self) -> Option<Forecast> {
        if self.is_over() || self.pilot_times.is_empty() {
            return None;
        }
        // The first pair had other counts.
        let counted = &mut self.pilot_times[1..];
        counted.sort_unstable();
        let pair = counted.get(counted.len() / 2).copied().unwrap_or_default();
        let mut widest = 0.0_f64;
        for judgement in &mut self.judgements {
            let [a, b] = &mut judgement.values;
            let pairs = a.drain(..).zip(b.drain(..)).skip(1);
            let differences: Vec<f64> = pairs.map(|(a, b)| (b as f64 / a as f64).ln()).collect();
            widest = widest.max(spread(&differences).unwrap_or(0.0));
        }
        let (forecast, procedure) =
            Forecast::new(self.question, pair, widest, self.settings.budget);
        for judgement in &mut self.judgements {
            match &procedure {
                Ok(procedure) => judgement.procedure = Some(procedure.clone()),
                Err(few) => {
                    let seconds = (pair * few.needed as u32).as_secs_f64().ceil();
                    let reason = format!(
                        "{} pairs fit its budget and the first look takes {}: give it --budget {seconds}s",
                        few.fit, few.needed
                    );
                    judgement.stop(Verdict::Inconclusive, reason);
                }
            }
        }
        self.forecast = Some(forecast);
        Some(forecast)
    }

    /// Takes a trial that counts.
    pub(super) fn take(&mut self, arm: Arm, line: &TrialLine, rows: &[TimedSample]) {
        self.trials += 1;
        self.long_gaps += u64::from(line.trial.host.gap_ns.is_some_and(|gap| gap >= LONG_GAP));
        for judgement in &mut self.judgements {
            if judgement.is_over() {
                continue;
            }
            if let Some((value, samples)) = judgement.value(rows, self.settings) {
                judgement.values[arm as usize].push(value);
                judgement.samples[arm as usize].add(&samples);
            }
        }
    }

    /// Both trials of a pair are there.
    pub(super) fn end_pair(&mut self, time: Duration) {
        self.time += time;
        for judgement in &mut self.judgements {
            if judgement.is_over() {
                continue;
            }
            let pair = judgement.values[0].last().zip(judgement.values[1].last());
            if let (Some((&a, &b)), Some(procedure)) = (pair, &mut judgement.procedure) {
                procedure.push((b as f64 / a as f64).ln());
            }
        }
        let budget = self
            .forecast
            .map_or(Duration::ZERO, |forecast| forecast.budget);
        if self.time > budget * PATIENCE {
            let reason = format!(
                "stopped after {:.0} s, {PATIENCE} times its budget: the host became slower than it was",
                self.time.as_secs_f64()
            );
            self.stop_all(Verdict::Inconclusive, &reason);
        }
    }

    /// Ends what is still open: the cell can't be measured.
    pub(super) fn fail(&mut self, reason: String) {
        self.stop_all(Verdict::NotMeasurable, &reason);
    }

    fn stop_all(&mut self, verdict: Verdict, reason: &str) {
        for judgement in &mut self.judgements {
            judgement.stop(verdict, reason.to_owned());
        }
    }
}

/// Whether a phase takes iterations of its own: with a child that reads the clock, or with a fresh channel.
fn stamped(settings: &Settings) -> bool {
    let takes =
        |phase: &Phase| [Phase::Start, Phase::Exec, Phase::Open, Phase::Setup].contains(phase);
    settings.phases.iter().any(takes)
}
