//! What each part of a parent costs a fork, fitted to a run, and what a parent that was not measured would
//! pay.

mod shape;

pub use shape::{Part, Shape};
