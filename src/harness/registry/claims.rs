//! What a mechanism of another program claims to do.

use super::version::Version;
use crate::mechanism::Event;

/// What a tracer must see in one iteration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignClaim {
    /// Holds from this version of the interpreter on; `None`: of any.
    pub since: Option<Version>,
    /// The event the kernel raises.
    pub event: Event,
    /// Whether the child is made by a process that the subject started before, and not by itself.
    pub by_server: bool,
    /// Flags that must be there, as in `CLONE_VM`. What `vfork` implies counts as there.
    pub flags: Vec<String>,
    /// Flags that must not.
    pub without: Vec<String>,
    /// Whether the child executes another image.
    pub exec: bool,
    /// Events of other children that an iteration may make beside: threads that look after it.
    pub beside: Vec<Event>,
    /// The mechanism of forkbench's own subject that asks the same of the kernel.
    pub native: Option<String>,
    /// Why something else may be seen, where the interpreter or its libraries decide by themselves.
    pub varies: Option<String>,
}

/// The claim of `claims` that an interpreter of this version makes: the first that holds from it or from an
/// earlier one on. Where its version is not known, the first of all.
pub(super) fn of_version<'a>(
    claims: &'a [ForeignClaim],
    version: Option<&Version>,
) -> Option<&'a ForeignClaim> {
    let holds = |claim: &&ForeignClaim| match (&claim.since, version) {
        (Some(since), Some(version)) => since <= version,
        _ => true,
    };
    claims.iter().find(holds)
}
