//! One iteration: what it needs, how it is told, what it gives.

/// What a mechanism needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// An image to execute.
    pub image: bool,
    /// A stack for the child.
    pub stack: bool,
}

/// The image that children execute if nobody names another, as a file to be written: built without libc or
/// loader.
pub static OWN_IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/forkbench-child"));

/// A program for children to execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its absolute path.
    pub path: String,
    /// `None`: forkbench's own, which stamps the clock and ends with the status it is told. Otherwise
    /// a foreign program's further arguments; it must end with status 0.
    pub foreign: Option<Vec<String>>,
}

/// One iteration to be done.
#[derive(Debug, Clone, Copy)]
pub struct Iteration {
    /// Its number, from 0: it says with which status the child ends.
    pub number: u64,
    /// Whether the child reads the clock.
    pub stamped: bool,
}

impl Iteration {
    /// The status the child ends with: 1 to 125, so that neither a plain `exit(0)` nor a shell's 126 and
    /// 127 passes for it.
    pub fn status(self) -> i32 {
        1 + (self.number % 125) as i32
    }
}

/// The timestamps of one iteration, in nanoseconds after `t0`. 0: not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sample {
    /// The call returned in the parent.
    pub call: u64,
    /// The child's first reading of the clock.
    pub start: u64,
    /// The new image's first instruction.
    pub exec: u64,
    /// The parent has waited for it.
    pub reap: u64,
}
