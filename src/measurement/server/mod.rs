//! Servers that answer one request for each connection: one file each, and a row in [`MODELS`].
//!
//! They differ in who answers: a child for each request, a pool that was there before, a program that is
//! executed, or threads. All else is the same: a listening socket on the loopback, a small fixed request and a
//! small fixed reply, as of HTTP/1.0 with `Connection: close`, so that Apache and wrk speak it too.
//!
//! # The rule
//!
//! As in `mechanism`: between `fork` (or `vfork`) and `_exit` or `execve`, a child allocates nothing, formats
//! nothing, takes no lock and cannot panic.

mod accepting;
mod error;
mod exchange;
mod fork;
mod listener;
mod null;
mod prefork;
mod reaping;
mod scoreboard;
mod thread;
mod thread_pool;
mod vfork_exec;

use std::os::fd::RawFd;

pub use error::ServerError;
pub use listener::Listener;
pub use scoreboard::{MOST_WATCHED, Served, Steps};

use crate::footprint::{Footprint, State};
use scoreboard::Scoreboard;

/// What stands before the colon in the names of all models.
pub const FAMILY: &str = "server";

/// Processes or threads of a pool, where nothing else is asked for: more than a CPU has use for when a
/// request never waits, as here.
pub const POOL: u32 = 8;
/// The largest pool: a guard against a mistyped job.
pub const LARGEST_POOL: u32 = 4096;

/// The image that answers a request on its standard input and output, as a file to be written: built without libc or
/// loader.
pub static ANSWERING_IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/forkbench-answer"));

/// A way to serve.
#[derive(Debug)]
pub struct Model {
    /// Its name in ids, protocol, columns and charts.
    pub name: &'static str,
    /// Who answers, in a line.
    pub summary: &'static str,
    /// Whether it executes a program for each request.
    pub executes: bool,
    serve: fn(&Serving<'_>) -> Result<(), ServerError>,
}

/// Every model, in the order in which tables list them.
pub static MODELS: &[Model] = &[
    null::MODEL,
    thread_pool::MODEL,
    prefork::MODEL,
    thread::MODEL,
    vfork_exec::MODEL,
    fork::MODEL,
];

/// How a server is to be set up.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// Processes or threads of a pool, 1 to [`LARGEST_POOL`].
    pub pool: u32,
    /// The program that answers a request on its standard input and output.
    pub program: Option<&'a str>,
    /// Whether to note the steps of each request; it costs the server some readings of the clock.
    pub watch: bool,
}

/// What a model finds prepared.
struct Serving<'a> {
    listener: &'a Listener,
    /// Readable when it is to stop.
    stop: RawFd,
    board: &'static Scoreboard,
    setup: Setup<'a>,
}

impl Model {
    /// The model of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        MODELS.iter().find(|model| model.name == name)
    }

    /// Its name without the family's.
    pub fn short_name(&self) -> &'static str {
        self.name
            .split_once(':')
            .map_or(self.name, |(_, name)| name)
    }

    /// Why it cannot serve from a parent, and what to ask for instead.
    pub fn refusal(&self, footprint: &Footprint) -> Option<&'static str> {
        (footprint.state == State::Rewritten)
            .then_some("a server's memory is not rewritten between requests; leave out rewritten")
    }

    /// Serves until `stop` is readable, and until all that was started for it has ended.
    ///
    /// # Errors
    /// [`ServerError`]: what keeps it from serving. A child or thread that could not be started for one request
    /// is none: it is counted in [`Served::refused`].
    pub fn serve(
        &self,
        listener: &Listener,
        stop: RawFd,
        setup: Setup<'_>,
    ) -> Result<Served, ServerError> {
        if setup.pool == 0 || setup.pool > LARGEST_POOL {
            return Err(ServerError::Pool { asked: setup.pool });
        }
        let board = scoreboard::fresh()?;
        let serving = Serving {
            listener,
            stop,
            board,
            setup,
        };
        let reaping = reaping::begin();
        let served = (self.serve)(&serving);
        drop(reaping);
        served.map(|()| board.served(setup.watch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_a_name_of_its_own_in_the_family() {
        for (index, model) in MODELS.iter().enumerate() {
            assert_eq!(model.name, format!("{FAMILY}:{}", model.short_name()));
            assert_eq!(
                Model::named(model.name).map(|found| found.name),
                Some(model.name)
            );
            assert!(
                MODELS[..index]
                    .iter()
                    .all(|earlier| earlier.name != model.name)
            );
        }
    }

    #[test]
    fn a_port_in_use_is_named_with_the_remedy() {
        let first = Listener::bind(0).unwrap();
        let error = Listener::bind(first.port()).unwrap_err().to_string();
        for word in [&first.port().to_string(), "in use", "port 0"] {
            assert!(error.contains(word), "no `{word}` in: {error}");
        }
        let port = first.port();
        drop(first);
        assert_eq!(Listener::bind(port).unwrap().port(), port);
    }

    #[test]
    fn a_server_has_no_pages_rewritten() {
        for model in MODELS {
            assert!(model.refusal(&"1MiB+rewritten".parse().unwrap()).is_some());
            assert!(model.refusal(&"1MiB".parse().unwrap()).is_none());
        }
    }
}
