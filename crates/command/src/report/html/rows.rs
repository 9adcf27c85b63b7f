//! Bars in named rows over one axis.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::axis::Axis;
use super::frame::Frame;
use super::marks::{STYLES, mark};
use super::page::{self, Table};
use crate::report::Member;

/// How high a bar's row is.
const ROW: f64 = 16.0;
/// How high the line with a name is.
const NAME: f64 = 17.0;

/// Bars under one name.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    pub(super) name: &'a str,
    /// Each with the number of its result among those in the picture.
    pub(super) bars: Vec<(usize, Bar)>,
}

/// A thin line from one value to another, thick up to a third; all are nanoseconds.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) from: u64,
    pub(super) thick: u64,
    pub(super) to: u64,
    /// What the reader is shown when the pointer is here.
    pub(super) label: String,
}

/// A picture of bars, with its title, a note on how to read it, and the numbers behind it.
pub(super) fn figure(
    said: (&str, &str),
    across: &Axis,
    (rows, numbers): (&[Rows<'_>], &Table),
    members: &[Member<'_>],
) -> Markup {
    let bars = rows.iter().flat_map(|rows| &rows.bars);
    let shown: BTreeSet<usize> = bars.map(|(number, _)| *number).collect();
    let keys = shown
        .into_iter()
        .map(|number| (number, members[number].label.as_str()));
    let about = format!("{}: {}", said.0, across.title);
    page::figure(
        said,
        &draw(&about, across, rows, members),
        keys,
        Some(numbers),
    )
}

fn draw(about: &str, across: &Axis, rows: &[Rows<'_>], members: &[Member<'_>]) -> Markup {
    let bars: usize = rows.iter().map(|rows| rows.bars.len()).sum();
    let frame = Frame {
        left: 10.0,
        right: 366.0,
        top: 4.0,
        bottom: 10.0 + rows.len() as f64 * NAME + bars as f64 * ROW,
    };
    let x = |nanos: u64| frame.x(across.place(nanos as f64));
    let mut y = 6.0;
    let mut content = vec![frame.across(across)];
    for Rows { name, bars } in rows {
        content.push(html! { text.name x=(frame.left) y=(y + 12.0) { (name) } "\n" });
        y += NAME;
        for (number, bar) in bars {
            let middle = y + ROW / 2.0 - 2.0;
            let line = |from: f64, to: f64| format!("M{from},{middle}H{to}");
            let (from, to) = (x(bar.from), x(bar.to));
            content.push(html! {
                g class={ "b s" (number % STYLES) } data-n=(members[*number].label) data-l=(bar.label) {
                    path.hit d=(line(frame.left, frame.right)) {}
                    path.l d=(line(from, to)) {}
                    path.k d=(line(from, x(bar.thick).max(from))) {}
                    path.m d=(mark(*number, to, middle)) {}
                }
                "\n"
            });
            y += ROW;
        }
    }
    frame.draw("rows", about, &html! { @for part in content { (part) } })
}
