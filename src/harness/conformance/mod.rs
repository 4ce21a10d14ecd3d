//! Whether a program is a subject: it is held to the protocol, one requirement after the other, and its author is
//! told what is wrong.
//!
//! Each check is made in a conversation that the subject can't tell from one that measures. What it says of itself
//! is held to what the kernel says of it meanwhile, and the times that it tells are held to ours.

mod checks;
mod holding;
mod kernel;
mod mechanisms;
mod reading;
mod requirement;
mod talk;
mod timing;
mod trial;

use std::time::Duration;

use super::launcher::{Launcher, SubjectCommand};
use super::registry::ForeignMechanism;

pub use checks::{Check, Outcome};
pub use requirement::{REQUIREMENTS, Requirement};

use checks::{About, Checks};
use talk::Partner;

/// How long a new subject may take over an order that takes no time by itself, if nothing else is said.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What is held to the protocol, and how.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The subject.
    pub subject: &'a SubjectCommand,
    /// Mechanisms to try; none: those that it names, or answers to.
    pub mechanisms: &'a [String],
    /// What a registry says of its mechanisms.
    pub registered: &'a [ForeignMechanism],
    /// How long it may take over an order that takes no time by itself.
    pub patience: Duration,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conformance {
    /// The mechanisms that were tried.
    pub mechanisms: Vec<String>,
    /// Whether it is a build of forkbench's own subject.
    pub is_own: bool,
    /// Every check, in the order of [`REQUIREMENTS`].
    pub checks: Vec<Check>,
}

impl Conformance {
    /// Whether it does all that could be asked.
    pub fn holds(&self) -> bool {
        self.checks
            .iter()
            .all(|check| check.outcome != Outcome::Failed)
    }

    /// Whether iterations of any mechanism could be judged. A host that can do none of them says nothing.
    pub fn has_judged(&self) -> bool {
        let judged =
            |check: &Check| check.requirement.of_mechanism && check.outcome == Outcome::Passed;
        self.checks.iter().any(judged)
    }
}

/// Holds a subject to the protocol.
pub fn conform(launcher: &Launcher, candidate: Candidate<'_>) -> Conformance {
    let mut checks = Checks::default();
    let partner = Partner {
        subject: candidate.subject,
        launcher,
        patience: candidate.patience,
    };
    let mut mechanisms = candidate.mechanisms.to_vec();
    let mut is_own = false;
    if let Some(hello) = reading::read(partner, &mut checks) {
        holding::hold(partner, &mut checks);
        reading::end_of_input(partner, &mut checks);
        is_own = mechanisms::is_own(partner, &mut checks);
        if mechanisms.is_empty() {
            mechanisms = mechanisms::choose(partner, &mut checks, &hello, &candidate, is_own);
        }
        let wrong = mechanisms
            .is_empty()
            .then(|| "hello names none, and it answers to none of the usual names".to_owned());
        let seen = mechanisms.join(" ");
        checks.held("mechanisms", About::default(), wrong, &seen);
        for mechanism in &mechanisms {
            let claims_none = mechanisms::claims_none(mechanism, &candidate, is_own);
            timing::time(partner, &mut checks, mechanism, claims_none);
            trial::trace(partner, &mut checks, mechanism, claims_none);
            trial::measure(partner, &mut checks, mechanism);
        }
        for (name, seen) in [
            ("only-protocol", "answers alone"),
            ("in-time", "all orders were answered"),
            ("stays", "it lived until it was told to end"),
        ] {
            if !checks.has_failed(name) {
                checks.passed(name, About::default(), seen);
            }
        }
    }
    Conformance {
        checks: checks.finish(&mechanisms),
        mechanisms,
        is_own,
    }
}
