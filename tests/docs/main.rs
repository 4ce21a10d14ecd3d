//! Holds README.md and docs/ to the code: links, words, commands, the budget, the subject in PROTOCOL.md.

// The budget reads four targets, and each has the same driver.
#![allow(clippy::duplicate_mod)]

mod budget;
mod commands;
mod figures;
mod links;
mod subject;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

/// The texts that are held to anything, from the root of the repository.
const TEXTS: [&str; 7] = [
    "README.md",
    "docs/METHODOLOGY.md",
    "docs/BIAS.md",
    "docs/GLOSSARY.md",
    "docs/PROTOCOL.md",
    "docs/FORMATS.md",
    "docs/CI.md",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn path(text: &str) -> PathBuf {
    root().join(text)
}

fn read(text: &str) -> String {
    fs::read_to_string(path(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The lines of a text's fenced blocks in one language, block by block.
fn blocks(body: &str, language: &str) -> Vec<Vec<String>> {
    let mut blocks = Vec::new();
    let mut inside: Option<(bool, Vec<String>)> = None;
    for line in body.lines() {
        match (&mut inside, line.strip_prefix("```")) {
            (None, Some(found)) => inside = Some((found == language, Vec::new())),
            (Some(_), Some(_)) => {
                if let Some((true, lines)) = inside.take() {
                    blocks.push(lines);
                }
            }
            (Some((_, lines)), None) => lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    blocks
}

/// The text without its fenced blocks.
fn prose(body: &str) -> String {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in body.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// What stands between single backticks.
fn code_spans(body: &str) -> Vec<String> {
    let prose = prose(body);
    prose
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|span| span.replace('\n', " "))
        .collect()
}
