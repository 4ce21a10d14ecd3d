//! One trial: a fresh subject that holds a footprint, and the samples it gives.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::cell::Cell;
use super::environment::{memory_available, steal_ns};
use super::launcher::{Launcher, LauncherError};
use super::serving::ServingError;
use super::session::{Session, SessionError};
use crate::footprint::{Receipt, ReceiptMismatch, fits};
use crate::mechanism::{Mechanism, Phase};
use crate::protocol::{Batch, Count, Exchange, Known, Observed, TimedSample};
use crate::recording::{Placement, RecordingError};
use crate::recording::{Requests, Trial, TrialHost, TrialLine, TrialPhase};
use crate::statistics::{Histogram, Quantiles};

/// Pages that a pass of writes has at the least, where the ballast is as large: three forks of the whole parent
/// serve them all.
const PAGES_OF_A_PASS: u64 = 4096;
/// How long an order of writes takes, at the very most.
const LONGEST_PASSES: Duration = Duration::from_secs(10);
/// Iterations that would be stamped, for each that has a fresh channel and a fresh child in their place: one of these
/// takes as long as fifty round trips.
const STAMPED_PER_FRESH: u64 = 12;

/// Why a trial is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The subject.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// There is no such subject.
    #[error(transparent)]
    Launcher(#[from] LauncherError),
    /// The kernel gave something else than what was asked for.
    #[error("the receipt misses the request: {0}")]
    Receipt(#[from] ReceiptMismatch),
    /// A server did not serve.
    #[error(transparent)]
    Serving(#[from] ServingError),
    /// The trial could not be recorded.
    #[error(transparent)]
    Recording(#[from] RecordingError),
}

impl TrialError {
    /// Whether this host cannot do it, as opposed to something having gone wrong.
    pub fn is_skip(&self) -> bool {
        matches!(
            self,
            Self::Session(SessionError::Skipped(_)) | Self::Launcher(LauncherError::Absent(_))
        )
    }

    /// Whether the user asked to stop.
    pub fn is_interrupt(&self) -> bool {
        matches!(self, Self::Session(SessionError::Interrupted))
    }
}

/// A trial under way.
#[derive(Debug)]
pub struct LiveTrial {
    session: Session,
    mechanism: String,
    exchange: Option<Exchange>,
    foreign: bool,
    line: TrialLine,
    rows: Vec<TimedSample>,
    steal_before: Option<u64>,
}

impl LiveTrial {
    /// Starts a subject and has it hold the cell's footprint.
    ///
    /// # Errors
    /// Where it cannot, or the receipt says otherwise.
    pub fn begin(
        launcher: &Launcher,
        cell: &Cell,
        block: u32,
        index: u32,
    ) -> Result<Self, TrialError> {
        if let Some(reason) =
            memory_available().and_then(|available| fits(&cell.footprint, available).err())
        {
            return Err(SessionError::Skipped(reason).into());
        }
        let exchange = exchange(launcher, cell)?;
        let started = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let steal_before = steal_ns();
        let command = launcher.subject(cell)?;
        let mut session = Session::start(
            command,
            launcher.native(),
            launcher.allowed,
            launcher.patience,
        )?;
        let cpu = match cell.placement {
            Placement::Free => None,
            Placement::Pinned | Placement::Two => launcher.subject_cpu(),
        };
        if let Some(cpu) = cpu {
            session.pin(cpu)?;
        }
        session.execute(launcher.image(cell))?;
        let receipt: Receipt = session.hold(&cell.footprint)?;
        receipt.check(&cell.footprint)?;
        let trial = Trial {
            arm: String::new(),
            block,
            index,
            started,
            cpu,
            receipt,
            host: TrialHost::default(),
            first: BTreeMap::new(),
            phases: BTreeMap::new(),
            requests: None,
        };
        let line = TrialLine {
            cell: launcher.key(cell),
            trial,
        };
        Ok(Self {
            session,
            mechanism: cell.mechanism.clone(),
            exchange,
            foreign: cell.exec.is_some(),
            line,
            rows: Vec::new(),
            steal_before,
        })
    }

    /// What the kernel gave the subject.
    pub fn receipt(&self) -> &Receipt {
        &self.line.trial.receipt
    }

    /// Has the subject do iterations. `expected` is how long one takes, about.
    ///
    /// # Errors
    /// Where something goes wrong, or it is not done after ten times as long as expected and the
    /// launcher's patience.
    pub fn iterate(&mut self, mut count: Count, expected: Duration) -> Result<Batch, TrialError> {
        if self.exchange.is_some() {
            count.fresh = count.stamped.div_ceil(STAMPED_PER_FRESH);
        }
        if !self.stamps() {
            count.stamped = 0;
        }
        let iterations = count.warmup + count.samples() + 1;
        let mut expected = expected.saturating_mul(u32::try_from(iterations).unwrap_or(u32::MAX));
        if self.writes() {
            // Warming up would take the first pass, which a subject has but once.
            count.warmup = 0;
            count.plain = count.plain.max(self.pages_of_a_pass());
            expected = expected.min(LONGEST_PASSES);
        }
        let first = &mut self.line.trial.first;
        let rows = &mut self.rows;
        let mut keep = |is_first: bool, sample: TimedSample| {
            if is_first {
                let phases = Phase::ALL.into_iter();
                *first = phases
                    .filter_map(|phase| Some((phase, sample.get(phase)?)))
                    .collect();
            } else {
                rows.push(sample);
            }
        };
        let batch =
            self.session
                .time(&self.mechanism, self.exchange, count, expected, &mut keep)?;
        add(&mut self.line.trial.host, &batch);
        Ok(batch)
    }

    /// Has the subject tell one child's life. `kept`: the ballast is kept from the child meanwhile.
    ///
    /// # Errors
    /// Where something goes wrong, or it takes longer than the launcher's patience.
    pub fn life(&mut self, kept: bool) -> Result<Observed, TrialError> {
        Ok(self.session.life(&self.mechanism, kept)?)
    }

    /// The conversation with the subject.
    pub(super) fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Keeps what became of the requests to a server, which took `wall`.
    pub(super) fn keep_requests(
        &mut self,
        samples: Vec<TimedSample>,
        requests: Requests,
        wall: Duration,
    ) {
        self.rows = samples;
        self.line.trial.requests = Some(requests);
        self.line.trial.host.wall_ns = u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX);
    }

    /// Whether any phase takes stamped iterations. What foreign subjects have, they say in their samples.
    fn stamps(&self) -> bool {
        Known::named(&self.mechanism).is_none_or(|known| known.stamps(self.foreign))
    }

    /// Whether an iteration is a write.
    pub fn writes(&self) -> bool {
        let known = Known::named(&self.mechanism);
        known
            .and_then(Known::mechanism)
            .is_some_and(Mechanism::writes)
    }

    /// Whether an iteration is a round trip through a channel.
    pub fn exchanges(&self) -> bool {
        self.exchange.is_some()
    }

    /// The least pages that a fork is worth making for.
    fn pages_of_a_pass(&self) -> u64 {
        let footprint = &self.line.cell.footprint;
        PAGES_OF_A_PASS.min(footprint.bytes / footprint.page_bytes())
    }

    /// The sum of a phase over the samples from `since` on, and how many there are.
    pub fn total(&self, phase: Phase, since: usize) -> (u64, u64) {
        let times = self
            .rows
            .iter()
            .skip(since)
            .filter_map(|sample| sample.get(phase));
        times.fold((0, 0), |(sum, count), time| (sum + time, count + 1))
    }

    /// Forgets all samples but the first: they were the warm-up's.
    pub fn forget(&mut self) {
        self.rows.clear();
        self.line.trial.host = TrialHost::default();
    }

    /// Samples so far.
    pub fn samples(&self) -> usize {
        self.rows.len()
    }

    /// Lets the subject go, and returns the finished trial with its samples in order.
    pub fn finish(self) -> (TrialLine, Vec<TimedSample>) {
        let Self {
            session,
            mut line,
            rows,
            steal_before,
            ..
        } = self;
        let steal = steal_before.zip(steal_ns());
        line.trial.host.steal_ns = steal.map(|(before, after)| after.saturating_sub(before));
        session.end();
        for phase in Phase::ALL {
            let mut times: Vec<u64> = rows.iter().filter_map(|sample| sample.get(phase)).collect();
            if let Some(quantiles) = Quantiles::of(&mut times) {
                let histogram = Some(Histogram::of(&times).to_base64());
                line.trial.phases.insert(
                    phase,
                    TrialPhase {
                        quantiles,
                        histogram,
                    },
                );
            }
        }
        (line, rows)
    }
}

/// What goes through a cell's channel; `None` where it has none.
fn exchange(launcher: &Launcher, cell: &Cell) -> Result<Option<Exchange>, SessionError> {
    let Some(message) = cell.message else {
        return Ok(None);
    };
    let peer = match (cell.placement, launcher.cpus()) {
        (Placement::Two, None) => {
            let reason = "needs two CPUs, and one is allowed: widen the affinity (taskset) or the cpuset, or leave \
                          out @two";
            return Err(SessionError::Skipped(reason.to_owned()));
        }
        // The harness sleeps there while iterations run.
        (Placement::Two, Some((_, other))) => Some(other),
        _ => None,
    };
    Ok(Some(Exchange { message, peer }))
}

fn add(host: &mut TrialHost, batch: &Batch) {
    fn sum(total: &mut Option<u64>, more: Option<u64>) {
        if let Some(more) = more {
            // A subject says what it likes.
            *total = Some(total.unwrap_or(0).saturating_add(more));
        }
    }
    host.wall_ns += batch.wall;
    host.timed_ns += batch.timed;
    host.gap_ns = host.gap_ns.max(batch.gap);
    sum(&mut host.minor_faults, batch.minor_faults);
    sum(&mut host.major_faults, batch.major_faults);
    sum(&mut host.voluntary_switches, batch.voluntary_switches);
    sum(&mut host.involuntary_switches, batch.involuntary_switches);
    sum(&mut host.copied_bytes, batch.copied);
}
