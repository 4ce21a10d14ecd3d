//! Whether it reads orders as the protocol says: comments, keys, words, and the end.

use super::checks::{About, Checks};
use super::kernel::allowed_cpus;
use super::talk::{Broken, Hello, Partner, Talk};
use crate::footprint::Footprint;
use crate::protocol::{Answer, Order};

/// A footprint that every subject should hold: a mebibyte.
const BALLAST: u64 = 1 << 20;
/// Names that no mechanism and no order has.
const NO_MECHANISM: &str = "no-such-mechanism";
const NO_ORDER: &str = "dance partner=none";

/// Whether it says hello, and reads what it is told. `None`: there is nobody to talk to.
pub(super) fn read(partner: Partner<'_>, checks: &mut Checks) -> Option<Hello> {
    let (mut talk, hello) = Talk::begin(partner, checks).ok()?;
    if talk.hush().is_ok() {
        // What breaks it off has failed a check.
        let _ = orders(&mut talk, partner);
    }
    Some(hello)
}

fn orders(talk: &mut Talk<'_>, partner: Partner<'_>) -> Result<(), Broken> {
    let bare = Order::Hold(Footprint::default()).to_line();
    let own = Order::Exec(partner.launcher.own_image().clone());
    talk.send(&own.to_line())?;
    let patience = talk.patience();
    // Not all of its values are the same: who reads by place is seen.
    let order = Order::Hold(Footprint::of(BALLAST)).to_line();
    let plain = talk.ask(&order, patience)?;
    if let Answer::Receipt(_) = plain.last() {
        let backwards: Vec<&str> = order.split(' ').skip(1).collect();
        let backwards: Vec<&str> = backwards.into_iter().rev().collect();
        let comments = format!("\n# a comment\n#time mechanism=fork plain=1\n{order}");
        let unknown = order.replacen("hold ", "hold flavour=vanilla ", 1) + " colour=red";
        for (name, order) in [
            ("comments", comments),
            ("unknown-keys", unknown),
            ("order-of-keys", format!("hold {}", backwards.join(" "))),
        ] {
            still_holds(talk, name, &order)?;
        }
    } else {
        let why = format!("`{order}` brought `{}`", plain.last().to_line());
        for name in ["comments", "unknown-keys", "order-of-keys"] {
            talk.checks.unknown(name, About::order(&order), &why);
        }
    }
    pin(talk, partner, &bare)?;
    let order = format!("time mechanism={NO_MECHANISM} plain=1");
    let reply = talk.ask(&order, patience)?;
    let seen = format!("`{}`", reply.last().to_line());
    let refused = matches!(reply.last(), Answer::Fail(_) | Answer::Skip(_));
    let wrong = (!refused).then(|| format!("{seen}, as if it had such a mechanism"));
    talk.checks
        .held("unknown-mechanisms", About::order(&order), wrong, &seen);
    unknown_word(talk, &bare)
}

/// Whether a line that differs in what means nothing is answered by a receipt all the same.
fn still_holds(talk: &mut Talk<'_>, name: &str, order: &str) -> Result<(), Broken> {
    let patience = talk.patience();
    let Ok(reply) = talk.ask(order, patience) else {
        let seen = "no receipt; the same without it brought one";
        talk.checks.failed(name, About::order(order), seen);
        return Err(Broken);
    };
    let said = format!("`{}`", reply.last().to_line());
    let wrong = match reply.last() {
        Answer::Receipt(receipt) if receipt.ballast == BALLAST => None,
        _ => Some(format!(
            "{said}; the same footprint said plainly brought a receipt for it"
        )),
    };
    talk.checks
        .held(name, About::order(order), wrong, "the same as without");
    Ok(())
}

/// Whether an order that nobody knows is refused; a subject may end then.
fn unknown_word(talk: &mut Talk<'_>, bare: &str) -> Result<(), Broken> {
    let patience = talk.patience();
    let about = About::order(NO_ORDER);
    // The order behind it brings an answer where the first brought none: no time is lost.
    let Ok(reply) = talk.ask(&format!("{NO_ORDER}\n{bare}"), patience) else {
        talk.checks
            .failed("unknown-words", about, "no answer, and then none at all");
        return Err(Broken);
    };
    let said = format!("`{}`", reply.last().to_line());
    let wrong = match reply.last() {
        Answer::Fail(_) | Answer::Skip(_) => None,
        _ => Some(format!("nothing; {said} answers the order behind it")),
    };
    talk.checks.held("unknown-words", about, wrong, &said);
    Ok(())
}

/// Whether it runs where it was told to.
fn pin(talk: &mut Talk<'_>, partner: Partner<'_>, bare: &str) -> Result<(), Broken> {
    let Some(cpu) = partner.launcher.subject_cpu() else {
        let why = "this host has one CPU, and nothing to choose";
        talk.checks.unknown("cpu", About::default(), why);
        return Ok(());
    };
    let order = Order::Cpu(cpu).to_line();
    let patience = talk.patience();
    talk.send(&order)?;
    // Its answer says that it is done with the order before.
    let reply = talk.ask(bare, patience)?;
    let about = About::order(&order);
    if let Answer::Fail(reason) = reply.last() {
        talk.checks
            .unknown("cpu", about, &format!("it says that it can't: {reason}"));
        return Ok(());
    }
    match allowed_cpus(talk.pid) {
        Some(lists) => {
            let seen = format!("Cpus_allowed_list of its threads: {}", lists.join(" and "));
            let wrong = (lists != [cpu.to_string()]).then(|| seen.clone());
            talk.checks.held("cpu", about, wrong, &seen);
        }
        None => talk
            .checks
            .unknown("cpu", about, "its threads can't be read"),
    }
    Ok(())
}

/// Whether the end of its input ends it.
pub(super) fn end_of_input(partner: Partner<'_>, checks: &mut Checks) {
    let Ok((mut talk, _)) = Talk::begin(partner, checks) else {
        return;
    };
    if talk.hold(&Footprint::default()).is_ok() {
        talk.end(false);
    }
}
