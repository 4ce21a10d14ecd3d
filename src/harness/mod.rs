//! From a plan to trials: who is measured, in which order, and by a subject that lives meanwhile.

pub mod ab;
pub mod anatomy;
pub mod beside;
mod cache;
pub mod cell;
pub mod conformance;
pub mod doctor;
pub mod environment;

pub mod image;
pub mod interrupt;
pub mod knee;
pub mod launcher;
pub mod life;
pub mod plan;
pub mod power;
pub mod proof;
pub mod registry;
pub mod runner;
pub mod schedule;
pub mod serving;
pub mod session;
mod spelling;
pub mod time_left;
pub mod tracing;
pub mod trial;
