//! What a comparison comes to: the JSON document `forkbench.verdict/1`.

use serde::{Deserialize, Serialize};

use crate::mechanism::Phase;
use crate::recording::{Host, Tool};
use crate::statistics::{Shift, Verdict};

/// The schema this program writes and reads.
pub const VERDICT_SCHEMA: &str = "forkbench.verdict/1";

/// Two sides, compared cell by cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// [`VERDICT_SCHEMA`].
    pub schema: String,
    /// How it was made.
    pub kind: Kind,
    /// When it began, RFC 3339.
    pub started: String,
    /// When it ended; `None` if it was cut off.
    pub finished: Option<String>,
    /// The command that repeats it.
    pub command: String,
    /// What compared.
    pub tool: Tool,
    /// The host of an A/B comparison; `None` for recorded runs, whose sides have their own.
    pub host: Option<Host>,
    /// What orders of pairs were drawn from; `None` for recorded runs.
    pub seed: Option<u64>,
    /// The smallest change that matters, as a ratio less one.
    pub threshold: f64,
    /// With which probability all verdicts hold together.
    pub confidence: f64,
    /// The time for deciding that each cell was given, seconds; `None` where it follows from the cell, and for recorded runs.
    pub budget: Option<f64>,
    /// What the candidate is compared with.
    pub base: Side,
    /// What is judged.
    pub candidate: Side,
    /// In what the two sides differ beside what is compared, in words: hosts, kernels, settings.
    pub differences: Vec<String>,
    /// A judgement for each cell and phase, in the order of measuring.
    pub cells: Vec<CellVerdict>,
}

/// How a comparison was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Both arms in one sitting, in pairs.
    Ab,
    /// From recorded runs, each a sitting of its own.
    Compare,
}

/// One side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// What to call it, as it was given: a command, a cell or a run.
    pub name: String,
    /// The ids of its runs; one for both sides of an A/B comparison.
    pub runs: Vec<String>,
}

/// Which figure stands for a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Statistic {
    /// The tenth percentile of its samples: slower ones are the host's.
    #[default]
    P10,
    /// The median.
    P50,
    /// The ninetieth percentile.
    P90,
}

impl Statistic {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::P10, Self::P50, Self::P90];

    /// The one a word stands for.
    pub fn from_name(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|statistic| statistic.name() == word)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::P10 => "p10",
            Self::P50 => "p50",
            Self::P90 => "p90",
        }
    }

    /// The quantile, 0 to 1.
    pub fn quantile(self) -> f64 {
        match self {
            Self::P10 => 0.10,
            Self::P50 => 0.50,
            Self::P90 => 0.90,
        }
    }
}

/// What is said of one phase of one cell. Effects are ratios less one: 0.05 is 5 % slower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellVerdict {
    /// The cell; `BASE vs CANDIDATE` where the arms are different cells.
    pub id: String,
    /// The phase.
    pub phase: Phase,
    /// What is said.
    pub verdict: Verdict,
    /// Why, where the interval alone does not say it, and what would help.
    pub reason: Option<String>,
    /// The estimate; `None` where nothing was measured.
    pub effect: Option<f64>,
    /// The lower end of its interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// What stands for a trial.
    pub statistic: Statistic,
    /// With which probability this verdict and all others hold together.
    pub confidence: f64,
    /// That of this interval alone: nearer to 1, as all cells and looks share what was asked for.
    pub interval_confidence: f64,
    /// Pairs for deciding; 0 for recorded runs.
    pub pairs: u64,
    /// Which look decided, from 1; 0 for none and for recorded runs.
    pub look: u32,
    /// How long the pairs took, those that confirm included, seconds.
    pub seconds: f64,
    /// Standard deviation of the pairs' log ratios, from their median absolute deviation; of recorded runs that of the effect.
    pub spread: Option<f64>,
    /// About how many pairs would have decided, where it is inconclusive and some number would.
    pub pairs_needed: Option<u64>,
    /// What fresh pairs said of a change.
    pub confirmation: Option<ConfirmationSeen>,
    /// Every look that was made.
    pub looks: Vec<LookSeen>,
    /// The base's figures.
    pub base: Option<SideFigures>,
    /// The candidate's.
    pub candidate: Option<SideFigures>,
}

/// One look at the interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookSeen {
    /// Pairs so far.
    pub pairs: u64,
    /// The estimate.
    pub effect: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl LookSeen {
    /// From log ratios to ratios less one.
    pub fn of(pairs: usize, shift: Shift) -> Self {
        Self {
            pairs: pairs as u64,
            effect: shift.centre.exp_m1(),
            low: shift.low.exp_m1(),
            high: shift.high.exp_m1(),
        }
    }
}

/// Fresh pairs that were to see a change again; the interval is at two-sided 5 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationSeen {
    /// Fresh pairs.
    pub pairs: u64,
    /// The estimate.
    pub effect: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Whether they exclude no change in the same direction.
    pub confirmed: bool,
}

/// One side of a cell, nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SideFigures {
    /// The cell's id on this side.
    pub cell: String,
    /// Trials.
    pub trials: u64,
    /// Sittings they were made in.
    pub sittings: u64,
    /// Samples.
    pub samples: u64,
    /// The median over trials of the statistic; of several sittings the geometric mean of theirs.
    pub value: f64,
    /// Quantiles of all samples; `None` where they are too few.
    pub p50: Option<u64>,
    /// See `p50`.
    pub p90: Option<u64>,
    /// See `p50`.
    pub p99: Option<u64>,
}
