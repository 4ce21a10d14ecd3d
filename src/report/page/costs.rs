//! What fork's time goes to, and what would change it.

use minijinja::{Value, context};

use super::Targets;
use crate::recording::{Cell, Run};
use crate::report::costs::{costs, part_words, state_words};
use crate::report::reading::plain;
use crate::report::savings::savings;
use crate::units::Nanoseconds;

/// The table of costs; nothing for a run that has no parent whose memory fork copies.
pub(super) fn costs_view(run: &Run) -> Option<Value> {
    let costs = costs(run)?;
    let states = costs.fits.iter().map(|fit| state_words(fit.state));
    let rows = costs.rows().into_iter().map(|(part, costs)| {
        let costs = costs.into_iter().map(|cost| {
            cost.map(|cost| {
                context! { ns => cost.ns, interval => cost.interval, per_gib => cost.per_gib }
            })
        });
        context! { part => part_words(part), costs => costs.collect::<Vec<_>>() }
    });
    Some(context! {
        states => states.collect::<Vec<_>>(),
        rows => rows.collect::<Vec<_>>(),
        notes => costs.notes(),
    })
}

/// What other ways save; nothing for the same runs.
pub(super) fn savings_view(run: &Run, targets: &Targets) -> Option<Value> {
    let savings = savings(run)?;
    let link = |cell: &Cell| {
        let anchor = targets.get(cell.id.as_str()).copied();
        context! { id => plain(&cell.id), anchor }
    };
    let rows = savings.rows.iter().map(|row| {
        let (saves, share) = row.words();
        context! {
            saves,
            share,
            way => row.way,
            from => link(row.from),
            to => link(row.to),
            before => Nanoseconds(row.before).to_string(),
            after => Nanoseconds(row.after).to_string(),
            disagrees => row.disagrees(),
        }
    });
    Some(context! {
        rows => rows.collect::<Vec<_>>(),
        terms => savings.terms,
        unmeasured => savings.unmeasured,
    })
}
