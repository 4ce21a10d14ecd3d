//! Orders to a server, and to the load generator, which is a subject that holds nothing.

use std::time::Duration;

use super::error::SessionError;
use super::{Deadline, Session, unexpected};
use crate::load::Load;
use crate::protocol::{Answer, Order, Replied, Serve};
use crate::server::{MOST_WATCHED, Served};

impl Session {
    /// Has it serve, and returns the port on which it does.
    ///
    /// # Errors
    /// Where it can't, or does not answer in time.
    pub fn serve(&mut self, serve: &Serve) -> Result<u16, SessionError> {
        let order = format!("serve {}", serve.mechanism);
        self.order(&Order::Serve(serve.clone()))?;
        match self.answer(&order, Deadline::after(self.patience))? {
            Answer::Serving { port } => Ok(port),
            other => Err(unexpected(&order, &other)),
        }
    }

    /// Has it stop serving, and returns what it has served.
    ///
    /// # Errors
    /// Where it could not serve, or does not answer in time.
    pub fn stop(&mut self) -> Result<Served, SessionError> {
        let order = "stop";
        self.order(&Order::Stop)?;
        let deadline = Deadline::after(self.patience);
        let mut watched = Vec::new();
        loop {
            match self.answer(order, deadline)? {
                Answer::Steps(steps) if watched.len() < MOST_WATCHED => watched.push(steps),
                Answer::Served(served) => return Ok(Served { watched, ..served }),
                other => return Err(unexpected(order, &other)),
            }
        }
    }

    /// Has it send requests, and returns what became of each, in the order in which they were due.
    /// `expected` is how long that takes.
    ///
    /// # Errors
    /// Where it can't, does not answer in time, or tells what can't be.
    pub fn load(&mut self, load: &Load, expected: Duration) -> Result<Vec<Replied>, SessionError> {
        let order = "load";
        let deadline = Deadline::after(self.patience.saturating_add(expected.saturating_mul(2)));
        self.order(&Order::Load(*load))?;
        let mut replied: Vec<Replied> = Vec::new();
        loop {
            match self.answer(order, deadline)? {
                Answer::Request(request) => {
                    let elapsed = deadline.begun.elapsed().as_nanos();
                    let ordered = replied.last().is_none_or(|last| last.due <= request.due);
                    let service = request.service.unwrap_or(0);
                    if !ordered
                        || service > request.response
                        || request.connect.is_some_and(|connect| connect > service)
                        || u128::from(request.response) > elapsed
                        || replied.len() as u64 >= load.requests
                    {
                        let line = Answer::Request(request).to_line();
                        return Err(SessionError::lie(order, format!("`{line}`")));
                    }
                    replied.push(request);
                }
                Answer::Loaded { requests } => {
                    let told = replied.len() as u64;
                    // A closed loop ends with the first request that is not answered.
                    let all = told == load.requests || (load.closed && told > 0);
                    if requests != told || !all {
                        let what = format!(
                            "{} requests were to be sent, {requests} are said to be, {told} were told",
                            load.requests
                        );
                        return Err(SessionError::lie(order, what));
                    }
                    return Ok(replied);
                }
                other => return Err(unexpected(order, &other)),
            }
        }
    }
}
