//! A TCP connection over loopback, without Nagle's algorithm.

use std::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use super::failure::{Broken, Failure};
use super::stream::Sockets;
use super::{Channel, Ends, Side, Vigil, Waiting};

pub(super) const CHANNEL: Channel = Channel {
    name: "ipc:tcp",
    summary: "a TCP connection over loopback, with TCP_NODELAY",
    waiting: Waiting::Asleep,
    open,
    sweep: None,
};

/// What an address takes.
const ADDRESS: libc::socklen_t = size_of::<libc::sockaddr_in>() as libc::socklen_t;

struct Connection(Sockets);

/// The kernel completes a connection to a socket that listens, so one process can make both ends.
fn open(_: usize) -> Result<Box<dyn Ends>, Failure> {
    let listener = socket()?;
    let address = listen(&listener)?;
    let parent = socket()?;
    // SAFETY: `address` is a valid address of that length.
    if unsafe { libc::connect(parent.as_raw_fd(), (&raw const address).cast(), ADDRESS) } != 0 {
        return Err(Failure::of_call("connect"));
    }
    let (fd, none) = (listener.as_raw_fd(), ptr::null_mut());
    // SAFETY: who has connected is not asked for: it is this process.
    let child = unsafe { libc::accept4(fd, none, ptr::null_mut(), libc::SOCK_CLOEXEC) };
    if child < 0 {
        return Err(Failure::of_call("accept4"));
    }
    // SAFETY: it was just opened, and is nobody else's.
    let child = unsafe { OwnedFd::from_raw_fd(child) };
    for end in [&parent, &child] {
        set(end, libc::IPPROTO_TCP, libc::TCP_NODELAY, &1_i32)?;
        // Closed without lingering it leaves no TIME_WAIT, of which thousands would use up the ports.
        let linger = libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        set(end, libc::SOL_SOCKET, libc::SO_LINGER, &linger)?;
    }
    Ok(Box::new(Connection(Sockets::new([parent, child]))))
}

fn socket() -> Result<OwnedFd, Failure> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: plain numbers.
    let fd = unsafe { libc::socket(libc::AF_INET, kind, 0) };
    if fd < 0 {
        return Err(Failure::of_call("socket"));
    }
    // SAFETY: it was just opened, and is nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Listens on a port of the kernel's choice.
fn listen(listener: &OwnedFd) -> Result<libc::sockaddr_in, Failure> {
    let fd = listener.as_raw_fd();
    // SAFETY: all zeros is a valid address; the calls get its place and its length.
    unsafe {
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_addr.s_addr = u32::from_be_bytes([127, 0, 0, 1]).to_be();
        let mut length = ADDRESS;
        if libc::bind(fd, (&raw const address).cast(), length) != 0 {
            return Err(Failure::of_call("bind"));
        }
        if libc::listen(fd, 1) != 0 {
            return Err(Failure::of_call("listen"));
        }
        if libc::getsockname(fd, (&raw mut address).cast(), &mut length) != 0 {
            return Err(Failure::of_call("getsockname"));
        }
        Ok(address)
    }
}

fn set<T>(socket: &OwnedFd, level: c_int, option: c_int, value: &T) -> Result<(), Failure> {
    let place: *const c_void = ptr::from_ref(value).cast();
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: `place` holds `length` bytes, of the type that the option takes.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, place, length) } {
        0 => Ok(()),
        _ => Err(Failure::of_call("setsockopt")),
    }
}

fn has_no_delay(fd: RawFd) -> bool {
    let mut value: c_int = 0;
    let mut length = size_of::<c_int>() as libc::socklen_t;
    let place: *mut c_void = (&raw mut value).cast();
    // SAFETY: `place` has room for `length` bytes.
    let got =
        unsafe { libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, place, &mut length) };
    got == 0 && value != 0
}

impl Ends for Connection {
    fn take(&mut self, side: Side, _: libc::pid_t) {
        self.0.take(side);
    }

    fn send(&mut self, message: &[u8], vigil: &Vigil) -> Result<(), Broken> {
        self.0.send(message, vigil)
    }

    fn receive(&mut self, room: &mut [u8], vigil: &Vigil) -> Result<(), Broken> {
        self.0.receive(room, vigil)
    }

    fn check(&self) -> Result<(), Failure> {
        let what = "TCP_NODELAY";
        match self.0.both().all(has_no_delay) {
            true => Ok(()),
            false => Err(Failure::NotGiven { what }),
        }
    }
}
