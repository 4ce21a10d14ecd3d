//! Nothing is started and nobody sleeps: one process spins, accepts and answers. The floor, of generator, kernel
//! and loopback.

use super::exchange::{Waiting, answer};
use super::listener::Accepted;
use super::scoreboard::Step;
use super::{Model, ServerError, Serving};

pub(super) const MODEL: Model = Model {
    name: "server:null",
    summary: "one process that spins and answers by itself: the floor",
    executes: false,
    serve,
};

/// How often it looks for a connection before it looks whether it is to stop.
const LOOKS: u32 = 256;

fn serve(serving: &Serving<'_>) -> Result<(), ServerError> {
    serving.listener.set_nonblocking()?;
    while !is_readable(serving.stop) {
        for _ in 0..LOOKS {
            match serving.listener.accept(libc::SOCK_NONBLOCK) {
                Accepted::Connection(connection) => {
                    let number = serving.board.accepted();
                    serving.note(number, Step::Accepted);
                    let replied = answer(connection.fd(), Waiting::Spinning);
                    serving.note(number, Step::Replied);
                    drop(connection);
                    serving.board.answered(replied);
                }
                Accepted::None | Accepted::NoRoom => std::hint::spin_loop(),
                Accepted::Never => return Err(ServerError::of_call("accept4")),
            }
        }
    }
    Ok(())
}

fn is_readable(fd: i32) -> bool {
    let mut watched = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one valid entry; 0 does not wait.
    unsafe { libc::poll(&mut watched, 1, 0) > 0 }
}
