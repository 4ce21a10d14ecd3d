//! Two arms in one sitting: pairs of trials in coin order, until each cell has its verdict.
//!
//! Every cell first gets a few pilot pairs, which find out how many iterations a trial takes, how long a pair
//! takes and how far pairs spread; they are recorded and not counted. Then the looks are fixed, and pairs of
//! all cells take turns, in an order drawn anew for each round, so that what drifts reaches all alike.

mod arms;
mod contest;
mod forecast;
mod live;
#[cfg(test)]
mod tests;
mod verdict;

use std::time::Duration;

pub use arms::SubjectArms;
pub use contest::{Arm, Contest};
pub use forecast::{Forecast, PILOT_PAIRS};
pub use live::{Judgement, Live};

use super::runner::Outcome;
use crate::comparison::{CellVerdict, Statistic};
use crate::footprint::Order;
use crate::mechanism::Phase;
use crate::protocol::{Count, headline};
use crate::recording::{PILOT, Status};
use crate::statistics::{Histogram, Random};

/// What all cells have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Phases that are judged; none: what each cell's mechanism is spoken of by.
    pub phases: Vec<Phase>,
    /// What stands for a trial.
    pub statistic: Statistic,
    /// The smallest change that matters, as a ratio less one.
    pub threshold: f64,
    /// With which probability all verdicts hold together.
    pub confidence: f64,
    /// The time for deciding that each cell is given; `None`: as long as it takes, see [`Forecast`].
    pub budget: Option<Duration>,
    /// What orders are drawn from.
    pub seed: u64,
}

impl Settings {
    /// The phases that are judged of a contest.
    pub fn phases_of(&self, contest: &Contest) -> Vec<Phase> {
        if self.phases.is_empty() {
            return vec![headline(&contest.a.mechanism)];
        }
        self.phases.clone()
    }
}

/// Makes trials. Tests put another in the real one's place.
pub trait Arms {
    /// Makes one trial of one arm.
    fn trial(&mut self, contest: &Contest, arm: Arm, block: u32, count: Count) -> Outcome;
    /// Time since some moment.
    fn elapsed(&self) -> Duration;
}

/// Hears what happens, between trials and never during one.
pub trait Observer {
    /// What can go wrong with keeping a trial.
    type Error;
    /// A trial has ended, or a cell has come to nothing.
    ///
    /// # Errors
    /// Where it can't be kept; the comparison then ends.
    fn ended(&mut self, outcome: &Outcome) -> Result<(), Self::Error>;
    /// The pilot pairs of a cell are made.
    fn forecast(&mut self, contest: &Contest, forecast: &Forecast);
    /// A cell has one more pair, or its verdict.
    fn paired(&mut self, live: &Live);
}

/// What came of it.
#[derive(Debug)]
pub struct Compared {
    /// A verdict for each cell and phase.
    pub cells: Vec<CellVerdict>,
    /// All samples of both arms, beside each verdict.
    pub samples: Vec<Option<[Histogram; 2]>>,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

/// Compares the two arms of every contest.
///
/// # Errors
/// The observer's, at once.
pub fn run<A: Arms, O: Observer>(
    arms: &mut A,
    observer: &mut O,
    contests: &[Contest],
    settings: &Settings,
) -> Result<Compared, O::Error> {
    let judgements = contests
        .iter()
        .map(|contest| settings.phases_of(contest).len())
        .sum();
    let mut random = Random::new(settings.seed);
    let mut lives: Vec<Live> = contests
        .iter()
        .enumerate()
        .map(|(index, contest)| Live::new(contest, index, settings, judgements))
        .collect();
    // What shuffled pages leave behind in the kernel's free lists would scatter the pages of others.
    let shuffled = |live: &Live| {
        let contest = live.contest();
        [&contest.a, &contest.b]
            .iter()
            .any(|cell| cell.footprint.order == Order::Shuffled)
    };
    let (last, first): (Vec<usize>, Vec<usize>) =
        (0..lives.len()).partition(|&index| shuffled(&lives[index]));
    let mut interrupted = false;
    for group in [first, last] {
        interrupted = interrupted || pilot(arms, observer, &mut lives, &group)?;
        let mut open = group;
        while !interrupted {
            open.retain(|&index| !lives[index].is_over());
            if open.is_empty() {
                break;
            }
            let mut order = open.clone();
            random.shuffle(&mut order);
            for index in order {
                interrupted = interrupted || pair(arms, observer, &mut lives[index])?;
            }
        }
    }
    let (mut cells, mut samples) = (Vec::new(), Vec::new());
    for live in &lives {
        for (verdict, of_arms) in live.conclude(interrupted) {
            cells.push(verdict);
            samples.push(of_arms);
        }
    }
    Ok(Compared {
        cells,
        samples,
        interrupted,
    })
}

/// Makes the pilot pairs of a group. Returns whether the user stopped it.
fn pilot<A: Arms, O: Observer>(
    arms: &mut A,
    observer: &mut O,
    lives: &mut [Live],
    group: &[usize],
) -> Result<bool, O::Error> {
    for block in 0..PILOT_PAIRS {
        for &index in group {
            let live = &mut lives[index];
            if live.is_over() || live.is_hopeless() {
                continue;
            }
            let begun = arms.elapsed();
            for arm in live.order(block) {
                let mut outcome = arms.trial(live.contest(), arm, block, live.count());
                if let Outcome::Done(line, rows) = &mut outcome {
                    live.take_pilot(arm, line, rows);
                    line.trial.arm = PILOT.to_owned();
                }
                observer.ended(&outcome)?;
                if stops(live, &outcome) == Some(true) {
                    return Ok(true);
                }
                // A cell that has failed is over; the pilot pairs of the others go on.
                if live.is_over() {
                    break;
                }
            }
            live.take_pilot_time(arms.elapsed().saturating_sub(begun));
        }
    }
    for &index in group {
        if let Some(forecast) = lives[index].plan() {
            observer.forecast(lives[index].contest(), &forecast);
        }
    }
    Ok(false)
}

/// Makes one pair. Returns whether the user stopped it.
fn pair<A: Arms, O: Observer>(
    arms: &mut A,
    observer: &mut O,
    live: &mut Live,
) -> Result<bool, O::Error> {
    let begun = arms.elapsed();
    let block = live.next_block();
    for arm in live.order(block) {
        let outcome = arms.trial(live.contest(), arm, block, live.count());
        observer.ended(&outcome)?;
        if let Some(stopped) = stops(live, &outcome) {
            observer.paired(live);
            return Ok(stopped);
        }
        if let Outcome::Done(line, rows) = &outcome {
            live.take(arm, line, rows);
        }
    }
    live.end_pair(arms.elapsed().saturating_sub(begun));
    observer.paired(live);
    Ok(false)
}

/// Whether a trial was none: `Some(true)` if the user stopped everything, `Some(false)` if this cell is over.
fn stops(live: &mut Live, outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Done(..) => None,
        Outcome::Interrupted => Some(true),
        Outcome::Dropped(line) => {
            let word = match line.status {
                Status::Skipped => "was skipped",
                _ => "failed",
            };
            live.fail(format!("{} {word}: {}", line.cell.id, line.reason));
            Some(false)
        }
    }
}
