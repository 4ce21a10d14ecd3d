//! Following a subject and everything it creates, stop by stop.

use std::collections::BTreeMap;

use nix::errno::Errno;

use super::calls::{self, Creation, Kind};
use super::ptrace::{self, Call, Stop};
use super::{Child, End};
use crate::mechanism::Event;

/// Calls kept per list: a subject that never stops calling must not fill memory.
const MOST_CALLS: usize = 4096;

/// Births that are told: a subject that never stops making children must not fill memory.
const MOST_BIRTHS: usize = 8192;

/// Longest path that is read from a tracee, in bytes: the kernel's own limit.
const LONGEST_PATH: usize = 4096;

/// A thread that is followed.
#[derive(Debug, Default)]
struct Tracee {
    /// The process it belongs to.
    process: i32,
    /// Whether it stopped for the first time already.
    begun: bool,
    /// What its birth returned to it.
    returned: Option<i64>,
    /// Which birth was its own, if it is told.
    child: Option<usize>,
    /// The call it is in, if that makes a child or executes an image.
    pending: Option<Pending>,
    /// What it called since it last made a child.
    calls: Vec<String>,
    /// The last child it made.
    made: Option<usize>,
}

impl Tracee {
    fn of(process: i32) -> Self {
        Self {
            process,
            ..Self::default()
        }
    }
}

#[derive(Debug)]
enum Pending {
    Creation(Creation),
    Execution(String),
}

/// Everything that is known of a subject while it is followed.
#[derive(Debug)]
pub(super) struct Follower {
    subject: i32,
    /// What `/proc/PID/fd` calls the pipe that the subject reads its job from.
    job: String,
    /// Whether it has begun to read the job.
    reading: bool,
    tracees: BTreeMap<i32, Tracee>,
    /// Everything that the subject and its descendants made, in the order of birth.
    pub born: Vec<Child>,
    /// The step of the job that the subject is at.
    pub step: usize,
    /// How the subject ended.
    pub end: Option<End>,
}

impl Follower {
    pub(super) fn new(subject: i32, job: String) -> Self {
        let tracee = Tracee::of(subject);
        Self {
            subject,
            job,
            reading: false,
            tracees: BTreeMap::from([(subject, tracee)]),
            born: Vec::new(),
            step: 0,
            end: None,
        }
    }

    /// The subject's pid.
    pub(super) fn subject(&self) -> i32 {
        self.subject
    }

    /// Seizes a subject with all its threads, and asks each to stop once.
    ///
    /// # Errors
    /// What ptrace refused; that the subject is gone already shows by its end.
    pub(super) fn seize(&mut self) -> Result<(), Errno> {
        ptrace::seize(self.subject)?;
        forgive(ptrace::interrupt(self.subject))?;
        // Threads that are made from now on by seized ones are seized with them. A listing can miss those
        // made by others meanwhile, so it is repeated until it shows nothing new.
        loop {
            let known = self.tracees.len();
            for thread in self.threads() {
                if self.tracees.contains_key(&thread) {
                    continue;
                }
                // EPERM: seized by its birth, which is still to be reported.
                if ptrace::seize(thread).is_ok() {
                    forgive(ptrace::interrupt(thread))?;
                    let tracee = Tracee::of(self.subject);
                    self.tracees.insert(thread, tracee);
                }
            }
            if self.tracees.len() == known {
                return Ok(());
            }
        }
    }

    fn threads(&self) -> Vec<i32> {
        std::fs::read_dir(format!("/proc/{}/task", self.subject))
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect()
    }

    /// Whether every thread of the subject has stopped once, so that nothing of its job can be missed.
    pub(super) fn has_begun(&self) -> bool {
        self.tracees.values().all(|tracee| tracee.begun)
    }

    /// Those that are still alive. They are ours until they are waited for, so a pid names no other.
    pub(super) fn alive(&self) -> Vec<i32> {
        self.tracees.keys().copied().collect()
    }

    /// Takes note of a stop and lets the tracee go on.
    ///
    /// # Errors
    /// What ptrace refused; that a tracee has been killed meanwhile is not an error.
    pub(super) fn take(&mut self, stop: Stop) -> Result<(), Errno> {
        let mut deliver = 0;
        let (pid, noted) = match stop {
            Stop::Nothing | Stop::NoneLeft => return Ok(()),
            Stop::Exited(pid, status) => {
                self.ended(pid, End::Exited(status));
                return Ok(());
            }
            Stop::Killed(pid, signal) => {
                self.ended(pid, End::Killed(signal));
                return Ok(());
            }
            Stop::Signal(pid, signal) => {
                deliver = signal;
                (pid, Ok(()))
            }
            Stop::Begin(pid) => match self.begin(pid) {
                Ok(true) => (pid, Ok(())),
                // Its parent's event will let it go.
                Ok(false) => return Ok(()),
                Err(error) => (pid, Err(error)),
            },
            Stop::Call(pid) => (pid, self.call(pid)),
            Stop::Birth(pid, event) => (pid, self.birth(pid, event)),
            Stop::Exec(pid) => (pid, self.exec(pid)),
        };
        forgive(noted)?;
        // A subject that is seized in the middle of its exec stops there first, and then not again.
        self.tracees.entry(pid).or_default().begun = true;
        forgive(ptrace::resume(pid, deliver))
    }

    /// Whether it may go on: a newborn waits until its parent's event has told who it is.
    fn begin(&mut self, pid: i32) -> Result<bool, Errno> {
        let known = self.tracees.contains_key(&pid);
        let tracee = self.tracees.entry(pid).or_default();
        if tracee.begun {
            return Ok(true);
        }
        tracee.begun = true;
        if tracee.process != self.subject || tracee.child.is_some() {
            let returned = ptrace::return_register(pid)?;
            tracee.returned = Some(returned);
            if let Some(index) = tracee.child {
                self.born[index].returned_in_child = Some(returned);
            }
        }
        Ok(known)
    }

    fn call(&mut self, pid: i32) -> Result<(), Errno> {
        match ptrace::call(pid)? {
            Call::Entry { number, arguments } => self.entry(pid, number, arguments),
            Call::Exit { returned } => {
                self.exit(pid, returned);
                Ok(())
            }
            Call::None => Ok(()),
        }
    }

    fn entry(&mut self, pid: i32, number: u64, arguments: [u64; 6]) -> Result<(), Errno> {
        let pending = match calls::kind(number, arguments) {
            Kind::Creates(creation) => Some(Pending::Creation(creation)),
            Kind::Clone3 { address, words } => {
                let words: Result<Vec<u64>, Errno> = (0..words as u64)
                    .map(|index| ptrace::word(pid, address.wrapping_add(8 * index)))
                    .collect();
                // A bad address is the tracee's mistake: the kernel will tell it.
                words
                    .ok()
                    .map(|words| Pending::Creation(Creation::by_clone3(&words)))
            }
            Kind::Executes { path } => Some(Pending::Execution(read_path(pid, path))),
            Kind::Reads { descriptor } => {
                self.note_read(pid, descriptor);
                None
            }
            Kind::Other => None,
        };
        let name = calls::name(number);
        let tracee = self.tracees.entry(pid).or_default();
        tracee.pending = pending;
        push(&mut tracee.calls, &name);
        if let Some(index) = tracee.child {
            push(&mut self.born[index].calls, &name);
        }
        if let Some(made) = tracee.made.map(|index| &mut self.born[index]) {
            let waits = |name: &str| name == "wait4" || name == "waitid";
            let reaps = waits(&name) && !made.meanwhile.iter().any(|call| waits(call));
            if made.end.is_none() || reaps {
                push(&mut made.meanwhile, &name);
            }
        }
        Ok(())
    }

    /// What was before the job's first line is the subject's own start, not the job.
    fn note_read(&mut self, pid: i32, descriptor: u64) {
        let process = self.tracees.get(&pid).map(|tracee| tracee.process);
        if self.reading || process != Some(self.subject) {
            return;
        }
        let link = std::fs::read_link(format!("/proc/{pid}/fd/{descriptor}"));
        if link.is_ok_and(|link| link.to_string_lossy() == self.job.as_str()) {
            self.reading = true;
            self.born.clear();
            for tracee in self.tracees.values_mut() {
                tracee.child = None;
                tracee.made = None;
                tracee.calls.clear();
            }
        }
    }

    fn exit(&mut self, pid: i32, returned: i64) {
        let Some(tracee) = self.tracees.get_mut(&pid) else {
            return;
        };
        let creates = matches!(tracee.pending.take(), Some(Pending::Creation(_)));
        if let Some(index) = tracee.made.filter(|_| creates && returned > 0) {
            self.born[index].returned_in_parent.get_or_insert(returned);
        }
    }

    fn birth(&mut self, pid: i32, event: Event) -> Result<(), Errno> {
        let born = ptrace::event_message(pid)?;
        let parent = self.tracees.entry(pid).or_default();
        let creation = match &parent.pending {
            Some(Pending::Creation(creation)) => creation.clone(),
            _ => Creation::default(),
        };
        let process = parent.process;
        let mut before = std::mem::take(&mut parent.calls);
        if before.last() == Some(&creation.call) {
            before.pop();
        }
        let told = self.born.len() < MOST_BIRTHS;
        let index = told.then_some(self.born.len());
        parent.made = index;

        let newborn = self.tracees.entry(born).or_default();
        // The flags say so too, but a subject can be seized in the middle of the call.
        let task = format!("/proc/{process}/task/{born}");
        let thread = std::path::Path::new(&task).exists();
        newborn.process = if thread { process } else { born };
        newborn.child = index;
        let (waits, returned_in_child) = (newborn.begun, newborn.returned);
        if told {
            self.born.push(Child {
                pid: born,
                parent: pid,
                maker: process,
                step: self.step,
                event,
                creation,
                returned_in_parent: None,
                returned_in_child,
                exec: None,
                calls_to_exec: 0,
                end: None,
                before,
                calls: Vec::new(),
                meanwhile: Vec::new(),
            });
        }
        if waits {
            forgive(ptrace::resume(born, 0))?;
        }
        Ok(())
    }

    fn exec(&mut self, pid: i32) -> Result<(), Errno> {
        // A thread that executes takes over its leader's pid.
        let former = ptrace::event_message(pid)?;
        if former != pid {
            if let Some(tracee) = self.tracees.remove(&former) {
                self.tracees.insert(pid, tracee);
            }
        }
        let tracee = self.tracees.entry(pid).or_default();
        let path = match tracee.pending.take() {
            Some(Pending::Execution(path)) => path,
            _ => String::new(),
        };
        if let Some(index) = tracee.child {
            let child = &mut self.born[index];
            child.calls_to_exec = child.calls.len();
            child.exec = Some(path);
        }
        Ok(())
    }

    fn ended(&mut self, pid: i32, end: End) {
        if pid == self.subject {
            self.end = Some(end);
        }
        if let Some(index) = self.tracees.remove(&pid).and_then(|tracee| tracee.child) {
            self.born[index].end = Some(end);
        }
    }
}

/// A tracee that was killed while it stood still is gone; its end is reported by itself.
fn forgive(result: Result<(), Errno>) -> Result<(), Errno> {
    match result {
        Err(Errno::ESRCH) => Ok(()),
        other => other,
    }
}

fn push(calls: &mut Vec<String>, name: &str) {
    if calls.len() < MOST_CALLS {
        calls.push(name.to_owned());
    }
}

/// A string in a tracee's memory, as far as it can be read.
fn read_path(pid: i32, address: u64) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < LONGEST_PATH {
        let Ok(word) = ptrace::word(pid, address.wrapping_add(bytes.len() as u64)) else {
            break;
        };
        let word = word.to_ne_bytes();
        let end = word.iter().position(|&byte| byte == 0);
        bytes.extend_from_slice(&word[..end.unwrap_or(word.len())]);
        if end.is_some() {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
