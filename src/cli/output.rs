//! Where runs land, and what the terminal can show.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use serde::Serialize;

use crate::harness::doctor;
use crate::harness::environment::Environment;
use crate::recording::{RUN_SCHEMA, RunLine, Tool, rfc3339, run_id};

/// How long the doctor looks at the host when a run begins.
const LOOK: Duration = Duration::from_millis(200);

/// The folder that runs land in: `--out`, else `FORKBENCH_OUT`, else `reports`.
pub(super) fn runs_folder(out: Option<&Path>) -> PathBuf {
    let named = out
        .map(Path::to_owned)
        .or_else(|| std::env::var_os("FORKBENCH_OUT").map(PathBuf::from));
    named.unwrap_or_else(|| PathBuf::from("reports"))
}

/// The run that a command line names: a directory or a file of it, or `latest`.
pub(super) fn named_run(run: &Path) -> PathBuf {
    if run == Path::new("latest") && !run.exists() {
        runs_folder(None).join("latest")
    } else {
        run.to_owned()
    }
}

/// A run's first line, as of now.
pub(super) fn header(driver: &str, command: String, seed: u64) -> RunLine {
    let environment = Environment::here();
    let mut host = environment.host();
    host.findings = doctor::examine(&environment, &host, LOOK);
    let now = SystemTime::now();
    RunLine {
        schema: RUN_SCHEMA.to_owned(),
        id: run_id(now, &host.name),
        started: rfc3339(now),
        seed,
        command,
        tool: tool(driver),
        host,
        sitting: String::new(),
    }
}

/// This program, asked by `driver`.
pub(super) fn tool(driver: &str) -> Tool {
    let commit = env!("FORKBENCH_COMMIT");
    Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: (!commit.is_empty()).then(|| commit.to_owned()),
        driver: driver.to_owned(),
    }
}

/// A seed that no one chose; it is recorded and printed.
pub(super) fn fresh_seed() -> u64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    // JSON readers that keep numbers as doubles must not round it.
    (since.as_nanos() as u64 ^ u64::from(std::process::id()) << 20) & ((1 << 53) - 1)
}

/// Columns that text on standard output is laid out for; `None` where it goes to no terminal.
pub(super) fn width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let columns = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    Some(columns.clamp(40, 200))
}

/// Whether standard output takes colours: a terminal, unless `NO_COLOR` says no.
pub(super) fn colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal()
        && !refused
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// A word in a colour (an SGR code), where standard output takes colours.
pub(super) fn paint(word: &str, code: &str) -> String {
    if colour() {
        format!("\x1b[{code}m{word}\x1b[0m")
    } else {
        word.to_owned()
    }
}

/// Breaks text into lines of at most `width` characters, each beginning with `indent`.
pub(super) fn fill(text: &str, width: usize, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a last line");
        let used = line.chars().count();
        if used > indent.len() && used + 1 + word.chars().count() > width {
            lines.push(format!("{indent}{word}"));
        } else {
            if used > indent.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// Prints text. Unlike `print!` it does not panic where it cannot.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    print_bytes(text.as_bytes())
}

/// Prints what may be no text.
pub(super) fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(bytes).and_then(|()| output.flush());
    written.context("cannot write to standard output; send it to a file or pipe that takes it")
}

/// Prints the one JSON document of a command.
pub(super) fn print_json(document: &impl Serialize) -> anyhow::Result<()> {
    print(&(serde_json::to_string_pretty(document)? + "\n"))
}

/// The command line that repeats this one, quoted for a shell.
pub(super) fn repeated_command() -> String {
    let mut command = "forkbench".to_owned();
    for word in std::env::args().skip(1) {
        command.push(' ');
        command.push_str(&quoted(word));
    }
    command
}

/// A word as a shell takes it.
pub(super) fn quoted(word: String) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
