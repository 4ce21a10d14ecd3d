//! The subjects that ship beside the native one: each does what the registry says of it, its receipts are true and its
//! children verified; and whoever lacks an interpreter is told.

mod scratch;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use forkbench::harness::registry::{RegisteredSubject, Registry};
use forkbench::mechanism::Phase;
use forkbench::recording::{Cell, Status};
use scratch::{Scratch, said, told};

/// A subject that ships, where this host can start it.
fn installed(name: &str) -> Option<RegisteredSubject> {
    let subject = Registry::shipped().named(name).unwrap().clone();
    match subject.find() {
        Ok(_) => Some(subject),
        Err(absence) => {
            eprintln!("not tested here: {absence}");
            None
        }
    }
}

/// Measures cells, a little, and returns the exit code.
fn run(scratch: &Scratch, cells: &[&str], more: &[&str]) -> Option<i32> {
    let mut words = vec!["run"];
    words.extend(cells);
    words.extend(["--trials", "1", "--time", "0.05", "--seed", "1"]);
    words.extend(more);
    let output = scratch.forkbench(&words).output().unwrap();
    assert!(scratch.run().is_some(), "{}", told(&output));
    output.status.code()
}

/// Checks a cell's figures against what is known of its mechanism.
fn assert_whole(cell: &Cell, phases: &[Phase]) {
    assert_eq!(cell.status, Status::Ok, "{}: {:?}", cell.id, cell.reason);
    let measured: Vec<Phase> = cell.phases.keys().copied().collect();
    assert_eq!(measured, phases, "{}", cell.id);
    let least = |phase: Phase| cell.phases[&phase].min;
    assert!(cell.phases[&Phase::Call].count >= 20, "{}", cell.id);
    assert!(least(Phase::Call) > 0 && least(Phase::Reap) >= least(Phase::Call));
    let first = &cell.trials[0].first;
    assert!(first[&Phase::Reap] >= first[&Phase::Call], "{}", cell.id);
}

/// Every mechanism of a subject in a bare parent.
fn every_mechanism(name: &str) {
    let Some(subject) = installed(name) else {
        return;
    };
    let scratch = Scratch::new();
    let filter = format!("{name}:*/0");
    assert_eq!(run(&scratch, &[&filter], &[]), Some(0));
    let version = subject.find().unwrap().version;
    for mechanism in &subject.mechanisms {
        let cell = scratch.cell(&format!("{name}:{}/0", mechanism.name));
        assert_whole(&cell, &mechanism.phases);
        assert_eq!(cell.version, version.as_ref().map(ToString::to_string));
        let claim = mechanism.claim(version.as_ref()).unwrap();
        assert_eq!(cell.native, claim.native);
        let receipt = &cell.trials[0].receipt;
        assert_eq!((receipt.ballast, receipt.rss), (0, Some(0)));
    }
    scratch.assert_nothing_left();
}

#[test]
fn python_has_every_mechanism_that_the_registry_names() {
    every_mechanism("python");
}

#[test]
fn node_has_every_mechanism_that_the_registry_names() {
    every_mechanism("node");
}

#[test]
fn ruby_has_every_mechanism_that_the_registry_names() {
    every_mechanism("ruby");
}

#[test]
fn pythons_parent_is_what_was_asked_for() {
    if installed("python").is_none() {
        return;
    }
    let scratch = Scratch::new();
    let parents = [
        "4MiB",
        "4MiB+rewritten",
        "4MiB+shuffled",
        "4MiB+shuffled+window=64",
        "4MiB+shared",
        "4MiB+file",
        "4MiB+dontfork",
        "4MiB+wipeonfork",
        "4MiB+read",
        "4MiB+untouched",
        "0+vmas=50",
        "0+fds=50",
        "0+threads=3",
        "0+busy=1",
    ];
    let cells = parents.map(|parent| format!("python:os.fork/{parent}"));
    let words: Vec<&str> = cells.iter().map(String::as_str).collect();
    // The harness holds each receipt to its footprint.
    assert_eq!(run(&scratch, &words, &[]), Some(0));
    for (parent, id) in parents.iter().zip(&cells) {
        let cell = scratch.cell(id);
        if *parent == "0+busy=1" {
            assert_eq!(cell.status, Status::Skipped);
            assert!(cell.reason.unwrap().contains("interpreter's lock"));
            continue;
        }
        assert_eq!(cell.status, Status::Ok, "{id}: {:?}", cell.reason);
        let receipt = &cell.trials[0].receipt;
        assert_eq!(receipt.ballast, cell.footprint.bytes, "{id}");
        for unread in ["rss", "flags", "threads", "vmas", "fds"] {
            assert!(
                !receipt.unverified.iter().any(|name| name == unread),
                "{id}"
            );
        }
        assert_eq!(receipt.vmas_added, Some(u64::from(cell.footprint.vmas)));
        assert_eq!(receipt.fds_added, Some(u64::from(cell.footprint.fds)));
    }
    // The same shape in the same words, kernel for kernel.
    run(&scratch, &["fork/4MiB", "python:os.fork/4MiB"], &[]);
    let (ours, theirs) = (
        scratch.cell("fork/4MiB"),
        scratch.cell("python:os.fork/4MiB"),
    );
    let [ours, theirs] = [ours, theirs].map(|cell| cell.trials[0].receipt.clone());
    assert_eq!(ours.vm_flags, theirs.vm_flags);
    assert_eq!(
        (ours.rss, ours.thp, ours.present),
        (theirs.rss, theirs.thp, theirs.present)
    );
}

#[test]
fn other_languages_hold_memory_or_say_what_they_cant() {
    let scratch = Scratch::new();
    if installed("ruby").is_some() {
        let cells = [
            "ruby:Process.fork/4MiB+untouched",
            "ruby:Process.fork/4MiB+shared",
        ];
        assert_eq!(run(&scratch, &cells, &[]), Some(0));
        scratch.assert_measured(cells[0]);
        let skipped = scratch.cell(cells[1]);
        assert_eq!(skipped.status, Status::Skipped);
        assert!(skipped.reason.unwrap().contains("mapping=shared"));
    }
    if installed("node").is_some() {
        let cells = [
            "node:child_process.spawn/32MiB",
            "node:worker_threads/0+vmas=5",
        ];
        assert_eq!(run(&scratch, &cells, &[]), Some(0));
        let receipt = scratch.cell(cells[0]).trials[0].receipt.clone();
        assert_eq!(receipt.ballast, 32 << 20);
        assert!(receipt.process_rss >= Some(32 << 20));
        assert!(receipt.unverified.contains(&"order".to_owned()));
        assert_eq!(scratch.cell(cells[1]).status, Status::Skipped);
    }
}

#[test]
fn children_are_verified_and_reach_neither_jobs_nor_answers() {
    for (subject, mechanism) in [
        ("python", "os.posix_spawn"),
        ("python", "subprocess"),
        ("python", "subprocess-close_fds-false"),
        ("node", "child_process.spawn"),
        ("ruby", "Process.spawn"),
        ("ruby", "Kernel.system"),
    ] {
        if installed(subject).is_none() {
            continue;
        }
        let scratch = Scratch::new();
        let cell = format!("{subject}:{mechanism}/0");
        // A program that ends with something else than 0 is not what was asked for.
        assert_eq!(run(&scratch, &[&cell], &["--exec", "/bin/false"]), Some(1));
        let failed = format!("{cell}@exec=false");
        scratch.assert_failed(&failed, &["should have exited with 0"]);
        // One that reads its input would eat the next order, and one that prints would be taken for an answer.
        for program in ["cat", "echo sample call=1 reap=1"] {
            assert_eq!(run(&scratch, &[&cell], &["--exec", program]), Some(0));
            let name = program.split(' ').next().unwrap();
            let cell = scratch.cell(&format!("{cell}@exec={name}"));
            assert_eq!(cell.status, Status::Ok, "{:?}", cell.reason);
            assert!(cell.phases[&Phase::Call].min > 1);
        }
    }
}

/// A folder with programs that say another version than they have.
fn interpreters(folder: &Path, version: &str) {
    for name in ["python3", "python"] {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\necho Python {version}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn without_an_interpreter_cells_are_skipped_with_the_remedy() {
    let scratch = Scratch::new();
    let empty = scratch.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let run = |path: &Path, cells: &[&str]| {
        let mut words = vec!["run"];
        words.extend(cells);
        words.extend(["--trials", "1", "--time", "0.05"]);
        let output = scratch
            .forkbench(&words)
            .env("PATH", path)
            .output()
            .unwrap();
        output.status.code()
    };
    assert_eq!(run(&empty, &["python:os.fork/0", "null/0"]), Some(0));
    let reason = scratch.cell("python:os.fork/0").reason.unwrap();
    assert!(reason.contains("no `python3` or `python`"), "{reason}");
    assert!(reason.contains("install one"), "{reason}");
    scratch.assert_measured("null/0");

    interpreters(&empty, "3.7.16");
    // Nothing at all could be measured: this host cannot answer.
    assert_eq!(run(&empty, &["python:os.fork/0"]), Some(4));
    let cell = scratch.cell("python:os.fork/0");
    assert_eq!(cell.status, Status::Skipped);
    let reason = cell.reason.unwrap();
    assert!(reason.contains("is version 3.7.16"), "{reason}");
    assert!(reason.contains("3.8 or later"), "{reason}");
    let mut list = scratch.forkbench(&["list", "python:os.fork/0"]);
    let list = list.env("PATH", &empty).output().unwrap();
    assert!(said(&list).contains("skipped:"), "{}", said(&list));
}

#[test]
fn registered_cells_are_listed_and_typos_met() {
    let scratch = Scratch::new();
    let list = |words: &[&str]| scratch.forkbench(words).output().unwrap();
    let all = list(&["list"]);
    assert!(
        said(&all).contains("# and other subjects"),
        "{}",
        said(&all)
    );
    assert!(!said(&all).contains("\npython:"), "{}", said(&all));
    let python = list(&["list", "python:*", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&said(&python)).unwrap();
    let forks = &listed[0];
    assert_eq!(forks["id"], "python:os.fork/0");
    assert_eq!(
        forks["phases"],
        serde_json::json!(["call", "start", "reap"])
    );
    for (typed, meant) in [
        ("python:subproces/0", "did you mean `subprocess`?"),
        ("ruby:Process.frok", "did you mean `Process.fork`?"),
        ("node", "its cells are `node:*`"),
    ] {
        let output = list(&["list", typed]);
        assert_eq!(output.status.code(), Some(2));
        assert!(told(&output).contains(meant), "{}", told(&output));
    }
}

#[test]
fn a_file_of_ones_own_adds_subjects() {
    if installed("python").is_none() {
        return;
    }
    let scratch = Scratch::new();
    let text = "[mine]\nlike = \"python\"\narguments = [\"-I\", \"-S\"]\n";
    fs::write(scratch.path().join("mine.toml"), text).unwrap();
    let code = run(&scratch, &["mine:os.fork/0"], &["--subjects", "mine.toml"]);
    assert_eq!(code, Some(0));
    scratch.assert_measured("mine:os.fork/0");
    let mut by_variable = scratch.forkbench(&["list", "mine:os.fork"]);
    let by_variable = by_variable
        .env("FORKBENCH_SUBJECTS", "mine.toml")
        .output()
        .unwrap();
    assert!(said(&by_variable).contains("mine:os.fork/64MiB"));
    fs::write(
        scratch.path().join("mine.toml"),
        "[mine]\nlike = \"pyhton\"\n",
    )
    .unwrap();
    let wrong = scratch
        .forkbench(&["list", "--subjects", "mine.toml"])
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        told(&wrong).contains("mine.toml: [mine]"),
        "{}",
        told(&wrong)
    );
}

#[test]
fn the_page_and_the_tables_show_what_a_language_adds() {
    if installed("python").is_none() {
        return;
    }
    let scratch = Scratch::new();
    let cells = [
        "python:os.fork/0",
        "fork/0",
        "python:multiprocessing-forkserver-warm/0",
    ];
    run(&scratch, &cells, &[]);
    let page = fs::read_to_string(scratch.run().unwrap().join("index.html")).unwrap();
    for text in [
        "What a language adds to the call",
        "id=\"languages\"",
        "python 3.",
    ] {
        assert!(page.contains(text), "no {text}");
    }
    let run = scratch.run().unwrap();
    assert!(run.join("charts/languages-1.svg").is_file());
    let words = ["report", run.to_str().unwrap(), "--markdown"];
    let markdown = said(&scratch.forkbench(&words).output().unwrap());
    let row = |name: &str| {
        let mut rows = markdown
            .lines()
            .filter(|line| line.starts_with(&format!("| {name} |")));
        rows.next_back()
            .unwrap_or_else(|| panic!("no {name} in {markdown}"))
            .to_owned()
    };
    assert!(row("python:os.fork/0").contains("| fork/0 |"));
    assert!(row("python:multiprocessing-forkserver-warm/0").ends_with("| – | – | – | – |"));
}
