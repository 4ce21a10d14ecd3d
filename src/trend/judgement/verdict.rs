//! What is said of a series' newest level.

use super::{Asked, FEWEST_RUNS, GONE, Series};
use crate::statistics::Verdict;
use crate::statistics::change_points::{CONFIRMATION, FEWEST_REFERENCES};
use crate::trend::document::{ChangeSeen, PendingSeen, RunSeen};

impl Series<'_> {
    /// The verdict of a series, and why, where it alone does not say it.
    pub(super) fn verdict(
        &self,
        changes: &[ChangeSeen],
        pending: Option<&PendingSeen>,
        runs: &[RunSeen],
        asked: &Asked,
    ) -> (Verdict, Option<String>) {
        let count = self.runs.len();
        let missed = self.missed(runs.len());
        if missed >= self.gone() {
            let reason = format!("it was in none of the newest {missed} runs");
            return (Verdict::NotMeasurable, Some(reason));
        }
        if count < FEWEST_RUNS {
            let runs = if count == 1 { "run" } else { "runs" };
            let reason = format!("{count} {runs} so far; a first verdict takes {FEWEST_RUNS}");
            return (Verdict::Inconclusive, Some(reason));
        }
        let matters = |effect: f64| effect.ln_1p().abs() >= asked.threshold.ln_1p();
        let is_known = |change: &&ChangeSeen| {
            asked
                .known
                .is_some_and(|known| change.after.seconds < known)
        };
        let fresh = changes.iter().rev().take_while(|change| !is_known(change));
        let decisive = fresh
            .filter(|change| matters(change.effect))
            .map(|change| change.effect)
            .next();
        match (decisive, pending) {
            (Some(effect), _) if effect > 0.0 => (Verdict::Regressed, None),
            _ if self.unjudged > 0 => {
                let reason = format!(
                    "the newest {} of its runs can't be judged: they have fewer than {FEWEST_REFERENCES} other cells that say \
                     what the sitting did",
                    self.unjudged
                );
                (Verdict::Inconclusive, Some(reason))
            }
            (Some(_), None) => (Verdict::Improved, None),
            (_, Some(pending)) if matters(pending.effect) => {
                let reason = match pending.runs < CONFIRMATION {
                    true => format!("unconfirmed ({} of {CONFIRMATION})", pending.runs),
                    false => format!("{} runs, not yet clear of the spread", pending.runs),
                };
                (Verdict::Inconclusive, Some(reason))
            }
            (Some(_), Some(_)) => (Verdict::Improved, None),
            (None, _) => (Verdict::Unchanged, None),
        }
    }

    /// The newest runs that don't have it.
    fn missed(&self, runs: usize) -> usize {
        let cell = self.cell.and_then(|cell| cell.measured.last());
        let last = cell.map(|one| one.run).max(self.runs.last().copied());
        last.map_or(runs, |last| runs.saturating_sub(last.saturating_add(1)))
    }

    /// So many newest runs without it, and it is gone: three times as many as usually lie between two that have it.
    fn gone(&self) -> usize {
        let mut gaps: Vec<usize> = self.runs.windows(2).map(|two| two[1] - two[0]).collect();
        gaps.sort_unstable();
        let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(1);
        (3 * usual).clamp(3, GONE)
    }
}
