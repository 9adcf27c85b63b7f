//! What the runs looked like from moment to moment: the slowest operation of each interval, with the
//! collections, throughput, and what the heap held.

use super::axis::Axis;
use super::markup::{Table, figure, missing};
use super::plot::{self, Curve, Point};
use crate::evidence::Sample;
use crate::report::Member;
use crate::report::figures;

/// Rows of the table behind a picture.
const TABLE_ROWS: usize = 20;

/// One thing over time.
struct Quantity {
    title: &'static str,
    note: &'static str,
    axis: &'static str,
    /// Its value at a sample, given the one before; `None` where there is none.
    of: fn(&Sample, &Sample) -> Option<f64>,
    show: fn(f64) -> String,
    /// The axis for it, given the greatest value and all of them.
    scale: fn(&Self, f64, &mut dyn Iterator<Item = f64>) -> Option<Axis>,
    has_collections: bool,
    /// What to say where no run has it.
    absent: &'static str,
}

const QUANTITIES: [Quantity; 5] = [
    Quantity {
        title: "slowest operation",
        note: "The slowest of each interval. Ticks below: collections, a row for each heap.",
        axis: "time",
        of: |_, now| (now.slowest_ns > 0).then_some(now.slowest_ns as f64),
        show: figures::time,
        scale: |quantity, _, values| Axis::times(quantity.axis, values),
        has_collections: true,
        absent: "No slow operation was recorded over time.",
    },
    Quantity {
        title: "throughput",
        note: "Operations a second, over each interval.",
        axis: "operations a second",
        of: |before, now| {
            let seconds = now.at_ns.checked_sub(before.at_ns).filter(|ns| *ns > 0)? as f64 / 1e9;
            Some(now.ops.saturating_sub(before.ops) as f64 / seconds)
        },
        show: figures::rate,
        scale: |quantity, most, _| Some(Axis::from_zero(quantity.axis, most, quantity.show)),
        has_collections: false,
        absent: "",
    },
    Quantity {
        title: "objects that are there",
        note: "Objects not yet freed, the garbage among them.",
        axis: "objects",
        of: |_, now| now.live.map(|live| live as f64),
        show: figures::short,
        scale: |quantity, most, _| Some(Axis::from_zero(quantity.axis, most, quantity.show)),
        has_collections: false,
        absent: "No heap here tells how many objects it holds.",
    },
    Quantity {
        title: "unreclaimed objects",
        note: "Of these, what was unlinked and only waits to be freed.",
        axis: "objects",
        of: |_, now| now.unreclaimed.map(|objects| objects as f64),
        show: figures::short,
        scale: |quantity, most, _| Some(Axis::from_zero(quantity.axis, most, quantity.show)),
        has_collections: false,
        absent: "No heap here frees later than it unlinks, or tells how much waits for it.",
    },
    Quantity {
        title: "resident memory",
        note: "Of the whole process, what it keeps of earlier runs included.",
        axis: "memory",
        of: |_, now| (now.rss_bytes > 0).then_some(now.rss_bytes as f64),
        show: figures::memory,
        scale: |quantity, most, _| Some(Axis::memory(quantity.axis, most)),
        has_collections: false,
        absent: "The system does not tell how much memory is resident.",
    },
];

/// Draws all of them. `budget` is how many points a curve may have.
pub(super) fn draw(members: &[Member<'_>], budget: usize) -> String {
    if members
        .iter()
        .all(|m| m.result.evidence.timeline.samples.is_empty())
    {
        return missing("What happened when was not recorded in these results.");
    }
    let mut figures = String::new();
    let mut absent = String::new();
    for quantity in &QUANTITIES {
        match picture(quantity, members, budget) {
            Some(figure) => figures += &figure,
            None if quantity.absent.is_empty() => {}
            None => absent += &missing(quantity.absent),
        }
    }
    format!("<div class=\"figures\">\n{figures}</div>\n{absent}")
}

/// A moment in nanoseconds, and the value then.
type Moments = Vec<(f64, Option<f64>)>;

fn picture(quantity: &Quantity, members: &[Member<'_>], budget: usize) -> Option<String> {
    let all: Vec<Moments> = members.iter().map(|m| moments(quantity, m)).collect();
    let values = || all.iter().flatten().filter_map(|(_, value)| *value);
    let most = values().reduce(f64::max)?;
    let up = (quantity.scale)(quantity, most, &mut values())?;
    let end = all.iter().flatten().map(|(at, _)| *at).fold(0.0, f64::max);
    let curves: Vec<Curve> = all
        .iter()
        .zip(members)
        .enumerate()
        .map(|(number, (moments, member))| Curve {
            number,
            name: member.label.clone(),
            pieces: pieces(&thinned(moments, budget), quantity.show),
            apart: None,
            events: if quantity.has_collections {
                collections(member, budget)
            } else {
                Vec::new()
            },
        })
        .collect();
    let about = format!("{} over the time of the run", quantity.title);
    let drawing = plot::draw(&about, &Axis::of_run(end), &up, &curves);
    let table = numbers(members, &all, end, quantity.show);
    Some(figure(
        quantity.title,
        quantity.note,
        &drawing,
        members,
        &table,
    ))
}

fn moments(quantity: &Quantity, member: &Member<'_>) -> Moments {
    let samples = &member.result.evidence.timeline.samples;
    let start = Sample::default();
    let before = std::iter::once(&start).chain(samples);
    let pairs = before.zip(samples);
    pairs
        .map(|(before, now)| (now.at_ns as f64, (quantity.of)(before, now)))
        .collect()
}

/// At most so many of them: of neighbours the greatest, so that no peak is lost.
fn thinned(moments: &Moments, budget: usize) -> Moments {
    let of = moments.len().div_ceil(budget.max(1)).max(1);
    let greatest = |chunk: &[(f64, Option<f64>)]| {
        let at = chunk.last().map_or(0.0, |(at, _)| *at);
        (
            at,
            chunk
                .iter()
                .filter_map(|(_, value)| *value)
                .reduce(f64::max),
        )
    };
    moments.chunks(of).map(greatest).collect()
}

/// The stretches without a gap.
fn pieces(moments: &Moments, show: fn(f64) -> String) -> Vec<Vec<Point>> {
    let stretches = moments.split(|(_, value)| value.is_none());
    let points = |stretch: &[(f64, Option<f64>)]| {
        let points = stretch.iter().filter_map(|(at, value)| {
            let value = (*value)?;
            Some(Point {
                x: *at,
                y: value,
                label: format!("{} at {}", show(value), figures::time(*at)),
            })
        });
        points.collect::<Vec<_>>()
    };
    stretches
        .map(points)
        .filter(|points| !points.is_empty())
        .collect()
}

/// When the heap collected: the samples by which it had done so again.
fn collections(member: &Member<'_>, budget: usize) -> Vec<f64> {
    let samples = &member.result.evidence.timeline.samples;
    let start = Sample::default();
    let before = std::iter::once(&start).chain(samples);
    let again = before
        .zip(samples)
        .filter(|(before, now)| now.collections > before.collections);
    let events: Vec<f64> = again.map(|(_, now)| now.at_ns as f64).collect();
    let step = events.len().div_ceil(budget.max(1)).max(1);
    events.into_iter().step_by(step).collect()
}

fn numbers(members: &[Member<'_>], all: &[Moments], end: f64, show: fn(f64) -> String) -> Table {
    let mut table = Table::of_members("until", members);
    let slot = end / TABLE_ROWS as f64;
    for row in 0..TABLE_ROWS {
        let (from, to) = (row as f64 * slot, (row + 1) as f64 * slot);
        let greatest = |moments: &Moments| {
            let within = moments.iter().filter(|(at, _)| *at > from && *at <= to);
            within
                .filter_map(|(_, value)| *value)
                .reduce(f64::max)
                .map(show)
        };
        table.row_of(&figures::time(to), all.iter().map(greatest));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: thinning keeps every peak and the last moment, and a gap stays a gap.
    #[test]
    fn peaks_survive() {
        let mut moments: Moments = (1..=1000).map(|at| (f64::from(at), Some(1.0))).collect();
        moments[637].1 = Some(9.0);
        let thin = thinned(&moments, 100);
        assert_eq!(
            (thin.len(), thin.last().map(|(at, _)| *at)),
            (100, Some(1000.0))
        );
        assert_eq!(
            thin.iter().filter(|(_, value)| *value == Some(9.0)).count(),
            1
        );
        let gap = vec![
            (1.0, Some(1.0)),
            (2.0, None),
            (3.0, Some(2.0)),
            (4.0, Some(3.0)),
        ];
        let lengths: Vec<usize> = pieces(&gap, figures::short).iter().map(Vec::len).collect();
        assert_eq!(lengths, [1, 2]);
    }
}
