//! Where the level of a series changed for good: of values that were measured night after night, each in a sitting of its
//! own.
//!
//! Four things stand between such a series and its levels, and each has its file.
//!
//! - A sitting moves all that is measured in it by some percent. [`common_part`] takes that out, by the other series of
//!   the same sitting, and hands it out as a series to be judged as well: what moves everything is a change too.
//! - How far a series strays is known from itself alone. [`running_scale`] says how far, from what came before.
//! - It may drift, and drifting is no change. The cost of a segment is that of a straight line that may rise or fall, but
//!   not faster than a bound ([`Lines`]), so that a drift is one segment and a step is two.
//! - Where to cut is decided for all cuts together: [`segments`] is PELT (Killick, Fearnhead and Eckley, "Optimal detection
//!   of changepoints with a linear computational cost", 2012), which finds the segmentation of least cost.
//!
//! A cut is not yet a change: it is judged by what lies just before and just after it, robustly ([`Change`]). A [`Detector`]
//! does all that, and for every night of the past at once: whatever it looks at lies before, so that what it says of the
//! first thousand nights is what it said on the thousandth.

mod change;
mod cost;
mod detector;
mod ranks;
mod reference;
mod scale;
mod segments;
mod window;

pub use change::{CONFIRMATION, Change, INTERVAL, Pending};
pub use cost::{Cost, Lines, Means};
pub use detector::{Detector, FEWEST, Reading};
pub use reference::{FEWEST_REFERENCES, Normalised, common_part};
pub use scale::running_scale;
pub use segments::{Lengths, Segmentation, segments};

/// The fastest drift that is no change, in logarithms a run: 0.1 %, and a hair for its not being known exactly.
pub const DRIFT: f64 = 0.001_1;
