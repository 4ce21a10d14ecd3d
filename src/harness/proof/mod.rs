//! Proof that a mechanism is what its name says: one iteration, traced, held to its claim.

mod iteration;
mod registered;

use std::time::Duration;

use super::launcher::{Launcher, SubjectCommand};
use super::tracing::{Child, TraceError, Traced, trace, verify};
use crate::mechanism::{Claim, Mechanism};
use crate::protocol::{Count, Order, VERSION};

pub use iteration::{Births, ITERATIONS, IterationSeen, seen_in_iteration, trace_iterations};
pub use registered::{Interpreter, RegisteredProof, prove_registered};

/// How long a traced iteration may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What came of holding a mechanism to its claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does what it claims.
    Proven,
    /// It does something else.
    Refuted(String),
    /// It does something else, as its claim says that it may.
    Varies(String),
    /// It could not be seen.
    Unverified(String),
}

impl Verdict {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Refuted(_) => "refuted",
            Self::Varies(_) => "varies",
            Self::Unverified(_) => "unverified",
        }
    }

    /// Why it is not proven.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Proven => None,
            Self::Refuted(reason) | Self::Varies(reason) | Self::Unverified(reason) => Some(reason),
        }
    }
}

/// A mechanism, what it claims, and what was seen.
#[derive(Debug)]
pub struct Proof {
    /// The mechanism.
    pub mechanism: &'static Mechanism,
    /// The system call that made the child, with its flags.
    pub seen: Option<String>,
    /// The child that was seen, the last of them.
    pub child: Option<Child>,
    /// What came of it.
    pub verdict: Verdict,
}

/// Traces one iteration of a mechanism in `subject` and holds it to its claim.
pub fn prove(
    launcher: &Launcher,
    subject: &SubjectCommand,
    mechanism: &'static Mechanism,
) -> Proof {
    let mut proof = Proof {
        mechanism,
        seen: None,
        child: None,
        verdict: Verdict::Unverified(String::new()),
    };
    let mut command = subject.to_command();
    let traced = match answered(trace(&mut command, &job(launcher, mechanism), LIMIT)) {
        Ok(traced) => traced,
        Err(verdict) => {
            proof.verdict = verdict;
            return proof;
        }
    };
    proof.verdict = match verify(&mechanism.claim, &traced) {
        Ok(()) => Verdict::Proven,
        Err(mismatch) => Verdict::Refuted(mismatch.to_string()),
    };
    proof.child = traced.children.into_iter().next_back();
    proof.seen = proof.child.as_ref().map(|child| child.creation.to_string());
    proof
}

/// What was traced, or the verdict where there is nothing to hold to a claim.
fn answered(traced: Result<Traced, TraceError>) -> Result<Traced, Verdict> {
    match traced {
        Err(error @ TraceError::Denied { .. }) => Err(Verdict::Unverified(error.to_string())),
        Err(error) => Err(Verdict::Refuted(error.to_string())),
        Ok(traced) => match traced.refusal() {
            Some(reason) => Err(Verdict::Unverified(reason)),
            None => Ok(traced),
        },
    }
}

fn job(launcher: &Launcher, mechanism: &Mechanism) -> String {
    let name = mechanism.name.to_owned();
    let orders = [
        Order::Hello { version: VERSION },
        Order::Exec(launcher.own_image().clone()),
        Order::Hold(mechanism.smallest()),
        // The stamping child would need a pipe, and the claims speak of pipes.
        Order::Time {
            mechanism: name,
            exchange: None,
            count: Count {
                plain: 1,
                ..Count::default()
            },
        },
        Order::End,
    ];
    orders.iter().map(|order| order.to_line() + "\n").collect()
}

/// A claim in a line: `VFORK by clone or clone3 with CLONE_VM CLONE_VFORK, then execve`.
pub fn describe(claim: &Claim) -> String {
    if claim.calls.is_empty() {
        return "no child".to_owned();
    }
    let mut text = format!("{} by {}", claim.event.name(), claim.calls.join(" or "));
    if !claim.flags.is_empty() {
        text.push_str(&format!(" with {}", claim.flags.join(" ")));
    }
    if !claim.without.is_empty() {
        text.push_str(&format!(", without {}", claim.without.join(" ")));
    }
    if claim.exec {
        text.push_str(", then execve");
    }
    text
}
