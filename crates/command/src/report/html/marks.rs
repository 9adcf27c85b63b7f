//! How results are told apart: by colour, by the dashes of a line, and by the shape of its marks,
//! so that no reader needs the colours. The colours are those of Okabe and Ito, which people with
//! any kind of colour vision tell apart; the style sheet has them, for light and dark.

use maud::{Markup, html};

/// How many results look different; the seventh looks like the first.
pub(super) const STYLES: usize = 6;

/// The mark of a result at a place, as a path.
pub(super) fn mark(style: usize, x: f64, y: f64) -> String {
    let shape = match style % STYLES {
        0 => "m-3,0a3,3 0 1,0 6,0a3,3 0 1,0 -6,0z",
        1 => "m-2.7,-2.7h5.4v5.4h-5.4z",
        2 => "m0,-3.6l3.4,6h-6.8z",
        3 => "m0,-3.8l3.8,3.8l-3.8,3.8l-3.8,-3.8z",
        4 => "m0,3.6l3.4,-6h-6.8z",
        _ => "m-3,-3l6,6m-6,0l6,-6",
    };
    format!("M{x},{y}{shape}")
}

/// A short line with the mark, for the list that says whose it is.
pub(super) fn key(style: usize) -> Markup {
    html! {
        svg.sample width="30" height="10" aria-hidden="true" {
            path.l d="M1,5L29,5" {} path.m d=(mark(style, 15.0, 5.0)) {}
        }
    }
}
