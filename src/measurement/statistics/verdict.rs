//! What is asked of an effect, and what is said of it.

use serde::{Deserialize, Serialize};

/// What is said of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Slower by more than the threshold.
    Regressed,
    /// It could not be judged, however many pairs are made.
    #[serde(rename = "not measurable")]
    NotMeasurable,
    /// Neither within nor beyond the threshold with the confidence asked for.
    Inconclusive,
    /// Faster by more than the threshold.
    Improved,
    /// Within the threshold.
    Unchanged,
}

impl Verdict {
    /// All of them, the worst first.
    pub const ALL: [Self; 5] = [
        Self::Regressed,
        Self::NotMeasurable,
        Self::Inconclusive,
        Self::Improved,
        Self::Unchanged,
    ];

    /// The word, the same in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::Unchanged => "unchanged",
            Self::Inconclusive => "inconclusive",
            Self::NotMeasurable => "not measurable",
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// The smallest change that matters, as a ratio less one: 0.03 is 3 %. At least 0.
    pub threshold: f64,
    /// With which probability all judgements hold together, between 0 and 1.
    pub confidence: f64,
    /// How many judgements share it: cells times phases.
    pub judgements: usize,
}

impl Question {
    /// The threshold as a difference of logarithms. A change for the better and its reverse are the same
    /// distance away: with 3 %, `improved` begins at 1/1.03, which is −2.9 %.
    pub fn bound(&self) -> f64 {
        self.threshold.ln_1p()
    }

    /// The verdict of an interval of log ratios that holds with enough confidence; `None` where it
    /// reaches over a threshold.
    pub fn judge(&self, low: f64, high: f64) -> Option<Verdict> {
        let bound = self.bound();
        if low > bound {
            Some(Verdict::Regressed)
        } else if high < -bound {
            Some(Verdict::Improved)
        } else if bound > 0.0 && low >= -bound && high <= bound {
            Some(Verdict::Unchanged)
        } else {
            None
        }
    }

    /// The share of error of each of `looks` intervals of each judgement.
    pub fn level(&self, looks: usize) -> f64 {
        (1.0 - self.confidence) / (self.judgements.max(1) * looks.max(1)) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_alike_in_both_directions() {
        let question = Question {
            threshold: 0.03,
            confidence: 0.99,
            judgements: 1,
        };
        assert_eq!(question.judge(0.0296, 0.1), Some(Verdict::Regressed));
        assert_eq!(question.judge(-0.1, -0.0296), Some(Verdict::Improved));
        assert_eq!(question.judge(-0.0295, 0.0295), Some(Verdict::Unchanged));
        assert_eq!(question.judge(-0.0296, 0.0295), None);
        assert_eq!(question.judge(0.0295, 0.1), None);
    }
}
