//! Ranges and bars in named rows, over one axis: what a table would say, at a glance.

use std::fmt::Write as _;

use super::axis::Axis;
use super::marks::{STYLES, mark};
use super::markup::escaped;
use super::plot::{LETTER, WIDTH};

const LEFT: f64 = 10.0;
const RIGHT: f64 = 366.0;
const ROW: f64 = 16.0;
/// Above the first row of each name, where the name stands.
const NAME: f64 = 17.0;

/// Rows of one name, one for each result that has something to show there.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) name: String,
    pub(super) rows: Vec<Row>,
}

/// One result's row.
#[derive(Debug)]
pub(super) struct Row {
    /// The number of the result among those in the picture.
    pub(super) number: usize,
    pub(super) result: String,
    /// Where the thin line begins and ends.
    pub(super) range: (f64, f64),
    /// How far it is thick.
    pub(super) thick: f64,
    /// What a reader is told of it.
    pub(super) label: String,
}

/// Draws the rows. `about` says in words what is to be seen.
pub(super) fn draw(about: &str, across: &Axis, blocks: &[Rows]) -> String {
    let x = |value: f64| LEFT + across.place(value) * (RIGHT - LEFT);
    let rows: usize = blocks.iter().map(|block| block.rows.len()).sum();
    let bottom = 6.0 + blocks.len() as f64 * NAME + rows as f64 * ROW + 4.0;
    let height = bottom + 40.0;
    let mut svg = format!(
        "<svg class=\"rows\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n\
         <g class=\"grid\">",
        escaped(about)
    );
    let mut free_from = f64::NEG_INFINITY;
    for (share, name) in across.ticks() {
        let at = LEFT + share * (RIGHT - LEFT);
        let _ = write!(svg, "<path d=\"M{at:.1},4V{bottom}\"/>");
        let width = name.chars().count() as f64 * LETTER;
        let (class, begins) = match share {
            ..0.05 => ("b", at),
            ..0.95 => ("c", at - width / 2.0),
            _ => ("e", at - width),
        };
        // One that would touch the name before it is left out.
        if begins < free_from {
            continue;
        }
        free_from = begins + width + LETTER;
        let _ = write!(
            svg,
            "<text x=\"{at:.1}\" y=\"{}\" class=\"{class}\">{}</text>",
            bottom + 15.0,
            escaped(name)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" class=\"c t\">{}</text></g>",
        WIDTH / 2.0,
        height - 7.0,
        escaped(across.title())
    );
    let mut y = 6.0;
    for block in blocks {
        let _ = writeln!(
            svg,
            "<text class=\"name\" x=\"{LEFT}\" y=\"{}\">{}</text>",
            y + 12.0,
            escaped(&block.name)
        );
        y += NAME;
        for row in &block.rows {
            let middle = y + ROW / 2.0 - 2.0;
            let (from, to) = (x(row.range.0), x(row.range.1));
            let _ = writeln!(
                svg,
                "<g class=\"b s{}\" data-n=\"{}\" data-l=\"{}\">\
                 <path class=\"hit\" d=\"M{LEFT},{middle}H{RIGHT}\"/>\
                 <path class=\"l\" d=\"M{from:.1},{middle}H{to:.1}\"/>\
                 <path class=\"k\" d=\"M{from:.1},{middle}H{:.1}\"/>\
                 <path class=\"m\" d=\"{}\"/></g>",
                row.number % STYLES,
                escaped(&row.result),
                escaped(&row.label),
                x(row.thick).max(from),
                mark(row.number, to, middle),
            );
            y += ROW;
        }
    }
    svg + "</svg>"
}
