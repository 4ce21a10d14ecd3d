//! What a server counts, in memory that its children share: as Apache's scoreboard.

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::error::ServerError;
use crate::clock;

/// Requests whose steps are noted at the most.
pub const MOST_WATCHED: usize = 256;

/// What a server has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Served {
    /// Connections accepted.
    pub accepted: u64,
    /// Requests that were replied to.
    pub answered: u64,
    /// Connections on which no whole request came, or that went before the reply.
    pub broken: u64,
    /// Connections that were closed without a reply, since no child or thread could be started.
    pub refused: u64,
    /// Children and threads that were started.
    pub started: u64,
    /// The most of them at any one time.
    pub most: u64,
    /// The steps of the first requests, in the order in which they were accepted; empty unless asked for.
    pub watched: Vec<Steps>,
}

/// When the server took the steps of one request: nanoseconds on the one clock, 0 where it has no such step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Steps {
    /// The connection was accepted.
    pub accepted: u64,
    /// The call that starts who answers has returned in the parent.
    pub called: u64,
    /// Who answers runs.
    pub started: u64,
    /// The reply was written.
    pub replied: u64,
    /// Who answered has been reaped.
    pub reaped: u64,
}

/// A step that is noted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Accepted,
    Called,
    Started,
    Replied,
    Reaped,
}

#[derive(Debug, Default)]
#[repr(C)]
struct Row([AtomicU64; 5]);

/// The counts. All of it is async-signal-safe.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Scoreboard {
    accepted: AtomicU64,
    answered: AtomicU64,
    broken: AtomicU64,
    refused: AtomicU64,
    started: AtomicU64,
    ended: AtomicU64,
    most: AtomicU64,
    /// Not 0: a child's exit status says whether it replied.
    by_status: AtomicU64,
    rows: [Row; MOST_WATCHED],
}

/// The one of this process: signal handlers and threads find it here.
static BOARD: AtomicPtr<Scoreboard> = AtomicPtr::new(std::ptr::null_mut());

/// The scoreboard of this process with nothing on it. It is mapped once and stays: a thread that ends late
/// may still write to it.
pub(super) fn fresh() -> Result<&'static Scoreboard, ServerError> {
    if let Some(board) = current() {
        board.clear();
        return Ok(board);
    }
    // SAFETY: a new mapping at an address of the kernel's choice.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size_of::<Scoreboard>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if memory == libc::MAP_FAILED {
        return Err(ServerError::of_call("mmap"));
    }
    BOARD.store(memory.cast(), Ordering::Release);
    current().ok_or_else(|| ServerError::of_call("mmap"))
}

/// The scoreboard, once there is one.
pub(super) fn current() -> Option<&'static Scoreboard> {
    // SAFETY: null, or a mapping of zeros, which are a value of it, that is never unmapped.
    unsafe { BOARD.load(Ordering::Acquire).as_ref() }
}

impl Scoreboard {
    fn clear(&self) {
        let counts = [
            &self.accepted,
            &self.answered,
            &self.broken,
            &self.refused,
            &self.started,
            &self.ended,
            &self.most,
            &self.by_status,
        ];
        let rows = self.rows.iter().flat_map(|row| &row.0);
        for count in counts.into_iter().chain(rows) {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// Has the exit statuses of children count: 0 is a reply.
    pub(super) fn count_by_status(&self) {
        self.by_status.store(1, Ordering::Relaxed);
    }

    /// Whether they do.
    pub(super) fn counts_by_status(&self) -> bool {
        self.by_status.load(Ordering::Relaxed) != 0
    }

    /// Counts a connection, and returns its number from 0.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a reply, or a connection without one.
    pub(super) fn answered(&self, replied: bool) {
        let count = if replied {
            &self.answered
        } else {
            &self.broken
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that nobody could be started for.
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a child or thread, before it may end.
    pub(super) fn started(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
        self.most.fetch_max(self.alive(), Ordering::Relaxed);
    }

    /// Takes back a start that failed.
    pub(super) fn not_started(&self) {
        self.started.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts one that has ended, and returns its number from 0.
    pub(super) fn ended(&self) -> u64 {
        self.ended.fetch_add(1, Ordering::Release)
    }

    /// How many were started and have not ended.
    pub(super) fn alive(&self) -> u64 {
        let ended = self.ended.load(Ordering::Acquire);
        self.started.load(Ordering::Relaxed).saturating_sub(ended)
    }

    /// Notes the moment of a step of a request.
    pub(super) fn note(&self, request: u64, step: Step) {
        let row = usize::try_from(request)
            .ok()
            .and_then(|at| self.rows.get(at));
        if let Some(moment) = row.and_then(|row| row.0.get(step as usize)) {
            moment.store(clock::now(), Ordering::Relaxed);
        }
    }

    /// All of it, as plain numbers.
    pub(super) fn served(&self, watched: bool) -> Served {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let accepted = read(&self.accepted);
        let rows = if watched { accepted as usize } else { 0 };
        let steps = |row: &Row| {
            let [accepted, called, started, replied, reaped] = row.0.each_ref().map(read);
            Steps {
                accepted,
                called,
                started,
                replied,
                reaped,
            }
        };
        Served {
            accepted,
            answered: read(&self.answered),
            broken: read(&self.broken),
            refused: read(&self.refused),
            started: read(&self.started),
            most: read(&self.most),
            watched: self.rows.iter().take(rows).map(steps).collect(),
        }
    }
}
