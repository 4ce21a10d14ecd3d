//! What a run says of starting children on its host, as far as a prediction needs it.

use super::fit::{Fit, FitError};
use super::parent::Parent;
use super::rows::Sizes;
use super::shape::{Part, Shape};
use crate::footprint::State;
use crate::mechanism::Phase;
use crate::recording::{Cell, Placement, Run, Status};

/// The costs of one phase of fork.
#[derive(Debug, Clone)]
pub(super) struct Fits {
    /// Of pages that were written since the last fork.
    pub(super) rewritten: Fit,
    /// Of pages that a fork before has write-protected already.
    pub(super) hot: Option<Fit>,
}

impl Fits {
    fn of(run: &Run, phase: Phase, sizes: Sizes) -> Result<Self, FitError> {
        Ok(Self {
            rewritten: Fit::of_sizes(run, phase, State::Rewritten, sizes)?,
            hot: Fit::of_sizes(run, phase, State::Hot, sizes).ok(),
        })
    }
}

/// What a run says.
#[derive(Debug, Clone)]
pub struct Calibration<'a> {
    run: &'a Run,
    pub(super) call: Fits,
    pub(super) reap: Option<Fits>,
}

/// Why a run is no calibration for a parent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalibrationError {
    /// It tells too little of fork.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// It tells nothing of a part that the parent has.
    #[error("no cell tells what {parts} cost fork")]
    Parts {
        /// Which, in words.
        parts: String,
    },
}

impl<'a> Calibration<'a> {
    /// Fits the costs of fork to a run's cells.
    ///
    /// # Errors
    /// Where it has too few.
    pub fn of(run: &'a Run) -> Result<Self, FitError> {
        Self::of_sizes(run, Sizes::Any)
    }

    /// [`Calibration::of`], for a parent with `bytes` of 4 KiB pages: parents of such pages that are far larger or
    /// smaller say nothing of it, as their pages cost something else.
    ///
    /// # Errors
    /// Where it has too few cells of about that size.
    pub fn near(run: &'a Run, bytes: u64) -> Result<Self, FitError> {
        Self::of_sizes(run, Sizes::Near(bytes))
    }

    fn of_sizes(run: &'a Run, sizes: Sizes) -> Result<Self, FitError> {
        Ok(Self {
            run,
            call: Fits::of(run, Phase::Call, sizes)?,
            reap: Fits::of(run, Phase::Reap, sizes).ok(),
        })
    }

    /// The run it is made from.
    pub fn run(&self) -> &'a Run {
        self.run
    }

    /// Whether it tells what each part of a parent costs.
    ///
    /// # Errors
    /// Which it does not.
    pub fn suits(&self, parent: &Parent) -> Result<(), CalibrationError> {
        let shape = parent.most();
        match self.call.rewritten.ns(&shape) {
            Some(_) => Ok(()),
            None => Err(CalibrationError::Parts {
                parts: self.lacking(&shape),
            }),
        }
    }

    /// Whether it tells at least what pages of the parent's kinds cost: the rest can be left out, and said.
    ///
    /// # Errors
    /// Which it does not.
    pub fn nearly_suits(&self, parent: &Parent) -> Result<(), CalibrationError> {
        let shape = self.known(&parent.most()).0;
        match self.call.rewritten.ns(&shape) {
            Some(_) => Ok(()),
            None => Err(CalibrationError::Parts {
                parts: self.lacking(&shape),
            }),
        }
    }

    /// A shape without the parts that can be left out and whose cost is not known, and which these are.
    pub(super) fn known(&self, shape: &Shape) -> (Shape, Vec<Part>) {
        let fit = &self.call.rewritten;
        let mut known = *shape;
        let mut left = Vec::new();
        for part in [
            Part::Vma,
            Part::VmaDontfork,
            Part::Fd,
            Part::Thread,
            Part::Busy,
        ] {
            let alone = Shape::bare().with(part, shape.count(part));
            if fit.unknown().contains(&part) && fit.ns(&alone).is_none() {
                known = known.with(part, 0.0);
                left.push(part);
            }
        }
        (known, left)
    }

    fn lacking(&self, shape: &Shape) -> String {
        let unknown = self.call.rewritten.unknown().iter();
        let words: Vec<&str> = unknown
            .filter(|&&part| shape.count(part) > 0.0)
            .map(|&part| words_of(part))
            .collect();
        words.join(" and ")
    }

    /// The measured cells of a mechanism whose cost does not depend on the parent's pages, the smallest
    /// parent first.
    pub(super) fn flat(&self, mechanism: &str) -> Vec<&'a Cell> {
        let fits = |cell: &&Cell| {
            let footprint = cell.footprint;
            cell.mechanism == mechanism
                && cell.subject == "native"
                && cell.exec.is_none()
                && cell.placement == Placement::Pinned
                && cell.status == Status::Ok
                && footprint.vmas + footprint.threads + footprint.busy + footprint.fds == 0
        };
        let mut cells: Vec<&Cell> = self.run.cells.iter().filter(fits).collect();
        cells.sort_by_key(|cell| cell.footprint.bytes);
        cells
    }
}

/// A part in words.
pub fn words_of(part: Part) -> &'static str {
    match part {
        Part::Bare => "the call itself",
        Part::PageNear => "4 KiB pages near their neighbours",
        Part::PageMid => "4 KiB pages counted as within 2 MiB of their neighbours",
        Part::PageFar => "4 KiB pages counted as far from their neighbours",
        Part::PageThp => "transparent huge pages",
        Part::Vma => "VMAs",
        Part::VmaDontfork => "VMAs that the child does not get",
        Part::Fd => "descriptors",
        Part::Thread => "idle threads",
        Part::Busy => "running threads",
    }
}
