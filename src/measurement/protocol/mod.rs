//! What harness and subject say to each other: text lines, one order or answer each.
//!
//! `docs/PROTOCOL.md` has the grammar and a complete subject in Python. A line is a word and
//! `key=value` pairs in any order, separated by single spaces; a value holds no space (`%20` stands for
//! one and `%25` for a percent sign). Times are whole nanoseconds, sizes whole bytes. A reader passes over
//! keys it does not know and refuses words it does not know.

mod answer;
mod known;
mod life;
mod order;
mod pairs;
mod serving;

pub use answer::{Answer, Batch, TimedSample};
pub use known::{FAMILIES, Known, family_of, headline};
pub use life::Observed;
pub use order::{Count, Exchange, Order};
pub use pairs::{LineError, Pairs, escape, unescape};
pub use serving::{Replied, Serve};

/// The version that stands in the first line of both sides. It changes when an old reader would
/// misunderstand a new writer.
pub const VERSION: u32 = 1;

/// The longest line either side reads, in bytes.
pub const LONGEST_LINE: usize = 64 * 1024;
