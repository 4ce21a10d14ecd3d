//! What the kind of memory changes: one mechanism, one size, every shape that was measured.

use std::collections::BTreeMap;

use super::rows::Rows;
use super::{Draw, Figure, Form, Frame, Numbers, figure};
use crate::footprint::Footprint;
use crate::mechanism::Phase;
use crate::recording::{Cell, Placement, Run, Status};
use crate::report::ReportError;
use crate::report::palette::{Look, MUTED, TEXT, look_of, rank_of};
use crate::report::pen::{Anchor, Pen};
use crate::report::reading::{
    centre, children, disagrees, factor, is_measured, label, p99, short, spread,
};
use crate::report::scale::{LogScale, size_name};
use crate::units::{Nanoseconds, human_time};

/// Fewer shapes than this don't make a comparison.
const FEWEST_SHAPES: usize = 3;
const MOST_ROWS: usize = 40;
const MOST_FIGURES: usize = 6;

struct Shape<'a> {
    name: String,
    cell: &'a Cell,
    centre: Option<f64>,
}

struct Chart<'a> {
    shapes: Vec<Shape<'a>>,
    look: Look,
    /// What the plain shape costs.
    plain: Option<f64>,
}

/// A figure for each mechanism and size with three shapes or more.
pub(super) fn figures(run: &Run, with_png: bool) -> Result<Vec<Figure>, ReportError> {
    let mut groups: BTreeMap<(usize, String, u64), Vec<&Cell>> = BTreeMap::new();
    for cell in children(run).filter(|cell| cell.placement == Placement::Pinned) {
        let key = (rank_of(&cell.mechanism), label(cell), cell.footprint.bytes);
        groups.entry(key).or_default().push(cell);
    }
    let measured = |cells: &[&Cell]| cells.iter().filter(|cell| is_measured(cell)).count();
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, cells)| std::cmp::Reverse(measured(cells)));
    let mut figures = Vec::new();
    for ((_, name, bytes), cells) in groups {
        if measured(&cells) < FEWEST_SHAPES || figures.len() == MOST_FIGURES {
            continue;
        }
        let bare = run.cells.iter().find(|cell| {
            let bare = cell.footprint == Footprint::of(0) && cell.placement == Placement::Pinned;
            bare && bytes > 0 && label(cell) == name && is_measured(cell)
        });
        let chart = Chart::of(&cells, bare);
        let frame = Frame {
            name: format!("kinds-{}", figures.len() + 1),
            title: match bytes {
                0 => format!("{} of a bare parent, by what is added", short(&name, 60)),
                _ => format!("{} with {}, by kind of memory", short(&name, 60), size_name(bytes)),
            },
            caption: "Phase “call”: the point is the median over trials, the bar reaches from the lowest \
                      to the highest trial, the tick is p99. The factor is against plain memory: 4 KiB \
                      pages, private, written in order, left alone between iterations."
                .to_owned(),
            numbers: chart.numbers(),
        };
        figures.push(figure(frame, &chart, with_png && figures.is_empty())?);
    }
    Ok(figures)
}

/// What a parent has beside its size: `shuffled rewritten`, `plain`.
pub(super) fn shape_name(footprint: &Footprint) -> String {
    match footprint.to_string().split_once('+') {
        None if footprint.bytes == 0 => "nothing added".to_owned(),
        None => "plain".to_owned(),
        Some((_, words)) => words.replace('+', " "),
    }
}

impl<'a> Chart<'a> {
    fn of(cells: &[&'a Cell], bare: Option<&'a Cell>) -> Self {
        let mut shapes: Vec<Shape> = cells
            .iter()
            .map(|&cell| (shape_name(&cell.footprint), cell))
            .chain(bare.map(|cell| ("no memory at all".to_owned(), cell)))
            .map(|(name, cell)| Shape {
                name,
                cell,
                centre: (cell.status == Status::Ok)
                    .then(|| centre(cell, Phase::Call))
                    .flatten()
                    .map(|centre| centre.ns),
            })
            .collect();
        let rank = |shape: &Shape| shape.centre.unwrap_or(f64::INFINITY);
        shapes.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
        // What has no figure comes last, whatever the others cost.
        shapes.sort_by_key(|shape| shape.centre.is_none());
        shapes.truncate(MOST_ROWS);
        let plain = shapes
            .iter()
            .find(|shape| shape.cell.footprint == Footprint::of(cells[0].footprint.bytes))
            .and_then(|shape| shape.centre);
        Self {
            shapes,
            look: look_of(&cells[0].mechanism),
            plain,
        }
    }

    fn factor(&self, shape: &Shape) -> String {
        match (shape.centre, self.plain) {
            (Some(centre), Some(plain)) if plain > 0.0 => {
                format!("× {}", small_factor(centre / plain))
            }
            (Some(centre), _) => Nanoseconds(centre).to_string(),
            (None, _) => String::new(),
        }
    }

    fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::headed([
            "memory",
            "call",
            "lowest to highest trial",
            "p99",
            "× plain",
        ]);
        for shape in &self.shapes {
            let centre = shape.centre.map_or_else(
                || short(shape.cell.reason.as_deref().unwrap_or("not measured"), 300),
                |ns| Nanoseconds(ns).to_string(),
            );
            let band = spread(shape.cell, Phase::Call);
            numbers.rows.push(vec![
                shape.name.clone(),
                centre,
                band.map_or("–".to_owned(), |(low, high)| {
                    format!("{} to {}", human_time(low), human_time(high))
                }),
                p99(shape.cell, Phase::Call).map_or("–".to_owned(), human_time),
                self.factor(shape),
            ]);
        }
        numbers
    }

    fn rows(&self, form: Form) -> Rows {
        Rows::new(form, self.shapes.len(), 6.0)
    }
}

/// Below one, two significant digits.
fn small_factor(ratio: f64) -> String {
    if (0.000_1..0.1).contains(&ratio) {
        let digits = (-ratio.log10().floor()) as usize + 1;
        return format!("{ratio:.digits$}");
    }
    factor(ratio)
}

impl Draw for Chart<'_> {
    fn height(&self, form: Form) -> f64 {
        self.rows(form).height()
    }

    fn draw(&self, pen: &mut Pen, form: Form) {
        let rows = self.rows(form);
        let values = self
            .shapes
            .iter()
            .filter(|shape| shape.centre.is_some())
            .flat_map(|shape| {
                let band =
                    spread(shape.cell, Phase::Call).map(|(low, high)| [low as f64, high as f64]);
                let tail = p99(shape.cell, Phase::Call).map(|ns| ns as f64);
                shape
                    .centre
                    .into_iter()
                    .chain(band.into_iter().flatten())
                    .chain(tail)
            });
        let scale = LogScale::holding(
            values.collect::<Vec<_>>(),
            rows.left + 8.0,
            rows.right - 8.0,
        );
        rows.log_axis(pen, &scale);
        for (index, shape) in self.shapes.iter().enumerate() {
            let y = rows.middle(index);
            let mut value = self.factor(shape);
            if let (Form::Narrow, Some(ns), Some(_)) = (form, shape.centre, self.plain) {
                value = format!("{}  {value}", Nanoseconds(ns));
            }
            rows.label(pen, index, &shape.name, &value, TEXT);
            let Some(centre) = shape.centre else {
                let why = shape.cell.reason.as_deref().unwrap_or("not measured");
                let why = crate::report::pen::fitted(why, 12.0, rows.right - rows.left - 12.0);
                pen.text((rows.left + 8.0, y), &why, 12.0, MUTED, Anchor::Start);
                continue;
            };
            let (x, ink) = (scale.at(centre), self.look.ink);
            if let Some(tail) = p99(shape.cell, Phase::Call).map(|ns| scale.at(ns as f64)) {
                pen.dashes(&[(x, y), (tail, y)], ink, 1.2, 5.0, 4.0);
                pen.line(&[(tail, y - 6.0), (tail, y + 6.0)], ink, 1.6);
            }
            if let Some((low, high)) = spread(shape.cell, Phase::Call) {
                let (low, high) = (scale.at(low as f64), scale.at(high as f64));
                pen.rect((low, y - 5.0), (high.max(low + 1.0), y + 5.0), ink, 0.25);
            }
            pen.marker((x, y), self.look, 4.5);
            let star = if disagrees(shape.cell, Phase::Call) {
                " *"
            } else {
                ""
            };
            let text = match form {
                Form::Wide => format!("{}{star}", Nanoseconds(centre)),
                Form::Narrow => star.to_owned(),
            };
            pen.text((x, y - 13.0), &text, 11.5, MUTED, Anchor::Middle);
        }
    }
}
