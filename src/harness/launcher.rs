//! What it takes to start a subject: its program, the CPUs, and what children execute.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::cell::{Cell, NATIVE};
use super::image::{self, ImageError};
use super::registry::{Absence, ForeignMechanism, RegisteredSubject, Registry, Version};
use super::session::keep_exit_statuses;
use crate::mechanism::Image;
use crate::protocol::FAMILIES;
use crate::recording::CellKey;

/// The file name of the subject that ships with forkbench.
const SUBJECT: &str = "forkbench-subject";
/// The variable that makes environments equally long.
const PADDING: &str = "FORKBENCH_PADDING";
/// The name of a subject that was given by its command alone.
const UNNAMED: &str = "subject";
/// How long a subject may take over an order, beyond what the order itself takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a subject is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectCommand {
    /// Its name in cell ids.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Bytes added to its environment, see [`SubjectCommand::arms`].
    pub padding: Option<usize>,
}

/// Why no subject can be started.
#[derive(Debug, thiserror::Error)]
pub enum LauncherError {
    /// The subject that ships is not where it should be.
    #[error(
        "{SUBJECT} is not at {}: install it beside forkbench, or say where it is with FORKBENCH_SUBJECT",
        path.display()
    )]
    NoSubject {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// `--subject` without a name.
    #[error(
        "--subject `{text}`: write NAME=COMMAND, with a name of letters, digits, - and _ that is no family of cells \
         ({}), as in `static=./subject`",
        FAMILIES.join(", ")
    )]
    SubjectShape {
        /// What was given.
        text: String,
    },
    /// `verify --subject` without a program.
    #[error("--subject: name the command that starts it, as in `--subject 'python3 subject.py'`")]
    NoCommand,
    /// An arm without a program.
    #[error(
        "arm {arm} has no subject: name the command that starts it, as in `--{arm}-subject ./old/forkbench-subject`, or as `{arm}` under [subjects] in the plan"
    )]
    ArmShape {
        /// Which.
        arm: &'static str,
    },
    /// An arm whose program is not there.
    #[error("--{arm}-subject: there is no program `{}`; build it first, or name another", program.display())]
    NoProgram {
        /// Which arm.
        arm: String,
        /// The path that was named.
        program: PathBuf,
    },
    /// A cell of another subject in the place of an arm.
    #[error(
        "{cell}: --a and --b compare two parents in forkbench's own subject; two subjects are compared with --a-subject and --b-subject"
    )]
    ForeignCell {
        /// The cell.
        cell: String,
    },
    /// A cell's subject that nobody named.
    #[error("{cell}: no subject `{subject}`; name its command with --subject {subject}=COMMAND")]
    UnknownSubject {
        /// The cell.
        cell: String,
        /// Its subject.
        subject: String,
    },
    /// A cell's subject that this host has nothing to start with.
    #[error(transparent)]
    Absent(#[from] Absence),
    /// There is nothing to execute.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl SubjectCommand {
    /// The command, ready for whoever starts it: to be measured or to be traced.
    pub(super) fn to_command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        if self.name == NATIVE {
            // Its environment is copied to every image it executes; a fixed one makes runs comparable.
            command
                .env_clear()
                .env("PATH", "/usr/local/bin:/usr/bin:/bin");
        }
        if let Some(bytes) = self.padding {
            command.env(PADDING, "x".repeat(bytes));
        }
        command
    }

    /// The commands of two arms, called `a` and `b`. What the kernel lays on a new process's stack, the path and
    /// the arguments, moves everything below it, and that alone can make one arm faster (Mytkowicz et al.,
    /// "Producing wrong data without doing anything obviously wrong", ASPLOS 2009); so the shorter arm gets a
    /// longer environment, and both stacks begin alike.
    ///
    /// # Errors
    /// [`LauncherError::ArmShape`].
    pub fn arms(a: &str, b: &str) -> Result<[Self; 2], LauncherError> {
        let arm = |arm: &'static str, command: &str| {
            let mut words = command.split_whitespace().map(str::to_owned);
            let program = words.next().ok_or(LauncherError::ArmShape { arm })?;
            Ok::<_, LauncherError>(Self {
                name: arm.to_owned(),
                program: program.into(),
                arguments: words.collect(),
                padding: Some(0),
            })
        };
        let mut arms = [arm("a", a)?, arm("b", b)?];
        let lengths = [arms[0].on_stack(), arms[1].on_stack()];
        let longest = lengths[0].max(lengths[1]);
        for (arm, length) in arms.iter_mut().zip(lengths) {
            arm.padding = Some(longest - length);
        }
        Ok(arms)
    }

    /// Bytes of the path, which stands there twice, and the arguments with their ends.
    fn on_stack(&self) -> usize {
        let arguments: usize = self.arguments.iter().map(|word| word.len() + 1).sum();
        2 * (self.program.as_os_str().len() + 1) + arguments
    }

    /// Reads `NAME=COMMAND`; the command's words are separated by blanks.
    ///
    /// # Errors
    /// [`LauncherError::SubjectShape`].
    pub fn parse(text: &str) -> Result<Self, LauncherError> {
        let error = || LauncherError::SubjectShape {
            text: text.to_owned(),
        };
        let (name, command) = text.split_once('=').ok_or_else(error)?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let mut words = command.split_whitespace().map(str::to_owned);
        let program = words.next().ok_or_else(error)?;
        if name.is_empty() || !name.chars().all(is_word) || FAMILIES.contains(&name) {
            return Err(error());
        }
        Ok(Self {
            name: name.to_owned(),
            program: program.into(),
            arguments: words.collect(),
            padding: None,
        })
    }

    /// A subject that needs no name, since it stands in no run: words separated by blanks.
    ///
    /// # Errors
    /// [`LauncherError::NoCommand`].
    pub fn unnamed(command: &str) -> Result<Self, LauncherError> {
        let mut words = command.split_whitespace().map(str::to_owned);
        let program = words.next().ok_or(LauncherError::NoCommand)?;
        Ok(Self {
            name: UNNAMED.to_owned(),
            program: program.into(),
            arguments: words.collect(),
            padding: None,
        })
    }

    /// The native subject: `FORKBENCH_SUBJECT`, else the one beside this executable.
    ///
    /// # Errors
    /// [`LauncherError::NoSubject`].
    pub fn native() -> Result<Self, LauncherError> {
        let path = match std::env::var_os("FORKBENCH_SUBJECT") {
            Some(path) => PathBuf::from(path),
            None => {
                let executable = std::env::current_exe().unwrap_or_default();
                executable.parent().unwrap_or(Path::new(".")).join(SUBJECT)
            }
        };
        Self::native_at(&path)
    }

    /// The native subject at `path`.
    ///
    /// # Errors
    /// [`LauncherError::NoSubject`].
    pub fn native_at(path: &Path) -> Result<Self, LauncherError> {
        let program = path.canonicalize().map_err(|_| LauncherError::NoSubject {
            path: path.to_owned(),
        })?;
        Ok(Self {
            name: NATIVE.to_owned(),
            program,
            arguments: Vec::new(),
            padding: None,
        })
    }
}

/// Everything that is the same for all trials of a run.
#[derive(Debug)]
pub struct Launcher {
    native: SubjectCommand,
    others: BTreeMap<String, SubjectCommand>,
    /// What is known of registered subjects, with the versions of their interpreters.
    registered: BTreeMap<String, (RegisteredSubject, Option<Version>)>,
    /// Those that can't be started here, and why.
    absent: BTreeMap<String, Absence>,
    /// CPUs this process could use before it pinned itself.
    pub(super) allowed: CpuSet,
    pub(super) patience: Duration,
    /// The subject's and the harness's own.
    cpus: Option<(u32, u32)>,
    own_image: Image,
    answering_image: Image,
    /// What children execute instead, with the command as given.
    foreign: Option<(String, Image)>,
}

impl Launcher {
    /// Ready to start `native` and the named others; `cpus` are the subject's and the harness's own,
    /// `None` where there is but one CPU. SIGCHLD is back at its default from now on.
    ///
    /// # Errors
    /// Where a program is missing.
    pub fn new(
        native: SubjectCommand,
        others: Vec<SubjectCommand>,
        cpus: Option<(u32, u32)>,
        exec: Option<&str>,
    ) -> Result<Self, LauncherError> {
        keep_exit_statuses();
        let own_image = image::own()?;
        let answering_image = image::answering()?;
        let foreign = match exec {
            Some(command) => Some((command.to_owned(), image::foreign(command)?)),
            None => None,
        };
        let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap_or_else(|_| CpuSet::new());
        let others = others
            .into_iter()
            .map(|other| (other.name.clone(), other))
            .collect();
        Ok(Self {
            native,
            others,
            registered: BTreeMap::new(),
            absent: BTreeMap::new(),
            allowed,
            patience: PATIENCE,
            cpus,
            own_image,
            answering_image,
            foreign,
        })
    }

    /// The same, with another patience than 30 s for subjects that do not answer.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same, with the registered subjects of `cells`, started as they were found; one that was not is skipped
    /// in all its cells. A command that was given by its name stays.
    pub fn with_registered(self, registry: &Registry, cells: &[Cell]) -> Self {
        let subjects = registry.subjects().iter();
        let wanted =
            |subject: &&RegisteredSubject| cells.iter().any(|cell| cell.subject == subject.name);
        subjects
            .filter(wanted)
            .fold(self, Self::with_one_registered)
    }

    fn with_one_registered(mut self, subject: &RegisteredSubject) -> Self {
        let name = &subject.name;
        let mut version = None;
        if !self.others.contains_key(name) {
            match subject.find() {
                Ok(found) => {
                    version = found.version;
                    self.others.insert(name.clone(), found.command);
                }
                Err(absence) => drop(self.absent.insert(name.clone(), absence)),
            }
        }
        self.registered
            .insert(name.clone(), (subject.clone(), version));
        self
    }

    /// Keeps the calling thread off the subject's CPU from now on. The host has to be looked at before:
    /// whoever is pinned sees one CPU.
    pub fn keep_off(&self) {
        if let Some((_, harness)) = self.cpus {
            let mut set = CpuSet::new();
            // A harness that cannot be pinned disturbs a little; the doctor says so.
            let _ = set.set(harness as usize);
            let _ = sched_setaffinity(Pid::from_raw(0), &set);
        }
    }

    /// The subject's CPU and the harness's own; `None` where there is but one.
    pub fn cpus(&self) -> Option<(u32, u32)> {
        self.cpus
    }

    /// The CPU that pinned subjects run on.
    pub fn subject_cpu(&self) -> Option<u32> {
        self.cpus.map(|(subject, _)| subject)
    }

    /// The native subject, which is also the keeper of others.
    pub fn native(&self) -> &SubjectCommand {
        &self.native
    }

    /// The command of a cell's subject.
    ///
    /// # Errors
    /// [`LauncherError::UnknownSubject`], and [`LauncherError::Absent`]: a reason to skip it.
    pub fn subject(&self, cell: &Cell) -> Result<&SubjectCommand, LauncherError> {
        if cell.subject == NATIVE {
            return Ok(&self.native);
        }
        if let Some(absence) = self.absent.get(&cell.subject) {
            return Err(absence.clone().into());
        }
        self.others
            .get(&cell.subject)
            .ok_or_else(|| LauncherError::UnknownSubject {
                cell: cell.to_string(),
                subject: cell.subject.clone(),
            })
    }

    /// forkbench's own image.
    pub fn own_image(&self) -> &Image {
        &self.own_image
    }

    /// What a cell's children execute.
    pub fn image(&self, cell: &Cell) -> &Image {
        match (&cell.exec, &self.foreign) {
            (Some(_), Some((_, image))) => image,
            _ if cell.model().is_some() => &self.answering_image,
            _ => &self.own_image,
        }
    }

    /// What the recording calls a cell, and says of it.
    pub fn key(&self, cell: &Cell) -> CellKey {
        let mut key = cell.key(self.exec_command(cell));
        if let Some((subject, version)) = self.registered.get(&cell.subject) {
            let mechanism = subject.mechanism(&cell.mechanism);
            // What a version that nobody asked for claims is known only where all claim the same.
            let certain = |known: &&ForeignMechanism| version.is_some() || known.claims.len() == 1;
            let claim = mechanism
                .filter(certain)
                .and_then(|known| known.claim(version.as_ref()));
            key.native = claim.and_then(|claim| claim.native.clone());
            key.version = version.as_ref().map(Version::to_string);
        }
        key
    }

    /// The foreign command, as it was given with `--exec`.
    pub fn exec_command(&self, cell: &Cell) -> Option<String> {
        let (command, _) = self.foreign.as_ref()?;
        cell.exec.as_ref().map(|_| command.clone())
    }

    /// The file name of the foreign program, for cell ids.
    pub fn exec_name(&self) -> Option<String> {
        let (command, _) = self.foreign.as_ref()?;
        let program = command.split_whitespace().next()?;
        Some(program.rsplit('/').next().unwrap_or(program).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_begin_with_stacks_of_one_length() {
        let [a, b] = SubjectCommand::arms("./old -x", "/a/much/longer/path --with words").unwrap();
        assert_eq!((a.name.as_str(), b.name.as_str()), ("a", "b"));
        let whole = |arm: &SubjectCommand| arm.on_stack() + arm.padding.unwrap();
        assert_eq!(whole(&a), whole(&b));
        assert_eq!(b.padding, Some(0));
        // Both have the variable, so that both have as many.
        for arm in [&a, &b] {
            let command = arm.to_command();
            let set = command.get_envs().find(|(name, _)| *name == PADDING);
            let value = set.and_then(|(_, value)| value).unwrap();
            assert_eq!(value.len(), arm.padding.unwrap());
        }
        assert!(SubjectCommand::arms("x", " ").is_err());
    }
}
