//! Every mechanism is held to its claim in the subject that ships, traced, and to every other's.

use std::process::Command;
use std::time::Duration;

use forkbench::harness::image;
use forkbench::harness::tracing::{TraceError, Traced, trace, verify};
use forkbench::mechanism::{MECHANISMS, Mechanism, Work};
use forkbench::protocol::{Count, Order, VERSION};

fn see(mechanism: &Mechanism) -> Result<Traced, TraceError> {
    let count = Count {
        plain: 1,
        ..Count::default()
    };
    let orders = [
        Order::Hello { version: VERSION },
        Order::Exec(image::own().expect("an image to execute")),
        Order::Hold(mechanism.smallest()),
        Order::Time {
            mechanism: mechanism.name.to_owned(),
            exchange: None,
            count,
        },
        Order::End,
    ];
    let job: String = orders.iter().map(|order| order.to_line() + "\n").collect();
    let mut subject = Command::new(env!("CARGO_BIN_EXE_forkbench-subject"));
    trace(&mut subject, &job, Duration::from_secs(60))
}

/// Two ways to the same system call: no tracer can tell them apart.
const TWINS: [[&str; 2]; 3] = [
    ["posix_spawn", "command"],
    ["pthread", "thread"],
    ["cow-parent", "cow-child"],
];

fn same(left: &Mechanism, right: &Mechanism) -> bool {
    left.name == right.name
        || TWINS
            .iter()
            .any(|pair| pair.contains(&left.name) && pair.contains(&right.name))
}

#[test]
fn a_claim_holds_for_its_own_mechanism_and_for_no_other() {
    for seen in MECHANISMS {
        let traced = match see(seen) {
            Err(error @ TraceError::Denied { .. }) => {
                eprintln!("unverified: {error}");
                return;
            }
            result => result.expect("a trace"),
        };
        if let Some(reason) = traced.refusal() {
            assert_eq!(seen.name, "clone3", "{reason}");
            eprintln!("unverified: {reason}");
            continue;
        }
        let expected = match seen.work {
            // One for each pass after a fork.
            Work::Writes(_) => 3,
            Work::Child(_) if seen.name == "null" => 0,
            // The first iteration and a plain one.
            Work::Child(_) => 2,
        };
        assert_eq!(traced.children.len(), expected, "{}: {traced:?}", seen.name);
        for claimed in MECHANISMS {
            let result = verify(&claimed.claim, &traced);
            let case = format!("{} held to the claim of {}", seen.name, claimed.name);
            assert_eq!(result.is_ok(), same(seen, claimed), "{case}: {result:?}");
        }
    }
}
