//! A subject that is talked to by hand.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use forkbench::harness::environment;
use forkbench::protocol::{Answer, TimedSample};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A subject. It is ended with its children when it is dropped.
pub struct Live {
    pub subject: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Live {
    /// One that has said hello and was pinned, where this host has two CPUs.
    pub fn start() -> Self {
        Self::start_in(Path::new("."))
    }

    /// The same, in a folder where its files lie too.
    pub fn start_in(folder: &Path) -> Self {
        let mut subject = Command::new(env!("CARGO_BIN_EXE_forkbench-subject"))
            .current_dir(folder)
            .env("TMPDIR", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = subject.stdin.take();
        let output = BufReader::new(subject.stdout.take().unwrap());
        let mut live = Self {
            subject,
            input,
            output,
        };
        live.say("forkbench 1");
        if let Some((cpu, _)) = environment::choose_cpus() {
            live.say(&format!("cpu {cpu}"));
        }
        assert!(matches!(live.hear(), Answer::Hello { .. }));
        live
    }

    pub fn pid(&self) -> i32 {
        self.subject.id() as i32
    }

    pub fn say(&mut self, order: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{order}\n").as_bytes()).unwrap();
    }

    pub fn hear(&mut self) -> Answer {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        Answer::from_line(line.trim_end()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// All samples of an order, and the answer that ends them.
    pub fn order(&mut self, order: &str) -> (Vec<TimedSample>, Answer) {
        self.say(order);
        self.rest()
    }

    pub fn rest(&mut self) -> (Vec<TimedSample>, Answer) {
        let mut samples = Vec::new();
        loop {
            match self.hear() {
                Answer::Sample(sample) => samples.push(sample),
                last => return (samples, last),
            }
        }
    }

    /// The pid of the child that answers, as soon as there is one.
    pub fn child(&self) -> i32 {
        let list = format!("/proc/{0}/task/{0}/children", self.pid());
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) {
            let children = fs::read_to_string(&list).unwrap_or_default();
            if let Some(child) = children.split_whitespace().next() {
                return child.parse().unwrap();
            }
            thread::sleep(Duration::from_millis(1));
        }
        panic!("no child came");
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.subject.kill();
        let _ = self.subject.wait();
    }
}

/// Sends a signal to a process that is there.
pub fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

/// Whether a process is there, and not merely waiting to be reaped.
pub fn runs(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}
