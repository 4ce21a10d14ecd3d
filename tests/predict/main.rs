//! `forkbench predict`: what fork would cost a parent that was not measured.

mod live;
mod made;
mod model;
#[path = "../simulation/parents.rs"]
#[allow(dead_code)]
mod parents;
#[path = "../scratch/mod.rs"]
mod scratch;
