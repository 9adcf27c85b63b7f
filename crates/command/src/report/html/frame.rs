//! The frame in which every picture is drawn: where a value lies, and the lines and names along
//! both axes.
//!
//! Places are whole numbers, two to a pixel of a phone, which is as fine as can be seen and takes
//! few letters.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::axis::Axis;

/// How wide a picture is in units of its own: about twice the pixels of a phone, so that its
/// letters have the size of those around it.
const WIDTH: i32 = 760;
/// How much room the names below the frame take.
const BELOW: i32 = 76;
/// About how wide a letter is.
const LETTER: i32 = 14;

/// The edges of what is drawn between the axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: i32,
    pub(super) right: i32,
    pub(super) top: i32,
    pub(super) bottom: i32,
}

impl Frame {
    /// Where a share of the way from left to right lies.
    pub(super) fn x(&self, share: f64) -> i32 {
        self.left + part(share, self.right - self.left)
    }

    /// Where a share of the way from bottom to top lies.
    pub(super) fn y(&self, share: f64) -> i32 {
        self.bottom - part(share, self.bottom - self.top)
    }

    /// The picture. `about` says in words what is to be seen; the script reads the axes.
    pub(super) fn draw(
        &self,
        class: &str,
        about: &str,
        axes: [Option<&Axis>; 2],
        content: &Markup,
    ) -> Markup {
        let height = self.bottom + BELOW;
        let [across, up] = axes.map(|axis| axis.map(Axis::told));
        let edges = up.as_ref().map(|_| {
            let Self {
                left,
                right,
                top,
                bottom,
            } = self;
            format!("{left} {right} {top} {bottom}")
        });
        html! {
            svg class=(class) viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label=(about)
                data-e=[edges] data-x=[across] data-y=[up] {
                (content)
            }
        }
    }

    /// The horizontal axis: a line up at each tick, and below the frame the ticks' names and the
    /// title.
    pub(super) fn across(&self, axis: &Axis) -> Markup {
        let (mut names, mut lines) = (Vec::new(), String::new());
        let mut free_from = i32::MIN;
        for (share, name) in &axis.ticks {
            let x = self.x(*share);
            let _ = write!(lines, "M{x} {}V{}", self.top, self.bottom);
            let letters = i32::try_from(name.chars().count()).unwrap_or(i32::MAX);
            let width = letters.saturating_mul(LETTER);
            // A name is centred below its line, unless it would leave the picture there.
            let (class, at, begins) = match x {
                _ if x - width / 2 < 0 => (Some("b"), x, x),
                _ if x + width / 2 > WIDTH => (Some("e"), self.right + 8, self.right + 8 - width),
                _ => (None, x, x - width / 2),
            };
            // A name that would touch the one before it is left out.
            if begins >= free_from {
                free_from = begins.saturating_add(width).saturating_add(LETTER);
                names.push((class, at, name));
            }
        }
        html! {
            path.grid d=(lines) {}
            g transform={ "translate(0 " (self.bottom + 28) ")" } {
                @for (class, at, name) in names { text class=[class] x=(at) { (name) } }
                text.t x=(self.x(0.5)) y=(34) { (axis.title) }
            }
        }
    }

    /// The vertical axis: a line across at each tick, and left of the frame the ticks' names.
    pub(super) fn up(&self, axis: &Axis) -> Markup {
        let places = axis
            .ticks
            .iter()
            .map(|(share, name)| (self.y(*share), name));
        let mut lines = String::new();
        for (y, _) in places.clone() {
            let _ = write!(lines, "M{} {y}H{}", self.left, self.right);
        }
        html! {
            path.grid d=(lines) {}
            g.e transform={ "translate(" (self.left - 10) " 8)" } {
                @for (y, name) in places { text y=(y) { (name) } }
            }
        }
    }
}

/// A share of a length, rounded.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a share is from 0 to 1, and lengths are those of a picture"
)]
fn part(share: f64, length: i32) -> i32 {
    (share * f64::from(length)).round() as i32
}
