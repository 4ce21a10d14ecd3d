//! The requests of one trial of a server.

use serde::{Deserialize, Serialize};

/// A server is prompt while the 99th percentile of `response` is below this, in nanoseconds.
pub const BOUND: u64 = 10_000_000;

/// What was sent to a server in a trial, and what became of it. Every request that was due is in exactly one of
/// `answered`, `failed` and `unanswered`, and in the figures of `response`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    /// Requests in a second, on average.
    pub rate: u32,
    /// What the arrivals were drawn from.
    pub seed: u64,
    /// Requests that were due.
    pub due: u64,
    /// Those whose whole reply came.
    pub answered: u64,
    /// Those whose connection was refused, reset, or closed before the whole reply.
    pub failed: u64,
    /// Those that still waited when the trial ended; they count with their age.
    pub unanswered: u64,
    /// Connections that the server closed since it could start no child or thread for them.
    pub refused: u64,
    /// The most children or threads that the server had at any one time.
    pub most: u64,
    /// The median `response` of the first third of the requests, nanoseconds.
    pub early: Option<u64>,
    /// The median of the last third: of a server that can't hold the rate it is far above the first's.
    pub late: Option<u64>,
    /// Requests whose `response` was [`BOUND`] or more, answered or not.
    pub slow: u64,
}

impl Requests {
    /// Whether every request was answered.
    pub fn all_answered(&self) -> bool {
        self.failed == 0 && self.unanswered == 0
    }

    /// Whether the 99th percentile of `response` is below [`BOUND`]: no more than one request in a hundred is not.
    pub fn is_prompt(&self) -> bool {
        self.slow.saturating_mul(100) <= self.due
    }

    /// Whether every request that was due is somewhere.
    pub fn adds_up(&self) -> bool {
        let sum = self.answered.checked_add(self.failed);
        sum.and_then(|sum| sum.checked_add(self.unanswered)) == Some(self.due)
    }
}
