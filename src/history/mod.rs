//! History: the runs of months, in one file that lasts.
//!
//! A [`Store`] is an SQLite file. [`Entry`] is what of a run goes into it, [`Store::add`] puts it there whole,
//! [`Store::series`] reads levels back over time, and [`Store::over_time`] gathers them for [`crate::trend`] to judge. docs/FORMATS.md describes the tables. The store, the
//! runs that are added and `target/criterion` may come from anyone: nothing in them panics, and what is not
//! sound is refused by its file and value.

mod adding;
mod content;
pub mod criterion;
mod digest;
mod entry;
mod error;
pub mod export;
mod figures;
mod finding;
mod fingerprint;
mod levels;
mod migrations;
mod moment;
mod over_time;
mod place;
mod pruning;
mod reading;
mod selection;
mod series;
mod store;

pub use adding::Added;
pub use entry::{Entry, EntryError, Labels};
pub use error::StoreError;
pub use figures::TrialFigures;
pub use finding::{Found, FoundError, find};
pub use fingerprint::{HostFingerprint, StoredHost};
pub use levels::{Levels, Unmeasured};
pub use migrations::{APPLICATION, NEWEST};
pub use over_time::{Other, OverTime};
pub use place::{NoPlace, default_path};
pub use pruning::Pruning;
pub use reading::WholeRun;
pub use selection::{Selection, Source};
pub use series::{Point, Series, StoredRun};
pub use store::Store;
