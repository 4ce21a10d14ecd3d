//! What [forkbench](https://docs.rs/forkbench) measures with, and the statistics that it judges with: all that is on a
//! measured path, all that is in the image of the process under measurement, and all that is computed over
//! every sample.
//!
//! It is a package of its own because it has to be compiled to be fast, and the rest of forkbench to be there soon:
//! commands, pages and records are never on a measured path, and optimising them takes a third of a fresh build. forkbench has
//! these modules under the same names.
//!
//! # Where things are
//!
//! | module | what it is |
//! |---|---|
//! | [`units`] | sizes and durations as people write and read them |
//! | [`statistics`] | quantiles, histograms, lines, intervals, when to stop and what to say. Pure: no I/O |
//! | [`clock`] | the one clock |
//! | [`footprint`] | the shape of a parent: its name, holding it, the kernel's receipt |
//! | [`mechanism`] | the ways to start a child, one file each |
//! | [`channel`] | the ways for a parent and its child to talk, one file each |
//! | [`server`] | the ways to serve, one file each |
//! | [`load`] | the load generator |
//! | [`protocol`] | what harness and subject say to each other |
//! | [`subject`] | the process under measurement |
//!
//! A module imports only from above itself in that table.

pub mod channel;
pub mod clock;
pub mod footprint;
pub mod load;
pub mod mechanism;
pub mod protocol;
pub mod server;
pub mod statistics;
pub mod subject;
pub mod units;
