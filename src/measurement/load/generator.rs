//! The open loop: one thread that spins, since who sleeps wakes late.

use std::collections::VecDeque;
use std::os::fd::RawFd;

use super::connection::{Begun, Connection, Progress};
use super::error::LoadError;
use super::reply::Reply;
use super::{HIGHEST_RATE, Load, MOST_REQUESTS, Outcome, Request, arrivals, one_after_the_other};
use crate::clock;

/// Connections at any one time, at the most: fewer than a host has ports. What is due beyond them waits in here,
/// and its latency counts all the same.
const MOST_CONNECTIONS: usize = 20_000;
/// Events that are taken from the kernel at once.
const EVENTS: usize = 256;
/// From the order until the first request is due, nanoseconds.
const LEAD: u64 = 2_000_000;

/// Sends what is due when it is due, and returns every request with what became of it, in the order in which they
/// were due.
///
/// # Errors
/// [`LoadError`]: what has nothing to do with the server. What the server does wrong is an [`Outcome`].
pub fn generate(load: &Load) -> Result<Vec<Request>, LoadError> {
    if load.rate == 0 || load.rate > HIGHEST_RATE {
        return Err(LoadError::Rate { rate: load.rate });
    }
    if load.requests == 0 || load.requests > MOST_REQUESTS {
        return Err(LoadError::Requests {
            requests: load.requests,
        });
    }
    if load.closed {
        return one_after_the_other(load);
    }
    let due = arrivals(load.rate, load.requests, load.seed);
    let begin = clock::now() + LEAD;
    let requests = due.into_iter().map(|at| Request {
        due: begin + at,
        ..Request::default()
    });
    let mut generator = Generator {
        load: *load,
        requests: requests.collect(),
        next: 0,
        open: Vec::new(),
        free: VecDeque::new(),
        alive: 0,
        waiting: 0,
        poll: Poll::new()?,
    };
    generator.run();
    Ok(generator.requests)
}

/// A connection and the request it is for.
struct Open {
    connection: Connection,
    request: usize,
    answered: bool,
}

struct Generator {
    load: Load,
    requests: Vec<Request>,
    /// The next request to be sent.
    next: usize,
    /// Connections by their number in the kernel's events.
    open: Vec<Option<Open>>,
    /// Numbers that are free, with the room for a reply.
    free: VecDeque<(usize, Reply)>,
    /// Connections.
    alive: usize,
    /// Those whose reply is not there.
    waiting: usize,
    poll: Poll,
}

impl Generator {
    fn run(&mut self) {
        let last = self.requests.last().map_or(0, |request| request.due);
        let end = last.saturating_add(self.load.patience);
        let mut now = clock::now();
        while now < end && (self.next < self.requests.len() || self.waiting > 0) {
            self.send_due(now);
            if !self.hear() {
                // Alone on its CPU it goes on at once; where it has none to itself, the server must run.
                // SAFETY: the call has no preconditions.
                unsafe { libc::sched_yield() };
            }
            now = clock::now();
        }
        for request in self.requests.iter_mut().filter(|request| request.done == 0) {
            request.done = now.max(request.due);
        }
    }

    /// Sends what is due by now, as far as there is room.
    fn send_due(&mut self, now: u64) {
        while self.alive < MOST_CONNECTIONS
            && self
                .requests
                .get(self.next)
                .is_some_and(|next| next.due <= now)
        {
            if !self.send(self.next) {
                return;
            }
            self.next += 1;
        }
    }

    /// Sends one request; `false` where there is no room for it.
    fn send(&mut self, request: usize) -> bool {
        let (number, reply) = self.free.pop_front().unwrap_or_else(|| {
            self.open.push(None);
            (self.open.len() - 1, Reply::default())
        });
        let sent = clock::now();
        let mut connection = match Connection::begin(self.load.address, reply) {
            Begun::Connection(connection) => connection,
            Begun::Refused => {
                self.free.push_front((number, Reply::default()));
                self.requests[request].sent = sent;
                self.requests[request].fail();
                return true;
            }
            Begun::NoRoom => {
                self.free.push_front((number, Reply::default()));
                return false;
            }
        };
        self.requests[request].sent = sent;
        // On the loopback the connection is there when the call returns.
        let progress = connection.write();
        if !self.poll.add(connection.fd(), number as u64) {
            self.requests[request].fail();
            self.free.push_front((number, connection.into_reply()));
            return true;
        }
        self.open[number] = Some(Open {
            connection,
            request,
            answered: false,
        });
        self.alive += 1;
        self.waiting += 1;
        self.advance(number, progress);
        true
    }

    /// Takes in what has happened, without waiting. Whether anything had.
    fn hear(&mut self) -> bool {
        let ready = self.poll.ready();
        for &number in &ready {
            let Some(Some(open)) = self.open.get_mut(number) else {
                continue;
            };
            let mut progress = open.connection.write();
            if progress == Progress::Written {
                open.note_written(&mut self.requests);
                progress = Progress::Pending;
            }
            if progress == Progress::Pending {
                progress = open.connection.read(open.answered);
                if progress == Progress::Answered {
                    self.advance(number, progress);
                    // It may be closed already.
                    progress = match self.open.get_mut(number) {
                        Some(Some(open)) => open.connection.read(true),
                        _ => continue,
                    };
                }
            }
            self.advance(number, progress);
        }
        !ready.is_empty()
    }

    fn advance(&mut self, number: usize, progress: Progress) {
        let Some(Some(open)) = self.open.get_mut(number) else {
            return;
        };
        let request = &mut self.requests[open.request];
        match progress {
            Progress::Pending => return,
            Progress::Written => {
                open.note_written(&mut self.requests);
                return;
            }
            Progress::Answered => {
                request.done = clock::now();
                request.outcome = Outcome::Answered;
                open.answered = true;
                self.waiting -= 1;
                return;
            }
            Progress::Failed if !open.answered => {
                request.fail();
                self.waiting -= 1;
            }
            Progress::Failed | Progress::Closed => {}
        }
        // Closing takes it out of the kernel's list, too.
        if let Some(open) = self.open[number].take() {
            self.free.push_back((number, open.connection.into_reply()));
            self.alive -= 1;
        }
    }
}

impl Open {
    fn note_written(&self, requests: &mut [Request]) {
        requests[self.request].connected = clock::now();
    }
}

impl Request {
    fn fail(&mut self) {
        self.done = clock::now();
        self.outcome = Outcome::Failed;
    }
}

/// The kernel's list of what is watched.
struct Poll {
    fd: RawFd,
    events: Vec<libc::epoll_event>,
}

impl Poll {
    fn new() -> Result<Self, LoadError> {
        // SAFETY: the call takes a plain number.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(LoadError::of_call("epoll_create1"));
        }
        let events = vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        Ok(Self { fd, events })
    }

    fn add(&self, fd: RawFd, number: u64) -> bool {
        let mut event = libc::epoll_event {
            events: (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET) as u32,
            u64: number,
        };
        // SAFETY: a descriptor that is open and a valid event.
        unsafe { libc::epoll_ctl(self.fd, libc::EPOLL_CTL_ADD, fd, &mut event) == 0 }
    }

    /// Numbers on which something has happened; it does not wait.
    fn ready(&mut self) -> Vec<usize> {
        // SAFETY: `events` has as much room as is named.
        let count = unsafe {
            libc::epoll_wait(
                self.fd,
                self.events.as_mut_ptr(),
                self.events.len() as i32,
                0,
            )
        };
        let count = usize::try_from(count).unwrap_or(0);
        self.events
            .iter()
            .take(count)
            .map(|event| event.u64 as usize)
            .collect()
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        // SAFETY: this value's own descriptor.
        unsafe { libc::close(self.fd) };
    }
}
