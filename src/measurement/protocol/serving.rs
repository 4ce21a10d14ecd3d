//! Orders and answers of servers, and of the load generator.

use super::pairs::{LineError, Pairs, put, put_some};
use crate::load::{Load, Outcome};
use crate::server::{Served, Steps};

/// How to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serve {
    /// The model's name.
    pub mechanism: String,
    /// Where to listen; 0: any port that is free.
    pub port: u16,
    /// Processes or threads of a pool.
    pub pool: u32,
    /// Whether to note the steps of each request.
    pub watch: bool,
}

/// What became of one request; nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replied {
    /// When it was due, on the one clock.
    pub due: u64,
    /// From then until its last byte came, it failed, or the trial ended.
    pub response: u64,
    /// From when it was sent until then; `None`: it never was.
    pub service: Option<u64>,
    /// From when it was sent until the connection was there and the request written.
    pub connect: Option<u64>,
    /// What became of it.
    pub outcome: Outcome,
}

/// The line for a `serve`.
pub(super) fn serve_line(serve: &Serve) -> String {
    let mut line = format!("serve mechanism={}", serve.mechanism);
    put(&mut line, "port", serve.port);
    put(&mut line, "pool", serve.pool);
    put_some(&mut line, "watch", serve.watch.then_some("steps"));
    line
}

pub(super) fn read_serve(pairs: &Pairs<'_>) -> Result<Serve, LineError> {
    Ok(Serve {
        mechanism: pairs.required("mechanism", "name")?,
        port: pairs.optional("port", "port")?.unwrap_or(0),
        pool: pairs.required("pool", "count")?,
        watch: match pairs.text("watch") {
            None => false,
            Some("steps") => true,
            Some(other) => return Err(pairs.bad_value("watch", other, "`steps`")),
        },
    })
}

/// The line for a `load`.
pub(super) fn load_line(load: &Load) -> String {
    let mut line = format!("load address={}", load.address);
    put(&mut line, "rate", load.rate);
    put_some(&mut line, "loop", load.closed.then_some("closed"));
    put(&mut line, "requests", load.requests);
    put(&mut line, "seed", load.seed);
    put(&mut line, "patience", load.patience);
    line
}

pub(super) fn read_load(pairs: &Pairs<'_>) -> Result<Load, LineError> {
    Ok(Load {
        address: pairs.required("address", "address, as in 127.0.0.1:8080")?,
        rate: pairs.required("rate", "number of requests in a second")?,
        closed: match pairs.text("loop") {
            None => false,
            Some("closed") => true,
            Some(other) => return Err(pairs.bad_value("loop", other, "`closed`")),
        },
        requests: pairs.required("requests", "count")?,
        seed: pairs.required("seed", "number")?,
        patience: pairs.required("patience", "number of nanoseconds")?,
    })
}

/// The line for a request.
pub(super) fn replied_line(replied: &Replied) -> String {
    let mut line = format!("request due={}", replied.due);
    put(&mut line, "outcome", replied.outcome.name());
    put_some(&mut line, "connect", replied.connect);
    put_some(&mut line, "service", replied.service);
    put(&mut line, "response", replied.response);
    line
}

pub(super) fn read_replied(pairs: &Pairs<'_>) -> Result<Replied, LineError> {
    let time = "number of nanoseconds";
    let outcome = pairs.text("outcome").unwrap_or_default();
    Ok(Replied {
        due: pairs.required("due", time)?,
        response: pairs.required("response", time)?,
        service: pairs.optional("service", time)?,
        connect: pairs.optional("connect", time)?,
        outcome: Outcome::from_name(outcome)
            .ok_or_else(|| pairs.bad_value("outcome", outcome, "outcome"))?,
    })
}

/// The line for the steps of a request; those that it has.
pub(super) fn steps_line(steps: &Steps) -> String {
    let mut line = "steps".to_owned();
    for (key, moment) in [
        ("accepted", steps.accepted),
        ("called", steps.called),
        ("started", steps.started),
        ("replied", steps.replied),
        ("reaped", steps.reaped),
    ] {
        put_some(&mut line, key, Some(moment).filter(|&moment| moment > 0));
    }
    line
}

pub(super) fn read_steps(pairs: &Pairs<'_>) -> Result<Steps, LineError> {
    let moment = |key| Ok(pairs.optional(key, "number of nanoseconds")?.unwrap_or(0));
    Ok(Steps {
        accepted: moment("accepted")?,
        called: moment("called")?,
        started: moment("started")?,
        replied: moment("replied")?,
        reaped: moment("reaped")?,
    })
}

/// The line for what a server has done, its watched steps left out.
pub(super) fn served_line(served: &Served) -> String {
    let mut line = "served".to_owned();
    put(&mut line, "accepted", served.accepted);
    put(&mut line, "answered", served.answered);
    put(&mut line, "broken", served.broken);
    put(&mut line, "refused", served.refused);
    put(&mut line, "started", served.started);
    put(&mut line, "most", served.most);
    line
}

pub(super) fn read_served(pairs: &Pairs<'_>) -> Result<Served, LineError> {
    Ok(Served {
        accepted: pairs.required("accepted", "count")?,
        answered: pairs.required("answered", "count")?,
        broken: pairs.required("broken", "count")?,
        refused: pairs.required("refused", "count")?,
        started: pairs.required("started", "count")?,
        most: pairs.required("most", "count")?,
        watched: Vec::new(),
    })
}
