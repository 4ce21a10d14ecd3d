//! Names of system calls and of the flags that make a child.

/// What was asked for when a child was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Creation {
    /// The system call: `fork`, `vfork`, `clone` or `clone3`.
    pub call: String,
    /// Its flags and the signal that tells the parent of the child's end, by name, as in `CLONE_VM` and
    /// `SIGCHLD`; `STACK` if the child was given a stack of its own. What `fork` and `vfork` imply is
    /// there too.
    pub flags: Vec<String>,
    /// Bytes of that stack; `clone` does not say.
    pub stack_size: Option<u64>,
}

impl Creation {
    /// `clone` as it was called. The layout of the first two arguments is the same on x86-64 and aarch64.
    pub(super) fn by_clone(arguments: [u64; 6]) -> Self {
        let signal = arguments[0] & EXIT_SIGNAL;
        let flags = arguments[0] & u64::from(u32::MAX) & !EXIT_SIGNAL;
        Self {
            call: "clone".to_owned(),
            flags: flag_names(flags, signal, arguments[1] != 0),
            stack_size: None,
        }
    }

    /// `clone3`, with the words of its `struct clone_args`.
    pub(super) fn by_clone3(words: &[u64]) -> Self {
        let word = |index: usize| words.get(index).copied().unwrap_or(0);
        // flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, …
        let (flags, signal, stack, stack_size) = (word(0), word(4), word(5), word(6));
        Self {
            call: "clone3".to_owned(),
            flags: flag_names(flags, signal, stack != 0),
            stack_size: (stack != 0).then_some(stack_size),
        }
    }

    /// `fork` and `vfork`, which take no arguments.
    #[cfg(target_arch = "x86_64")]
    fn implied(call: &str, flags: u64) -> Self {
        Self {
            call: call.to_owned(),
            flags: flag_names(flags, libc::SIGCHLD as u64, false),
            stack_size: None,
        }
    }

    /// Whether a flag, `SIGCHLD` or `STACK` is there.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|name| name == flag)
    }
}

impl std::fmt::Display for Creation {
    /// As in `clone(CLONE_VM|CLONE_VFORK|SIGCHLD)`, or `vfork()`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let said = !matches!(self.call.as_str(), "fork" | "vfork");
        let flags = if said { &self.flags[..] } else { &[] };
        write!(f, "{}({})", self.call, flags.join("|"))
    }
}

/// What kind of call it is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// It makes a child.
    Creates(Creation),
    /// `clone3`, whose arguments stand in `words` words of memory at `address`.
    Clone3 { address: u64, words: usize },
    /// It executes the image named at this address.
    Executes { path: u64 },
    /// It reads from this descriptor.
    Reads { descriptor: u64 },
    /// Anything else.
    Other,
}

/// What a call is, from its number and arguments.
pub(super) fn kind(number: u64, arguments: [u64; 6]) -> Kind {
    /// Words of the longest `struct clone_args` we understand.
    const WORDS: u64 = 11;
    match number as i64 {
        libc::SYS_clone => Kind::Creates(Creation::by_clone(arguments)),
        libc::SYS_clone3 => Kind::Clone3 {
            address: arguments[0],
            words: (arguments[1] / 8).min(WORDS) as usize,
        },
        #[cfg(target_arch = "x86_64")]
        libc::SYS_fork => Kind::Creates(Creation::implied("fork", 0)),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_vfork => {
            let flags = libc::CLONE_VM | libc::CLONE_VFORK;
            Kind::Creates(Creation::implied("vfork", flags as u64))
        }
        libc::SYS_execve => Kind::Executes { path: arguments[0] },
        libc::SYS_execveat => Kind::Executes { path: arguments[1] },
        libc::SYS_read | libc::SYS_readv | libc::SYS_recvfrom => Kind::Reads {
            descriptor: arguments[0],
        },
        _ => Kind::Other,
    }
}

/// The part of `clone`'s flags that is a signal.
const EXIT_SIGNAL: u64 = 0xff;

/// Every flag of linux/sched.h.
const FLAGS: [(u64, &str); 27] = [
    (0x80, "CLONE_NEWTIME"),
    (0x100, "CLONE_VM"),
    (0x200, "CLONE_FS"),
    (0x400, "CLONE_FILES"),
    (0x800, "CLONE_SIGHAND"),
    (0x1000, "CLONE_PIDFD"),
    (0x2000, "CLONE_PTRACE"),
    (0x4000, "CLONE_VFORK"),
    (0x8000, "CLONE_PARENT"),
    (0x1_0000, "CLONE_THREAD"),
    (0x2_0000, "CLONE_NEWNS"),
    (0x4_0000, "CLONE_SYSVSEM"),
    (0x8_0000, "CLONE_SETTLS"),
    (0x10_0000, "CLONE_PARENT_SETTID"),
    (0x20_0000, "CLONE_CHILD_CLEARTID"),
    (0x40_0000, "CLONE_DETACHED"),
    (0x80_0000, "CLONE_UNTRACED"),
    (0x100_0000, "CLONE_CHILD_SETTID"),
    (0x200_0000, "CLONE_NEWCGROUP"),
    (0x400_0000, "CLONE_NEWUTS"),
    (0x800_0000, "CLONE_NEWIPC"),
    (0x1000_0000, "CLONE_NEWUSER"),
    (0x2000_0000, "CLONE_NEWPID"),
    (0x4000_0000, "CLONE_NEWNET"),
    (0x8000_0000, "CLONE_IO"),
    (0x1_0000_0000, "CLONE_CLEAR_SIGHAND"),
    (0x2_0000_0000, "CLONE_INTO_CGROUP"),
];

fn flag_names(flags: u64, signal: u64, stack: bool) -> Vec<String> {
    let known = FLAGS.iter().filter(|(bit, _)| flags & bit != 0);
    let mut names: Vec<String> = known.map(|(_, name)| (*name).to_owned()).collect();
    let rest = FLAGS.iter().fold(flags, |rest, (bit, _)| rest & !bit);
    if rest != 0 {
        names.push(format!("{rest:#x}"));
    }
    if signal == libc::SIGCHLD as u64 {
        names.push("SIGCHLD".to_owned());
    } else if signal != 0 {
        names.push(format!("signal {signal}"));
    }
    if stack {
        names.push("STACK".to_owned());
    }
    names
}

/// A system call's name; its number where this table does not have it.
pub(super) fn name(number: u64) -> String {
    BOTH.iter()
        .chain(OWN)
        .find(|(known, _)| *known as u64 == number)
        .map_or_else(|| format!("call {number}"), |(_, name)| (*name).to_owned())
}

macro_rules! names {
    ($($number:ident $name:literal)*) => { &[$((libc::$number, $name)),*] };
}

/// Calls that both architectures have and that processes make between birth and end.
#[rustfmt::skip]
const BOTH: &[(i64, &str)] = names! {
    SYS_accept4 "accept4" SYS_bind "bind" SYS_brk "brk" SYS_capget "capget" SYS_chdir "chdir" SYS_clock_gettime "clock_gettime"
    SYS_clock_nanosleep "clock_nanosleep" SYS_clone "clone" SYS_clone3 "clone3" SYS_close "close"
    SYS_close_range "close_range" SYS_connect "connect" SYS_dup "dup" SYS_dup3 "dup3" SYS_epoll_ctl "epoll_ctl"
    SYS_epoll_pwait "epoll_pwait" SYS_eventfd2 "eventfd2" SYS_execve "execve"
    SYS_execveat "execveat" SYS_exit "exit" SYS_exit_group "exit_group" SYS_faccessat "faccessat"
    SYS_faccessat2 "faccessat2" SYS_fcntl "fcntl" SYS_fstat "fstat" SYS_ftruncate "ftruncate"
    SYS_futex "futex" SYS_getcwd "getcwd" SYS_getdents64 "getdents64" SYS_getegid "getegid"
    SYS_geteuid "geteuid" SYS_getgid "getgid" SYS_getpgid "getpgid" SYS_getpid "getpid"
    SYS_getppid "getppid" SYS_getrandom "getrandom" SYS_getrusage "getrusage" SYS_getsockname "getsockname" SYS_gettid "gettid"
    SYS_getuid "getuid" SYS_ioctl "ioctl" SYS_kill "kill" SYS_lseek "lseek" SYS_madvise "madvise"
    SYS_memfd_create "memfd_create" SYS_mmap "mmap" SYS_mprotect "mprotect" SYS_mremap "mremap"
    SYS_munmap "munmap" SYS_nanosleep "nanosleep" SYS_newfstatat "newfstatat" SYS_openat "openat"
    SYS_pidfd_open "pidfd_open" SYS_pidfd_send_signal "pidfd_send_signal" SYS_pipe2 "pipe2"
    SYS_ppoll "ppoll" SYS_prctl "prctl" SYS_pread64 "pread64" SYS_prlimit64 "prlimit64"
    SYS_pwrite64 "pwrite64" SYS_read "read" SYS_readlinkat "readlinkat" SYS_readv "readv"
    SYS_recvfrom "recvfrom" SYS_recvmsg "recvmsg" SYS_restart_syscall "restart_syscall"
    SYS_rseq "rseq" SYS_rt_sigaction "rt_sigaction" SYS_rt_sigprocmask "rt_sigprocmask"
    SYS_rt_sigreturn "rt_sigreturn" SYS_rt_sigtimedwait "rt_sigtimedwait"
    SYS_sched_getaffinity "sched_getaffinity" SYS_sched_setaffinity "sched_setaffinity"
    SYS_sched_yield "sched_yield" SYS_sendmsg "sendmsg" SYS_sendto "sendto" SYS_setgid "setgid"
    SYS_setgroups "setgroups" SYS_setpgid "setpgid" SYS_set_robust_list "set_robust_list"
    SYS_setsid "setsid" SYS_set_tid_address "set_tid_address" SYS_setuid "setuid"
    SYS_shutdown "shutdown" SYS_sigaltstack "sigaltstack" SYS_socket "socket" SYS_socketpair "socketpair" SYS_statx "statx" SYS_sysinfo "sysinfo"
    SYS_tgkill "tgkill" SYS_umask "umask" SYS_uname "uname" SYS_unshare "unshare"
    SYS_wait4 "wait4" SYS_waitid "waitid" SYS_write "write" SYS_writev "writev"
};

/// Calls that x86-64 alone has: aarch64 was given their successors.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const OWN: &[(i64, &str)] = names! {
    SYS_access "access" SYS_alarm "alarm" SYS_arch_prctl "arch_prctl" SYS_dup2 "dup2"
    SYS_epoll_wait "epoll_wait" SYS_fork "fork" SYS_getpgrp "getpgrp" SYS_getrlimit "getrlimit"
    SYS_lstat "lstat" SYS_open "open" SYS_pause "pause" SYS_pipe "pipe" SYS_poll "poll"
    SYS_readlink "readlink" SYS_select "select" SYS_stat "stat" SYS_unlink "unlink"
    SYS_vfork "vfork"
};
#[cfg(not(target_arch = "x86_64"))]
const OWN: &[(i64, &str)] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_named_in_full_and_in_order() {
        let fork = Creation::by_clone([0x0120_0011, 0, 0, 0, 0, 0]);
        assert_eq!(
            fork.to_string(),
            "clone(CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD)"
        );
        let vm = Creation::by_clone([0x4111, 0x7f00, 0, 0, 0, 0]);
        assert_eq!(vm.to_string(), "clone(CLONE_VM|CLONE_VFORK|SIGCHLD|STACK)");
        assert!(vm.has("STACK") && !vm.has("CLONE_THREAD"));
    }

    #[test]
    fn clone3_takes_its_signal_and_its_stack_from_memory() {
        let words = [0x1000, 1, 0, 0, 17, 0x5000, 0x800, 0];
        let creation = Creation::by_clone3(&words);
        assert_eq!(creation.to_string(), "clone3(CLONE_PIDFD|SIGCHLD|STACK)");
        assert_eq!(creation.stack_size, Some(0x800));
        // clone's low byte is a signal; clone3's is a flag.
        let time = Creation::by_clone3(&[0x80]);
        assert_eq!(time.to_string(), "clone3(CLONE_NEWTIME)");
        let unknown = Creation::by_clone3(&[1 << 40, 0, 0, 0, 10]);
        assert_eq!(unknown.to_string(), "clone3(0x10000000000|signal 10)");
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn what_vfork_implies_is_there_and_not_shown() {
        let Kind::Creates(vfork) = kind(libc::SYS_vfork as u64, [7; 6]) else {
            panic!("vfork makes a child");
        };
        assert_eq!(vfork.to_string(), "vfork()");
        for flag in ["CLONE_VM", "CLONE_VFORK", "SIGCHLD"] {
            assert!(vfork.has(flag), "{flag}");
        }
    }

    #[test]
    fn calls_have_names_or_numbers() {
        assert_eq!(name(libc::SYS_execve as u64), "execve");
        assert_eq!(name(999_999), "call 999999");
        let mut numbers: Vec<i64> = BOTH.iter().chain(OWN).map(|(number, _)| *number).collect();
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), count, "a number stands twice");
    }
}
