//! What made a life long, as a table and in words.

use super::super::output::fill;
use crate::footprint::{BASE_PAGE, Footprint};
use crate::model::{Cause, Explanation, Wait};
use crate::report::grouped;
use crate::units::{Nanoseconds, human_size, human_time};

/// The table of parts, and a sentence for each span.
pub(super) fn reasons(explanation: &Explanation, footprint: &Footprint, width: usize) -> String {
    let mut text = format!("\n{}\n\n", fill(&compared(explanation), width, ""));
    text.push_str(&table(explanation));
    let mut say = |name: &str, wait: &Wait| {
        let sentence = sentence(name, wait, explanation, footprint);
        text.push_str(&format!("\n{}\n", fill(&sentence, width, "")));
    };
    say("call", &explanation.call);
    if let Some(reap) = &explanation.reap {
        say("reap", reap);
    }
    text
}

/// What stands behind the figures.
fn compared(explanation: &Explanation) -> String {
    let lives = explanation.lives;
    let told = format!("This is the median of {lives} lives, by reap");
    let bare = explanation.bare.cell != explanation.life.cell;
    match (bare, &explanation.kept) {
        (false, _) => {
            format!("{told}. The parent is a bare one; its parts are those of this life:")
        }
        (true, None) => format!("{told}, told in turn with {lives} of a bare parent's children:"),
        (true, Some(_)) => format!(
            "{told}, told in turn with {lives} of a bare parent's children, and {lives} of children that this \
             parent kept its ballast from:"
        ),
    }
}

fn name(cause: Cause) -> &'static str {
    match cause {
        Cause::PageTables => "page tables",
        Cause::PageFaults => "more page faults",
        Cause::Waiting => "waiting for a CPU",
        Cause::Rest => "not accounted for",
    }
}

/// A row for each part, a column for each span.
fn table(explanation: &Explanation) -> String {
    let spans: Vec<(&str, &Wait)> = [("call", &explanation.call)]
        .into_iter()
        .chain(explanation.reap.as_ref().map(|reap| ("reap", reap)))
        .collect();
    let row = |head: &str, cell: &dyn Fn(&Wait) -> String| {
        let cells: String = spans
            .iter()
            .map(|(_, wait)| format!("  {:<15}", cell(wait)))
            .collect();
        format!("{}\n", format!("{head:<24}{cells}").trim_end())
    };
    let heads: String = spans
        .iter()
        .map(|(name, _)| format!("  {:<15}", format!("{name:>8}")))
        .collect();
    let mut text = format!("{}\n", format!("{:<24}{heads}", "").trim_end());
    let time = |ns: u64| format!("{:>8}", human_time(ns));
    text.push_str(&row("took", &|wait| time(wait.ns)));
    text.push_str(&row("a bare parent's", &|wait| time(wait.bare_ns)));
    for cause in [
        Cause::PageTables,
        Cause::PageFaults,
        Cause::Waiting,
        Cause::Rest,
    ] {
        text.push_str(&row(name(cause), &|wait| part(wait, cause)));
    }
    text
}

/// A part's time, and its share of what is long.
fn part(wait: &Wait, cause: Cause) -> String {
    let Some(ns) = time_of(wait, cause) else {
        return format!("{:>8}", "–");
    };
    let time = format!("{:>8}", Nanoseconds(ns as f64).to_string());
    if wait.long.is_empty() || ns < 0 {
        return time;
    }
    format!("{time} {:>6}", share(ns, wait))
}

fn time_of(wait: &Wait, cause: Cause) -> Option<i64> {
    let part = wait.parts().into_iter().find(|(which, _)| *which == cause);
    part.map(|(_, ns)| ns)
}

fn share(ns: i64, wait: &Wait) -> String {
    match ns as f64 / wait.longer_ns().max(1) as f64 * 100.0 {
        share if ns > 0 && share < 1.0 => "< 1 %".to_owned(),
        share => format!("{share:.0} %"),
    }
}

/// Why a span took as long as it did.
fn sentence(name: &str, wait: &Wait, explanation: &Explanation, footprint: &Footprint) -> String {
    let took = human_time(wait.ns);
    let is_bare = explanation.bare.cell == explanation.life.cell;
    if wait.long.is_empty() {
        let usual = human_time(wait.bare_ns);
        let most = human_time(wait.most_bare_ns);
        return if is_bare {
            format!("{name} took {took}: what a bare parent's takes. Nothing made it long.")
        } else {
            format!(
                "{name} took {took}. A bare parent's takes {usual}, and up to {most}: nothing made this one long."
            )
        };
    }
    let longer = human_time(wait.longer_ns());
    let causes: Vec<String> = wait
        .long
        .iter()
        .map(|&cause| clause(name, cause, wait, explanation))
        .collect();
    let besides = match wait.long.contains(&Cause::Rest) {
        true => besides(footprint),
        false => String::new(),
    };
    format!(
        "{name} took {took}, {longer} more than a bare parent's: {}. {}{besides}",
        causes.join("; "),
        others(wait)
    )
}

fn clause(name: &str, cause: Cause, wait: &Wait, explanation: &Explanation) -> String {
    let ns = time_of(wait, cause).unwrap_or(0);
    let took = human_time(ns.unsigned_abs());
    let share = share(ns, wait);
    match cause {
        Cause::PageTables => tables(name, ns, explanation),
        Cause::PageFaults => {
            let bare = wait.bare_faults.unwrap_or(0);
            let more = wait.faults.unwrap_or(0).saturating_sub(bare);
            let price = human_time(explanation.fault_ns.unwrap_or(0));
            format!("{} more page faults at {price} each", grouped(more))
        }
        Cause::Waiting => {
            let taken = match wait.switches {
                Some([_, 1]) => ", which was taken away once".to_owned(),
                Some([_, n]) if n > 1 => format!(", which was taken away {} times", grouped(n)),
                _ => String::new(),
            };
            format!(
                "{took} ({share}) went by while parent or child was ready and others had the CPU{taken}"
            )
        }
        Cause::Rest => format!(
            "{took} ({share}) are not accounted for by the ballast's page tables, faults or waiting"
        ),
    }
}

fn tables(name: &str, ns: i64, explanation: &Explanation) -> String {
    let bytes = explanation.tables_bytes.unwrap_or(0);
    let entries = explanation.tables_entries.unwrap_or(0);
    let done = if name == "call" {
        "were copied"
    } else {
        "were copied and then torn down"
    };
    let each = |count: u64, one: &str| {
        let each = Nanoseconds(ns as f64 / count as f64);
        format!(", {each} {one}")
    };
    // Each huge page has a spare table, which its child needs too: then tables say more than entries.
    let count = bytes / BASE_PAGE;
    let each = match entries {
        0 if count == 0 => String::new(),
        n if n > count => each(n, "an entry"),
        _ => each(count, "a table"),
    };
    format!(
        "{} of page tables ({} tables, {} entries) {done}{each}",
        human_size(bytes),
        grouped(count),
        grouped(entries)
    )
}

/// In what else the parent differs from a bare one.
fn besides(footprint: &Footprint) -> String {
    let counts = [
        (footprint.vmas, "VMAs"),
        (footprint.threads, "threads"),
        (footprint.busy, "busy threads"),
        (footprint.fds, "descriptors"),
    ];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} more {what}", grouped(u64::from(*count))))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" The parent also has {}.", parts.join(", "))
    }
}

/// What the causes that are not named come to: less than a third of it.
fn others(wait: &Wait) -> String {
    let parts = wait.parts().into_iter();
    let others: Vec<String> = parts
        .filter(|(cause, ns)| {
            !wait.long.contains(cause) && *ns as f64 >= wait.longer_ns() as f64 / 100.0
        })
        .map(|(cause, ns)| format!("{}, {}", name(cause), share(ns, wait)))
        .collect();
    if others.is_empty() {
        "No other part comes to 1 %.".to_owned()
    } else {
        format!("Also: {}.", others.join("; "))
    }
}
