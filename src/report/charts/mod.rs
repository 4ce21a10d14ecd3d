//! The charts of a run.
//!
//! Each is drawn twice, wide and for a phone; style sheets choose. Each carries its numbers.

mod channels;
mod copies;
mod distribution;
mod footprint;
mod kinds;
mod languages;
mod life;
mod parts;
mod phases;
mod placement;
mod rows;
mod servers;

pub(super) use distribution::{CellFigure, cell_figure, edges};

use super::ReportError;
use super::palette;
use super::pen::{self, Anchor, Pen};
use super::scale::{LogScale, tick_name};
use crate::recording::{Recorded, Run};

/// Which of its two shapes a chart takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// 960 CSS pixels.
    Wide,
    /// 340 CSS pixels.
    Narrow,
}

impl Form {
    /// CSS pixels.
    pub fn width(self) -> f64 {
        match self {
            Self::Wide => 960.0,
            Self::Narrow => 340.0,
        }
    }

    /// The size of most text in CSS pixels. A phone of 360 shows a narrow chart a little smaller.
    pub fn text(self) -> f64 {
        match self {
            Self::Wide => 12.5,
            Self::Narrow => 12.0,
        }
    }
}

/// A chart's figures in rows.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub(super) struct Numbers {
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Numbers {
    pub fn headed<const N: usize>(head: [&str; N]) -> Self {
        Self {
            head: head.iter().map(|&word| word.to_owned()).collect(),
            rows: Vec::new(),
        }
    }
}

/// Something that can be drawn.
pub(super) trait Draw {
    /// Its height in CSS pixels.
    fn height(&self, form: Form) -> f64;
    /// Draws it.
    fn draw(&self, pen: &mut Pen, form: Form);
}

/// A chart, drawn.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Figure {
    /// The name of its files and its link target.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// The wide SVG.
    pub wide: String,
    /// The narrow one.
    pub narrow: String,
    /// The same as a table.
    pub numbers: Numbers,
    #[serde(skip)]
    pub png: Option<Vec<u8>>,
}

/// What a figure says around its drawing.
pub(super) struct Frame {
    pub name: String,
    pub title: String,
    pub caption: String,
    pub numbers: Numbers,
}

/// Draws a chart in both forms; with `with_png` as an image too.
///
/// # Errors
/// [`ReportError::Chart`] where it cannot be drawn.
pub(super) fn figure(
    frame: Frame,
    chart: &dyn Draw,
    with_png: bool,
) -> Result<Figure, ReportError> {
    let draw = |form: Form| {
        let size = (form.width(), chart.height(form));
        pen::svg(size, &frame.title, |pen| chart.draw(pen, form))
    };
    let (wide, narrow) = (draw(Form::Wide)?, draw(Form::Narrow)?);
    let png = if with_png {
        let size = (Form::Wide.width(), chart.height(Form::Wide));
        Some(pen::png(size, |pen| chart.draw(pen, Form::Wide))?)
    } else {
        None
    };
    Ok(Figure {
        name: frame.name,
        title: frame.title,
        caption: frame.caption,
        wide,
        narrow,
        numbers: frame.numbers,
        png,
    })
}

/// The charts of a run that speak of several cells, by the section they belong to.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub(super) struct Figures {
    /// Latency against footprint, one for each phase.
    pub footprint: Vec<Figure>,
    /// What the kind of memory changes.
    pub kinds: Vec<Figure>,
    /// What fork's time goes to.
    pub parts: Vec<Figure>,
    /// First writes after a fork.
    pub copies: Vec<Figure>,
    /// Round trips through channels, one for each message.
    pub channels: Vec<Figure>,
    /// What languages add to the call.
    pub languages: Vec<Figure>,
    /// Latency of servers against the rate of requests.
    pub servers: Vec<Figure>,
    /// A child's phases, stacked.
    pub phases: Vec<Figure>,
    /// A child's life on two lanes, one for each mechanism.
    pub lives: Vec<Figure>,
    /// Pinned against free.
    pub placement: Vec<Figure>,
}

impl Figures {
    /// Draws them. With `files`, PNG images of the headline charts too, which the page has no use for.
    pub fn of(run: &Run, files: bool) -> Result<Self, ReportError> {
        Ok(Self {
            footprint: footprint::figures(run, files)?,
            kinds: kinds::figures(run, files)?,
            parts: parts::figures(run, files)?,
            copies: copies::figures(run)?,
            channels: channels::figures(run, files)?,
            languages: languages::figures(run)?,
            servers: servers::figures(run)?,
            phases: phases::figures(run, files)?,
            lives: life::figures(run)?,
            placement: placement::figures(run)?,
        })
    }

    fn all(self) -> impl Iterator<Item = Figure> {
        [
            self.footprint,
            self.kinds,
            self.parts,
            self.copies,
            self.channels,
            self.languages,
            self.servers,
            self.phases,
            self.lives,
            self.placement,
        ]
        .into_iter()
        .flatten()
    }
}

/// A chart as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartFile {
    /// The files' name without an ending; letters, digits, `-`, `_` and `.` alone.
    pub name: String,
    /// A whole SVG document, following the reader's dark or light scheme.
    pub svg: String,
    /// A PNG image; the headline charts have one.
    pub png: Option<Vec<u8>>,
}

/// Every chart of a run's page, for pasting elsewhere.
///
/// # Errors
/// [`ReportError::Chart`] where a chart cannot be drawn.
pub fn charts(recorded: &Recorded) -> Result<Vec<ChartFile>, ReportError> {
    let mut files = Vec::new();
    for figure in Figures::of(&recorded.run, true)?.all() {
        files.push(ChartFile {
            svg: standalone(&figure.wide),
            name: figure.name,
            png: figure.png,
        });
    }
    let anchors = super::page::anchors(&recorded.run);
    for (cell, anchor) in recorded.run.cells.iter().zip(anchors) {
        let Some(cell) = cell_figure(recorded, cell)? else {
            continue;
        };
        for (kind, svg) in [
            ("histogram", cell.histogram),
            ("percentiles", cell.percentiles),
        ] {
            files.push(ChartFile {
                name: format!("{kind}-{anchor}"),
                svg: standalone(&svg),
                png: None,
            });
        }
    }
    Ok(files)
}

/// A logarithmic axis of times: a line across the plot at each tick, its name left of it.
fn time_axis(pen: &mut Pen, y: &LogScale, (left, right): (f64, f64), size: f64) {
    for tick in y.ticks(30.0) {
        let at = y.at(tick);
        pen.line(&[(left, at), (right, at)], palette::GRID, 1.0);
        let name = tick_name(tick);
        pen.text((left - 10.0, at), &name, size, palette::MUTED, Anchor::End);
    }
}

/// A document of its own: the style sheet goes in, and something to lie on.
pub(super) fn standalone(svg: &str) -> String {
    let Some(end) = svg.find('>') else {
        return svg.to_owned();
    };
    let (open, body) = svg.split_at(end + 1);
    format!(
        "{open}<style>{}</style><rect class=\"{} f\" width=\"100%\" height=\"100%\"/>{body}",
        palette::css_of(svg),
        palette::PAPER.class
    )
}
