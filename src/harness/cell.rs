//! A cell: what it is called, and what its name says.

use std::fmt;
use std::str::FromStr;

use super::spelling::did_you_mean;
use crate::footprint::{Footprint, FootprintError};
use crate::load::{HIGHEST_RATE, MODEST_RATE};
use crate::protocol::{Known, family_of};
use crate::recording::{CellKey, Placement};
use crate::server::Model;
use crate::units::{UnitError, exact_size, parse_size};

/// The subject that ships with forkbench.
pub const NATIVE: &str = "native";

/// One mechanism at one footprint in one subject, or one channel with one message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// The subject's name.
    pub subject: String,
    /// The mechanism's name.
    pub mechanism: String,
    /// The parent's shape.
    pub footprint: Footprint,
    /// Bytes that go through a channel and come back; `None` where the mechanism is none.
    pub message: Option<u64>,
    /// Where it runs.
    pub placement: Placement,
    /// Requests in a second that a server is sent; `None`: the usual [`MODEST_RATE`], or nothing serves.
    pub rate: Option<u32>,
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
        did_you_mean(mechanism, Known::names()),
        names()
    )]
    Mechanism {
        /// What was given.
        mechanism: String,
    },
    /// An unknown `@` suffix.
    #[error("`@{suffix}` is no suffix of a cell: there are @free, @two, @rate=N and @exec=PROGRAM")]
    Suffix {
        /// What was given.
        suffix: String,
    },
    /// A rate that cannot be, or of what does not serve.
    #[error(
        "`@rate={rate}`: a server is sent 1 to {HIGHEST_RATE} requests in a second, and nothing else has a rate"
    )]
    Rate {
        /// What was given.
        rate: String,
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
    /// A channel's message.
    #[error("`{id}` names no message: {source}")]
    Message {
        /// What was given.
        id: String,
        /// What is wrong with its size.
        source: UnitError,
    },
}

fn names() -> String {
    Known::names().collect::<Vec<_>>().join(" ")
}

impl Cell {
    /// A mechanism of the native subject, pinned.
    pub fn native(mechanism: &str, footprint: Footprint) -> Self {
        Self {
            subject: NATIVE.to_owned(),
            mechanism: mechanism.to_owned(),
            footprint,
            message: None,
            placement: Placement::Pinned,
            rate: None,
            exec: None,
        }
    }

    /// What forkbench knows of the mechanism, where the subject is the native one or built from it.
    pub fn known(&self) -> Option<Known> {
        Known::named(&self.mechanism)
    }

    /// The model of a server, where the cell is one.
    pub fn model(&self) -> Option<&'static Model> {
        self.known().and_then(Known::model)
    }

    /// Why it cannot be measured so, and what to ask for instead.
    fn refusal(&self) -> Option<&'static str> {
        match self.known() {
            Some(Known::Mechanism(known)) => known.refusal(&self.footprint),
            Some(Known::Channel(known)) => {
                let one_cpu = self.placement == Placement::Pinned;
                known.refusal(self.message.unwrap_or(0), one_cpu)
            }
            Some(Known::Server(known)) => known.refusal(&self.footprint),
            None => None,
        }
        .or_else(|| {
            let lonely = self.placement == Placement::Two && self.message.is_none();
            lonely.then_some(
                "its children run where it does; @two goes with channels, as in ipc:pipe/1B@two",
            )
        })
    }

    /// What the recording calls it. `exec` is the whole command of a foreign program.
    pub fn key(&self, exec: Option<String>) -> CellKey {
        CellKey {
            id: self.to_string(),
            subject: self.subject.clone(),
            mechanism: self.mechanism.clone(),
            footprint: self.footprint,
            message: self.message,
            placement: self.placement,
            exec,
            version: None,
            native: None,
            rate: self.rate,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut id = match self.message {
            Some(bytes) => format!("{}/{}", self.mechanism, exact_size(bytes)),
            None => format!("{}/{}", self.mechanism, self.footprint),
        };
        if self.subject != NATIVE {
            id.insert_str(0, &format!("{}:", self.subject));
        }
        id.push_str(self.placement.suffix());
        if let Some(rate) = self.rate {
            id.push_str(&format!("@rate={rate}"));
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
        let (head, size) = body
            .split_once('/')
            .ok_or_else(|| CellError::Shape { id: id.to_owned() })?;
        // A family is no subject: `ipc:pipe` is the native one's.
        let (subject, mechanism) = match head.split_once(':') {
            Some(parts) if family_of(head).is_none() => parts,
            _ => (NATIVE, head),
        };
        let known = Known::named(mechanism);
        if known.is_none() && (subject == NATIVE || family_of(mechanism).is_some()) {
            return Err(CellError::Mechanism {
                mechanism: mechanism.to_owned(),
            });
        }
        let (footprint, message) = match known.and_then(Known::channel) {
            None => (size.parse()?, None),
            Some(_) => {
                let message = parse_size(size).map_err(|source| CellError::Message {
                    id: id.to_owned(),
                    source,
                })?;
                (Footprint::default(), Some(message))
            }
        };
        let mut cell = Self {
            subject: subject.to_owned(),
            mechanism: mechanism.to_owned(),
            footprint,
            message,
            placement: Placement::Pinned,
            rate: None,
            exec: None,
        };
        for suffix in parts {
            match suffix.split_once('=') {
                None if suffix == "free" => cell.placement = Placement::Free,
                None if suffix == "two" => cell.placement = Placement::Two,
                Some(("rate", rate)) => {
                    let number = rate.parse().ok();
                    let possible = number.filter(|rate| (1..=HIGHEST_RATE).contains(rate));
                    let (Some(number), Some(_)) = (possible, cell.model()) else {
                        let rate = rate.to_owned();
                        return Err(CellError::Rate { rate });
                    };
                    cell.rate = Some(number).filter(|&number| number != MODEST_RATE);
                }
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
        match cell.refusal() {
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
            ("native:ipc:pipe/1", "ipc:pipe/1B"),
            ("ipc:tcp/65536@two", "ipc:tcp/64KiB@two"),
            ("old:ipc:tcp/64KiB@free", "old:ipc:tcp/64KiB@free"),
            ("server:fork/256MiB", "server:fork/256MiB"),
            ("native:server:fork/0@rate=200", "server:fork/0@rate=200"),
            ("static:server:fork/0@rate=50", "static:server:fork/0"),
            (
                "server:vfork-exec/0@exec=answer@rate=9@free",
                "server:vfork-exec/0@free@rate=9@exec=answer",
            ),
        ] {
            assert_eq!(given.parse::<Cell>().unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn what_a_channel_cannot_do_is_refused_with_what_it_can() {
        for (id, said) in [
            ("ipc:pip/1B", "did you mean `ipc:pipe`?"),
            ("old:ipc:pip/1B", "did you mean `ipc:pipe`?"),
            ("ipc:pipe/0", "1B"),
            ("ipc:pipe/1TiB", "16MiB"),
            ("ipc:pipe/thick", "`thick` is not a size"),
            ("ipc:spin/1B", "@two"),
            ("fork/0@two", "ipc:pipe/1B@two"),
        ] {
            let error = id.parse::<Cell>().unwrap_err().to_string();
            assert!(error.contains(said), "{id}: {error}");
        }
        assert!("ipc:spin/1B@two".parse::<Cell>().is_ok());
        assert!("ipc:spin/1B@free".parse::<Cell>().is_ok());
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
        let error = "server:frok/0".parse::<Cell>().unwrap_err().to_string();
        assert!(error.contains("did you mean `server:fork`?"), "{error}");
        for wrong in [
            "fork/0@rate=5",
            "server:fork/0@rate=0",
            "server:fork/0@rate=9999999",
        ] {
            let error = wrong.parse::<Cell>().unwrap_err().to_string();
            assert!(error.contains("requests in a second"), "{error}");
        }
        let error = "server:fork/1MiB+rewritten"
            .parse::<Cell>()
            .unwrap_err()
            .to_string();
        assert!(error.contains("leave out rewritten"), "{error}");
    }
}
