//! Made-up lives, and what must be said of each.

use super::*;
use crate::mechanism::Spent;
use crate::recording::{Life, LifeMoments};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;

/// A forked child's life on one CPU: `call` and `rest` are what parent and child take of it.
struct Made {
    call: u64,
    rest: u64,
    /// The parent's waiting in the call, and the child's.
    waited: [u64; 2],
    /// The parent's faults in the call, and the child's.
    faults: [u64; 2],
    tables: u64,
}

const BARE: Made = Made {
    call: 40 * US,
    rest: 60 * US,
    waited: [0, 5 * US],
    faults: [3, 12],
    tables: 80 << 10,
};

impl Made {
    fn life(&self, id: &str) -> Life {
        let [waited, child_waited] = self.waited;
        let call = self.call + waited;
        let spent = |ran_ns, switches| {
            Some(Spent {
                ran_ns,
                waited_ns: Some(waited),
                minor_faults: self.faults[0],
                involuntary_switches: u64::from(waited > 0),
                voluntary_switches: switches,
                major_faults: 0,
            })
        };
        Life {
            cell: id.into(),
            mechanism: "fork".into(),
            system_call: None,
            parent_pid: 1,
            returned_in_parent: 2,
            returned_in_child: Some(0),
            child_pid: Some(2),
            child_parent_pid: Some(1),
            moments: LifeMoments {
                call,
                // The child's own waiting is the parent's running, save what goes beyond.
                reap: call + self.rest + child_waited.saturating_sub(5 * US),
                ..LifeMoments::default()
            },
            ran_ns: Some(self.rest / 2),
            waited_ns: Some(child_waited),
            minor_faults: Some(self.faults[1]),
            major_faults: Some(0),
            voluntary_switches: Some(1),
            involuntary_switches: Some(0),
            exit_status: Some(1),
            parent_call: spent(self.call, 0),
            parent_reap: spent(self.call + self.rest - self.rest / 2, 1),
            page_tables: Some(self.tables + (20 << 10)),
            copied_tables: Some(self.tables),
            copied_entries: Some(self.tables / 8),
            fault_ns: Some(US),
        }
    }

    fn lives(&self, id: &str) -> Vec<Life> {
        // Noise of up to 4 %.
        (0..5u64)
            .map(|step| {
                let noisy = |ns: u64| ns + ns * (step * 2 % 5) / 100;
                let made = Self {
                    call: noisy(self.call),
                    rest: noisy(self.rest),
                    ..*self
                };
                made.life(id)
            })
            .collect()
    }
}

fn explained(cell: &Made, kept: Option<&Made>) -> Explanation {
    let kept = kept.map_or(Vec::new(), |kept| kept.lives("fork/1GiB"));
    let told = explain(&cell.lives("fork/1GiB"), &kept, &BARE.lives("fork/0")).unwrap();
    for wait in [&told.call, told.reap.as_ref().unwrap()] {
        let parts: i64 = wait.parts().iter().map(|(_, ns)| ns).sum();
        assert_eq!(wait.bare_ns as i64 + parts, wait.ns as i64, "{wait:#?}");
    }
    told
}

fn long(told: &Explanation) -> [&[Cause]; 2] {
    [&told.call.long, &told.reap.as_ref().unwrap().long]
}

#[test]
fn copied_page_tables_are_blamed_where_the_same_parent_without_their_copy_is_quick() {
    let large = Made {
        call: 20 * MS,
        rest: 22 * MS,
        tables: (80 << 10) + (2 << 20),
        ..BARE
    };
    let told = explained(&large, Some(&BARE));
    assert_eq!(long(&told), [[Cause::PageTables]; 2]);
    assert_eq!(told.tables_bytes, Some(2 << 20));
    assert_eq!(told.tables_entries, Some(1 << 18));
    let tables = told.call.page_tables_ns.unwrap() as f64;
    assert!((tables / (20 * MS) as f64 - 1.0).abs() < 0.05, "{tables}");
}

#[test]
fn tables_are_not_blamed_for_what_the_same_parent_takes_without_their_copy() {
    let large = Made {
        call: 20 * MS,
        rest: 22 * MS,
        tables: (80 << 10) + (2 << 20),
        ..BARE
    };
    let kept = Made {
        tables: 80 << 10,
        call: 19 * MS,
        rest: 21 * MS,
        ..BARE
    };
    assert_eq!(long(&explained(&large, Some(&kept))), [[Cause::Rest]; 2]);
    // Nor where nothing can tell, be it that the subject copied all the same.
    assert_eq!(long(&explained(&large, None)), [[Cause::Rest]; 2]);
    let told = explained(&large, Some(&large));
    assert_eq!(long(&told), [[Cause::Rest]; 2]);
    assert_eq!((told.kept, told.call.page_tables_ns), (None, None));
    // Where no more were copied than a bare parent's, none were paid for.
    let threads = Made { call: MS, ..BARE };
    assert_eq!(explained(&threads, None).call.page_tables_ns, Some(0));
}

#[test]
fn faults_are_blamed_by_their_number_and_measured_price() {
    let faulting = Made {
        call: 2 * MS,
        rest: 5 * MS,
        faults: [1_950, 4_900],
        ..BARE
    };
    let told = explained(&faulting, Some(&BARE));
    assert_eq!(long(&told), [[Cause::PageFaults]; 2]);
    assert_eq!(told.call.page_faults_ns, Some((1_950 - 3) * US as i64));
    assert_eq!(told.reap.unwrap().faults, Some(1_950 + 4_900));
    let mut unpriced = faulting.lives("fork/1GiB");
    let mut bare = BARE.lives("fork/0");
    for life in unpriced.iter_mut().chain(&mut bare) {
        life.fault_ns = None;
    }
    let told = explain(&unpriced, &[], &bare).unwrap();
    assert_eq!(told.call.page_faults_ns, None);
    assert_eq!(told.call.long, [Cause::Rest]);
}

#[test]
fn waiting_is_blamed_even_if_a_bare_parent_waits_as_long() {
    let waiting = Made {
        waited: [3 * MS, 4 * MS],
        ..BARE
    };
    let lives = waiting.lives("fork/0");
    for told in [
        explain(&lives, &[], &[]).unwrap(),
        explained(&waiting, Some(&BARE)),
    ] {
        assert_eq!(long(&told), [[Cause::Waiting]; 2]);
        assert_eq!(told.call.waiting_ns, Some(3 * MS));
        let reap = told.reap.unwrap();
        let waited = reap.waiting_ns.unwrap() as f64;
        assert!((waited / (7 * MS) as f64 - 1.0).abs() < 0.01, "{waited}");
        assert_eq!(reap.switches, Some([2, 1]));
    }
}

#[test]
fn a_child_that_waits_for_its_own_parent_is_not_kept_from_a_cpu() {
    // The child was ready all the time that the parent ran, which was long.
    let waits = Made {
        call: 20 * MS,
        waited: [0, 5 * US],
        ..BARE
    };
    let mut lives = waits.lives("fork/1GiB");
    for life in &mut lives {
        life.waited_ns = Some(15 * MS);
    }
    let told = explain(&lives, &[], &BARE.lives("fork/0")).unwrap();
    assert_eq!(told.reap.unwrap().waiting_ns, Some(0));
}

#[test]
fn two_causes_are_both_named_the_greater_first() {
    let both = Made {
        call: 10 * MS,
        rest: 10 * MS,
        waited: [8 * MS, 8 * MS],
        tables: 1 << 20,
        ..BARE
    };
    let told = explained(&both, Some(&BARE));
    assert_eq!(long(&told), [[Cause::PageTables, Cause::Waiting]; 2]);
}

#[test]
fn what_a_bare_parent_takes_too_is_not_long() {
    assert_eq!(long(&explained(&BARE, None)), [[]; 2]);
    let own = explain(&BARE.lives("fork/0"), &[], &[]).unwrap();
    assert_eq!(long(&own), [[]; 2]);
    let little = Made {
        call: 41 * US,
        tables: 96 << 10,
        ..BARE
    };
    assert_eq!(long(&explained(&little, Some(&BARE))), [[]; 2]);
    assert!(explain(&[], &[], &[]).is_none());
}

#[test]
fn lives_that_cannot_be_are_explained_without_a_panic() {
    let mut life = BARE.life("fork/1GiB");
    life.moments = LifeMoments {
        call: u64::MAX,
        reap: 0,
        ..LifeMoments::default()
    };
    for count in [0, u64::MAX] {
        let spent = Some(Spent {
            ran_ns: count,
            waited_ns: Some(count),
            minor_faults: count,
            major_faults: count,
            voluntary_switches: count,
            involuntary_switches: count,
        });
        (life.parent_call, life.parent_reap) = (spent, spent);
        (life.fault_ns, life.ran_ns) = (Some(count), Some(u64::MAX - count));
        let told = explain(&[life.clone()], &[life.clone()], &BARE.lives("fork/0")).unwrap();
        assert_eq!(told.lives, 1);
    }
    life.parent_call = None;
    let told = explain(&[life], &[], &[]).unwrap();
    assert_eq!((told.call.faults, told.call.waiting_ns), (None, None));
}
