//! forkbench measures what starting a process or a thread costs, by the memory of the parent.
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
//! | [`recording`] | the run directory: written as trials finish, read back whole |
//! | [`comparison`] | two sides of each cell, and what is said of their difference |
//! | [`trend`] | a host's runs over months: where a level changed, and what is said of it |
//! | [`harness`] | plan, schedule, live subjects, the A/B loop, the host, the doctor, ptrace |
//! | [`model`] | what each part of a parent costs a fork, and what one that was not measured would pay |
//! | [`report`] | the page, its charts, and tables |
//! | [`export`] | a run in the formats of other programs |
//! | `history` | the runs of months in one file, and what has changed over them; with the feature `history` |
//! | [`cli`] | one file per verb |
//!
//! What is up to [`subject`] is a package of its own, [`forkbench_measurement`], which is compiled to be fast; the rest is
//! compiled to be there soon.
//!
//! # The layer rule
//!
//! A module imports only from above itself in that table. `statistics` does no I/O. The subject's binary
//! reaches nothing below [`subject`]: a child pays for its parent's image. Only [`cli`] prints to standard
//! output, save the subject, whose standard output is the protocol. `tests/layers.rs` holds the tree to
//! this.
//!
//! # The way of the data
//!
//! A [plan](harness::plan) lists cells; the [schedule](harness::schedule) turns cells and trials into an
//! order; a [session](harness::session) starts a subject, which holds the footprint, returns a
//! [receipt](footprint::Receipt) and streams samples; [`statistics`] turns them into a trial's quantiles;
//! [`recording`] appends the trial to the run directory the moment it ends; [`report`] and [`export`] read runs.
//! Nothing flows back. `cargo bench` and `forkbench run` differ only in who asks for iterations.

pub mod cli;
pub mod comparison;
pub mod export;
pub mod harness;
#[cfg(feature = "history")]
pub mod history;
pub mod model;
pub mod recording;
pub mod report;
pub mod trend;

pub use forkbench_measurement::{
    channel, clock, footprint, load, mechanism, protocol, server, statistics, subject, units,
};
