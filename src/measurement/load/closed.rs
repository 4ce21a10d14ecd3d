//! The closed loop, to compare with: a request is sent when it is due and the one before is answered, and counts from
//! then. What a program does that has no generator, and what leaves out the requests that a pause would have met.

use super::connection::{Begun, Connection, Progress};
use super::error::LoadError;
use super::reply::Reply;
use super::{Load, Outcome, Request, arrivals};
use crate::clock;

/// Sends requests one after the other, no earlier than they are due. A server that stands still holds up all of them, and
/// only one shows it.
///
/// # Errors
/// [`LoadError::Call`] where there is no room for a connection.
pub fn one_after_the_other(load: &Load) -> Result<Vec<Request>, LoadError> {
    let mut requests = Vec::with_capacity(load.requests as usize);
    let mut reply = Reply::default();
    let begin = clock::now();
    for at in arrivals(load.rate, load.requests, load.seed) {
        while clock::now() < begin + at {
            yield_now();
        }
        let sent = clock::now();
        let mut request = Request {
            due: sent,
            sent,
            ..Request::default()
        };
        match Connection::begin(load.address, reply) {
            Begun::Connection(connection) => {
                reply = exchange(connection, &mut request, load.patience)
            }
            Begun::Refused => {
                request.outcome = Outcome::Failed;
                reply = Reply::default();
            }
            Begun::NoRoom => return Err(LoadError::of_call("connect")),
        }
        if request.done == 0 {
            request.done = clock::now();
        }
        let is_lost = request.outcome == Outcome::Unanswered;
        requests.push(request);
        if is_lost {
            break;
        }
    }
    Ok(requests)
}

/// Writes and reads until the connection is closed, spinning as the generator does.
fn exchange(mut connection: Connection, request: &mut Request, patience: u64) -> Reply {
    loop {
        let mut progress = connection.write();
        if progress == Progress::Written {
            request.connected = clock::now();
        }
        if progress != Progress::Failed {
            progress = connection.read(request.outcome == Outcome::Answered);
        }
        let now = clock::now();
        match progress {
            Progress::Answered => (request.done, request.outcome) = (now, Outcome::Answered),
            Progress::Closed => break,
            Progress::Failed => {
                if request.outcome != Outcome::Answered {
                    (request.done, request.outcome) = (now, Outcome::Failed);
                }
                break;
            }
            _ if now - request.due > patience => break,
            _ => yield_now(),
        }
    }
    connection.into_reply()
}

/// Lets the server run where it shares the CPU, as the generator does.
fn yield_now() {
    // SAFETY: the call has no preconditions.
    unsafe { libc::sched_yield() };
}
