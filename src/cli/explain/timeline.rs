//! The moments of a life, and the states that its child was in.

use super::super::output::fill;
use super::spoken;
use crate::mechanism::Spent;
use crate::recording::{Life, States};
use crate::units::{human_size, human_time};

/// Lines are as long as the terminal is wide, within these.
const NARROWEST: usize = 40;
/// See [`NARROWEST`].
const WIDEST: usize = 110;
/// A state's name and time, and what separates them from its bar.
const BEFORE_BAR: usize = 19;
/// What a state is, and the blank before it.
const LONGEST_STATE: usize = 46;

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
    let own = size(", with page tables of ", life.page_tables).unwrap_or_default();
    add(
        Some(0),
        &format!("calls {}{own}", spoken(&life.mechanism)),
        "",
    );
    let first = match (life.returned_in_child, life.child_parent_pid) {
        (Some(value), Some(parent)) => {
            format!("runs: the call returned {value}; getppid() is {parent}")
        }
        _ => "runs its first instruction".to_owned(),
    };
    let given = size("; page tables of ", life.copied_tables);
    let given = given.map_or(String::new(), |given| format!("{given} were copied for it"));
    add(moments.start, "", &format!("{first}{given}"));
    if life.mechanism == "null" {
        add(Some(moments.call), "has read the clock again", "");
    } else {
        let spent = life.parent_call.as_ref().map_or(String::new(), spent);
        let returned = format!("the call returned {}{spent}", life.returned_in_parent);
        add(Some(moments.call), &returned, "");
    }
    add(moments.exec, "", "the new program's first instruction");
    let status = life
        .exit_status
        .map_or(String::new(), |status| format!(" with status {status}"));
    add(moments.end, "", &format!("ends{status}"));
    let ended = "learns that the child has ended";
    add(
        moments.ended,
        ended,
        &format!("is a zombie{}", theirs(life)),
    );
    if life.mechanism != "null" {
        let spent = life.parent_reap.as_ref().map_or(String::new(), spent);
        let in_all = if spent.is_empty() { "" } else { " in all" };
        add(
            Some(moments.reap),
            &format!("has reaped it{spent}{in_all}"),
            "is gone",
        );
    }
    events.sort_by_key(|event| event.at);
    events
}

/// A number of bytes with words before it; nothing where there are none.
fn size(before: &str, bytes: Option<u64>) -> Option<String> {
    let bytes = bytes.filter(|&bytes| bytes > 0)?;
    Some(format!("{before}{}", human_size(bytes)))
}

/// What the parent's thread had since `t0`.
fn spent(spent: &Spent) -> String {
    counts([
        Some(spent.minor_faults),
        Some(spent.major_faults),
        Some(spent.voluntary_switches),
        Some(spent.involuntary_switches),
    ])
}

/// What the child had in all its life.
fn theirs(life: &Life) -> String {
    counts([
        life.minor_faults,
        life.major_faults,
        life.voluntary_switches,
        life.involuntary_switches,
    ])
}

/// Minor and major faults, voluntary and involuntary switches: those that there were, after a semicolon.
fn counts(counts: [Option<u64>; 4]) -> String {
    const NAMES: [[&str; 2]; 4] = [
        ["page fault", "page faults"],
        ["major page fault", "major page faults"],
        ["voluntary switch", "voluntary switches"],
        ["involuntary switch", "involuntary switches"],
    ];
    if counts.iter().all(Option::is_none) {
        return String::new();
    }
    let parts: Vec<String> = counts
        .iter()
        .zip(NAMES)
        .filter_map(|(count, [one, many])| match count {
            None | Some(0) => None,
            Some(1) => Some(format!("1 {one}")),
            Some(n) => Some(format!("{n} {many}")),
        })
        .collect();
    if parts.is_empty() {
        "; no page fault, no switch".to_owned()
    } else {
        format!("; {}", parts.join(", "))
    }
}

/// Two columns, parent and child, one line for each moment.
pub(super) fn timeline(life: &Life, width: usize) -> String {
    const TIME: usize = 10;
    let column = (width.clamp(NARROWEST, WIDEST) - TIME - 3) / 2;
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
pub(super) fn states(life: &Life, width: usize) -> String {
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
    // What a state is stands beside its bar where there is room for both.
    let room = width.clamp(NARROWEST, WIDEST) - BEFORE_BAR;
    let beside = room.checked_sub(LONGEST_STATE).filter(|bar| *bar >= 10);
    let bar = beside.unwrap_or(room);
    let mut lines = Vec::new();
    for (name, ns, what) in rows {
        let cells = (ns as f64 / total as f64 * bar as f64).round() as usize;
        let time = human_time(ns);
        let line = format!("{name:8} {time:>8}  {:bar$}", "█".repeat(cells));
        match beside {
            Some(_) => lines.push(format!("{line} {what}")),
            None => {
                lines.push(line.trim_end().to_owned());
                lines.push(fill(what, width, "  "));
            }
        }
    }
    lines.push(format!("{:8} {:>8}\n", "reaped", human_time(total)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::LifeMoments;

    fn life() -> Life {
        Life {
            cell: "fork/64MiB".to_owned(),
            mechanism: "fork".to_owned(),
            system_call: None,
            parent_pid: 4711,
            returned_in_parent: 4712,
            returned_in_child: Some(0),
            child_pid: Some(4712),
            child_parent_pid: Some(4711),
            moments: LifeMoments {
                call: 400_000,
                start: Some(450_000),
                exec: None,
                end: Some(460_000),
                ended: Some(500_000),
                reap: 900_000,
            },
            ran_ns: Some(90_000),
            waited_ns: Some(10_000),
            minor_faults: Some(12),
            major_faults: Some(0),
            voluntary_switches: Some(1),
            involuntary_switches: Some(0),
            exit_status: Some(0),
            parent_call: None,
            parent_reap: None,
            page_tables: Some(1 << 20),
            copied_tables: Some(1 << 19),
            copied_entries: Some(16_384),
            fault_ns: None,
        }
    }

    #[test]
    fn a_life_fits_every_terminal() {
        let life = life();
        for width in 1..200 {
            let (lines, states) = (timeline(&life, width), states(&life, width));
            for line in lines.lines().chain(states.lines()) {
                let length = line.chars().count();
                assert!(length <= width.max(NARROWEST), "{width}: {length}: {line}");
            }
            for word in ["created", "the parent stands still", "has ended", "reaped"] {
                let text = states.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(text.contains(word), "{width}: no `{word}` in\n{states}");
            }
            assert!(states.contains('█'), "{width}:\n{states}");
        }
    }
}
