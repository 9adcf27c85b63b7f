//! The frame in which every picture is drawn: where a value lies, and the lines and names along
//! both axes.

use maud::{Markup, html};

use super::axis::Axis;

/// How wide a picture is in units of its own: about the pixels of a phone, so that its letters have
/// the size of those around it.
const WIDTH: f64 = 380.0;
/// How much room the names below the frame take.
const BELOW: f64 = 40.0;
/// About how wide a letter is.
const LETTER: f64 = 6.2;

/// The edges of what is drawn between the axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Frame {
    /// Where a share of the way from left to right lies.
    pub(super) fn x(&self, share: f64) -> f64 {
        tenths(self.left + share * (self.right - self.left))
    }

    /// Where a share of the way from bottom to top lies.
    pub(super) fn y(&self, share: f64) -> f64 {
        tenths(self.bottom - share * (self.bottom - self.top))
    }

    /// The picture. `about` says in words what is to be seen.
    pub(super) fn draw(&self, class: &str, about: &str, content: &Markup) -> Markup {
        let height = self.bottom + BELOW;
        html! {
            svg class=(class) viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label=(about) {
                "\n" (content)
            }
        }
    }

    /// The horizontal axis: a line up at each tick, and below the frame the ticks' names and the
    /// title.
    pub(super) fn across(&self, axis: &Axis) -> Markup {
        let mut names = Vec::new();
        let mut free_from = f64::NEG_INFINITY;
        for (share, name) in &axis.ticks {
            let (x, width) = (self.x(*share), name.chars().count() as f64 * LETTER);
            // A name is centred below its line, unless it would leave the picture there.
            let (class, at, begins) = match x {
                _ if x - width / 2.0 < 0.0 => ("b", x, x),
                _ if x + width / 2.0 > WIDTH => ("e", self.right + 4.0, self.right + 4.0 - width),
                _ => ("c", x, x - width / 2.0),
            };
            // A name that would touch the one before it is left out.
            if begins >= free_from {
                free_from = begins + width + LETTER;
                names.push((class, tenths(at), name));
            }
        }
        html! {
            g.grid {
                @for (share, _) in &axis.ticks {
                    path d={ "M" (self.x(*share)) "," (self.top) "V" (self.bottom) } {}
                }
                @for (class, at, name) in names {
                    text class=(class) x=(at) y=(self.bottom + 15.0) { (name) }
                }
                text.c.t x=(self.x(0.5)) y=(self.bottom + BELOW - 7.0) { (axis.title) }
            }
        }
    }

    /// The vertical axis: a line across at each tick, and left of the frame the ticks' names and
    /// the title.
    pub(super) fn up(&self, axis: &Axis) -> Markup {
        html! {
            g.grid {
                @for (share, name) in &axis.ticks {
                    path d={ "M" (self.left) "," (self.y(*share)) "H" (self.right) } {}
                    text.e x=(self.left - 5.0) y=(self.y(*share) + 4.0) { (name) }
                }
                text.c.t transform={ "translate(11," (self.y(0.5)) ") rotate(-90)" } {
                    (axis.title)
                }
            }
        }
    }
}

/// Rounded to what can still be seen.
fn tenths(place: f64) -> f64 {
    (place * 10.0).round() / 10.0
}
