//! What only the kernel or the C library itself can answer.

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::unistd::Pid;

/// The C library and its version, as in `glibc 2.36`.
pub fn libc_version() -> Option<String> {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: takes nothing and returns a static string that ends with a zero byte.
        let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
        Some(format!("glibc {}", version.to_string_lossy()))
    }
    #[cfg(target_env = "musl")]
    {
        // musl offers no call that tells its version.
        Some("musl".to_owned())
    }
    #[cfg(not(any(target_env = "gnu", target_env = "musl")))]
    {
        None
    }
}

/// Whether a system call reaches the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The kernel looked at the arguments.
    Offered,
    /// The kernel does not know the call, or a filter says so.
    Unknown,
    /// A filter forbids the call.
    Forbidden,
}

impl Answer {
    fn from_error(error: Errno) -> Self {
        match error {
            Errno::ENOSYS => Self::Unknown,
            Errno::EPERM | Errno::EACCES => Self::Forbidden,
            _ => Self::Offered,
        }
    }
}

/// Asks for a `clone3` that the kernel must refuse: nothing is created.
pub fn clone3_answer() -> Answer {
    // SAFETY: with a size of 0 the kernel reads nothing and returns EINVAL.
    let result = unsafe { libc::syscall(libc::SYS_clone3, std::ptr::null::<u8>(), 0_usize) };
    match Errno::result(result) {
        Ok(_) => Answer::Offered,
        Err(error) => Answer::from_error(error),
    }
}

/// Asks to trace a process that cannot exist: only a filter says anything but "no such process".
pub fn ptrace_answer() -> Answer {
    match ptrace::seize(Pid::from_raw(i32::MAX), ptrace::Options::empty()) {
        Ok(()) => Answer::Offered,
        Err(error) => Answer::from_error(error),
    }
}

/// The two numbers that a kernel release begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// As 6 in 6.18.
    pub major: u32,
    /// As 18 in 6.18.
    pub minor: u32,
}

impl Release {
    /// Reads `6.18.44-generic`, `6.1-rc3`, `5.14`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(|c: char| !c.is_ascii_digit());
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        Some(Self { major, minor })
    }
}
