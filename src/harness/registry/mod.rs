//! Subjects that are known by name: how each is started, what its mechanisms are, and what they claim.
//!
//! Those that ship stand in `scripts/subjects.toml`, which is part of this program, as their scripts are.

mod claims;
mod file;
mod interpreter;
mod shipped;
mod version;

use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use super::cell::Cell;
use super::spelling::did_you_mean;
use crate::footprint::Footprint;
use crate::mechanism::Phase;

pub use claims::ForeignClaim;
pub use interpreter::{Absence, Found};
pub use version::{Version, VersionError};

/// The variable that names a further file of subjects.
pub const VARIABLE: &str = "FORKBENCH_SUBJECTS";

/// A program that is no part of forkbench's own subject, and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredSubject {
    /// Its name in cell ids.
    pub name: String,
    /// What it is, in a line.
    pub summary: String,
    /// How it is started.
    pub start: Start,
    /// The least version of its interpreter.
    pub least: Option<Version>,
    /// What to do where it can't be started.
    pub remedy: String,
    /// Its mechanisms, in the order in which tables list them.
    pub mechanisms: Vec<ForeignMechanism>,
}

/// How a subject is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A script, by the first of these interpreters that is there and new enough.
    Script {
        /// The script.
        script: Script,
        /// Programs: names that are looked for in PATH, or paths.
        interpreters: Vec<String>,
        /// Their arguments before the script.
        arguments: Vec<String>,
        /// The arguments with which they say their version; none: they are not asked.
        version_arguments: Vec<String>,
    },
    /// A program of its own.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

/// Where a script is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// As the file names it: beside the file, or part of forkbench.
    Named(String),
    /// There.
    At(PathBuf),
}

/// A way to start a child, in another program than forkbench's subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignMechanism {
    /// Its name in ids.
    pub name: String,
    /// What runs, in a line.
    pub summary: String,
    /// The phases it has when the child executes forkbench's own image, if it executes one.
    pub phases: Vec<Phase>,
    /// Where it is measured if no footprint is named.
    pub footprints: Vec<Footprint>,
    /// What it claims to do, by the version of the interpreter.
    pub claims: Vec<ForeignClaim>,
}

impl ForeignMechanism {
    /// Whether any phase of it takes iterations whose child stamps the clock.
    pub fn stamps(&self) -> bool {
        self.phases.iter().any(|phase| phase.is_stamped())
    }

    /// Whether its children execute forkbench's image, or what takes its place.
    pub fn executes(&self) -> bool {
        self.phases.contains(&Phase::Exec)
    }

    /// What it claims to do with an interpreter of this version, started by this user; `None`: it claims nothing.
    pub fn claim(&self, version: Option<&Version>) -> Option<&ForeignClaim> {
        claims::that_holds(&self.claims, version, Uid::effective().is_root())
    }
}

/// Why a registry is of no use.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The file of further subjects can't be read.
    #[error("--subjects {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in the file is wrong.
    #[error("--subjects {}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What, and where.
        message: String,
    },
}

/// A mechanism that a registered subject lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{mechanism}` is no mechanism of {subject}{}; there are: {}",
    did_you_mean(mechanism, known.iter().map(String::as_str)),
    known.join(" ")
)]
pub struct NoSuchMechanism {
    /// The subject.
    pub subject: String,
    /// What was given.
    pub mechanism: String,
    /// Its mechanisms.
    pub known: Vec<String>,
}

/// The subjects that are known by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    subjects: Vec<RegisteredSubject>,
}

impl Registry {
    /// Those that ship, and those of the file `more`, which replace them where names are the same.
    ///
    /// # Errors
    /// [`RegistryError::Read`] and [`RegistryError::Parse`].
    pub fn load(more: Option<&Path>) -> Result<Self, RegistryError> {
        let mut registry = Self::shipped();
        let Some(path) = more else {
            return Ok(registry);
        };
        let text = std::fs::read_to_string(path).map_err(|source| RegistryError::Read {
            path: path.to_owned(),
            source,
        })?;
        let parsed = file::parse(&text, &registry.subjects);
        let subjects = parsed.map_err(|message| RegistryError::Parse {
            path: path.to_owned(),
            message,
        })?;
        let beside = path.parent().unwrap_or(Path::new("."));
        for mut subject in subjects {
            subject.start.find_beside(beside);
            registry.subjects.retain(|other| other.name != subject.name);
            registry.subjects.push(subject);
        }
        Ok(registry)
    }

    /// Those that ship.
    pub fn shipped() -> Self {
        let subjects = file::parse(shipped::SUBJECTS, &[]);
        Self {
            subjects: subjects.expect("a constant that a test reads"),
        }
    }

    /// All of them.
    pub fn subjects(&self) -> &[RegisteredSubject] {
        &self.subjects
    }

    /// The subject of that name.
    pub fn named(&self, name: &str) -> Option<&RegisteredSubject> {
        self.subjects.iter().find(|subject| subject.name == name)
    }

    /// What is known of a cell's mechanism, where its subject is registered.
    pub fn mechanism(&self, cell: &Cell) -> Option<&ForeignMechanism> {
        self.named(&cell.subject)?.mechanism(&cell.mechanism)
    }

    /// Every mechanism of every subject, where it is measured if no footprint is named.
    pub fn cells(&self) -> Vec<Cell> {
        let of = |subject: &RegisteredSubject| {
            let cells = subject.mechanisms.iter().flat_map(|mechanism| {
                mechanism.footprints.iter().map(|footprint| Cell {
                    subject: subject.name.clone(),
                    ..Cell::native(&mechanism.name, *footprint)
                })
            });
            cells.collect::<Vec<_>>()
        };
        self.subjects.iter().flat_map(of).collect()
    }

    /// Whether a cell's subject, if it is registered, has the cell's mechanism.
    ///
    /// # Errors
    /// [`NoSuchMechanism`].
    pub fn check(&self, cell: &Cell) -> Result<(), NoSuchMechanism> {
        let Some(subject) = self.named(&cell.subject) else {
            return Ok(());
        };
        if subject.mechanism(&cell.mechanism).is_some() {
            return Ok(());
        }
        let names = subject.mechanisms.iter().map(|known| known.name.clone());
        Err(NoSuchMechanism {
            subject: subject.name.clone(),
            mechanism: cell.mechanism.clone(),
            known: names.collect(),
        })
    }
}

impl RegisteredSubject {
    /// Its mechanism of that name.
    pub fn mechanism(&self, name: &str) -> Option<&ForeignMechanism> {
        self.mechanisms.iter().find(|known| known.name == name)
    }
}

impl Start {
    /// Takes paths as those of a file in `folder`.
    fn find_beside(&mut self, folder: &Path) {
        match self {
            Self::Script { script, .. } => {
                if let Script::Named(name) = script {
                    let path = folder.join(&*name);
                    // What a subject that is like a shipped one takes over is no file here.
                    if shipped::script(name).is_none() || path.exists() {
                        *script = Script::At(path);
                    }
                }
            }
            Self::Command { program, .. } => {
                // A bare name is looked for in PATH.
                if program.contains('/') {
                    *program = folder.join(&*program).display().to_string();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_is_whole() {
        let registry = Registry::shipped();
        for subject in registry.subjects() {
            let Start::Script { script, .. } = &subject.start else {
                panic!("{} has no script", subject.name);
            };
            let Script::Named(name) = script else {
                panic!("{script:?}");
            };
            assert!(shipped::script(name).is_some(), "{name}");
            assert!(!subject.remedy.is_empty() && !subject.summary.is_empty());
            assert!(
                subject
                    .mechanisms
                    .iter()
                    .all(|known| !known.claims.is_empty())
            );
        }
        for cell in registry.cells() {
            cell.footprint.check().unwrap();
            assert_eq!(cell.to_string().parse::<Cell>().unwrap(), cell);
        }
    }

    #[test]
    fn a_mechanism_that_a_subject_lacks_is_met_with_the_right_one() {
        let registry = Registry::shipped();
        let check = |id: &str| registry.check(&id.parse().unwrap());
        assert!(check("python:os.fork/0").is_ok() && check("unknown:frok/0").is_ok());
        let wrong = check("python:os.frok/0").unwrap_err().to_string();
        assert!(wrong.contains("(did you mean `os.fork`?)"), "{wrong}");
        assert!(wrong.contains("os.posix_spawn subprocess"), "{wrong}");
    }

    #[test]
    fn a_file_adds_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("subjects.toml");
        let text = "[python]\nlike = \"python\"\ninterpreters = [\"pypy3\"]\n[mine]\nlike = \
                    \"python\"\nscript = \"mine.py\"\n";
        std::fs::write(&path, text).unwrap();
        let registry = Registry::load(Some(&path)).unwrap();
        let start = |name: &str| &registry.named(name).unwrap().start;
        assert!(
            matches!(start("python"), Start::Script { interpreters, script: Script::Named(_), .. }
            if interpreters == &["pypy3"])
        );
        assert!(
            matches!(start("mine"), Start::Script { script: Script::At(at), .. }
            if *at == folder.path().join("mine.py"))
        );
        let missing = Registry::load(Some(&folder.path().join("none"))).unwrap_err();
        assert!(missing.to_string().contains("--subjects"), "{missing}");
        std::fs::write(&path, "[mine]").unwrap();
        let wrong = Registry::load(Some(&path)).unwrap_err().to_string();
        assert!(wrong.contains("subjects.toml: [mine]"), "{wrong}");
    }
}
