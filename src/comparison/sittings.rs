//! From recorded runs, each a sitting of its own, to a verdict for each cell.

use std::collections::BTreeSet;

use super::ComparisonError;
use super::document::{CellVerdict, Statistic};
use super::gathering::{Found, Measured, gather, unlike};
use super::hosts::differences;
use super::receipts::differing;
use crate::mechanism::Phase;
use crate::recording::{Recorded, Run, plain};
use crate::statistics::{
    BETWEEN, Histogram, Question, Strayed, Verdict, compare_sittings, normal_quantile,
    value_of_sittings,
};

/// What is asked of two sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The smallest change that matters, as a ratio less one.
    pub threshold: f64,
    /// With which probability all verdicts hold together.
    pub confidence: f64,
    /// The phases to judge.
    pub phases: Vec<Phase>,
    /// What stands for a trial.
    pub statistic: Statistic,
    /// Whether sides of different hosts are judged all the same.
    pub across_hosts: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// A verdict for each cell and phase, in the order of measuring.
    pub cells: Vec<CellVerdict>,
    /// Beside each: all samples of both sides, where they are still there.
    pub samples: Vec<Option<[Histogram; 2]>>,
    /// In what the sides differ beside what is compared; those that forbid a verdict first.
    pub differences: Vec<String>,
    /// What a reader should know before believing it.
    pub warnings: Vec<String>,
}

/// A cell's phase on both sides, or why there is nothing to judge.
type Pair<'a> = Result<[Box<Measured<'a>>; 2], String>;

/// Judges the runs of a candidate against those of a base.
///
/// A cell that only one side can show is `not measurable` with the reason, so that a cell that has gone missing
/// does not pass for well. One that neither side has trials of gets no verdict.
///
/// # Errors
/// Where no cell is on both sides or none has the phases asked for, and where a side names a run twice.
pub fn judge(
    base: &[Recorded],
    candidate: &[Recorded],
    asked: &Asked,
) -> Result<Judged, ComparisonError> {
    for (name, side) in [("base", base), ("candidate", candidate)] {
        once_each(name, side)?;
    }
    let mut differences = differences(&runs_of(base), &runs_of(candidate));
    let mut warnings = warnings(base, candidate);
    let same = shared_run(base, candidate);
    let forbidden = match &same {
        Some(run) => Some(format!(
            "{run} is on both sides: compared with itself it tells nothing; name two sittings"
        )),
        None => differences.reason().filter(|_| !asked.across_hosts),
    };
    if let Some(run) = same {
        differences
            .words
            .insert(0, format!("run: {run} is on both sides"));
    }

    let mut pairs = Vec::new();
    for id in ids_of_both(base, candidate)? {
        for &phase in &asked.phases {
            if let Some(pair) = pair(base, candidate, id, phase, asked.statistic) {
                pairs.push((id, phase, pair));
            }
        }
    }
    if pairs.is_empty() {
        let phases: Vec<_> = asked
            .phases
            .iter()
            .map(|phase| format!("`{}`", phase.name()))
            .collect();
        return Err(ComparisonError::NoPhase {
            phases: phases.join(" or "),
        });
    }
    let question = Question {
        threshold: asked.threshold,
        confidence: asked.confidence,
        judgements: pairs.iter().filter(|(_, _, pair)| pair.is_ok()).count(),
    };
    let (mut cells, mut samples) = (Vec::new(), Vec::new());
    for (id, phase, pair) in pairs {
        let judgement = Judgement {
            asked,
            question,
            forbidden: forbidden.as_deref(),
        };
        let cell = judgement.verdict(id, phase, &pair);
        if let (Verdict::NotMeasurable, Some(reason), true) =
            (cell.verdict, &cell.reason, pair.is_err())
        {
            warnings.push(format!("{} {}: {reason}", plain(id), phase.name()));
        }
        cells.push(cell);
        samples.push(
            pair.ok()
                .and_then(|[base, candidate]| Some([base.samples?, candidate.samples?])),
        );
    }
    Ok(Judged {
        cells,
        samples,
        differences: differences.words,
        warnings,
    })
}

fn once_each(side: &'static str, runs: &[Recorded]) -> Result<(), ComparisonError> {
    let mut seen = BTreeSet::new();
    match runs.iter().find(|one| !seen.insert(name_of(one))) {
        None => Ok(()),
        Some(twice) => Err(ComparisonError::Twice {
            side,
            run: plain(&twice.run.id),
        }),
    }
}

fn runs_of(side: &[Recorded]) -> Vec<&Run> {
    side.iter().map(|one| &one.run).collect()
}

/// What tells a run from others, wherever it was copied to.
fn name_of(recorded: &Recorded) -> (&str, &str, u64) {
    let run = &recorded.run;
    (&run.id, &run.started, run.seed)
}

/// A run that is on both sides.
fn shared_run(base: &[Recorded], candidate: &[Recorded]) -> Option<String> {
    let candidate: BTreeSet<_> = candidate.iter().map(name_of).collect();
    let mut shared = base.iter().filter(|one| candidate.contains(&name_of(one)));
    shared.next().map(|one| plain(&one.run.id))
}

/// What is wrong with the runs themselves.
fn warnings(base: &[Recorded], candidate: &[Recorded]) -> Vec<String> {
    let mut warnings = Vec::new();
    for recorded in base.iter().chain(candidate) {
        let run = plain(&recorded.run.id);
        if recorded.run.finished.is_none() {
            warnings.push(format!(
                "{run} did not finish; the trials it has are compared"
            ));
        }
        let problems = recorded.problems.iter();
        warnings.extend(problems.map(|problem| format!("{run}: {problem}")));
    }
    warnings
}

/// The cells of all runs, in the order in which they were first seen.
fn ids_of_both<'a>(
    base: &'a [Recorded],
    candidate: &'a [Recorded],
) -> Result<Vec<&'a str>, ComparisonError> {
    let [of_base, of_candidate] = [base, candidate].map(ids);
    if !of_base.iter().any(|id| of_candidate.contains(id)) {
        return Err(ComparisonError::NothingInCommon {
            base: listed(&of_base),
            candidate: listed(&of_candidate),
        });
    }
    let mut all = of_base;
    let known: BTreeSet<&str> = all.iter().copied().collect();
    all.extend(of_candidate.into_iter().filter(|id| !known.contains(id)));
    Ok(all)
}

fn ids(side: &[Recorded]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let cells = side.iter().flat_map(|one| &one.run.cells);
    let ids = cells.map(|cell| cell.id.as_str());
    ids.filter(|id| seen.insert(*id)).collect()
}

fn listed(ids: &[&str]) -> String {
    const MOST: usize = 8;
    let named: Vec<String> = ids.iter().take(MOST).map(|id| plain(id)).collect();
    match ids.len() {
        0 => "no cells".to_owned(),
        count if count > MOST => format!("{} and {} more", named.join(", "), count - MOST),
        _ => named.join(", "),
    }
}

/// Both sides of a cell's phase; `None` where neither has anything to show.
fn pair<'a>(
    base: &'a [Recorded],
    candidate: &'a [Recorded],
    id: &str,
    phase: Phase,
    statistic: Statistic,
) -> Option<Pair<'a>> {
    let [base, candidate] = [base, candidate].map(|side| gather(side, id, phase, statistic));
    let reason = match (base, candidate) {
        (Found::Nothing(_), Found::Nothing(_)) => return None,
        (Found::Measured(base), Found::Measured(candidate)) => {
            match unlike(base.cell, candidate.cell) {
                None => return Some(Ok([base, candidate])),
                Some(odd) => format!("the sides measured different cells: {odd}"),
            }
        }
        (Found::Unusable(reason), _) => format!("base: {reason}"),
        (_, Found::Unusable(reason)) => format!("candidate: {reason}"),
        (Found::Nothing(reason), _) => format!("only the candidate measured it; base: {reason}"),
        (_, Found::Nothing(reason)) => format!("only the base measured it; candidate: {reason}"),
    };
    Some(Err(reason))
}

/// What every cell is judged by.
struct Judgement<'a> {
    asked: &'a Asked,
    question: Question,
    /// Why no verdict may be given, if so.
    forbidden: Option<&'a str>,
}

impl Judgement<'_> {
    fn verdict(&self, id: &str, phase: Phase, pair: &Pair) -> CellVerdict {
        let level = self.question.level(1);
        let mut verdict = CellVerdict {
            id: id.to_owned(),
            phase,
            verdict: Verdict::NotMeasurable,
            reason: None,
            effect: None,
            low: None,
            high: None,
            statistic: self.asked.statistic,
            confidence: self.asked.confidence,
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
        if let Some(reason) = self.forbidden {
            reasons.push(reason.to_owned());
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
        const MOST: f64 = 100.0;
        let way = (seen.shift.centre.abs() - self.question.bound()).abs();
        let ends = normal_quantile(1.0 - level / 2.0);
        let needed = (2.0 * (ends * seen.sitting / way).powi(2)).ceil();
        let fewest = sides.map(|side| side.sittings.len());
        let help =
            if needed.is_finite() && needed <= MOST && needed > fewest[0].min(fewest[1]) as f64 {
                format!("about {needed} sittings a side would decide, or one `forkbench ab`")
            } else {
                "`forkbench ab` decides in one sitting".to_owned()
            };
        let who = if seen.estimated {
            format!("sittings that stray by {:.1} %", 100.0 * seen.sitting)
        } else if seen.sitting > 2.0 * BETWEEN {
            format!(
                "sittings whose trials spread so far ({:.1} %)",
                100.0 * seen.sitting
            )
        } else if fewest == [1, 1] {
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
