//! The raw `clone3` system call with `CLONE_PIDFD`, waited for by `waitid(P_PIDFD)`.

use super::claim::{Claim, Event};
use super::reap::reap;
use super::{Failure, Iteration, Mechanism, Needs, Phase, Sample, Stage, Work};
use crate::clock;

pub(super) const MECHANISM: Mechanism = Mechanism {
    name: "clone3",
    summary: "raw clone3 with CLONE_PIDFD, waited for by waitid(P_PIDFD); the child calls _exit",
    phases: &[Phase::Call, Phase::Start, Phase::Reap],
    claim: Claim {
        event: Event::Fork,
        calls: &["clone3"],
        flags: &["CLONE_PIDFD", "SIGCHLD"],
        without: &["CLONE_VM", "CLONE_VFORK"],
        exec: false,
        also: &[],
    },
    returns_twice: true,
    needs: Needs {
        image: false,
        stack: false,
    },
    work: Work::Child(iterate),
};

fn iterate(stage: &mut Stage, iteration: Iteration) -> Result<Sample, Failure> {
    let child = stage.child(iteration, false);
    let mut pidfd: libc::c_int = -1;
    // SAFETY: all zeros is a valid clone_args: no flags, no stack, no signal.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = libc::CLONE_PIDFD as u64;
    arguments.pidfd = (&raw mut pidfd) as u64;
    arguments.exit_signal = libc::SIGCHLD as u64;
    let t0 = stage.begin();
    // SAFETY: without CLONE_VM and without a stack the call behaves as fork does; the child only stamps
    // and leaves, and so never meets the C library that was not told of the fork.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            &raw mut arguments,
            size_of::<libc::clone_args>(),
        )
    };
    if pid == 0 {
        // SAFETY: this is the child; `child` is in its copy of the parent's memory.
        unsafe {
            child.arrive(0);
            child.depart()
        }
    }
    let called = clock::now();
    if pid < 0 {
        return Err(Failure::of_call("clone3"));
    }
    let reaped = wait(stage, pidfd, pid as libc::pid_t, iteration.status());
    // SAFETY: the kernel gave us this descriptor. It is closed after timing.
    unsafe { libc::close(pidfd) };
    let reaped = reaped?;
    stage.check_memory(false)?;
    stage.sample(iteration, t0, called, reaped)
}

fn wait(
    stage: &mut Stage,
    pidfd: libc::c_int,
    pid: libc::pid_t,
    status: i32,
) -> Result<u64, Failure> {
    if stage.watching {
        return reap(stage, pid, status);
    }
    // SAFETY: all zeros is a valid siginfo_t, and waitid fills it in.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is a valid place for what waitid says.
    let waited = unsafe { libc::waitid(libc::P_PIDFD, pidfd as u32, &mut info, libc::WEXITED) };
    let now = clock::now();
    if waited != 0 {
        return Err(Failure::of_call("waitid"));
    }
    // SAFETY: waitid succeeded, so these fields are filled in.
    let (reaped, end) = unsafe { (info.si_pid(), info.si_status()) };
    if reaped != pid {
        return Err(Failure::WrongChild {
            expected: pid.into(),
            got: reaped.into(),
        });
    }
    if info.si_code != libc::CLD_EXITED || end != status {
        let got = if info.si_code == libc::CLD_EXITED {
            end.to_string()
        } else {
            format!("signal {end}")
        };
        return Err(Failure::WrongEnd {
            expected: status,
            got,
        });
    }
    Ok(now)
}
