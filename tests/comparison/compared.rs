//! Comparisons as they could have been made, drawn from a seed, and some that nobody makes.

use forkbench::comparison::{
    CellVerdict, Compared, Comparison, ConfirmationSeen, Kind, LookSeen, Side, SideFigures,
    Statistic, VERDICT_SCHEMA,
};
use forkbench::mechanism::Phase;
use forkbench::recording::{Host, Tool};
use forkbench::statistics::{Histogram, Random, Verdict};

/// An A/B comparison without cells.
pub fn empty() -> Comparison {
    let side = |name: &str| Side {
        name: name.to_owned(),
        runs: vec!["2026-03-01T10-00-00Z-shed".to_owned()],
    };
    Comparison {
        schema: VERDICT_SCHEMA.to_owned(),
        kind: Kind::Ab,
        started: "2026-03-01T10:00:00Z".to_owned(),
        finished: Some("2026-03-01T10:04:31Z".to_owned()),
        command: "forkbench ab --a-subject ./old --b-subject ./new 'fork/*' --seed 42".to_owned(),
        tool: Tool {
            version: "0.1.0".to_owned(),
            commit: Some("0123abc".to_owned()),
            driver: "forkbench ab".to_owned(),
        },
        host: Some(Host {
            name: "shed".to_owned(),
            architecture: "x86_64".to_owned(),
            cpu: Some("Example CPU 3000".to_owned()),
            cpus: 2,
            kernel: "6.18.0".to_owned(),
            virtualization: Some("kvm".to_owned()),
            ..Host::default()
        }),
        seed: Some(42),
        threshold: 0.03,
        confidence: 0.99,
        budget: Some(60.0),
        base: side("./old"),
        candidate: side("./new"),
        differences: Vec::new(),
        cells: Vec::new(),
    }
}

/// A judged cell with an effect and half the width of its interval, ratios less one.
pub fn cell(id: &str, verdict: Verdict, effect: f64, half: f64) -> CellVerdict {
    let looks: Vec<LookSeen> = [16u64, 24, 36]
        .into_iter()
        .map(|pairs| {
            let half = half * (36.0 / pairs as f64).sqrt();
            let effect = effect + half * 0.2 * if pairs == 24 { -1.0 } else { 1.0 };
            let effect = if pairs == 36 {
                effect - half * 0.2
            } else {
                effect
            };
            LookSeen {
                pairs,
                effect,
                low: effect - half,
                high: effect + half,
            }
        })
        .collect();
    let changed = matches!(verdict, Verdict::Regressed | Verdict::Improved);
    let side = |scale: f64| SideFigures {
        cell: id.to_owned(),
        trials: 36,
        sittings: 1,
        samples: 1_440,
        value: 1_200_000.0 * scale,
        p50: Some((1_260_000.0 * scale) as u64),
        p90: Some((1_410_000.0 * scale) as u64),
        p99: Some((2_900_000.0 * scale) as u64),
    };
    CellVerdict {
        id: id.to_owned(),
        phase: Phase::Call,
        verdict,
        reason: None,
        effect: Some(effect),
        low: Some(effect - half),
        high: Some(effect + half),
        statistic: Statistic::P10,
        confidence: 0.99,
        interval_confidence: 0.9996,
        pairs: 36,
        look: 3,
        seconds: 9.2,
        spread: Some(half * 2.0),
        pairs_needed: (verdict == Verdict::Inconclusive).then_some(110),
        confirmation: changed.then_some(ConfirmationSeen {
            pairs: 24,
            effect,
            low: effect - half * 0.8,
            high: effect + half * 0.8,
            confirmed: true,
        }),
        looks,
        base: Some(side(1.0)),
        candidate: Some(side(1.0 + effect)),
    }
}

/// One that could not be judged.
pub fn unmeasurable(id: &str) -> CellVerdict {
    CellVerdict {
        verdict: Verdict::NotMeasurable,
        reason: Some(
            "pairs of null/0 differ by 31 %: the clock ticks too seldom; judge a slower cell"
                .to_owned(),
        ),
        effect: None,
        low: None,
        high: None,
        pairs: 4,
        look: 0,
        confirmation: None,
        looks: Vec::new(),
        base: None,
        candidate: None,
        ..cell(id, Verdict::Unchanged, 0.0, 0.0)
    }
}

/// A comparison with every verdict, in no order.
pub fn all_verdicts() -> Comparison {
    let mut comparison = empty();
    let mut unconfirmed = cell("vfork/0", Verdict::Inconclusive, 0.043, 0.01);
    unconfirmed.pairs_needed = None;
    unconfirmed.confirmation = Some(ConfirmationSeen {
        pairs: 48,
        effect: 0.001,
        low: -0.012,
        high: 0.014,
        confirmed: false,
    });
    let mut far = cell(
        "thread/1GiB+shuffled+rewritten+vmas=10000",
        Verdict::Inconclusive,
        0.024,
        0.05,
    );
    far.pairs_needed = Some(240);
    comparison.cells = vec![
        cell("fork/0", Verdict::Unchanged, 0.002, 0.006),
        cell("fork/64MiB", Verdict::Regressed, 0.0514, 0.0044),
        cell("posix_spawn/64MiB", Verdict::Improved, -0.12, 0.02),
        cell("thread/0", Verdict::Inconclusive, 0.02, 0.02),
        far,
        unconfirmed,
        unmeasurable("null/0"),
        cell("fork/1GiB", Verdict::Regressed, 0.31, 0.03),
    ];
    comparison
}

/// With samples drawn for each cell that has figures.
pub fn with_samples(comparison: Comparison, seed: u64) -> Compared {
    let mut random = Random::new(seed);
    let mut draw = |median: f64| {
        let mut histogram = Histogram::new();
        for _ in 0..1_440 {
            let body: f64 = (0..4).map(|_| random.unit() - 0.5).sum::<f64>() * 0.05;
            let tail = if random.unit() < 0.08 {
                0.9 * random.unit()
            } else {
                0.0
            };
            histogram.record((median * (1.0 + body + tail)).max(1.0) as u64);
        }
        histogram
    };
    let samples = comparison
        .cells
        .iter()
        .map(|cell| {
            let (base, candidate) = (cell.base.as_ref()?, cell.candidate.as_ref()?);
            let median = |side: &SideFigures| side.p50.map_or(side.value, |ns| ns as f64);
            Some([draw(median(base)), draw(median(candidate))])
        })
        .collect();
    Compared {
        comparison,
        samples,
    }
}

/// Text that would like to be more.
pub const HOSTILE: &str =
    "</script><b onload=x>&|`[x](y) @you\u{1b}[31m\u{0}\u{202e}\u{ffff}]]>'\"\r\n# h";

/// Figures and text that no honest program writes.
pub fn absurd() -> Comparison {
    let mut comparison = all_verdicts();
    let wild = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e300,
        -1e300,
        -1.0,
        1e-300,
    ];
    let verdicts = Verdict::ALL.into_iter().cycle();
    for (index, verdict) in (0..wild.len() * wild.len()).zip(verdicts) {
        let (a, b) = (wild[index % wild.len()], wild[index / wild.len()]);
        let mut one = cell(HOSTILE, verdict, a, b);
        one.low = Some(b);
        one.high = Some(a);
        one.phase = Phase::ALL[index % 4];
        one.seconds = b;
        one.reason = Some(HOSTILE.repeat(40));
        one.pairs = u64::MAX;
        one.pairs_needed = Some(u64::MAX >> (index % 64));
        one.looks[1].pairs = u64::MAX;
        one.looks[2].pairs = 0;
        if let Some(side) = &mut one.base {
            (side.value, side.p50, side.p90, side.p99) = (a, None, Some(0), Some(u64::MAX));
        }
        comparison.cells.push(one);
    }
    comparison
        .cells
        .push(cell("", Verdict::Regressed, 0.1, 0.01));
    comparison.command = HOSTILE.to_owned();
    comparison.started = HOSTILE.to_owned();
    comparison.finished = None;
    comparison.base.name = HOSTILE.to_owned();
    comparison.candidate.name = String::new();
    comparison.differences = vec![HOSTILE.to_owned(); 60];
    comparison.threshold = f64::NAN;
    comparison.confidence = f64::INFINITY;
    comparison.budget = Some(f64::NEG_INFINITY);
    if let Some(host) = &mut comparison.host {
        host.name = HOSTILE.to_owned();
    }
    comparison
}
