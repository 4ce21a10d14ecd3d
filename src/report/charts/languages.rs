//! What a language adds to the call, as its own share of it.

use super::rows::Rows;
use super::{Draw, Figure, Form, Frame, Numbers, figure};
use crate::footprint::Footprint;
use crate::recording::{Placement, Run};
use crate::report::languages::{HEADS, Pair, pairs};
use crate::report::palette::{Ink, MUTED, PAPER, TEXT, look_of};
use crate::report::pen::{Anchor, Pen, text_width};
use crate::report::reading::{label, short};
use crate::report::scale::LinearScale;
use crate::report::{ReportError, answer};
use crate::units::Nanoseconds;

const MOST_ROWS: usize = 40;
/// Parents that are drawn; the tables have them all.
const MOST_FIGURES: usize = 6;
/// How strongly the language's share is inked; the kernel's has its mechanism's full colour.
const STRENGTH: f64 = 0.3;

struct Bar {
    name: String,
    /// The native mechanism's, as everywhere.
    ink: Ink,
    native: String,
    whole: f64,
    share: f64,
    /// The language's part, from 0 to 1.
    part: f64,
}

struct Chart {
    bars: Vec<Bar>,
}

/// A figure for each parent at which a language's cell has a native one beside it.
pub(super) fn figures(run: &Run) -> Result<Vec<Figure>, ReportError> {
    let pairs = pairs(run);
    let alike = |a: &Pair, b: &Pair| place(a) == place(b);
    let mut figures = Vec::new();
    for group in pairs.chunk_by(alike) {
        let bars: Vec<Bar> = group.iter().filter_map(bar).take(MOST_ROWS).collect();
        if bars.is_empty() || figures.len() >= MOST_FIGURES {
            continue;
        }
        let rows = group
            .iter()
            .map(|pair| pair.row().map(|value| short(&value, 80)).to_vec());
        let mut numbers = Numbers::headed(HEADS);
        numbers.rows = rows.collect();
        let (footprint, placement) = place(&group[0]);
        let free = if placement == Placement::Free {
            ", not pinned"
        } else {
            ""
        };
        let frame = Frame {
            name: format!("languages-{}", figures.len() + 1),
            title: format!("One call of a {}{free}", answer::parent(footprint)),
            caption: "Each bar is one whole call. Full colour: what the native mechanism takes at the same footprint, in \
                      its own colour. Pale: what the language adds. The time at the end is the whole call's median; the \
                      table has the cells, too, that no native one stands beside."
                .to_owned(),
            numbers,
        };
        figures.push(figure(frame, &Chart { bars }, false)?);
    }
    Ok(figures)
}

/// What cells must have in common to be drawn together.
fn place<'a>(pair: &Pair<'a>) -> (&'a Footprint, Placement) {
    (&pair.foreign.footprint, pair.foreign.placement)
}

fn bar(pair: &Pair) -> Option<Bar> {
    let native = pair.native?;
    Some(Bar {
        name: short(&label(pair.foreign), 80),
        ink: look_of(&native.mechanism).ink,
        native: short(&native.mechanism, 40),
        whole: pair.whole,
        share: pair.share?,
        part: pair.part()?,
    })
}

impl Bar {
    fn draw(&self, pen: &mut Pen, scale: &LinearScale, middle: f64) {
        let (top, bottom) = (middle - 11.0, middle + 11.0);
        let (left, border, right) = (scale.at(0.0), scale.at(1.0 - self.part), scale.at(1.0));
        pen.rect((left, top), (border, bottom), self.ink, 1.0);
        pen.rect((border, top), (right, bottom), self.ink, STRENGTH);
        let share = Nanoseconds(self.share).to_string();
        let added = Nanoseconds((self.whole - self.share).max(0.0)).to_string();
        let kernel = [format!("{} {share}", self.native), share];
        write(pen, (left, border), middle, &kernel, PAPER);
        write(pen, (border, right), middle, &[format!("+{added}")], TEXT);
    }
}

/// The first of `texts` that fits between two edges.
fn write(pen: &mut Pen, (left, right): (f64, f64), middle: f64, texts: &[String], ink: Ink) {
    let fits = |text: &&String| text_width(text, 12.0) + 10.0 <= right - left;
    if let Some(text) = texts.iter().find(fits) {
        let at = ((left + right) / 2.0, middle);
        pen.text(at, text, 12.0, ink, Anchor::Middle);
    }
}

fn legend(pen: &mut Pen, left: f64) {
    let mut x = left;
    for (name, strength) in [("the native mechanism", 1.0), ("the language", STRENGTH)] {
        pen.rect((x, 8.0), (x + 16.0, 20.0), MUTED, strength);
        pen.text((x + 21.0, 14.0), name, 12.0, MUTED, Anchor::Start);
        x += 21.0 + text_width(name, 12.0) + 14.0;
    }
}

impl Draw for Chart {
    fn height(&self, form: Form) -> f64 {
        Rows::new(form, self.bars.len(), 34.0).height()
    }

    fn draw(&self, pen: &mut Pen, form: Form) {
        let rows = Rows::new(form, self.bars.len(), 34.0);
        let scale = LinearScale::up_to(1.0, rows.left, rows.right);
        legend(pen, rows.left);
        rows.share_axis(pen, &scale);
        for (index, bar) in self.bars.iter().enumerate() {
            let whole = Nanoseconds(bar.whole).to_string();
            rows.label(pen, index, &bar.name, &whole, bar.ink);
            bar.draw(pen, &scale, rows.middle(index));
        }
    }
}
