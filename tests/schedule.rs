//! The order in which trials are made, and what becomes of the rest when one fails.

use std::collections::BTreeSet;
use std::convert::Infallible;

use forkbench::footprint::{Order, Receipt};
use forkbench::harness::cell::Cell;
use forkbench::harness::runner::{Executor, Observer, Outcome, Tally, run};
use forkbench::harness::schedule::{Slot, schedule};
use forkbench::recording::{CellLine, Status, Trial, TrialHost, TrialLine};

/// Makes no trial, and does to each what it is told.
struct Mock<'a> {
    made: Vec<(String, Slot)>,
    fate: &'a dyn Fn(&str, usize) -> Fate,
}

enum Fate {
    Measured,
    Dropped(Status),
    Stopped,
}

impl Executor for Mock<'_> {
    fn trial(&mut self, cell: &Cell, slot: Slot) -> Outcome {
        let id = cell.to_string();
        let fate = (self.fate)(&id, self.made.len());
        self.made.push((id, slot));
        match fate {
            Fate::Measured => Outcome::Done(Box::new(trial(cell, slot)), Vec::new()),
            Fate::Dropped(status) => Outcome::Dropped(Box::new(CellLine {
                cell: cell.key(None),
                status,
                reason: "told to".to_owned(),
            })),
            Fate::Stopped => Outcome::Interrupted,
        }
    }
}

fn trial(cell: &Cell, slot: Slot) -> TrialLine {
    TrialLine {
        cell: cell.key(None),
        trial: Trial {
            arm: String::new(),
            block: slot.block,
            index: slot.index,
            started: String::new(),
            cpu: None,
            receipt: Receipt::default(),
            host: TrialHost::default(),
            first: Default::default(),
            requests: None,
            phases: Default::default(),
        },
    }
}

/// Hears everything, and can refuse a trial.
#[derive(Default)]
struct Ears {
    begun: usize,
    ended: usize,
}

impl Observer for Ears {
    type Error = Infallible;

    fn begins(&mut self, _: &Cell, done: usize, total: usize) {
        assert!(done < total);
        assert_eq!(
            self.begun, self.ended,
            "one begins before the last has ended"
        );
        self.begun += 1;
    }

    fn ended(&mut self, _: &Cell, _: &Outcome) -> Result<(), Infallible> {
        self.ended += 1;
        Ok(())
    }
}

fn cells() -> Vec<Cell> {
    [
        "fork/0",
        "vfork/0",
        "fork/1MiB+shuffled",
        "null/0",
        "thread/0",
        "fork/2MiB+shuffled",
    ]
    .map(|id| id.parse().unwrap())
    .to_vec()
}

fn made(
    seed: u64,
    trials: u32,
    fate: &dyn Fn(&str, usize) -> Fate,
) -> (Vec<(String, Slot)>, Tally) {
    let cells = cells();
    let slots = schedule(&cells, trials, seed);
    let mut mock = Mock {
        made: Vec::new(),
        fate,
    };
    let mut ears = Ears::default();
    let tally = run(&mut mock, &mut ears, &cells, &slots).unwrap();
    assert_eq!(ears.ended, mock.made.len());
    (mock.made, tally)
}

#[test]
fn each_block_holds_each_cell_once_and_shuffled_cells_come_last() {
    let (made, tally) = made(7, 9, &|_, _| Fate::Measured);
    assert_eq!(made.len(), 9 * 6);
    assert_eq!(
        tally,
        Tally {
            trials: 54,
            ..Tally::default()
        }
    );
    let blocks: BTreeSet<u32> = made.iter().map(|(_, slot)| slot.block).collect();
    for block in blocks {
        let ids: Vec<&String> = made
            .iter()
            .filter(|(_, slot)| slot.block == block)
            .map(|(id, _)| id)
            .collect();
        let shuffled = ids[0].contains("shuffled");
        assert_eq!(ids.len(), if shuffled { 2 } else { 4 }, "{ids:?}");
        assert_eq!(
            ids.iter().collect::<BTreeSet<_>>().len(),
            ids.len(),
            "{ids:?}"
        );
        assert!(
            ids.iter().all(|id| id.contains("shuffled") == shuffled),
            "{ids:?}"
        );
    }
    let first = made
        .iter()
        .position(|(id, _)| id.contains("shuffled"))
        .unwrap();
    assert!(made[first..].iter().all(|(id, _)| id.contains("shuffled")));
    // Every trial of a cell has an index of its own.
    let indices: BTreeSet<(&String, u32)> =
        made.iter().map(|(id, slot)| (id, slot.index)).collect();
    assert_eq!(indices.len(), made.len());
}

#[test]
fn the_order_differs_between_blocks() {
    let (made, _) = made(7, 9, &|_, _| Fate::Measured);
    let orders: BTreeSet<Vec<&String>> = made[..9 * 4]
        .chunks(4)
        .map(|block| block.iter().map(|(id, _)| id).collect())
        .collect();
    assert!(orders.len() > 3, "{orders:?}");
}

#[test]
fn a_failed_cell_is_left_out_and_the_others_go_on() {
    let (made, tally) = made(3, 5, &|id, _| match id {
        "vfork/0" => Fate::Dropped(Status::Failed),
        "null/0" => Fate::Dropped(Status::Skipped),
        _ => Fate::Measured,
    });
    let times = |cell: &str| made.iter().filter(|(id, _)| id == cell).count();
    assert_eq!((times("vfork/0"), times("null/0")), (1, 1));
    assert_eq!(
        (
            times("fork/0"),
            times("thread/0"),
            times("fork/1MiB+shuffled")
        ),
        (5, 5, 5)
    );
    assert_eq!(
        tally,
        Tally {
            trials: 20,
            skipped: 1,
            failed: 1,
            interrupted: false
        }
    );
}

#[test]
fn a_cell_that_fails_late_keeps_its_earlier_trials() {
    let (made, tally) = made(3, 5, &|id, nth| match (id, nth) {
        ("fork/0", 10..) => Fate::Dropped(Status::Failed),
        _ => Fate::Measured,
    });
    let times = made.iter().filter(|(id, _)| id == "fork/0").count();
    assert!((2..5).contains(&times), "{times}");
    assert_eq!((tally.failed, tally.trials), (1, made.len() - 1));
}

#[test]
fn an_interruption_stops_at_once() {
    for stop in [0, 1, 17] {
        let (made, tally) = made(3, 5, &|_, nth| {
            if nth == stop {
                Fate::Stopped
            } else {
                Fate::Measured
            }
        });
        assert_eq!(made.len(), stop + 1);
        assert_eq!(
            tally,
            Tally {
                trials: stop,
                interrupted: true,
                ..Tally::default()
            }
        );
    }
}

#[test]
fn the_seed_repeats_the_order() {
    let order = |seed| made(seed, 5, &|_, _| Fate::Measured).0;
    assert_eq!(order(11), order(11));
    assert_ne!(order(11), order(12));
    // A cell that falls out changes nothing for the others.
    let without = |made: Vec<(String, Slot)>| -> Vec<(String, Slot)> {
        made.into_iter().filter(|(id, _)| id != "null/0").collect()
    };
    let dropped = made(11, 5, &|id, _| match id {
        "null/0" => Fate::Dropped(Status::Failed),
        _ => Fate::Measured,
    });
    assert_eq!(without(dropped.0), without(order(11)));
    assert!(
        cells()
            .iter()
            .any(|cell| cell.footprint.order == Order::Shuffled)
    );
}

#[test]
fn a_run_ends_when_a_trial_cannot_be_kept() {
    struct Full(usize);
    impl Observer for Full {
        type Error = &'static str;
        fn begins(&mut self, _: &Cell, _: usize, _: usize) {}
        fn ended(&mut self, _: &Cell, _: &Outcome) -> Result<(), &'static str> {
            self.0 += 1;
            if self.0 == 4 { Err("full") } else { Ok(()) }
        }
    }
    let cells = cells();
    let slots = schedule(&cells, 3, 1);
    let mut mock = Mock {
        made: Vec::new(),
        fate: &|_, _| Fate::Measured,
    };
    assert_eq!(run(&mut mock, &mut Full(0), &cells, &slots), Err("full"));
    assert_eq!(mock.made.len(), 4);
}
