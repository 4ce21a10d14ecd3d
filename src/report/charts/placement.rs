//! Pinned against free: what the scheduler's choice of a CPU adds.

use std::collections::BTreeMap;

use super::rows::Rows;
use super::{Draw, Figure, Form, Frame, Numbers, figure};
use crate::footprint::Footprint;
use crate::mechanism::Phase;
use crate::recording::{Cell, Placement, Run};
use crate::report::ReportError;
use crate::report::palette::{Look, MUTED, Marker, look_of, rank_of};
use crate::report::pen::{Anchor, Pen};
use crate::report::reading::{centre, factor, is_measured, label};
use crate::report::scale::{LogScale, size_name};
use crate::units::Nanoseconds;

/// More pairs than this do not make a chart.
const MOST_ROWS: usize = 40;

struct Pair {
    name: String,
    look: Look,
    pinned: f64,
    free: f64,
}

struct Chart {
    pairs: Vec<Pair>,
}

/// Figures for `start` and `reap`, where cells were measured both ways.
pub(super) fn figures(run: &Run) -> Result<Vec<Figure>, ReportError> {
    let mut figures = Vec::new();
    for phase in [Phase::Start, Phase::Reap] {
        let chart = Chart {
            pairs: pairs(run, phase),
        };
        if chart.pairs.is_empty() {
            continue;
        }
        let title = match phase {
            Phase::Start => "Until the child runs: pinned and free",
            _ => "The whole life: pinned and free",
        };
        let frame = Frame {
            name: format!("placement-{}", phase.name()),
            title: title.to_owned(),
            caption: format!(
                "Phase “{}”, medians. Filled: parent and child on one CPU, so the child waits until the \
                 parent sleeps. Ring: the scheduler chooses.",
                phase.name()
            ),
            numbers: chart.numbers(phase),
        };
        figures.push(figure(frame, &chart, false)?);
    }
    Ok(figures)
}

fn pairs(run: &Run, phase: Phase) -> Vec<Pair> {
    let placed = |placement: Placement| {
        run.cells
            .iter()
            .filter(move |cell| cell.placement == placement && is_measured(cell))
    };
    let pinned: BTreeMap<(Footprint, String), &Cell> = placed(Placement::Pinned)
        .map(|cell| ((cell.footprint, label(cell)), cell))
        .collect();
    let mut found: Vec<(&Cell, Pair)> = Vec::new();
    for free in placed(Placement::Free) {
        let Some(&pinned) = pinned.get(&(free.footprint, label(free))) else {
            continue;
        };
        let (Some(p), Some(f)) = (centre(pinned, phase), centre(free, phase)) else {
            continue;
        };
        let size = size_name(pinned.footprint.bytes);
        let pair = Pair {
            name: format!("{}, {size}", label(pinned)),
            look: look_of(&pinned.mechanism),
            pinned: p.ns,
            free: f.ns,
        };
        found.push((pinned, pair));
        if found.len() == MOST_ROWS {
            break;
        }
    }
    found.sort_by_key(|(cell, _)| (cell.footprint, rank_of(&cell.mechanism)));
    found.into_iter().map(|(_, pair)| pair).collect()
}

impl Chart {
    fn numbers(&self, phase: Phase) -> Numbers {
        let pinned = format!("{} pinned", phase.name());
        let mut numbers = Numbers::headed(["mechanism", &pinned, "free", "free / pinned"]);
        for pair in &self.pairs {
            numbers.rows.push(vec![
                pair.name.clone(),
                Nanoseconds(pair.pinned).to_string(),
                Nanoseconds(pair.free).to_string(),
                factor(pair.free / pair.pinned),
            ]);
        }
        numbers
    }

    fn rows(&self, form: Form) -> Rows {
        Rows::new(form, self.pairs.len(), 34.0)
    }
}

impl Draw for Chart {
    fn height(&self, form: Form) -> f64 {
        self.rows(form).height()
    }

    fn draw(&self, pen: &mut Pen, form: Form) {
        let rows = self.rows(form);
        let values = self.pairs.iter().flat_map(|pair| [pair.pinned, pair.free]);
        let scale = LogScale::holding(values, rows.left + 8.0, rows.right - 8.0);
        rows.log_axis(pen, &scale);
        let legend = |marker| Look { ink: MUTED, marker };
        let x = rows.left + 8.0;
        pen.marker((x, 14.0), legend(Marker::Circle), 5.0);
        pen.text((x + 11.0, 14.0), "pinned", 12.0, MUTED, Anchor::Start);
        pen.marker((x + 74.0, 14.0), legend(Marker::HollowCircle), 5.0);
        pen.text((x + 85.0, 14.0), "free", 12.0, MUTED, Anchor::Start);
        for (index, pair) in self.pairs.iter().enumerate() {
            let y = rows.middle(index);
            let ratio = format!("× {}", factor(pair.free / pair.pinned));
            rows.label(pen, index, &pair.name, &ratio, pair.look.ink);
            let (from, to) = (scale.at(pair.pinned), scale.at(pair.free));
            pen.faint_line(&[(from, y), (to, y)], pair.look.ink, 2.5, 0.5);
            let marked = |marker| Look {
                marker,
                ..pair.look
            };
            pen.marker((from, y), marked(Marker::Circle), 5.0);
            pen.marker((to, y), marked(Marker::HollowCircle), 5.0);
        }
    }
}
