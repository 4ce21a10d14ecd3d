//! What fork's time goes to and what would change it, on a terminal.

use crate::footprint::State;
use crate::recording::Run;
use crate::units::Nanoseconds;

use super::costs::{costs, part_words};
use super::reading::plain;
use super::savings::savings;
use super::terminal::{Styles, hanging, pad, pad_left, wrapped};

/// The widest name of a part.
const NAME: usize = 21;
const COST: usize = 9;
const RATE: usize = 8;
const GAP: &str = "   ";
/// The narrowest table that has milliseconds per GiB too.
const WITH_RATES: usize = 60;

/// Both, each after an empty line; empty for a run that has no parent whose memory fork copies.
pub(super) fn costs_text(run: &Run, width: usize, styles: &Styles) -> String {
    let mut text = String::new();
    write_costs(&mut text, run, width, styles);
    write_savings(&mut text, run, width, styles);
    text
}

fn write_line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

fn write_title(text: &mut String, title: &str, width: usize, styles: &Styles) {
    for line in wrapped(title, width) {
        write_line(text, &styles.put("1", &line));
    }
}

fn write_notes(text: &mut String, notes: &[String], width: usize, styles: &Styles) {
    for line in notes.iter().flat_map(|note| wrapped(note, width)) {
        write_line(text, &styles.dim(&line));
    }
}

fn write_costs(text: &mut String, run: &Run, width: usize, styles: &Styles) {
    let Some(costs) = costs(run) else { return };
    write_line(text, "");
    write_title(
        text,
        "Where the time goes: what fork pays for each",
        width,
        styles,
    );
    let rates = width >= WITH_RATES;
    let row = |name: &str, cells: Vec<(String, String)>| {
        let mut line = pad(name, NAME);
        for (cost, rate) in cells {
            line.push_str(&pad_left(&cost, COST));
            if rates {
                line.push_str(&pad_left(&rate, RATE));
                line.push_str(GAP);
            }
        }
        line
    };
    if !costs.fits.is_empty() {
        let heads = costs.fits.iter().map(|fit| match fit.state {
            State::Hot => ("alone".to_owned(), "ms/GiB".to_owned()),
            State::Rewritten => ("rewritten".to_owned(), "ms/GiB".to_owned()),
        });
        write_line(
            text,
            &styles.dim(row("memory between forks", heads.collect()).trim_end()),
        );
    }
    for (part, cells) in costs.rows() {
        let cells = cells.into_iter().map(|cell| match cell {
            Some(cost) => (cost.ns, cost.per_gib.unwrap_or_default()),
            None => ("–".to_owned(), String::new()),
        });
        write_line(text, &row(part_words(part), cells.collect()));
    }
    write_notes(text, &costs.notes(), width, styles);
}

fn write_savings(text: &mut String, run: &Run, width: usize, styles: &Styles) {
    let Some(savings) = savings(run) else { return };
    write_line(text, "");
    write_title(
        text,
        "What would change it, of what was measured",
        width,
        styles,
    );
    for saving in &savings.rows {
        let (saves, share) = saving.words();
        let share = share.map_or(String::new(), |share| format!(" ({share})"));
        let line = format!(
            "{}: {} {} instead of {} {}, saves {saves}{share}",
            saving.way,
            plain(&saving.to.id),
            Nanoseconds(saving.after),
            plain(&saving.from.id),
            Nanoseconds(saving.before),
        );
        for line in hanging(&line, width, "", "  ") {
            write_line(text, &line);
        }
    }
    if !savings.unmeasured.is_empty() {
        let line = format!(
            "Not measured in this run: {}.",
            savings.unmeasured.join(", ")
        );
        write_notes(text, &[line], width, styles);
    }
}
