//! The listening socket.

use std::ffi::c_int;
use std::io;
use std::mem;
use std::os::fd::RawFd;

use super::error::ServerError;

/// Connections that may wait to be accepted; the kernel cuts it down to `net.core.somaxconn`.
const BACKLOG: c_int = 4096;
/// How long a peer may say nothing: a client that hangs must not hold a worker for ever.
const PATIENCE_SECONDS: i64 = 2;

/// A socket that listens on 127.0.0.1. It is closed when dropped.
#[derive(Debug)]
pub struct Listener {
    fd: RawFd,
    port: u16,
}

/// One accepted connection. It is closed when dropped.
#[derive(Debug)]
pub(super) struct Connection(RawFd);

impl Connection {
    pub(super) fn fd(&self) -> RawFd {
        self.0
    }

    /// Gives the descriptor away: whoever has it closes it.
    pub(super) fn into_fd(self) -> RawFd {
        let fd = self.0;
        mem::forget(self);
        fd
    }

    /// Takes over a descriptor that was given away.
    ///
    /// # Safety
    /// `fd` is open, and nobody else closes it.
    pub(super) unsafe fn from_fd(fd: RawFd) -> Self {
        Self(fd)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: this value's own descriptor.
        unsafe { libc::close(self.0) };
    }
}

impl Listener {
    /// Listens on `port`; 0 is any that is free.
    ///
    /// # Errors
    /// [`ServerError::PortInUse`], [`ServerError::PortForbidden`], or another call that failed.
    pub fn bind(port: u16) -> Result<Self, ServerError> {
        let address = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: port.to_be(),
            sin_addr: libc::in_addr {
                s_addr: u32::from(std::net::Ipv4Addr::LOCALHOST).to_be(),
            },
            sin_zero: [0; 8],
        };
        // SAFETY: the call takes plain numbers.
        let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(ServerError::of_call("socket"));
        }
        let mut listener = Self { fd, port };
        // Connections that a server before us closed may still linger on the port.
        listener.set(libc::SO_REUSEADDR, &1i32)?;
        // What is accepted inherits these.
        let patience = libc::timeval {
            tv_sec: PATIENCE_SECONDS,
            tv_usec: 0,
        };
        listener.set(libc::SO_RCVTIMEO, &patience)?;
        listener.set(libc::SO_SNDTIMEO, &patience)?;
        let size = mem::size_of_val(&address) as libc::socklen_t;
        // SAFETY: `address` is a socket address of that size.
        if unsafe { libc::bind(fd, (&raw const address).cast(), size) } != 0 {
            return Err(match io::Error::last_os_error().raw_os_error() {
                Some(libc::EADDRINUSE) => ServerError::PortInUse { port },
                Some(libc::EACCES) => ServerError::PortForbidden { port },
                _ => ServerError::of_call("bind"),
            });
        }
        // SAFETY: a descriptor of ours and a number.
        if unsafe { libc::listen(fd, BACKLOG) } != 0 {
            // Two may bind the same port with SO_REUSEADDR; one of them may listen.
            return Err(match io::Error::last_os_error().raw_os_error() {
                Some(libc::EADDRINUSE) => ServerError::PortInUse { port },
                _ => ServerError::of_call("listen"),
            });
        }
        listener.port = listener.bound_port()?;
        Ok(listener)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn fd(&self) -> RawFd {
        self.fd
    }

    fn set<T>(&self, option: c_int, value: &T) -> Result<(), ServerError> {
        let size = size_of::<T>() as libc::socklen_t;
        // SAFETY: `value` is a plain value of that size.
        let result = unsafe {
            libc::setsockopt(
                self.fd,
                libc::SOL_SOCKET,
                option,
                (&raw const *value).cast(),
                size,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(ServerError::of_call("setsockopt"))
        }
    }

    fn bound_port(&self) -> Result<u16, ServerError> {
        // SAFETY: all zeros is a socket address, and the kernel fills in no more than `size`.
        unsafe {
            let mut address: libc::sockaddr_in = mem::zeroed();
            let mut size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            if libc::getsockname(self.fd, (&raw mut address).cast(), &mut size) != 0 {
                return Err(ServerError::of_call("getsockname"));
            }
            Ok(u16::from_be(address.sin_port))
        }
    }

    /// Has `accept` return at once where nobody waits. Pools wait in it instead.
    pub(super) fn set_nonblocking(&self) -> Result<(), ServerError> {
        // SAFETY: plain calls on a descriptor of ours.
        unsafe {
            let flags = libc::fcntl(self.fd, libc::F_GETFL);
            if flags < 0 || libc::fcntl(self.fd, libc::F_SETFL, flags | libc::O_NONBLOCK) < 0 {
                return Err(ServerError::of_call("fcntl"));
            }
        }
        Ok(())
    }

    /// Accepts a connection. Async-signal-safe.
    pub(super) fn accept(&self, flags: c_int) -> Accepted {
        // SAFETY: null asks for no address.
        let fd = unsafe {
            libc::accept4(
                self.fd,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                flags | libc::SOCK_CLOEXEC,
            )
        };
        if fd >= 0 {
            return Accepted::Connection(Connection(fd));
        }
        // SAFETY: errno's place is the thread's own.
        match unsafe { *libc::__errno_location() } {
            libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM => Accepted::NoRoom,
            libc::EAGAIN | libc::EINTR | libc::ECONNABORTED | libc::EPROTO => Accepted::None,
            _ => Accepted::Never,
        }
    }
}

/// What came of accepting.
pub(super) enum Accepted {
    /// A connection.
    Connection(Connection),
    /// Nobody waits, or no longer.
    None,
    /// No descriptor or memory is left for it.
    NoRoom,
    /// The socket listens no more.
    Never,
}

impl Drop for Listener {
    fn drop(&mut self) {
        // SAFETY: this value's own descriptor.
        unsafe { libc::close(self.fd) };
    }
}
