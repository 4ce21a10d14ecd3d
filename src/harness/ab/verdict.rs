//! What is said of a cell in the end.

use super::live::{Judgement, Live};
use super::{Arm, Contest};
use crate::comparison::{CellVerdict, ConfirmationSeen, LookSeen, SideFigures};
use crate::statistics::{
    Histogram, Outcome, Procedure, Verdict, median, pairs_to_reach, samples_needed, spread,
};

/// Pairs beyond which no one waits for an answer.
const HOPELESS: f64 = 10_000.0;
/// The change that hopelessness is measured by where the threshold is smaller.
const VISIBLE: f64 = 0.01;
/// Trials from which on it counts how many had a long gap.
const ENOUGH_TRIALS: u64 = 10;

impl Live<'_> {
    /// What is said of each phase, with the samples of both arms.
    pub(super) fn conclude(&self, interrupted: bool) -> Vec<(CellVerdict, Option<[Histogram; 2]>)> {
        let each = self.judgements().iter().map(|judgement| {
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
            // Those since the last look, of a comparison that was stopped, are in no figure here.
            pairs: look.map_or(0, |look| look.pairs as u64),
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
        if self.trials >= ENOUGH_TRIALS && self.long_gaps * 2 > self.trials {
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
        if self.question.bound() == 0.0 && procedure.pairs_needed().is_none() {
            let reason = "no change was seen, and at a threshold of 0 % that can only end so: name the smallest \
                          change that matters with --threshold";
            return (Verdict::Inconclusive, Some(reason.to_owned()));
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
