//! The spans of a child's life that are timed.

use serde::{Deserialize, Serialize};

/// A span of a sample. Those of a child's life begin just before the call; those of writes are one write
/// each; those of channels begin before the channel is made, or before the message is sent; those of requests are one
/// request each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Until the call has returned in the parent: how long the parent stood still.
    Call,
    /// Until the child's first reading of the clock.
    Start,
    /// Until the new image's first instruction.
    Exec,
    /// Until the parent has waited for the child: its whole life, teardown included.
    Reap,
    /// A write to a page that was written before and is nobody else's.
    Before,
    /// The first write to a page after a fork, the child alive, in the first pass of copies that a subject
    /// makes: they land on memory that may be fresh to the subject, and to the guest.
    FirstPass,
    /// The same after another fork: the copies land on memory that an earlier pass has given back.
    SecondPass,
    /// The first write to a page after a fork whose child is gone again: a fault, and nothing to copy.
    After,
    /// Until the channel is made.
    Open,
    /// Until the first answer of a fresh child has come: the channel, the fork, and one round trip.
    Setup,
    /// From before a message is sent to a child that waits for it until the whole answer has come.
    RoundTrip,
    /// A request to a server, from when it was due until the last byte of its reply.
    Response,
    /// The same from when it was sent.
    Service,
}

impl Phase {
    /// Every phase, in the order in which they end.
    pub const ALL: [Self; 13] = [
        Self::Call,
        Self::Start,
        Self::Exec,
        Self::Reap,
        Self::Before,
        Self::FirstPass,
        Self::SecondPass,
        Self::After,
        Self::Open,
        Self::Setup,
        Self::RoundTrip,
        Self::Response,
        Self::Service,
    ];
    /// Those of a child's life.
    pub const LIFE: [Self; 4] = [Self::Call, Self::Start, Self::Exec, Self::Reap];
    /// Those of writes to memory shared by fork.
    pub const WRITES: [Self; 4] = [Self::Before, Self::FirstPass, Self::SecondPass, Self::After];
    /// Those of a channel between a parent and its child.
    pub const CHANNEL: [Self; 3] = [Self::Open, Self::Setup, Self::RoundTrip];
    /// Those of requests to a server.
    pub const REQUESTS: [Self; 2] = [Self::Response, Self::Service];

    /// The word for it in protocol, columns and charts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Start => "start",
            Self::Exec => "exec",
            Self::Reap => "reap",
            Self::Before => "before",
            Self::FirstPass => "first-pass",
            Self::SecondPass => "second-pass",
            Self::After => "after",
            Self::Open => "open",
            Self::Setup => "setup",
            Self::RoundTrip => "round-trip",
            Self::Response => "response",
            Self::Service => "service",
        }
    }

    /// The phase a word stands for.
    pub fn from_name(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.name() == word)
    }

    /// Whether it comes from iterations in which the child stamps the clock. Stamping costs the child a
    /// fault or a write, so `call` and `reap` come from iterations without.
    pub fn is_stamped(self) -> bool {
        matches!(self, Self::Start | Self::Exec)
    }
}
