//! Everything that shows a history: on a terminal, in Markdown, as the trend page.
//!
//! A history may come from a stranger: its text stays text, and no value of it panics.

mod answer;
mod axes;
mod chart;
mod links;
mod markdown;
mod page;
mod stretches;
mod table;
mod words;

pub use markdown::markdown;
pub use page::{page, write};
pub use table::{check, show};
