//! One cell while it is compared.

use std::time::Duration;

use super::forecast::{Forecast, PILOT_PAIRS, first_iterations, iterations};
use super::{Arm, Contest, Settings};
use crate::comparison::{CellVerdict, ConfirmationSeen, LookSeen, SideFigures};
use crate::mechanism::Phase;
use crate::protocol::{Count, TimedSample};
use crate::recording::TrialLine;
use crate::statistics::{
    Histogram, Outcome, Procedure, Question, Random, Verdict, median, order_statistic,
    pairs_to_reach, samples_needed, spread,
};

/// A pause of the subject's CPU that no clock interrupt explains: a quota, or a guest that is stopped.
const LONG_GAP: u64 = 10_000_000;
/// Pairs beyond which no one waits for an answer.
const HOPELESS: f64 = 10_000.0;
/// The change that hopelessness is measured by where the threshold is smaller.
const VISIBLE: f64 = 0.01;
/// How many times its budget a cell may take, confirming included, before it is stopped.
const PATIENCE: u32 = 3;

/// One cell under way.
#[derive(Debug)]
pub struct Live<'a> {
    contest: &'a Contest,
    index: usize,
    settings: &'a Settings,
    question: Question,
    count: Count,
    sized: bool,
    pilot_times: Vec<Duration>,
    forecast: Option<Forecast>,
    judgements: Vec<Judgement>,
    block: u32,
    time: Duration,
    trials: u64,
    long_gaps: u64,
}

/// One phase of it.
#[derive(Debug)]
pub struct Judgement {
    /// The phase.
    pub phase: Phase,
    /// Its looks and verdict; `None` before they are planned.
    pub procedure: Option<Procedure>,
    pilot: Vec<f64>,
    /// The statistic of each trial, by arm.
    values: [Vec<u64>; 2],
    samples: [Histogram; 2],
    /// Why it is over without a verdict of its own, and what is said then.
    stopped: Option<(Verdict, String)>,
}

impl Judgement {
    fn new(phase: Phase) -> Self {
        Self {
            phase,
            procedure: None,
            pilot: Vec::new(),
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
            sized: false,
            pilot_times: Vec::new(),
            forecast: None,
            judgements: settings
                .phases
                .iter()
                .map(|&phase| Judgement::new(phase))
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

    /// What the pilot said.
    pub fn forecast(&self) -> Option<&Forecast> {
        self.forecast.as_ref()
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

    /// Takes a trial of a pilot pair. The very first one only says how many iterations the others have.
    pub(super) fn take_pilot(&mut self, arm: Arm, line: &TrialLine, rows: &[TimedSample]) {
        if !self.sized {
            let made = u32::try_from(rows.len()).unwrap_or(u32::MAX).max(1);
            let each = Duration::from_nanos(line.trial.host.wall_ns) / made;
            self.count = iterations(each, stamped(self.settings));
            self.sized = true;
        }
        for judgement in &mut self.judgements {
            if let Some((value, _)) = judgement.value(rows, self.settings) {
                judgement.values[arm as usize].push(value);
            }
        }
    }

    pub(super) fn take_pilot_time(&mut self, time: Duration) {
        self.pilot_times.push(time);
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
            judgement.pilot = pairs.map(|(a, b)| (b as f64 / a as f64).ln()).collect();
            widest = widest.max(spread(&judgement.pilot).unwrap_or(0.0));
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

    /// What is said of each phase, with the samples of both arms.
    pub(super) fn conclude(&self, interrupted: bool) -> Vec<(CellVerdict, Option<[Histogram; 2]>)> {
        let each = self.judgements.iter().map(|judgement| {
            let [a, b] = &judgement.samples;
            let samples = (a.count() > 0 && b.count() > 0).then(|| [a.clone(), b.clone()]);
            (self.verdict(judgement, interrupted), samples)
        });
        each.collect()
    }

    fn verdict(&self, judgement: &Judgement, interrupted: bool) -> CellVerdict {
        let procedure = judgement.procedure.as_ref();
        let look = procedure.and_then(|procedure| procedure.looks().last());
        let effect = look.map(|look| LookSeen::of(look.pairs, look.shift));
        let spread = procedure.and_then(|procedure| spread(procedure.differences()));
        let (verdict, reason) = self.say(judgement, spread, interrupted);
        let needed = procedure
            .filter(|_| verdict == Verdict::Inconclusive)
            .and_then(Procedure::pairs_needed);
        let looks = procedure.map_or(&[][..], |procedure| procedure.looks());
        let confirmation = procedure.and_then(Procedure::confirmation);
        CellVerdict {
            id: self.contest.to_string(),
            phase: judgement.phase,
            verdict,
            reason,
            effect: effect.map(|seen| seen.effect),
            low: effect.map(|seen| seen.low),
            high: effect.map(|seen| seen.high),
            statistic: self.settings.statistic,
            confidence: self.settings.confidence,
            interval_confidence: 1.0 - procedure.map_or(self.question.level(1), Procedure::level),
            pairs: procedure.map_or(0, |procedure| procedure.differences().len() as u64),
            look: looks.len() as u32,
            seconds: self.time.as_secs_f64(),
            spread,
            pairs_needed: needed.map(|needed| needed.ceil() as u64),
            confirmation: confirmation.map(|made| {
                let seen = LookSeen::of(made.pairs, made.shift);
                ConfirmationSeen {
                    pairs: seen.pairs,
                    effect: seen.effect,
                    low: seen.low,
                    high: seen.high,
                    confirmed: made.confirmed,
                }
            }),
            looks: looks
                .iter()
                .map(|look| LookSeen::of(look.pairs, look.shift))
                .collect(),
            base: figures(self.contest, Arm::A, judgement),
            candidate: figures(self.contest, Arm::B, judgement),
        }
    }

    /// The verdict, and why where the interval alone does not say it.
    fn say(
        &self,
        judgement: &Judgement,
        spread: Option<f64>,
        interrupted: bool,
    ) -> (Verdict, Option<String>) {
        if self.trials >= 10 && self.long_gaps * 2 > self.trials {
            let reason = format!(
                "in {} of {} trials the subject's CPU was taken away for 10 ms and longer: look for a CPU quota \
                 or a stopped guest (`forkbench doctor`)",
                self.long_gaps, self.trials
            );
            return (Verdict::NotMeasurable, Some(reason));
        }
        if let Some((verdict, reason)) = &judgement.stopped {
            return (*verdict, Some(reason.clone()));
        }
        let Some(procedure) = &judgement.procedure else {
            let reason = "stopped before its first pair".to_owned();
            return (Verdict::Inconclusive, Some(reason));
        };
        match procedure.outcome() {
            Some(Outcome::Judged(verdict)) => (verdict, None),
            Some(Outcome::Identical) => {
                let reason = "every pair gave the very same ratio: the clock is too coarse, or the subject makes \
                              its times up";
                (Verdict::NotMeasurable, Some(reason.to_owned()))
            }
            Some(Outcome::Unconfirmed(seen)) => {
                let fresh = procedure.confirmation().map_or(0, |fresh| fresh.pairs);
                let reason = format!("looked {} and was not in {fresh} fresh pairs", seen.word());
                (Verdict::Inconclusive, Some(reason))
            }
            Some(Outcome::Exhausted) => self.exhausted(procedure, spread),
            None if interrupted => {
                let reason = format!("stopped after {} pairs", procedure.pairs());
                (Verdict::Inconclusive, Some(reason))
            }
            None => (Verdict::Inconclusive, Some("stopped".to_owned())),
        }
    }

    /// All looks are made: whether more could ever help.
    fn exhausted(&self, procedure: &Procedure, spread: Option<f64>) -> (Verdict, Option<String>) {
        let way = self.question.bound().max(VISIBLE);
        let spread = spread.unwrap_or(0.0);
        if pairs_to_reach(way, spread, procedure.level()) > HOPELESS {
            let reason = format!(
                "pairs spread by {:.0} %: no number of them would tell {:.0} % apart; find out what disturbs with \
                 `forkbench doctor`",
                100.0 * spread,
                100.0 * way.exp_m1()
            );
            return (Verdict::NotMeasurable, Some(reason));
        }
        let at_threshold = procedure
            .pairs_needed()
            .is_none_or(|needed| needed > HOPELESS);
        let reason = at_threshold.then(|| {
            "the effect lies about on the threshold: more pairs would hardly decide; move --threshold".to_owned()
        });
        (Verdict::Inconclusive, reason)
    }
}

/// Whether a phase takes iterations whose child reads the clock.
fn stamped(settings: &Settings) -> bool {
    let takes = |phase: &Phase| [Phase::Start, Phase::Exec].contains(phase);
    settings.phases.iter().any(takes)
}

/// One arm's figures; `None` where it has no trial.
fn figures(contest: &Contest, arm: Arm, judgement: &Judgement) -> Option<SideFigures> {
    let mut values = judgement.values[arm as usize].clone();
    values.sort_unstable();
    let samples = &judgement.samples[arm as usize];
    let tail = |q: f64| (samples.count() >= samples_needed(q)).then(|| samples.at(q));
    Some(SideFigures {
        cell: contest.cell(arm).to_string(),
        trials: values.len() as u64,
        sittings: 1,
        samples: samples.count(),
        value: median(&values)? as f64,
        p50: tail(0.50),
        p90: tail(0.90),
        p99: tail(0.99),
    })
}
