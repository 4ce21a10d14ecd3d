//! Quantiles, histograms, lines and intervals. Pure: no I/O, no clock, no global state.

mod histogram;
mod quantile;
mod random;

pub use histogram::{Histogram, HistogramError, log_tag};
pub use quantile::{Quantiles, samples_needed};
pub use random::Random;
