//! One trial of a server: a subject that serves, the load generator beside it, and whether their accounts agree.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use super::cell::Cell;
use super::launcher::Launcher;
use super::schedule::Slot;
use super::session::Session;
use super::trial::{LiveTrial, TrialError};
use crate::load::{Load, MODEST_RATE, Outcome};
use crate::mechanism::Phase;
use crate::protocol::{Replied, Serve, TimedSample};
use crate::recording::{BOUND, Requests, TrialLine};
use crate::server::{MOST_WATCHED, POOL, Served, Steps};
use crate::statistics::{Random, median};

/// How long replies are waited for after the last request was due.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// A server that answers nothing for so long, and for half the trial, has stopped.
const STALL: Duration = Duration::from_secs(1);

/// Why a server's trial is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum ServingError {
    /// Not one reply came.
    #[error(
        "none of {due} requests was answered: {failed} failed, {unanswered} were still waiting {waited:.1} s after the \
         last{}",
        remedy(*refused)
    )]
    NoneAnswered {
        /// Requests.
        due: u64,
        /// Those that failed.
        failed: u64,
        /// Those that waited.
        unanswered: u64,
        /// Seconds that the last was waited for.
        waited: f64,
        /// Connections for which the server could start nothing.
        refused: u64,
    },
    /// Replies came, and then none.
    #[error(
        "the server stopped answering after {answered} of {due} requests, {silent:.1} s before the trial ended{}",
        remedy(*refused)
    )]
    Stopped {
        /// Requests that were answered.
        answered: u64,
        /// Requests.
        due: u64,
        /// Seconds without an answer.
        silent: f64,
        /// Connections for which the server could start nothing.
        refused: u64,
    },
    /// Replies that nobody sent.
    #[error(
        "the generator counts {got} replies, and the server {sent}: another program answered, or one of them is wrong"
    )]
    Replies {
        /// By the generator.
        got: u64,
        /// By the server.
        sent: u64,
    },
}

fn remedy(refused: u64) -> String {
    match refused {
        0 => "; does it accept? `forkbench list --job CELL` prints what it was told".to_owned(),
        _ => format!(
            "; {refused} times no child or thread could be started: raise `ulimit -u` or the cgroup's pids.max, or ask \
             for a lower rate"
        ),
    }
}

/// What a trial sends.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Requests.
    pub requests: u64,
    /// What their arrivals are drawn from.
    pub seed: u64,
}

impl Sent {
    /// As many requests as come in `time`, and `least` at the least. Trials of one number get the same arrivals in
    /// all cells of a rate, so that what differs is the server.
    pub fn within(cell: &Cell, time: Duration, least: u64, seed: u64, index: u32) -> Self {
        let expected = (time.as_secs_f64() * f64::from(rate_of(cell))) as u64;
        let mut random = Random::new(seed ^ (u64::from(index) << 32));
        Self {
            requests: expected.max(least).min(crate::load::MOST_REQUESTS),
            seed: random.bits(),
        }
    }
}

/// Requests in a second of a cell.
pub fn rate_of(cell: &Cell) -> u32 {
    cell.rate.unwrap_or(MODEST_RATE)
}

/// Makes the trial of a slot.
///
/// # Errors
/// Where it is no measurement.
pub fn trial(
    launcher: &Launcher,
    cell: &Cell,
    slot: Slot,
    sent: Sent,
) -> Result<(TrialLine, Vec<TimedSample>), TrialError> {
    let begun = LiveTrial::begin(launcher, cell, slot.block, slot.index)?;
    let made = served(launcher, cell, begun, sent, rate_of(cell), false)?;
    Ok(made.trial.finish())
}

/// What happened to a request on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// As the generator saw it.
    pub request: Replied,
    /// As the server did.
    pub steps: Steps,
}

/// Has a server note the steps of some requests, which come one by one at a modest rate, and returns those that
/// were answered.
///
/// # Errors
/// Where they could not be made.
pub fn watch(launcher: &Launcher, cell: &Cell, requests: u64) -> Result<Vec<Watched>, TrialError> {
    let begun = LiveTrial::begin(launcher, cell, 0, 0)?;
    let requests = requests.min(MOST_WATCHED as u64);
    let sent = Sent { requests, seed: 1 };
    let mut made = served(launcher, cell, begun, sent, MODEST_RATE / 2, true)?;
    // Connections are accepted in the order in which they came.
    made.served.watched.sort_by_key(|steps| steps.accepted);
    let both = made.replied.iter().zip(&made.served.watched);
    let both = both.map(|(&request, &steps)| Watched { request, steps });
    Ok(both.filter(Watched::is_whole).collect())
}

impl Watched {
    /// Whether it was answered, and no step of it is another request's.
    fn is_whole(&self) -> bool {
        let (request, steps) = (&self.request, &self.steps);
        let done = request.due + request.response;
        request.outcome == Outcome::Answered
            && request.due <= steps.accepted
            // A program that is executed notes nothing.
            && (steps.replied == 0 || steps.accepted <= steps.replied)
            && steps.accepted.max(steps.replied) <= done.max(steps.reaped)
    }
}

struct Made {
    trial: LiveTrial,
    replied: Vec<Replied>,
    served: Served,
}

fn served(
    launcher: &Launcher,
    cell: &Cell,
    mut trial: LiveTrial,
    sent: Sent,
    rate: u32,
    watch: bool,
) -> Result<Made, TrialError> {
    let mut generator = generator(launcher)?;
    let port = trial.session().serve(&Serve {
        mechanism: cell.mechanism.clone(),
        port: 0,
        pool: POOL,
        watch,
    })?;
    let load = Load {
        address: SocketAddrV4::new(Ipv4Addr::LOCALHOST, port),
        rate,
        closed: false,
        requests: sent.requests,
        seed: sent.seed,
        patience: PATIENCE.as_nanos() as u64,
    };
    let begin = Instant::now();
    let expected = Duration::from_secs_f64(sent.requests as f64 / f64::from(rate)) + PATIENCE;
    let replied = generator.load(&load, expected)?;
    let wall = begin.elapsed();
    // Its own connections are closed with it, so that nobody waits for them.
    generator.end();
    let served = trial.session().stop()?;
    let requests = account(&load, &replied, &served);
    check(&replied, &requests, &served)?;
    let samples = replied.iter().map(sample).collect();
    trial.keep_requests(samples, requests, wall);
    Ok(Made {
        trial,
        replied,
        served,
    })
}

/// Starts the load generator on the harness's own CPU.
fn generator(launcher: &Launcher) -> Result<Session, TrialError> {
    let native = launcher.native();
    let mut generator = Session::start(native, native, launcher.allowed, launcher.patience)?;
    if let Some((_, harness)) = launcher.cpus() {
        generator.pin(harness)?;
    }
    Ok(generator)
}

/// Sends a load to any server, and returns what became of each request.
///
/// # Errors
/// Where the generator can't be started or fails.
pub fn send(launcher: &Launcher, load: &Load) -> Result<Vec<Replied>, TrialError> {
    let mut generator = generator(launcher)?;
    let seconds = load.requests as f64 / f64::from(load.rate);
    // In a closed loop each may take as long as patience allows; one that does is the last.
    let expected = Duration::from_secs_f64(seconds) + Duration::from_nanos(load.patience);
    let replied = generator.load(load, expected)?;
    generator.end();
    Ok(replied)
}

/// A request's phases; one that failed or was not answered has its age.
fn sample(request: &Replied) -> TimedSample {
    let mut sample = TimedSample::default();
    sample.set(Phase::Response, request.response);
    if let Some(service) = request.service {
        sample.set(Phase::Service, service);
    }
    sample
}

/// The counts of a trial.
pub fn account(load: &Load, replied: &[Replied], served: &Served) -> Requests {
    let count = |outcome| {
        let those = replied.iter().filter(|request| request.outcome == outcome);
        those.count() as u64
    };
    let third = replied.len() / 3;
    let middle = |part: &[Replied]| {
        let mut times: Vec<u64> = part.iter().map(|request| request.response).collect();
        times.sort_unstable();
        median(&times)
    };
    Requests {
        rate: load.rate,
        seed: load.seed,
        due: replied.len() as u64,
        answered: count(Outcome::Answered),
        failed: count(Outcome::Failed),
        unanswered: count(Outcome::Unanswered),
        refused: served.refused,
        most: served.most,
        early: middle(&replied[..third]),
        late: middle(&replied[replied.len() - third..]),
        slow: replied.iter().filter(|r| r.response >= BOUND).count() as u64,
    }
}

/// Whether the server answered to the end, and both sides tell of the same.
fn check(replied: &[Replied], requests: &Requests, served: &Served) -> Result<(), ServingError> {
    let done = |request: &Replied| request.due.saturating_add(request.response);
    let answered = replied
        .iter()
        .filter(|request| request.outcome == Outcome::Answered);
    let Some(last) = answered.map(done).max() else {
        return Err(ServingError::NoneAnswered {
            due: requests.due,
            failed: requests.failed,
            unanswered: requests.unanswered,
            waited: PATIENCE.as_secs_f64(),
            refused: requests.refused,
        });
    };
    let begin = replied.first().map_or(0, |request| request.due);
    let end = replied.iter().map(done).max().unwrap_or(last);
    let silent = end - last;
    if requests.unanswered > 0 && silent > (STALL.as_nanos() as u64).max((end - begin) / 2) {
        return Err(ServingError::Stopped {
            answered: requests.answered,
            due: requests.due,
            silent: silent as f64 / 1e9,
            refused: requests.refused,
        });
    }
    // A process of a pool may be ended between its reply and the count of it.
    let sent = served.answered.saturating_add(served.broken);
    if requests.answered > sent.saturating_add(u64::from(POOL)) {
        return Err(ServingError::Replies {
            got: requests.answered,
            sent,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replied(due: u64, response: u64, outcome: Outcome) -> Replied {
        Replied {
            due,
            response,
            service: Some(response),
            connect: None,
            outcome,
        }
    }

    fn load(requests: usize) -> Load {
        Load {
            address: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1),
            rate: 10,
            closed: false,
            requests: requests as u64,
            seed: 3,
            patience: 0,
        }
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_growing_delay_shows_in_the_thirds_and_nothing_is_lost() {
        let all: Vec<Replied> = (0..9)
            .map(|at| {
                let outcome = [Outcome::Answered, Outcome::Failed, Outcome::Unanswered][at % 3];
                replied(at as u64, 100 * (at as u64 + 1), outcome)
            })
            .collect();
        let served = Served {
            answered: 3,
            refused: 2,
            ..Served::default()
        };
        let requests = account(&load(9), &all, &served);
        assert!(requests.adds_up() && !requests.all_answered());
        assert_eq!((requests.early, requests.late), (Some(200), Some(800)));
        assert_eq!((requests.refused, requests.seed), (2, 3));
        assert!(check(&all, &requests, &served).is_ok());
        assert!(account(&load(0), &[], &served).adds_up());
    }

    #[test]
    fn a_server_that_answers_nothing_or_stops_is_no_measurement() {
        let none: Vec<Replied> = (0..3)
            .map(|at| replied(at, SECOND, Outcome::Failed))
            .collect();
        let refusing = Served {
            refused: 3,
            ..Served::default()
        };
        let requests = account(&load(3), &none, &refusing);
        let error = check(&none, &requests, &refusing).unwrap_err().to_string();
        for word in ["none of 3 requests", "ulimit -u", "pids.max"] {
            assert!(error.contains(word), "no `{word}` in: {error}");
        }
        let mut stopping: Vec<Replied> = (0..10)
            .map(|at| replied(at * SECOND / 10, SECOND / 100, Outcome::Answered))
            .collect();
        let waiting = (10..40).map(|at| {
            let due = at * SECOND / 10;
            replied(due, 5 * SECOND - due, Outcome::Unanswered)
        });
        stopping.extend(waiting);
        let served = Served {
            answered: 10,
            ..Served::default()
        };
        let requests = account(&load(40), &stopping, &served);
        let error = check(&stopping, &requests, &served)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("stopped answering after 10 of 40"),
            "{error}"
        );
        // One that is too slow still answers.
        let slow: Vec<Replied> = (0..40)
            .map(|at| match at % 2 {
                0 => replied(at * SECOND / 10, SECOND, Outcome::Answered),
                _ => replied(at * SECOND / 10, SECOND, Outcome::Unanswered),
            })
            .collect();
        let served = Served {
            answered: 20,
            ..Served::default()
        };
        let requests = account(&load(40), &slow, &served);
        assert!(check(&slow, &requests, &served).is_ok());
    }

    #[test]
    fn replies_that_nobody_sent_are_an_error() {
        let all: Vec<Replied> = (0..50)
            .map(|at| replied(at, 1, Outcome::Answered))
            .collect();
        let served = Served {
            answered: 50 - u64::from(POOL) - 1,
            ..Served::default()
        };
        let requests = account(&load(50), &all, &served);
        assert!(check(&all, &requests, &served).is_err());
    }
}
