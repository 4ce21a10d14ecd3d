//! A cell: what it is called, and what its name says.

use std::fmt;
use std::str::FromStr;

use super::spelling::did_you_mean;
use crate::footprint::{Footprint, FootprintError};
use crate::mechanism::{MECHANISMS, Mechanism};
use crate::recording::{CellKey, Placement};

/// The subject that ships with forkbench.
pub const NATIVE: &str = "native";

/// One mechanism at one footprint in one subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// The subject's name.
    pub subject: String,
    /// The mechanism's name.
    pub mechanism: String,
    /// The parent's shape.
    pub footprint: Footprint,
    /// Whether it is left to the scheduler where it runs.
    pub free: bool,
    /// The foreign program that children execute, by its file name.
    pub exec: Option<String>,
}

/// Why a cell's name could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CellError {
    /// No slash.
    #[error("`{id}` is no cell: write MECHANISM/FOOTPRINT, as in `fork/64MiB`")]
    Shape {
        /// What was given.
        id: String,
    },
    /// The subject shipped with forkbench has no such mechanism.
    #[error(
        "`{mechanism}` is no mechanism{}; there are: {}",
        did_you_mean(mechanism, MECHANISMS.iter().map(|known| known.name)),
        names()
    )]
    Mechanism {
        /// What was given.
        mechanism: String,
    },
    /// An unknown `@` suffix.
    #[error("`@{suffix}` is no suffix of a cell: there are @free and @exec=PROGRAM")]
    Suffix {
        /// What was given.
        suffix: String,
    },
    /// The mechanism has nothing to do at that footprint.
    #[error("`{cell}` cannot be: {reason}")]
    Unsuited {
        /// The cell.
        cell: String,
        /// Why, and what to ask for instead.
        reason: &'static str,
    },
    /// The footprint.
    #[error(transparent)]
    Footprint(#[from] FootprintError),
}

fn names() -> String {
    MECHANISMS
        .iter()
        .map(|mechanism| mechanism.name)
        .collect::<Vec<_>>()
        .join(" ")
}

impl Cell {
    /// A mechanism of the native subject, pinned.
    pub fn native(mechanism: &str, footprint: Footprint) -> Self {
        Self {
            subject: NATIVE.to_owned(),
            mechanism: mechanism.to_owned(),
            footprint,
            free: false,
            exec: None,
        }
    }

    /// The registry's row for the mechanism, where the subject is the native one or built from it.
    pub fn known_mechanism(&self) -> Option<&'static Mechanism> {
        Mechanism::named(&self.mechanism)
    }

    /// What the recording calls it. `exec` is the whole command of a foreign program.
    pub fn key(&self, exec: Option<String>) -> CellKey {
        CellKey {
            id: self.to_string(),
            subject: self.subject.clone(),
            mechanism: self.mechanism.clone(),
            footprint: self.footprint,
            placement: if self.free {
                Placement::Free
            } else {
                Placement::Pinned
            },
            exec,
            version: None,
            native: None,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut id = format!("{}/{}", self.mechanism, self.footprint);
        if self.subject != NATIVE {
            id.insert_str(0, &format!("{}:", self.subject));
        }
        if self.free {
            id.push_str("@free");
        }
        if let Some(exec) = &self.exec {
            id.push_str(&format!("@exec={exec}"));
        }
        f.pad(&id)
    }
}

impl FromStr for Cell {
    type Err = CellError;

    fn from_str(id: &str) -> Result<Self, CellError> {
        let mut parts = id.split('@');
        let body = parts.next().unwrap_or_default();
        let (head, footprint) = body
            .split_once('/')
            .ok_or_else(|| CellError::Shape { id: id.to_owned() })?;
        let (subject, mechanism) = head.split_once(':').unwrap_or((NATIVE, head));
        if subject == NATIVE && Mechanism::named(mechanism).is_none() {
            return Err(CellError::Mechanism {
                mechanism: mechanism.to_owned(),
            });
        }
        let mut cell = Self {
            subject: subject.to_owned(),
            mechanism: mechanism.to_owned(),
            footprint: footprint.parse()?,
            free: false,
            exec: None,
        };
        for suffix in parts {
            match suffix.split_once('=') {
                None if suffix == "free" => cell.free = true,
                Some(("exec", program)) if !program.is_empty() => {
                    cell.exec = Some(program.to_owned());
                }
                _ => {
                    return Err(CellError::Suffix {
                        suffix: suffix.to_owned(),
                    });
                }
            }
        }
        match cell
            .known_mechanism()
            .and_then(|known| known.refusal(&cell.footprint))
        {
            Some(reason) => Err(CellError::Unsuited {
                cell: cell.to_string(),
                reason,
            }),
            None => Ok(cell),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_in_their_canonical_form() {
        for (given, canonical) in [
            ("fork/64MiB", "fork/64MiB"),
            ("native:fork/1024MiB", "fork/1GiB"),
            ("static:vfork/0@free", "static:vfork/0@free"),
            ("posix_spawn/0@exec=true", "posix_spawn/0@exec=true"),
            ("python:subprocess/1GiB+thp", "python:subprocess/1GiB+thp"),
        ] {
            assert_eq!(given.parse::<Cell>().unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn a_wrong_name_is_met_with_the_right_one() {
        let error = "frok/0".parse::<Cell>().unwrap_err().to_string();
        assert!(error.contains("did you mean `fork`?"), "{error}");
        let error = "posixspawn/0".parse::<Cell>().unwrap_err().to_string();
        assert!(error.contains("did you mean `posix_spawn`?"), "{error}");
        assert!(
            "fork"
                .parse::<Cell>()
                .unwrap_err()
                .to_string()
                .contains("MECHANISM/FOOTPRINT")
        );
        assert!("fork/0@loose".parse::<Cell>().is_err());
    }
}
