//! One request and its reply.
//!
//! All of it is async-signal-safe: forked children answer with it.

use std::os::fd::RawFd;

use crate::clock;

/// What every server replies. The same text stands in `answer.c`.
pub(super) const REPLY: &[u8] =
    b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\nConnection: close\r\n\r\nforkbench\n";

/// The longest request that is read, in bytes.
const LONGEST: usize = 2048;
/// How long a connection that is spun on may say nothing.
const PATIENCE: u64 = 2_000_000_000;

/// How to wait for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The read waits, and times out by itself.
    Asleep,
    /// Reading again and again: the descriptor must not block.
    Spinning,
}

/// Reads one request and replies to it. Whether that was done; the connection is the caller's to close.
#[inline]
pub(super) fn answer(connection: RawFd, waiting: Waiting) -> bool {
    read_request(connection, waiting) && write_all(connection, REPLY)
}

/// Reads up to the blank line that ends a request without a body.
fn read_request(connection: RawFd, waiting: Waiting) -> bool {
    let mut head = [0u8; LONGEST];
    let mut filled = 0;
    let mut begun = 0;
    loop {
        let Some(room) = head.get_mut(filled..).filter(|room| !room.is_empty()) else {
            return false;
        };
        // SAFETY: `room` is valid for its length.
        let read = unsafe { libc::read(connection, room.as_mut_ptr().cast(), room.len()) };
        if read > 0 {
            filled += read as usize;
            let read = head.get(..filled).unwrap_or_default();
            if read.windows(4).any(|four| four == b"\r\n\r\n") {
                return true;
            }
            continue;
        }
        if read == 0 {
            return false;
        }
        match (errno(), waiting) {
            (libc::EINTR, _) => {}
            (libc::EAGAIN, Waiting::Spinning) => {
                let now = clock::now();
                if begun == 0 {
                    begun = now;
                }
                if now - begun > PATIENCE {
                    return false;
                }
                std::hint::spin_loop();
            }
            _ => return false,
        }
    }
}

fn write_all(connection: RawFd, bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        // A client that is gone is an error here, and no signal. SAFETY: `rest` is valid for its length.
        let sent = unsafe {
            libc::send(
                connection,
                rest.as_ptr().cast(),
                rest.len(),
                libc::MSG_NOSIGNAL,
            )
        };
        if sent > 0 {
            rest = rest.get(sent as usize..).unwrap_or_default();
        } else if errno() != libc::EINTR {
            return false;
        }
    }
    true
}

fn errno() -> i32 {
    // SAFETY: errno's place is the thread's own.
    unsafe { *libc::__errno_location() }
}
