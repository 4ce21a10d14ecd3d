//! Finding what starts a subject, on this host.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::shipped;
use super::{RegisteredSubject, Script, Start, Version};
use crate::harness::cache::is_executable;
use crate::harness::launcher::SubjectCommand;

/// How long an interpreter may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of what it says that are read.
const MOST: u64 = 4096;

/// How a registered subject is started here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its command.
    pub command: SubjectCommand,
    /// The interpreter's version; `None` where it was not asked or did not say.
    pub version: Option<Version>,
}

/// Why a registered subject can't be started on this host. Not an error: its cells are skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {reason}{}{remedy}", if remedy.is_empty() { "" } else { "; " })]
pub struct Absence {
    /// The subject.
    pub subject: String,
    /// What is missing.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl RegisteredSubject {
    /// Looks for what starts it in PATH, and asks interpreters for their version.
    ///
    /// # Errors
    /// [`Absence`], with everything that was tried.
    pub fn find(&self) -> Result<Found, Absence> {
        let absent = |reason: String| Absence {
            subject: self.name.clone(),
            reason,
            remedy: self.remedy.clone(),
        };
        let command = |program: PathBuf, arguments: Vec<String>| SubjectCommand {
            name: self.name.clone(),
            program,
            arguments,
            padding: None,
        };
        match &self.start {
            Start::Command { program, arguments } => match in_path(program) {
                Some(path) => Ok(Found {
                    command: command(path, arguments.clone()),
                    version: None,
                }),
                None => Err(absent(format!("there is no program `{program}`"))),
            },
            Start::Script {
                script,
                interpreters,
                arguments,
                version_arguments,
            } => {
                let (program, version) = self
                    .interpreter(interpreters, version_arguments)
                    .map_err(absent)?;
                let path = self.script(script).map_err(absent)?;
                let mut words = arguments.clone();
                words.push(path.display().to_string());
                Ok(Found {
                    command: command(program, words),
                    version,
                })
            }
        }
    }

    /// The first interpreter that is new enough.
    fn interpreter(
        &self,
        names: &[String],
        asking: &[String],
    ) -> Result<(PathBuf, Option<Version>), String> {
        let mut seen = Vec::new();
        for name in names {
            let Some(path) = in_path(name) else {
                continue;
            };
            if asking.is_empty() {
                return Ok((path, None));
            }
            let version = ask(&path, asking);
            let new_enough = match (&version, &self.least) {
                (Some(version), Some(least)) => version >= least,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if new_enough {
                return Ok((path, version));
            }
            let told = version.map_or("does not say its version".to_owned(), |version| {
                format!("is version {version}")
            });
            seen.push(format!("{} {told}", path.display()));
        }
        let names = names.join("` or `");
        let least = self.least.as_ref();
        let least = least.map_or(String::new(), |least| {
            format!(" of version {least} or later")
        });
        Err(if seen.is_empty() {
            format!(
                "there is no `{names}` in PATH{least}",
                least = match least.is_empty() {
                    true => String::new(),
                    false => format!(", and one{least} is needed"),
                }
            )
        } else {
            format!("there is no `{names}`{least}: {}", seen.join(", "))
        })
    }

    fn script(&self, script: &Script) -> Result<PathBuf, String> {
        match script {
            Script::Named(name) => match shipped::script(name) {
                Some(text) => shipped::place(name, text),
                None => Err(format!("there is no script `{name}`")),
            },
            Script::At(path) if path.is_file() => Ok(path.clone()),
            Script::At(path) => Err(format!("there is no script {}", path.display())),
        }
    }
}

/// The executable file that a name in PATH, or a path, means.
fn in_path(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| is_executable(path));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| is_executable(path))
}

/// What an interpreter says when asked for its version.
fn ask(program: &Path, arguments: &[String]) -> Option<Version> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let begun = Instant::now();
    let ended = loop {
        match child.try_wait() {
            Ok(Some(_)) => break true,
            Ok(None) if begun.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(2)),
            _ => break false,
        }
    };
    if !ended {
        let _ = child.kill();
        let _ = child.wait();
        return None;
    }
    let mut said = Vec::new();
    // What it left running may hold the pipe open; what it said itself is there.
    let mut output = child.stdout.take()?;
    let ready = nix::poll::poll(
        &mut [nix::poll::PollFd::new(
            std::os::fd::AsFd::as_fd(&output),
            nix::poll::PollFlags::POLLIN,
        )],
        nix::poll::PollTimeout::ZERO,
    );
    if ready.is_ok_and(|ready| ready > 0) {
        let mut piece = [0; MOST as usize];
        let read = output.read(&mut piece).ok()?;
        said.extend_from_slice(&piece[..read]);
    }
    Version::found_in(&String::from_utf8_lossy(&said))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::Registry;
    use super::*;

    /// The shipped Python subject, started by these programs alone.
    fn python(interpreters: Vec<String>) -> RegisteredSubject {
        let mut subject = Registry::shipped().named("python").unwrap().clone();
        let Start::Script {
            interpreters: old, ..
        } = &mut subject.start
        else {
            panic!("no script");
        };
        *old = interpreters;
        subject
    }

    fn program(folder: &Path, name: &str, text: &str) -> String {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    #[test]
    fn the_first_that_is_new_enough_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let old = program(folder.path(), "old", "echo Python 2.7.18");
        let mute = program(folder.path(), "mute", "exit 1");
        let new = program(folder.path(), "new", "echo Python 3.12.1");
        let found = python(vec![old, mute, "/no/such".to_owned(), new.clone()]);
        let found = found.find().unwrap();
        assert_eq!(found.command.program, PathBuf::from(new));
        assert_eq!(found.version, "3.12.1".parse().ok());
        let script = found.command.arguments.last().unwrap();
        assert!(fs::read_to_string(script).unwrap().contains("protocol"));
    }

    #[test]
    fn what_is_missing_is_said_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let old = program(folder.path(), "old", "echo Python 3.7.9");
        let said = python(vec![old.clone()]).find().unwrap_err().to_string();
        assert!(said.contains(&format!("{old} is version 3.7.9")), "{said}");
        assert!(said.contains("of version 3.8 or later"), "{said}");
        assert!(said.contains("install one"), "{said}");
        let said = python(vec!["/no/such".to_owned()]).find().unwrap_err();
        assert!(said.to_string().contains("`/no/such`"), "{said}");
    }
}
