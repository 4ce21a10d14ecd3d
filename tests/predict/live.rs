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
        "not yours to read",
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

/// A subject that has measured its own fork and stays.
struct Measured {
    subject: Idle,
    p50: u64,
}

impl Measured {
    fn of(scratch: &Scratch, cell: &str) -> Self {
        let job = scratch
            .forkbench(&["list", "--job", cell])
            .output()
            .unwrap();
        let job = said(&job);
        let mut child = Command::new(env!("CARGO_BIN_EXE_forkbench-subject"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let orders = job.strip_suffix("end\n").expect("a job ends");
        input.write_all(orders.as_bytes()).unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let answers = answers.map_while(Result::ok);
        let mut calls: Vec<u64> = answers
            .take_while(|line| !line.starts_with("done"))
            .filter_map(|line| {
                let sample = line.strip_prefix("sample ")?.to_owned();
                let call = sample
                    .split(' ')
                    .find_map(|pair| pair.strip_prefix("call="))?;
                call.parse().ok()
            })
            .collect();
        calls.sort_unstable();
        // It would leave if its input ended.
        child.stdin = Some(input);
        Self {
            subject: Idle(child),
            p50: calls[calls.len() / 2],
        }
    }
}

/// What is predicted for a parent is what it measures itself. The host may be busy just then.
#[test]
fn a_prediction_is_what_the_process_itself_measures() {
    if !geteuid().is_root() {
        return; // Without page frame numbers nothing is expected.
    }
    let mut ratios = Vec::new();
    for _ in 0..3 {
        let scratch = calibrated("2", "0.5");
        let measured = Measured::of(&scratch, "fork/64MiB+shuffled+rewritten");
        let words = ["predict", "--json", "--pid", &measured.subject.pid()];
        let told_of = predicted(&scratch.forkbench(&words).output().unwrap());
        assert!(told_of.footprint.copied > 64 << 20);
        let expected = told_of.fork.call_ns.expected.unwrap();
        let ratio = expected as f64 / measured.p50 as f64;
        if (1.0 / 1.2..1.2).contains(&ratio) {
            return;
        }
        ratios.push(ratio);
    }
    panic!("predicted against measured: {ratios:?}");
}
