//! Quantiles, histograms, lines and intervals. Pure: no I/O, no clock, no global state.

mod agreement;
mod buckets;
mod encoding;
mod histogram;
mod interval;
mod line;
mod quantile;
mod random;

pub use agreement::trials_disagree;
pub use buckets::{LONGEST, SIGNIFICANT_DIGITS};
pub use encoding::HistogramError;
pub use histogram::{Histogram, log_tag};
pub use interval::{Interval, Resampling, median, resample_medians, resample_trials};
pub use line::{Line, fit_line};
pub use quantile::{Quantiles, samples_needed};
pub use random::Random;
