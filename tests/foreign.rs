//! Subjects in other languages that crash, hang or leave things behind: they are cleaned up, told in words, and the
//! other cells go on. And what is proven and explained of those that are known by name.

mod scratch;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use scratch::{Scratch, said, told};
use serde_json::Value;

fn has_python() -> bool {
    let asked = Command::new("python3").arg("--version").output();
    let there = asked.is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("not tested here: there is no python3");
    }
    there
}

/// Says hello and a receipt, and then does what is put in place of `MISDEED` when it should time.
const SUBJECT: &str = r#"
import os, signal, subprocess, sys, time
print(f"subject protocol=1 pid={os.getpid()}", flush=True)
for line in sys.stdin:
    word = line.split()[0]
    if word == "hold":
        print(f"receipt pid={os.getpid()} ballast=0", flush=True)
    elif word == "time":
        MISDEED
    elif word == "life":
        print("fail it tells no lives", flush=True)
    elif word == "end":
        break
"#;

/// Children that ignore SIGTERM and SIGHUP and hold the standard output of the subject that they had, and theirs.
const STUBBORN: &str = "trap '' TERM HUP INT; sleep 998 & exec sleep 997";

/// Runs a misbehaving subject beside cells that are fine, and returns how long that took.
fn run(scratch: &Scratch, subject: &str, patience: &str) -> Duration {
    let begin = Instant::now();
    let output = scratch
        .forkbench(&[
            "run",
            "null/0",
            "fork/0",
            "bad:fork/0",
            "--trials",
            "2",
            "--time",
            "0.02",
            "--patience",
            patience,
            "--subject",
            &format!("bad={subject}"),
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    for id in ["null/0", "fork/0"] {
        scratch.assert_measured(id);
        assert_eq!(scratch.cell(id).trials.len(), 2);
    }
    begin.elapsed()
}

fn misdeed(scratch: &Scratch, deed: &str) -> String {
    fs::write(
        scratch.path().join("bad.py"),
        SUBJECT.replace("MISDEED", deed),
    )
    .unwrap();
    "python3 bad.py".to_owned()
}

#[test]
fn children_of_a_crashed_interpreter_are_ended_and_don_t_hold_up_the_run() {
    if !has_python() {
        return;
    }
    // Its children have its standard output: the pipe's end does not come with its own.
    for (deed, words) in [
        (
            format!(
                "subprocess.Popen(['/bin/sh', '-c', {STUBBORN:?}]); time.sleep(0.3); os.abort()"
            ),
            ["ended", "time fork", "signal 6"],
        ),
        (
            format!(
                "subprocess.Popen(['/bin/sh', '-c', {STUBBORN:?}]); time.sleep(0.3); raise SystemExit(9)"
            ),
            ["ended", "time fork", "exited with 9"],
        ),
        (
            "import ctypes; subprocess.Popen(['sleep', '996']); ctypes.string_at(0)".to_owned(),
            ["ended", "time fork", "signal 11"],
        ),
    ] {
        let scratch = Scratch::new();
        let subject = misdeed(&scratch, &deed);
        // Who waits for the end of the output would wait for all of this patience, and say that it was silent.
        let took = run(&scratch, &subject, "600");
        assert!(took < Duration::from_secs(120), "{took:?}");
        scratch.assert_failed("bad:fork/0", &words);
        scratch.assert_nothing_left();
    }
}

#[test]
fn a_forkserver_that_is_left_behind_is_ended() {
    if !has_python() {
        return;
    }
    let scratch = Scratch::new();
    let deed = "import multiprocessing as m; c = m.get_context('forkserver'); \
                c.Process(target=time.sleep, args=(995,)).start(); time.sleep(1); os._exit(4)";
    // The server imports the main module: its orders are read by the subject alone.
    let text = SUBJECT.replace("MISDEED", deed).replace(
        "print(f\"subject",
        "if __name__ != '__main__': sys.stdin = []\nelse: print(f\"subject",
    );
    fs::write(scratch.path().join("bad.py"), text).unwrap();
    run(&scratch, "python3 bad.py", "60");
    scratch.assert_failed("bad:fork/0", &["ended", "exited with 4"]);
    scratch.assert_nothing_left();
}

#[test]
fn a_subject_that_left_children_behind_ends_at_once() {
    if !has_python() {
        return;
    }
    let scratch = Scratch::new();
    let deed = "left = subprocess.Popen(['/bin/sh', '-c', \"trap '' TERM HUP; sleep 994 & exec sleep 993\"]); \
                n = sum(int(p.split('=')[1]) for p in line.split() if p.startswith(('plain', 'stamped'))); \
                b = time.monotonic_ns(); time.sleep(0.001 * n); w = time.monotonic_ns() - b; \
                print('sample call=1000 reap=500000\\n' * n + f'done iterations={n} wall={w} timed={w // 2}', flush=True)";
    let subject = misdeed(&scratch, deed);
    let begin = Instant::now();
    let output = scratch
        .forkbench(&[
            "run",
            "bad:fork/0",
            "--trials",
            "1",
            "--time",
            "0.01",
            "--patience",
            "600",
            "--subject",
            &format!("bad={subject}"),
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(begin.elapsed() < Duration::from_secs(120));
    scratch.assert_measured("bad:fork/0");
    scratch.assert_nothing_left();
}

#[test]
fn one_that_prints_hangs_dies_or_has_no_interpreter_is_told_in_words() {
    if !has_python() {
        return;
    }
    let scratch = Scratch::new();
    let subject = misdeed(&scratch, "print('Loading the model ...', flush=True)");
    run(&scratch, &subject, "30");
    scratch.assert_failed(
        "bad:fork/0",
        &[
            "could not be read",
            "`Loading`",
            "standard output is the protocol",
        ],
    );
    let subject = misdeed(
        &scratch,
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(992)",
    );
    run(&scratch, &subject, "2");
    scratch.assert_failed("bad:fork/0", &["did not answer `time fork`", "--patience"]);
    let subject = misdeed(
        &scratch,
        "print('sample call=1 reap=2', flush=True); os.kill(os.getpid(), 9)",
    );
    run(&scratch, &subject, "30");
    scratch.assert_failed("bad:fork/0", &["SIGKILL"]);
    run(&scratch, "/no/such/python3 bad.py", "30");
    scratch.assert_failed(
        "bad:fork/0",
        &["`/no/such/python3`", "No such file", "with its interpreter"],
    );
    scratch.assert_nothing_left();
}

#[test]
fn one_that_is_known_by_name_and_is_not_here_is_skipped_with_the_remedy() {
    let scratch = Scratch::new();
    let file = scratch.path().join("subjects.toml");
    fs::write(
        &file,
        "[python]\nlike = \"python\"\ninterpreters = [\"/no/such/python\"]\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    for words in [
        vec!["verify", "python:os.fork"],
        vec!["verify", "--subject", "python"],
        vec!["explain", "python:os.fork"],
    ] {
        let mut asked = words.clone();
        asked.extend(["--subjects", file]);
        let output = scratch.forkbench(&asked).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(4),
            "{words:?}: {}",
            told(&output)
        );
        let text = said(&output) + &told(&output);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.contains("/no/such/python") && text.contains("install one"),
            "{text}"
        );
    }
}

fn json(scratch: &Scratch, words: &[&str]) -> (Option<i32>, Value) {
    let output = scratch.forkbench(words).output().unwrap();
    let document = serde_json::from_str(&said(&output));
    (
        output.status.code(),
        document.unwrap_or_else(|error| panic!("{error}: {}", told(&output))),
    )
}

#[test]
fn claims_of_python_are_proven_and_an_interpreter_that_changed_its_mind_is_named() {
    if !has_python() {
        return;
    }
    let scratch = Scratch::new();
    let names = [
        "python:os.fork",
        "python:subprocess",
        "python:threading",
        "python:multiprocessing-forkserver-warm",
    ];
    let mut words = vec!["verify", "--json"];
    words.extend(names);
    let (code, rows) = json(&scratch, &words);
    let rows = rows.as_array().unwrap();
    if rows.iter().any(|row| {
        row["reason"]
            .as_str()
            .is_some_and(|why| why.contains("tracing is denied"))
    }) {
        eprintln!("not tested here: tracing is denied");
        return;
    }
    assert_eq!(code, Some(0), "{rows:#?}");
    assert_eq!(rows.len(), names.len());
    for row in rows {
        assert_eq!(row["verdict"], "proven", "{row:#}");
        assert!(
            row["interpreter"].as_str().unwrap().contains("python3 3."),
            "{row:#}"
        );
    }
    assert!(
        rows[3]["seen"]
            .as_str()
            .unwrap()
            .contains("in a process that the subject had started")
    );
    assert!(
        !rows[3]["beside"].as_array().unwrap().is_empty(),
        "its server is told beside"
    );

    // The same script under a name whose registry claims otherwise.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/subjects/python.py");
    let text = format!(
        "[other]\nlike = \"python\"\nscript = \"{script}\"\n[[other.mechanisms]]\nname = \"os.fork\"\n\
         summary = \"a fork\"\nphases = [\"call\"]\nclaims = [{{ event = \"vfork\", exec = true }}]\n"
    );
    let file = scratch.path().join("subjects.toml");
    fs::write(&file, text).unwrap();
    let (code, rows) = json(
        &scratch,
        &[
            "verify",
            "--json",
            "other:*",
            "--subjects",
            file.to_str().unwrap(),
        ],
    );
    assert_eq!(code, Some(1));
    assert_eq!(rows[0]["verdict"], "refuted");
    let reason = rows[0]["reason"].as_str().unwrap();
    for words in [
        "the event is FORK",
        "claimed VFORK",
        "python3 3.",
        "changed its mind",
    ] {
        assert!(reason.contains(words), "no `{words}` in: {reason}");
    }
}

#[test]
fn a_foreign_child_is_explained_beside_a_native_one() {
    if !has_python() {
        return;
    }
    let scratch = Scratch::new();
    let (code, told) = json(
        &scratch,
        &["explain", "python:subprocess-preexec_fn", "--json"],
    );
    assert_eq!(code, Some(0));
    assert_eq!(told["schema"], "forkbench.beside/1");
    assert_eq!(told["native"]["cell"], "command-fork/0");
    for side in ["foreign", "native"] {
        let phases = &told[side]["phases"];
        assert!(
            phases["call"].as_u64() <= phases["reap"].as_u64(),
            "{phases}"
        );
        assert!(phases["call"].as_u64() > Some(0));
    }
    if !told["foreign"]["untraced"].is_null() {
        eprintln!("not tested here: {}", told["foreign"]["untraced"]);
        return;
    }
    let calls = |side: &str, part: &str| -> Vec<String> {
        let calls = told[side][part].as_array().unwrap().iter();
        calls
            .map(|one| one["call"].as_str().unwrap().to_owned())
            .collect()
    };
    // Popen learns through a pipe whether the exec went well.
    let before = calls("foreign", "before");
    assert!(before.contains(&"pipe2".to_owned()), "{before:?}");
    for side in ["foreign", "native"] {
        assert!(calls(side, "child").contains(&"execve".to_owned()));
        assert!(
            calls(side, "after")
                .iter()
                .any(|call| call.starts_with("wait"))
        );
    }
    let total = |side: &str| {
        let calls = told[side]["child"].as_array().unwrap().iter();
        calls.map(|one| one["times"].as_u64().unwrap()).sum::<u64>()
    };
    assert!(
        total("foreign") > total("native"),
        "a language does more before the exec"
    );
}
