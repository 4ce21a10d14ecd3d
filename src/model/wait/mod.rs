//! Which of what happened in a child's life made its parent wait long.
//!
//! Nothing here is a rule of thumb. Three things are told in turn: the life of a cell's child; that of a bare
//! parent's; and that of a child of the cell's parent whose ballast is kept from it, so that the same pages are
//! there and their tables are not copied. Waiting for a CPU is the scheduler's own account, a fault's price was
//! measured in the same subjects, and what neither of these explains is called the rest.

use serde::Serialize;

use crate::mechanism::{Phase, Spent};
use crate::recording::Life;

/// Longer than a bare parent's is what exceeds it by this share, and by more than its lives differ.
const LONGER: f64 = 1.10;
/// Bytes of page tables by which two processes of the same shape may differ: it hangs on where in the address
/// space things came to lie.
const BY_CHANCE: u64 = 16 << 10;
/// The causes that are named make at least this share of what is longer.
const NAMED: f64 = 2.0 / 3.0;

/// What can make a parent wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Page tables of the ballast: copied in the call, torn down until the reaping.
    PageTables,
    /// Page faults beyond a bare parent's.
    PageFaults,
    /// Parent or child was ready, and another had the CPU.
    Waiting,
    /// What is not accounted for.
    Rest,
}

/// A span of a life, taken apart. Nanoseconds; the parts and `bare_ns` add up to `ns`. Noise can make a part
/// negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// How long it took in the life that is told.
    pub ns: u64,
    /// How long a bare parent's takes, without its waiting for a CPU: the median.
    pub bare_ns: u64,
    /// What all of them but one took at the most: a noisy host spoils one.
    pub most_bare_ns: u64,
    /// Page tables of the ballast; `None` where no life without their copy tells it apart from the rest.
    pub page_tables_ns: Option<i64>,
    /// Page faults beyond a bare parent's, at the price of one; `None` where they have none.
    pub page_faults_ns: Option<i64>,
    /// Waiting for a CPU, all of it; `None` where the kernel does not count it.
    pub waiting_ns: Option<u64>,
    /// What is not accounted for.
    pub rest_ns: i64,
    /// Page faults of those who ran in the span; `None` where they were not told.
    pub faults: Option<u64>,
    /// A bare parent's: the median.
    pub bare_faults: Option<u64>,
    /// Switches of those who ran in the span, voluntary and not.
    pub switches: Option<[u64; 2]>,
    /// What made it long, the greatest part first; empty where it is not long.
    pub long: Vec<Cause>,
}

/// Why a life took as long as it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Of how many lives the told one is the median, by `reap`.
    pub lives: usize,
    /// The told life.
    pub life: Life,
    /// The median life of a bare parent's child.
    pub bare: Life,
    /// The median life of a child whose parent kept its ballast from it.
    pub kept: Option<Life>,
    /// The price of a copy-on-write fault, nanoseconds: the median.
    pub fault_ns: Option<u64>,
    /// Bytes of page tables that were copied for the ballast: beyond those of a child that it is kept from, or of
    /// a bare parent's.
    pub tables_bytes: Option<u64>,
    /// Entries in them.
    pub tables_entries: Option<u64>,
    /// Until the call returned.
    pub call: Wait,
    /// Until the child was reaped; `None` where nothing is.
    pub reap: Option<Wait>,
}

/// Explains the median of a cell's lives. `kept` are lives of the same parent with its ballast kept from the
/// child, `bare` those of a bare parent; without any the cell's own parent is the bare one. `None` without lives.
pub fn explain(cell: &[Life], kept: &[Life], bare: &[Life]) -> Option<Explanation> {
    let life = median_life(cell)?;
    let bare = if bare.is_empty() { cell } else { bare };
    let bare_life = median_life(bare)?;
    let all = || cell.iter().chain(kept).chain(bare);
    let fault_ns = median(all().filter_map(|life| life.fault_ns));
    let copied = |life: &Life| life.copied_tables;
    let copies = copied(life)
        .zip(copied(bare_life))
        .is_none_or(|(own, bare)| own > bare.saturating_add(BY_CHANCE));
    // Where as much was copied as ever, nothing was kept: such a life has nothing to say.
    let kept: Vec<&Life> = kept
        .iter()
        .filter(|kept| !copies || copied(kept) < copied(life))
        .collect();
    let kept_life = median_by_reap(&kept);
    // Between two lives of one process there is no chance in it.
    let without = kept_life.unwrap_or(bare_life);
    let beyond = |of: fn(&Life) -> Option<u64>| Some(of(life)?.saturating_sub(of(without)?));
    let shares = Shares {
        life,
        kept: &kept,
        bare,
        fault: fault_ns.unwrap_or(0),
        copies,
    };
    Some(Explanation {
        lives: cell.len(),
        life: life.clone(),
        bare: bare_life.clone(),
        kept: kept_life.cloned(),
        fault_ns,
        tables_bytes: beyond(copied),
        tables_entries: beyond(|life| life.copied_entries),
        call: shares.wait(Phase::Call, fault_ns.is_some()),
        reap: (life.mechanism != "null").then(|| shares.wait(Phase::Reap, fault_ns.is_some())),
    })
}

struct Shares<'a> {
    life: &'a Life,
    kept: &'a [&'a Life],
    bare: &'a [Life],
    fault: u64,
    /// Whether more page tables were copied than a bare parent's, as far as is known.
    copies: bool,
}

impl Shares<'_> {
    fn wait(&self, phase: Phase, priced: bool) -> Wait {
        let span = Span::of(self.life, phase);
        let bare: Vec<Span> = self.bare.iter().map(|life| Span::of(life, phase)).collect();
        let net = |span: &Span| span.net(self.fault);
        let bare_net = median_signed(bare.iter().map(net)).unwrap_or(0);
        let bare_faults = median(bare.iter().filter_map(|span| span.faults));
        let price = |faults: u64| faults.saturating_mul(self.fault).min(i64::MAX as u64) as i64;
        let bare_ns = bare_net.saturating_add(price(bare_faults.unwrap_or(0)));
        let kept = median_signed(self.kept.iter().map(|life| net(&Span::of(life, phase))));
        let own = net(&span);
        let tables = match kept {
            Some(kept) => Some(own.saturating_sub(kept)),
            None => (!self.copies).then_some(0),
        };
        let faults = span.faults.zip(bare_faults);
        let mut wait = Wait {
            ns: span.ns,
            bare_ns: bare_ns.max(0) as u64,
            most_bare_ns: all_but_one(bare.iter().map(Span::undisturbed)),
            page_tables_ns: tables,
            page_faults_ns: faults
                .filter(|_| priced)
                .map(|(own, bare)| price(own).saturating_sub(price(bare))),
            waiting_ns: span.waiting,
            rest_ns: own
                .saturating_sub(bare_net)
                .saturating_sub(tables.unwrap_or(0)),
            faults: span.faults,
            bare_faults,
            switches: span.switches,
            long: Vec::new(),
        };
        wait.long = wait.causes();
        wait
    }
}

impl Wait {
    /// What is longer than a bare parent's, nanoseconds.
    pub fn longer_ns(&self) -> u64 {
        self.ns.saturating_sub(self.bare_ns)
    }

    /// The parts of it, each with its cause: those that are known.
    pub fn parts(&self) -> Vec<(Cause, i64)> {
        let waiting = self.waiting_ns.map(|ns| ns.min(i64::MAX as u64) as i64);
        [
            (Cause::PageTables, self.page_tables_ns),
            (Cause::PageFaults, self.page_faults_ns),
            (Cause::Waiting, waiting),
            (Cause::Rest, Some(self.rest_ns)),
        ]
        .into_iter()
        .filter_map(|(cause, ns)| Some((cause, ns?)))
        .collect()
    }

    /// The fewest causes that make it long, the greatest first.
    fn causes(&self) -> Vec<Cause> {
        let longer = self.longer_ns() as f64;
        let is_long = self.ns > self.most_bare_ns && self.ns as f64 >= self.bare_ns as f64 * LONGER;
        let mut parts = self.parts();
        parts.retain(|(_, ns)| is_long && *ns > 0);
        parts.sort_by_key(|(_, ns)| std::cmp::Reverse(*ns));
        let mut named = 0.0;
        let enough = |(_, ns): &(Cause, i64)| {
            let more = named < longer * NAMED;
            named += *ns as f64;
            more
        };
        parts
            .into_iter()
            .take_while(enough)
            .map(|(cause, _)| cause)
            .collect()
    }
}

/// What is known of one span of one life.
struct Span {
    ns: u64,
    faults: Option<u64>,
    switches: Option<[u64; 2]>,
    waiting: Option<u64>,
}

impl Span {
    fn of(life: &Life, phase: Phase) -> Self {
        let (ns, parent) = match phase {
            Phase::Call => (life.moments.call, life.parent_call),
            _ => (life.moments.reap.max(life.moments.call), life.parent_reap),
        };
        // A call in which the parent stood aside (vfork) has the child's life in it, or most of it.
        let both = phase != Phase::Call || parent.is_some_and(|spent| spent.voluntary_switches > 0);
        let child = |of: Option<u64>| if both { of } else { Some(0) };
        let sum = |own: fn(&Spent) -> u64, theirs: Option<u64>| {
            Some(own(parent.as_ref()?).saturating_add(child(theirs)?))
        };
        let faults = |spent: &Spent| spent.minor_faults.saturating_add(spent.major_faults);
        let theirs = life
            .minor_faults
            .map(|minor| minor.saturating_add(life.major_faults.unwrap_or(0)));
        let voluntary = sum(|spent| spent.voluntary_switches, life.voluntary_switches);
        let involuntary = sum(
            |spent| spent.involuntary_switches,
            life.involuntary_switches,
        );
        Self {
            ns,
            faults: sum(faults, theirs),
            switches: voluntary.zip(involuntary).map(|(one, other)| [one, other]),
            waiting: parent.and_then(|parent| {
                // Parent and child wait for each other, too; while one of them runs nobody keeps them from it.
                let ran = parent.ran_ns.saturating_add(child(life.ran_ns)?);
                let ready = parent.waited_ns?.saturating_add(child(life.waited_ns)?);
                Some(ns.saturating_sub(ran).min(ready))
            }),
        }
    }

    /// The time without waiting for a CPU.
    fn undisturbed(&self) -> u64 {
        self.ns.saturating_sub(self.waiting.unwrap_or(0))
    }

    /// The time without what has a price of its own.
    fn net(&self, fault: u64) -> i64 {
        let faults = self.faults.unwrap_or(0).saturating_mul(fault);
        let signed = |ns: u64| ns.min(i64::MAX as u64) as i64;
        signed(self.undisturbed()).saturating_sub(signed(faults))
    }
}

/// The greatest but one; of two the lesser.
fn all_but_one(values: impl Iterator<Item = u64>) -> u64 {
    let mut sorted: Vec<u64> = values.collect();
    sorted.sort_unstable();
    sorted
        .get(sorted.len().saturating_sub(2))
        .copied()
        .unwrap_or(0)
}

fn median_life(lives: &[Life]) -> Option<&Life> {
    median_by_reap(&lives.iter().collect::<Vec<_>>())
}

/// The lower one of the two in the middle: it has to be a life that was.
fn median_by_reap<'a>(lives: &[&'a Life]) -> Option<&'a Life> {
    let mut sorted = lives.to_vec();
    sorted.sort_by_key(|life| life.moments.reap);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

fn median(values: impl Iterator<Item = u64>) -> Option<u64> {
    let signed = values.map(|value| value.min(i64::MAX as u64) as i64);
    median_signed(signed).map(|value| value as u64)
}

fn median_signed(values: impl Iterator<Item = i64>) -> Option<i64> {
    let mut sorted: Vec<i64> = values.collect();
    sorted.sort_unstable();
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests;
