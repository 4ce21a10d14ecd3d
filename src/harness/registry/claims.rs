//! What a mechanism of another program claims to do.

use super::version::Version;
use crate::mechanism::Event;

/// What a tracer must see in one iteration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignClaim {
    /// Holds from this version of the interpreter on; `None`: of any.
    pub since: Option<Version>,
    /// Holds for root alone, or for all but root; `None`: for everyone.
    pub root: Option<bool>,
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

/// The claim of `claims` that an interpreter of this version makes for such a user: the first that holds from it or
/// from an earlier one on. Where its version is not known, the newest.
pub(super) fn that_holds<'a>(
    claims: &'a [ForeignClaim],
    version: Option<&Version>,
    root: bool,
) -> Option<&'a ForeignClaim> {
    let new_enough = |claim: &ForeignClaim| match (&claim.since, version) {
        (Some(since), Some(version)) => since <= version,
        _ => true,
    };
    let mut claims = claims.iter();
    claims.find(|claim| new_enough(claim) && claim.root.is_none_or(|only| only == root))
}
