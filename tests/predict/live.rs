//! Live processes: what is said of them, and that nothing happens to them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};

use forkbench::model::Prediction;
use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use crate::scratch::{Scratch, comes_true, said, send, told};

/// Cells that tell what a small process is made of.
const CALIBRATION: [&str; 6] = [
    "fork/0",
    "fork/0+vmas=2000",
    "fork/64MiB+rewritten",
    "fork/64MiB+shuffled+rewritten",
    "vfork/0",
    "posix_spawn/0",
];
/// Nobody's user and group.
const NOBODY: u32 = 65_534;

/// A folder with a run to predict from.
fn calibrated(trials: &str, time: &str) -> Scratch {
    let scratch = Scratch::new();
    let mut words = vec!["run", "--trials", trials, "--time", time];
    words.extend(CALIBRATION);
    let output = scratch.forkbench(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    scratch
}

/// A process that does nothing, ended when dropped.
struct Idle(Child);

impl Idle {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    fn sleeping() -> Self {
        let idle = Self::start(Command::new("sleep").arg("600"));
        let asleep = || idle.file("stat").contains(") S ");
        assert!(comes_true(|| asleep() && idle.file("comm") == "sleep\n"));
        idle
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.0.id())).unwrap_or_default()
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn predicted(output: &Output) -> Prediction {
    assert_eq!(output.status.code(), Some(0), "{}", told(output));
    serde_json::from_str(&said(output)).unwrap()
}

#[test]
fn what_cannot_be_predicted_is_named_with_its_remedy() {
    let scratch = Scratch::new();
    let predict = |pid: &str| {
        scratch
            .forkbench(&["predict", "--pid", pid])
            .output()
            .unwrap()
    };
    let mut gone = Command::new("true").spawn().unwrap();
    let pid = gone.id().to_string();
    let zombie = comes_true(|| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.contains(") Z ")
    });
    assert!(zombie);
    let output = predict(&pid);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told(&output).contains("zombie") && told(&output).contains(&pid),
        "{}",
        told(&output)
    );
    gone.wait().unwrap();
    let output = predict(&pid);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told(&output).contains(&format!("there is no process {pid}")),
        "{}",
        told(&output)
    );
    if fs::read_to_string("/proc/2/comm").is_ok_and(|name| name == "kthreadd\n") {
        let output = predict("2");
        assert_eq!(output.status.code(), Some(4));
        assert!(told(&output).contains("kernel thread"), "{}", told(&output));
    }
    // None of these was worth a calibration.
    assert!(!scratch.path().join("reports").exists());
    for (line, expected) in [
        ("predict", "--pid"),
        ("predict --pid 0", "'0'"),
        ("predict --pid self", "self"),
        ("predict --pid 1 --rss 1GiB", "cannot be used with"),
        ("predict --pid 1 --vmas 3", "cannot be used with"),
        ("predict --rss lots", "lots"),
        ("predict --rss 1GiB --page huge", "thp"),
        (
            "predict --rss 1GiB --calibrate --calibration x",
            "cannot be used with",
        ),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let output = scratch.forkbench(&words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {}", told(&output));
        assert!(
            told(&output).contains(expected),
            "{line}: {}",
            told(&output)
        );
    }
    let words = ["predict", "--rss", "1GiB", "--calibration", "nowhere"];
    let output = scratch.forkbench(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains("`nowhere`"), "{}", told(&output));
}

/// What would change in a process that was stopped, traced, written to, or whose pages were marked.
fn traces(idle: &Idle) -> Vec<String> {
    let keys = [
        "State:",
        "TracerPid:",
        "VmRSS:",
        "voluntary_ctxt",
        "nonvoluntary_ctxt",
        "SigPnd:",
    ];
    let status = idle.file("status");
    let lines = status
        .lines()
        .filter(|line| keys.iter().any(|key| line.starts_with(key)));
    let mut traces: Vec<String> = lines.map(str::to_owned).collect();
    // Others share its files' pages; what is its own is the same to the bit.
    let own = ["Size:", "Rss:", "Anonymous:", "Pss_Dirty:", "VmFlags:"];
    let smaps = idle.file("smaps");
    let lines = smaps.lines().filter(|line| {
        own.iter().any(|key| line.starts_with(key)) || !line.starts_with(char::is_uppercase)
    });
    traces.extend(lines.map(str::to_owned));
    traces
}

#[test]
fn a_live_process_is_told_and_left_as_it_is() {
    let scratch = calibrated("1", "0.05");
    let idle = Idle::sleeping();
    let before = traces(&idle);
    let words = ["predict", "--pid", &idle.pid(), "--json"];
    let output = scratch.forkbench(&words).output().unwrap();
    assert_eq!(traces(&idle).join("\n"), before.join("\n"));
    let told_of = predicted(&output);
    assert_eq!(told_of.footprint.name.as_deref(), Some("sleep"));
    assert_eq!(told_of.footprint.threads, Some(1));
    assert!(told_of.footprint.vmas.unwrap() > 10 && told_of.footprint.pages_4k > 5);
    assert!(told_of.mappings.iter().any(|one| one.name == "[stack]"));
    assert!(told_of.thread.is_none() && told_of.vfork.is_some());
    let fork = told_of.fork.call_ns;
    assert!(fork.low <= fork.high && fork.low > 1_000, "{fork:?}");
    assert_eq!(fork.expected.is_some(), geteuid().is_root());
    // The newest run of this host was found, and is named.
    assert!(
        told(&output).contains(&told_of.calibration.run),
        "{}",
        told(&output)
    );
    let text = scratch.forkbench(&words[..3]).output().unwrap();
    assert!(
        said(&text).starts_with("fork would stop sleep (pid "),
        "{}",
        said(&text)
    );
    assert!(said(&text).lines().all(|line| line.chars().count() <= 80));

    // Of processes that come and go there is a prediction, or a reason.
    for milliseconds in 0..20 {
        let short = format!("0.0{milliseconds:02}");
        let mut child = Command::new("sleep").arg(short).spawn().unwrap();
        let words = ["predict", "--pid", &child.id().to_string()];
        let output = scratch.forkbench(&words).output().unwrap();
        let told = told(&output);
        let reasons = ["zombie", "there is no process", "ended while it was read"];
        assert!(
            output.status.success()
                || output.status.code() == Some(1) && reasons.iter().any(|why| told.contains(why)),
            "{told}"
        );
        child.wait().unwrap();
    }
}

#[test]
fn what_is_not_ours_gets_a_bracket_that_says_what_it_could_not_see() {
    if !geteuid().is_root() {
        return; // Only root can become somebody else.
    }
    let scratch = calibrated("1", "0.05");
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let run = scratch.run().unwrap();
    let predict = |idle: &Idle| {
        let words = ["predict", "--json", "--pid", &idle.pid(), "--calibration"];
        let mut command = scratch.forkbench(&words);
        command.arg(&run).uid(NOBODY).gid(NOBODY).output()
    };
    let Ok(output) = predict(&Idle::sleeping()) else {
        return; // The programs stand where nobody else may go.
    };
    let others = predicted(&output);
    assert_eq!(others.fork.call_ns.expected, None);
    assert!(others.fork.call_ns.low < others.fork.call_ns.high);
    assert!(others.footprint.rss.unwrap() > 0 && others.mappings.is_empty());
    let notes = others.notes.join("\n");
    for words in [
        "its own user or CAP_SYS_PTRACE",
        "descriptors can't be counted",
        "left out",
    ] {
        assert!(notes.contains(words), "no `{words}` in:\n{notes}");
    }
    // One's own without the right to see page frames.
    let own = Idle::start(Command::new("sleep").arg("600").uid(NOBODY).gid(NOBODY));
    assert!(comes_true(|| own.file("comm") == "sleep\n"));
    let own = predicted(&predict(&own).unwrap());
    assert!(!own.mappings.is_empty());
    assert_eq!(own.footprint.within_8, None);
    assert!(
        own.notes.join("\n").contains("CAP_SYS_ADMIN"),
        "{:?}",
        own.notes
    );
}

#[test]
fn a_calibration_is_made_where_there_is_none_and_can_be_stopped() {
    let scratch = Scratch::new();
    let words = [
        "predict",
        "--rss",
        "1GiB",
        "--max-footprint",
        "16MiB",
        "--json",
    ];
    let child = scratch.forkbench(&words).spawn().unwrap();
    assert!(comes_true(|| scratch.finished_trials() > 1));
    send(&child, Signal::SIGINT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", told(&output));
    assert_eq!(said(&output), "");
    assert!(scratch.recorded().run.finished.is_none());
    scratch.assert_nothing_left();
    // Half of one is none.
    let output = scratch.forkbench(&words).output().unwrap();
    let made = predicted(&output);
    assert_eq!(
        Some(scratch.recorded().run.id),
        Some(made.calibration.run.clone())
    );
    assert!(scratch.run().unwrap().join("index.html").is_file());
    assert!(made.vfork.is_some() && made.posix_spawn.is_some() && made.thread.is_some());
    let again = predicted(&scratch.forkbench(&words).output().unwrap());
    assert_eq!(again.calibration, made.calibration);
    let words = [
        "predict",
        "--rss",
        "1GiB",
        "--max-footprint",
        "1MiB",
        "--calibrate",
    ];
    let output = scratch.forkbench(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
}

/// A subject that holds a footprint and stays.
fn holding(scratch: &Scratch, cell: &str) -> (Idle, String) {
    let words = ["list", "--job", cell];
    let job = said(&scratch.forkbench(&words).output().unwrap());
    let (orders, _) = job.split_once("time ").expect("a job times something");
    let mut child = Command::new(env!("CARGO_BIN_EXE_forkbench-subject"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(orders.as_bytes()).unwrap();
    let answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut answers = answers.map_while(Result::ok);
    let receipt = answers.find(|line| line.starts_with("receipt"));
    // It would leave if its input ended.
    child.stdin = Some(input);
    (Idle(child), receipt.expect("it holds"))
}

/// What it would cost is arithmetic, and held to known costs elsewhere; how near it comes, on a host, is a measurement, which
/// `scripts/live-processes` makes. Here: that what is counted is what is there.
#[test]
fn a_parent_whose_parts_are_known_is_counted_right() {
    let scratch = calibrated("1", "0.05");
    for (cell, huge, scattered) in [
        ("fork/64MiB+rewritten", 0, false),
        ("fork/64MiB+shuffled+rewritten", 0, true),
        ("fork/64MiB+thp", 32, false),
        ("fork/64MiB+dontfork", 0, false),
    ] {
        let (subject, receipt) = holding(&scratch, cell);
        let bare = "fork/0";
        let (small, _) = holding(&scratch, bare);
        let of = |idle: &Idle| {
            let words = ["predict", "--json", "--pid", &idle.pid()];
            predicted(&scratch.forkbench(&words).output().unwrap()).footprint
        };
        let (held, alone) = (of(&subject), of(&small));
        let pages = match cell {
            "fork/64MiB+thp" | "fork/64MiB+dontfork" => 0,
            _ => 64 * 256,
        };
        // Two processes differ by a page or two of their own.
        let more = held.pages_4k.abs_diff(alone.pages_4k + pages);
        assert!(more < 64, "{cell}: {held:?} beside {alone:?}");
        assert_eq!(held.pages_thp, huge, "{cell}, {receipt}");
        assert_eq!(held.threads, Some(1), "{cell}");
        if cell.contains("dontfork") {
            assert_eq!(
                held.vmas_dontfork,
                alone.vmas_dontfork.map(|count| count + 1)
            );
        }
        if pages > 0 && geteuid().is_root() {
            let within_512 = held.within_512.unwrap();
            assert_eq!(within_512 < 0.5, scattered, "{cell}: {within_512}");
        }
    }
}
