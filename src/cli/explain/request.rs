//! A request's way through a server, told by the generator and by the server.

use serde::Serialize;

use super::super::Exit;
use super::super::output::{fill, print, print_json, width};
use crate::harness::cell::Cell;
use crate::harness::launcher::Launcher;
use crate::harness::serving::{self, Watched};
use crate::units::human_time;

/// Requests that are told, one by one: the median of so many is a usual one.
const REQUESTS: u64 = 15;

/// One moment of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Moment {
    /// Nanoseconds after the request was due.
    ns: u64,
    /// A word for it that stays.
    name: &'static str,
    /// Who saw it: `client`, `server`, or who answers.
    place: &'static str,
    /// What happened.
    what: String,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    cell: String,
    requests: usize,
    moments: &'a [Moment],
}

/// Tells the median of some requests.
pub(super) fn explain(launcher: &Launcher, cell: &Cell, json: bool) -> anyhow::Result<Exit> {
    let mut watched = match serving::watch(launcher, cell, REQUESTS) {
        Ok(watched) => watched,
        Err(error) if error.is_skip() => {
            eprintln!("{cell}: {error}");
            return Ok(Exit::Refused);
        }
        Err(error) => return Err(error.into()),
    };
    watched.sort_by_key(|watched| watched.request.response);
    let requests = watched.len();
    let Some(usual) = watched.get(requests / 2) else {
        anyhow::bail!("{cell}: of {REQUESTS} requests none was answered in order; try again");
    };
    let moments = moments(&cell.mechanism, usual);
    if json {
        print_json(&Document {
            schema: "forkbench.request/1",
            cell: cell.to_string(),
            requests,
            moments: &moments,
        })?;
        return Ok(Exit::Done);
    }
    let width = width().unwrap_or(80);
    let introduction = format!(
        "{cell}: the way of one request, the median of {requests} by its response. The generator has a CPU of its own and \
         does not wait for replies: it sends each request when it is due. All readings are of one clock; noting \
         them costs the server some."
    );
    print(&format!(
        "{}\n\n{}",
        fill(&introduction, width, ""),
        timeline(&moments, width)
    ))?;
    Ok(Exit::Done)
}

/// Who answers, and what it does first.
fn answerer(mechanism: &str) -> (&'static str, &'static str) {
    match mechanism {
        "server:fork" => (
            "child",
            "fork has returned in the child, which closes its copy of the listening socket",
        ),
        "server:vfork-exec" => (
            "child",
            "vfork has returned in the child, which makes the connection its standard input and output and \
             executes the program",
        ),
        "server:thread" => ("thread", "the thread runs"),
        _ => ("server", ""),
    }
}

/// The moments of a request, in order.
fn moments(mechanism: &str, watched: &Watched) -> Vec<Moment> {
    let Watched { request, steps } = watched;
    let (who, first) = answerer(mechanism);
    let done = request.response;
    let sent = done.saturating_sub(request.service.unwrap_or(done));
    let after = |moment: u64| (moment > 0).then(|| moment.saturating_sub(request.due));
    let called = match mechanism {
        "server:fork" => {
            "fork has returned in the server, which closes its copy of the connection and accepts the next"
        }
        "server:vfork-exec" => {
            "vfork returns in the server once the child has executed the program"
        }
        _ => "the thread is made; the server accepts the next connection",
    };
    let replied = match mechanism {
        "server:vfork-exec" => None,
        _ => after(steps.replied),
    };
    let all = [
        (Some(0), "due", "client", "the request is due"),
        (Some(sent), "sent", "client", "the connection is begun"),
        (
            request.connect.map(|connect| sent + connect),
            "connected",
            "client",
            "the kernel has made the connection, and the request is written to it",
        ),
        (
            after(steps.accepted),
            "accepted",
            if who == "server" { "server" } else { "parent" },
            "accept has returned the connection",
        ),
        (after(steps.started), "started", who, first),
        (after(steps.called), "called", "parent", called),
        (
            replied,
            "replied",
            who,
            "the request was read, and its write of the reply has returned",
        ),
        (
            Some(done),
            "done",
            "client",
            "the last byte of the reply has come: the response",
        ),
        (
            after(steps.reaped),
            "reaped",
            "parent",
            "the child has ended and is waited for",
        ),
    ];
    let mut moments: Vec<Moment> = all
        .into_iter()
        .filter_map(|(ns, name, place, what)| {
            Some(Moment {
                ns: ns?,
                name,
                place,
                what: what.to_owned(),
            })
        })
        .collect();
    // What happens at once keeps its order.
    moments.sort_by_key(|moment| moment.ns);
    moments
}

/// One line for each moment.
fn timeline(moments: &[Moment], width: usize) -> String {
    const TIME: usize = 10;
    const PLACE: usize = 7;
    let mut text = format!("{:>TIME$}  {:PLACE$} what happens\n", "after", "where");
    let room = width.clamp(40, 110) - TIME - PLACE - 4;
    for moment in moments {
        let mut time = human_time(moment.ns);
        let mut place = moment.place;
        for line in fill(&moment.what, room, "").lines() {
            text.push_str(&format!("{time:>TIME$}  {place:PLACE$} {line}\n"));
            (time, place) = (String::new(), "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Outcome;
    use crate::protocol::Replied;
    use crate::server::Steps;

    #[test]
    fn a_request_is_told_in_the_order_in_which_it_happened() {
        let watched = Watched {
            request: Replied {
                due: 1_000,
                response: 300,
                service: Some(290),
                connect: Some(40),
                outcome: Outcome::Answered,
            },
            steps: Steps {
                accepted: 1_060,
                called: 1_110,
                started: 1_150,
                replied: 1_290,
                reaped: 1_400,
            },
        };
        let told = moments("server:fork", &watched);
        let names: Vec<(&str, u64)> = told.iter().map(|moment| (moment.name, moment.ns)).collect();
        assert_eq!(
            names,
            [
                ("due", 0),
                ("sent", 10),
                ("connected", 50),
                ("accepted", 60),
                ("called", 110),
                ("started", 150),
                ("replied", 290),
                ("done", 300),
                ("reaped", 400)
            ]
        );
        let pool = Watched {
            steps: Steps {
                accepted: 1_060,
                replied: 1_100,
                ..Steps::default()
            },
            ..watched
        };
        let told = moments("server:prefork", &pool);
        assert!(
            told.iter()
                .all(|moment| moment.place != "child" && !moment.what.is_empty())
        );
        assert_eq!(told.len(), 6);
    }
}
