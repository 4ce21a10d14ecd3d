//! What README.md tells a reader to type can be typed.

use std::process::{Command, Output};

use super::{blocks, code_spans, path, read};

/// A shell's words, as far as the texts use a shell.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut any) = (String::new(), false, false);
    for c in line.chars().chain([' ']) {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    words
}

/// The commands of the console blocks, without their prompts.
fn commands() -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for text in ["README.md", "docs/METHODOLOGY.md", "docs/PROTOCOL.md"] {
        let blocks = blocks(&read(text), "console");
        let lines = blocks.iter().flatten();
        commands.extend(lines.filter_map(|line| Some(words(line.strip_prefix("$ ")?))));
    }
    commands
}

fn forkbench(arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_forkbench"))
        .args(arguments)
        .output()
        .expect("forkbench starts")
}

/// Whether a command line is understood. `--help` at its end keeps it from doing anything; what stands
/// before is read all the same.
fn is_understood(arguments: &[String]) -> Result<(), String> {
    let mut asked = arguments.to_vec();
    asked.push("--help".to_owned());
    let output = forkbench(&asked);
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

#[test]
fn every_command_of_the_console_blocks_is_understood() {
    let mut seen = 0;
    for command in commands() {
        // What root is allowed beyond is no other command.
        let command = command
            .strip_prefix(&["sudo".to_owned()])
            .unwrap_or(&command);
        let (program, arguments) = command.split_first().expect("a command has a word");
        match program.as_str() {
            "forkbench" => {
                seen += 1;
                is_understood(arguments).unwrap_or_else(|error| panic!("{command:?}: {error}"));
            }
            "cargo" => {
                let target = arguments.iter().position(|word| word == "--bench");
                if let Some(name) = target.and_then(|at| arguments.get(at + 1)) {
                    let source = path(&format!("benches/{name}.rs"));
                    assert!(source.is_file(), "{command:?}: no such target");
                }
            }
            script if script.starts_with("scripts/") => {
                let mut asked = std::process::Command::new(path(script));
                asked.args(arguments).arg("--help");
                let output = asked.output().expect("it is there and may be run");
                assert!(output.status.success(), "{command:?}: {output:?}");
            }
            other => panic!("{command:?}: nobody holds `{other}` to anything"),
        }
    }
    assert!(seen >= 8, "only {seen} commands were found");
}

#[test]
fn the_filters_of_the_console_blocks_select_cells() {
    for command in commands() {
        let [program, verb, arguments @ ..] = command.as_slice() else {
            continue;
        };
        if program != "forkbench" || verb != "run" {
            continue;
        }
        // `list` takes what says which cells, and starts nothing.
        let mut list = vec!["list".to_owned()];
        list.extend(arguments.iter().filter(|word| *word != "--quick").cloned());
        let output = forkbench(&list);
        assert!(output.status.success(), "{command:?}: {output:?}");
        assert!(!output.stdout.is_empty(), "{command:?} selects nothing");
    }
}

#[test]
fn every_command_in_a_sentence_is_understood() {
    let mut seen = 0;
    for text in super::TEXTS {
        for span in code_spans(&read(text)) {
            let Some(rest) = span.strip_prefix("forkbench ") else {
                continue;
            };
            // The protocol's first line, and pipes, are no command lines of ours.
            if rest.starts_with(|c: char| c.is_ascii_digit() || c == 'V') {
                continue;
            }
            let line = rest.split('|').next().unwrap_or_default();
            seen += 1;
            is_understood(&words(line)).unwrap_or_else(|error| panic!("{text}: `{span}`: {error}"));
        }
    }
    assert!(seen >= 8, "only {seen} commands were found");
}

#[test]
fn a_command_that_does_not_exist_is_seen() {
    for line in [
        "race --a fork/0",
        "run --patient",
        "run --max-footprint much",
    ] {
        assert!(is_understood(&words(line)).is_err(), "{line}");
    }
    assert_eq!(words("a 'b c'  d=''"), ["a", "b c", "d="]);
}

/// The exit codes of README.md are those of the code.
#[test]
fn exit_codes_are_what_the_readme_says() {
    let text = read("README.md");
    let code = |arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        forkbench(&arguments).status.code()
    };
    assert_eq!(code(&["list", "fork/0"]), Some(0));
    assert_eq!(code(&["list", "frok/0"]), Some(2));
    assert_eq!(code(&["report", "no-such-run"]), Some(1));
    for code in [0, 1, 2, 3, 4, 130] {
        assert!(text.contains(&format!("| {code} | ")), "{code}");
    }
}
