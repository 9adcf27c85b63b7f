//! Curves over two axes, as one drawing.
//!
//! Every curve carries what the script shows when a pointer is over it: its points are read from the
//! path itself, and their labels stand beside them in the same order.

use std::fmt::Write as _;

use super::axis::Axis;
use super::marks::{STYLES, mark};
use super::markup::escaped;

/// The size of a drawing in units of its own: about the pixels of a phone, so that its letters have
/// the size of those around it.
pub(in crate::report) const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 236.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 372.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 196.0;
/// About how wide a letter is.
pub(in crate::report) const LETTER: f64 = 6.2;
/// How many marks a curve has: enough to know it by.
const MARKS: usize = 5;

/// One value.
#[derive(Debug, Clone)]
pub(in crate::report) struct Point {
    pub(in crate::report) x: f64,
    pub(in crate::report) y: f64,
    /// What a reader is told of it.
    pub(in crate::report) label: String,
}

/// The curve of one result.
#[derive(Debug, Clone)]
pub(in crate::report) struct Curve {
    /// The number of the result among those in the picture.
    pub(in crate::report) number: usize,
    pub(in crate::report) name: String,
    /// In pieces, with nothing drawn between them.
    pub(in crate::report) pieces: Vec<Vec<Point>>,
    /// A value that stands apart at the end of the curve.
    pub(in crate::report) apart: Option<Point>,
    /// Where something happened, on the horizontal axis.
    pub(in crate::report) events: Vec<f64>,
}

/// Draws the curves. `about` says in words what is to be seen.
pub(in crate::report) fn draw(about: &str, across: &Axis, up: &Axis, curves: &[Curve]) -> String {
    let x = |value: f64| LEFT + across.place(value) * (RIGHT - LEFT);
    let y = |value: f64| BOTTOM - up.place(value) * (BOTTOM - TOP);
    let mut svg = format!(
        "<svg class=\"curves\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n",
        escaped(about)
    );
    svg += &grid(across, up);
    for (row, curve) in curves.iter().enumerate() {
        let points = || curve.pieces.iter().flatten().chain(&curve.apart);
        let labels: Vec<&str> = points().map(|point| point.label.as_str()).collect();
        let _ = write!(
            svg,
            "<g class=\"s s{}\" data-n=\"{}\" data-l=\"{}\"><path class=\"l\" d=\"",
            curve.number % STYLES,
            escaped(&curve.name),
            escaped(&labels.join("|"))
        );
        for piece in &curve.pieces {
            for (number, point) in piece.iter().enumerate() {
                let step = if number == 0 { 'M' } else { 'L' };
                let _ = write!(svg, "{step}{:.1},{:.1}", x(point.x), y(point.y));
            }
            // A single point has no length, and is drawn as a dot all the same.
            if piece.len() == 1 {
                svg += "h0";
            }
        }
        // The point apart belongs to the labels, and to no line.
        if let Some(apart) = &curve.apart {
            let _ = write!(svg, "M{:.1},{:.1}", x(apart.x), y(apart.y));
        }
        svg += "\"/><path class=\"m\" d=\"";
        let all: Vec<&Point> = curve.pieces.iter().flatten().collect();
        let step = all.len().div_ceil(MARKS).max(1);
        // Those of different curves do not hide each other where the curves meet.
        for point in all
            .iter()
            .skip((step / 2 + row * step / 4) % step)
            .step_by(step)
        {
            svg += &mark(curve.number, x(point.x), y(point.y));
        }
        svg += "\"/>";
        if let Some(apart) = &curve.apart {
            let shape = mark(curve.number, x(apart.x), y(apart.y));
            let _ = write!(svg, "<path class=\"o\" d=\"{shape}\"/>");
        }
        svg += &events(curve, row, &x);
        svg += "</g>\n";
    }
    svg + "<g class=\"at\"></g></svg>"
}

fn grid(across: &Axis, up: &Axis) -> String {
    let mut svg = String::from("<g class=\"grid\">");
    for (share, name) in up.ticks() {
        let y = BOTTOM - share * (BOTTOM - TOP);
        let _ = write!(
            svg,
            "<path d=\"M{LEFT},{y:.1}H{RIGHT}\"/><text x=\"{}\" y=\"{:.1}\" class=\"e\">{}</text>",
            LEFT - 5.0,
            y + 4.0,
            escaped(name)
        );
    }
    let mut free_from = f64::NEG_INFINITY;
    for (share, name) in across.ticks() {
        let x = LEFT + share * (RIGHT - LEFT);
        let _ = write!(svg, "<path d=\"M{x:.1},{TOP}V{BOTTOM}\"/>");
        // The last name would leave the picture if it stood in the middle of its tick; one that would
        // touch the name before it is left out.
        let width = name.chars().count() as f64 * LETTER;
        let (class, at, begins) = match share {
            ..0.95 => ("c", x, x - width / 2.0),
            _ => ("e", RIGHT + 4.0, RIGHT + 4.0 - width),
        };
        if begins < free_from {
            continue;
        }
        free_from = begins + width + LETTER;
        let _ = write!(
            svg,
            "<text x=\"{at:.1}\" y=\"{}\" class=\"{class}\">{}</text>",
            BOTTOM + 15.0,
            escaped(name)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" class=\"c t\">{}</text>\
         <text transform=\"translate(11,{}) rotate(-90)\" class=\"c t\">{}</text></g>",
        f64::midpoint(LEFT, RIGHT),
        HEIGHT - 7.0,
        escaped(across.title()),
        f64::midpoint(TOP, BOTTOM),
        escaped(up.title())
    );
    svg
}

/// Ticks on the lower edge, a row for each curve.
fn events(curve: &Curve, row: usize, x: &dyn Fn(f64) -> f64) -> String {
    if curve.events.is_empty() {
        return String::new();
    }
    let mut svg = String::from("<path class=\"v\" d=\"");
    for event in &curve.events {
        let _ = write!(svg, "M{:.1},{:.1}v-5", x(*event), BOTTOM - row as f64 * 7.0);
    }
    svg + "\"/>"
}
