//! Bars in named rows over one axis.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::axis::Axis;
use super::frame::Frame;
use super::marks::class;
use super::page::{self, Key};
use super::table::Table;

/// How high a bar's row is.
const ROW: i32 = 32;
/// How high the line with a name is.
const NAME: i32 = 34;

/// Bars under one name.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    pub(super) name: &'a str,
    /// Each with the number and the name of the heap that it is of.
    pub(super) bars: Vec<((usize, &'a str), Bar)>,
}

/// A thin line from one value to another, thick up to a third; all are nanoseconds.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) from: u64,
    pub(super) thick: u64,
    pub(super) to: u64,
}

/// A picture of bars, with its title, a note on how to read it, and the numbers behind it: a row of
/// the table for each bar, which the script shows when the pointer is there.
pub(super) fn figure(
    said: (&str, &str),
    across: &Axis,
    rows: &[Rows<'_>],
    numbers: &Table,
) -> Markup {
    let bars = rows.iter().flat_map(|rows| &rows.bars);
    let keys = bars.map(|((number, name), _)| Key::Drawn(*number, name));
    let keys: BTreeSet<Key<'_>> = keys.collect();
    let about = format!("{}: {}", said.0, across.title);
    page::figure(said, &draw(&about, across, rows), keys, Some(numbers))
}

fn draw(about: &str, across: &Axis, rows: &[Rows<'_>]) -> Markup {
    let bars: usize = rows.iter().map(|rows| rows.bars.len()).sum();
    let [names, bars] = [rows.len(), bars].map(|count| i32::try_from(count).unwrap_or(0));
    let frame = Frame {
        left: 20,
        right: 732,
        top: 8,
        bottom: 16 + names * NAME + bars * ROW,
    };
    let x = |nanos: u64| frame.x(across.place(nanos as f64));
    let mut y = 10;
    let mut content = vec![frame.across(across)];
    for Rows { name, bars } in rows {
        content.push(html! { text.name x=(frame.left) y=(y + 24) { (name) } });
        y += NAME;
        for ((number, _), bar) in bars {
            let middle = y + ROW / 2 - 4;
            let (from, to) = (x(bar.from), x(bar.to));
            content.push(html! {
                g.b.(class(*number)) data-s=(number) {
                    path.l d={ "M" (from) " " (middle) "H" (to) } {}
                    path.k d={ "M" (from) " " (middle) "H" (x(bar.thick).max(from)) } {}
                }
            });
            y += ROW;
        }
    }
    let content = html! { @for part in content { (part) } };
    frame.draw("rows", about, [None, None], &content)
}
