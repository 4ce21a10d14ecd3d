//! What keeps the generator from generating.

use std::io;

use super::{HIGHEST_RATE, MOST_REQUESTS};

/// Why no load was made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A rate that is not possible.
    #[error("{rate} requests in a second can't be: there are 1 to {HIGHEST_RATE}")]
    Rate {
        /// What was asked for.
        rate: u32,
    },
    /// Too many, or none.
    #[error(
        "{requests} requests can't be: a trial has 1 to {MOST_REQUESTS}; ask for a shorter one or a lower rate"
    )]
    Requests {
        /// What was asked for.
        requests: u64,
    },
    /// A call failed that has nothing to do with the server.
    #[error("{call} failed: {source}")]
    Call {
        /// The call.
        call: &'static str,
        /// What it answered.
        source: io::Error,
    },
}

impl LoadError {
    /// The failure of `call` that `errno` tells of.
    pub(super) fn of_call(call: &'static str) -> Self {
        Self::Call {
            call,
            source: io::Error::last_os_error(),
        }
    }
}
