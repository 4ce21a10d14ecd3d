//! What scripts and people depend on: exit codes, streams, widths, and messages that name the remedy.

mod scratch;

use std::io::Write;
use std::process::{Output, Stdio};

use forkbench::mechanism::MECHANISMS;
use forkbench::recording::Status;

use scratch::{Scratch, said, told};

fn forkbench(words: &[&str]) -> Output {
    Scratch::new().forkbench(words).output().unwrap()
}

#[test]
fn what_is_not_understood_is_named_with_its_remedy() {
    for (line, expected) in [
        ("run --qick", &["'--qick'", "'--quick'"] as &[&str]),
        (
            "run --export-json out.json",
            &["'--export-json'", "'--json'"],
        ),
        ("run --runs 3", &["'--runs'", "'--trials'"]),
        ("runn", &["'runn'", "'run'"]),
        (
            "run frok",
            &["`frok`", "did you mean `fork`?", "posix_spawn"],
        ),
        ("run frok/0", &["`frok`", "did you mean `fork`?"]),
        ("run zork/*", &["`zork/*`", "forkbench list"]),
        ("run fork/banana", &["`banana`", "64MiB"]),
        ("run fork/0+wobble", &["`wobble`", "thp", "vmas=N"]),
        ("run fork/63", &["63 bytes", "4096", "4KiB"]),
        ("run fork/0+thp", &["0+thp", "name a size"]),
        ("run fork/0@loose", &["`@loose`", "@free"]),
        ("run x:fork/0", &["`x`", "--subject x=COMMAND"]),
        ("run fork/0 --subject bad", &["`bad`", "NAME=COMMAND"]),
        ("run fork/0 --max-footprint lots", &["lots", "64MiB"]),
        (
            "run fork/64MiB --max-footprint 1MiB",
            &["--max-footprint 1MiB", "64MiB"],
        ),
        ("run fork/0 --time 0", &["'--time", "1 ms"]),
        (
            "run fork/0 --patience never",
            &["'--patience", "never", "60s"],
        ),
        ("run fork/0 --trials 0", &["'--trials", "1..=10000"]),
        (
            "run fork/0 --exec /no/such",
            &["`/no/such`", "name another"],
        ),
        ("run fork/0 --placement here", &["'here'", "pinned, free"]),
        ("run --plan nowhere.toml", &["nowhere.toml", "No such file"]),
        ("list --job fork", &["--job", "one cell", "fork/64MiB"]),
        ("report", &["<RUN>", "Usage"]),
    ] {
        let output = forkbench(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(2), "{line}: {}", told(&output));
        assert_eq!(said(&output), "", "{line}");
        for word in expected {
            assert!(
                told(&output).contains(word),
                "{line}: no {word} in: {}",
                told(&output)
            );
        }
        // Nothing is said twice: an error's cause often stands in its own text.
        let first = told(&output).lines().next().unwrap_or_default().to_owned();
        assert_eq!(first.matches("is not a size").count().max(1), 1, "{first}");
    }
}

#[test]
fn plans_that_cannot_be_are_named() {
    let scratch = Scratch::new();
    for (plan, expected) in [
        ("trials = 0", "trials = 0"),
        ("trials = 4000000000", "10000"),
        ("time = -1.0", "time = -1"),
        ("time = nan", "time = NaN"),
        ("max-footprint = \"lots\"", "`lots`"),
        ("tirals = 3", "unknown field `tirals`"),
        ("cells = [\"frok/0\"]", "did you mean `fork`?"),
    ] {
        std::fs::write(scratch.path().join("plan.toml"), plan).unwrap();
        let output = scratch
            .forkbench(&["run", "--plan", "plan.toml"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{plan}: {}", told(&output));
        assert!(
            told(&output).contains(expected),
            "{plan}: {}",
            told(&output)
        );
    }
}

#[test]
fn a_program_that_is_only_named_is_not_another() {
    let scratch = Scratch::new();
    for (cell, words) in [
        ("posix_spawn/0@exec=true", "--exec /bin/true"),
        ("fork/0@exec=true", "executes nothing"),
    ] {
        let run = ["run", cell, "--trials", "1", "--time", "0.1"];
        let output = scratch.forkbench(&run).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{cell}");
        assert!(told(&output).contains(words), "{}", told(&output));
    }
}

#[test]
fn runs_that_are_not_there_are_named() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path().join("empty")).unwrap();
    for (run, expected) in [
        (
            "empty",
            &["`empty`", "trials.jsonl", "forkbench run"] as &[&str],
        ),
        ("nowhere", &["`nowhere`", "forkbench run", "latest"]),
        ("latest", &["reports/latest", "forkbench run"]),
    ] {
        let output = scratch.forkbench(&["report", run]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{run}");
        for word in expected {
            assert!(told(&output).contains(word), "{run}: {}", told(&output));
        }
    }
}

#[test]
fn a_run_cut_short_at_any_byte_is_read_or_named() {
    let scratch = Scratch::new();
    let output = scratch
        .forkbench(&["run", "null/0", "fork/0", "--trials", "3", "--time", "0.01"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let run = scratch.run().unwrap();
    let whole = std::fs::read(run.join("trials.jsonl")).unwrap();
    let cut = scratch.path().join("cut");
    std::fs::create_dir(&cut).unwrap();
    let (mut read, mut refused) = (0, 0);
    for eighth in 0..8 {
        let length = whole.len() * eighth / 8;
        std::fs::write(cut.join("trials.jsonl"), &whole[..length]).unwrap();
        let output = scratch.forkbench(&["report", "cut"]).output().unwrap();
        match output.status.code() {
            Some(0) => read += 1,
            Some(1) => {
                let told = told(&output);
                assert!(
                    told.contains("trials.jsonl") && told.contains("restore"),
                    "{told}"
                );
                refused += 1;
            }
            other => panic!("{other:?}: {}", told(&output)),
        }
    }
    assert!(read > 3 && refused > 0, "{read} {refused}");
}

#[test]
fn a_host_that_cannot_answer_is_exit_code_4() {
    let scratch = Scratch::new();
    let words = ["run", "fork/1TiB", "--trials", "1", "--time", "0.01"];
    let output = scratch.forkbench(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    let cell = scratch.cell("fork/1TiB");
    assert_eq!(cell.status, Status::Skipped);
    let reason = cell.reason.unwrap();
    for word in ["TiB", "available", "--max-footprint"] {
        assert!(reason.contains(word), "{reason}");
    }
    // With a cell that it can measure it is done: what was skipped stands in the run.
    let words = [
        "run",
        "fork/1TiB",
        "null/0",
        "--trials",
        "1",
        "--time",
        "0.01",
    ];
    assert_eq!(
        scratch.forkbench(&words).output().unwrap().status.code(),
        Some(0)
    );
    scratch.assert_measured("null/0");
}

#[test]
fn json_is_one_document_and_nothing_else() {
    let scratch = Scratch::new();
    for (line, code) in [
        ("run null/0 fork/0 --trials 1 --time 0.01", 0),
        (
            "run null/0 x:fork/0 --subject x=/bin/false --trials 1 --time 0.01",
            1,
        ),
        ("run fork/1TiB --trials 1 --time 0.01", 4),
        ("report latest", 0),
        ("list", 0),
        ("list fork/0", 0),
        ("doctor", 0),
    ] {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.push("--json");
        let output = scratch.forkbench(&words).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{line}: {}",
            told(&output)
        );
        let document: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{line}: {error}: {}", said(&output)));
        assert!(document.is_object() || document.is_array(), "{line}");
    }
    let output = forkbench(&["run", "frok/0", "--json"]);
    assert_eq!(
        (output.status.code(), said(&output)),
        (Some(2), String::new())
    );
}

#[test]
fn text_for_a_pipe_has_no_escape_codes_and_80_columns() {
    let scratch = Scratch::new();
    for line in [
        "run null/0 fork/0 posix_spawn/0 x:fork/0 fork/1TiB --subject x=/bin/false --trials 2 --time 0.02",
        "report latest",
        "list",
        "list fork/1TiB+shuffled+rewritten+vmas=10000",
        "doctor",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let output = scratch.forkbench(&words).output().unwrap();
        let text = said(&output);
        assert!(!text.is_empty(), "{line}");
        assert!(
            !text.contains('\u{1b}') && !told(&output).contains('\u{1b}'),
            "{line}"
        );
        for row in text.lines().filter(|row| !row.contains("index.html")) {
            assert!(row.chars().count() <= 80, "{line}: {row}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let scratch = Scratch::new();
    for verb in ["list", "list --json", "man", "completions bash", "--help"] {
        let script = format!("\"$FORKBENCH\" {verb} | head -1");
        let output = scratch.shell(&script).output().unwrap();
        assert_eq!(said(&output).lines().count(), 1, "{verb}");
        assert_eq!(told(&output), "", "{verb}");
    }
}

#[test]
fn every_mechanism_has_a_job_that_its_subject_does() {
    let scratch = Scratch::new();
    for mechanism in MECHANISMS {
        let cell = format!("{}/{}", mechanism.name, mechanism.smallest());
        let job = scratch
            .forkbench(&["list", "--job", &cell])
            .output()
            .unwrap();
        assert!(job.status.success(), "{cell}: {}", told(&job));
        let mut subject = scratch
            .shell("exec \"$SUBJECT\"")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        subject
            .stdin
            .take()
            .unwrap()
            .write_all(&job.stdout)
            .unwrap();
        let output = subject.wait_with_output().unwrap();
        let answers = said(&output);
        assert_eq!(output.status.code(), Some(0), "{cell}: {answers}");
        if answers.contains("\nskip ") {
            eprintln!("{cell}: not offered here");
            continue;
        }
        let count = |word: &str| {
            answers
                .lines()
                .filter(|line| line.starts_with(word))
                .count()
        };
        assert_eq!(
            (
                count("subject "),
                count("receipt "),
                count("first "),
                count("done ")
            ),
            (1, 1, usize::from(!mechanism.writes()), 1)
        );
        let expected = if mechanism.stamps(false) { 125 } else { 100 };
        assert_eq!(count("sample "), expected, "{cell}");
        assert_eq!(count("fail"), 0, "{cell}: {answers}");
    }
}
