//! What each part of a parent costs a fork, fitted to a run, and what a parent that was not measured would
//! pay.

mod fit;
mod resampling;
mod rows;
mod shape;
mod told;

pub use fit::{Cost, Fit, FitError, Fitted, LARGEST_GOOD_RESIDUAL};
pub use shape::{Part, Shape};
