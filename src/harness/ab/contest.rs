//! What is compared with what.

use std::fmt;

use crate::harness::cell::{Cell, NATIVE};

/// One side of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arm {
    /// The base.
    A,
    /// The candidate.
    B,
}

impl Arm {
    /// What recordings call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

/// A base and a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contest {
    /// The base.
    pub a: Cell,
    /// The candidate.
    pub b: Cell,
}

impl Contest {
    /// One arm's cell.
    pub fn cell(&self, arm: Arm) -> &Cell {
        match arm {
            Arm::A => &self.a,
            Arm::B => &self.b,
        }
    }
}

/// The cell where only the subjects differ, else both.
impl fmt::Display for Contest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |cell: &Cell| Cell {
            subject: NATIVE.to_owned(),
            ..cell.clone()
        };
        if bare(&self.a) == bare(&self.b) {
            f.pad(&bare(&self.a).to_string())
        } else {
            f.pad(&format!("{} vs {}", self.a, self.b))
        }
    }
}
