//! forkbench measures what starting a process or a thread costs.

pub mod footprint;
pub mod mechanism;
pub mod recording;
pub mod statistics;
pub mod units;
