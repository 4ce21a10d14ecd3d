//! `forkbench compare`: what is said of recorded runs, and what keeps it from being said.

#[path = "recording/fixtures.rs"]
#[allow(dead_code)]
mod fixtures;
mod scratch;

use std::path::{Path, PathBuf};
use std::process::Output;

use forkbench::comparison::{Asked, Comparison, ComparisonError, Judged, Statistic, judge};
use forkbench::mechanism::Phase;
use forkbench::recording::{
    self, CellKey, Line, Recorded, RunLine, RunWriter, Status, Trial, TrialLine,
};
use forkbench::statistics::Verdict;

use fixtures::{cell, cell_line, header, samples, trial};
use scratch::{Scratch, said, told};

const NANOSECONDS: u64 = 40_000;

/// A run to be written.
struct Made {
    header: RunLine,
    lines: Vec<Line>,
    finished: bool,
}

/// A run of no cells yet.
fn made(id: &str) -> Made {
    let mut header = header(id);
    header.host.boot_id = Some("one".to_owned());
    header.host.libc = Some("glibc 2.36".to_owned());
    Made {
        header,
        lines: Vec::new(),
        finished: true,
    }
}

impl Made {
    /// Adds trials of a cell, their `call` at these levels.
    fn with(mut self, cell: &CellKey, levels: &[u64]) -> Self {
        for (index, level) in (0..).zip(levels) {
            self = self.with_trial(cell, trial(index, &samples(*level, index, 200)));
        }
        self
    }

    fn with_trial(mut self, cell: &CellKey, trial: Trial) -> Self {
        let cell = cell.clone();
        self.lines
            .push(Line::Trial(Box::new(TrialLine { cell, trial })));
        self
    }

    fn with_line(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }

    fn on(mut self, change: impl FnOnce(&mut RunLine)) -> Self {
        change(&mut self.header);
        self
    }

    fn unfinished(mut self) -> Self {
        self.finished = false;
        self
    }

    fn written(self, parent: &Path) -> PathBuf {
        let mut writer = RunWriter::create(parent, self.header).unwrap();
        for line in self.lines {
            writer.append(line).unwrap();
        }
        match self.finished {
            true => writer.finish("2026-07-01T10:30:00Z").unwrap(),
            false => writer.flush().unwrap(),
        }
        writer.directory().to_owned()
    }

    fn recorded(self, scratch: &Scratch) -> Recorded {
        recording::read(&self.written(&scratch.path().join("reports"))).unwrap()
    }
}

/// Five trials about `level`.
fn five(level: u64) -> [u64; 5] {
    [996, 1_000, 1_004, 998, 1_001].map(|thousandths| level * thousandths / 1_000)
}

fn fork() -> CellKey {
    cell("fork", "64MiB")
}

/// A sitting of `fork/64MiB` whose p10 is about `1 + change` times as long.
fn run(id: &str, change: f64) -> Made {
    made(id).with(&fork(), &five((NANOSECONDS as f64 * (1.0 + change)) as u64))
}

fn asked() -> Asked {
    Asked {
        threshold: 0.03,
        confidence: 0.99,
        phases: vec![Phase::Call],
        statistic: Statistic::P10,
        across_hosts: false,
    }
}

/// What the library says of two sides.
fn judged_of(base: Vec<Made>, candidate: Vec<Made>, asked: &Asked) -> Judged {
    let scratch = Scratch::new();
    let [base, candidate] = [base, candidate].map(|side| {
        let runs = side.into_iter().map(|made| made.recorded(&scratch));
        runs.collect::<Vec<_>>()
    });
    judge(&base, &candidate, asked).unwrap()
}

fn judged(base: Made, candidate: Made) -> Judged {
    judged_of(vec![base], vec![candidate], &asked())
}

/// The verdict of the first cell, and its reason.
fn first(judged: &Judged) -> (Verdict, &str) {
    let cell = &judged.cells[0];
    (cell.verdict, cell.reason.as_deref().unwrap_or_default())
}

fn assert_reason(judged: &Judged, words: &[&str]) {
    let (verdict, reason) = first(judged);
    assert_eq!(verdict, Verdict::NotMeasurable, "{reason}");
    for word in words {
        assert!(reason.contains(word), "no `{word}` in: {reason}");
    }
}

/// `forkbench compare` on runs that are there under their ids.
fn compare(scratch: &Scratch, line: &str) -> Output {
    let words: Vec<&str> = ["compare"].into_iter().chain(line.split(' ')).collect();
    scratch.forkbench(&words).output().unwrap()
}

fn document(output: &Output) -> Comparison {
    serde_json::from_str(&said(output)).unwrap_or_else(|error| {
        panic!("{error}: {} {}", said(output), told(output));
    })
}

#[test]
fn one_sitting_a_side_calls_what_is_well_beyond_its_reach_and_nothing_else() {
    for (change, expected) in [
        (0.20, Verdict::Regressed),
        (-0.20, Verdict::Improved),
        (0.05, Verdict::Inconclusive),
        (0.0, Verdict::Inconclusive),
    ] {
        let found = judged(run("a", 0.0), run("b", change));
        let cell = &found.cells[0];
        assert_eq!(cell.verdict, expected, "{change}: {cell:?}");
        let [effect, low, high] = [cell.effect, cell.low, cell.high].map(Option::unwrap);
        assert!((effect - change).abs() < 0.002, "{change}: {effect}");
        // The sittings' part alone is 2.58 · √2 · 1.5 % = 5.5 % either way.
        let half = (high.ln_1p() - low.ln_1p()) / 2.0;
        assert!((0.0546..0.065).contains(&half), "{change}: {half}");
        assert!((cell.spread.unwrap() - 0.0214).abs() < 0.002);
        assert_eq!((cell.pairs, cell.look, cell.pairs_needed), (0, 0, None));
    }
    let undecided = judged(run("a", 0.0), run("b", 0.0));
    let (_, reason) = first(&undecided);
    assert!(
        reason.contains("single sittings") && reason.contains("±6 %"),
        "{reason}"
    );
    assert!(reason.contains("sittings a side would decide"), "{reason}");
    // A threshold wide enough for a single sitting has its answer.
    let wide = Asked {
        threshold: 0.10,
        ..asked()
    };
    let found = judged_of(vec![run("a", 0.0)], vec![run("b", 0.0)], &wide);
    assert_eq!(first(&found), (Verdict::Unchanged, ""));
}

/// Sittings of one side, by what they stray by.
fn sittings(name: &str, change: f64, strays: &[f64]) -> Vec<Made> {
    let named = (0..).zip(strays);
    named
        .map(|(number, stray)| run(&format!("{name}{number}"), change + stray))
        .collect()
}

#[test]
fn several_sittings_tell_more_and_how_far_they_stray() {
    let quiet = [0.001, -0.002, 0.0, 0.002, -0.001];
    let one = judged(run("a", 0.0), run("b", 0.07));
    assert_eq!(first(&one).0, Verdict::Inconclusive);
    let five = judged_of(
        sittings("a", 0.0, &quiet),
        sittings("b", 0.07, &quiet),
        &asked(),
    );
    let cell = &five.cells[0];
    assert_eq!(cell.verdict, Verdict::Regressed, "{cell:?}");
    let half = (cell.high.unwrap().ln_1p() - cell.low.unwrap().ln_1p()) / 2.0;
    // However well they agree: 5.5 % / √5.
    assert!((0.0244..0.028).contains(&half), "{half}");
    let figures = cell.candidate.as_ref().unwrap();
    assert_eq!(
        (figures.sittings, figures.trials, figures.samples),
        (5, 25, 5_000)
    );
    // Sittings that stray by 5 % widen it: t of 8 degrees of freedom, 3.36 · 5 % · √(2/5) = 10 %.
    let wild = [0.05, -0.06, 0.0, 0.05, -0.04];
    let found = judged_of(
        sittings("a", 0.0, &wild),
        sittings("b", 0.07, &wild),
        &asked(),
    );
    let cell = &found.cells[0];
    assert_eq!(cell.verdict, Verdict::Inconclusive);
    let half = (cell.high.unwrap().ln_1p() - cell.low.unwrap().ln_1p()) / 2.0;
    assert!((0.08..0.13).contains(&half), "{half}");
    assert!(
        first(&found).1.contains("sittings that stray by"),
        "{found:?}"
    );
}

#[test]
fn trials_that_spread_widen_the_interval_and_one_trial_a_side_has_none() {
    let wild = [30_000, 40_000, 52_000, 36_000, 45_000];
    let found = judged(made("a").with(&fork(), &wild), run("b", 0.20));
    let cell = &found.cells[0];
    assert_eq!(cell.verdict, Verdict::Inconclusive);
    assert!(cell.high.unwrap() - cell.low.unwrap() > 0.5, "{cell:?}");
    assert!(
        first(&found).1.contains("trials spread so far"),
        "{found:?}"
    );

    let single = |id: &str| made(id).with(&fork(), &[NANOSECONDS]);
    assert_reason(
        &judged(single("a"), single("b")),
        &["one trial", "--trials 3"],
    );
    // The other side's trials tell for it.
    let found = judged(single("a"), run("b", 0.20));
    assert_eq!(first(&found).0, Verdict::Regressed);
    // And so do sittings of one trial each, with what they stray by.
    let singles = |name: &str, levels: [u64; 3]| {
        let made = levels.map(|level| made(&format!("{name}{level}")).with(&fork(), &[level]));
        Vec::from(made)
    };
    let base = singles("a", [40_000, 40_200, 39_900]);
    let found = judged_of(base, singles("b", [60_000, 60_300, 59_800]), &asked());
    assert_eq!(first(&found).0, Verdict::Regressed, "{found:?}");
}

#[test]
fn all_cells_and_phases_share_the_confidence() {
    let cells = ["fork", "vfork"].map(|name| cell(name, "0"));
    let make = |id: &str| {
        let both = cells
            .iter()
            .fold(made(id), |made, cell| made.with(cell, &five(NANOSECONDS)));
        vec![both]
    };
    let one = judged(run("a", 0.0), run("b", 0.0));
    let both = Asked {
        phases: vec![Phase::Call, Phase::Reap],
        ..asked()
    };
    let four = judged_of(make("a"), make("b"), &both);
    assert_eq!(four.cells.len(), 4);
    let half = |judged: &Judged| judged.cells[0].high.unwrap().ln_1p();
    // 3.02 in place of 2.58 standard deviations.
    let wider = half(&four) / half(&one);
    assert!((1.14..1.22).contains(&wider), "{wider}");
    assert!((four.cells[0].interval_confidence - 0.9975).abs() < 1e-9);
    assert_eq!(four.cells[0].confidence, 0.99);
}

#[test]
fn hosts_that_differ_forbid_a_verdict_unless_that_is_asked() {
    type Change = fn(&mut RunLine);
    let changes: [(&str, Change); 9] = [
        ("kernel: 6.18.0 against 6.19.0", |run| {
            run.host.kernel = "6.19.0".into()
        }),
        ("host: alpha against beta", |run| {
            run.host.name = "beta".into()
        }),
        ("architecture: x86_64 against aarch64", |run| {
            run.host.architecture = "aarch64".into()
        }),
        ("THP: madvise against always", |run| {
            run.host.thp = Some("always".into())
        }),
        ("mTHP: 64kB=inherit against none", |run| {
            run.host.mthp.clear()
        }),
        ("CPUs: 2 against 4", |run| run.host.cpus = 4),
        ("libc: glibc 2.36 against musl", |run| {
            run.host.libc = Some("musl".into())
        }),
        (
            "mitigation spectre_v2: Mitigation against Vulnerable",
            |run| {
                run.host
                    .mitigations
                    .insert("spectre_v2".into(), "Vulnerable".into());
            },
        ),
        ("mitigation retbleed: none against Vulnerable", |run| {
            run.host
                .mitigations
                .insert("retbleed".into(), "Vulnerable".into());
        }),
    ];
    for (words, change) in changes {
        let pair = || [vec![run("a", 0.0)], vec![run("b", 0.20).on(change)]];
        let [base, candidate] = pair();
        let found = judged_of(base, candidate, &asked());
        assert_reason(&found, &[words, "--across-hosts", "forkbench ab"]);
        assert_eq!(found.differences, [words], "{words}");
        // The figures stand; an interval would claim what nobody knows.
        let cell = &found.cells[0];
        assert!(cell.effect.is_some() && cell.low.is_none() && cell.high.is_none());
        let [base, candidate] = pair();
        let across = Asked {
            across_hosts: true,
            ..asked()
        };
        let found = judged_of(base, candidate, &across);
        assert_eq!(first(&found), (Verdict::Regressed, ""), "{words}");
        assert_eq!(found.differences, [words]);
    }
}

#[test]
fn what_may_be_what_is_compared_is_named_and_forbids_nothing() {
    let candidate = run("b", 0.20).on(|run| {
        run.host.boot_id = Some("two".into());
        run.tool.version = "0.2.0".into();
        // Not known on one side is no difference that is known.
        run.host.libc = None;
    });
    let found = judged(run("a", 0.0), candidate);
    assert_eq!(first(&found), (Verdict::Regressed, ""));
    assert_eq!(
        found.differences,
        [
            "libc: glibc 2.36 against not known",
            "boot: one against two",
            "forkbench: 0.1.0 against 0.2.0"
        ]
    );
    // Runs of one side that differ among themselves forbid it too.
    let other = run("a2", 0.0).on(|run| run.host.kernel = "6.19.0".into());
    let found = judged_of(vec![run("a", 0.0), other], vec![run("b", 0.0)], &asked());
    assert_reason(&found, &["kernel: 6.18.0 and 6.19.0 against 6.18.0"]);
}

#[test]
fn what_a_run_says_of_its_host_cannot_write_on_the_terminal() {
    let hostile = run("b", 0.0).on(|run| run.host.kernel = "6\u{1b}[2J\n".repeat(100));
    let found = judged(run("a", 0.0), hostile);
    let reason = first(&found).1;
    assert!(
        !reason.contains(char::is_control) && reason.len() < 600,
        "{reason}"
    );
}

#[test]
fn a_cell_that_one_side_cannot_show_is_not_passed_over() {
    let vfork = cell("vfork", "0");
    let base = || run("a", 0.0).with(&vfork, &five(15_000));
    let reason = |found: &Judged| found.cells[1].reason.clone().unwrap();
    let found = judged(base(), run("b", 0.20));
    // The other cell keeps its whole confidence.
    assert_eq!(first(&found).0, Verdict::Regressed);
    assert!((found.cells[0].interval_confidence - 0.99).abs() < 1e-9);
    assert_eq!(found.cells[1].verdict, Verdict::NotMeasurable);
    assert!(
        reason(&found).contains("only the base measured it"),
        "{found:?}"
    );
    assert!(
        found
            .warnings
            .iter()
            .any(|warning| warning.contains("vfork/0"))
    );

    let skipped = run("b", 0.0).with_line(cell_line(&vfork, Status::Skipped, "no vfork here"));
    let found = judged(base(), skipped);
    assert!(reason(&found).contains("no vfork here"), "{found:?}");

    let failed = run("b", 0.0)
        .with(&vfork, &five(15_000))
        .with_line(cell_line(&vfork, Status::Failed, "the subject hung"));
    let found = judged(base(), failed);
    assert!(
        reason(&found).contains("failed in b: the subject hung"),
        "{found:?}"
    );

    // Skipped on both sides there is nothing to be judged.
    let huge = cell("fork", "16GiB");
    let skip = |made: Made| made.with_line(cell_line(&huge, Status::Skipped, "too large"));
    let found = judged(skip(run("a", 0.0)), skip(run("b", 0.0)));
    assert_eq!(found.cells.len(), 1);
}

#[test]
fn times_that_cannot_be_are_not_judged() {
    let of = |id: &str, call: u64| {
        let trials = (0..3).map(|index| trial(index, &[call; 200]));
        trials.fold(made(id), |made, trial| made.with_trial(&fork(), trial))
    };
    assert_reason(&judged(run("a", 0.0), of("b", 0)), &["0 ns", "candidate"]);
    assert_reason(&judged(of("a", 700), of("b", 900)), &["very same time"]);
}

#[test]
fn short_trials_have_their_statistic_from_their_own_samples() {
    let of = |id: &str, level: u64| {
        let trials = (0..5).map(|index| trial(index, &samples(level, index, 40)));
        trials.fold(made(id), |made, trial| made.with_trial(&fork(), trial))
    };
    let found = judged(of("a", NANOSECONDS), of("b", NANOSECONDS * 3 / 2));
    assert_eq!(first(&found), (Verdict::Regressed, ""));
    // Forty samples lie evenly from the level to a tenth above it: the fourth is about 1 % above.
    let value = found.cells[0].base.as_ref().unwrap().value / NANOSECONDS as f64;
    assert!((1.004..1.02).contains(&value), "{value}");

    // From run.json alone there is no such statistic.
    let scratch = Scratch::new();
    let runs = ["a", "b"].map(|id| of(id, NANOSECONDS).written(scratch.path()));
    for run in &runs {
        std::fs::remove_file(run.join("trials.jsonl")).unwrap();
        std::fs::remove_file(run.join("histograms.hlog")).unwrap();
    }
    let [a, b] = runs.map(|run| vec![recording::read(&run).unwrap()]);
    let found = judge(&a, &b, &asked()).unwrap();
    assert_reason(&found, &["40 samples", "p10", "takes 100", "trials.jsonl"]);
    let p50 = Asked {
        statistic: Statistic::P50,
        ..asked()
    };
    let found = judge(&a, &b, &p50).unwrap();
    assert_eq!(found.cells[0].verdict, Verdict::Inconclusive);
    assert!(found.samples[0].is_none());
}

#[test]
fn subjects_that_were_not_alike_are_said_beside_the_verdict() {
    let scattered = (0..5).map(|index| {
        let mut trial = trial(index, &samples(five(60_000)[index as usize], index, 200));
        trial.receipt.adjacency = Some(0.10);
        trial.receipt.image = "static".to_owned();
        trial
    });
    let candidate = scattered.fold(made("b"), |made, trial| made.with_trial(&fork(), trial));
    let found = judged(run("a", 0.0), candidate);
    let (verdict, reason) = first(&found);
    assert_eq!(verdict, Verdict::Regressed);
    assert!(reason.contains("image dynamic against static"), "{reason}");
    assert!(reason.contains("adjacency 0.96 against 0.10"), "{reason}");
    // Another program under the same name is another cell.
    let with_exec = |id: &str, exec: &str| {
        let mut cell = cell("fork-exec", "0");
        cell.id = "fork-exec/0@exec=true".to_owned();
        cell.exec = Some(exec.to_owned());
        made(id).with(&cell, &five(NANOSECONDS))
    };
    let found = judged(
        with_exec("a", "/bin/true"),
        with_exec("b", "/usr/local/bin/true"),
    );
    assert_reason(
        &found,
        &[
            "different cells",
            "exec /bin/true against /usr/local/bin/true",
        ],
    );
}

#[test]
fn trials_of_arms_are_not_taken_for_a_sitting() {
    let armed = (0..4).map(|index| {
        let mut trial = trial(index, &samples(NANOSECONDS, index, 200));
        trial.arm = ["a", "b"][index as usize % 2].to_owned();
        trial
    });
    let candidate = armed.fold(made("b"), |made, trial| made.with_trial(&fork(), trial));
    assert_reason(
        &judged(run("a", 0.0), candidate),
        &["arms of an A/B comparison"],
    );
}

#[test]
fn nothing_in_common_and_a_run_named_twice_are_errors() {
    let scratch = Scratch::new();
    let a = run("a", 0.0).recorded(&scratch);
    let b = made("b")
        .with(&cell("vfork", "0"), &five(15_000))
        .recorded(&scratch);
    let error = judge(&[a.clone()], &[b.clone()], &asked()).unwrap_err();
    assert!(matches!(error, ComparisonError::NothingInCommon { .. }));
    let words = error.to_string();
    assert!(
        words.contains("fork/64MiB") && words.contains("vfork/0"),
        "{words}"
    );
    let error = judge(&[b.clone(), b], std::slice::from_ref(&a), &asked()).unwrap_err();
    assert!(matches!(error, ComparisonError::Twice { side: "base", .. }));
    let exec = Asked {
        phases: vec![Phase::Exec],
        ..asked()
    };
    let other = run("c", 0.0).recorded(&scratch);
    let error = judge(&[a], &[other], &exec).unwrap_err();
    assert!(error.to_string().contains("`exec`"), "{error}");
}

#[test]
fn the_command_prints_the_document_and_ends_as_asked() {
    let scratch = Scratch::new();
    let reports = scratch.path().join("reports");
    run("same", 0.001).unfinished().written(&reports);
    run("slow", 0.20).written(&reports);
    run("base", 0.0).written(&reports);

    let output = compare(&scratch, "latest reports/slow --json --out verdict");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let printed = document(&output);
    assert_eq!(printed.cells[0].verdict, Verdict::Regressed);
    assert_eq!(
        (printed.base.name.as_str(), printed.base.runs.as_slice()),
        ("latest", &["base".to_owned()][..])
    );
    assert!(
        printed.command.starts_with("forkbench compare latest"),
        "{}",
        printed.command
    );
    let written = std::fs::read(scratch.path().join("verdict/verdict.json")).unwrap();
    let written: Comparison = serde_json::from_slice(&written).unwrap();
    assert_eq!(written, printed);

    for (line, expected) in [
        ("reports/base reports/slow --fail-on regressed", 3),
        ("reports/base reports/slow --fail-on inconclusive", 3),
        ("reports/slow reports/base --fail-on regressed", 0),
        ("reports/slow reports/base --fail-on inconclusive", 0),
        ("reports/base reports/same --fail-on regressed", 0),
        ("reports/base reports/same --fail-on inconclusive", 3),
        ("reports/base reports/base --fail-on inconclusive", 3),
        ("reports/base reports/base", 0),
        ("reports/base reports/none", 1),
        ("reports/base,reports/base reports/slow", 1),
        ("reports/base, reports/slow", 2),
        ("reports/base", 2),
        ("reports/base reports/slow --threshold 3", 2),
    ] {
        let output = compare(&scratch, line);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{line}: {}",
            told(&output)
        );
    }
    let output = compare(&scratch, "reports/base reports/same");
    assert!(
        told(&output).contains("same did not finish"),
        "{}",
        told(&output)
    );
    let output = compare(&scratch, "reports/base reports/base --json --across-hosts");
    let itself = document(&output);
    assert_eq!(itself.cells[0].verdict, Verdict::NotMeasurable);
    assert!(
        itself.cells[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("base is on both sides")
    );
    assert!(
        told(&output).contains("base is on both sides"),
        "{}",
        told(&output)
    );
    let both = document(&compare(
        &scratch,
        "reports/base,reports/same reports/slow --json",
    ));
    assert_eq!(both.cells[0].base.as_ref().unwrap().sittings, 2);
    assert_eq!(both.base.runs, ["base", "same"]);
}
