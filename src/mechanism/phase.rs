//! The spans of a child's life that are timed.

use serde::{Deserialize, Serialize};

/// A span of a sample. All begin just before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Until the call has returned in the parent: how long the parent stood still.
    Call,
    /// Until the child's first reading of the clock.
    Start,
    /// Until the new image's first instruction.
    Exec,
    /// Until the parent has waited for the child: its whole life, teardown included.
    Reap,
}

impl Phase {
    /// Every phase, in the order in which they end.
    pub const ALL: [Self; 4] = [Self::Call, Self::Start, Self::Exec, Self::Reap];

    /// The word for it in protocol, columns and charts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Start => "start",
            Self::Exec => "exec",
            Self::Reap => "reap",
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
