//! Two sides of each cell, and what is said of their difference.
//!
//! [`document`] is what a comparison comes to, however it was made: by [`crate::harness`]'s `ab` in one
//! sitting, or by [`judge`] from recorded runs. Everything that shows a comparison shows a [`Compared`].

mod document;
mod file;
mod gathering;
mod hosts;
mod judgement;
mod receipts;
mod sittings;

use crate::statistics::Histogram;

pub use document::{
    CellVerdict, Comparison, ConfirmationSeen, Kind, LookSeen, Side, SideFigures, Statistic,
    VERDICT_SCHEMA,
};
pub use file::{ComparisonError, VERDICT, read, write};
pub use hosts::{host_differences, host_traits, kernel_traits};
pub use sittings::{Asked, Judged, judge};

/// A comparison, with the samples it was made from.
#[derive(Debug, Clone)]
pub struct Compared {
    /// What is said.
    pub comparison: Comparison,
    /// For each of its cells, in order: all samples of the phase, of base and candidate. `None` where a
    /// side has none left.
    pub samples: Vec<Option<[Histogram; 2]>>,
}
