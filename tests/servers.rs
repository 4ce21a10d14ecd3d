//! Servers and the load generator: what is sent is accounted for, whatever the server does, and nothing stays behind.

mod scratch;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use forkbench::harness::environment::choose_cpus;
use forkbench::harness::launcher::{Launcher, SubjectCommand};
use forkbench::harness::serving;
use forkbench::load::{Load, Outcome};
use forkbench::mechanism::Phase;
use forkbench::protocol::Replied;
use forkbench::recording::{Knee, Requests, Status, is_held, rate_of};
use forkbench::server::{MODELS, Served};
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

/// A server of ours, in a thread, that takes its time as it is told.
struct Slow {
    address: SocketAddrV4,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Slow {
    /// `pause` says how long the server stands still before it answers a request, by its number.
    fn start(pause: impl Fn(u64) -> Duration + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            panic!("an address of another kind");
        };
        let stopping = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopping);
        let thread = thread::spawn(move || {
            let answered = AtomicU64::new(0);
            for connection in listener.incoming() {
                if told.load(Ordering::Acquire) {
                    return;
                }
                thread::sleep(pause(answered.fetch_add(1, Ordering::Relaxed)));
                answer(connection.unwrap());
            }
        });
        Self {
            address,
            stopping,
            thread: Some(thread),
        }
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn answer(mut connection: TcpStream) {
    let mut request = Vec::new();
    let mut chunk = [0; 512];
    while !request.ends_with(b"\r\n\r\n") {
        match connection.read(&mut chunk) {
            Ok(read @ 1..) => request.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
    let _ = connection.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

fn load(address: SocketAddrV4, rate: u32, requests: u64) -> Load {
    Load {
        address,
        rate,
        closed: false,
        requests,
        seed: 7,
        patience: 1_000_000_000,
    }
}

fn account(load: &Load, replied: &[Replied]) -> Requests {
    serving::account(load, replied, &Served::default())
}

/// The quantile of responses, those that never came included.
fn response_at(replied: &[Replied], share: f64) -> u64 {
    let mut times: Vec<u64> = replied.iter().map(|request| request.response).collect();
    times.sort_unstable();
    times[(times.len() as f64 * share) as usize]
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

#[test]
fn a_rate_that_is_too_high_shows_as_a_growing_delay_and_drops_nothing() {
    let _alone = alone();
    let scratch = Scratch::new();
    // No host starts and ends a program in 50 µs.
    let id = "server:vfork-exec/0@rate=20000";
    let words = ["run", id, "--trials", "1", "--time", "0.1"];
    let output = scratch.forkbench(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let cell = scratch.cell(id);
    let requests = cell.trials[0].requests.as_ref().unwrap();
    assert_eq!(requests.due, 2_000);
    assert!(requests.adds_up(), "{requests:?}");
    let (early, late) = (requests.early.unwrap(), requests.late.unwrap());
    assert!(late > 2 * early, "{early} and then {late}");
    assert_eq!(cell.phases[&Phase::Response].count, 2_000);
    assert!(
        requests.slow > 20 && requests.slow <= requests.due,
        "{requests:?}"
    );
    assert_eq!(forkbench::recording::is_held(&cell), Some(false));
    scratch.assert_nothing_left();
}

#[test]
fn what_a_server_never_gets_to_counts_with_its_age() {
    let _alone = alone();
    // It answers 50 in a second, and is sent 500.
    let slow = Slow::start(|_| Duration::from_millis(20));
    let load = load(slow.address, 500, 1_000);
    let replied = serving::send(&launcher(), &load).unwrap();
    let requests = account(&load, &replied);
    assert_eq!(requests.due, 1_000);
    assert!(requests.adds_up(), "{requests:?}");
    assert!(
        requests.unanswered > 100 && requests.answered > 10,
        "{requests:?}"
    );
    let end = replied
        .iter()
        .map(|request| request.due + request.response)
        .max()
        .unwrap();
    for request in &replied {
        if request.outcome == Outcome::Unanswered {
            assert_eq!(request.due + request.response, end);
        }
    }
    // Those that were due first have waited longest.
    let last = replied.last().unwrap();
    assert!(last.response >= load.patience / 2, "{last:?}");
}

#[test]
fn a_pause_is_seen_by_all_that_were_due_meanwhile() {
    let _alone = alone();
    let pause = |number| match number {
        200 => Duration::from_millis(400),
        _ => Duration::ZERO,
    };
    let launcher = launcher();
    let open = {
        let slow = Slow::start(pause);
        serving::send(&launcher, &load(slow.address, 500, 1_000)).unwrap()
    };
    let closed = {
        let slow = Slow::start(pause);
        let closed = Load {
            closed: true,
            ..load(slow.address, 500, 1_000)
        };
        serving::send(&launcher, &closed).unwrap()
    };
    assert_eq!((open.len(), closed.len()), (1_000, 1_000));
    let (open, closed) = (response_at(&open, 0.99), response_at(&closed, 0.99));
    // Of the open loop's requests a fifth were due in the pause; of the closed loop's one was.
    assert!(open > 200_000_000, "{open}");
    assert!(open > 4 * closed, "{open} and {closed}");
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
fn any_server_can_be_sent_a_load() {
    let _alone = alone();
    let scratch = Scratch::new();
    let slow = Slow::start(|_| Duration::ZERO);
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, slow.address.port()).to_string();
    for closed in [&[][..], &["--closed"]] {
        let output = scratch
            .forkbench(&[
                "load",
                &address,
                "--rate",
                "200",
                "--seconds",
                "0.5",
                "--json",
            ])
            .args(closed)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", told(&output));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["requests"]["answered"], 100);
        assert_eq!(document["response"]["count"], 100);
    }
    drop(slow);
    let output = scratch
        .forkbench(&["load", &address, "--rate", "200", "--seconds", "0.5"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(
        said(&output).contains("0 answered, 100 failed"),
        "{}",
        said(&output)
    );
}

#[test]
fn any_server_can_be_climbed() {
    let _alone = alone();
    let scratch = Scratch::new();
    // No more than 500 requests in a second.
    let slow = Slow::start(|_| Duration::from_millis(2));
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, slow.address.port()).to_string();
    let words = ["load", &address, "--climb", "--seconds", "0.4", "--json"];
    let output = scratch.forkbench(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |value: &serde_json::Value| value.as_u64();
    let held = number(&document["held"]).unwrap_or(0);
    let lost = number(&document["lost"]).unwrap();
    assert!(held < lost && held < 500, "{document}");
    let rates = document["rates"].as_array().unwrap();
    let of = |rate: u64| rates.iter().find(|one| number(&one["rate"]) == Some(rate));
    assert_eq!(of(lost).unwrap()["held"], false);
    // It was measured again before it was believed.
    assert_eq!(of(lost).unwrap()["trials"].as_array().unwrap().len(), 6);
    for trial in rates
        .iter()
        .flat_map(|rate| rate["trials"].as_array().unwrap())
    {
        let of = |name: &str| number(&trial["requests"][name]).unwrap();
        assert_eq!(of("due"), of("answered") + of("failed") + of("unanswered"));
    }
    let wrong = scratch.forkbench(&["load", &address, "--climb", "--rate", "5"]);
    assert_eq!({ wrong }.output().unwrap().status.code(), Some(2));
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
