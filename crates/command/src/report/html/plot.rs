//! Curves over two axes, as one drawing.
//!
//! The script shows the values under the pointer. It reads them off the places of a curve's points
//! and what the drawing says of its axes, so a point costs a few bytes and no label.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::axis::Axis;
use super::frame::Frame;
use super::marks::class;
use super::page::{self, Key};
use super::table::Table;

const FRAME: Frame = Frame {
    left: 108,
    right: 744,
    top: 14,
    bottom: 360,
};
/// How many marks a curve has: enough to know it by.
const MARKS: usize = 5;

/// One value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlotPoint {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// The curve of one result.
#[derive(Debug)]
pub(crate) struct Curve<'a> {
    /// The number by which the result is known on the page.
    pub(crate) number: usize,
    pub(crate) name: &'a str,
    /// In pieces, with nothing drawn between them.
    pub(crate) pieces: Vec<Vec<PlotPoint>>,
    /// A value that stands apart at the end of the curve, and what the reader is told of it.
    pub(crate) apart: Option<(PlotPoint, String)>,
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
        let apart = self.apart.iter().map(|(point, _)| point);
        self.pieces.iter().flatten().chain(apart)
    }
}

/// The pieces of a curve that has gaps.
pub(crate) fn pieces(points: impl IntoIterator<Item = Option<PlotPoint>>) -> Vec<Vec<PlotPoint>> {
    let points: Vec<Option<PlotPoint>> = points.into_iter().collect();
    let pieces = points.split(Option::is_none);
    let pieces = pieces.map(|piece| piece.iter().flatten().copied().collect());
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
    let keys = curves.iter().map(|curve| match curve.points().next() {
        Some(_) => Key::Drawn(curve.number, curve.name),
        None => Key::Unknown(curve.name),
    });
    page::figure(said, &draw(&about, across, up, curves), keys, numbers)
}

fn draw(about: &str, across: &Axis, up: &Axis, curves: &[Curve<'_>]) -> Markup {
    let place = |point: &PlotPoint| (FRAME.x(across.place(point.x)), FRAME.y(up.place(point.y)));
    let content = html! {
        (FRAME.up(up)) (FRAME.across(across))
        @for (row, curve) in curves.iter().enumerate() {
            @if curve.points().next().is_some() {
                g class=(class(curve.number)) data-s=(curve.number)
                    data-a=[curve.apart.as_ref().map(|(_, said)| said)] {
                    path.l d=(line(curve, place)) {}
                    path.m d=(marks(curve, row, place)) {}
                    @if let Some((x, y)) = curve.apart.as_ref().map(|(point, _)| place(point)) {
                        path.o d={ "M" (x) " " (y) "h0" } {}
                    }
                    @if !curve.events.is_empty() {
                        path.v d=(events(curve, row, |at| FRAME.x(across.place(at)))) {}
                    }
                }
            }
        }
    };
    FRAME.draw("curves", about, [Some(across), Some(up)], &content)
}

/// The line through all points. After the first of a piece, each is a step from the one before.
fn line(curve: &Curve<'_>, place: impl Fn(&PlotPoint) -> (i32, i32)) -> String {
    let mut path = String::new();
    for piece in &curve.pieces {
        let places: Vec<(i32, i32)> = piece.iter().map(&place).collect();
        if let Some((x, y)) = places.first() {
            let _ = write!(path, "M{x} {y}l");
        }
        let steps = places
            .windows(2)
            .map(|of| (of[1].0 - of[0].0, of[1].1 - of[0].1));
        // A line of one point has no length, and this makes it a dot.
        let dot = (places.len() == 1).then_some((0, 0));
        for (number, (x, y)) in steps.chain(dot).enumerate() {
            // A minus sign separates by itself.
            let before = if number > 0 && x >= 0 { " " } else { "" };
            let between = if y >= 0 { " " } else { "" };
            let _ = write!(path, "{before}{x}{between}{y}");
        }
    }
    path
}

/// A few marks along the curve. They are shifted from curve to curve, so that they do not hide each
/// other where curves meet.
fn marks(curve: &Curve<'_>, row: usize, place: impl Fn(&PlotPoint) -> (i32, i32)) -> String {
    let all: Vec<&PlotPoint> = curve.pieces.iter().flatten().collect();
    let step = all.len().div_ceil(MARKS).max(1);
    let some = all
        .into_iter()
        .skip((step / 2 + row * step / 4) % step)
        .step_by(step);
    let mut path = String::new();
    for (x, y) in some.map(place) {
        let _ = write!(path, "M{x} {y}h0");
    }
    path
}

/// Ticks on the lower edge, a row of them for each curve.
fn events(curve: &Curve<'_>, row: usize, place: impl Fn(f64) -> i32) -> String {
    let row = i32::try_from(row).unwrap_or(0);
    let mut path = format!("M0 {}", FRAME.bottom - 12 - row * 14);
    let mut at = 0;
    for x in curve.events.iter().map(|at| place(*at)) {
        let _ = write!(path, "m{} 0v10m0-10", x - at);
        at = x;
    }
    path
}
