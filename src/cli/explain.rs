//! `forkbench explain`.

use clap::Args;

use super::Exit;
use super::output::{fill, print, print_json, width};
use super::selection::parse_cell;
use crate::harness::environment;
use crate::harness::launcher::{Launcher, SubjectCommand};
use crate::harness::life;
use crate::recording::{Life, States};
use crate::units::human_time;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  forkbench explain fork\n  forkbench explain vfork-exec\n  forkbench explain fork/1GiB\n\n\
                        The times are those of one ordinary child, not a measurement: `forkbench run` measures."
)]
pub(super) struct Explain {
    /// A mechanism (fork) or a cell (fork/1GiB)
    #[arg(value_name = "MECHANISM|CELL")]
    cell: String,
}

impl Explain {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let cell = parse_cell(&self.cell)?;
        let native = SubjectCommand::native()?;
        let launcher = Launcher::new(native, Vec::new(), environment::choose_cpus(), None)?;
        launcher.keep_off();
        let life = match life::tell(&launcher, &cell) {
            Ok(life) => life,
            Err(error) if error.is_skip() => {
                eprintln!("{cell}: {error}");
                return Ok(Exit::Refused);
            }
            Err(error) => return Err(error.into()),
        };
        if json {
            print_json(&life)?;
            return Ok(Exit::Done);
        }
        let width = width().unwrap_or(80);
        let mut text = format!("{}\n\n", fill(&introduction(&life), width, ""));
        text.push_str(&format!(
            "{}\n\n{}",
            timeline(&life, width),
            states(&life, width)
        ));
        let notes = notes(&life);
        if !notes.is_empty() {
            text.push_str(&format!("\n{}\n", fill(&notes, width, "")));
        }
        print(&text)?;
        Ok(Exit::Done)
    }
}

/// What happens, for someone who has never called it.
fn introduction(life: &Life) -> String {
    let name = spoken(&life.mechanism);
    let mut text = match life.mechanism.as_str() {
        "null" => {
            return format!(
                "{}: nothing is started. The clock is read twice.",
                life.cell
            );
        }
        _ => format!("{}: one child's life, told by both sides.", life.cell),
    };
    if let Some(call) = &life.system_call {
        text.push_str(&format!(
            " Inside {name} the system call is {}.",
            call.replace('|', " | ")
        ));
    }
    match (life.returned_in_child, life.child_pid) {
        (Some(value), _) => text.push_str(&format!(
            " {name} is called once and returns twice: in the parent it returns {}, the child's pid; in the \
             child it returns {value}. {}",
            life.returned_in_parent,
            if life.mechanism.starts_with("vfork") {
                "The child runs in the parent's own memory, and the parent stands still until it has ended \
                 or executed another program."
            } else {
                "From there on two processes run the same program, each in memory of its own."
            }
        )),
        (None, Some(pid)) => text.push_str(&format!(
            " {name} returns once, in the parent; the child ({pid}) begins in a function of its own."
        )),
        (None, None) => text.push_str(&format!(
            " {name} returns once, in the parent; the child begins in the new program."
        )),
    }
    text
}

/// What is written in a program to call a mechanism.
fn spoken(mechanism: &str) -> &str {
    match mechanism {
        "clone-vm" => "clone",
        "fork-exec" => "fork",
        "vfork-exec" => "vfork",
        "command" | "command-fork" => "Command::spawn",
        "pthread" => "pthread_create",
        "thread" => "thread::spawn",
        other => other,
    }
}

struct Event {
    at: u64,
    parent: String,
    child: String,
}

fn events(life: &Life) -> Vec<Event> {
    let moments = &life.moments;
    let mut events = Vec::new();
    let mut add = |at: Option<u64>, parent: &str, child: &str| {
        if let Some(at) = at {
            events.push(Event {
                at,
                parent: parent.to_owned(),
                child: child.to_owned(),
            });
        }
    };
    add(Some(0), &format!("calls {}", spoken(&life.mechanism)), "");
    let first = match (life.returned_in_child, life.child_parent_pid) {
        (Some(value), Some(parent)) => {
            format!("runs: the call returned {value}; getppid() is {parent}")
        }
        _ => "runs its first instruction".to_owned(),
    };
    add(moments.start, "", &first);
    if life.mechanism == "null" {
        add(Some(moments.call), "has read the clock again", "");
    } else {
        let returned = format!("the call returned {}", life.returned_in_parent);
        add(Some(moments.call), &returned, "");
    }
    add(moments.exec, "", "the new program's first instruction");
    let status = life
        .exit_status
        .map_or(String::new(), |status| format!(" with status {status}"));
    add(moments.end, "", &format!("ends{status}"));
    add(
        moments.ended,
        "learns that the child has ended",
        "is a zombie",
    );
    if life.mechanism != "null" {
        add(Some(moments.reap), "has reaped it", "is gone");
    }
    events.sort_by_key(|event| event.at);
    events
}

/// Two columns, parent and child, one line for each moment.
fn timeline(life: &Life, width: usize) -> String {
    const TIME: usize = 10;
    let column = (width.clamp(60, 110) - TIME - 3) / 2;
    let child = life
        .child_pid
        .map_or("child".to_owned(), |pid| format!("child {pid}"));
    let head = format!("parent {}", life.parent_pid);
    let mut lines = vec![
        format!("{:>TIME$}  {head:column$} {child}", "after")
            .trim_end()
            .to_owned(),
    ];
    for event in events(life) {
        let parent = fill(&event.parent, column, "");
        let child = fill(&event.child, column, "");
        let (mut parent, mut child) = (parent.lines(), child.lines());
        let mut time = human_time(event.at);
        loop {
            let (left, right) = (parent.next(), child.next());
            if left.is_none() && right.is_none() {
                break;
            }
            let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
            lines.push(
                format!("{time:>TIME$}  {left:column$} {right}")
                    .trim_end()
                    .to_owned(),
            );
            time = String::new();
        }
    }
    lines.join("\n")
}

/// created → ready → running → blocked → ended → reaped, with the time in each.
fn states(life: &Life, width: usize) -> String {
    if life.mechanism == "null" {
        return String::new();
    }
    let Some(states) = life.states() else {
        return "The scheduler's account of the child could not be read.\n".to_owned();
    };
    let States {
        created,
        ready,
        running,
        blocked,
        ended,
    } = states;
    let rows = [
        (
            "created",
            created,
            "the kernel makes it; the parent stands still",
        ),
        ("ready", ready, "it could run, and waits for a CPU"),
        ("running", running, "on a CPU, its exit included"),
        ("blocked", blocked, "it waits for something"),
        ("ended", ended, "it has ended, and was not yet waited for"),
    ];
    let total = rows.iter().map(|row| row.1).sum::<u64>().max(1);
    let bar = width.clamp(60, 110) - 20 - 45;
    let mut lines: Vec<String> = rows
        .iter()
        .map(|(name, ns, what)| {
            let cells = (*ns as f64 / total as f64 * bar as f64).round() as usize;
            format!(
                "{name:8} {:>8}  {:bar$} {what}",
                human_time(*ns),
                "█".repeat(cells)
            )
        })
        .collect();
    lines.push(format!("{:8} {:>8}\n", "reaped", human_time(total)));
    lines.join("\n")
}

fn notes(life: &Life) -> String {
    let switches = match life.voluntary_switches {
        Some(2..) => "voluntary switches (its end is one)".to_owned(),
        _ => "voluntary switches".to_owned(),
    };
    let mut parts = Vec::new();
    let mut count = |value: Option<u64>, one: &str, many: &str| {
        if let Some(n) = value {
            parts.push(format!("{n} {}", if n == 1 { one } else { many }));
        }
    };
    count(life.minor_faults, "minor page fault", "minor page faults");
    count(life.major_faults, "major page fault", "major page faults");
    count(
        life.voluntary_switches,
        "voluntary switch (its end)",
        &switches,
    );
    count(
        life.involuntary_switches,
        "involuntary switch",
        "involuntary switches",
    );
    if parts.is_empty() {
        String::new()
    } else {
        format!("The child had {}.", parts.join(", "))
    }
}
