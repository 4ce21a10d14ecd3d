//! A server in the subject, and the load generator, which is a subject that holds nothing.

use std::io;

use super::Subject;
use crate::load::{self, Load, Request};
use crate::protocol::{Answer, Replied, Serve};
use crate::server::{Listener, Model, Served, ServerError, Setup};

/// Obeys a `serve` order: it listens, says where, and serves until there is another order to read. What came of
/// it is told when that is `stop`.
pub(super) fn serve(subject: &mut Subject, serve: &Serve) -> io::Result<()> {
    let Some(model) = Model::named(&serve.mechanism) else {
        return subject.unknown(&serve.mechanism);
    };
    let fail = |reason: String| Answer::Fail(format!("{}: {reason}", model.name));
    let Some(held) = &subject.held else {
        let reason = "no footprint is held; say `hold` first".to_owned();
        return subject.wire.send(&fail(reason));
    };
    if let Some(reason) = model.refusal(held.footprint()) {
        return subject.wire.send(&fail(reason.to_owned()));
    }
    let listener = match Listener::bind(serve.port) {
        Ok(listener) => listener,
        Err(error) => return subject.wire.send(&fail(error.to_string())),
    };
    let port = listener.port();
    subject.wire.send(&Answer::Serving { port })?;
    if subject.wire.has_a_line() {
        subject.served = Some(Ok(Served::default()));
        return Ok(());
    }
    let setup = Setup {
        pool: serve.pool,
        program: subject.image.as_ref().map(|image| image.path.as_str()),
        watch: serve.watch,
    };
    raise_descriptors();
    let served = model.serve(&listener, subject.wire.input(), setup);
    subject.served = Some(served.map_err(|error: ServerError| fail(error.to_string())));
    Ok(())
}

/// Obeys a `stop`.
pub(super) fn stop(subject: &mut Subject) -> io::Result<()> {
    match subject.served.take() {
        Some(Ok(served)) => {
            for steps in &served.watched {
                subject.wire.queue(&Answer::Steps(*steps))?;
            }
            subject.wire.send(&Answer::Served(served))
        }
        Some(Err(failed)) => subject.wire.send(&failed),
        None => subject.wire.send(&Answer::Fail(
            "nothing was served; say `serve` first".to_owned(),
        )),
    }
}

/// Obeys a `load`.
pub(super) fn generate(subject: &mut Subject, load: &Load) -> io::Result<()> {
    raise_descriptors();
    let requests = match load::generate(load) {
        Ok(requests) => requests,
        Err(error) => return subject.wire.send(&Answer::Fail(error.to_string())),
    };
    for request in &requests {
        subject.wire.queue(&Answer::Request(replied(request)))?;
    }
    let requests = requests.len() as u64;
    subject.wire.send(&Answer::Loaded { requests })
}

fn replied(request: &Request) -> Replied {
    let since = |moment: u64| Some(request.done.saturating_sub(moment)).filter(|_| moment > 0);
    Replied {
        due: request.due,
        response: request.done.saturating_sub(request.due),
        service: since(request.sent),
        connect: Some(request.connected.saturating_sub(request.sent))
            .filter(|_| request.connected > 0),
        outcome: request.outcome,
    }
}

/// Connections are descriptors, and many limits are 1,024 for the sake of programs that `select`.
fn raise_descriptors() {
    // SAFETY: `limit` is a valid place for an rlimit; both calls touch nothing else.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 && limit.rlim_cur < limit.rlim_max
        {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}
