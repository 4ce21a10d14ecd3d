//! Drawing in CSS pixels.
//!
//! plotters' coordinates are whole numbers: a chart is drawn at four times its size, and the SVG's
//! viewBox scales it back. A [`Pen`] keeps the first error and draws on, so that charts read as what
//! they draw; [`svg`] and [`png`] hand the error out.

use std::sync::Once;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, Drawable, PathElement, PointCollection, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, IntoTextStyle, ShapeStyle, TextStyle, register_font,
};

use super::ReportError;
use super::palette::{Ink, Look, Marker, PAPER};
use super::reading::plain;
use super::sheet::{LINE_HEIGHT, Sheet, SheetError, SvgSheet, escaped};

/// The font of page and charts; see `assets/inter-LICENSE.txt`.
pub(super) const FONT: &[u8] = include_bytes!("assets/inter-subset.ttf");
const FONT_NAME: &str = "forkbench";
/// Drawn units in a CSS pixel of an SVG chart.
const SVG_SCALE: f64 = 4.0;
/// Pixels in a CSS pixel of a PNG chart.
const PNG_SCALE: f64 = 2.0;

/// Where a text's given point lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A pen on a sheet.
pub(super) struct Pen<'a> {
    area: DrawingArea<Sheet<'a>, Shift>,
    scale: f64,
    error: Option<DrawingAreaErrorKind<SheetError>>,
}

fn font(size: f64, bold: bool) -> FontDesc<'static> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // It is embedded, and a test draws with it: there is no host on which this fails.
        let _ = register_font(FONT_NAME, FontStyle::Normal, FONT);
    });
    let style = if bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    };
    FontDesc::new(FontFamily::Name(FONT_NAME), size * LINE_HEIGHT, style)
}

/// The width of `text` at `size` CSS pixels, in CSS pixels.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    // Layout is rounded to whole units: measured big, scaled back.
    let measured = font(size * 16.0, false).layout_box(&plain(text));
    measured.map_or(0.0, |((left, _), (right, _))| {
        f64::from(right - left) / 16.0
    })
}

/// `text` cut with an ellipsis so that it fits `width` CSS pixels.
pub(super) fn fitted(text: &str, size: f64, width: f64) -> String {
    let text = super::reading::short(text, 120);
    if text_width(&text, size) <= width {
        return text;
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.len() > 1 {
        kept.pop();
        let candidate: String = kept.iter().collect::<String>() + "…";
        if text_width(&candidate, size) <= width {
            return candidate;
        }
    }
    "…".to_owned()
}

impl<'a> Pen<'a> {
    fn on(sheet: Sheet<'a>, scale: f64) -> Self {
        Self {
            area: sheet.into_drawing_area(),
            scale,
            error: None,
        }
    }

    fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        // A cast saturates, and a NaN becomes 0: whatever a run file holds, this is a point.
        let limit = 1e6;
        let units = |v: f64| (v * self.scale).round().clamp(-limit, limit) as i32;
        (units(x), units(y))
    }

    fn draw<'e, E>(&mut self, element: &'e E)
    where
        &'e E: PointCollection<'e, (i32, i32)>,
        E: Drawable<Sheet<'a>>,
    {
        if let Err(error) = self.area.draw(element) {
            self.error.get_or_insert(error);
        }
    }

    fn style(&self, ink: Ink, opacity: f64, width: f64, filled: bool) -> ShapeStyle {
        ShapeStyle {
            color: ink.rgb().mix(opacity),
            filled,
            stroke_width: (width * self.scale).round().max(1.0) as u32,
        }
    }

    /// A line through `points`.
    pub fn line(&mut self, points: &[(f64, f64)], ink: Ink, width: f64) {
        self.faint_line(points, ink, width, 1.0);
    }

    /// A line through `points`, `opacity` of 0 to 1.
    pub fn faint_line(&mut self, points: &[(f64, f64)], ink: Ink, width: f64, opacity: f64) {
        if points.len() >= 2 {
            let points: Vec<_> = points.iter().map(|&p| self.at(p)).collect();
            let style = self.style(ink, opacity, width, false);
            self.draw(&PathElement::new(points, style));
        }
    }

    /// A dashed line through `points`.
    ///
    /// plotters' own dashes never end where a dash's rest is lost in rounding.
    pub fn dashes(&mut self, points: &[(f64, f64)], ink: Ink, width: f64, dash: f64, gap: f64) {
        let mut is_solid = true;
        let mut rest = dash;
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let length = (x1 - x0).hypot(y1 - y0);
            let place = |at: f64| (x0 + (x1 - x0) * at / length, y0 + (y1 - y0) * at / length);
            let mut at = 0.0;
            while at < length {
                let step = rest.min(length - at);
                if is_solid {
                    self.line(&[place(at), place(at + step)], ink, width);
                }
                at += step;
                rest -= step;
                // A hair of a dash is none: every turn of this loop takes a step that counts.
                if rest < 0.01 {
                    is_solid = !is_solid;
                    rest = if is_solid { dash } else { gap };
                }
            }
        }
    }

    /// A filled shape, `opacity` of 0 to 1.
    pub fn fill(&mut self, points: &[(f64, f64)], ink: Ink, opacity: f64) {
        if points.len() >= 3 {
            let points: Vec<_> = points.iter().map(|&p| self.at(p)).collect();
            let style = self.style(ink, opacity, 0.0, true);
            self.draw(&Polygon::new(points, style));
        }
    }

    /// A filled rectangle between two corners; nothing where it would be empty.
    pub fn rect(&mut self, a: (f64, f64), b: (f64, f64), ink: Ink, opacity: f64) {
        let (a, b) = (self.at(a), self.at(b));
        if a.0 != b.0 && a.1 != b.1 {
            let style = self.style(ink, opacity, 0.0, true);
            self.draw(&Rectangle::new([a, b], style));
        }
    }

    /// A text of `size` CSS pixels whose middle line is at `y`.
    pub fn text(&mut self, (x, y): (f64, f64), text: &str, size: f64, ink: Ink, anchor: Anchor) {
        self.write((x, y), text, font(size * self.scale, false), ink, anchor);
    }

    /// The same in bold.
    pub fn bold(&mut self, (x, y): (f64, f64), text: &str, size: f64, ink: Ink, anchor: Anchor) {
        self.write((x, y), text, font(size * self.scale, true), ink, anchor);
    }

    fn write(
        &mut self,
        point: (f64, f64),
        text: &str,
        font: FontDesc<'static>,
        ink: Ink,
        anchor: Anchor,
    ) {
        let h_pos = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let style: TextStyle<'static> = font.color(&ink.rgb());
        let style = style.pos(Pos::new(h_pos, VPos::Center));
        let at = self.at(point);
        self.draw(&Text::new(
            plain(text),
            at,
            style.into_text_style(&self.area),
        ));
    }

    /// A mechanism's marker, `radius` CSS pixels from middle to edge.
    pub fn marker(&mut self, (x, y): (f64, f64), look: Look, radius: f64) {
        let r = radius;
        let diamond = [
            (x, y - r * 1.2),
            (x + r * 1.2, y),
            (x, y + r * 1.2),
            (x - r * 1.2, y),
        ];
        let square = [
            (x - r, y - r),
            (x + r, y - r),
            (x + r, y + r),
            (x - r, y + r),
        ];
        let up = [
            (x, y - r * 1.15),
            (x + r * 1.15, y + r * 0.85),
            (x - r * 1.15, y + r * 0.85),
        ];
        let down = [
            (x, y + r * 1.15),
            (x + r * 1.15, y - r * 0.85),
            (x - r * 1.15, y - r * 0.85),
        ];
        let left = [
            (x - r * 1.15, y),
            (x + r * 0.85, y - r * 1.15),
            (x + r * 0.85, y + r * 1.15),
        ];
        let right = left.map(|(at, y)| (2.0 * x - at, y));
        match look.marker {
            Marker::Circle | Marker::HollowCircle => self.ring((x, y), look, r),
            Marker::Square => self.fill(&square, look.ink, 1.0),
            Marker::Diamond => self.fill(&diamond, look.ink, 1.0),
            Marker::Up => self.fill(&up, look.ink, 1.0),
            Marker::Down => self.fill(&down, look.ink, 1.0),
            Marker::HollowSquare => self.outline(&square, look.ink),
            Marker::HollowDiamond => self.outline(&diamond, look.ink),
            Marker::HollowUp => self.outline(&up, look.ink),
            Marker::HollowDown => self.outline(&down, look.ink),
            Marker::Left => self.fill(&left, look.ink, 1.0),
            Marker::Right => self.fill(&right, look.ink, 1.0),
            Marker::Cross => {
                self.line(&[(x - r, y - r), (x + r, y + r)], look.ink, 2.0);
                self.line(&[(x - r, y + r), (x + r, y - r)], look.ink, 2.0);
            }
            Marker::Plus => {
                self.line(&[(x - r * 1.2, y), (x + r * 1.2, y)], look.ink, 2.0);
                self.line(&[(x, y - r * 1.2), (x, y + r * 1.2)], look.ink, 2.0);
            }
        }
    }

    /// A number in a ring.
    pub fn number(&mut self, at: (f64, f64), number: usize, ink: Ink) {
        let marker = Marker::HollowCircle;
        self.ring(at, Look { ink, marker }, 8.5);
        self.bold(at, &number.to_string(), 12.0, ink, Anchor::Middle);
    }

    fn ring(&mut self, center: (f64, f64), look: Look, radius: f64) {
        let (at, units) = (self.at(center), (radius * self.scale).round() as i32);
        if look.marker == Marker::HollowCircle {
            let paper = self.style(PAPER, 1.0, 0.0, true);
            self.draw(&Circle::new(at, units, paper));
        }
        let filled = look.marker == Marker::Circle;
        let style = self.style(look.ink, 1.0, 1.6, filled);
        self.draw(&Circle::new(at, units, style));
    }

    fn outline(&mut self, corners: &[(f64, f64)], ink: Ink) {
        self.fill(corners, PAPER, 1.0);
        let mut closed = corners.to_vec();
        closed.extend(corners.first().copied());
        self.line(&closed, ink, 1.6);
    }

    fn finish(mut self) -> Result<(), ReportError> {
        if let Err(error) = self.area.present() {
            self.error.get_or_insert(error);
        }
        match self.error {
            None => Ok(()),
            Some(error) => Err(ReportError::Chart {
                problem: error.to_string(),
            }),
        }
    }
}

/// An `svg` element of `width` × `height` CSS pixels; `label` says what it shows to who cannot see it.
pub(super) fn svg(
    (width, height): (f64, f64),
    label: &str,
    draw: impl FnOnce(&mut Pen),
) -> Result<String, ReportError> {
    let (w, h) = ((width * SVG_SCALE) as u32, (height * SVG_SCALE) as u32);
    let mut body = String::with_capacity(4096);
    let mut pen = Pen::on(Sheet::Svg(SvgSheet::new(&mut body, (w, h))), SVG_SCALE);
    draw(&mut pen);
    pen.finish()?;
    let label = escaped(&plain(label));
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"{label}\">{body}</svg>"
    ))
}

/// A PNG image of a chart of `width` × `height` CSS pixels, at twice that, in its light face.
pub(super) fn png(
    (width, height): (f64, f64),
    draw: impl FnOnce(&mut Pen),
) -> Result<Vec<u8>, ReportError> {
    let (w, h) = ((width * PNG_SCALE) as u32, (height * PNG_SCALE) as u32);
    let mut pixels = vec![0xff; w as usize * h as usize * 3];
    let bitmap = plotters::backend::BitMapBackend::with_buffer(&mut pixels, (w, h));
    let mut pen = Pen::on(Sheet::Bitmap(Box::new(bitmap)), PNG_SCALE);
    pen.rect((0.0, 0.0), (width, height), PAPER, 1.0);
    draw(&mut pen);
    pen.finish()?;
    let chart_error = |error: ::png::EncodingError| ReportError::Chart {
        problem: error.to_string(),
    };
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, w, h);
    encoder.set_color(::png::ColorType::Rgb);
    encoder.set_depth(::png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .map_err(chart_error)?;
    Ok(file)
}
