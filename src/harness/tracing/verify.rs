//! Holding what was seen to what a mechanism claims.

use super::{Child, Traced};
use crate::mechanism::{Claim, Event};

/// A claim that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{difference}: claimed {claimed}; seen {seen}")]
pub struct Mismatch {
    /// In which respect, as in `flag CLONE_VM is missing`.
    pub difference: String,
    /// The claim, in words.
    pub claimed: String,
    /// What was seen, in words.
    pub seen: String,
}

/// What a tracer must see, whoever claims it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected<'a> {
    /// The event the kernel raises.
    pub event: Event,
    /// The system calls that may make the child; empty: any that raises the event.
    pub calls: Vec<&'a str>,
    /// Flags that must be there.
    pub flags: Vec<&'a str>,
    /// Flags that must not.
    pub without: Vec<&'a str>,
    /// Whether the child executes another image.
    pub exec: bool,
    /// System calls of the parent that must come before or, with `!`, must not.
    pub also: Vec<&'a str>,
}

impl<'a> From<&'a Claim> for Expected<'a> {
    fn from(claim: &'a Claim) -> Self {
        Self {
            event: claim.event,
            calls: claim.calls.to_vec(),
            flags: claim.flags.to_vec(),
            without: claim.without.to_vec(),
            exec: claim.exec,
            also: claim.also.to_vec(),
        }
    }
}

/// Holds every child that was seen to a claim.
///
/// # Errors
/// The first difference, in words.
pub fn verify(claim: &Claim, traced: &Traced) -> Result<(), Mismatch> {
    let expected = Expected::from(claim);
    if traced.children.is_empty() {
        return expected.hold(None);
    }
    traced
        .children
        .iter()
        .try_for_each(|child| expected.hold(Some(child)))
}

impl Expected<'_> {
    /// Holds a child to it, or that none was made.
    ///
    /// # Errors
    /// The first difference, in words.
    pub fn hold(&self, child: Option<&Child>) -> Result<(), Mismatch> {
        let difference = match child {
            None if self.event == Event::None => None,
            None => Some("no child was made".to_owned()),
            Some(child) => self.difference(child),
        };
        match difference {
            None => Ok(()),
            Some(difference) => Err(Mismatch {
                difference,
                claimed: self.to_string(),
                seen: child.map_or("none".to_owned(), ToString::to_string),
            }),
        }
    }

    fn difference(&self, child: &Child) -> Option<String> {
        if self.event == Event::None {
            return Some("a child was made".to_owned());
        }
        if child.event != self.event {
            return Some(format!("the event is {}", child.event.name()));
        }
        let call = child.creation.call.as_str();
        if !self.calls.is_empty() && !self.calls.contains(&call) {
            return Some(format!("the system call is {call}"));
        }
        if let Some(flag) = self.flags.iter().find(|flag| !child.creation.has(flag)) {
            return Some(format!("flag {flag} is missing"));
        }
        if let Some(flag) = self.without.iter().find(|flag| child.creation.has(flag)) {
            return Some(format!("flag {flag} must not be there"));
        }
        match (self.exec, &child.exec) {
            (true, None) => return Some("nothing was executed".to_owned()),
            (false, Some(path)) => return Some(format!("{path} was executed")),
            _ => {}
        }
        let called = |names: &str| {
            names
                .split('|')
                .any(|name| child.before.iter().any(|call| call == name))
        };
        self.also
            .iter()
            .find_map(|also| match also.strip_prefix('!') {
                Some(names) => called(names).then(|| format!("{names} was called before")),
                None => (!called(also)).then(|| format!("{also} was not called before")),
            })
    }
}

impl std::fmt::Display for Expected<'_> {
    /// As in `VFORK by clone or clone3 with CLONE_VM|CLONE_VFORK, without CLONE_THREAD, then exec`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.event == Event::None {
            return f.write_str("no child");
        }
        f.write_str(self.event.name())?;
        if !self.calls.is_empty() {
            write!(f, " by {}", self.calls.join(" or "))?;
        }
        if !self.flags.is_empty() {
            write!(f, " with {}", self.flags.join("|"))?;
        }
        if !self.without.is_empty() {
            write!(f, ", without {}", self.without.join("|"))?;
        }
        for also in &self.also {
            match also.strip_prefix('!') {
                Some(names) => write!(f, ", no {names} before")?,
                None => write!(f, ", {also} before")?,
            }
        }
        f.write_str(if self.exec {
            ", then exec"
        } else {
            ", no exec"
        })
    }
}

impl std::fmt::Display for Child {
    /// As in `VFORK by clone(CLONE_VM|CLONE_VFORK|SIGCHLD), then exec of /bin/true`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {}", self.event.name(), self.creation)?;
        match &self.exec {
            Some(path) => write!(f, ", then exec of {path}"),
            None => write!(f, ", no exec"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::tracing::{Creation, End};

    const FORK: Claim = Claim {
        event: Event::Fork,
        calls: &["clone", "fork"],
        flags: &["SIGCHLD"],
        without: &["CLONE_VM"],
        exec: true,
        also: &["pipe2|socketpair", "!sigaltstack"],
    };

    fn child() -> Child {
        Child {
            pid: 2,
            parent: 1,
            maker: 1,
            step: 0,
            event: Event::Fork,
            creation: Creation::by_clone([0x0120_0011, 0, 0, 0, 0, 0]),
            returned_in_parent: Some(2),
            returned_in_child: Some(0),
            exec: Some("/bin/true".to_owned()),
            calls_to_exec: 0,
            end: Some(End::Exited(0)),
            before: vec!["mmap".to_owned(), "socketpair".to_owned()],
            calls: Vec::new(),
            meanwhile: Vec::new(),
        }
    }

    fn check(children: Vec<Child>, claim: &Claim) -> String {
        let traced = Traced {
            children,
            descendants: Vec::new(),
            end: End::Exited(0),
            output: String::new(),
        };
        verify(claim, &traced).map_or_else(|mismatch| mismatch.to_string(), |()| "holds".to_owned())
    }

    #[test]
    fn a_claim_that_holds() {
        assert_eq!(check(vec![child()], &FORK), "holds");
        assert_eq!(check(vec![child(), child()], &FORK), "holds");
    }

    #[test]
    fn every_difference_is_named() {
        type Change = fn(&mut Child);
        let cases: [(Change, &str); 8] = [
            (|c| c.event = Event::Vfork, "the event is VFORK"),
            (
                |c| c.creation.call = "clone3".to_owned(),
                "the system call is clone3",
            ),
            (|c| c.creation.flags.clear(), "flag SIGCHLD is missing"),
            (
                |c| c.creation.flags.push("CLONE_VM".to_owned()),
                "flag CLONE_VM must not be there",
            ),
            (|c| c.exec = None, "nothing was executed"),
            (
                |c| c.before.clear(),
                "pipe2|socketpair was not called before",
            ),
            (
                |c| c.before.push("sigaltstack".to_owned()),
                "sigaltstack was called before",
            ),
            (|c| c.creation = Creation::default(), "the system call is "),
        ];
        for (change, difference) in cases {
            let mut changed = child();
            change(&mut changed);
            let said = check(vec![child(), changed], &FORK);
            assert!(said.starts_with(difference), "{said}");
            assert!(said.contains("claimed FORK by clone or fork"), "{said}");
            assert!(said.contains("seen "), "{said}");
        }
        let quiet = Claim {
            exec: false,
            ..FORK
        };
        assert!(check(vec![child()], &quiet).starts_with("/bin/true was executed"));
    }

    #[test]
    fn nothing_is_a_claim_too() {
        let nothing = Claim {
            event: Event::None,
            calls: &[],
            flags: &[],
            without: &[],
            exec: false,
            also: &[],
        };
        assert_eq!(check(vec![], &nothing), "holds");
        assert!(check(vec![child()], &nothing).starts_with("a child was made"));
        assert!(check(vec![], &FORK).starts_with("no child was made"));
    }
}
