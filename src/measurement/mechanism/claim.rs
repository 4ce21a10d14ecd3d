//! What a mechanism claims to do, for a tracer to hold it to.

/// What ptrace calls the birth of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// No child is made.
    None,
    /// `PTRACE_EVENT_FORK`: the new process sends SIGCHLD and its parent goes on.
    Fork,
    /// `PTRACE_EVENT_VFORK`: the parent stands still until the child executes or ends.
    Vfork,
    /// `PTRACE_EVENT_CLONE`: anything else, threads above all.
    Clone,
}

impl Event {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Fork => "FORK",
            Self::Vfork => "VFORK",
            Self::Clone => "CLONE",
        }
    }
}

/// What a tracer must see in one iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The event the kernel raises.
    pub event: Event,
    /// The system calls that may make the child: C libraries and kernels differ. Empty: none is made.
    pub calls: &'static [&'static str],
    /// Flags that must be there, as in `CLONE_VM`. What `vfork` implies counts as there.
    pub flags: &'static [&'static str],
    /// Flags that must not.
    pub without: &'static [&'static str],
    /// Whether the child executes another image.
    pub exec: bool,
    /// What tells it from others with the same event, call and flags: system calls of the parent that
    /// must come before the child's birth or, with `!`, must not.
    pub also: &'static [&'static str],
}
