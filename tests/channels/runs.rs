//! What goes through channels, and what is said of it.

use forkbench::channel::{CHANNELS, MESSAGES, Waiting};
use forkbench::harness::environment;
use forkbench::mechanism::Phase;
use forkbench::protocol::Answer;
use forkbench::recording::{Placement, Status};

use super::live::Live;
use super::scratch::{Scratch, said, told};

/// Every channel, with a byte and with 64 KiB, on one CPU and on two; a subject serves them one after the other.
#[test]
fn every_channel_goes_there_and_back_on_one_cpu_and_on_two() {
    let Some((_, other)) = environment::choose_cpus() else {
        eprintln!("this host has one CPU");
        return;
    };
    let mut live = Live::start();
    let mut made = 0;
    for channel in CHANNELS {
        for message in MESSAGES {
            for peer in ["".to_owned(), format!(" peer={other}")] {
                let order = format!(
                    "time mechanism={} message={message}{peer} warmup=3 plain=40 fresh=3",
                    channel.name
                );
                let (samples, last) = live.order(&order);
                let spins_alone = channel.waiting == Waiting::Spinning && peer.is_empty();
                if spins_alone {
                    assert!(matches!(last, Answer::Fail(_)), "{order}: {last:?}");
                    continue;
                }
                let Answer::Done(batch) = last else {
                    panic!("{order}: {last:?}");
                };
                assert_eq!((batch.iterations, samples.len()), (43, 43), "{order}");
                for sample in &samples[..3] {
                    let [open, setup, trip] = Phase::CHANNEL.map(|phase| sample.get(phase));
                    assert!(open.unwrap() < setup.unwrap() && trip.is_none(), "{order}");
                }
                for sample in &samples[3..] {
                    assert!(sample.get(Phase::RoundTrip).unwrap() > 0, "{order}");
                    assert_eq!(sample.get(Phase::Setup), None);
                }
                made += 1;
            }
        }
    }
    assert_eq!(made, CHANNELS.len() * 4 - 2);
}

#[test]
fn orders_that_make_no_sense_are_refused_and_the_next_is_obeyed() {
    let mut live = Live::start();
    for (order, why) in [
        ("time mechanism=ipc:pipe message=0 plain=1", "1B"),
        (
            "time mechanism=ipc:pipe message=1000000000 plain=1",
            "16MiB",
        ),
        ("time mechanism=ipc:pipe stamped=1 plain=1", "stamped"),
        ("time mechanism=ipc:pipe plain=99999999999", "too many"),
        (
            "time mechanism=ipc:pipe peer=4000 plain=1",
            "sched_setaffinity",
        ),
        ("time mechanism=fork fresh=1 plain=1", "no channel"),
        ("time mechanism=ipc:drum plain=1", "no mechanism"),
    ] {
        let (samples, last) = live.order(order);
        assert!(samples.is_empty());
        let Answer::Fail(reason) = last else {
            panic!("{order}: {last:?}");
        };
        assert!(reason.contains(why), "{order}: {reason}");
    }
    let (samples, _) = live.order("time mechanism=ipc:unix plain=5");
    assert_eq!(samples.len(), 5);
}

#[test]
fn channels_are_listed_and_their_jobs_can_be_typed() {
    let scratch = Scratch::new();
    let listed = scratch.forkbench(&["list", "ipc:*", "--json"]).output();
    let listed = said(&listed.unwrap());
    let cells: Vec<serde_json::Value> = serde_json::from_str(&listed).unwrap();
    assert_eq!(cells.len(), CHANNELS.len() * 4 - 2);
    for cell in &cells {
        assert_eq!(
            cell["phases"],
            serde_json::json!(["open", "setup", "round-trip"])
        );
        assert!(!cell["summary"].as_str().unwrap().is_empty());
    }
    let script = "\"$FORKBENCH\" list --job ipc:futex/64KiB | \"$SUBJECT\"";
    let output = scratch.shell(script).output().unwrap();
    let said = said(&output);
    let count = |word: &str| said.lines().filter(|line| line.contains(word)).count();
    assert_eq!(
        (count("round-trip="), count("setup="), count("done ")),
        (100, 5, 1)
    );
}

#[test]
fn a_run_measures_channels_and_its_page_says_which_to_use() {
    let scratch = Scratch::new();
    let mut words = vec![
        "run",
        "ipc:pipe/1B",
        "ipc:eventfd/1B",
        "ipc:unix/4KiB",
        "fork/0",
    ];
    let two = environment::choose_cpus().is_some();
    if two {
        words.extend(["ipc:pipe/1B@two", "ipc:spin/1B@two"]);
    }
    words.extend(["--trials", "2", "--time", "0.2", "--keep-samples"]);
    let output = scratch.forkbench(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let table = said(&output);
    for words in [
        "1 B there and back",
        "4 KiB there and back",
        "eventfd",
        "setup",
    ] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let cell = scratch.cell("ipc:pipe/1B");
    assert_eq!((cell.status, cell.message), (Status::Ok, Some(1)));
    assert_eq!(cell.placement, Placement::Pinned);
    for trial in &cell.trials {
        assert_eq!(trial.receipt.ballast, 0);
        assert!(trial.receipt.pid > 0 && trial.first.is_empty());
        let count = |phase| trial.phases[&phase].quantiles.count;
        assert!(count(Phase::RoundTrip) >= 20);
        assert_eq!(count(Phase::Open), count(Phase::Setup));
    }
    if two {
        assert_eq!(scratch.cell("ipc:spin/1B@two").placement, Placement::Two);
    }
    let run = scratch.run().unwrap();
    let samples = std::fs::read_to_string(run.join("samples/ipc:pipe~1B-0.csv")).unwrap();
    assert!(samples.starts_with("open,setup,round-trip\n"));
    let page = std::fs::read_to_string(run.join("index.html")).unwrap();
    assert!(page.contains("Which channel, for what size") && page.contains("channels-4KiB"));
    // A channel is no way to start a child, and stands in no ranking of those.
    assert!(page.contains("Mechanisms, ranked"));
    let ranking = page.split("id=\"ranked\"").nth(1).unwrap();
    let ranking = ranking.split("</section>").next().unwrap();
    assert!(!ranking.contains("ipc:"), "{ranking}");
    for format in ["csv", "bencher", "openmetrics", "github"] {
        let words = ["export", "latest", "--format", format];
        let output = scratch.forkbench(&words).output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
        assert!(said(&output).contains("ipc:pipe"), "{format}");
    }
}

#[test]
fn cells_that_cannot_be_are_refused_with_what_can() {
    let scratch = Scratch::new();
    for (cell, why) in [
        ("ipc:spin/1B", "@two"),
        ("fork/0@two", "@two goes with channels"),
        ("ipc:pipe/0", "1B"),
        ("ipc:pip/1B", "did you mean `ipc:pipe`?"),
    ] {
        let output = scratch.forkbench(&["run", cell]).output().unwrap();
        assert_ne!(output.status.code(), Some(0));
        assert!(told(&output).contains(why), "{}", told(&output));
    }
}
