//! One connection to the server, which never blocks.

use std::ffi::c_int;
use std::net::SocketAddrV4;
use std::os::fd::RawFd;

use super::REQUEST;
use super::reply::Reply;

/// A connection. It is reset when dropped.
#[derive(Debug)]
pub(super) struct Connection {
    fd: RawFd,
    /// Bytes of the request that were written.
    written: usize,
    reply: Reply,
}

/// What came of beginning a connection.
pub(super) enum Begun {
    /// It is under way.
    Connection(Connection),
    /// The server refused it.
    Refused,
    /// No descriptor or no port is left on our side.
    NoRoom,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is more to come.
    Pending,
    /// The whole request was written just now.
    Written,
    /// The whole reply is there.
    Answered,
    /// The server has closed it, after the whole reply.
    Closed,
    /// It was reset, or closed too early, or the reply is none.
    Failed,
}

impl Connection {
    /// Begins a connection; `reply` is the room for what comes.
    pub(super) fn begin(address: SocketAddrV4, mut reply: Reply) -> Begun {
        reply.clear();
        let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: the call takes plain numbers.
        let fd = unsafe { libc::socket(libc::AF_INET, kind, 0) };
        if fd < 0 {
            return Begun::NoRoom;
        }
        let connection = Self {
            fd,
            written: 0,
            reply,
        };
        // Closing resets the connection. Otherwise whoever closes first keeps the pair of ports for a minute, and
        // at a thousand requests in a second no port would be left.
        let linger = libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        let address = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: address.port().to_be(),
            sin_addr: libc::in_addr {
                s_addr: u32::from(*address.ip()).to_be(),
            },
            sin_zero: [0; 8],
        };
        // SAFETY: both pointers are to plain values of the sizes that are named.
        let result = unsafe {
            libc::setsockopt(
                fd,
                libc::SOL_SOCKET,
                libc::SO_LINGER,
                (&raw const linger).cast(),
                size_of::<libc::linger>() as libc::socklen_t,
            );
            libc::connect(
                fd,
                (&raw const address).cast(),
                size_of::<libc::sockaddr_in>() as libc::socklen_t,
            )
        };
        match (result, errno()) {
            (0, _) | (_, libc::EINPROGRESS) => Begun::Connection(connection),
            (_, libc::EADDRNOTAVAIL | libc::EAGAIN | libc::ENOBUFS) => Begun::NoRoom,
            _ => Begun::Refused,
        }
    }

    pub(super) fn fd(&self) -> RawFd {
        self.fd
    }

    /// Takes the room for a reply back.
    pub(super) fn into_reply(mut self) -> Reply {
        std::mem::take(&mut self.reply)
    }

    /// Writes what is left of the request, if the connection is there.
    pub(super) fn write(&mut self) -> Progress {
        let rest = REQUEST.get(self.written..).unwrap_or_default();
        if rest.is_empty() {
            return Progress::Pending;
        }
        // SAFETY: `rest` is valid for its length.
        let sent = unsafe {
            libc::send(
                self.fd,
                rest.as_ptr().cast(),
                rest.len(),
                libc::MSG_NOSIGNAL,
            )
        };
        if sent > 0 {
            self.written += sent as usize;
            return match self.written == REQUEST.len() {
                true => Progress::Written,
                false => Progress::Pending,
            };
        }
        match errno() {
            // Not connected yet.
            libc::EAGAIN | libc::EINTR | libc::ENOTCONN => Progress::Pending,
            _ => Progress::Failed,
        }
    }

    /// Reads what has come. A reply that is whole before its connection is closed is told once as
    /// [`Progress::Answered`].
    pub(super) fn read(&mut self, answered: bool) -> Progress {
        let mut chunk = [0u8; 4096];
        loop {
            // SAFETY: `chunk` has room for what is asked for.
            let read = unsafe { libc::read(self.fd, chunk.as_mut_ptr().cast(), chunk.len()) };
            if read > 0 {
                let came = chunk.get(..read as usize).unwrap_or_default();
                match self.reply.take(came) {
                    Some(true) if !answered => return Progress::Answered,
                    Some(false) => return Progress::Failed,
                    _ => continue,
                }
            }
            if read == 0 {
                let good = self.reply.close();
                return match (good, answered) {
                    (true, true) => Progress::Closed,
                    (true, false) => Progress::Answered,
                    (false, _) => Progress::Failed,
                };
            }
            return match errno() {
                libc::EAGAIN => Progress::Pending,
                libc::EINTR => continue,
                _ if answered => Progress::Closed,
                _ => Progress::Failed,
            };
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: this value's own descriptor.
        unsafe { libc::close(self.fd) };
    }
}

pub(super) fn errno() -> c_int {
    // SAFETY: errno's place is the thread's own.
    unsafe { *libc::__errno_location() }
}
