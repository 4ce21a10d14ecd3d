//! Hosts that are made up: how long a trial takes there, one after the other.

use forkbench::statistics::{Procedure, Random};

/// What trials of one and the same thing vary like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 0.64 % about one value: 0.9 % between pairs.
    Normal,
    /// Skewed: 10 % in logarithms.
    LogNormal,
    /// Three in ten trials are a twelfth slower, as where physical pages come out scattered.
    Bimodal,
    /// Normal on a host that moves: a random walk of 0.3 % a trial, 0.02 % more with each, and a step of 5 % at the
    /// fortieth trial.
    Drifting,
    /// Normal, and 0.4 % more with each trial.
    Rising,
}

/// Those on which every promise is held.
pub const KINDS: [Kind; 4] = [Kind::Normal, Kind::LogNormal, Kind::Bimodal, Kind::Drifting];

/// In which order the two trials of a pair are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As the product does.
    Coin,
    /// Without the coin: a control.
    BaseFirst,
}

/// A host during one comparison, whose trials follow each other in time.
pub struct Host {
    kind: Kind,
    random: Random,
    trials: u32,
    walked: f64,
}

impl Host {
    pub fn new(kind: Kind, seed: u64) -> Self {
        Self {
            kind,
            random: Random::new(seed ^ (kind as u64) << 40),
            trials: 0,
            walked: 0.0,
        }
    }

    /// The next trial's value in nanoseconds.
    fn trial(&mut self) -> f64 {
        self.trials += 1;
        let (number, noise) = (f64::from(self.trials), self.random.normal());
        40_000.0
            * match self.kind {
                Kind::Normal => 1.0 + 0.0064 * noise,
                Kind::LogNormal => (0.10 * noise).exp(),
                Kind::Bimodal if self.random.below(10) < 3 => 1.08 + 0.004 * noise,
                Kind::Bimodal => 1.0 + 0.004 * noise,
                Kind::Drifting => {
                    self.walked += 0.003 * self.random.normal();
                    let step = if self.trials > 40 { 0.05 } else { 0.0 };
                    (0.0064 * noise + self.walked + 0.0002 * number + step).exp()
                }
                Kind::Rising => (0.0064 * noise + 0.004 * number).exp(),
            }
    }

    /// The log ratio of a pair, where the candidate truly takes `1 + effect` times as long.
    pub fn pair(&mut self, effect: f64, order: Order) -> f64 {
        let (first, second) = (self.trial(), self.trial());
        let base_first = order == Order::BaseFirst || self.random.below(2) == 0;
        let (base, candidate) = if base_first {
            (first, second)
        } else {
            (second, first)
        };
        (candidate * (1.0 + effect) / base).ln()
    }

    /// Judges as the product does: pair by pair until there is an outcome.
    pub fn judge(&mut self, procedure: &Procedure, effect: f64, order: Order) -> Procedure {
        let mut procedure = procedure.clone();
        while procedure.push(self.pair(effect, order)).is_none() {}
        procedure
    }
}
