//! One child's life, told step by step.

use serde::{Deserialize, Serialize};

use crate::mechanism::Spent;

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
    /// What the parent's own thread spent until the call returned.
    pub parent_call: Option<Spent>,
    /// And until it had reaped the child.
    pub parent_reap: Option<Spent>,
    /// Bytes of the parent's page tables.
    pub page_tables: Option<u64>,
    /// Bytes of page tables that the call made for the child; 0 where it shares its parent's.
    pub copied_tables: Option<u64>,
    /// Entries in them: pages, whether of 4 KiB or huge.
    pub copied_entries: Option<u64>,
    /// What a copy-on-write fault cost in the same subject, nanoseconds.
    pub fault_ns: Option<u64>,
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

/// How long a child was in each state, nanoseconds, from the call to the reaping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct States {
    /// The kernel made it.
    pub created: u64,
    /// It could run, and waited for a CPU.
    pub ready: u64,
    /// It was on a CPU, its own exit included.
    pub running: u64,
    /// It waited for something.
    pub blocked: u64,
    /// It was a zombie.
    pub ended: u64,
}

impl Life {
    /// The states of this life, which add up to it; `None` where the scheduler's account is missing.
    ///
    /// A child is ready when the call returns in the parent, or, where it ran before that (vfork), as
    /// long before its first reading of the clock as it waited for a CPU. Without such a reading
    /// (posix_spawn) it is reckoned back from its end. A child that gave up the CPU
    /// just once did so to end: it was never blocked.
    pub fn states(&self) -> Option<States> {
        let (ran, waited) = (self.ran_ns?, self.waited_ns?);
        let moments = &self.moments;
        let total = moments.reap.max(moments.call);
        let created = match (moments.start, moments.ended) {
            (Some(start), _) if start < moments.call => start.saturating_sub(waited),
            (None, Some(ended)) => ended
                .saturating_sub(ran.saturating_add(waited))
                .min(moments.call),
            _ => moments.call,
        };
        let ended = moments.ended.unwrap_or(total).min(total);
        let mut left = ended.saturating_sub(created);
        let mut take = |ns: u64| {
            let taken = ns.min(left);
            left -= taken;
            taken
        };
        let (ready, running) = (take(waited), take(ran));
        let blocked = match self.voluntary_switches {
            Some(2..) => take(u64::MAX),
            _ => 0,
        };
        let lived = created + ready + running + blocked;
        Some(States {
            created,
            ready,
            running,
            blocked,
            ended: total.saturating_sub(lived),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(moments: LifeMoments, ran: u64, waited: u64, voluntary: u64) -> Life {
        Life {
            cell: "fork/0".into(),
            mechanism: "fork".into(),
            system_call: None,
            parent_pid: 1,
            returned_in_parent: 2,
            returned_in_child: Some(0),
            child_pid: Some(2),
            child_parent_pid: Some(1),
            moments,
            ran_ns: Some(ran),
            waited_ns: Some(waited),
            minor_faults: None,
            major_faults: None,
            voluntary_switches: Some(voluntary),
            involuntary_switches: None,
            exit_status: Some(1),
            parent_call: None,
            parent_reap: None,
            page_tables: None,
            copied_tables: None,
            copied_entries: None,
            fault_ns: None,
        }
    }

    #[test]
    fn states_add_up_to_the_whole_life() {
        let forked = LifeMoments {
            call: 40,
            start: Some(61),
            ended: Some(111),
            reap: 123,
            ..LifeMoments::default()
        };
        let states = life(forked.clone(), 62, 5, 1).states().unwrap();
        assert_eq!(
            states,
            States {
                created: 40,
                ready: 5,
                running: 62,
                blocked: 0,
                ended: 16
            }
        );
        let spawned = LifeMoments {
            call: 50,
            exec: Some(71),
            ended: Some(90),
            reap: 100,
            ..LifeMoments::default()
        };
        let states = life(spawned, 64, 8, 1).states().unwrap();
        let expected = States {
            created: 18,
            ready: 8,
            running: 64,
            blocked: 0,
            ended: 10,
        };
        assert_eq!(states, expected);
        let blocked = life(forked, 20, 5, 2).states().unwrap();
        assert_eq!(
            blocked,
            States {
                created: 40,
                ready: 5,
                running: 20,
                blocked: 46,
                ended: 12
            }
        );
        let vforked = LifeMoments {
            call: 15,
            start: Some(9),
            ended: Some(24),
            reap: 34,
            ..LifeMoments::default()
        };
        let states = life(vforked, 9, 5, 1).states().unwrap();
        assert_eq!(
            states,
            States {
                created: 4,
                ready: 5,
                running: 9,
                blocked: 0,
                ended: 16
            }
        );
    }

    #[test]
    fn an_account_that_cannot_be_never_exceeds_the_life() {
        let moments = LifeMoments {
            call: u64::MAX,
            reap: 5,
            ..LifeMoments::default()
        };
        let states = life(moments, u64::MAX, u64::MAX, 9).states().unwrap();
        assert_eq!(states.created, u64::MAX);
        assert_eq!(
            states.running + states.ready + states.blocked + states.ended,
            0
        );
    }
}
