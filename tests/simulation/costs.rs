//! Costs fitted to runs in which they are known.

use forkbench::footprint::State::{Hot, Rewritten};
use forkbench::mechanism::Phase::{Call, Reap};
use forkbench::model::{Fit, FitError, Part, Shape};
use forkbench::recording::{Placement, Run, Status};

use super::parents::{PARENTS, TRUTH, run, shape, sum};
use super::share;

/// Parents that are in no fit: other sizes, and parts together.
const HELD_OUT: [&str; 5] = [
    "512MiB+rewritten+vmas=1000",
    "128MiB+shuffled+rewritten+fds=5000",
    "256MiB+thp+rewritten+threads=16",
    "4GiB+shuffled+window=64+rewritten+busy=1",
    "96MiB+rewritten+vmas=200+threads=4+fds=300",
];

fn made(parents: &[&str], trials: u32, noise: f64, seed: u64) -> Run {
    run(parents, trials, noise, seed, |_, shape| sum(shape))
}

fn fit(run: &Run) -> Fit {
    Fit::of(run, Call, Rewritten).unwrap()
}

#[test]
fn costs_come_back_exactly_where_there_is_no_noise() {
    let fit = fit(&made(&PARENTS, 3, 0.0, 1));
    assert!(fit.unknown().is_empty(), "{:?}", fit.unknown());
    for (part, truth) in TRUTH {
        let cost = fit.cost(part).unwrap();
        // Trials are whole nanoseconds.
        assert!((cost.ns / truth - 1.0).abs() < 1e-3, "{cost:?}");
    }
    assert!(fit.largest_residual() < 1e-3 && fit.is_good());
    let once = [
        Part::PageMid,
        Part::VmaDontfork,
        Part::Fd,
        Part::Thread,
        Part::Busy,
    ];
    assert_eq!(fit.told_once(), once);
    for name in HELD_OUT {
        let parts: f64 = fit.parts(&shape(name)).iter().map(|(_, ns)| ns).sum();
        assert!((parts / sum(&shape(name)) - 1.0).abs() < 1e-3, "{name}");
        assert!((fit.ns(&shape(name)).unwrap() / parts - 1.0).abs() < 1e-9);
    }
}

#[test]
fn parents_that_were_not_measured_are_predicted() {
    for seed in 0..40 {
        let fit = fit(&made(&PARENTS, 7, 0.02, seed));
        assert!(fit.is_good(), "{seed}: {:?}", fit.worst());
        for name in HELD_OUT {
            let ratio = fit.ns(&shape(name)).unwrap() / sum(&shape(name));
            assert!((ratio - 1.0).abs() < 0.15, "{seed} {name}: {ratio}");
        }
    }
}

/// Shares of made-up runs in which the costs' intervals, and those of held-out parents, hold the truth.
fn coverage(trials: u32, noise: f64, rounds: u64) -> (f64, f64) {
    let fits: Vec<Fit> = (0..rounds)
        .map(|seed| fit(&made(&PARENTS, trials, noise, seed)))
        .collect();
    let costs = TRUTH.map(|(part, truth)| {
        share(rounds, |round| {
            let cost = fits[round as usize].cost(part).unwrap();
            cost.low <= truth && truth <= cost.high
        })
    });
    let parents = HELD_OUT.map(|name| {
        share(rounds, |round| {
            let [low, high] = fits[round as usize].interval(&shape(name)).unwrap();
            (low..=high).contains(&sum(&shape(name)))
        })
    });
    let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len() as f64;
    println!("{trials} trials, {noise}: {costs:?} {parents:?}");
    (mean(&costs), mean(&parents))
}

#[test]
fn intervals_hold_the_truth_about_as_often_as_they_say() {
    for trials in [3, 7] {
        let (costs, parents) = coverage(trials, 0.02, 40);
        assert!((0.87..=0.99).contains(&costs), "{trials}: {costs}");
        assert!((0.80..=0.99).contains(&parents), "{trials}: {parents}");
    }
    // They are not so wide as to hold anything: a page in order is told from one that is not.
    let fit = fit(&made(&PARENTS, 7, 0.02, 1));
    let near = fit.cost(Part::PageNear).unwrap();
    let far = fit.cost(Part::PageFar).unwrap();
    assert!(near.high < 100.0 && far.low > 115.0, "{near:?} {far:?}");
}

#[test]
fn what_does_not_add_up_is_said() {
    let quadratic = |_: &str, shape: &Shape| {
        let vmas = shape.count(Part::Vma);
        sum(shape) + 1_100.0 * vmas * vmas / 1_000.0
    };
    let bent = fit(&run(&PARENTS, 7, 0.01, 3, quadratic));
    assert!(!bent.is_good());
    assert!(bent.worst().unwrap().id.contains("vmas="), "{bent:?}");

    for off in ["256MiB+rewritten", "1GiB+thp+rewritten", "0+vmas=500"] {
        let one_off = |name: &str, shape: &Shape| match name == off {
            true => 1.5 * sum(shape),
            false => sum(shape),
        };
        let fit = fit(&run(&PARENTS, 7, 0.01, 3, one_off));
        assert!(!fit.is_good(), "{off}: {:?}", fit.worst());
    }
}

#[test]
fn parts_that_no_cell_tells_are_unknown_and_so_is_what_has_them() {
    let few = ["0", "64MiB+rewritten", "1GiB+rewritten", "1GiB+shared"];
    let fit = fit(&made(&few, 3, 0.01, 5));
    assert_eq!(
        fit.costs.iter().map(|cost| cost.part).collect::<Vec<_>>(),
        [Part::Bare, Part::PageNear]
    );
    // The bare call is measured with its own 27 VMAs and 5 descriptors, and their cost is in it.
    let bare = fit.ns(&shape("0")).unwrap();
    assert!((bare / sum(&shape("0")) - 1.0).abs() < 0.05, "{bare}");
    for name in [
        "64MiB+shuffled+rewritten",
        "64MiB+thp+rewritten",
        "64MiB+rewritten+vmas=100",
        "64MiB+rewritten+fds=100",
        "64MiB+rewritten+threads=1",
        "64MiB+rewritten+busy=1",
    ] {
        assert_eq!(fit.ns(&shape(name)), None, "{name}");
        assert_eq!(fit.interval(&shape(name)), None, "{name}");
        assert!(fit.parts(&shape(name)).is_empty(), "{name}");
    }
    assert!(fit.ns(&shape("512MiB+rewritten")).is_some());
    // A tenth of the pages may lie elsewhere: one page in ten at half as much again is 5 %.
    let mixed = Shape::bare().with_base_pages(100_000.0, 0.92, 0.97);
    assert!(fit.ns(&mixed).is_some());
    assert_eq!(fit.ns(&Shape::bare().with_base_pages(1e5, 0.8, 0.8)), None);
}

#[test]
fn parts_that_only_come_together_are_not_told_apart() {
    // Every thread comes with a VMA of the footprint's, and no cell has one without the other.
    let names = ["0", "256MiB+rewritten", "0+vmas=1000+threads=10"];
    let fit = fit(&made(&names, 3, 0.01, 5));
    assert!(fit.unknown().contains(&Part::Thread));
    let low = fit.ns(&shape("0")).unwrap();
    assert!((low / sum(&shape("0")) - 1.0).abs() < 0.05, "{low}");
}

#[test]
fn other_states_programs_and_places_are_not_looked_at() {
    let mut run = made(&PARENTS, 3, 0.01, 5);
    let expected = fit(&run);
    let stray = |change: &dyn Fn(&mut forkbench::recording::Cell)| {
        let mut cell = made(&["1GiB+rewritten"], 3, 0.01, 9).cells.remove(0);
        for trial in &mut cell.trials {
            let measured = trial.phases.get_mut(&Call).unwrap();
            measured.quantiles.p50 = measured.quantiles.p50.map(|ns| 3 * ns);
        }
        change(&mut cell);
        cell
    };
    run.cells.extend([
        stray(&|cell| cell.subject = "static".to_owned()),
        stray(&|cell| cell.mechanism = "fork_exec".to_owned()),
        stray(&|cell| cell.placement = Placement::Free),
        stray(&|cell| cell.status = Status::Failed),
        stray(&|cell| cell.footprint.state = Hot),
        stray(&|cell| {
            cell.trials
                .iter_mut()
                .for_each(|trial| trial.arm = "b".to_owned())
        }),
    ]);
    assert_eq!(fit(&run), expected);
}

#[test]
fn what_is_missing_is_named() {
    let error = |names: &[&str]| Fit::of(&made(names, 3, 0.01, 1), Call, Rewritten).unwrap_err();
    assert!(matches!(error(&[]), FitError::NoCells { .. }));
    assert_eq!(
        error(&["64MiB+rewritten", "1GiB+rewritten"]),
        FitError::Bare
    );
    let pages = error(&["0", "0+vmas=2000"]);
    assert_eq!(pages, FitError::Pages { state: Rewritten });
    assert!(pages.to_string().contains("fork/1GiB+rewritten"), "{pages}");
    let run = made(&PARENTS, 3, 0.01, 1);
    assert!(matches!(
        Fit::of(&run, Reap, Rewritten),
        Err(FitError::NoCells { .. })
    ));
    assert_eq!(
        Fit::of(&run, Call, Hot),
        Err(FitError::Pages { state: Hot })
    );
}

#[test]
fn runs_from_strangers_do_no_harm() {
    let sound = made(&PARENTS, 3, 0.01, 1);
    for value in [0, 1, u64::MAX] {
        for round in 0..PARENTS.len() {
            let mut run = sound.clone();
            for trial in &mut run.cells[round].trials {
                trial.phases.get_mut(&Call).unwrap().quantiles.p50 = Some(value);
            }
            let _ = Fit::of(&run, Call, Rewritten);
            let mut run = sound.clone();
            for trial in &mut run.cells[round].trials {
                trial.receipt.vmas = Some(value);
                trial.receipt.vmas_added = Some(value);
                trial.receipt.fds = Some(value);
                trial.receipt.thp = Some(value);
                trial.receipt.within_8 = Some(f64::NAN);
                trial.receipt.within_512 = Some(-1e300);
            }
            if let Ok(fit) = Fit::of(&run, Call, Rewritten) {
                assert!(fit.costs.iter().all(|cost| cost.ns.is_finite()), "{fit:?}");
            }
        }
    }
}
