//! The mechanisms ranked at a footprint that the reader chooses.

use minijinja::{Value, context};

use super::super::answer::{self, Ranking};
use super::super::palette::look_of;
use super::super::reading::{
    centre, disagrees, factor, footprint_words, label, p99, plain, spread,
};
use super::super::scale::{LogScale, tick_name};
use super::Targets;
use crate::mechanism::Phase;
use crate::recording::{Run, Status};
use crate::units::{Nanoseconds, human_time};

/// More choices than this are no choice.
const MOST_CHOICES: usize = 24;
/// Where one alone is so many times as long as the next, bars would be one bar and hairlines.
const ALONE: f64 = 10.0;
/// So many others have to be there for their differences to be missed.
const OTHERS: usize = 3;

/// The rankings worth choosing between, one of them chosen, and how many were left out.
pub(super) fn views(run: &Run, targets: &Targets) -> (Vec<Value>, usize) {
    let mut rankings = answer::rankings(run);
    // One mechanism alone is no ranking, unless that is all there is.
    if rankings.iter().any(|ranking| ranking.cells.len() > 1) {
        rankings.retain(|ranking| ranking.cells.len() > 1);
    }
    let left_out = rankings.len().saturating_sub(MOST_CHOICES);
    rankings.truncate(MOST_CHOICES);
    let headline = answer::answer(run).map(|answer| answer.dear.footprint);
    let chosen = rankings
        .iter()
        .position(|ranking| Some(ranking.footprint) == headline)
        .unwrap_or(rankings.len().saturating_sub(1));
    let views = rankings
        .iter()
        .enumerate()
        .map(|(index, ranking)| view(ranking, targets, index == chosen))
        .collect();
    (views, left_out)
}

/// How long a row's bar is.
enum Lengths {
    /// In proportion to the time.
    Bars { longest: f64 },
    /// On a logarithmic scale between two powers of ten, nanoseconds.
    Places { from: f64, to: f64 },
}

impl Lengths {
    fn of(ranking: &Ranking) -> Self {
        let measured = ranking
            .cells
            .iter()
            .filter(|cell| cell.status == Status::Ok && cell.mechanism != "null");
        let mut times: Vec<f64> = measured
            .filter_map(|cell| Some(centre(cell, Phase::Call)?.ns.max(1.0)))
            .collect();
        times.sort_by(|a, b| b.total_cmp(a));
        let (longest, least) = match times.as_slice() {
            [longest, next, .., least] if times.len() > OTHERS && *longest > ALONE * next => {
                (longest, least)
            }
            _ => {
                let longest = times.first().copied().unwrap_or(1.0);
                return Self::Bars { longest };
            }
        };
        let power = |exponent: f64| 10f64.powf(exponent);
        Self::Places {
            from: power(least.log10().floor()),
            to: power(longest.log10().ceil()),
        }
    }

    /// The share of the column's width, in percent.
    fn share(&self, ns: f64) -> f64 {
        match *self {
            Self::Bars { longest } => (ns / longest * 100.0).clamp(0.0, 100.0),
            Self::Places { from, to } => LogScale::exactly(from, to, 0.0, 100.0).at(ns),
        }
    }

    /// What a reader has to know of the scale, if it does not begin at zero.
    fn said(&self) -> Option<String> {
        match *self {
            Self::Bars { .. } => None,
            Self::Places { from, to } => Some(format!(
                "a dot's place is its time, on a logarithmic scale from {} to {}",
                tick_name(from),
                tick_name(to)
            )),
        }
    }
}

fn view(ranking: &Ranking, targets: &Targets, chosen: bool) -> Value {
    let lengths = Lengths::of(ranking);
    let rows: Vec<Value> = ranking
        .cells
        .iter()
        .map(|cell| {
            let call = centre(cell, Phase::Call).filter(|_| cell.status == Status::Ok);
            let reap = centre(cell, Phase::Reap).filter(|_| cell.status == Status::Ok);
            let exec = centre(cell, Phase::Exec).filter(|_| cell.status == Status::Ok);
            let written = |c: super::super::reading::Centre| Nanoseconds(c.ns).to_string();
            context! {
                name => label(cell),
                anchor => targets.get(cell.id.as_str()).copied(),
                class => look_of(&cell.mechanism).ink.class,
                call => call.map(written),
                is_mean => call.is_some_and(|c| c.is_mean),
                share => call.map(|c| format!("{:.2}", lengths.share(c.ns))),
                spread => spread(cell, Phase::Call)
                    .map(|(low, high)| format!("{} to {}", human_time(low), human_time(high))),
                p99 => p99(cell, Phase::Call).map(human_time),
                exec => exec.map(written),
                reap => reap.map(written),
                ratio => ranking.ratio(cell).map(factor),
                is_floor => cell.mechanism == "null",
                disagrees => disagrees(cell, Phase::Call),
                status => super::cells::status_word(cell),
                reason => cell.reason.as_deref().map(plain),
            }
        })
        .collect();
    context! {
        name => ranking.name(),
        words => footprint_words(&ranking.footprint),
        chosen => chosen,
        scale => lengths.said(),
        rows => rows,
    }
}
