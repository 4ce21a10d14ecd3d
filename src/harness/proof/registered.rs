//! Proof of a registered subject's mechanism: what its interpreter does here, held to what the registry claims of it.

use std::path::PathBuf;

use super::iteration::{Births, ITERATIONS, IterationSeen, seen_in_iteration, trace_iterations};
use super::{Verdict, answered};
use crate::footprint::Footprint;
use crate::harness::launcher::Launcher;
use crate::harness::registry::{ForeignClaim, ForeignMechanism, Found, RegisteredSubject, Version};
use crate::harness::tracing::Expected;
use crate::mechanism::Event;

/// What runs a subject here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The program.
    pub program: PathBuf,
    /// Its version, where it was asked.
    pub version: Option<Version>,
}

impl std::fmt::Display for Interpreter {
    /// As in `/usr/bin/python3 3.11.7`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.program.display())?;
        match &self.version {
            Some(version) => write!(f, " {version}"),
            None => Ok(()),
        }
    }
}

/// A registered mechanism, what is claimed of it, and what was seen.
#[derive(Debug)]
pub struct RegisteredProof {
    /// The subject's name.
    pub subject: String,
    /// The mechanism's.
    pub mechanism: String,
    /// What ran it.
    pub interpreter: Interpreter,
    /// What is claimed of it with this interpreter, in words; `None`: nothing.
    pub claim: Option<String>,
    /// What iterations made.
    pub seen: IterationSeen,
    /// What came of it.
    pub verdict: Verdict,
}

/// Traces iterations of a registered mechanism and holds them to the claim that is made of its interpreter.
pub fn prove_registered(
    launcher: &Launcher,
    subject: &RegisteredSubject,
    found: &Found,
    mechanism: &ForeignMechanism,
) -> RegisteredProof {
    let claim = mechanism.claim(found.version.as_ref());
    let mut proof = RegisteredProof {
        subject: subject.name.clone(),
        mechanism: mechanism.name.clone(),
        interpreter: Interpreter {
            program: found.command.program.clone(),
            version: found.version.clone(),
        },
        claim: claim.map(words),
        seen: IterationSeen::default(),
        verdict: Verdict::Unverified("the registry claims nothing of it".to_owned()),
    };
    let footprint = Footprint::default();
    let traced = trace_iterations(launcher, &found.command, &mechanism.name, &footprint);
    let traced = match answered(traced) {
        Ok(traced) => traced,
        Err(verdict) => {
            proof.verdict = verdict;
            return proof;
        }
    };
    proof.seen = seen_in_iteration(traced);
    if let Some(claim) = claim {
        proof.verdict = judge(claim, mechanism, &proof.seen, &proof.interpreter);
    }
    proof
}

/// Holds what was seen to a claim, and says so where the interpreter has changed its mind.
fn judge(
    claim: &ForeignClaim,
    mechanism: &ForeignMechanism,
    seen: &IterationSeen,
    interpreter: &Interpreter,
) -> Verdict {
    let Err(difference) = hold(claim, seen) else {
        return Verdict::Proven;
    };
    let born = seen.child.as_ref();
    let born = born.map_or("no child in each iteration".to_owned(), |seen| {
        let by = if seen.by_subject {
            ""
        } else {
            " in a process that the subject had started"
        };
        format!("{}{by}", seen.child)
    });
    let mut reason = format!(
        "{difference}: claimed {}; with {interpreter} seen {born}",
        words(claim)
    );
    if let Some(varies) = &claim.varies {
        return Verdict::Varies(format!("{reason}; the claim says that it may: {varies}"));
    }
    // The oldest that fits: later ones may differ in what is not seen.
    let other = mechanism
        .claims
        .iter()
        .rfind(|other| *other != claim && hold(other, seen).is_ok());
    reason.push_str(&match other {
        Some(other) => {
            let of = match (&other.since, &claim.since) {
                (Some(since), _) => format!("version {since} and later"),
                (None, Some(since)) => format!("versions before {since}"),
                (None, None) => "others".to_owned(),
            };
            format!("; that is what is claimed of {of}: this one was built otherwise, or has changed its mind")
        }
        None => "; this interpreter has changed its mind, or the registry is wrong".to_owned(),
    });
    Verdict::Refuted(reason)
}

/// The first difference between a claim and what was seen.
fn hold(claim: &ForeignClaim, seen: &IterationSeen) -> Result<(), String> {
    let born = seen.child.as_ref();
    expected(claim)
        .hold(born.map(|seen| &seen.child))
        .map_err(|mismatch| mismatch.difference)?;
    match born {
        Some(seen) if seen.by_subject && claim.by_server => {
            return Err("the subject made it, and no server".to_owned());
        }
        Some(seen) if !seen.by_subject && !claim.by_server => {
            return Err("the subject did not make it itself".to_owned());
        }
        _ => {}
    }
    let unclaimed = |births: &&Births| {
        let each = births.by_subject && births.in_iterations >= ITERATIONS;
        each && !claim.beside.contains(&births.child.event)
    };
    match seen.others.iter().find(unclaimed) {
        Some(births) => Err(format!(
            "beside it every iteration makes another: {}",
            births.child
        )),
        None => Ok(()),
    }
}

fn expected(claim: &ForeignClaim) -> Expected<'_> {
    Expected {
        event: claim.event,
        calls: Vec::new(),
        flags: claim.flags.iter().map(String::as_str).collect(),
        without: claim.without.iter().map(String::as_str).collect(),
        exec: claim.exec,
        also: Vec::new(),
    }
}

/// As in `VFORK with CLONE_VM CLONE_VFORK, then execve`.
fn words(claim: &ForeignClaim) -> String {
    let mut text = claim.event.name().to_owned();
    if claim.event == Event::None {
        return "no child".to_owned();
    }
    if !claim.flags.is_empty() {
        text.push_str(&format!(" with {}", claim.flags.join(" ")));
    }
    if !claim.without.is_empty() {
        text.push_str(&format!(", without {}", claim.without.join(" ")));
    }
    if claim.exec {
        text.push_str(", then execve");
    }
    if claim.by_server {
        text.push_str(", in a process that the subject started before");
    }
    if let Some(since) = &claim.since {
        text.push_str(&format!(" (since version {since})"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::registry::Registry;
    use crate::harness::tracing::{Child, Creation};

    fn born(event: Event, flags: &[&str], exec: bool, by_subject: bool) -> IterationSeen {
        let creation = Creation {
            call: "clone".to_owned(),
            flags: flags.iter().map(ToString::to_string).collect(),
            stack_size: None,
        };
        let child = Child {
            pid: 2,
            parent: 1,
            maker: 1,
            step: 2,
            event,
            creation,
            returned_in_parent: None,
            returned_in_child: None,
            exec: exec.then(|| "/bin/true".to_owned()),
            calls_to_exec: 0,
            end: None,
            before: Vec::new(),
            calls: Vec::new(),
            meanwhile: Vec::new(),
        };
        IterationSeen {
            child: Some(Births {
                child,
                by_subject,
                in_iterations: 4,
                before: 2,
            }),
            others: Vec::new(),
        }
    }

    fn judged(mechanism: &str, version: &str, seen: &IterationSeen) -> Verdict {
        let registry = Registry::shipped();
        let python = registry.named("python").unwrap();
        let mechanism = python.mechanism(mechanism).unwrap();
        let version: Version = version.parse().unwrap();
        let interpreter = Interpreter {
            program: "/usr/bin/python3".into(),
            version: Some(version.clone()),
        };
        let claim = mechanism.claim(Some(&version)).unwrap();
        judge(claim, mechanism, seen, &interpreter)
    }

    #[test]
    fn an_interpreter_that_changed_its_mind_is_named_with_its_version() {
        let vfork = born(
            Event::Vfork,
            &["CLONE_VM", "CLONE_VFORK", "SIGCHLD"],
            true,
            true,
        );
        let fork = born(Event::Fork, &["SIGCHLD"], true, true);
        assert_eq!(judged("subprocess", "3.12", &vfork), Verdict::Proven);
        assert_eq!(judged("subprocess", "3.9", &fork), Verdict::Proven);
        // cpython#112334: 3.12.0 lost vfork to a wrong check.
        let Verdict::Refuted(lost) = judged("subprocess", "3.12", &fork) else {
            panic!("a fork is no vfork");
        };
        for word in [
            "the event is FORK",
            "claimed VFORK with CLONE_VM CLONE_VFORK, then execve",
            "/usr/bin/python3 3.12",
            "claimed of versions before 3.10",
            "changed its mind",
        ] {
            assert!(lost.contains(word), "no `{word}` in: {lost}");
        }
        let Verdict::Refuted(early) = judged("subprocess", "3.9", &vfork) else {
            panic!("a vfork is no fork");
        };
        assert!(
            early.contains("claimed of version 3.10 and later"),
            "{early}"
        );
    }

    #[test]
    fn who_made_the_child_is_part_of_a_claim() {
        let own = born(Event::Fork, &["SIGCHLD"], false, true);
        let servers = born(Event::Fork, &["SIGCHLD"], false, false);
        let warm = "multiprocessing-forkserver-warm";
        assert_eq!(judged(warm, "3.12", &servers), Verdict::Proven);
        assert!(matches!(judged(warm, "3.12", &own), Verdict::Refuted(_)));
        assert!(matches!(
            judged("os.fork", "3.12", &servers),
            Verdict::Refuted(_)
        ));
        let none = IterationSeen::default();
        assert_eq!(
            judged("concurrent.futures-warm", "3.12", &none),
            Verdict::Proven
        );
        let Verdict::Refuted(none) = judged("os.fork", "3.12", &none) else {
            panic!("no child is no fork");
        };
        assert!(none.contains("no child was made"), "{none}");
    }
}
