//! The load generator: requests at a rate that the server has no say in.
//!
//! It is an *open loop*: when a request is due does not depend on the replies to others, and its latency counts
//! from when it was due, not from when it could be sent. A generator that waits for a reply before it sends the
//! next request leaves out those that would have met a server at its worst; Gil Tene calls it coordinated omission
//! ("How NOT to measure latency", 2013).
//!
//! Nothing is dropped: what is due is answered, has failed, or is unanswered when the trial ends, and then counts
//! with its age.

mod arrivals;
mod closed;
mod connection;
mod error;
mod generator;
mod reply;

use std::net::SocketAddrV4;

pub use arrivals::arrivals;
pub use error::LoadError;
pub use generator::generate;

use closed::one_after_the_other;

/// The most requests of one trial: a guard against a mistyped order.
pub const MOST_REQUESTS: u64 = 1 << 21;
/// The most requests in a second.
pub const HIGHEST_RATE: u32 = 1_000_000;

/// Requests in a second where none are named: what every server should hold.
pub const MODEST_RATE: u32 = 50;

/// What is sent.
const REQUEST: &[u8] =
    b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\nUser-Agent: forkbench\r\nConnection: close\r\n\r\n";

/// What to send, where, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// The server.
    pub address: SocketAddrV4,
    /// Requests in a second, on average: 1 to [`HIGHEST_RATE`].
    pub rate: u32,
    /// Whether each waits for the reply to the one before, and counts from when it is sent: a closed loop, to compare
    /// with.
    pub closed: bool,
    /// Requests, 1 to [`MOST_REQUESTS`].
    pub requests: u64,
    /// What the arrivals are drawn from.
    pub seed: u64,
    /// How long replies are waited for after the last request was due, nanoseconds.
    pub patience: u64,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// The whole reply came.
    Answered,
    /// The connection was refused, reset, or closed before the whole reply had come.
    Failed,
    /// Neither, when the trial ended.
    #[default]
    Unanswered,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Answered, Self::Failed, Self::Unanswered];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Unanswered => "unanswered",
        }
    }

    /// The outcome a word stands for.
    pub fn from_name(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == word)
    }
}

/// One request: moments on the one clock, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request {
    /// When it was due.
    pub due: u64,
    /// When its connection was begun; 0: it never was.
    pub sent: u64,
    /// When the connection was there and the request written to it; 0: never.
    pub connected: u64,
    /// When its last byte came, it failed, or the trial ended.
    pub done: u64,
    /// What became of it.
    pub outcome: Outcome,
}
