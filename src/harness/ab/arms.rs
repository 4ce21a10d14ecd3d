//! Real trials: a fresh subject for each.

use std::time::{Duration, Instant};

use super::{Arm, Arms, Contest};
use crate::harness::launcher::Launcher;
use crate::harness::runner::{Outcome, guess, outcome_of};
use crate::harness::trial::{LiveTrial, TrialError};
use crate::protocol::Count;

/// Starts a fresh subject for every trial.
#[derive(Debug)]
pub struct SubjectArms<'a> {
    launcher: &'a Launcher,
    begun: Instant,
}

impl<'a> SubjectArms<'a> {
    /// Subjects that `launcher` starts.
    pub fn new(launcher: &'a Launcher) -> Self {
        Self {
            launcher,
            begun: Instant::now(),
        }
    }
}

impl Arms for SubjectArms<'_> {
    fn trial(&mut self, contest: &Contest, arm: Arm, block: u32, count: Count) -> Outcome {
        let cell = contest.cell(arm);
        let made = || -> Result<_, TrialError> {
            let mut trial = LiveTrial::begin(self.launcher, cell, block, block)?;
            trial.iterate(count, guess(cell))?;
            Ok(trial.finish())
        };
        match made() {
            Ok((mut line, rows)) => {
                line.trial.arm = arm.name().to_owned();
                Outcome::Done(Box::new(line), rows)
            }
            Err(error) => outcome_of(&error, self.launcher.key(cell)),
        }
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}
