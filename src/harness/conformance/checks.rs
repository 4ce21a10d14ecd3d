//! What came of each check.

use super::requirement::{REQUIREMENTS, Requirement, named};

/// Characters of what was seen that are kept: it may be a hostile subject's.
const LONGEST: usize = 400;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The subject does what is asked.
    Passed,
    /// It does not.
    Failed,
    /// It could not be asked, or need not.
    NotApplicable,
}

impl Outcome {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// A requirement, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is asked.
    pub requirement: &'static Requirement,
    /// Of which mechanism; `None`: of the subject.
    pub mechanism: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// The order that was sent, where one was.
    pub order: Option<String>,
    /// What was seen, or why nothing could be.
    pub seen: String,
}

/// Checks so far. Of several looks at one requirement the first failure counts, else the last.
#[derive(Debug, Default)]
pub(super) struct Checks {
    made: Vec<Check>,
    /// Orders without an answer: each costs the whole patience.
    pub(super) silences: u32,
}

impl Checks {
    fn put(&mut self, name: &str, about: About<'_>, outcome: Outcome, seen: &str) {
        let requirement = named(name);
        let mechanism = about.mechanism.filter(|_| requirement.of_mechanism);
        let is_same = |check: &&mut Check| {
            check.requirement == requirement && check.mechanism.as_deref() == mechanism
        };
        let check = Check {
            requirement,
            mechanism: mechanism.map(str::to_owned),
            outcome,
            order: about.order.map(escaped),
            seen: escaped(seen),
        };
        match self.made.iter_mut().find(is_same) {
            Some(before) if before.outcome == Outcome::Failed => {}
            Some(before) if outcome == Outcome::NotApplicable && before.outcome != outcome => {}
            Some(before) => *before = check,
            None => self.made.push(check),
        }
    }

    /// The subject did what is asked.
    pub(super) fn passed(&mut self, name: &str, about: About<'_>, seen: &str) {
        self.put(name, about, Outcome::Passed, seen);
    }

    /// It did not.
    pub(super) fn failed(&mut self, name: &str, about: About<'_>, seen: &str) {
        self.put(name, about, Outcome::Failed, seen);
    }

    /// It can't be said.
    pub(super) fn unknown(&mut self, name: &str, about: About<'_>, why: &str) {
        self.put(name, about, Outcome::NotApplicable, why);
    }

    /// Passed where nothing is wrong, else failed for what is.
    pub(super) fn held(&mut self, name: &str, about: About<'_>, wrong: Option<String>, seen: &str) {
        match wrong {
            Some(wrong) => self.failed(name, about, &wrong),
            None => self.passed(name, about, seen),
        }
    }

    /// Whether a requirement is known not to be met.
    pub(super) fn has_failed(&self, name: &str) -> bool {
        let failed = |check: &Check| check.outcome == Outcome::Failed;
        self.made
            .iter()
            .any(|check| check.requirement.name == name && failed(check))
    }

    /// Whether a mechanism was skipped, or could not be asked at all: then there is nothing more to ask of it.
    pub(super) fn is_out_of_reach(&self, mechanism: &str) -> bool {
        let counts = named("counts");
        let of_it = |check: &&Check| {
            check.requirement == counts && check.mechanism.as_deref() == Some(mechanism)
        };
        let found = self.made.iter().find(of_it);
        found.is_none_or(|check| check.outcome != Outcome::Passed)
    }

    /// All of them in the order of the requirements; those that were not reached are not applicable.
    pub(super) fn finish(mut self, mechanisms: &[String]) -> Vec<Check> {
        let before = "not reached";
        let mut all = Vec::new();
        for requirement in REQUIREMENTS {
            let asked: Vec<Option<&str>> = match requirement.of_mechanism {
                false => vec![None],
                true => mechanisms.iter().map(|name| Some(name.as_str())).collect(),
            };
            for mechanism in asked {
                let about = About {
                    mechanism,
                    order: None,
                };
                let is_it = |check: &Check| {
                    check.requirement == requirement && check.mechanism.as_deref() == mechanism
                };
                if !self.made.iter().any(is_it) {
                    self.unknown(requirement.name, about, before);
                }
                let at = self.made.iter().position(is_it);
                all.extend(at.map(|at| self.made.swap_remove(at)));
            }
        }
        all
    }
}

/// What a check is about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct About<'a> {
    /// The mechanism.
    pub(super) mechanism: Option<&'a str>,
    /// The order that was sent.
    pub(super) order: Option<&'a str>,
}

impl<'a> About<'a> {
    /// An order.
    pub(super) fn order(order: &'a str) -> Self {
        Self {
            mechanism: None,
            order: Some(order),
        }
    }
}

/// Text of a subject's, for a terminal: shortened, without control characters.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { '·' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        escaped.push('…');
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_counts() {
        let mut checks = Checks::default();
        checks.passed("receipt", About::order("hold bytes=0"), "fine");
        checks.failed("receipt", About::order("hold bytes=1"), "first");
        checks.failed("receipt", About::default(), "second");
        checks.passed("receipt", About::default(), "fine again");
        checks.passed("cpu", About::default(), "on 1");
        checks.unknown("cpu", About::default(), "no CPU");
        let checks = checks.finish(&["fork".to_owned()]);
        let of = |name: &str| {
            checks
                .iter()
                .find(|check| check.requirement.name == name)
                .unwrap()
        };
        assert_eq!(
            (of("receipt").outcome, of("receipt").seen.as_str()),
            (Outcome::Failed, "first")
        );
        assert_eq!(of("receipt").order.as_deref(), Some("hold bytes=1"));
        assert_eq!(of("cpu").outcome, Outcome::Passed);
        assert_eq!(of("counts").mechanism.as_deref(), Some("fork"));
        assert_eq!(of("counts").seen, "not reached");
        assert_eq!(checks.len(), REQUIREMENTS.len());
    }

    #[test]
    fn every_requirement_has_a_name_of_its_own() {
        for (index, one) in REQUIREMENTS.iter().enumerate() {
            assert!(
                REQUIREMENTS[..index]
                    .iter()
                    .all(|other| other.name != one.name)
            );
            assert!(!one.asks.is_empty() && !one.remedy.is_empty());
        }
    }
}
