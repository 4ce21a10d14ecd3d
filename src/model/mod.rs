//! What each part of a parent costs a fork, fitted to a run, and what a parent that was not measured would
//! pay; and which of what happened in a child's life made it long.

mod advice;
mod calibration;
mod fit;
mod notes;
mod parent;
mod piece;
mod prediction;
mod resampling;
mod rows;
mod shape;
mod told;
mod wait;

pub use advice::Change;
pub use calibration::{Calibration, CalibrationError, words_of};
pub use fit::{Cost, Fit, FitError, Fitted, LARGEST_GOOD_RESIDUAL};
pub use parent::{Described, Parent, PredictedFootprint};
pub use piece::Piece;
pub use prediction::{
    Bracket, CalibrationSeen, MappingCost, MechanismCost, OtherMappings, PREDICTION_SCHEMA,
    PartCost, Prediction, predict,
};
pub use shape::{Part, Shape};
pub use wait::{Cause, Explanation, Wait, explain};
