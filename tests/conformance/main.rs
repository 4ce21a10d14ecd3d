//! `forkbench verify --subject`: a liar for each thing that the protocol asks, and the honest subject they are changed
//! from.

#[path = "../scratch/mod.rs"]
mod scratch;

use std::fs;
use std::process::Output;
use std::sync::Mutex;
use std::thread;

use forkbench::harness::conformance::REQUIREMENTS;
use scratch::{Scratch, comes_true, said, told};
use serde_json::Value;

/// The subject that PROTOCOL.md prints.
fn honest() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/PROTOCOL.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("```python\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn has_python() -> bool {
    let there = std::process::Command::new("python3")
        .arg("--version")
        .output();
    there.is_ok_and(|output| output.status.success())
}

/// An honest subject, written out so that each liar can change one thing in it.
const HONEST: &str = include_str!("honest.py");

/// What is changed in the honest subject: the check that must fail, the text that is replaced, what stands in its
/// place, and a word of what must be seen.
const LIARS: [(&str, &str, &str, &str); 44] = [
    (
        "hello",
        "subject protocol",
        "welcome protocol",
        "`welcome protocol=1",
    ),
    (
        "hello",
        "mechanisms=fork\", flush=True)",
        "mechanisms=fork\", flush=True) if 0 else time.sleep(99)",
        "nothing within",
    ),
    ("version", "protocol=1", "protocol=2", "protocol 2"),
    (
        "pid",
        "pid={os.getpid()} mechanisms",
        "pid=1 mechanisms",
        "process 1 is of group",
    ),
    (
        "pid",
        "receipt pid={os.getpid()}",
        "receipt pid={os.getppid()}",
        "and hello",
    ),
    (
        "only-protocol",
        "    begin = now()",
        "    print('measuring ...'); begin = now()",
        "`measuring`",
    ),
    (
        "only-protocol",
        "mechanisms=fork\", flush=True)",
        "mechanisms=fork\\nready\", flush=True)",
        "nothing asked for",
    ),
    (
        "in-time",
        "    begin = now()",
        "    begin = now(); time.sleep(99)",
        "no answer within",
    ),
    (
        "stays",
        "    wall = now() - begin",
        "    wall = now() - begin; sys.exit(3)",
        "exited with 3",
    ),
    (
        "stays",
        "    wall = now() - begin",
        "    os.kill(os.getpid(), 9)",
        "signal 9",
    ),
    ("comments", " and word[0] != \"#\"", "", "`fail"),
    (
        "unknown-keys",
        "set(PLAIN) <= set(asked)",
        "len(asked) == 10",
        "`skip",
    ),
    (
        "order-of-keys",
        "int(keys[\"bytes\"])",
        "int(asked[\"flavour\" in keys].split(\"=\")[1])",
        "ballast=0",
    ),
    (
        "unknown-words",
        "print(f\"fail {word}?\", flush=True)",
        "pass",
        "answers the order behind it",
    ),
    (
        "unknown-mechanisms",
        "if mechanism != \"fork\"",
        "if not mechanism",
        "as if it had",
    ),
    (
        "cpu",
        "os.sched_setaffinity(0, {int(asked[0])})",
        "pass",
        "Cpus_allowed_list",
    ),
    ("receipt", "ballast={size}", "ballast=4096", "ballast"),
    (
        "receipt",
        "unverified=rss",
        "rss=4096 unverified=order",
        "resident",
    ),
    (
        "receipt-counts",
        "unverified=rss",
        "threads=1 fds=4000 unverified=rss",
        "descriptors 4000",
    ),
    (
        "receipt-counts",
        "    return f\"receipt pid=",
        "    import threading; threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n    return f\"receipt threads=1 pid=",
        "threads 1, the kernel says 2",
    ),
    (
        "receipt-memory",
        "unverified=rss",
        "process_rss=4096 unverified=rss",
        "resident bytes 4.00 KiB",
    ),
    (
        "receipt-memory",
        "unverified=rss",
        "page_tables=99999999 unverified=rss",
        "page tables",
    ),
    (
        "receipt-memory",
        "unverified=rss",
        "rss={size} vm_flags=rd,wr,sh,dc unverified=rss",
        "flag `",
    ),
    (
        "held",
        "ballast.write(b\"1\" * size)",
        "pass",
        "its resident memory went from",
    ),
    (
        "held",
        "set(PLAIN) <= set(asked)",
        "asked",
        "in a bare parent",
    ),
    (
        "replaced",
        "    ballast = mmap",
        "    vars(os).setdefault('kept', []).append(ballast); ballast = mmap",
        "its resident memory went from",
    ),
    (
        "reasons",
        "skip this subject holds nothing but {' '.join(PLAIN)}",
        "skip",
        "no reason",
    ),
    (
        "mechanisms",
        " mechanisms=fork\", flush",
        "\", flush",
        "none of the usual names",
    ),
    (
        "counts",
        "for sample in samples]",
        "for sample in samples[1:]]",
        "samples, and `done",
    ),
    (
        "counts",
        "iterations={len(samples)}",
        "iterations=7",
        "iterations=7",
    ),
    (
        "counts",
        "warm = [iterate()",
        "warm = 1; plain = int(plain) + int(warmup); [iterate()",
        "to warm up",
    ),
    (
        "counts",
        "call=%d reap=%d\" % sample",
        "reap=%d\" % sample[1]",
        "have a `call`",
    ),
    (
        "first",
        "    timed = sum",
        "    lines.insert(0, \"first call=1 reap=2\"); timed = sum",
        "later order",
    ),
    (
        "first",
        "    timed = sum",
        "    lines.append(\"first call=1 reap=2\"); timed = sum",
        "behind samples",
    ),
    (
        "times",
        "call=%d reap=%d",
        "reap=%d call=%d",
        "ends after the child was reaped",
    ),
    ("times", "wall={wall}", "wall=1000", "together"),
    (
        "times",
        "wall={wall}",
        "wall={wall * 10**6}",
        "in an order that took",
    ),
    ("times", "timed={timed}", "timed={wall + 1}", "of wall="),
    (
        "not-made-up",
        "return call, now() - t0",
        "return 0, now() - t0",
        "of 0 ns",
    ),
    (
        "not-made-up",
        "return call, now() - t0",
        "return 41000, 108000",
        "are 41000 ns",
    ),
    (
        "clock",
        "time.monotonic_ns",
        "lambda: time.monotonic_ns() // 1000 + 1 if 0 else time.monotonic_ns() // 50",
        "while",
    ),
    (
        "clock",
        "time.monotonic_ns",
        "lambda: time.monotonic_ns() // 1000 * 1000",
        "microseconds",
    ),
    (
        "trial",
        "if mechanism != \"fork\"",
        "if mechanism != \"fork\" or int(stamped) > 1",
        "no mechanism of this subject",
    ),
    (
        "end",
        "if word == \"end\": break",
        "if word == \"end\": pass",
        "it lives on",
    ),
];

/// Those that take several changes.
const LARGER: [(&str, &[(&str, &str)]); 7] = [
    (
        "afterwards",
        &[
            (
                "    samples = [iterate() for _ in range(int(plain) + int(stamped))]",
                "    samples = []\n    while len(samples) < int(plain) + int(stamped):\n        \
                 samples.append(iterate())\n        \
                 print(\"sample call=%d reap=%d\" % samples[-1], flush=True)",
            ),
            ("lines + [", "["),
        ],
    ),
    // Zombies, children that live on, and pipes that nobody closes.
    (
        "children",
        &[(
            "    assert os.waitpid(child, 0)",
            "    return call, now() - t0\n    assert os.waitpid(child, 0)",
        )],
    ),
    (
        "children",
        &[
            ("os._exit(7)", "(time.sleep(99), os._exit(7))"),
            (
                "assert os.waitpid(child, 0) == (child, 7 << 8)",
                "assert child",
            ),
        ],
    ),
    (
        "children",
        &[("    t0 = now()\n", "    os.pipe()\n    t0 = now()\n")],
    ),
    (
        "starts-something",
        &[
            ("os.fork() or os._exit(7)", "time.sleep(0.0001)"),
            (
                "assert os.waitpid(child, 0) == (child, 7 << 8)",
                "assert not child",
            ),
        ],
    ),
    (
        "end-of-input",
        &[
            (
                "if word == \"end\": break",
                "if word == \"end\": os._exit(0)",
            ),
            (
                " and word[0] != \"#\": print(f\"fail {word}?\", flush=True)",
                " and word[0] != \"#\": print(f\"fail {word}?\", flush=True)\ntime.sleep(99)",
            ),
        ],
    ),
    (
        "leaves-nothing",
        &[(
            "now, ballast =",
            "import subprocess; subprocess.Popen([\"sleep\", \"99\"])\nnow, ballast =",
        )],
    ),
];

/// The honest subject with these changes.
fn changed(check: &str, honest: &str, changes: &[(&str, &str)]) -> String {
    let change = |text: String, (from, to): &(&str, &str)| {
        assert!(text.contains(from), "{check}: there is no `{from}`");
        text.replace(from, to)
    };
    changes.iter().fold(honest.to_owned(), change)
}

fn verify(scratch: &Scratch, command: &str, more: &[&str]) -> Output {
    let mut words = vec!["verify", "--json", "--patience", "2", "--subject", command];
    words.extend(more);
    scratch.forkbench(&words).output().unwrap()
}

fn document(output: &Output) -> Value {
    serde_json::from_str(&said(output)).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The checks of that name.
fn checks<'a>(document: &'a Value, name: &str) -> Vec<&'a Value> {
    let all = document["checks"].as_array().unwrap().iter();
    all.filter(|check| check["name"] == name).collect()
}

/// Whether a liar was caught at what it lies about, and told what to change; else what was seen instead.
fn caught(output: &Output, name: &str, seen: &str, liar: &str) -> Result<(), String> {
    let document = document(output);
    let found = checks(&document, name);
    let is_it = |check: &Value| {
        check["outcome"] == "failed"
            && check["seen"].as_str().unwrap().contains(seen)
            && check["change"]
                .as_str()
                .is_some_and(|change| !change.is_empty())
    };
    let is_caught = found.iter().any(|check| is_it(check));
    match is_caught && output.status.code() == Some(1) && document["conforms"] == false {
        true => Ok(()),
        false => Err(format!(
            "{liar}: {name} does not show `{seen}`: {found:?}; {}",
            told(output)
        )),
    }
}

#[test]
fn every_liar_is_caught_at_what_it_lies_about() {
    if !has_python() {
        eprintln!("not tested here: there is no python3");
        return;
    }
    let honest = HONEST.to_owned();
    let mut liars: Vec<(String, String, String)> = Vec::new();
    for (check, from, to, seen) in LIARS {
        let mut changes = vec![(from, to)];
        if check == "mechanisms" {
            changes.push(("mechanism != \"fork\"", "mechanism != \"frobnicate\""));
        }
        let text = changed(check, &honest, &changes);
        liars.push((check.to_owned(), text, seen.to_owned()));
    }
    for (check, changes) in LARGER {
        let text = changed(check, &honest, changes);
        liars.push((check.to_owned(), text, String::new()));
    }
    let missed = Mutex::new(Vec::new());
    let queue = Mutex::new(liars.iter().enumerate());
    let scratch = Scratch::new();
    let work = || {
        loop {
            let Some((index, (check, text, seen))) = queue.lock().unwrap().next() else {
                return;
            };
            let liar = format!("liar-{index}.py");
            fs::write(scratch.path().join(&liar), text).unwrap();
            let command = format!("python3 {liar}");
            // One without a mechanism is asked for none; the others are asked for the one they have.
            let more: &[&str] = if check == "mechanisms" {
                &[]
            } else {
                &["fork"]
            };
            let result = caught(&verify(&scratch, &command, more), check, seen, &liar);
            missed.lock().unwrap().extend(result.err());
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
    let missing = verify(&scratch, "/no/such/interpreter subject.py", &[]);
    let mut missed = missed.into_inner().unwrap();
    missed.extend(caught(&missing, "starts", "No such file", "missing").err());
    assert!(missed.is_empty(), "{missed:#?}");
    let lied = |name: &str| {
        LIARS.iter().any(|(check, ..)| *check == name)
            || LARGER.iter().any(|(check, ..)| *check == name)
            || name == "starts"
    };
    for requirement in REQUIREMENTS {
        assert!(
            lied(requirement.name),
            "nobody lies about {}",
            requirement.name
        );
    }
    scratch.assert_nothing_left();
}

#[test]
fn the_honest_subject_and_ours_conform() {
    let scratch = Scratch::new();
    let printed = honest();
    for subject in [printed.as_str(), HONEST] {
        if !has_python() {
            break;
        }
        fs::write(scratch.path().join("subject.py"), subject).unwrap();
        let output = verify(&scratch, "python3 subject.py", &[]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let document = document(&output);
        assert_eq!(document["schema"], "forkbench.conformance/1");
        assert_eq!(document["mechanisms"], serde_json::json!(["fork"]));
        assert_eq!(checks(&document, "trial")[0]["outcome"], "passed");
        assert_eq!(document["proofs"], serde_json::json!([]));
    }
    let ours = env!("CARGO_BIN_EXE_forkbench-subject");
    let output = verify(&scratch, ours, &["fork", "posix_spawn", "thread"]);
    // Where ptrace is denied nothing is proven.
    let code = output.status.code();
    assert!(code == Some(0) || code == Some(4), "{}", said(&output));
    let document = document(&output);
    assert_eq!(document["conforms"], true, "{document:#}");
    let proofs = document["proofs"].as_array().unwrap();
    assert_eq!(proofs.len(), 3, "a build of ours is proven, too");
    assert!(proofs.iter().all(|proof| proof["verdict"] != "refuted"));
    assert!(comes_true(|| scratch.processes().is_empty()));
}

#[test]
fn what_is_told_says_what_was_sent_and_what_to_change() {
    let scratch = Scratch::new();
    let script = scratch.script("mute", "read -r line; exit 7");
    let output = scratch
        .forkbench(&["verify", "--patience", "1", "--subject", &script])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    for words in [
        "failed          hello",
        "seen: ",
        "change: ",
        "does not conform to protocol 1",
    ] {
        assert!(text.contains(words), "no `{words}` in:\n{text}");
    }
    // All that could not be asked is named, and not passed.
    assert!(
        text.contains("not applicable  receipt\n    since: not reached"),
        "{text}"
    );
    let usage = scratch
        .forkbench(&["verify", "--subject", " "])
        .output()
        .unwrap();
    assert_eq!(usage.status.code(), Some(2));
}
