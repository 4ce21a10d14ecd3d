//! Footprints held for real, each in a process of its own, and held against their receipts.
//!
//! What a host does not offer is told and left out: huge pages, page frames, a second CPU.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Footprint, Held, HoldError, Receipt, proc, smaps};

/// Runs `body` in a forked child, which has one thread as a subject has; its panic is the test's.
/// What `body` returns, if it is not empty, is printed: what could not be tested here.
fn in_a_process(body: impl FnOnce() -> String) {
    let (mut reader, mut writer) = UnixStream::pair().unwrap();
    // SAFETY: glibc and musl let the child of a threaded process allocate; the child touches no lock
    // that another thread of the test program may have held, and leaves by `_exit`.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        drop(reader);
        // Where another thread of the test program was panicking just then, its lock is held here for ever.
        // SAFETY: takes and touches no memory of ours.
        unsafe { libc::alarm(120) };
        std::panic::set_hook(Box::new(|_| {}));
        let outcome = catch_unwind(AssertUnwindSafe(body)).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        });
        let (status, text) = match outcome {
            Ok(text) => (0, text),
            Err(text) => (1, text.unwrap_or_default()),
        };
        let _ = writer.write_all(text.as_bytes());
        // SAFETY: ends the child.
        unsafe { libc::_exit(status) };
    }
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    let mut status = 0;
    // SAFETY: the pointer is to a live value and the child is ours.
    unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(status, 0, "{text}");
    if !text.is_empty() {
        eprintln!("not tested here: {text}");
    }
}

/// Pins this process to the CPU it is on.
fn pin() -> Option<u32> {
    // SAFETY: the set is plain numbers and the pointer to it is live for the call.
    unsafe {
        let cpu = libc::sched_getcpu();
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu as usize, &mut set);
        let pinned = libc::sched_setaffinity(0, size_of_val(&set), &raw const set) == 0;
        pinned.then_some(cpu as u32)
    }
}

fn hold(name: &str) -> Result<Held, HoldError> {
    Held::hold(&name.parse().unwrap(), pin())
}

/// Holds a footprint and checks its receipt, after a rewrite too where that belongs to it.
fn held_to_its_receipt(name: &str) {
    in_a_process(|| {
        let held = match hold(name) {
            Ok(held) => held,
            Err(error) if error.is_skip() => return format!("{name}: {error}"),
            Err(error) => panic!("{name}: {error}"),
        };
        let receipt = held.receipt();
        let footprint: Footprint = name.parse().unwrap();
        if let Err(error) = receipt.check(&footprint) {
            panic!("{name}: {error}: {receipt:?}");
        }
        if footprint.state == super::State::Rewritten {
            held.rewrite();
            held.receipt().check(&footprint).unwrap();
        }
        match receipt.unverified.as_slice() {
            [] => String::new(),
            names => format!("{name}: {}", names.join(", ")),
        }
    });
}

#[test]
fn ballast_is_what_its_receipt_says() {
    for name in [
        "0",
        "4KiB",
        "1028KiB",
        "16MiB",
        "16MiB+shuffled",
        "16MiB+rewritten",
        "16MiB+read",
        "16MiB+read+shuffled",
        "16MiB+untouched",
        "16MiB+dontfork",
        "16MiB+wipeonfork",
        "16MiB+thp",
        "16MiB+thp+read",
        "16MiB+thp+rewritten",
        "16MiB+shared",
        "16MiB+shared+read",
        "16MiB+shared+shuffled",
        "16MiB+shared+untouched",
        "16MiB+thp+shared",
        "16MiB+file",
        "16MiB+file+read",
        "16MiB+file+untouched",
        "4MiB+hugetlb",
        "4MiB+hugetlb+read",
        "4MiB+hugetlb+shared",
    ] {
        held_to_its_receipt(name);
    }
}

#[test]
fn counts_are_exact() {
    for name in [
        "0+vmas=1",
        "4MiB+vmas=10000",
        "0+fds=500",
        "0+threads=32",
        "0+busy=1",
        "2MiB+vmas=100+threads=3+busy=1+fds=7",
    ] {
        held_to_its_receipt(name);
    }
}

#[test]
fn an_unfit_receipt_is_told_from_a_fit_one() {
    in_a_process(|| {
        let receipt = hold("4MiB").unwrap().receipt();
        for other in ["8MiB", "4MiB+read", "4MiB+shared", "4MiB+dontfork"] {
            let error = receipt.check(&other.parse().unwrap()).unwrap_err();
            assert!(!error.to_string().is_empty(), "{other}");
        }
        for other in ["4MiB+thp", "4MiB+hugetlb", "4MiB+wipeonfork"] {
            assert!(receipt.check(&other.parse().unwrap()).is_err(), "{other}");
        }
        for other in ["4MiB+vmas=1", "4MiB+fds=1", "4MiB+threads=1", "4MiB+busy=1"] {
            assert!(receipt.check(&other.parse().unwrap()).is_err(), "{other}");
        }
        String::new()
    });
}

/// What the process is made of: VMAs and open descriptors.
fn inventory() -> (u64, u64) {
    let mut scratch = proc::scratch().unwrap();
    let vmas = smaps::count(&mut scratch, &mut |_, _| false).unwrap().all;
    (vmas, proc::open_descriptors(scratch.bytes()).unwrap())
}

#[test]
fn pages_come_in_the_order_in_which_they_were_touched() {
    let pages = |name: &str| -> Vec<u64> {
        Held::hold(&name.parse().unwrap(), None)
            .unwrap()
            .pages()
            .collect()
    };
    assert!(pages("0").is_empty());
    assert_eq!(pages("256KiB"), (0..64).collect::<Vec<_>>());
    assert_eq!(pages("8MiB+thp").len(), 4);
    for (name, window) in [("256KiB+shuffled", 0), ("256KiB+shuffled+window=8", 8)] {
        let shuffled: Vec<u64> = super::Shuffled::new(64, window).collect();
        assert_eq!(pages(name), shuffled, "{name}");
    }
}

#[test]
fn a_bare_footprint_adds_nothing_to_the_process() {
    in_a_process(|| {
        let before = inventory();
        let held = hold("0").unwrap();
        let receipt = held.receipt();
        assert_eq!(inventory(), before);
        assert_eq!(
            (receipt.vmas, receipt.fds),
            (Some(before.0), Some(before.1))
        );
        drop(receipt);
        held.release();
        assert_eq!(inventory(), before);
        String::new()
    });
}

#[test]
fn whatever_was_held_is_given_back() {
    for name in ["3MiB", "4MiB+shuffled", "4MiB+file", "2MiB+vmas=50+fds=50"] {
        in_a_process(|| {
            let before = inventory();
            let held = hold(name).unwrap();
            assert_ne!(inventory(), before);
            held.release();
            assert_eq!(inventory(), before, "{name}");
            String::new()
        });
    }
}

#[test]
fn what_cannot_be_held_leaves_nothing_behind() {
    in_a_process(|| {
        let before = inventory();
        let error = hold("2MiB+vmas=10+fds=4000000000").err().unwrap();
        assert!(error.is_skip(), "{error}");
        assert_eq!(inventory(), before);
        String::new()
    });
}

#[test]
fn ballast_and_added_vmas_merge_with_no_neighbour() {
    in_a_process(|| {
        // Stacks of threads come to stand right beside the ballast.
        let held = hold("2MiB+vmas=200+threads=4").unwrap();
        // Enough small mappings to fill the holes between the added VMAs.
        let small: Vec<_> = (0..500)
            .map(|_| super::region::Region::map(4096, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1))
            .collect();
        assert!(small.iter().all(Result::is_ok));
        let receipt = held.receipt();
        assert_eq!(receipt.vmas_added, Some(200));
        assert_eq!(receipt.ballast, 2 << 20);
        assert_eq!(receipt.rss, Some(2 << 20));
        String::new()
    });
}

fn minor_faults() -> i64 {
    // SAFETY: rusage is plain numbers and the pointer to it is live for the call.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage.ru_minflt as i64
    }
}

#[test]
fn a_rewrite_lifts_the_write_protection_of_every_page() {
    in_a_process(|| {
        let held = hold("4MiB+vmas=100+rewritten").unwrap();
        // SAFETY: the child leaves at once, and is waited for.
        unsafe {
            let pid = libc::fork();
            if pid == 0 {
                libc::_exit(0);
            }
            libc::waitpid(pid, std::ptr::null_mut(), 0);
        }
        let before = minor_faults();
        held.rewrite();
        let protected = minor_faults() - before;
        let before = minor_faults();
        held.rewrite();
        let again = minor_faults() - before;
        assert!(protected >= 1024 + 100, "{protected} faults after a fork");
        assert!(again < 100, "{again} faults with nothing protected");
        String::new()
    });
}

/// The receipt of a sequential ballast. What other programs free while a soak is held can still get
/// in; so a soak has three attempts.
fn in_one_piece(name: &str) -> Receipt {
    let mut receipt = Receipt::default();
    for _ in 0..3 {
        receipt = hold(name).unwrap().receipt();
        if receipt.soaked == Some(0) || receipt.adjacency.is_some_and(|share| share > 0.9) {
            break;
        }
    }
    receipt
}

#[test]
fn sequential_ballast_lies_in_one_piece_right_after_a_shuffled_one() {
    for _ in 0..3 {
        in_a_process(|| {
            let held = hold("64MiB+shuffled").unwrap();
            match held.receipt().adjacency {
                Some(adjacency) => assert!(adjacency < 0.1, "{adjacency}"),
                None => return "order: page frames cannot be read".to_owned(),
            }
            held.release();
            let receipt = in_one_piece("64MiB");
            assert!(receipt.adjacency.unwrap() > 0.9, "{receipt:?}");
            String::new()
        });
    }
}

#[test]
fn within_a_window_pages_are_shuffled_and_lie_near_each_other() {
    in_a_process(|| {
        let mut receipt = Receipt::default();
        for _ in 0..3 {
            receipt = hold("4MiB+shuffled+window=64").unwrap().receipt();
            // What other programs free while the soak is held can get in.
            if receipt.nearness.is_none_or(|share| share > 0.9) {
                break;
            }
        }
        let Some(nearness) = receipt.nearness else {
            return "order: page frames cannot be read".to_owned();
        };
        assert!(receipt.adjacency.unwrap() < 0.1, "{receipt:?}");
        assert!(receipt.within_8.unwrap() < 0.5, "{receipt:?}");
        assert!(nearness > 0.5, "{receipt:?}");
        assert!(receipt.within_512.unwrap() >= nearness, "{receipt:?}");
        receipt
            .check(&"4MiB+shuffled+window=64".parse().unwrap())
            .unwrap();
        String::new()
    });
}

#[test]
fn without_huge_pages_a_soak_puts_the_ballast_in_one_piece_and_leaves_nothing_behind() {
    in_a_process(|| {
        // SAFETY: this prctl touches no memory. It holds for this process alone.
        unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
        let error = hold("2MiB+thp").err().unwrap();
        assert!(error.is_skip(), "{error}");
        let before = inventory();
        let held = hold("16MiB").unwrap();
        assert_eq!(inventory(), (before.0 + 1, before.1));
        held.release();
        let receipt = in_one_piece("16MiB");
        assert_eq!(receipt.rss, Some(16 << 20));
        let Some(soaked) = receipt.soaked else {
            return "soak: /proc/buddyinfo cannot be read".to_owned();
        };
        assert!(soaked > 0);
        match receipt.adjacency {
            // A soak takes no more than half of what is there, which may be too little.
            Some(_) if soaked >= super::memory::available().unwrap() / 4 => {
                "order: too little memory for a soak".to_owned()
            }
            Some(adjacency) => {
                assert!(adjacency > 0.9, "{receipt:?}");
                String::new()
            }
            None => "order: page frames cannot be read".to_owned(),
        }
    });
}

#[test]
fn what_the_host_does_not_offer_is_named_with_its_remedy() {
    for (name, words) in [
        ("1TiB+hugetlb", "needs 524288 huge pages, "),
        ("1TiB+hugetlb", "sysctl vm.nr_hugepages="),
        ("0+vmas=2000000000", "sysctl vm.max_map_count="),
        ("0+fds=4000000000", "the hard limit is "),
        ("0+busy=1100", "needs 1100 CPUs beside the subject's own"),
        ("1024TiB", "are available"),
    ] {
        in_a_process(|| {
            let error = hold(name).err().unwrap();
            assert!(error.is_skip(), "{name}: {error}");
            assert!(error.to_string().contains(words), "{name}: {error}");
            String::new()
        });
    }
}

#[test]
fn a_footprint_may_take_half_of_what_is_available() {
    let gib = 1 << 30;
    let footprint: Footprint = "16GiB".parse().unwrap();
    assert_eq!(super::fits(&footprint, 33 * gib), Ok(()));
    let refusal = super::fits(&footprint, 22 * gib).unwrap_err();
    assert_eq!(
        refusal,
        "needs 16.0 GiB, 11.0 GiB are available (half of 22.0 GiB): pass --max-footprint 8GiB"
    );
    // Memory that takes none fits everywhere.
    for name in ["0", "1TiB+untouched+hugetlb"] {
        assert_eq!(
            super::fits(&name.parse().unwrap(), 8 * gib),
            Ok(()),
            "{name}"
        );
    }
}

#[test]
fn a_spread_ballast_lies_among_pages_that_are_not_its_own() {
    for (name, expected) in [("4MiB+shuffled", 1.0), ("4MiB+shuffled+spread=8", 0.125)] {
        in_a_process(|| {
            let near = |density: f64| density > expected / 1.5 && density < expected * 1.5;
            let scattered = |within: Option<f64>| within.is_some_and(|share| share < 0.7);
            // Other processes may take and give pages between their being freed and being touched.
            let mut receipt = Receipt::default();
            for _ in 0..20 {
                receipt = hold(name).unwrap().receipt();
                if receipt
                    .density
                    .is_none_or(|density| near(density) && scattered(receipt.within_512))
                {
                    break;
                }
            }
            let Some(density) = receipt.density else {
                return "page frame numbers are hidden".to_owned();
            };
            assert!(near(density), "{name}: {receipt:?}");
            assert!(scattered(receipt.within_512), "{name}: {receipt:?}");
            receipt.check(&name.parse().unwrap()).unwrap();
            let elsewhere = Receipt {
                density: Some(0.5),
                ..receipt
            };
            let checked = elsewhere.check(&name.parse().unwrap());
            match checked {
                Err(error) => assert!(error.to_string().contains("density"), "{error}"),
                Ok(()) => assert_eq!(expected, 1.0, "half of its neighbours are its own"),
            }
            String::new()
        });
    }
}
