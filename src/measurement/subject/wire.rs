//! Lines in, lines out, on descriptors that no child can touch.

use std::ffi::c_int;
use std::io;

use crate::protocol::{Answer, LONGEST_LINE};

/// The protocol's descriptors lie above what children and the exec image's stamps use.
const FIRST_DESCRIPTOR: c_int = 10;

/// The harness's end of the conversation, as the subject holds it.
pub(super) struct Wire {
    input: c_int,
    output: c_int,
    pending: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Wire {
    /// Moves standard input and output out of children's reach, puts `/dev/null` in their places and in
    /// that of standard error, and puts SIGCHLD and SIGPIPE back to their defaults.
    pub(super) fn take_over() -> io::Result<Self> {
        // SAFETY: plain descriptor calls; nothing else in this process holds descriptors yet.
        unsafe {
            // Whatever else was inherited is not ours: each costs a fork a little, and differs from caller
            // to caller. A kernel without the call leaves them.
            libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0);
            let input = check(libc::fcntl(0, libc::F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR))?;
            let output = check(libc::fcntl(1, libc::F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR))?;
            let null = check(libc::open(
                c"/dev/null".as_ptr(),
                libc::O_RDWR | libc::O_CLOEXEC,
            ))?;
            for standard in 0..=2 {
                check(libc::dup2(null, standard))?;
            }
            if null > 2 {
                libc::close(null);
            }
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            // A write to a harness that is gone must end the subject with an error, not a signal's
            // default, so that a held footprint is given back in order.
            libc::signal(libc::SIGPIPE, libc::SIG_IGN);
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
            Ok(Self {
                input,
                output,
                pending: Vec::new(),
                outgoing: Vec::new(),
            })
        }
    }

    /// The descriptor that orders come from: readable when there is one, or no more will come.
    pub(super) fn input(&self) -> c_int {
        self.input
    }

    /// Whether an order was read from there already.
    pub(super) fn has_a_line(&self) -> bool {
        self.pending.contains(&b'\n')
    }

    /// The next line, without its end; `None` when there are no more.
    pub(super) fn receive(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.pending.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line[..end]).into_owned()));
            }
            if self.pending.len() > LONGEST_LINE {
                return Err(io::Error::other(
                    "a line is longer than the protocol allows",
                ));
            }
            let mut chunk = [0u8; 1024];
            // SAFETY: `chunk` has room for what is asked for.
            let read = unsafe { libc::read(self.input, chunk.as_mut_ptr().cast(), chunk.len()) };
            match read {
                0 if self.pending.is_empty() => return Ok(None),
                // A last line without an end is a line.
                0 => self.pending.push(b'\n'),
                n if n > 0 => self.pending.extend_from_slice(&chunk[..n as usize]),
                _ => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Sends an answer now.
    pub(super) fn send(&mut self, answer: &Answer) -> io::Result<()> {
        self.queue(answer)?;
        self.flush()
    }

    /// Sends an answer with others, when enough have come together.
    pub(super) fn queue(&mut self, answer: &Answer) -> io::Result<()> {
        self.outgoing.extend_from_slice(answer.to_line().as_bytes());
        self.outgoing.push(b'\n');
        if self.outgoing.len() >= 8 * 1024 {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.outgoing.len() {
            let rest = &self.outgoing[sent..];
            // SAFETY: `rest` is valid for its length.
            let written = unsafe { libc::write(self.output, rest.as_ptr().cast(), rest.len()) };
            match written {
                n if n > 0 => sent += n as usize,
                _ => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
        self.outgoing.clear();
        Ok(())
    }
}

/// Reads a descriptor to its end.
pub(super) fn drain(input: c_int) {
    let mut chunk = [0u8; 64];
    loop {
        // SAFETY: `chunk` has room for what is asked for.
        let read = unsafe { libc::read(input, chunk.as_mut_ptr().cast(), chunk.len()) };
        let interrupted =
            read < 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted;
        if read <= 0 && !interrupted {
            return;
        }
    }
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
