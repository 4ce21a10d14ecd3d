//! One child's life, as an answer tells it.

use super::pairs::{LineError, Pairs, put, put_some};
use crate::mechanism::Spent;

/// One child's life as both sides saw it; nanoseconds after `t0`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// The parent's pid.
    pub parent_pid: i32,
    /// What the call returned in the parent.
    pub returned: i64,
    /// What it returned in the child.
    pub child_returned: Option<i64>,
    /// The child's own word for its pid.
    pub child_pid: Option<i32>,
    /// The child's own word for its parent's.
    pub child_parent_pid: Option<i32>,
    /// The call returned in the parent.
    pub call: u64,
    /// The child first read the clock.
    pub start: Option<u64>,
    /// The new image's first instruction.
    pub exec: Option<u64>,
    /// The child's last reading of the clock.
    pub end: Option<u64>,
    /// The parent was told that it has ended.
    pub ended: Option<u64>,
    /// It was reaped.
    pub reap: u64,
    /// Time on a CPU.
    pub ran: Option<u64>,
    /// Time ready, without one.
    pub waited: Option<u64>,
    /// Minor page faults of the child.
    pub minor_faults: Option<u64>,
    /// Major page faults of the child.
    pub major_faults: Option<u64>,
    /// Times the child gave up the CPU.
    pub voluntary_switches: Option<u64>,
    /// Times the CPU was taken from it.
    pub involuntary_switches: Option<u64>,
    /// What it ended with.
    pub status: Option<i32>,
    /// What the parent spent from `t0` until the call returned.
    pub parent_call: Option<Spent>,
    /// And until the child was reaped.
    pub parent_reap: Option<Spent>,
    /// Bytes of page tables that the child was given; 0 where it shares its parent's.
    pub copied_tables: Option<u64>,
    /// Entries in them.
    pub copied_entries: Option<u64>,
    /// What a copy-on-write fault costs in this subject, nanoseconds.
    pub fault: Option<u64>,
}

/// The line for a life.
pub(super) fn life_line(life: &Observed) -> String {
    let mut line = "life".to_owned();
    put(&mut line, "parent_pid", life.parent_pid);
    put(&mut line, "returned", life.returned);
    put_some(&mut line, "child_returned", life.child_returned);
    put_some(&mut line, "child_pid", life.child_pid);
    put_some(&mut line, "child_parent_pid", life.child_parent_pid);
    put(&mut line, "call", life.call);
    put_some(&mut line, "start", life.start);
    put_some(&mut line, "exec", life.exec);
    put_some(&mut line, "end", life.end);
    put_some(&mut line, "ended", life.ended);
    put(&mut line, "reap", life.reap);
    put_some(&mut line, "ran", life.ran);
    put_some(&mut line, "waited", life.waited);
    put_some(&mut line, "minor_faults", life.minor_faults);
    put_some(&mut line, "major_faults", life.major_faults);
    put_some(&mut line, "voluntary_switches", life.voluntary_switches);
    put_some(&mut line, "involuntary_switches", life.involuntary_switches);
    put_some(&mut line, "status", life.status);
    for (names, spent) in [
        (&CALL_KEYS, &life.parent_call),
        (&REAP_KEYS, &life.parent_reap),
    ] {
        if let Some(spent) = spent {
            let [ran, waited, minor, major, voluntary, involuntary] = names;
            put(&mut line, ran, spent.ran_ns);
            put_some(&mut line, waited, spent.waited_ns);
            put(&mut line, minor, spent.minor_faults);
            put(&mut line, major, spent.major_faults);
            put(&mut line, voluntary, spent.voluntary_switches);
            put(&mut line, involuntary, spent.involuntary_switches);
        }
    }
    put_some(&mut line, "copied_tables", life.copied_tables);
    put_some(&mut line, "copied_entries", life.copied_entries);
    put_some(&mut line, "fault", life.fault);
    line
}

/// The parent's account in a life, by span.
const CALL_KEYS: [&str; 6] = [
    "call_ran",
    "call_waited",
    "call_minor_faults",
    "call_major_faults",
    "call_voluntary_switches",
    "call_involuntary_switches",
];
const REAP_KEYS: [&str; 6] = [
    "reap_ran",
    "reap_waited",
    "reap_minor_faults",
    "reap_major_faults",
    "reap_voluntary_switches",
    "reap_involuntary_switches",
];

/// An account is whole or not there: half of one can't be judged by.
fn read_spent(pairs: &Pairs<'_>, keys: &[&str; 6]) -> Result<Option<Spent>, LineError> {
    let [ran, waited, minor, major, voluntary, involuntary] = keys;
    let waited_ns = pairs.optional(waited, "number of nanoseconds")?;
    let mut whole = [0; 5];
    for (value, key) in whole
        .iter_mut()
        .zip([ran, minor, major, voluntary, involuntary])
    {
        match pairs.optional(key, "number")? {
            Some(number) => *value = number,
            None => return Ok(None),
        }
    }
    let [
        ran_ns,
        minor_faults,
        major_faults,
        voluntary_switches,
        involuntary_switches,
    ] = whole;
    Ok(Some(Spent {
        ran_ns,
        waited_ns,
        minor_faults,
        major_faults,
        voluntary_switches,
        involuntary_switches,
    }))
}

/// Reads a life.
pub(super) fn read_life(pairs: &Pairs<'_>) -> Result<Observed, LineError> {
    let time = "number of nanoseconds";
    Ok(Observed {
        parent_pid: pairs.required("parent_pid", "pid")?,
        returned: pairs.required("returned", "number")?,
        child_returned: pairs.optional("child_returned", "number")?,
        child_pid: pairs.optional("child_pid", "pid")?,
        child_parent_pid: pairs.optional("child_parent_pid", "pid")?,
        call: pairs.required("call", time)?,
        start: pairs.optional("start", time)?,
        exec: pairs.optional("exec", time)?,
        end: pairs.optional("end", time)?,
        ended: pairs.optional("ended", time)?,
        reap: pairs.required("reap", time)?,
        ran: pairs.optional("ran", time)?,
        waited: pairs.optional("waited", time)?,
        minor_faults: pairs.optional("minor_faults", "count")?,
        major_faults: pairs.optional("major_faults", "count")?,
        voluntary_switches: pairs.optional("voluntary_switches", "count")?,
        involuntary_switches: pairs.optional("involuntary_switches", "count")?,
        status: pairs.optional("status", "exit status")?,
        parent_call: read_spent(pairs, &CALL_KEYS)?,
        parent_reap: read_spent(pairs, &REAP_KEYS)?,
        copied_tables: pairs.optional("copied_tables", "number of bytes")?,
        copied_entries: pairs.optional("copied_entries", "count")?,
        fault: pairs.optional("fault", time)?,
    })
}
