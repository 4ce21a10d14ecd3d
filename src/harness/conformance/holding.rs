//! Whether it holds what it says that it holds.

use super::checks::{About, Checks};
use super::kernel::Books;
use super::talk::{Broken, Partner, Talk};
use crate::footprint::{Footprint, Receipt};
use crate::protocol::Answer;
use crate::units::human_size;

/// A ballast that shows beside what an interpreter's own memory does by itself.
const BALLAST: u64 = 16 << 20;
const SMALLER: u64 = 4 << 20;
/// What the kernel's figures and a receipt's may differ by, where memory is in use meanwhile: bytes.
const RSS_SLACK: u64 = 2 << 20;
const TABLES_SLACK: u64 = 128 << 10;
/// Mappings that an allocator may make or give back between two looks, and the descriptor that counting takes.
const VMAS_SLACK: u64 = 16;
const FDS_SLACK: u64 = 2;

/// Further footprints: one for each part that a subject may hold or refuse.
const PARTS: [&str; 6] = [
    "0+threads=2",
    "0+fds=3",
    "0+vmas=40",
    "4MiB+shared",
    "4MiB+dontfork",
    "4MiB+untouched",
];

/// Whether its receipts are true, and one footprint takes the place of another.
pub(super) fn hold(partner: Partner<'_>, checks: &mut Checks) {
    let Ok((mut talk, _)) = Talk::begin(partner, checks) else {
        return;
    };
    if sizes(&mut talk).is_ok() {
        talk.end(true);
    }
    let Ok((mut talk, _)) = Talk::begin(partner, checks) else {
        return;
    };
    // What breaks it off has failed a check.
    let _ = parts(&mut talk);
}

/// What was ordered, the receipt that it brought, and the kernel's books beside it.
struct Held {
    order: String,
    footprint: Footprint,
    receipt: Receipt,
    books: Books,
    /// The books before it was ordered: an interpreter gives memory back when it likes, and its receipt may have
    /// been written in between.
    earlier: Books,
}

/// Has it hold a footprint; `None` where it refuses, which is its right.
fn held(talk: &mut Talk<'_>, footprint: Footprint) -> Result<Option<Held>, Broken> {
    let earlier = Books::of(talk.pid);
    let reply = talk.hold(&footprint)?;
    let receipt = match reply.last() {
        Answer::Receipt(receipt) => (**receipt).clone(),
        Answer::Skip(reason) | Answer::Fail(reason) => {
            let why = format!("it refuses {footprint}: {reason}");
            for name in [
                "receipt",
                "receipt-counts",
                "receipt-memory",
                "held",
                "replaced",
            ] {
                talk.checks.unknown(name, About::order(&reply.order), &why);
            }
            return Ok(None);
        }
        other => {
            let seen = format!("`{}` in the place of a receipt", other.to_line());
            talk.checks
                .failed("receipt", About::order(&reply.order), &seen);
            return Err(Broken);
        }
    };
    Ok(Some(Held {
        order: reply.order,
        footprint,
        receipt,
        books: Books::of(talk.pid),
        earlier,
    }))
}

fn sizes(talk: &mut Talk<'_>) -> Result<(), Broken> {
    let mut before: Option<Held> = None;
    for bytes in [0, BALLAST, 0, SMALLER] {
        let Some(now) = held(talk, Footprint::of(bytes))? else {
            continue;
        };
        check_receipt(talk, &now);
        if let Some(before) = &before {
            check_growth(talk, before, &now);
        }
        before = Some(now);
    }
    Ok(())
}

/// The receipt against the request, and against the kernel.
fn check_receipt(talk: &mut Talk<'_>, held: &Held) {
    let about = About::order(&held.order);
    let (receipt, books) = (&held.receipt, &held.books);
    let wrong = receipt.check(&held.footprint).err();
    let said = format!("ballast={}", receipt.ballast);
    let wrong = wrong.map(|mismatch| mismatch.to_string());
    talk.checks.held("receipt", about, wrong, &said);
    if receipt.pid != talk.pid {
        let seen = format!("the receipt says {}, and hello {}", receipt.pid, talk.pid);
        talk.checks.failed("pid", about, &seen);
    }
    let counts = [
        ("threads", receipt.threads, books.threads, 0),
        ("descriptors", receipt.fds, books.fds, FDS_SLACK),
        ("VMAs", receipt.vmas, books.vmas(), VMAS_SLACK),
    ];
    compare(talk, "receipt-counts", about, &counts, |count| {
        count.to_string()
    });
    let rss = nearest(receipt.process_rss, [held.earlier.rss, books.rss]);
    let tables = [held.earlier.page_tables, books.page_tables];
    let tables = nearest(receipt.page_tables, tables);
    let sizes = [
        ("resident bytes", receipt.process_rss, rss, RSS_SLACK),
        ("page tables", receipt.page_tables, tables, TABLES_SLACK),
    ];
    compare(talk, "receipt-memory", about, &sizes, human_size);
    check_mapping(talk, held);
}

/// What was true at some time between two looks and is nearest to what is said.
fn nearest(said: Option<u64>, looks: [Option<u64>; 2]) -> Option<u64> {
    let [earlier, now] = looks;
    let (earlier, now) = (earlier.or(now)?, now?);
    Some(said?.clamp(earlier.min(now), earlier.max(now)))
}

/// Figures of a receipt that are further from the kernel's than a tenth and a slack.
fn compare(
    talk: &mut Talk<'_>,
    name: &str,
    about: About<'_>,
    figures: &[(&str, Option<u64>, Option<u64>, u64)],
    written: fn(u64) -> String,
) {
    let mut told = Vec::new();
    for (what, said, is, slack) in figures {
        let (Some(said), Some(is)) = (said, is) else {
            continue;
        };
        let room = if *slack == 0 { 0 } else { slack + is / 10 };
        let seen = format!(
            "{what} {}, the kernel says {}",
            written(*said),
            written(*is)
        );
        if said.abs_diff(*is) > room {
            talk.checks.failed(name, about, &seen);
            return;
        }
        told.push(seen);
    }
    match told.is_empty() {
        true => talk
            .checks
            .unknown(name, about, "the receipt says nothing of it"),
        false => talk.checks.passed(name, about, &told.join("; ")),
    }
}

/// Whether there is a mapping such as the receipt's ballast, with its flags.
fn check_mapping(talk: &mut Talk<'_>, held: &Held) {
    let (receipt, books) = (&held.receipt, &held.books);
    let Some(rss) = receipt.rss.filter(|_| receipt.ballast > 0) else {
        return;
    };
    if books.mappings.is_none() {
        return;
    }
    let about = About::order(&held.order);
    let wanted = format!(
        "{} with {} resident",
        human_size(receipt.ballast),
        human_size(rss)
    );
    let Some(mapping) = books.mapping(receipt.ballast, rss) else {
        let seen = format!("a ballast of {wanted}, and smaps has no such mapping");
        talk.checks.failed("receipt-memory", about, &seen);
        return;
    };
    let said = receipt.vm_flags.as_deref().unwrap_or_default();
    let lacks = said.split_whitespace().find(|flag| !mapping.has(flag));
    let wrong = lacks.map(|flag| format!("flag `{flag}`, which the kernel does not show"));
    talk.checks.held(
        "receipt-memory",
        about,
        wrong,
        &format!("smaps has {wanted}"),
    );
}

/// Whether its memory grew and shrank with its ballast.
fn check_growth(talk: &mut Talk<'_>, before: &Held, now: &Held) {
    let (Some(was), Some(is)) = (before.books.rss, now.books.rss) else {
        return;
    };
    let about = About::order(&now.order);
    let (old, new) = (before.footprint.bytes, now.footprint.bytes);
    if old.abs_diff(new) < BALLAST {
        // An allocator may keep, or have kept, as much as that.
        return;
    }
    let seen = format!(
        "its resident memory went from {} to {}, with {} held and then {}",
        human_size(was),
        human_size(is),
        human_size(old),
        human_size(new)
    );
    if new > old {
        let wrong = (is.saturating_sub(was) < (new - old) / 4 * 3).then(|| seen.clone());
        talk.checks.held("held", about, wrong, &seen);
    } else {
        let wrong = (was.saturating_sub(is) < (old - new) / 2).then(|| seen.clone());
        talk.checks.held("replaced", about, wrong, &seen);
    }
}

fn parts(talk: &mut Talk<'_>) -> Result<(), Broken> {
    let Some(bare) = held(talk, Footprint::default())? else {
        return Ok(());
    };
    for name in PARTS {
        let footprint: Footprint = name.parse().expect("a constant that a test reads");
        let earlier = Books::of(talk.pid);
        let reply = talk.hold(&footprint)?;
        let Answer::Receipt(receipt) = reply.last() else {
            continue;
        };
        let now = Held {
            order: reply.order.clone(),
            footprint,
            receipt: (**receipt).clone(),
            books: Books::of(talk.pid),
            earlier,
        };
        check_receipt(talk, &now);
        if let Some(wrong) = missing(&bare.books, &now) {
            let seen = format!("a receipt for {name}, and {wrong}");
            talk.checks.failed("held", About::order(&now.order), &seen);
        }
    }
    Ok(())
}

/// What the kernel does not show of a footprint for which there is a receipt.
fn missing(bare: &Books, now: &Held) -> Option<String> {
    let (footprint, books) = (&now.footprint, &now.books);
    let more = |is: Option<u64>, was: Option<u64>| is?.checked_sub(was?);
    for (what, asked, is, was) in [
        ("threads", footprint.threads, books.threads, bare.threads),
        ("descriptors", footprint.fds, books.fds, bare.fds),
        ("VMAs", footprint.vmas, books.vmas(), bare.vmas()),
    ] {
        let grown = more(is, was).unwrap_or(0);
        if asked > 0 && is.is_some() && grown < u64::from(asked) {
            let (was, is) = (was.unwrap_or(0), is.unwrap_or(0));
            return Some(format!(
                "the kernel shows {is} {what}, and {was} in a bare parent"
            ));
        }
    }
    if footprint.bytes == 0 || books.mappings.is_none() {
        return None;
    }
    use crate::footprint::{Mapping, Touch};
    let all = books.mappings.as_ref()?.iter();
    let mut large = all.filter(|one| one.bytes() >= footprint.bytes);
    match (footprint.mapping, footprint.touch) {
        (Mapping::Shared, _) if !large.any(|one| one.has("sh")) => {
            Some("no mapping of that size is shared".to_owned())
        }
        (Mapping::Dontfork, _) if !large.any(|one| one.has("dc")) => {
            Some("no mapping of that size is kept from children".to_owned())
        }
        (_, Touch::Untouched) => {
            let grown = more(books.rss, bare.rss).unwrap_or(0);
            (grown > footprint.bytes / 2)
                .then(|| format!("its resident memory grew by {}", human_size(grown)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_true_between_two_looks_is_no_lie() {
        let between = |said| nearest(Some(said), [Some(57), Some(45)]);
        assert_eq!([50, 99, 1].map(between), [50, 57, 45].map(Some));
        assert_eq!(nearest(Some(7), [None, Some(9)]), Some(9));
        assert_eq!(nearest(Some(7), [Some(9), None]), None);
    }

    #[test]
    fn every_part_is_a_footprint() {
        for name in PARTS {
            name.parse::<Footprint>().unwrap().check().unwrap();
        }
    }
}
