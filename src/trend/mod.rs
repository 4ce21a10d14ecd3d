//! A host's runs over months: where the level of a cell changed, and what is said of its newest level.
//!
//! [`judge`] makes a [`HostHistory`] of [`HostRuns`], whoever kept them. [`History`] is what `forkbench history` says and
//! draws: the JSON document `forkbench.history/1`. How changes are found is in
//! [`crate::statistics::change_points`].

mod document;
mod judgement;
mod runs;

pub use document::{
    COMMON, CellHistory, ChangeSeen, HISTORY_SCHEMA, History, HostHistory, PendingSeen, RunSeen,
    Seen,
};
pub use judgement::{Asked, FEWEST_RUNS, GONE, judge};
pub use runs::{CellRuns, HostRuns, Measured, mechanism_of};
