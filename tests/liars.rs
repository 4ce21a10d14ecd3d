//! A subject that fails, lies, hangs or is no subject fails its own cell, and says why.

mod scratch;

use std::fs;

use scratch::{Scratch, told};

/// A subject in shell that does all it is asked to: what the others are changed from. A time order's
/// counts are in `plain` and `stamped`.
const HONEST: &str = r#"
hello() { echo "subject protocol=1 pid=$$"; }
hold() { echo "receipt pid=$$ image=script ballast=0 unverified=everything"; }
count() { for word; do case $word in plain=*|stamped=*) eval "$word";; esac; done; }
samples() { i=0; while [ $i -lt "$1" ]; do echo "sample call=10 reap=20"; i=$((i+1)); done; }
work() { plain=0 stamped=0; count "$@"; all=$((plain+stamped)); samples $all; done_ $all; }
done_() { echo "done iterations=$1 wall=$(($1*30)) timed=$(($1*20))"; }
life() { echo "life parent_pid=$$ returned=1 call=1 reap=2"; }
leave() { exit 0; }
LIE
hello
while read -r word rest; do
  case $word in
    hold) hold;;
    time) work $rest;;
    life) life;;
    end) leave;;
  esac
done
"#;

/// Its name, what it does otherwise, and what its reason says.
const LIARS: [(&str, &str, &[&str]); 27] = [
    (
        "fewer",
        "samples() { echo 'sample call=1 reap=2'; }",
        &["iterations were asked for", "1 samples came", "by hand"],
    ),
    (
        "more",
        "samples() { while :; do echo 'sample call=1 reap=2'; done; }",
        &["more samples than"],
    ),
    (
        "miscounts",
        "done_() { echo 'done iterations=3 wall=9 timed=9'; }",
        &["3 are said to be done"],
    ),
    (
        "firsts",
        "work() { while :; do echo 'first call=1 reap=2'; done; }",
        &["more than one first"],
    ),
    (
        "ages",
        "samples() { i=0; while [ $i -lt $1 ]; do echo 'sample call=999999999999999'; i=$((i+1)); done; }",
        &["longer than the whole order", "999999999999999"],
    ),
    (
        "backwards",
        "samples() { echo 'sample call=20 reap=10'; }",
        &["wrong order", "call=20 reap=10"],
    ),
    ("phaseless", "samples() { echo sample; }", &["no phase"]),
    (
        "callless",
        "samples() { i=0; while [ $i -lt $1 ]; do echo 'sample reap=1'; i=$((i+1)); done; }",
        &["have a `call`"],
    ),
    (
        "loops",
        "done_() { echo \"done iterations=$1 wall=5 timed=6\"; }",
        &["6 ns in timed operations", "loop of 5 ns"],
    ),
    (
        "walls",
        "done_() { echo \"done iterations=$1 wall=18446744073709551615 timed=6\"; }",
        &["18446744073709551615 ns"],
    ),
    (
        "bigger",
        "hold() { echo \"receipt pid=1 ballast=4096\"; }",
        &["ballast", "4.00 KiB", "0 was asked for"],
    ),
    (
        "threads",
        "hold() { echo \"receipt pid=1 ballast=0 threads=7\"; }",
        &["threads 7", "1 was asked for"],
    ),
    (
        "crashes",
        "work() { exit 3; }",
        &["ended", "time fork", "exited with 3", "by hand"],
    ),
    (
        "killed",
        "work() { kill -9 $$; }",
        &["SIGKILL", "--max-footprint"],
    ),
    (
        "trapped",
        "hold() { kill -11 $$; }",
        &["hold 0", "signal 11"],
    ),
    ("stillborn", "exit 7", &["say hello", "exited with 7"]),
    (
        "chatty",
        "hello() { echo 'Welcome to my subject!'; }",
        &[
            "could not be read",
            "`Welcome`",
            "standard output is the protocol",
        ],
    ),
    (
        "second",
        "hello() { echo 'subject protocol=2 pid=1'; }",
        &["speaks protocol 2", "forkbench 1", "one version"],
    ),
    (
        "silent",
        "hello() { :; }",
        &["did not answer `say hello` within 1 s", "--patience"],
    ),
    (
        "hangs",
        "work() { sleep 99; }",
        &["did not answer `time fork` within", "--patience"],
    ),
    (
        "drips",
        "work() { while :; do echo 'sample call=1 reap=2'; sleep 0.9; done; }",
        &["did not answer `time fork` within", "--patience"],
    ),
    (
        "hangsup",
        "work() { exec >&-; sleep 99; }",
        &["closed its standard input or output"],
    ),
    (
        "endless",
        "work() { tr '\\0' x </dev/zero; }",
        &["a line of more than 65536 bytes"],
    ),
    (
        "nul",
        "work() { printf 'sample call=\\0001\\n'; }",
        &["could not be read"],
    ),
    (
        "latin",
        "work() { printf 'sample call=\\377\\376\\n'; }",
        &["could not be read"],
    ),
    (
        "refuses",
        "work() { echo 'fail \u{1b}[31mno \u{7}more'; }",
        &["[31mno"],
    ),
    (
        "disobeys",
        "hold() { echo 'sample call=1'; }",
        &["`hold 0`", "what cannot be", "`sample call=1`"],
    ),
];

#[test]
fn subjects_that_fail_or_lie_fail_alone() {
    let scratch = Scratch::new();
    let mut words: Vec<String> = ["run", "null/0", "fork/0", "honest:fork/0", "--trials", "2"]
        .map(String::from)
        .to_vec();
    words.extend(["--time", "0.02", "--patience", "1"].map(String::from));
    let liars = LIARS.iter().map(|(name, lie, _)| (*name, *lie));
    for (name, lie) in liars.chain([("honest", "")]) {
        let command = scratch.script(name, &HONEST.replace("LIE", lie));
        words.push("--subject".to_owned());
        words.push(format!("{name}={command}"));
        if !lie.is_empty() {
            words.push(format!("{name}:fork/0"));
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = scratch.forkbench(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    for (name, _, reasons) in LIARS {
        scratch.assert_failed(&format!("{name}:fork/0"), reasons);
    }
    for id in ["null/0", "fork/0", "honest:fork/0"] {
        scratch.assert_measured(id);
        assert_eq!(scratch.cell(id).trials.len(), 2);
    }
    assert!(scratch.recorded().run.finished.is_some());
    assert!(!told(&output).contains('\u{1b}'), "{}", told(&output));
    assert_eq!(scratch.recorded().problems, [""; 0]);
    scratch.assert_nothing_left();
}

#[test]
fn a_subject_that_is_gone_before_it_was_asked_ends_nothing_else() {
    let scratch = Scratch::new();
    // Some of them are gone before the first order is written, which must not be a signal to us.
    for _ in 0..10 {
        let output = scratch
            .forkbench(&[
                "run",
                "null/0",
                "gone:fork/0",
                "--subject",
                "gone=/bin/false",
                "--trials",
                "1",
                "--time",
                "0.01",
            ])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        scratch.assert_measured("null/0");
        scratch.assert_failed("gone:fork/0", &["ended", "exited with 1"]);
    }
}

#[test]
fn a_subject_that_does_not_start_says_what_to_do() {
    let scratch = Scratch::new();
    fs::write(scratch.path().join("plain"), "no program").unwrap();
    let output = scratch
        .forkbench(&[
            "run",
            "null/0",
            "missing:fork/0",
            "plain:fork/0",
            "--trials",
            "1",
            "--time",
            "0.01",
            "--subject",
            "missing=/no/such/subject",
            "--subject",
            "plain=./plain",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    scratch.assert_measured("null/0");
    scratch.assert_failed(
        "missing:fork/0",
        &[
            "`/no/such/subject`",
            "No such file",
            "--subject NAME=COMMAND",
        ],
    );
    scratch.assert_failed(
        "plain:fork/0",
        &["`./plain`", "Permission denied", "make it executable"],
    );
}
