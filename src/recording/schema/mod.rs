//! The types of `run.json` and of the lines of `trials.jsonl`.
//!
//! Times are nanoseconds and sizes bytes. `docs/run.schema.json` says the same as a JSON Schema; a
//! test holds the two together. Everything read from these files is untrusted.

mod host;
mod life;
mod line;
mod requests;
mod run;
mod trial;

pub use host::{Finding, Host, Severity};
pub use life::{Life, LifeMoments, States};
pub use line::{CellKey, CellLine, FinishedLine, Line, RunLine, TrialLine};
pub use requests::{BOUND, Requests};
pub use run::{CALIBRATES, Cell, PhaseSummary, Placement, RUN_SCHEMA, Run, Status, Tool};
pub use trial::{PILOT, Trial, TrialHost, TrialPhase};
