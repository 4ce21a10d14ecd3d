//! Channels between a parent and its forked child: what goes through them, what fails, and what is left.

mod left;
mod live;
mod runs;
#[path = "../scratch/mod.rs"]
mod scratch;
