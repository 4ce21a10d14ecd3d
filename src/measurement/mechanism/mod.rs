//! Ways to start a child: one file each, and a row in [`MECHANISMS`].
//!
//! # The rule
//!
//! Between `fork` (or `vfork`, or `clone`) and `_exit` or `execve`, a child allocates nothing, formats
//! nothing, takes no lock and cannot panic. What it needs is prepared before the call, in a
//! `child::Child`; what it has to say it writes to memory that is there already.

mod account;
mod child;
mod claim;
mod clone3;
mod clone_vm;
mod command;
mod command_fork;
pub mod copy_on_write;
mod failure;
mod fault;
mod fork;
mod fork_exec;
mod iteration;
mod null;
mod phase;
mod posix_spawn;
mod pthread;
mod reap;
mod stage;
mod tables;
mod thread;
mod vfork;
mod vfork_exec;

pub use account::Spent;
pub use claim::{Claim, Event};
pub use failure::Failure;
pub use fault::fault_cost;
pub use iteration::{Image, Iteration, Needs, OWN_IMAGE, Sample};
pub use phase::Phase;
pub use reap::Zombie;
pub use stage::{Stage, Trace};
pub use tables::Tables;

use crate::footprint::Footprint;

/// A way to start a child.
#[derive(Debug)]
pub struct Mechanism {
    /// Its name in ids, protocol, columns and charts.
    pub name: &'static str,
    /// What runs, in a line.
    pub summary: &'static str,
    /// The phases it has when the child executes forkbench's own image, if it executes one.
    pub phases: &'static [Phase],
    /// What a tracer must see.
    pub claim: Claim,
    /// Whether the call returns in the child too, in code of ours.
    pub returns_twice: bool,
    /// What has to be there before it can run.
    pub needs: Needs,
    /// What one iteration is.
    pub work: Work,
}

/// What an iteration of a mechanism does.
#[derive(Debug)]
pub enum Work {
    /// Starts a child, waits for it and checks that it was the child that was meant.
    Child(fn(&mut Stage, Iteration) -> Result<Sample, Failure>),
    /// Writes one page of memory that fork shares: [`copy_on_write`].
    Writes(Writer),
}

/// Who writes to memory that parent and child share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The parent, while the child stands still.
    Parent,
    /// The child, while the parent waits for it.
    Child,
}

/// Every mechanism, in the order in which tables list them.
pub static MECHANISMS: &[Mechanism] = &[
    null::MECHANISM,
    fork::MECHANISM,
    vfork::MECHANISM,
    clone_vm::MECHANISM,
    clone3::MECHANISM,
    fork_exec::MECHANISM,
    vfork_exec::MECHANISM,
    posix_spawn::MECHANISM,
    command::MECHANISM,
    command_fork::MECHANISM,
    pthread::MECHANISM,
    thread::MECHANISM,
    copy_on_write::PARENT,
    copy_on_write::CHILD,
];

impl Mechanism {
    /// The mechanism of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        MECHANISMS.iter().find(|mechanism| mechanism.name == name)
    }

    /// Starts a child, waits for it and checks that it was the child that was meant.
    ///
    /// # Errors
    /// [`Failure`]: among others [`Failure::NoChild`] where an iteration is none.
    #[inline]
    pub fn iterate(&self, stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
        match self.work {
            Work::Child(iterate) => iterate(stage, iteration),
            Work::Writes(_) => Err(Failure::NoChild),
        }
    }

    /// Whether its iterations are writes to memory that fork shares, and not children.
    pub fn writes(&self) -> bool {
        matches!(self.work, Work::Writes(_))
    }

    /// The phase that is spoken of, and judged, where none is named.
    pub fn headline(&self) -> Phase {
        match self.work {
            Work::Child(_) => Phase::Call,
            Work::Writes(_) => Phase::SecondPass,
        }
    }

    /// The smallest footprint at which it can be tried.
    pub fn smallest(&self) -> Footprint {
        match self.work {
            Work::Child(_) => Footprint::default(),
            Work::Writes(_) => Footprint::of(copy_on_write::SMALLEST),
        }
    }

    /// Why it cannot be measured at a footprint, and what to ask for instead.
    pub fn refusal(&self, footprint: &Footprint) -> Option<&'static str> {
        match self.work {
            Work::Child(_) => None,
            Work::Writes(_) => copy_on_write::refusal(footprint),
        }
    }

    /// Whether it has that phase; a foreign image does not say when its first instruction ran.
    pub fn has(&self, phase: Phase, foreign_image: bool) -> bool {
        self.phases.contains(&phase) && !(foreign_image && phase == Phase::Exec)
    }

    /// Whether any phase of it takes iterations with a stamping child.
    pub fn stamps(&self, foreign_image: bool) -> bool {
        self.has(Phase::Start, foreign_image) || self.has(Phase::Exec, foreign_image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mechanism_has_a_name_of_its_own_and_its_headline() {
        for (index, mechanism) in MECHANISMS.iter().enumerate() {
            assert!(
                mechanism.phases.contains(&mechanism.headline()),
                "{}",
                mechanism.name
            );
            assert!(
                MECHANISMS[..index]
                    .iter()
                    .all(|earlier| earlier.name != mechanism.name),
                "{} stands twice",
                mechanism.name
            );
            assert_eq!(
                mechanism.needs.image,
                mechanism.phases.contains(&Phase::Exec)
            );
        }
    }
}
