//! How results are told apart: by colour, by the dashes of a line, and by the shape of its marks,
//! so that no reader needs the colours. The colours are those of Okabe and Ito, which people with
//! any kind of colour vision tell apart; the style sheet has them, for light and dark.

use maud::{Markup, html};

/// How many results look different; the seventh looks like the first.
const STYLES: usize = 6;

/// The class of the style sheet for the result with this number.
pub(crate) fn class(number: usize) -> String {
    format!("s{}", number % STYLES)
}

/// The shapes of the marks around a point, each of them filled and hollow, to which the style sheet
/// refers. A page has them once.
pub(super) fn definitions() -> Markup {
    let shapes = [
        "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0z",
        "M-5-5h10v10h-10z",
        "M0-7l7 12h-14z",
        "M0-8l8 8l-8 8l-8-8z",
        "M0 7l7-12h-14z",
        "M-6-6l12 12m-12 0l12-12",
    ];
    html! {
        svg.defs aria-hidden="true" {
            @for (number, shape) in shapes.iter().enumerate() {
                @for kind in ["m", "o"] {
                    marker id={ (kind) (number) } class={ (class(number)) " " (kind) "k" }
                        viewBox="-10 -10 20 20" markerWidth="20" markerHeight="20"
                        markerUnits="userSpaceOnUse" {
                        path d=(shape) {}
                    }
                }
            }
        }
        "\n"
    }
}
