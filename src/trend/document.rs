//! What a history comes to: the JSON document `forkbench.history/1`.

use serde::{Deserialize, Serialize};

use crate::comparison::Statistic;
use crate::mechanism::Phase;
use crate::recording::Tool;
use crate::statistics::Verdict;

/// The schema this program writes.
pub const HISTORY_SCHEMA: &str = "forkbench.history/1";

/// The id of what all cells have in common. No cell is named so: theirs have a `/`.
pub const COMMON: &str = "*";

/// The levels of cells over time. Effects are ratios less one: 0.05 is 5 % slower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// [`HISTORY_SCHEMA`].
    pub schema: String,
    /// When it was made, RFC 3339.
    pub made: String,
    /// The command that repeats it.
    pub command: String,
    /// What judged.
    pub tool: Tool,
    /// What stands for a trial.
    pub statistic: Statistic,
    /// The smallest change that makes a verdict.
    pub threshold: f64,
    /// So many consecutive runs confirm a change.
    pub confirmation: usize,
    /// A drift no faster than this, from one run to the next, is no change.
    pub drift: f64,
    /// With which probability the interval of a change holds its effect.
    pub interval_confidence: f64,
    /// Each host, and each branch of it, apart.
    pub hosts: Vec<HostHistory>,
}

/// What is said of one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostHistory {
    /// What tells it from others.
    pub host: String,
    /// Its name.
    pub name: String,
    /// Of which branch the runs are; `None` where none is known of them.
    pub branch: Option<String>,
    /// How many runs were looked at.
    pub count: usize,
    /// The newest of them.
    pub newest: Option<RunSeen>,
    /// The runs, in the order of time; only where figures stand in the document too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunSeen>,
    /// What all cells have in common, where it can be told, then the cells.
    pub cells: Vec<CellHistory>,
}

/// A run as a history names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSeen {
    /// Its id.
    pub id: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// The same in seconds since 1970.
    #[serde(skip)]
    pub seconds: i64,
    /// The commit of what was measured.
    pub commit: Option<String>,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The run's directory when it was added. It may be gone.
    pub path: Option<String>,
}

/// What is said of one phase of a cell on one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellHistory {
    /// The cell; [`COMMON`] for what all have in common.
    pub id: String,
    /// The phase; `None` for what has none.
    pub phase: Option<Phase>,
    /// What is said of the newest level.
    pub verdict: Verdict,
    /// Why, where the verdict alone does not say it.
    pub reason: Option<String>,
    /// Runs with figures.
    pub count: usize,
    /// Whether what the sittings did to all cells was taken out.
    pub normalised: bool,
    /// The median of the newest level in nanoseconds, as it was measured; `None` for [`COMMON`].
    pub level: Option<f64>,
    /// Changes that are confirmed, in the order of time.
    pub changes: Vec<ChangeSeen>,
    /// What the newest runs say that are too few to confirm it.
    pub pending: Option<PendingSeen>,
    /// What was measured; only where it was asked for. For [`COMMON`] relative to its first value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Seen>,
}

/// A confirmed change of level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeSeen {
    /// The last run at the old level.
    pub before: RunSeen,
    /// The first at the new one.
    pub after: RunSeen,
    /// Which of the host's runs `after` is, counted from 0.
    pub run: usize,
    /// The new level over the old, less one, what the sittings did taken out.
    pub effect: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The same ratio of what was measured, without anything taken out; `None` for [`COMMON`].
    pub measured: Option<f64>,
    /// With which confidence there is a change at all, 0 to 0.999.
    pub confidence: f64,
    /// Runs at the new level that speak for it.
    pub runs: usize,
    /// Kernels before and after, where they are not the same.
    pub kernels: Option<[String; 2]>,
    /// Cells of the host, with this one, that changed in the same direction in the same run.
    pub together: usize,
}

/// A change that is not confirmed yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingSeen {
    /// The first run that shows it.
    pub after: RunSeen,
    /// Runs that show it.
    pub runs: usize,
    /// How far they lie from the level, as a ratio less one.
    pub effect: f64,
}

/// What one run says. Times are nanoseconds; of [`COMMON`] they are thousandths of the first run's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Which of the host's runs, counted from 0.
    pub run: usize,
    /// Median over trials of their p10.
    pub p10: u64,
    /// The least p10 of a trial.
    pub low: u64,
    /// The greatest p10 of a trial.
    pub high: u64,
    /// `p10` if every sitting had been like the newest: what they did to all cells taken out. `None` where it is not
    /// known.
    pub adjusted: Option<u64>,
    /// Trials.
    pub trials: u32,
}

impl CellHistory {
    /// Whether it is what all cells have in common.
    pub fn is_common(&self) -> bool {
        self.id == COMMON
    }
}
