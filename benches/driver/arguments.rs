//! What of Criterion's command line matters to us. Criterion itself reads all of it.

use std::time::Duration;

/// Criterion's warm-up for a cell, unless the command line says otherwise.
const WARM_UP: Duration = Duration::from_millis(300);

/// The parts of the command line that change what we do.
pub struct Arguments {
    /// Warm-up of each cell.
    pub warm_up: Duration,
    /// Criterion's samples per cell.
    pub samples: usize,
    /// `--quick`: batches of 1, 2, 4, … iterations until they agree.
    pub quick: bool,
    measures: bool,
}

impl Arguments {
    /// The process's own.
    pub fn of_process() -> Self {
        Self::of(&std::env::args().skip(1).collect::<Vec<_>>())
    }

    fn of(arguments: &[String]) -> Self {
        let has = |flag: &str| {
            arguments.iter().any(|argument| {
                argument == flag
                    || argument
                        .strip_prefix(flag)
                        .is_some_and(|rest| rest.starts_with('='))
            })
        };
        let value = |flag: &str| -> Option<f64> {
            let at = arguments
                .iter()
                .position(|argument| argument.starts_with(flag))?;
            let text = match arguments[at].split_once('=') {
                Some((_, value)) => value,
                None => arguments.get(at + 1)?,
            };
            text.parse()
                .ok()
                .filter(|&value: &f64| value > 0.0 && value < 1e6)
        };
        let idle = ["--list", "--test", "--load-baseline", "--profile-time"];
        Self {
            warm_up: value("--warm-up-time").map_or(WARM_UP, Duration::from_secs_f64),
            samples: value("--sample-size").map_or(super::SAMPLES, |value| value as usize),
            quick: has("--quick"),
            // Without --bench Criterion runs everything once, as a test.
            measures: has("--bench") && !idle.iter().any(|flag| has(flag)),
        }
    }

    /// Whether anything is measured that is worth recording.
    pub fn measures(&self) -> bool {
        self.measures
    }
}
