//! Which commit and branch were measured. A run does not know: its own commit is forkbench's.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use clap::Args;

use crate::history::{Entry, Labels, StoredRun};

/// Bytes that a label may have.
const LONGEST: usize = 256;
/// Bytes of git's answers that are read.
const MOST_BYTES: u64 = 4 << 10;

/// What runs are labelled with.
#[derive(Debug, Args)]
pub(super) struct Labelling {
    /// The commit that was measured [default: GITHUB_SHA, CI_COMMIT_SHA, or what git has checked out here]
    #[arg(long, value_name = "HASH", value_parser = label)]
    commit: Option<String>,
    /// The branch that was measured [default: GITHUB_REF_NAME, CI_COMMIT_BRANCH, or what git has checked out here]
    #[arg(long, value_name = "NAME", value_parser = label)]
    branch: Option<String>,
    /// What to call the host, for runners that have another name each time
    #[arg(long, value_name = "NAME", value_parser = label)]
    host_name: Option<String>,
}

/// What the surroundings say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Surroundings {
    commit: Option<String>,
    branch: Option<String>,
    /// Since when that is checked out: runs before it are of something else.
    since: Option<SystemTime>,
}

impl Labelling {
    /// Whether a run has other labels than those that were asked for in so many words.
    pub(super) fn differ_from(&self, run: &StoredRun) -> bool {
        let differs =
            |asked: &Option<String>, has: &Option<String>| asked.is_some() && asked != has;
        differs(&self.commit, &run.commit)
            || differs(&self.branch, &run.branch)
            || self
                .host_name
                .as_ref()
                .is_some_and(|asked| *asked != run.host_name)
    }

    /// What was not asked for in so many words stays as a stored run has it: who gives it a branch means no other commit.
    pub(super) fn keep(&self, entry: &mut Entry, stored: &StoredRun) {
        let keep = |asked: &Option<String>, kept: &Option<String>, new: &mut Option<String>| {
            if asked.is_none() && kept.is_some() {
                new.clone_from(kept);
            }
        };
        keep(&self.commit, &stored.commit, &mut entry.commit);
        keep(&self.branch, &stored.branch, &mut entry.branch);
        if self.host_name.is_none() {
            entry.host.name.clone_from(&stored.host_name);
        }
    }

    /// The labels of a run that began at a moment, by the flags, and else by the surroundings.
    pub(super) fn labels(&self, around: &Surroundings, started: SystemTime) -> Labels {
        // What is said in so many words holds for every run that is named.
        let holds = around.since.is_none_or(|since| started >= since);
        let else_around = |own: &Option<String>, found: &Option<String>| {
            let found = found.clone().filter(|_| holds);
            own.clone().or(found)
        };
        // A commit that was named is on a branch of its own choice, not on the one that is checked out.
        let branch = match self.commit {
            Some(_) => self.branch.clone(),
            None => else_around(&self.branch, &around.branch),
        };
        Labels {
            commit: else_around(&self.commit, &around.commit),
            branch,
            host_name: self.host_name.clone(),
        }
    }
}

impl Surroundings {
    /// Those of this process: a CI's variables, else git in the current folder.
    pub(super) fn here() -> Self {
        let set = |name: &str| std::env::var(name).ok().and_then(|text| label(&text).ok());
        let since = checked_out_since();
        for (commit, branch) in [
            ("GITHUB_SHA", "GITHUB_REF_NAME"),
            ("CI_COMMIT_SHA", "CI_COMMIT_BRANCH"),
        ] {
            if let Some(commit) = set(commit) {
                return Self {
                    commit: Some(commit),
                    branch: set(branch),
                    since,
                };
            }
        }
        Self {
            commit: checked_out_commit(),
            branch: git(&["symbolic-ref", "--short", "-q", "HEAD"]),
            since,
        }
    }
}

/// A label as it may stand in the store: one line that is not endless.
fn label(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(format!(
            "one line of 1 to {LONGEST} bytes without control characters is needed, as in `1a2b3c4d` or `main`"
        ));
    }
    Ok(text.to_owned())
}

/// The commit, marked as `git describe --dirty` does where files differ from it.
fn checked_out_commit() -> Option<String> {
    let commit = git(&["rev-parse", "--verify", "-q", "HEAD"])?;
    let clean = run(&["diff", "--quiet", "HEAD", "--"]).is_some();
    Some(match clean {
        true => commit,
        false => format!("{commit}-dirty"),
    })
}

/// Since when HEAD is what it is: the later of the time of its commit and of the last thing that moved it.
fn checked_out_since() -> Option<SystemTime> {
    let moved = git(&["reflog", "-1", "--date=unix", "--format=%gd", "HEAD"]);
    let moved = moved.and_then(|text| {
        // As in `HEAD@{1782901230}`.
        let (_, rest) = text.split_once("@{")?;
        rest.strip_suffix('}')?.parse::<u64>().ok()
    });
    let made = git(&["log", "-1", "--format=%ct"]).and_then(|text| text.parse().ok());
    let since = moved.max(made)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since))
}

/// What git answers, as a label.
fn git(words: &[&str]) -> Option<String> {
    run(words).and_then(|text| label(&text).ok())
}

/// What git prints; `None` where it fails or is not there.
fn run(words: &[&str]) -> Option<String> {
    let mut child = Command::new("git")
        .args(words)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut text = String::new();
    let output = child.stdout.take()?;
    let read = output.take(MOST_BYTES).read_to_string(&mut text);
    let ended = child.wait().ok()?;
    read.ok()?;
    ended.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelling(commit: Option<&str>, branch: Option<&str>) -> Labelling {
        Labelling {
            commit: commit.map(str::to_owned),
            branch: branch.map(str::to_owned),
            host_name: None,
        }
    }

    #[test]
    fn what_is_checked_out_labels_no_older_run() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let around = Surroundings {
            commit: Some("abc".to_owned()),
            branch: Some("main".to_owned()),
            since: Some(at(100)),
        };
        let none = labelling(None, None);
        assert_eq!(none.labels(&around, at(100)).commit.as_deref(), Some("abc"));
        assert_eq!(none.labels(&around, at(99)), Labels::default());
        let named = labelling(Some("def"), None).labels(&around, at(99));
        assert_eq!((named.commit.as_deref(), named.branch), (Some("def"), None));
        let named = labelling(None, Some("topic")).labels(&around, at(200));
        assert_eq!(named.branch.as_deref(), Some("topic"));
        assert_eq!(named.commit.as_deref(), Some("abc"));
    }

    #[test]
    fn labels_are_one_short_line() {
        assert_eq!(label(" main\n").as_deref(), Ok("main"));
        for wrong in ["", " ", "a\nb", "\u{1b}[31m", &"x".repeat(LONGEST + 1)] {
            assert!(label(wrong).is_err(), "{wrong:?}");
        }
    }
}
