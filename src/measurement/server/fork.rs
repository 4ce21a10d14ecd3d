//! A forked child for each request, as Apache 1.0 and every server in Stevens's book began.

use super::accepting::accept_each;
use super::exchange::{Waiting, answer};
use super::scoreboard::Step;
use super::{Model, ServerError, Serving};

pub(super) const MODEL: Model = Model {
    name: "server:fork",
    summary: "a forked child for each request",
    executes: false,
    serve,
};

fn serve(serving: &Serving<'_>) -> Result<(), ServerError> {
    serving.board.count_by_status();
    accept_each(serving, |connection, number| {
        serving.board.started();
        // SAFETY: the child keeps to what is safe between fork and _exit.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            serving.note(number, Step::Started);
            // SAFETY: this is the child, whose copy of the listener is of no use to it.
            unsafe { libc::close(serving.listener.fd()) };
            let replied = answer(connection.fd(), Waiting::Asleep);
            serving.note(number, Step::Replied);
            // The connection closes with the process. SAFETY: ends this process alone.
            unsafe { libc::_exit(i32::from(!replied)) }
        }
        // The parent's copy closes here: the connection is the child's, or nobody's.
        drop(connection);
        if pid < 0 {
            serving.board.not_started();
        }
        pid > 0
    })
}
