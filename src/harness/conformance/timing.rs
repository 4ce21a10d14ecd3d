//! Whether its figures can be true: their number, what they say, and what is left when they are told.

use std::time::Duration;

use super::checks::{About, Checks};
use super::kernel::{Leftovers, leftovers};
use super::talk::{Broken, Partner, Reply, Talk};
use crate::footprint::Footprint;
use crate::mechanism::Phase;
use crate::protocol::{Answer, Batch, Count, Known, Order, TimedSample};
use crate::units::human_time;

/// Iterations that tell how long one takes.
const FEW: Count = Count {
    warmup: 2,
    plain: 8,
    stamped: 0,
    fresh: 0,
};
/// How long the iterations take that clocks are compared over.
const LONG: Duration = Duration::from_millis(200);
/// The least and the most of them.
const ITERATIONS: (u64, u64) = (20, 20_000);
/// Two clocks are only compared over more than this, in nanoseconds: orders and answers take their time too.
const COMPARED: u64 = 40_000_000;
/// The share of our time that the subject's loop must have taken at least. More than all of it is impossible, which
/// is another check.
const LEAST_SHARE: f64 = 0.4;
/// Nanoseconds by which readings of one clock may disagree.
const SLACK: u64 = 1000;

/// What a `time` order brought, taken apart.
struct Brought {
    order: String,
    count: Count,
    firsts: usize,
    first_after_samples: bool,
    samples: Vec<(u64, TimedSample)>,
    batch: Batch,
    /// Nanoseconds until it was done.
    elapsed: u64,
}

/// Holds iterations of a mechanism to what can be.
pub(super) fn time(partner: Partner<'_>, checks: &mut Checks, mechanism: &str, claims_none: bool) {
    let Ok((mut talk, _)) = Talk::begin(partner, checks) else {
        return;
    };
    let own = Order::Exec(partner.launcher.own_image().clone());
    let held = Known::named(mechanism).map_or(Footprint::default(), Known::smallest);
    if talk.send(&own.to_line()).is_err() || talk.hold(&held).is_err() {
        return;
    }
    if orders(&mut talk, mechanism, claims_none).is_ok() {
        talk.end(true);
    }
}

fn orders(talk: &mut Talk<'_>, mechanism: &str, claims_none: bool) -> Result<(), Broken> {
    // Of our own, those that have nothing to stamp are never asked to.
    let stamps = Known::named(mechanism).is_none_or(|known| known.stamps(false));
    let first = Count {
        plain: 4,
        stamped: u64::from(stamps),
        ..Count::default()
    };
    let patience = talk.patience();
    let mut all = Vec::new();
    all.push(ask(talk, mechanism, first, patience)?);
    all.push(ask(talk, mechanism, FEW, patience)?);
    let before = leftovers(talk.pid, talk.group().0);
    let done = FEW.plain + FEW.warmup;
    let each = Duration::from_nanos((all[1].elapsed / done).max(1));
    let fitting = (LONG.as_nanos() / each.as_nanos().max(1)) as u64;
    let many = Count {
        plain: fitting.clamp(ITERATIONS.0, ITERATIONS.1),
        ..Count::default()
    };
    let expected = each.saturating_mul(many.plain as u32 * 10);
    all.push(ask(
        talk,
        mechanism,
        many,
        patience.saturating_add(expected),
    )?);
    let after = leftovers(talk.pid, talk.group().0);

    check_firsts(talk, mechanism, &all);
    let afterwards = check_afterwards(talk, mechanism, &all[2]);
    for brought in &all {
        check_times(talk, mechanism, brought);
    }
    if claims_none {
        let why = "nothing is started, and what is timed may be too short to tell";
        for name in ["not-made-up", "clock"] {
            talk.checks
                .unknown(name, about(mechanism, &all[2].order), why);
        }
    } else {
        check_made_up(talk, mechanism, &all);
        check_clock(talk, mechanism, &all[1], &all[2], afterwards);
    }
    check_children(talk, mechanism, &before, &after, &all[2]);
    Ok(())
}

fn about<'a>(mechanism: &'a str, order: &'a str) -> About<'a> {
    About {
        mechanism: Some(mechanism),
        order: Some(order),
    }
}

/// Has it do iterations, and counts what came.
fn ask(
    talk: &mut Talk<'_>,
    mechanism: &str,
    count: Count,
    patience: Duration,
) -> Result<Brought, Broken> {
    let order = Order::Time {
        mechanism: mechanism.to_owned(),
        exchange: None,
        count,
    };
    let reply = talk.ask(&order.to_line(), patience)?;
    let about = about(mechanism, &reply.order);
    let batch = match reply.last() {
        Answer::Done(batch) => batch.clone(),
        Answer::Skip(reason) => {
            talk.checks
                .unknown("counts", about, &format!("it skips it: {reason}"));
            return Err(Broken);
        }
        other => {
            let seen = format!("`{}` in the place of `done`", other.to_line());
            talk.checks.failed("counts", about, &seen);
            return Err(Broken);
        }
    };
    let brought = take_apart(&reply, count, batch);
    let calls = Known::named(mechanism).is_none_or(Known::starts_children);
    let wrong = miscounted(&brought, calls);
    let seen = format!("{} samples", brought.samples.len());
    talk.checks.held("counts", about, wrong.clone(), &seen);
    match wrong {
        Some(_) => Err(Broken),
        None => Ok(brought),
    }
}

fn take_apart(reply: &Reply, count: Count, batch: Batch) -> Brought {
    let (mut firsts, mut late) = (0, false);
    let mut samples = Vec::new();
    for (after, answer) in &reply.answers {
        match answer {
            Answer::First(_) => {
                firsts += 1;
                late |= !samples.is_empty();
            }
            Answer::Sample(sample) => samples.push((*after, *sample)),
            _ => {}
        }
    }
    Brought {
        order: reply.order.clone(),
        count,
        firsts,
        first_after_samples: late,
        samples,
        batch,
        elapsed: reply.answers.last().map_or(0, |(after, _)| *after),
    }
}

fn miscounted(brought: &Brought, has_calls: bool) -> Option<String> {
    let asked = brought.count.samples();
    let came = brought.samples.len() as u64;
    let said = brought.batch.iterations;
    if came != asked || said != asked {
        let warm = match brought.count.warmup {
            0 => String::new(),
            more => format!(", and {more} to warm up, which are not told"),
        };
        return Some(format!(
            "{came} samples, and `done iterations={said}`; {asked} were asked for{warm}"
        ));
    }
    let calls = brought.samples.iter();
    let calls = calls
        .filter(|(_, sample)| sample.get(Phase::Call).is_some())
        .count() as u64;
    (has_calls && calls < brought.count.plain).then(|| {
        format!(
            "{calls} samples have a `call`, of {} plain iterations",
            brought.count.plain
        )
    })
}

fn check_firsts(talk: &mut Talk<'_>, mechanism: &str, all: &[Brought]) {
    for (index, brought) in all.iter().enumerate() {
        let wrong = match (brought.firsts, index) {
            (0, _) => None,
            (1, 0) if brought.first_after_samples => Some("it comes behind samples".to_owned()),
            (1, 0) => None,
            (n, 0) => Some(format!("{n} of them in answer to one order")),
            (n, _) => Some(format!("{n} more in answer to a later order")),
        };
        let seen = match all[0].firsts {
            0 => "none, which may be",
            _ => "once",
        };
        talk.checks
            .held("first", about(mechanism, &brought.order), wrong, seen);
    }
}

/// Whether samples came together behind the loop; where they did not, arrivals say nothing of the loop.
fn check_afterwards(talk: &mut Talk<'_>, mechanism: &str, brought: &Brought) -> bool {
    let about = about(mechanism, &brought.order);
    let arrivals = brought.samples.iter().map(|(after, _)| *after);
    let (Some(begin), wall) = (arrivals.clone().min(), brought.batch.wall) else {
        return true;
    };
    let spread = brought.elapsed.saturating_sub(begin);
    // Too fast to tell from writing itself.
    if brought.elapsed < COMPARED {
        let why = format!("all of it took {}", human_time(brought.elapsed));
        talk.checks.unknown("afterwards", about, &why);
        return true;
    }
    let seen = format!(
        "samples came over {}, of {} that the order took, with a loop of {}",
        human_time(spread),
        human_time(brought.elapsed),
        human_time(wall)
    );
    let wrong = (spread > brought.elapsed / 2).then(|| seen.clone());
    let fine = wrong.is_none();
    talk.checks.held("afterwards", about, wrong, &seen);
    fine
}

fn check_times(talk: &mut Talk<'_>, mechanism: &str, brought: &Brought) {
    let wrong = impossible(brought);
    let seen = format!(
        "a loop of {} in an order of {}",
        human_time(brought.batch.wall),
        human_time(brought.elapsed)
    );
    talk.checks
        .held("times", about(mechanism, &brought.order), wrong, &seen);
}

fn impossible(brought: &Brought) -> Option<String> {
    let (batch, elapsed) = (&brought.batch, brought.elapsed);
    let mut sum: u64 = 0;
    for (_, sample) in &brought.samples {
        let line = Answer::Sample(*sample).to_line();
        let longest = sample.times().max();
        let Some(longest) = longest else {
            return Some(format!("`{line}` has no phase"));
        };
        let reap = sample.get(Phase::Reap);
        let ends = [Phase::Call, Phase::Start, Phase::Exec].map(|phase| sample.get(phase));
        if ends
            .iter()
            .flatten()
            .any(|&time| reap.is_some_and(|reap| time > reap))
        {
            return Some(format!(
                "`{line}`: a phase that ends after the child was reaped"
            ));
        }
        if longest > elapsed {
            return Some(format!("`{line}`, in an order that took {elapsed} ns"));
        }
        sum = sum.saturating_add(longest);
    }
    if sum > batch.wall.saturating_add(SLACK) {
        return Some(format!(
            "samples of {sum} ns together, in a loop of wall={}",
            batch.wall
        ));
    }
    if batch.timed > batch.wall {
        return Some(format!("timed={}, of wall={}", batch.timed, batch.wall));
    }
    (batch.wall > elapsed)
        .then(|| format!("wall={}, in an order that took {elapsed} ns", batch.wall))
}

fn check_made_up(talk: &mut Talk<'_>, mechanism: &str, all: &[Brought]) {
    let about = about(mechanism, &all[2].order);
    for phase in Phase::ALL {
        let mut times: Vec<u64> = all
            .iter()
            .flat_map(|brought| {
                brought
                    .samples
                    .iter()
                    .filter_map(|(_, sample)| sample.get(phase))
            })
            .collect();
        let count = times.len();
        times.sort_unstable();
        times.dedup();
        let name = phase.name();
        if times.first() == Some(&0) && phase != Phase::FirstPass {
            talk.checks
                .failed("not-made-up", about, &format!("a `{name}` of 0 ns"));
            return;
        }
        if count >= 20 && times.len() == 1 {
            let seen = format!("all of {count} times of `{name}` are {} ns", times[0]);
            talk.checks.failed("not-made-up", about, &seen);
            return;
        }
        if phase == Phase::Call && count >= 20 {
            let seen = format!("{} different times of `{name}` in {count}", times.len());
            talk.checks.passed("not-made-up", about, &seen);
        }
    }
}

/// Its clock beside ours, and how finely it ticks.
fn check_clock(
    talk: &mut Talk<'_>,
    mechanism: &str,
    few: &Brought,
    many: &Brought,
    afterwards: bool,
) {
    let about = about(mechanism, &many.order);
    let times = || many.samples.iter().flat_map(|(_, sample)| sample.times());
    for (unit, name) in [(1_000_000, "milliseconds"), (1000, "microseconds")] {
        if times().count() >= 20
            && times().all(|time| time % unit == 0)
            && times().any(|time| time > 0)
        {
            let seen = format!(
                "every time is a whole number of {name}: the clock does not tell nanoseconds"
            );
            talk.checks.failed("clock", about, &seen);
            return;
        }
    }
    // Until the first sample came the loop ran; what both orders spend beside it cancels out.
    let until = |brought: &Brought| match brought.samples.first() {
        Some((first, _)) if afterwards => *first,
        _ => brought.elapsed,
    };
    let ours = until(many).saturating_sub(until(few));
    let theirs = many.batch.wall.saturating_sub(few.batch.wall);
    if ours < COMPARED {
        let why = format!(
            "its iterations took {}: too short to compare clocks",
            human_time(ours)
        );
        return talk.checks.unknown("clock", about, &why);
    }
    let share = theirs as f64 / ours as f64;
    let seen = format!("`wall` grew by {theirs} while {ours} ns went by");
    let wrong = share < LEAST_SHARE;
    talk.checks
        .held("clock", about, wrong.then(|| seen.clone()), &seen);
}

/// What grew with the iterations was left behind by them. Helpers that are there once are not.
fn check_children(
    talk: &mut Talk<'_>,
    mechanism: &str,
    before: &Leftovers,
    after: &Leftovers,
    many: &Brought,
) {
    let iterations = many.count.plain;
    let grown = |was: u64, is: u64| is.saturating_sub(was) >= (iterations / 4).max(3);
    let wrong = if after.zombies > 0 {
        Some(format!(
            "{} children have ended and nobody waits for them",
            after.zombies
        ))
    } else if let Some(stray) = after.strayed.first() {
        Some(format!(
            "{stray} left the process group, where forkbench can't end it"
        ))
    } else {
        [
            ("children", before.children, after.children),
            ("threads", before.threads, after.threads),
            ("descriptors", before.fds, after.fds),
        ]
        .into_iter()
        .find(|(_, was, is)| grown(*was, *is))
        .map(|(what, was, is)| {
            format!("{is} {what} live, and {was} did {iterations} iterations before")
        })
    };
    let seen = match after.children {
        0 => "none is left".to_owned(),
        n => format!("{n} are left, as before: helpers"),
    };
    talk.checks
        .held("children", about(mechanism, &many.order), wrong, &seen);
}
