//! The verdict of one cell's phase from the sittings of both sides, and the reason where the interval alone does not
//! say it.

use super::document::{CellVerdict, Statistic};
use super::gathering::{Measured, Pair};
use super::receipts::differing;
use crate::mechanism::Phase;
use crate::statistics::{
    BETWEEN, Question, Strayed, Verdict, compare_sittings, student_quantile, value_of_sittings,
};

/// More than anybody would make.
const MOST_SITTINGS: usize = 50;

/// What every cell is judged by.
pub(super) struct Judgement {
    /// What stands for a trial.
    pub statistic: Statistic,
    /// What is asked of the interval.
    pub question: Question,
    /// Why no verdict may be given, if so.
    pub forbidden: Option<String>,
}

impl Judgement {
    /// What is said of a cell's phase.
    pub(super) fn verdict(&self, id: &str, phase: Phase, pair: &Pair) -> CellVerdict {
        let level = self.question.level(1);
        let mut verdict = CellVerdict {
            id: id.to_owned(),
            phase,
            verdict: Verdict::NotMeasurable,
            reason: None,
            effect: None,
            low: None,
            high: None,
            statistic: self.statistic,
            confidence: self.question.confidence,
            interval_confidence: 1.0 - level,
            pairs: 0,
            look: 0,
            seconds: 0.0,
            spread: None,
            pairs_needed: None,
            confirmation: None,
            looks: Vec::new(),
            base: None,
            candidate: None,
        };
        match pair {
            Ok(sides) => self.fill(&mut verdict, sides, level),
            Err(reason) => verdict.reason = Some(reason.clone()),
        }
        verdict
    }

    fn fill(&self, verdict: &mut CellVerdict, [base, candidate]: &[Box<Measured>; 2], level: f64) {
        let values = [base, candidate].map(|side| value_of_sittings(&side.sittings));
        if let [Some(of_base), Some(of_candidate)] = values {
            verdict.effect = Some((of_candidate - of_base).exp_m1());
            verdict.base = Some(base.figures(of_base));
            verdict.candidate = Some(candidate.figures(of_candidate));
        }
        let mut reasons = Vec::new();
        let seen = compare_sittings(&base.sittings, &candidate.sittings, level);
        if let Some(reason) = &self.forbidden {
            reasons.push(reason.clone());
        } else if never_varies(base, candidate) {
            reasons.push(
                "every trial of a sitting took the very same time: the clock is too coarse for it, or the times \
                 are made up"
                    .to_owned(),
            );
        } else if let Some(seen) = seen {
            let said = self.question.judge(seen.shift.low, seen.shift.high);
            verdict.verdict = said.unwrap_or(Verdict::Inconclusive);
            // Three sittings in all can leave an end beyond any number.
            let end = |log: f64| Some(log.exp_m1()).filter(|end| end.is_finite());
            (verdict.low, verdict.high) = (end(seen.shift.low), end(seen.shift.high));
            verdict.spread = Some(seen.deviation);
            if said.is_none() {
                reasons.push(self.undecided(&seen, level, [base, candidate]));
            }
        } else {
            reasons.push(
                "one trial in each of two sittings tells nothing of how trials spread; measure with --trials 3 or \
                 more"
                    .to_owned(),
            );
        }
        let apart = differing(&base.receipts, &candidate.receipts);
        if !apart.is_empty() {
            reasons.push(format!(
                "the subjects were not alike ({}), which may be all of the difference",
                apart.join(", ")
            ));
        }
        verdict.reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    }

    /// Why the interval reaches over a threshold, and what would help.
    fn undecided(&self, seen: &Strayed, level: f64, sides: [&Measured; 2]) -> String {
        let counts = sides.map(|side| side.sittings.len());
        let way = (seen.shift.centre.abs() - self.question.bound()).abs();
        // With that many a side they tell themselves how far they stray.
        let half = |sittings: usize| {
            let t = student_quantile(level, (2 * sittings - 2) as f64);
            t * seen.sitting * (2.0 / sittings as f64).sqrt()
        };
        let more = counts[0].min(counts[1]) + 1;
        let help = match (more..=MOST_SITTINGS).find(|&sittings| half(sittings) < way) {
            Some(sittings) => {
                format!("about {sittings} sittings a side would decide, or one `forkbench ab`")
            }
            None => "`forkbench ab` decides in one sitting".to_owned(),
        };
        let who = if seen.estimated {
            format!("sittings that stray by {:.1} %", 100.0 * seen.sitting)
        } else if seen.sitting > 2.0 * BETWEEN {
            format!(
                "sittings whose trials spread so far ({:.1} %)",
                100.0 * seen.sitting
            )
        } else if counts == [1, 1] {
            "single sittings".to_owned()
        } else {
            "so few sittings".to_owned()
        };
        let half = 100.0 * ((seen.shift.high - seen.shift.low) / 2.0).exp_m1();
        if half < 1_000.0 {
            format!("{who} tell a difference to ±{half:.0} %: {help}")
        } else {
            format!("{who} tell hardly anything: {help}")
        }
    }
}

/// Whether no trial differs from the others of its sitting, though there are several.
fn never_varies(base: &Measured, candidate: &Measured) -> bool {
    let sides = [base, candidate];
    let several = sides.iter().any(|side| side.trials() > side.sittings.len());
    several && sides.iter().all(|side| side.never_varies())
}
