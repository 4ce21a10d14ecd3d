//! Which mechanisms of a subject are tried.

use super::Candidate;
use super::checks::Checks;
use super::talk::{Hello, Partner, Talk};
use crate::footprint::Footprint;
use crate::harness::registry::Registry;
use crate::mechanism::{Event, MECHANISMS, Mechanism};
use crate::protocol::{Answer, Order};

/// Of a foreign subject that names none, so many are tried at the most.
const MOST: usize = 6;
/// Names that are tried first: what authors call the first mechanism they write.
const USUAL: [&str; 4] = ["fork", "spawn", "posix_spawn", "thread"];
/// Names that no other program than ours has.
const OWN: [&str; 2] = ["clone-vm", "command-fork"];

/// Those that it names, or a registry names, or that it answers to.
pub(super) fn choose(
    partner: Partner<'_>,
    checks: &mut Checks,
    hello: &Hello,
    candidate: &Candidate<'_>,
    is_own: bool,
) -> Vec<String> {
    if !hello.mechanisms.is_empty() {
        return hello.mechanisms.clone();
    }
    if !candidate.registered.is_empty() {
        let names = candidate.registered.iter();
        return names.map(|known| known.name.clone()).collect();
    }
    if is_own {
        let children = MECHANISMS.iter().filter(|known| !known.writes());
        return children.map(|known| known.name.to_owned()).collect();
    }
    let mut names: Vec<String> = USUAL.map(str::to_owned).to_vec();
    let native = MECHANISMS.iter().filter(|known| !known.writes());
    names.extend(native.map(|known| known.name.to_owned()));
    for subject in Registry::shipped().subjects() {
        names.extend(subject.mechanisms.iter().map(|known| known.name.clone()));
    }
    let mut seen = Vec::new();
    names.retain(|name| {
        let fresh = !seen.contains(name);
        seen.push(name.clone());
        fresh
    });
    // One that takes any name says nothing by taking these.
    let most = if checks.has_failed("unknown-mechanisms") {
        1
    } else {
        MOST
    };
    answered(partner, checks, &names, most)
}

/// The first of `names` that it does an iteration of.
fn answered(
    partner: Partner<'_>,
    checks: &mut Checks,
    names: &[String],
    most: usize,
) -> Vec<String> {
    let mut found = Vec::new();
    let Ok((mut talk, _)) = Talk::begin(partner, checks) else {
        return found;
    };
    let own = Order::Exec(partner.launcher.own_image().clone());
    if talk.send(&own.to_line()).is_err() || talk.hold(&Footprint::default()).is_err() {
        return found;
    }
    let patience = talk.patience();
    for name in names {
        let order = format!("time mechanism={name} plain=1");
        match talk.ask(&order, patience) {
            Ok(reply) if matches!(reply.last(), Answer::Done(_)) => found.push(name.clone()),
            Ok(_) => {}
            Err(_) => break,
        }
        if found.len() == most {
            break;
        }
    }
    found
}

/// Whether it is a build of forkbench's own subject: it has mechanisms that nobody else has, and not any.
pub(super) fn is_own(partner: Partner<'_>, checks: &mut Checks) -> bool {
    if checks.has_failed("unknown-mechanisms") || checks.silences > 0 {
        return false;
    }
    answered(partner, checks, &OWN.map(str::to_owned), OWN.len()).len() == OWN.len()
}

/// Whether an iteration of it is said to start nothing.
pub(super) fn claims_none(name: &str, candidate: &Candidate<'_>, is_own: bool) -> bool {
    let mut registered = candidate.registered.iter();
    match registered.find(|known| known.name == name) {
        Some(known) => known.claims.iter().all(|claim| claim.event == Event::None),
        None => {
            is_own && Mechanism::named(name).is_some_and(|known| known.claim.event == Event::None)
        }
    }
}
