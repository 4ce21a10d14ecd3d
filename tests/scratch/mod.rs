//! A folder for forkbench to work in, and the means to see what it leaves behind.
//!
//! Whatever a forkbench starts inherits its working directory, the folder: that is how its processes are
//! told from those of tests beside it.

// Each of the tests that share this uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use forkbench::recording::{self, Cell, Recorded, Status};
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::unistd::Pid;

/// How long something is waited for that should happen at once.
pub const LONG: Duration = Duration::from_secs(60);

/// The folder. It is removed in the end.
pub struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A forkbench that works here, in a process group of its own.
    pub fn forkbench(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_forkbench"));
        command.args(words);
        self.settle(&mut command);
        command
    }

    /// A shell script that works here; `$FORKBENCH` and `$SUBJECT` are the programs.
    pub fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        self.settle(&mut command);
        command
    }

    fn settle(&self, command: &mut Command) {
        use std::os::unix::process::CommandExt;
        command
            .current_dir(self.path())
            .env("FORKBENCH", env!("CARGO_BIN_EXE_forkbench"))
            .env("SUBJECT", env!("CARGO_BIN_EXE_forkbench-subject"))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env_remove("FORKBENCH_STORE")
            // What a CI says of itself labels no run of a test.
            .env_remove("GITHUB_SHA")
            .env_remove("CI_COMMIT_SHA")
            .env_remove("FORKBENCH_OUT")
            .env_remove("FORKBENCH_SUBJECT")
            .env_remove("FORKBENCH_SUBJECTS")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let listen = || {
            // SAFETY: no handler is installed, only the default action.
            unsafe { signal(Signal::SIGINT, SigHandler::SigDfl) }?;
            Ok(())
        };
        // A shell's job in the background ignores Ctrl-C, and so would all that these tests start.
        // SAFETY: the closure makes one system call, and allocates nothing.
        unsafe { command.pre_exec(listen) };
    }

    /// Writes a shell script and returns the command that runs it.
    pub fn script(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        format!("/bin/sh {}", path.display())
    }

    /// The newest run's directory, once it is there.
    pub fn run(&self) -> Option<PathBuf> {
        let reports = self.path().join("reports");
        // `latest` is the newest run that was asked for; a calibration is not.
        fs::canonicalize(reports.join("latest")).ok().or_else(|| {
            let there = fs::read_dir(reports).ok()?.flatten();
            let folders = there.map(|entry| entry.path()).filter(|path| path.is_dir());
            folders.max()
        })
    }

    pub fn recorded(&self) -> Recorded {
        recording::read(&self.run().expect("a run")).unwrap()
    }

    pub fn cell(&self, id: &str) -> Cell {
        let cells = self.recorded().run.cells;
        let found = cells.into_iter().find(|cell| cell.id == id);
        found.unwrap_or_else(|| panic!("no cell {id}"))
    }

    /// Checks that a cell was measured.
    pub fn assert_measured(&self, id: &str) {
        let cell = self.cell(id);
        assert_eq!(cell.status, Status::Ok, "{id}: {:?}", cell.reason);
    }

    /// Checks that a cell failed for a reason that holds all `words`.
    pub fn assert_failed(&self, id: &str, words: &[&str]) {
        let cell = self.cell(id);
        assert_eq!(cell.status, Status::Failed, "{id}: {:?}", cell.reason);
        let reason = cell.reason.unwrap();
        for word in words {
            assert!(reason.contains(word), "{id}: no `{word}` in: {reason}");
        }
    }

    /// Trials that stand whole in the newest run's file.
    pub fn finished_trials(&self) -> usize {
        let file = self.run().map(|run| run.join("trials.jsonl"));
        let text = file.and_then(|file| fs::read_to_string(file).ok());
        let text = text.unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .filter(|line| line.contains("\"receipt\""))
            .count()
    }

    /// Processes that work here, the caller's own excepted, by pid and command line. A zombie does
    /// nothing any more.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let folder = self.path().canonicalize().unwrap();
        let pids = fs::read_dir("/proc").unwrap().flatten();
        pids.filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let here = fs::read_link(entry.path().join("cwd")).ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let words = String::from_utf8_lossy(&line).replace('\0', " ");
            here.starts_with(&folder).then_some((pid, words))
        })
        .collect()
    }

    /// Waits until nothing works here any more.
    pub fn assert_nothing_left(&self) {
        assert!(
            comes_true(|| self.processes().is_empty()),
            "left behind: {:?}",
            self.processes()
        );
    }

    /// Draws the newest run's page and returns whether the run is finished.
    pub fn draw(&self) -> bool {
        let run = self.run().expect("a run");
        let drawn = self
            .forkbench(&["report", run.to_str().unwrap()])
            .output()
            .unwrap();
        assert!(drawn.status.success(), "{}", told(&drawn));
        assert!(run.join("index.html").is_file());
        self.recorded().run.finished.is_some()
    }
}

/// Waits for something that should come true.
pub fn comes_true(mut holds: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < LONG {
        if holds() {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    holds()
}

/// Sends a signal to a child that has not been waited for.
pub fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
}

/// What a command said on standard error.
pub fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command said on standard output.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
