//! First writes after a fork: what is known of them holds within one run, and what cannot be is refused.

mod scratch;

use std::io::Write;
use std::process::Stdio;

use forkbench::mechanism::Phase;
use forkbench::recording::Cell;
use scratch::{Scratch, said, told};

fn p50(cell: &Cell, phase: Phase) -> u64 {
    let summary = cell.phases.get(&phase);
    let summary = summary.unwrap_or_else(|| panic!("{} has no `{}`", cell.id, phase.name()));
    summary.p50.expect("enough samples for a median")
}

/// What the subject answers to a job of these lines after `forkbench 1`.
fn answers(lines: &[&str]) -> Vec<String> {
    let scratch = Scratch::new();
    let mut subject = scratch
        .shell("exec \"$SUBJECT\"")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let job = format!("forkbench 1\n{}\nend\n", lines.join("\n"));
    let mut input = subject.stdin.take().unwrap();
    input.write_all(job.as_bytes()).unwrap();
    drop(input);
    let output = subject.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    said(&output).lines().map(str::to_owned).collect()
}

fn value(line: &str, key: &str) -> Option<u64> {
    let value = line
        .split(' ')
        .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    value.map(|value| value.parse().unwrap())
}

#[test]
fn a_write_costs_more_after_a_fork_and_most_where_a_page_is_copied() {
    let scratch = Scratch::new();
    let cells = ["cow-parent/32MiB", "cow-child/32MiB+shuffled"];
    let mut words = vec!["run", "fork/0", "cow-parent/64MiB+thp"];
    words.extend(cells);
    words.extend(["--trials", "2", "--time", "0.2", "--keep-samples"]);
    let output = scratch.forkbench(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    for id in cells {
        let cell = scratch.cell(id);
        let of = |phase| p50(&cell, phase);
        let (before, after) = (of(Phase::Before), of(Phase::After));
        let (first, second) = (of(Phase::FirstPass), of(Phase::SecondPass));
        let told = format!("{id}: {before} {first} {second} {after}");
        assert!(before < after && after < second && after < first, "{told}");
        assert!(!cell.phases.contains_key(&Phase::Call), "{id}");
        for trial in &cell.trials {
            let count = |phase| trial.phases[&phase].quantiles.count;
            let (firsts, seconds) = (count(Phase::FirstPass), count(Phase::SecondPass));
            // A subject has one first pass, and more of the others where there is time for them.
            assert!(firsts >= 4096 && firsts < seconds, "{firsts} {seconds}");
            assert_eq!(
                (count(Phase::Before), count(Phase::After)),
                (seconds, seconds)
            );
            assert_eq!(
                trial.host.copied_bytes,
                Some(4096 * (firsts + seconds)),
                "{id}"
            );
            assert!(trial.first.is_empty());
        }
    }
    let run = scratch.run().unwrap();
    let samples = std::fs::read_to_string(run.join("samples/cow-parent~32MiB-0.csv")).unwrap();
    assert!(samples.starts_with("before,first-pass,second-pass,after\n"));
    let page = std::fs::read_to_string(run.join("index.html")).unwrap();
    assert!(page.contains("What the first write after a fork costs"));
    let table = scratch
        .forkbench(&["report", run.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(table.status.success());
    scratch.assert_nothing_left();
}

#[test]
fn a_job_by_hand_writes_round_after_round_and_has_its_first_pass_once() {
    let lines = answers(&[
        "hold bytes=65536",
        "time mechanism=cow-parent plain=40",
        "time mechanism=cow-child plain=4 warmup=3",
        "hold bytes=65536 order=shuffled",
        "time mechanism=cow-child plain=16",
    ]);
    let samples: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("sample "))
        .collect();
    let done: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("done "))
        .collect();
    assert_eq!((samples.len(), done.len()), (60, 3), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.starts_with("first ")));
    for (index, line) in samples.iter().enumerate() {
        for phase in [Phase::Before, Phase::SecondPass, Phase::After] {
            assert!(value(line, phase.name()).is_some_and(|ns| ns > 0), "{line}");
        }
        // Of 16 pages, and anew when a footprint is held anew.
        let first = !(16..44).contains(&index);
        assert_eq!(
            value(line, "first-pass").is_some(),
            first,
            "{index}: {line}"
        );
    }
    for (line, writes) in done.iter().zip([16 + 40, 4, 16 + 16]) {
        assert_eq!(value(line, "copied"), Some(writes * 4096), "{line}");
    }
}

#[test]
fn what_a_write_cannot_copy_is_refused_by_the_subject_too() {
    for (hold, reason) in [
        ("hold bytes=0", "name a size"),
        (
            "hold bytes=65536 touch=read",
            "only pages that were written",
        ),
        ("hold bytes=65536 mapping=shared", "only private memory"),
        ("hold bytes=65536 mapping=dontfork", "only private memory"),
        ("hold bytes=65536 state=rewritten", "leave out rewritten"),
        ("# nothing", "no footprint is held"),
    ] {
        let lines = answers(&[hold, "time mechanism=cow-parent plain=4"]);
        let last = lines.last().unwrap();
        assert!(
            last.starts_with("fail cow-parent: ") && last.contains(reason),
            "{hold}: {last}"
        );
    }
    for order in [
        "time mechanism=cow-child plain=4 stamped=1",
        "life mechanism=cow-child",
    ] {
        let lines = answers(&["hold bytes=65536", order]);
        let last = lines.last().unwrap();
        assert!(
            last.starts_with("fail cow-child: an iteration is a write"),
            "{last}"
        );
    }
}

#[test]
fn cells_and_verbs_without_a_meaning_are_refused_with_a_remedy() {
    let scratch = Scratch::new();
    let cases: [(&[&str], i32, &str); 5] = [
        (&["run", "cow-parent/0"], 2, "256MiB"),
        (
            &["list", "cow-child/64MiB+file"],
            2,
            "leave out shared, file",
        ),
        (&["list", "cow-child/64MiB+hugetlb"], 2, "take 4k or thp"),
        (&["explain", "cow-parent"], 4, "forkbench run"),
        (
            &[
                "ab",
                "--a",
                "cow-parent/1MiB",
                "--b",
                "cow-child/1MiB",
                "--phase",
                "call",
            ],
            2,
            "it has before, first-pass, second-pass, after",
        ),
    ];
    for (words, code, remedy) in cases {
        let output = scratch.forkbench(words).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{words:?}: {}",
            told(&output)
        );
        assert!(
            told(&output).contains(remedy),
            "{words:?}: {}",
            told(&output)
        );
    }
    let listed = scratch.forkbench(&["list", "cow-child"]).output().unwrap();
    assert!(
        said(&listed).contains("before first-pass second-pass after"),
        "{}",
        said(&listed)
    );
}

#[test]
fn both_passes_can_be_compared() {
    let scratch = Scratch::new();
    let words =
        "ab --a cow-parent/1MiB --b cow-parent/1MiB --phase first-pass,second-pass --budget 0.1";
    let words: Vec<&str> = words.split(' ').collect();
    let output = scratch.forkbench(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let pilots = scratch.recorded().run.cells.remove(0).trials;
    assert!(pilots.len() >= 2);
    for trial in &pilots {
        let count = |phase| trial.phases[&phase].quantiles.count;
        assert_eq!(
            (count(Phase::FirstPass), count(Phase::SecondPass)),
            (256, 256)
        );
    }
}

/// A subject in shell that says it has written, and copied so much.
fn liar(sample: &str, done: &str) -> String {
    format!(
        r#"
echo "subject protocol=1 pid=$$"
while read -r word rest; do
  case $word in
    hold) echo "receipt pid=$$ image=script ballast=65536 unverified=everything";;
    time) for word in $rest; do case $word in plain=*) eval "$word";; esac; done
      i=0; while [ $i -lt $plain ]; do echo "sample {sample}"; i=$((i+1)); done
      echo "done iterations=$plain wall=$((plain*90)) timed=$((plain*80)) {done}";;
    end) exit 0;;
  esac
done
"#
    )
}

#[test]
fn a_subject_that_copied_nothing_has_measured_nothing() {
    let scratch = Scratch::new();
    let whole = "before=10 first-pass=30 second-pass=25 after=15";
    let mut words: Vec<String> = ["run", "--trials", "1", "--time", "0.02"]
        .map(String::from)
        .to_vec();
    for (name, sample, done) in [
        ("honest", whole, "copied=99999999"),
        ("untold", whole, ""),
        ("idle", whole, "copied=0"),
        ("lazy", whole, "copied=4096"),
        ("forkless", "before=10 after=15", "copied=99999999"),
        ("caller", "call=10 reap=20", "copied=99999999"),
    ] {
        let command = scratch.script(name, &liar(sample, done));
        words.extend(["--subject".to_owned(), format!("{name}={command}")]);
        words.push(format!("{name}:cow-parent/64KiB"));
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = scratch.forkbench(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    for name in ["honest", "untold"] {
        scratch.assert_measured(&format!("{name}:cow-parent/64KiB"));
    }
    for (name, reason) in [
        ("idle", "and 0 bytes copied"),
        ("lazy", "and 4096 bytes copied"),
        ("forkless", "have a `second-pass`"),
        ("caller", "have a `second-pass`"),
    ] {
        scratch.assert_failed(&format!("{name}:cow-parent/64KiB"), &[reason]);
    }
}
