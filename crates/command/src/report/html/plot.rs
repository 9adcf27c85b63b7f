//! Curves over two axes, as one drawing.
//!
//! The script shows the values under the pointer: it reads the points of a curve from its path, and
//! their labels, in the same order, from the element around it.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::axis::Axis;
use super::frame::Frame;
use super::marks::{STYLES, mark};
use super::page::{self, Table};

const FRAME: Frame = Frame {
    left: 66.0,
    right: 372.0,
    top: 10.0,
    bottom: 196.0,
};
/// How many marks a curve has: enough to know it by.
const MARKS: usize = 5;

/// One value.
#[derive(Debug, Clone)]
pub(crate) struct PlotPoint {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// What the reader is shown when the pointer is here.
    pub(crate) label: String,
}

/// The curve of one result.
#[derive(Debug)]
pub(crate) struct Curve<'a> {
    /// The number of the result among those in the picture.
    pub(crate) number: usize,
    pub(crate) name: &'a str,
    /// In pieces, with nothing drawn between them.
    pub(crate) pieces: Vec<Vec<PlotPoint>>,
    /// A value that stands apart at the end of the curve.
    pub(crate) apart: Option<PlotPoint>,
    /// Where something happened, on the horizontal axis.
    pub(crate) events: Vec<f64>,
}

impl<'a> Curve<'a> {
    pub(crate) fn new(number: usize, name: &'a str, pieces: Vec<Vec<PlotPoint>>) -> Self {
        Self {
            number,
            name,
            pieces,
            apart: None,
            events: Vec::new(),
        }
    }

    /// All its points; the one that stands apart comes last.
    pub(super) fn points(&self) -> impl Iterator<Item = &PlotPoint> + Clone {
        self.pieces.iter().flatten().chain(&self.apart)
    }
}

/// The pieces of a curve that has gaps.
pub(crate) fn pieces(points: impl IntoIterator<Item = Option<PlotPoint>>) -> Vec<Vec<PlotPoint>> {
    let points: Vec<Option<PlotPoint>> = points.into_iter().collect();
    let pieces = points.split(Option::is_none);
    let pieces = pieces.map(|piece| piece.iter().flatten().cloned().collect());
    pieces.filter(|piece: &Vec<_>| !piece.is_empty()).collect()
}

/// A picture of curves, with its title, a note on how to read it, and the numbers behind it.
pub(crate) fn figure(
    said: (&str, &str),
    [across, up]: [&Axis; 2],
    curves: &[Curve<'_>],
    numbers: Option<&Table>,
) -> Markup {
    let about = format!("{}: {} over {}", said.0, up.title, across.title);
    let drawn = curves
        .iter()
        .filter(|curve| curve.points().next().is_some());
    let keys = drawn.map(|curve| (curve.number, curve.name));
    page::figure(said, &draw(&about, across, up, curves), keys, numbers)
}

fn draw(about: &str, across: &Axis, up: &Axis, curves: &[Curve<'_>]) -> Markup {
    let place = |point: &PlotPoint| (FRAME.x(across.place(point.x)), FRAME.y(up.place(point.y)));
    let content = html! {
        (FRAME.up(up)) (FRAME.across(across))
        @for (row, curve) in curves.iter().enumerate() {
            @let labels: Vec<&str> = curve.points().map(|point| point.label.as_str()).collect();
            g class={ "s s" (curve.number % STYLES) } data-n=(curve.name) data-l=(labels.join("|")) {
                path.l d=(line(curve, place)) {}
                path.m d=(marks(curve, row, place)) {}
                @if let Some((x, y)) = curve.apart.as_ref().map(place) {
                    path.o d=(mark(curve.number, x, y)) {}
                }
                // Events are ticks on the lower edge, a row of them for each curve.
                @let y = FRAME.bottom - row as f64 * 7.0;
                @if !curve.events.is_empty() {
                    path.v d={ @for event in &curve.events {
                        "M" (FRAME.x(across.place(*event))) "," (y) "v-5"
                    } } {}
                }
            }
            "\n"
        }
        g.at {}
    };
    FRAME.draw("curves", about, &content)
}

fn line(curve: &Curve<'_>, place: impl Fn(&PlotPoint) -> (f64, f64)) -> String {
    let mut path = String::new();
    for piece in &curve.pieces {
        for (number, (x, y)) in piece.iter().map(&place).enumerate() {
            let step = if number == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{step}{x},{y}");
        }
        // A line of one point has no length, and this makes it a dot.
        if piece.len() == 1 {
            path += "h0";
        }
    }
    // A point apart is not joined to the others.
    if let Some((x, y)) = curve.apart.as_ref().map(place) {
        let _ = write!(path, "M{x},{y}");
    }
    path
}

/// A few marks along the curve. They are shifted from curve to curve, so that they do not hide each
/// other where curves meet.
fn marks(curve: &Curve<'_>, row: usize, place: impl Fn(&PlotPoint) -> (f64, f64)) -> String {
    let all: Vec<&PlotPoint> = curve.pieces.iter().flatten().collect();
    let step = all.len().div_ceil(MARKS).max(1);
    let some = all
        .into_iter()
        .skip((step / 2 + row * step / 4) % step)
        .step_by(step);
    some.map(place)
        .map(|(x, y)| mark(curve.number, x, y))
        .collect()
}
