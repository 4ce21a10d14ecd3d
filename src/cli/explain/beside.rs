//! A foreign child's life beside a native one's.

use serde::Serialize;

use super::super::Exit;
use super::super::output::{fill, print, print_json, width};
use crate::harness::beside::{Calls, Side, side_by_side};
use crate::harness::cell::Cell;
use crate::harness::launcher::Launcher;
use crate::mechanism::Phase;
use crate::units::human_time;

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    /// The interpreter's version, where it is known.
    version: Option<&'a str>,
    foreign: &'a Side,
    /// The mechanism of forkbench's own that asks the same of the kernel; `None`: there is none.
    native: Option<&'a Side>,
}

/// Tells a foreign cell's children beside native ones'.
pub(super) fn explain(launcher: &Launcher, cell: &Cell, json: bool) -> anyhow::Result<Exit> {
    let key = launcher.key(cell);
    let (foreign, native) = match side_by_side(launcher, cell, key.native.as_deref()) {
        Ok(sides) => sides,
        Err(error) if error.is_skip() => {
            eprintln!("{cell}: {error}");
            return Ok(Exit::Refused);
        }
        Err(error) => return Err(error.into()),
    };
    if json {
        print_json(&Document {
            schema: "forkbench.beside/1",
            version: key.version.as_deref(),
            foreign: &foreign,
            native: native.as_ref(),
        })?;
        return Ok(Exit::Done);
    }
    let width = width().unwrap_or(100);
    let version = key
        .version
        .map_or(String::new(), |version| format!(" {version}"));
    let subject = &cell.subject;
    let mut text = match &native {
        Some(native) => fill(
            &format!(
                "{}: a child of {subject}{version}, beside one of {}, which asks the same of the kernel. Times are \
                 medians of ordinary children, made in turn; `forkbench run` measures.",
                foreign.cell, native.cell
            ),
            width,
            "",
        ),
        None => fill(
            &format!(
                "{}: a child of {subject}{version}. No mechanism of forkbench's own asks the same of the kernel.",
                foreign.cell
            ),
            width,
            "",
        ),
    };
    text.push_str("\n\n");
    text.push_str(&phases(&foreign, native.as_ref()));
    for side in [Some(&foreign), native.as_ref()].into_iter().flatten() {
        text.push_str(&format!("\n{}\n{}", side.cell, calls(side, width)));
    }
    print(&text)?;
    Ok(Exit::Done)
}

/// A row for each phase, with what the language adds to it.
fn phases(foreign: &Side, native: Option<&Side>) -> String {
    let mut text = format!("{:8} {:>12}", "", "this one");
    if native.is_some() {
        text.push_str(&format!(" {:>12} {:>14}", "native", "added"));
    }
    text.push('\n');
    for phase in Phase::LIFE {
        let Some(&own) = foreign.phases.get(&phase) else {
            continue;
        };
        text.push_str(&format!("{:8} {:>12}", phase.name(), human_time(own)));
        if let Some(&other) = native.and_then(|native| native.phases.get(&phase)) {
            let added = match own.checked_sub(other) {
                Some(more) => human_time(more),
                None => format!("−{}", human_time(other - own)),
            };
            text.push_str(&format!(" {:>12} {added:>14}", human_time(other)));
        }
        text.push('\n');
    }
    text
}

/// The system calls that made a child, in the order in which each first came.
fn calls(side: &Side, width: usize) -> String {
    let mut text = String::new();
    let mut line = |head: &str, said: String| {
        text.push_str(&fill(&format!("{head}: {said}"), width, "  "));
        text.push('\n');
    };
    if let Some(why) = &side.untraced {
        line("not traced", why.clone());
        return text;
    }
    match &side.made_by {
        None => line("made by", "no call: an iteration starts nothing".to_owned()),
        Some(call) => {
            let exec = side.executed.as_ref();
            let exec = exec.map_or(String::new(), |path| format!(", then execve of {path}"));
            line("made by", format!("{}{exec}", call.replace('|', " | ")));
            line("parent, before", listed(&side.before));
            line("child", listed(&side.child));
            line("parent, after", listed(&side.after));
        }
    }
    for beside in &side.beside {
        line("beside", beside.replace('|', " | "));
    }
    text
}

fn listed(calls: &[Calls]) -> String {
    if calls.is_empty() {
        return "nothing".to_owned();
    }
    let total: usize = calls.iter().map(|calls| calls.times).sum();
    let words = calls.iter().map(|calls| match calls.times {
        1 => calls.call.clone(),
        times => format!("{} ×{times}", calls.call),
    });
    format!("{} ({total} in all)", words.collect::<Vec<_>>().join(", "))
}
