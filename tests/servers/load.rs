//! The load generator: nothing is dropped, and what is late counts from when it was due.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use forkbench::harness::serving;
use forkbench::load::{Load, Outcome};
use forkbench::mechanism::Phase;
use forkbench::protocol::Replied;
use forkbench::recording::Requests;
use forkbench::server::Served;

use crate::scratch::{Scratch, said, told};
use crate::slow::Slow;
use crate::{alone, launcher};

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
