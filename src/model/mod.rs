//! What each part of a parent costs a fork, fitted to a run, and what a parent that was not measured would
//! pay; and which of what happened in a child's life made it long.

mod fit;
mod resampling;
mod rows;
mod shape;
mod told;
mod wait;

pub use fit::{Cost, Fit, FitError, Fitted, LARGEST_GOOD_RESIDUAL};
pub use shape::{Part, Shape};
pub use wait::{Cause, Explanation, Wait, explain};
