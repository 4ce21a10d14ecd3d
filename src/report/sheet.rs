//! What plotters draws on: SVG text or pixels.
//!
//! plotters' own SVG backend writes each element's colours as attributes. Such a chart cannot follow
//! the reader's dark or light scheme and takes three times the bytes, so [`Sheet`] writes classes,
//! and groups neighbours that look the same.

use std::fmt::Write as _;

use plotters::backend::BitMapBackend;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle,
};

use super::palette;

/// The embedded font's line height in ems: what plotters calls a font's size is its line's.
pub(super) const LINE_HEIGHT: f64 = 1.2102;

/// What a bitmap may fail with; SVG text cannot fail.
pub(super) type SheetError = <BitMapBackend<'static> as DrawingBackend>::ErrorType;

type Drawn = Result<(), DrawingErrorKind<SheetError>>;

/// A sheet of SVG text or of pixels.
pub(super) enum Sheet<'a> {
    Svg(SvgSheet<'a>),
    Bitmap(Box<BitMapBackend<'a>>),
}

/// The elements of an SVG image, without the `svg` element around them.
pub(super) struct SvgSheet<'a> {
    body: &'a mut String,
    size: (u32, u32),
    group: String,
    in_path: bool,
}

/// Text for SVG and HTML, in elements and attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

impl<'a> SvgSheet<'a> {
    /// An empty sheet that appends to `body`.
    pub fn new(body: &'a mut String, size: (u32, u32)) -> Self {
        Self {
            body,
            size,
            group: String::new(),
            in_path: false,
        }
    }

    fn end_path(&mut self) {
        if self.in_path {
            self.body.push_str("\"/>");
            self.in_path = false;
        }
    }

    /// Makes sure that what follows stands in a group with these attributes.
    fn enter(&mut self, attributes: String) {
        if attributes != self.group {
            self.close();
            let _ = write!(self.body, "<g {attributes}>");
            self.group = attributes;
        }
    }

    fn close(&mut self) {
        self.end_path();
        if !self.group.is_empty() {
            self.body.push_str("</g>");
            self.group.clear();
        }
    }

    fn enter_fill(&mut self, color: BackendColor) {
        let class = palette::class_of(color.rgb);
        let mut attributes = format!("class=\"{class} f\"");
        if color.alpha < 1.0 {
            let _ = write!(attributes, " fill-opacity=\"{:.2}\"", color.alpha);
        }
        self.enter(attributes);
    }

    fn enter_stroke(&mut self, color: BackendColor, width: u32) {
        let class = palette::class_of(color.rgb);
        let mut attributes = format!("class=\"{class} s\" stroke-width=\"{width}\"");
        if color.alpha < 1.0 {
            let _ = write!(attributes, " stroke-opacity=\"{:.2}\"", color.alpha);
        }
        self.enter(attributes);
    }

    fn points(&mut self, points: impl IntoIterator<Item = BackendCoord>) {
        let mut last: Option<BackendCoord> = None;
        for (x, y) in points {
            let _ = match last {
                None => write!(self.body, "M{x} {y}"),
                Some((x0, y0)) if y == y0 => write!(self.body, "h{}", x - x0),
                Some((x0, y0)) if x == x0 => write!(self.body, "v{}", y - y0),
                Some((x0, y0)) if y < y0 => write!(self.body, "l{}{}", x - x0, y - y0),
                Some((x0, y0)) => write!(self.body, "l{} {}", x - x0, y - y0),
            };
            last = Some((x, y));
        }
    }

    fn stroke(
        &mut self,
        points: impl IntoIterator<Item = BackendCoord>,
        color: BackendColor,
        width: u32,
    ) {
        self.enter_stroke(color, width);
        if !self.in_path {
            self.body.push_str("<path d=\"");
            self.in_path = true;
        }
        self.points(points);
    }

    fn polygon(&mut self, points: impl IntoIterator<Item = BackendCoord>, color: BackendColor) {
        self.enter_fill(color);
        self.end_path();
        self.body.push_str("<path d=\"");
        self.points(points);
        self.body.push_str("z\"/>");
    }

    fn rect(&mut self, a: BackendCoord, b: BackendCoord, color: BackendColor, fill: Option<u32>) {
        match fill {
            None => self.enter_fill(color),
            Some(width) => self.enter_stroke(color, width),
        }
        self.end_path();
        let (x, y) = (a.0.min(b.0), a.1.min(b.1));
        let (width, height) = (a.0.abs_diff(b.0), a.1.abs_diff(b.1));
        let _ = write!(
            self.body,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
        );
    }

    fn circle(
        &mut self,
        center: BackendCoord,
        radius: u32,
        color: BackendColor,
        width: Option<u32>,
    ) {
        match width {
            None => self.enter_fill(color),
            Some(width) => self.enter_stroke(color, width),
        }
        self.end_path();
        let (x, y) = center;
        let _ = write!(self.body, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>");
    }

    fn text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) {
        let em = style.size() / LINE_HEIGHT;
        let mut classes = format!("{} t", palette::class_of(style.color().rgb));
        match style.anchor().h_pos {
            HPos::Left => {}
            HPos::Center => classes.push_str(" m"),
            HPos::Right => classes.push_str(" e"),
        }
        if matches!(style.style(), FontStyle::Bold) {
            classes.push_str(" b");
        }
        self.enter(format!("class=\"{classes}\" font-size=\"{em:.0}\""));
        self.end_path();
        // Where the baseline lies: the embedded font's capitals are 0.73 em high.
        let y = f64::from(y)
            + em * match style.anchor().v_pos {
                VPos::Top => 0.92,
                VPos::Center => 0.36,
                VPos::Bottom => -0.24,
            };
        let _ = write!(
            self.body,
            "<text x=\"{x}\" y=\"{y:.0}\">{}</text>",
            escaped(text)
        );
    }
}

impl DrawingBackend for Sheet<'_> {
    type ErrorType = SheetError;

    fn get_size(&self) -> (u32, u32) {
        match self {
            Self::Svg(svg) => svg.size,
            Self::Bitmap(bitmap) => bitmap.get_size(),
        }
    }

    fn ensure_prepared(&mut self) -> Drawn {
        match self {
            Self::Svg(_) => Ok(()),
            Self::Bitmap(bitmap) => bitmap.ensure_prepared(),
        }
    }

    fn present(&mut self) -> Drawn {
        match self {
            Self::Svg(svg) => {
                svg.close();
                Ok(())
            }
            Self::Bitmap(bitmap) => bitmap.present(),
        }
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        match self {
            Self::Svg(svg) => {
                svg.rect(point, (point.0 + 1, point.1 + 1), color, None);
                Ok(())
            }
            Self::Bitmap(bitmap) => bitmap.draw_pixel(point, color),
        }
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        match self {
            Self::Svg(svg) => {
                svg.stroke([from, to], style.color(), style.stroke_width());
                Ok(())
            }
            Self::Bitmap(bitmap) => bitmap.draw_line(from, to, style),
        }
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        match self {
            Self::Svg(svg) => {
                let width = (!fill).then(|| style.stroke_width());
                svg.rect(upper_left, bottom_right, style.color(), width);
                Ok(())
            }
            Self::Bitmap(bitmap) => bitmap.draw_rect(upper_left, bottom_right, style, fill),
        }
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        match self {
            Self::Svg(svg) => {
                svg.stroke(path, style.color(), style.stroke_width());
                Ok(())
            }
            Self::Bitmap(bitmap) => bitmap.draw_path(path, style),
        }
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        match self {
            Self::Svg(svg) => {
                svg.circle(
                    center,
                    radius,
                    style.color(),
                    (!fill).then(|| style.stroke_width()),
                );
                Ok(())
            }
            Self::Bitmap(bitmap) => bitmap.draw_circle(center, radius, style, fill),
        }
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vert: I,
        style: &S,
    ) -> Drawn {
        match self {
            Self::Svg(svg) => {
                svg.polygon(vert, style.color());
                Ok(())
            }
            Self::Bitmap(bitmap) => bitmap.fill_polygon(vert, style),
        }
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        pos: BackendCoord,
    ) -> Drawn {
        match self {
            Self::Svg(svg) => {
                svg.text(text, style, pos);
                Ok(())
            }
            Self::Bitmap(bitmap) => bitmap.draw_text(text, style, pos),
        }
    }
}
