//! Servers and the load generator: what is sent is accounted for, whatever the server does, and nothing stays behind.

mod load;
#[path = "../scratch/mod.rs"]
mod scratch;
mod slow;

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use forkbench::harness::environment::choose_cpus;
use forkbench::harness::launcher::{Launcher, SubjectCommand};
use forkbench::mechanism::Phase;
use forkbench::recording::{Knee, Status, is_held, rate_of};
use forkbench::server::MODELS;
use nix::unistd::Uid;

use scratch::{Scratch, comes_true, said, told};

/// The generator spins: two of them at once would measure each other.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

const SUBJECT: &str = env!("CARGO_BIN_EXE_forkbench-subject");

fn launcher() -> Launcher {
    let native = SubjectCommand::native_at(Path::new(SUBJECT)).unwrap();
    Launcher::new(native, Vec::new(), choose_cpus(), None).unwrap()
}

#[test]
fn every_model_answers_and_its_counts_add_up() {
    let _alone = alone();
    let scratch = Scratch::new();
    let ids = MODELS
        .iter()
        .map(|model| format!("{}/0@rate=1000", model.name));
    let mut ids: Vec<String> = ids.collect();
    ids.push("server:fork/16MiB@free@rate=300".to_owned());
    let mut words = vec!["run", "--trials", "1", "--time", "0.1", "--keep-samples"];
    words.extend(ids.iter().map(String::as_str));
    let output = scratch.forkbench(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    assert!(
        said(&output).contains("What a server that forks can hold"),
        "{}",
        said(&output)
    );
    for id in &ids {
        let cell = scratch.cell(id);
        assert_eq!(cell.status, Status::Ok, "{id}: {:?}", cell.reason);
        let trial = &cell.trials[0];
        let requests = trial.requests.as_ref().unwrap();
        assert_eq!(requests.due, 1_000, "{id}");
        assert!(
            requests.adds_up() && requests.answered > 500,
            "{id}: {requests:?}"
        );
        assert_eq!(cell.phases[&Phase::Response].count, requests.due, "{id}");
        // From when it was due it took no less than from when it was sent.
        let middle = |phase| trial.phases[&phase].quantiles.p50.unwrap();
        assert!(middle(Phase::Service) <= middle(Phase::Response), "{id}");
        let starts = !["server:null", "server:prefork", "server:thread-pool"]
            .contains(&cell.mechanism.as_str());
        assert!(requests.most >= u64::from(starts), "{id}: {requests:?}");
    }
    assert_eq!(scratch.cell(&ids[6]).trials[0].receipt.ballast, 16 << 20);
    scratch.assert_nothing_left();
    assert!(scratch.draw());
}

/// A subject that says it serves on `port` and does nothing.
fn idler(scratch: &Scratch, port: u16) -> String {
    let script = format!(
        "echo subject protocol=1 pid=$$
while read -r word rest; do
  case $word in
    hold) echo receipt pid=$$ ballast=0 ;;
    serve) echo serving port={port} ;;
    stop) echo served accepted=0 answered=0 broken=0 refused=0 started=0 most=0 ;;
    end) exit 0 ;;
  esac
done"
    );
    format!("idler={}", scratch.script("idler", &script))
}

#[test]
fn a_server_that_does_not_accept_fails_alone() {
    let _alone = alone();
    for listens in [true, false] {
        let scratch = Scratch::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let kept = listens.then_some(listener);
        let subject = idler(&scratch, port);
        let id = "idler:server:fork/0@rate=2000";
        let output = scratch
            .forkbench(&["run", id, "server:thread/0@rate=2000", "null/0"])
            .args(["--trials", "1", "--time", "0.1", "--subject", &subject])
            .output()
            .unwrap();
        drop(kept);
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        let outcome = if listens {
            "1000 were still waiting"
        } else {
            "1000 failed"
        };
        scratch.assert_failed(id, &["none of 1000 requests was answered", outcome]);
        scratch.assert_measured("server:thread/0@rate=2000");
        scratch.assert_measured("null/0");
        scratch.assert_nothing_left();
    }
}

/// What the subject answers to orders.
fn answers(orders: &str) -> String {
    let mut child = Command::new(SUBJECT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(orders.as_bytes())
        .unwrap();
    said(&child.wait_with_output().unwrap())
}

#[test]
fn a_port_in_use_and_other_orders_that_cannot_be_are_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let serve = |rest: &str| {
        let hold = "hold bytes=0 state=hot";
        answers(&format!("forkbench 1\n{hold}\nserve {rest}\nstop\nend\n"))
    };
    let told = serve(&format!("mechanism=server:fork pool=8 port={port}"));
    for word in [
        format!("fail server:fork: port {port} of 127.0.0.1 is in use"),
        "ss -ltnp".to_owned(),
        "port 0".to_owned(),
    ] {
        assert!(told.contains(&word), "no `{word}` in: {told}");
    }
    assert!(serve("mechanism=server:frok pool=8").contains("`server:frok` is no mechanism"));
    let bare = answers("forkbench 1\nserve mechanism=server:fork pool=8\nstop\nend\n");
    assert!(
        bare.contains("say `hold` first") && bare.contains("say `serve` first"),
        "{bare}"
    );
    let too_many = "load address=127.0.0.1:1 rate=1 requests=99999999 seed=1 patience=0";
    let told = answers(&format!("forkbench 1\n{too_many}\nend\n"));
    assert!(told.contains("ask for a shorter one"), "{told}");
    // An order that comes with `serve` stops it at once; nothing is lost.
    let told = serve("mechanism=server:thread-pool pool=8");
    assert!(
        told.contains("serving port=") && told.contains("served accepted=0"),
        "{told}"
    );
}

#[test]
fn a_limit_of_processes_is_counted_and_named() {
    let _alone = alone();
    let scratch = Scratch::new();
    let limited = format!("prlimit --nproc=1 {SUBJECT}");
    let script = if Uid::effective().is_root() {
        // Root knows no such limit.
        let other = "setpriv --reuid=54323 --clear-groups";
        let may = format!("{other} test -x \"$SUBJECT\"");
        if !scratch.shell(&may).status().unwrap().success() {
            eprintln!("not tested: no setpriv, or another user may not execute the subject");
            return;
        }
        format!("exec {other} {limited}")
    } else {
        format!("exec {limited}")
    };
    let subject = scratch.script("tight", &script);
    let output = scratch
        .forkbench(&[
            "run",
            "tight:server:fork/0@rate=2000",
            "tight:server:prefork/0@rate=2000",
        ])
        .args(["tight:server:null/0@rate=2000", "server:fork/0@rate=500"])
        .args(["--trials", "1", "--time", "0.1"])
        .args(["--subject", &format!("tight={subject}")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    // Each was closed without a reply, and counted as failed.
    scratch.assert_failed(
        "tight:server:fork/0@rate=2000",
        &[
            "none of 1000",
            "1000 failed",
            "1000 times no child",
            "ulimit -u",
            "pids.max",
        ],
    );
    scratch.assert_failed(
        "tight:server:prefork/0@rate=2000",
        &["got 0 of its 8 processes", "ulimit -u", "pids.max"],
    );
    scratch.assert_measured("tight:server:null/0@rate=2000");
    scratch.assert_measured("server:fork/0@rate=500");
    scratch.assert_nothing_left();
}

#[test]
fn kills_leave_no_process_of_server_or_generator() {
    let _alone = alone();
    let mut served = 0;
    for kill in 0..6u64 {
        let scratch = Scratch::new();
        let mut child = scratch
            .forkbench(&["run", "server:fork/0@rate=500", "server:prefork/0@rate=500"])
            .args([
                "server:thread/0@rate=500",
                "--trials",
                "100",
                "--time",
                "300",
            ])
            .spawn()
            .unwrap();
        // Subject and generator, each with its keeper.
        comes_true(|| scratch.processes().len() > 4);
        thread::sleep(Duration::from_millis(70 * kill));
        served += usize::from(scratch.processes().len() > 4);
        child.kill().unwrap();
        child.wait().unwrap();
        scratch.assert_nothing_left();
    }
    assert!(served > 0, "every kill came between trials");
}

#[test]
fn explain_tells_a_request_on_both_sides() {
    let _alone = alone();
    let scratch = Scratch::new();
    for (cell, words) in [
        (
            "server:fork",
            &[
                "due", "accepted", "started", "called", "replied", "done", "reaped",
            ][..],
        ),
        (
            "server:vfork-exec",
            &["due", "accepted", "started", "called", "done", "reaped"],
        ),
        (
            "server:thread-pool",
            &["due", "accepted", "replied", "done"],
        ),
    ] {
        let output = scratch
            .forkbench(&["explain", cell, "--json"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{cell}: {}", told(&output));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let moments = document["moments"].as_array().unwrap();
        let names: Vec<&str> = moments
            .iter()
            .map(|moment| moment["name"].as_str().unwrap())
            .collect();
        for word in words {
            assert!(names.contains(word), "{cell}: no {word} in {names:?}");
        }
        let times: Vec<u64> = moments
            .iter()
            .map(|moment| moment["ns"].as_u64().unwrap())
            .collect();
        assert!(times.is_sorted() && times[0] == 0, "{cell}: {times:?}");
    }
    let output = scratch
        .forkbench(&["explain", "server:fork"])
        .output()
        .unwrap();
    let text = said(&output);
    for word in [
        "the request is due",
        "fork has returned in the child",
        "is waited for",
    ] {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
    scratch.assert_nothing_left();
}

#[test]
fn the_search_finds_a_knee_and_records_every_rate() {
    let _alone = alone();
    let scratch = Scratch::new();
    let words = [
        "run",
        "server:vfork-exec/0",
        "--trials",
        "1",
        "--time",
        "0.05",
        "--keep-samples",
    ];
    let output = scratch.forkbench(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let run = scratch.recorded().run;
    let judged = run.cells.iter().filter_map(|cell| {
        let held = is_held(cell)?;
        Some((rate_of(cell), held))
    });
    let judged: Vec<(u32, bool)> = judged.collect();
    assert!(judged.len() >= 3, "{judged:?}");
    assert!(judged.iter().any(|(_, held)| !held), "{judged:?}");
    let lost = Knee::of(judged.iter().copied()).lost.unwrap();
    let confirmed = run.cells.iter().find(|cell| rate_of(cell) == lost);
    assert!(
        confirmed.unwrap().trials.len() > 1,
        "{lost}/s was believed at once"
    );
    assert!(
        run.cells
            .iter()
            .all(|cell| cell.mechanism == "server:vfork-exec")
    );
    scratch.assert_nothing_left();
    assert!(scratch.draw());
    let page = std::fs::read_to_string(scratch.run().unwrap().join("index.html")).unwrap();
    for word in ["id=\"servers\"", "servers-1", "requests in a second"] {
        assert!(page.contains(word), "no `{word}` in the page");
    }
}
