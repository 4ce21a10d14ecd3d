//! Everything that shows a comparison: on a terminal, in Markdown, for a CI's list of tests, as a page.
//!
//! All of it says the same `words` and has the worst cell first. A comparison may come from a stranger: its text
//! stays text, and no value of it panics.

mod answer;
mod cell;
mod forest;
mod junit;
mod line;
mod markdown;
pub(super) mod numbers;
mod page;
mod ratios;
mod table;
mod words;

pub use junit::junit;
pub use line::line;
pub use markdown::markdown;
pub use page::{page, write};
pub use table::table;
