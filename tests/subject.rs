//! The process under measurement: what it keeps from its children, and when it ends.

mod scratch;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use scratch::{Scratch, comes_true};

/// A subject by itself.
struct Alone {
    scratch: Scratch,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Alone {
    fn start(script: &str) -> Self {
        let scratch = Scratch::new();
        let mut command = scratch.shell(script);
        let mut child = command
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (
            child.stdin.take(),
            BufReader::new(child.stdout.take().unwrap()),
        );
        Self {
            scratch,
            child,
            input,
            output,
        }
    }

    fn ask(&mut self, line: &str) {
        self.input
            .as_mut()
            .unwrap()
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }
}

#[test]
fn it_keeps_the_protocol_where_no_child_reaches_it() {
    let mut subject = Alone::start("exec \"$SUBJECT\"");
    subject.ask("forkbench 1\nhold bytes=0");
    assert!(subject.answer().starts_with("subject protocol=1"));
    assert!(subject.answer().starts_with("receipt "));
    let folder = format!("/proc/{}", subject.child.id());
    let mut protocol = 0;
    for entry in fs::read_dir(format!("{folder}/fd")).unwrap().flatten() {
        let number: u32 = entry.file_name().to_str().unwrap().parse().unwrap();
        let target = fs::read_link(entry.path()).unwrap();
        if number <= 2 {
            assert_eq!(target.to_str(), Some("/dev/null"), "{number}");
            continue;
        }
        let text = fs::read_to_string(format!("{folder}/fdinfo/{number}")).unwrap();
        let flags = text
            .lines()
            .find_map(|line| line.strip_prefix("flags:"))
            .unwrap();
        let flags = i32::from_str_radix(flags.trim(), 8).unwrap();
        assert!(number >= 10, "{number} is {target:?}");
        assert_ne!(flags & nix::libc::O_CLOEXEC, 0, "{number} is inherited");
        protocol += 1;
    }
    assert_eq!(protocol, 2);
}

#[test]
fn children_neither_eat_orders_nor_write_samples() {
    for (program, arguments) in [
        ("/bin/cat", ""),
        ("/bin/echo", " sample%20call=1"),
        ("/bin/sh", " -c cat;echo%20fail;echo%20fail%20>&2"),
    ] {
        let mut subject = Alone::start("exec \"$SUBJECT\"");
        subject.ask(&format!(
            "forkbench 1\nexec foreign {program}{arguments}\nhold bytes=0"
        ));
        subject.ask("time mechanism=posix_spawn plain=5\ntime mechanism=fork-exec plain=5\ntime mechanism=null plain=7\nend");
        let mut words = Vec::new();
        loop {
            let line = subject.answer();
            match line.split_whitespace().next() {
                Some(word) => words.push(word.to_owned()),
                None => break,
            }
        }
        let count = |word: &str| words.iter().filter(|other| *other == word).count();
        assert_eq!(
            (count("sample"), count("done"), count("fail")),
            (17, 3, 0),
            "{program}: {words:?}"
        );
        assert!(subject.child.wait().unwrap().success());
    }
}

#[test]
fn it_ends_with_its_input() {
    for footprint in ["bytes=0", "bytes=16777216 threads=3 fds=20 vmas=50"] {
        let mut subject = Alone::start("exec \"$SUBJECT\"");
        subject.ask(&format!("forkbench 1\nhold {footprint}"));
        assert!(subject.answer().starts_with("subject "));
        assert!(subject.answer().starts_with("receipt "));
        subject.input = None;
        assert!(comes_true(|| subject.child.try_wait().unwrap().is_some()));
        assert!(subject.child.wait().unwrap().success());
        subject.scratch.assert_nothing_left();
    }
}

#[test]
fn it_ends_when_nobody_listens() {
    let Alone {
        scratch,
        mut child,
        input,
        output,
    } = Alone::start("exec \"$SUBJECT\"");
    drop(output);
    let mut input = input.unwrap();
    // It may be gone before it was asked.
    let _ = input.write_all(b"forkbench 1\nhold bytes=0\ntime mechanism=fork plain=100\n");
    assert!(comes_true(|| child.try_wait().unwrap().is_some()));
    assert_eq!(child.wait().unwrap().code(), Some(1));
    scratch.assert_nothing_left();
}

#[test]
fn it_reaps_whatever_the_caller_ignores_or_blocks() {
    let mut subject = Alone::start("trap '' CHLD PIPE; exec \"$SUBJECT\"");
    subject.ask("forkbench 1\nhold bytes=0\ntime mechanism=fork plain=5\ntime mechanism=clone3 plain=5\nend");
    let answers: Vec<String> = subject.output.lines().map_while(Result::ok).collect();
    let done = answers
        .iter()
        .filter(|line| line.starts_with("done") || line.starts_with("skip"))
        .count();
    assert_eq!(done, 2, "{answers:?}");
}

#[test]
fn orders_that_cannot_be_are_refused_and_the_next_is_done() {
    let mut subject = Alone::start("exec \"$SUBJECT\"");
    for (order, expected) in [
        ("forkbench 1", "subject protocol=1"),
        ("frobnicate", "fail `frobnicate`"),
        ("hold bytes=63", "fail "),
        ("hold bytes=0 page=6k", "fail `page=6k`"),
        ("time mechanism=frok plain=1", "fail `frok`"),
        (
            "time mechanism=fork plain=99999999",
            "fail 99999999 iterations are too many",
        ),
        (
            "time mechanism=fork plain=18446744073709551615 stamped=9",
            "fail ",
        ),
        (
            "time mechanism=fork-exec plain=1",
            "fail fork-exec: no image",
        ),
        ("cpu 99999", "fail cannot run on CPU 99999"),
        ("hold bytes=0", "receipt "),
    ] {
        subject.ask(order);
        let answer = subject.answer();
        assert!(answer.starts_with(expected), "{order}: {answer}");
    }
    let mut other = Alone::start("exec \"$SUBJECT\"");
    other.ask("forkbench 2");
    other.answer();
    assert!(other.answer().contains("speaks protocol 1, not 2"));
    assert!(other.child.wait().unwrap().success());
}

#[test]
fn a_line_without_end_ends_it() {
    let Alone {
        scratch,
        mut child,
        input,
        output,
    } = Alone::start("exec \"$SUBJECT\"");
    let input: OwnedFd = input.unwrap().into();
    let mut endless = scratch
        .shell("tr '\\0' x </dev/zero")
        .stdout(input)
        .spawn()
        .unwrap();
    assert!(comes_true(|| child.try_wait().unwrap().is_some()));
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(comes_true(|| endless.try_wait().unwrap().is_some()));
    endless.wait().unwrap();
    drop(output);
}
