//! From recorded runs, each a sitting of its own, to a verdict for each cell.

use std::collections::BTreeSet;

use super::ComparisonError;
use super::document::{CellVerdict, Statistic};
use super::gathering::{Found, Measured, Pair, gather, unlike};
use super::hosts::differences;
use super::judgement::Judgement;
use crate::mechanism::Phase;
use crate::protocol::headline;
use crate::recording::{Recorded, Run, plain};
use crate::statistics::{Histogram, Question};

/// What is asked of two sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The smallest change that matters, as a ratio less one.
    pub threshold: f64,
    /// With which probability all verdicts hold together.
    pub confidence: f64,
    /// The phases to judge; none: what each cell's mechanism is spoken of by.
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
    let differences = differences(&runs_of(base), &runs_of(candidate));
    let (mut named, mut forbidden) = (differences.words.clone(), None);
    if let Some(run) = shared_run(base, candidate) {
        named.insert(0, format!("run: {run} is on both sides"));
        forbidden = Some(format!(
            "{run} is on both sides: compared with itself it tells nothing; name two sittings"
        ));
    } else if !asked.across_hosts {
        forbidden = differences.reason();
    }
    let pairs = pairs(base, candidate, asked)?;
    let judgement = Judgement {
        statistic: asked.statistic,
        question: Question {
            threshold: asked.threshold,
            confidence: asked.confidence,
            judgements: pairs.iter().filter(|(_, _, pair)| pair.is_ok()).count(),
        },
        forbidden,
    };
    let mut judged = Judged {
        cells: Vec::new(),
        samples: Vec::new(),
        differences: named,
        warnings: warnings(base, candidate),
    };
    for (id, phase, pair) in pairs {
        if let Err(reason) = &pair {
            let warning = format!("{} {}: {reason}", plain(id), phase.name());
            judged.warnings.push(warning);
        }
        judged.cells.push(judgement.verdict(id, phase, &pair));
        let samples =
            |[base, candidate]: [Box<Measured>; 2]| Some([base.samples?, candidate.samples?]);
        judged.samples.push(pair.ok().and_then(samples));
    }
    Ok(judged)
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

/// All that can be judged or should be there to be judged.
fn pairs<'a>(
    base: &'a [Recorded],
    candidate: &'a [Recorded],
    asked: &Asked,
) -> Result<Vec<(&'a str, Phase, Pair<'a>)>, ComparisonError> {
    let mut pairs = Vec::new();
    for id in ids_of_both(base, candidate)? {
        let phases = match asked.phases.is_empty() {
            true => vec![headline_of(base, candidate, id)],
            false => asked.phases.clone(),
        };
        for phase in phases {
            if let Some(pair) = pair(base, candidate, id, phase, asked.statistic) {
                pairs.push((id, phase, pair));
            }
        }
    }
    if pairs.is_empty() {
        let phases = asked
            .phases
            .iter()
            .map(|phase| format!("`{}`", phase.name()));
        let phases = match asked.phases.is_empty() {
            true => "their usual phase".to_owned(),
            false => phases.collect::<Vec<_>>().join(" or "),
        };
        return Err(ComparisonError::NoPhase { phases });
    }
    Ok(pairs)
}

/// What a cell's mechanism is spoken of by.
fn headline_of(base: &[Recorded], candidate: &[Recorded], id: &str) -> Phase {
    let mut cells = base.iter().chain(candidate).flat_map(|one| &one.run.cells);
    let cell = cells.find(|cell| cell.id == id);
    cell.map_or(Phase::Call, |cell| headline(&cell.mechanism))
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
