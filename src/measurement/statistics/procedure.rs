//! When to stop, and what to say then: the rule of an A/B comparison.
//!
//! Looks are fixed before the first pair. At each, the interval of the effect stands at two-sided α/(mK), where
//! α = 1 − confidence, m is the number of judgements that share the confidence and K that of looks; so all
//! intervals of all looks hold together with that confidence, and the verdict, which follows from the
//! interval alone, holds with it, whichever it is. A change has to be seen a second time, on fresh pairs.
//!
//! [`Procedure`] takes differences one by one and knows no clock, so that simulation tests the very code that
//! judges (tests/simulation.rs).

use super::signed_rank::{Shift, fewest_pairs, shift, trimmed};
use super::verdict::{Question, Verdict};

/// Pairs after which the interval is looked at, as far as the budget goes.
pub const LOOKS: [usize; 7] = [16, 24, 36, 54, 80, 120, 180];

/// The fewest fresh pairs that confirm a change.
const CONFIRMING: usize = 24;
/// A change is confirmed where its direction is sure at one-sided 2.5 %: the end of a two-sided interval of
/// twice that.
const CONFIRMED: f64 = 0.05;

/// A moment at which the interval is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Planned {
    pairs: usize,
    trimmed: usize,
}

/// What was seen at a look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Pairs so far.
    pub pairs: usize,
    /// The effect and its interval, as log ratios.
    pub shift: Shift,
}

/// Fresh pairs that were made to see a change again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confirmation {
    /// Fresh pairs.
    pub pairs: usize,
    /// The effect in them and its interval at two-sided 5 %, as log ratios.
    pub shift: Shift,
    /// Whether they exclude no change in the same direction.
    pub confirmed: bool,
}

/// A change that waits for fresh pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// [`Verdict::Regressed`] or [`Verdict::Improved`].
    pub verdict: Verdict,
    /// Fresh pairs that are made before it is looked at; as many again if they don't confirm it.
    pub pairs: usize,
    fresh: Vec<f64>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With a verdict.
    Judged(Verdict),
    /// A change was seen, and not again in fresh pairs.
    Unconfirmed(Verdict),
    /// All looks were made, and the interval reaches over a threshold.
    Exhausted,
    /// Every pair gave the same ratio: the clock is too coarse, or the times are made up.
    Identical,
}

impl Outcome {
    /// What is said.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Judged(verdict) => verdict,
            Self::Unconfirmed(_) | Self::Exhausted => Verdict::Inconclusive,
            Self::Identical => Verdict::NotMeasurable,
        }
    }
}

/// There are not enough pairs for a single look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{fit} pairs fit, and the first look takes {needed}")]
pub struct TooFewPairs {
    /// Pairs that fit.
    pub fit: usize,
    /// Pairs that are needed.
    pub needed: usize,
}

/// One judgement under way: differences go in, looks and a verdict come out.
#[derive(Debug, Clone, PartialEq)]
pub struct Procedure {
    question: Question,
    planned: Vec<Planned>,
    differences: Vec<f64>,
    looks: Vec<Look>,
    claim: Option<Claim>,
    confirmation: Option<Confirmation>,
    outcome: Option<Outcome>,
}

impl Procedure {
    /// Plans the looks for a question when `pairs_that_fit` pairs fit the budget.
    ///
    /// # Errors
    /// Where not even the first look fits.
    pub fn new(question: Question, pairs_that_fit: usize) -> Result<Self, TooFewPairs> {
        let mut pairs: Vec<usize> = LOOKS.to_vec();
        pairs.retain(|&look| look <= pairs_that_fit);
        // A look with too few pairs for its level moves up to the first that has enough. It can
        // meet the next one, which leaves fewer looks and an easier level.
        loop {
            let needed = fewest_pairs(question.level(pairs.len()));
            if pairs.first().is_some_and(|&first| first >= needed) {
                break;
            }
            if needed > pairs_that_fit || pairs.is_empty() {
                let fit = pairs_that_fit;
                let needed = needed.max(LOOKS[0]);
                return Err(TooFewPairs { fit, needed });
            }
            pairs
                .iter_mut()
                .for_each(|look| *look = (*look).max(needed));
            pairs.dedup();
        }
        let level = question.level(pairs.len());
        let planned = pairs.iter().filter_map(|&pairs| {
            let trimmed = trimmed(pairs, level)?;
            Some(Planned { pairs, trimmed })
        });
        Ok(Self {
            question,
            planned: planned.collect(),
            differences: Vec::new(),
            looks: Vec::new(),
            claim: None,
            confirmation: None,
            outcome: None,
        })
    }

    /// Takes the log ratio of one more pair, and returns the outcome if this was the last one needed. What comes
    /// after the outcome is not looked at.
    pub fn push(&mut self, difference: f64) -> Option<Outcome> {
        if self.outcome.is_some() {
            return self.outcome;
        }
        match &mut self.claim {
            None => {
                self.differences.push(difference);
                self.look();
            }
            Some(claim) => {
                claim.fresh.push(difference);
                self.confirm();
            }
        }
        self.outcome
    }

    fn look(&mut self) {
        let pairs = self.differences.len();
        let Some(planned) = self.planned.get(self.looks.len()) else {
            self.outcome = Some(Outcome::Exhausted);
            return;
        };
        if pairs < planned.pairs {
            return;
        }
        let Some(shift) = shift(&self.differences, planned.trimmed) else {
            self.outcome = Some(Outcome::Exhausted);
            return;
        };
        self.looks.push(Look { pairs, shift });
        let last = self.looks.len() == self.planned.len();
        let same = |difference: &f64| *difference == self.differences[0];
        if self.differences.iter().all(same) {
            self.outcome = Some(Outcome::Identical);
            return;
        }
        match self.question.judge(shift.low, shift.high) {
            Some(Verdict::Unchanged) => self.outcome = Some(Outcome::Judged(Verdict::Unchanged)),
            Some(verdict) => {
                self.claim = Some(Claim {
                    verdict,
                    pairs: CONFIRMING.max(pairs / 2),
                    fresh: Vec::new(),
                });
            }
            None if last => self.outcome = Some(Outcome::Exhausted),
            None => {}
        }
    }

    fn confirm(&mut self) {
        let Some(claim) = &self.claim else { return };
        let made = claim.fresh.len();
        if made != claim.pairs && made != 2 * claim.pairs {
            return;
        }
        let seen = trimmed(made, CONFIRMED).and_then(|trimmed| shift(&claim.fresh, trimmed));
        let confirmed = seen.is_some_and(|shift| match claim.verdict {
            Verdict::Regressed => shift.low > 0.0,
            _ => shift.high < 0.0,
        });
        self.confirmation = seen.map(|shift| Confirmation {
            pairs: made,
            shift,
            confirmed,
        });
        if confirmed {
            self.outcome = Some(Outcome::Judged(claim.verdict));
        } else if made == 2 * claim.pairs {
            self.outcome = Some(Outcome::Unconfirmed(claim.verdict));
        }
    }

    /// How it ended; `None` while it goes on.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// What was seen so far, look by look. The last one carries the verdict.
    pub fn looks(&self) -> &[Look] {
        &self.looks
    }

    /// The change that waits for its confirmation, or had it.
    pub fn claim(&self) -> Option<&Claim> {
        self.claim.as_ref()
    }

    /// What fresh pairs said of the change.
    pub fn confirmation(&self) -> Option<Confirmation> {
        self.confirmation
    }

    /// Log ratios of the pairs for deciding, in order.
    pub fn differences(&self) -> &[f64] {
        &self.differences
    }

    /// All pairs so far, those that confirm included.
    pub fn pairs(&self) -> usize {
        let fresh = self.claim.as_ref().map_or(0, |claim| claim.fresh.len());
        self.differences.len() + fresh
    }

    /// Pairs after which it ends at the latest, if nothing is left to confirm.
    pub fn most_pairs(&self) -> usize {
        self.planned.last().map_or(0, |look| look.pairs)
    }

    /// The planned looks, in pairs.
    pub fn planned(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.planned.iter().map(|look| look.pairs)
    }

    /// The two-sided level of each interval.
    pub fn level(&self) -> f64 {
        self.question.level(self.planned.len())
    }

    /// About how many pairs would decide, if effect and spread are what the last look says: the interval narrows
    /// with the root of their number. `None` before the first look, and where the effect lies on the
    /// threshold itself, so that no number would; with a threshold of 0 that is what "nothing changed" looks
    /// like, and an effect within its interval's half of 0 is taken for it.
    pub fn pairs_needed(&self) -> Option<f64> {
        let look = self.looks.last()?;
        let half = (look.shift.high - look.shift.low) / 2.0;
        if self.question.bound() == 0.0 && look.shift.centre.abs() < half / 2.0 {
            return None;
        }
        let way = (look.shift.centre.abs() - self.question.bound()).abs();
        let needed = look.pairs as f64 * (half / way).powi(2);
        needed.is_finite().then_some(needed.max(look.pairs as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(threshold: f64, judgements: usize) -> Question {
        Question {
            threshold,
            confidence: 0.99,
            judgements,
        }
    }

    fn looks(judgements: usize, fit: usize) -> Vec<usize> {
        Procedure::new(question(0.03, judgements), fit)
            .unwrap()
            .planned()
            .collect()
    }

    #[test]
    fn looks_are_those_that_fit_and_can_exclude_something() {
        assert_eq!(looks(1, 1_000), LOOKS);
        assert_eq!(looks(4, 100), [16, 24, 36, 54, 80]);
        assert_eq!(looks(1, 16), [16]);
        // 2^(1 − 16) = 3.05e-5 is more than 0.01 / (100 · 7) = 1.4e-5: 18 pairs have enough.
        assert_eq!(looks(100, 180), [18, 24, 36, 54, 80, 120, 180]);
        // Where the first two meet, one look is saved and the level is easier again.
        assert_eq!(looks(20_000, 36), [24, 36]);
        assert_eq!(
            Procedure::new(question(0.03, 1), 15).unwrap_err(),
            TooFewPairs {
                fit: 15,
                needed: 16
            }
        );
        assert!(Procedure::new(question(0.03, 1_000_000), 20).is_err());
        assert!(Procedure::new(question(0.03, 1), 0).is_err());
    }

    /// Differences about `centre`, evenly spread over ± `reach`, in no telling order.
    fn even(centre: f64, reach: f64) -> impl Iterator<Item = f64> {
        (0..).map(move |index| {
            let place = f64::from(index * 7 % 17) / 8.0 - 1.0;
            centre + reach * place
        })
    }

    fn run(threshold: f64, differences: impl Iterator<Item = f64>) -> Procedure {
        let mut procedure = Procedure::new(question(threshold, 1), 180).unwrap();
        for difference in differences {
            if procedure.push(difference).is_some() {
                break;
            }
        }
        procedure
    }

    #[test]
    fn a_clear_case_is_decided_at_the_first_look_and_a_change_is_seen_twice() {
        let same = run(0.03, even(0.0, 0.01));
        assert_eq!(same.outcome(), Some(Outcome::Judged(Verdict::Unchanged)));
        assert_eq!((same.pairs(), same.looks().len()), (16, 1));
        let slower = run(0.03, even(0.10, 0.01));
        assert_eq!(slower.outcome(), Some(Outcome::Judged(Verdict::Regressed)));
        assert_eq!((slower.differences().len(), slower.pairs()), (16, 40));
        assert!(slower.confirmation().unwrap().confirmed);
        let faster = run(0.03, even(-0.10, 0.01));
        assert_eq!(faster.outcome(), Some(Outcome::Judged(Verdict::Improved)));
    }

    #[test]
    fn a_change_that_is_gone_in_fresh_pairs_is_no_verdict() {
        let gone = run(0.03, even(0.10, 0.01).take(16).chain(even(0.0, 0.01)));
        assert_eq!(
            gone.outcome(),
            Some(Outcome::Unconfirmed(Verdict::Regressed))
        );
        assert_eq!(gone.outcome().unwrap().verdict(), Verdict::Inconclusive);
        // 24 fresh pairs, and 24 once more.
        assert_eq!(gone.pairs(), 16 + 48);
        assert!(!gone.confirmation().unwrap().confirmed);
        // The other direction confirms nothing either.
        let turned = run(0.03, even(0.10, 0.01).take(16).chain(even(-0.1, 0.01)));
        assert_eq!(
            turned.outcome(),
            Some(Outcome::Unconfirmed(Verdict::Regressed))
        );
    }

    #[test]
    fn an_effect_on_the_threshold_is_never_decided_and_one_beside_it_says_how_far() {
        let edge = run(0.03, even(0.03f64.ln_1p(), 0.05));
        assert_eq!(edge.outcome(), Some(Outcome::Exhausted));
        assert_eq!((edge.pairs(), edge.looks().len()), (180, LOOKS.len()));
        let near = run(0.03, even(0.025, 0.20));
        assert_eq!(near.outcome().unwrap().verdict(), Verdict::Inconclusive);
        assert!(near.pairs_needed().unwrap() > 180.0);
    }

    #[test]
    fn what_cannot_vary_is_not_measurable_and_a_threshold_of_zero_has_no_unchanged() {
        let equal = run(0.03, std::iter::repeat_n(0.0, 200));
        assert_eq!(equal.outcome(), Some(Outcome::Identical));
        let made_up = run(0.03, std::iter::repeat_n(0.7, 200));
        assert_eq!(made_up.outcome().unwrap().verdict(), Verdict::NotMeasurable);
        let same = run(0.0, even(0.0, 0.01));
        assert_eq!(same.outcome(), Some(Outcome::Exhausted));
        let wild = run(0.03, std::iter::repeat_n(f64::NAN, 200));
        assert_eq!(wild.outcome().unwrap().verdict(), Verdict::Inconclusive);
    }
}
