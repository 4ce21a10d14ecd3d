//! One child's life, told step by step.

use serde::{Deserialize, Serialize};

/// One child's life: what happened, when, and what each side saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Life {
    /// The cell.
    pub cell: String,
    /// The mechanism's name.
    pub mechanism: String,
    /// The system call that made the child, as in `clone(SIGCHLD)`; `None` where ptrace is denied.
    pub system_call: Option<String>,
    /// The parent's pid.
    pub parent_pid: i32,
    /// What the call returned in the parent: the child's pid (a thread's tid), 0 for the null operation.
    pub returned_in_parent: i64,
    /// What the call returned in the child; `None` where it returns once (posix_spawn, threads).
    pub returned_in_child: Option<i64>,
    /// What the child says its pid is; `None` where no code of ours runs in it.
    pub child_pid: Option<i32>,
    /// What the child says its parent's pid is.
    pub child_parent_pid: Option<i32>,
    /// Moments after `t0`, in nanoseconds; those that were seen.
    pub moments: LifeMoments,
    /// Nanoseconds the child ran on a CPU, as the scheduler counted.
    pub ran_ns: Option<u64>,
    /// Nanoseconds it was ready and waited for a CPU.
    pub waited_ns: Option<u64>,
    /// Its minor page faults.
    pub minor_faults: Option<u64>,
    /// Its major page faults.
    pub major_faults: Option<u64>,
    /// Times it gave up the CPU.
    pub voluntary_switches: Option<u64>,
    /// Times the CPU was taken from it.
    pub involuntary_switches: Option<u64>,
    /// Exit status.
    pub exit_status: Option<i32>,
}

/// Moments of a child's life, nanoseconds after the parent's last instant before the call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifeMoments {
    /// The call returned in the parent.
    pub call: u64,
    /// The child first read the clock.
    pub start: Option<u64>,
    /// The new image's first instruction.
    pub exec: Option<u64>,
    /// The child's last instruction before it ended.
    pub end: Option<u64>,
    /// The parent was told that it has ended.
    pub ended: Option<u64>,
    /// The parent reaped it.
    pub reap: u64,
}
