//! The A/B loop with subjects that are made up.

use std::collections::BTreeMap;

use super::*;
use crate::footprint::{Footprint, Receipt};
use crate::harness::cell::Cell;
use crate::protocol::TimedSample;
use crate::recording::{CellLine, Trial, TrialHost, TrialLine};
use crate::statistics::Verdict;

/// What one made-up trial is to be.
type Play = fn(&mut Fake, &Contest, Arm, u32, &[u64]) -> Outcome;

/// Subjects whose calls take what `level` says, give or take `noise`, and a clock that only they move.
struct Fake {
    random: Random,
    clock: Duration,
    each: Duration,
    level: fn(&Contest, Arm, u32) -> f64,
    noise: f64,
    gap: u64,
    play: Play,
    /// Cell, arm and block of each trial, in order.
    made: Vec<(String, Arm, u32)>,
}

impl Fake {
    fn new(level: fn(&Contest, Arm, u32) -> f64, noise: f64) -> Self {
        Self {
            random: Random::new(3),
            clock: Duration::ZERO,
            each: Duration::from_millis(50),
            level,
            noise,
            gap: 0,
            play: |_, contest, arm, block, times| done(contest, arm, block, times, 0),
            made: Vec::new(),
        }
    }
}

fn done(contest: &Contest, arm: Arm, block: u32, times: &[u64], gap: u64) -> Outcome {
    let rows: Vec<TimedSample> = times
        .iter()
        .map(|&time| {
            let mut sample = TimedSample::default();
            sample.set(Phase::Call, time);
            sample.set(Phase::Reap, 2 * time);
            sample
        })
        .collect();
    let trial = Trial {
        arm: arm.name().to_owned(),
        block,
        index: block,
        started: "2026-01-01T00:00:00Z".to_owned(),
        cpu: None,
        receipt: Receipt::default(),
        host: TrialHost {
            wall_ns: times.iter().sum(),
            gap_ns: Some(gap),
            ..TrialHost::default()
        },
        first: BTreeMap::new(),
        requests: None,
        phases: BTreeMap::new(),
    };
    let cell = contest.cell(arm).key(None);
    Outcome::Done(Box::new(TrialLine { cell, trial }), rows)
}

impl Arms for Fake {
    fn trial(&mut self, contest: &Contest, arm: Arm, block: u32, count: Count) -> Outcome {
        self.clock += self.each;
        self.made.push((contest.to_string(), arm, block));
        let level = (self.level)(contest, arm, block) * (self.noise * self.random.normal()).exp();
        let times: Vec<u64> = (0..count.plain)
            .map(|_| (level * (1.0 + 0.2 * self.random.unit())) as u64)
            .collect();
        let gap = self.gap;
        match (self.play)(self, contest, arm, block, &times) {
            Outcome::Done(mut line, rows) => {
                line.trial.host.gap_ns = Some(gap);
                Outcome::Done(line, rows)
            }
            other => other,
        }
    }

    fn elapsed(&self) -> Duration {
        self.clock
    }
}

/// Keeps what it hears.
#[derive(Default)]
struct Ear {
    arms: Vec<String>,
    forecasts: Vec<Forecast>,
    dropped: usize,
}

impl Observer for Ear {
    type Error = String;

    fn ended(&mut self, outcome: &Outcome) -> Result<(), String> {
        match outcome {
            Outcome::Done(line, _) => self.arms.push(line.trial.arm.clone()),
            _ => self.dropped += 1,
        }
        Ok(())
    }

    fn forecast(&mut self, _: &Contest, forecast: &Forecast) {
        self.forecasts.push(*forecast);
    }

    fn paired(&mut self, _: &Live) {}
}

fn contest(footprint: &str) -> Contest {
    let cell = |subject: &str| Cell {
        subject: subject.to_owned(),
        ..Cell::native("fork", footprint.parse().unwrap())
    };
    Contest {
        a: cell("a"),
        b: cell("b"),
    }
}

fn settings() -> Settings {
    Settings {
        phases: vec![Phase::Call],
        statistic: Statistic::P10,
        threshold: 0.03,
        confidence: 0.99,
        budget: None,
        seed: 7,
    }
}

fn compare(fake: &mut Fake, contests: &[Contest], settings: &Settings) -> (Compared, Ear) {
    let mut ear = Ear::default();
    let compared = run(fake, &mut ear, contests, settings).unwrap();
    (compared, ear)
}

fn words(compared: &Compared) -> Vec<Verdict> {
    compared.cells.iter().map(|cell| cell.verdict).collect()
}

const SAME: fn(&Contest, Arm, u32) -> f64 = |_, _, _| 50_000.0;
const SLOWER: fn(&Contest, Arm, u32) -> f64 = |_, arm, _| 50_000.0 * (1.0 + 0.1 * arm as u8 as f64);

#[test]
fn each_cell_gets_its_own_verdict_and_only_as_many_pairs_as_it_takes() {
    let level = |contest: &Contest, arm: Arm, _| match contest.a.footprint.bytes {
        0 => 50_000.0,
        _ => 900_000.0 * (1.0 + 0.1 * arm as u8 as f64),
    };
    let contests = [contest("0"), contest("64MiB")];
    let mut fake = Fake::new(level, 0.01);
    let (compared, ear) = compare(&mut fake, &contests, &settings());
    assert_eq!(words(&compared), [Verdict::Unchanged, Verdict::Regressed]);
    let [same, slower] = &compared.cells[..] else {
        panic!("two cells")
    };
    assert_eq!((same.id.as_str(), same.pairs, same.look), ("fork/0", 16, 1));
    assert_eq!(slower.confirmation.unwrap().pairs, 24);
    assert!((slower.effect.unwrap() - 0.1).abs() < 0.02 && slower.low.unwrap() > 0.03);
    // Base and candidate are not mixed up.
    let figures = slower.base.as_ref().zip(slower.candidate.as_ref()).unwrap();
    assert_eq!(
        (figures.0.cell.as_str(), figures.1.cell.as_str()),
        ("a:fork/64MiB", "b:fork/64MiB")
    );
    assert!(figures.0.value < figures.1.value);
    assert_eq!(figures.0.trials, 40);
    let [base, candidate] = compared.samples[1].as_ref().unwrap();
    assert!(base.at(0.5) < candidate.at(0.5));
    // 6 pilot pairs, then 16 of the one and 40 of the other.
    let of = |name: &str| fake.made.iter().filter(|made| made.0 == name).count();
    assert_eq!((of("fork/0"), of("fork/64MiB")), (2 * 22, 2 * 46));
    assert_eq!(ear.arms.iter().filter(|arm| *arm == "pilot").count(), 24);
}

#[test]
fn every_pair_has_both_arms_the_coin_is_fair_and_the_seed_tosses_it_again() {
    let mut fake = Fake::new(SAME, 0.2);
    let all = Settings {
        threshold: 0.0,
        ..settings()
    };
    compare(&mut fake, &[contest("0")], &all);
    assert_eq!(fake.made.len(), 2 * (6 + 180));
    let mut first_a = 0;
    for pair in fake.made.chunks(2) {
        assert_ne!(pair[0].1, pair[1].1);
        assert_eq!(pair[0].2, pair[1].2);
        first_a += usize::from(pair[0].1 == Arm::A);
    }
    assert!((70..=116).contains(&first_a), "{first_a} of 186");
    let mut again = Fake::new(SAME, 0.2);
    compare(&mut again, &[contest("0")], &all);
    assert_eq!(again.made, fake.made);
    let mut other = Fake::new(SAME, 0.2);
    compare(&mut other, &[contest("0")], &Settings { seed: 8, ..all });
    assert_ne!(other.made, fake.made);
}

#[test]
fn cells_take_turns_and_those_with_shuffled_pages_come_last() {
    let contests = [contest("64MiB+shuffled"), contest("0"), contest("64MiB")];
    let mut fake = Fake::new(SAME, 0.01);
    compare(&mut fake, &contests, &settings());
    let cells: Vec<&str> = fake.made.iter().map(|made| made.0.as_str()).collect();
    let shuffled = cells
        .iter()
        .position(|cell| cell.ends_with("shuffled"))
        .unwrap();
    assert!(
        cells[shuffled..]
            .iter()
            .all(|cell| cell.ends_with("shuffled"))
    );
    // In every four trials before, both cells have their pair.
    for round in cells[..shuffled].chunks(4) {
        assert_eq!(round.iter().filter(|cell| **cell == "fork/0").count(), 2);
    }
}

#[test]
fn a_budget_fixes_the_looks_and_one_too_small_is_told_before_any_pair() {
    // A pair takes 100 ms: 3 s hold 30, which is the look at 24.
    let mut fake = Fake::new(SAME, 0.2);
    let three = Some(Duration::from_secs(3));
    let (compared, ear) = compare(
        &mut fake,
        &[contest("0")],
        &Settings {
            budget: three,
            ..settings()
        },
    );
    assert_eq!((ear.forecasts[0].pairs, compared.cells[0].pairs), (30, 24));
    assert_eq!(words(&compared), [Verdict::Inconclusive]);
    assert!(compared.cells[0].pairs_needed.unwrap() > 24);
    assert!(ear.forecasts[0].is_doubtful());
    let mut fake = Fake::new(SAME, 0.01);
    let one = Some(Duration::from_secs(1));
    let (compared, _) = compare(
        &mut fake,
        &[contest("0")],
        &Settings {
            budget: one,
            ..settings()
        },
    );
    assert_eq!(
        (words(&compared), fake.made.len()),
        (vec![Verdict::Inconclusive], 12)
    );
    assert!(
        compared.cells[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("--budget 2s")
    );
    // By default a cell gets 36 pairs, however long they take.
    let mut fake = Fake::new(SAME, 0.01);
    fake.each = Duration::from_secs(10);
    let (_, ear) = compare(&mut fake, &[contest("0")], &settings());
    assert_eq!(
        (ear.forecasts[0].pairs, ear.forecasts[0].budget),
        (36, Duration::from_secs(720))
    );
}

#[test]
fn a_host_that_slows_down_meanwhile_does_not_hold_us_for_ever() {
    let mut fake = Fake::new(SAME, 0.2);
    fake.play = |fake, contest, arm, block, times| {
        fake.clock += Duration::from_secs(u64::from(block > 8) * 10);
        done(contest, arm, block, times, 0)
    };
    let (compared, _) = compare(&mut fake, &[contest("0")], &settings());
    assert_eq!(words(&compared), [Verdict::Inconclusive]);
    assert!(
        compared.cells[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("slower than it was")
    );
    assert!(fake.made.len() < 60);
}

#[test]
fn phases_are_judged_apart_on_the_same_pairs() {
    // `reap` is twice `call` here, so both regress, and share the confidence.
    let both = Settings {
        phases: vec![Phase::Call, Phase::Reap],
        ..settings()
    };
    let (compared, _) = compare(&mut Fake::new(SLOWER, 0.01), &[contest("0")], &both);
    assert_eq!(words(&compared), [Verdict::Regressed; 2]);
    assert_eq!(compared.cells[1].phase, Phase::Reap);
    let alone = compare(&mut Fake::new(SLOWER, 0.01), &[contest("0")], &settings()).0;
    assert!(compared.cells[0].interval_confidence > alone.cells[0].interval_confidence);
    let missing = Settings {
        phases: vec![Phase::Exec],
        ..settings()
    };
    let (compared, _) = compare(&mut Fake::new(SAME, 0.01), &[contest("0")], &missing);
    assert_eq!(words(&compared), [Verdict::NotMeasurable]);
    assert!(
        compared.cells[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("no `exec`")
    );
}

#[test]
fn where_no_phase_is_named_each_cell_is_judged_by_its_own() {
    let usual = Settings {
        phases: Vec::new(),
        ..settings()
    };
    let writes = Contest {
        a: "cow-parent/1MiB".parse().unwrap(),
        b: "cow-parent/1MiB".parse().unwrap(),
    };
    let (compared, _) = compare(&mut Fake::new(SAME, 0.01), &[contest("0"), writes], &usual);
    let phases: Vec<Phase> = compared.cells.iter().map(|cell| cell.phase).collect();
    assert_eq!(phases, [Phase::Call, Phase::SecondPass]);
    // The fake's trials are children's.
    let reason = compared.cells[1].reason.clone().unwrap();
    assert!(reason.contains("no `second-pass`"), "{reason}");
}

#[test]
fn a_cell_that_fails_is_not_measurable_and_the_others_go_on() {
    let mut fake = Fake::new(SAME, 0.01);
    fake.play = |_, contest, arm, block, times| {
        if contest.a.footprint == Footprint::of(0) && block == 9 && arm == Arm::B {
            return Outcome::Dropped(Box::new(CellLine {
                cell: contest.b.key(None),
                status: Status::Failed,
                reason: "the subject died".to_owned(),
            }));
        }
        done(contest, arm, block, times, 0)
    };
    let (compared, ear) = compare(&mut fake, &[contest("0"), contest("64MiB")], &settings());
    assert_eq!(
        words(&compared),
        [Verdict::NotMeasurable, Verdict::Unchanged]
    );
    let reason = compared.cells[0].reason.as_ref().unwrap();
    assert!(
        reason.contains("b:fork/0 was failed: the subject died")
            || reason.contains("failed: the subject died")
    );
    assert_eq!(ear.dropped, 1);
    assert!(!compared.interrupted);
}

#[test]
fn a_cell_that_fails_in_its_pilot_pairs_leaves_the_others_theirs() {
    let mut fake = Fake::new(SAME, 0.01);
    fake.play = |_, contest, arm, block, times| {
        if contest.a.footprint == Footprint::of(0) && block == 0 {
            return Outcome::Dropped(Box::new(CellLine {
                cell: contest.cell(arm).key(None),
                status: Status::Failed,
                reason: "the subject died".to_owned(),
            }));
        }
        done(contest, arm, block, times, 0)
    };
    let (compared, ear) = compare(&mut fake, &[contest("0"), contest("64MiB")], &settings());
    assert_eq!(
        words(&compared),
        [Verdict::NotMeasurable, Verdict::Unchanged]
    );
    assert_eq!((ear.dropped, compared.cells[1].pairs), (1, 16));
}

#[test]
fn what_is_stopped_says_so_and_keeps_what_it_had() {
    let mut fake = Fake::new(SAME, 0.01);
    fake.play = |_, contest, arm, block, times| match block {
        12 => Outcome::Interrupted,
        _ => done(contest, arm, block, times, 0),
    };
    let (compared, _) = compare(&mut fake, &[contest("0")], &settings());
    assert!(compared.interrupted);
    assert_eq!(words(&compared), [Verdict::Inconclusive]);
    assert!(
        compared.cells[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("stopped after 6 pairs")
    );
}

#[test]
fn what_cannot_be_measured_is_not_called_unchanged() {
    let zero: fn(&Contest, Arm, u32) -> f64 = |_, _, _| 0.0;
    let (compared, _) = compare(&mut Fake::new(zero, 0.0), &[contest("0")], &settings());
    assert_eq!(words(&compared), [Verdict::NotMeasurable]);
    assert!(compared.cells[0].reason.as_ref().unwrap().contains("0 ns"));
    let mut equal = Fake::new(SAME, 0.0);
    equal.play =
        |_, contest, arm, block, times| done(contest, arm, block, &vec![500; times.len()], 0);
    let (compared, _) = compare(&mut equal, &[contest("0")], &settings());
    assert_eq!(words(&compared), [Verdict::NotMeasurable]);
    let mut robbed = Fake::new(SAME, 0.01);
    robbed.gap = 90_000_000;
    let (compared, _) = compare(&mut robbed, &[contest("0")], &settings());
    assert_eq!(words(&compared), [Verdict::NotMeasurable]);
    assert!(compared.cells[0].reason.as_ref().unwrap().contains("quota"));
    let (compared, _) = compare(&mut Fake::new(SAME, 1.5), &[contest("0")], &settings());
    assert_eq!(words(&compared), [Verdict::NotMeasurable]);
    assert!(
        compared.cells[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("spread by")
    );
}

#[test]
fn a_trial_that_cannot_be_kept_ends_everything() {
    struct Full;
    impl Observer for Full {
        type Error = &'static str;
        fn ended(&mut self, _: &Outcome) -> Result<(), &'static str> {
            Err("disk full")
        }
        fn forecast(&mut self, _: &Contest, _: &Forecast) {}
        fn paired(&mut self, _: &Live) {}
    }
    let mut fake = Fake::new(SAME, 0.01);
    let ended = run(&mut fake, &mut Full, &[contest("0")], &settings());
    assert_eq!(ended.unwrap_err(), "disk full");
    assert_eq!(fake.made.len(), 1);
}

#[test]
fn the_power_of_a_host_follows_from_the_spread_of_its_pairs() {
    use crate::harness::power;
    let minute = Duration::from_secs(60);
    let quiet: Vec<_> = power::examine(&mut Fake::new(SAME, 0.005), minute, 5);
    let noisy: Vec<_> = power::examine(&mut Fake::new(SAME, 0.05), minute, 5);
    assert_eq!(quiet.len(), 4);
    for (quiet, noisy) in quiet.iter().zip(&noisy) {
        let (quiet, noisy) = (quiet.as_ref().unwrap(), noisy.as_ref().unwrap());
        assert_eq!(quiet.pairs, 180);
        // Trials differ by that much and by what their few samples add, pairs by the root of two times that.
        assert!((0.007..0.016).contains(&quiet.spread), "{}", quiet.spread);
        let times = noisy.smallest_change / quiet.smallest_change;
        assert!((4.0..10.0).contains(&times), "{times}");
        assert!(quiet.unchanged_pairs < 30);
        assert!(noisy.unchanged_pairs > 80);
        assert!((quiet.pair_seconds - 0.1).abs() < 1e-9);
    }
    let zero: fn(&Contest, Arm, u32) -> f64 = |_, _, _| 0.0;
    let blind = power::examine(&mut Fake::new(zero, 0.0), minute, 5);
    assert!(blind.iter().all(|cell| cell.is_err()));
}
