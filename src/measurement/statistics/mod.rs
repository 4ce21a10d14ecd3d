//! Quantiles, histograms, lines and intervals. Pure: no I/O, no clock, no global state.

mod agreement;
mod buckets;
pub mod change_points;
mod encoding;
mod histogram;
mod interval;
mod line;
mod middle;
mod nonnegative;
mod normal;
mod power;
mod procedure;
mod quantile;
mod random;
mod signed_rank;
mod sittings;
mod student;
mod verdict;

pub use agreement::trials_disagree;
pub use buckets::{LONGEST, SIGNIFICANT_DIGITS};
pub use encoding::HistogramError;
pub use histogram::{Histogram, log_tag};
pub use interval::{Interval, Resampling, median, resample_medians, resample_trials};
pub use line::{Line, fit_line};
pub use middle::{median_of, median_of_sorted};
pub use nonnegative::fit_nonnegative;
pub use normal::normal_quantile;
pub use power::{pairs_to_reach, reach};
pub use procedure::{Claim, Confirmation, LOOKS, Look, Outcome, Procedure, TooFewPairs};
pub use quantile::{Quantiles, order_statistic, samples_needed};
pub use random::Random;
pub use signed_rank::{Shift, fewest_pairs, shift, spread, trimmed};
pub use sittings::{BETWEEN, Strayed, compare_sittings, value_of_sittings};
pub use student::student_quantile;
pub use verdict::{Question, Verdict};
