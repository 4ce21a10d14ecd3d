//! forkbench measures what starting a process or a thread costs.

pub mod cli;
pub mod clock;
pub mod footprint;
pub mod harness;
pub mod mechanism;
pub mod protocol;
pub mod recording;
pub mod report;
pub mod statistics;
pub mod subject;
pub mod units;
