//! What the runs looked like from moment to moment: the slowest operation of each interval, with
//! the collections, throughput, and what the heap held.

use maud::{Markup, html};

use super::axis::Axis;
use super::length::Length;
use super::page::{gallery, missing, note, series};
use super::plot::{self, Curve, PlotPoint};
use super::table::Table;
use super::unit::Unit;
use crate::evidence::Sample;
use crate::report::{Member, headline};
use crate::result::figures;

/// One thing over time.
struct Quantity {
    title: &'static str,
    note: &'static str,
    axis: &'static str,
    unit: Unit,
    /// Its value at a sample, given the one before; `None` where there is none.
    of: fn(&Sample, &Sample) -> Option<f64>,
    /// What is said where no run has it.
    absent: &'static str,
    /// The shortest page that has it.
    on: Length,
}

const QUANTITIES: [Quantity; 5] = [
    Quantity {
        title: "slowest operation",
        note: "The slowest of each interval. Ticks below: collections, a row for each heap.",
        axis: "time",
        unit: Unit::Time,
        of: |_, now| (now.slowest_ns > 0).then_some(now.slowest_ns as f64),
        absent: "No slow operation was recorded over time.",
        on: Length::Brief,
    },
    Quantity {
        title: "throughput",
        note: "Operations a second, over each interval.",
        axis: "operations a second",
        unit: Unit::Rate,
        of: |before, now| {
            let seconds = now.at_ns.checked_sub(before.at_ns).filter(|ns| *ns > 0)? as f64 / 1e9;
            Some(now.ops.saturating_sub(before.ops) as f64 / seconds)
        },
        absent: "No operations were counted over time.",
        on: Length::Brief,
    },
    Quantity {
        title: "allocated objects",
        note: "Objects not yet freed, garbage included.",
        axis: "objects",
        unit: Unit::Objects,
        of: |_, now| now.live.map(|live| live as f64),
        absent: "No heap here tells how many objects it holds.",
        on: Length::Whole,
    },
    Quantity {
        title: "unreclaimed objects",
        note: "Allocated objects that are unlinked and wait to be freed.",
        axis: "objects",
        unit: Unit::Objects,
        of: |_, now| now.unreclaimed.map(|objects| objects as f64),
        absent: "No heap here frees later than it unlinks, or tells how many objects wait.",
        on: Length::Whole,
    },
    Quantity {
        title: "resident memory",
        note: "Of the whole process, with the times of operations.",
        axis: "memory",
        unit: Unit::Memory,
        of: |_, now| (now.rss_bytes > 0).then_some(now.rss_bytes as f64),
        absent: "The system does not tell how much memory is resident.",
        on: Length::Brief,
    },
];

/// A run that ended within this part of the longest time is a speck beside the others.
const SPECK: f64 = 0.1;
/// It has pictures of its own, if they have as many points as this.
const POINTS_LEAST: usize = 8;

/// Draws all of them.
pub(super) fn draw(members: &[Member<'_>], length: Length) -> Markup {
    let longest = members.iter().map(end).fold(0.0, f64::max);
    if longest == 0.0 {
        return missing("What happened when was not recorded in these results.");
    }
    let (specks, beside): (Vec<_>, Vec<_>) = (members.iter().cloned())
        .partition(|member| end(member) > 0.0 && end(member) < SPECK * longest);
    let how = |member| headline::cut_short(member).unwrap_or_else(|| "shorter".to_owned());
    html! {
        @for member in &beside {
            @if let Some(how) = headline::cut_short(member.result) {
                (note(&format!("{} was {how}, and its curves end there.", member.label)))
            }
        }
        (pictures(&beside, length))
        @for member in &specks {
            @let told = format!("{} was {}", member.label, how(member.result));
            @let points = member.result.evidence.timeline.samples.len();
            @if length == Length::Whole && points >= POINTS_LEAST {
                (note(&format!("{told}, and is drawn in its own time:")))
                (pictures(std::slice::from_ref(member), length))
            } @else {
                (note(&format!("{told}: too short to be drawn beside the others.")))
            }
        }
    }
}

/// All of them that a page of this length has.
fn pictures(members: &[Member<'_>], length: Length) -> Markup {
    let shown = QUANTITIES.iter().filter(|quantity| quantity.on <= length);
    gallery(shown.map(|quantity| picture(quantity, members, length).ok_or(quantity.absent)))
}

/// When the last sample was taken, in nanoseconds; 0 if there is none.
fn end(member: &Member<'_>) -> f64 {
    let samples = &member.result.evidence.timeline.samples;
    samples.last().map_or(0.0, |sample| sample.at_ns as f64)
}

/// A moment in nanoseconds, and the value then.
type Moments = Vec<(f64, Option<f64>)>;

fn picture(quantity: &Quantity, members: &[Member<'_>], length: Length) -> Option<Markup> {
    let &Quantity {
        title,
        note,
        axis,
        unit,
        ..
    } = quantity;
    let all: Vec<Moments> = members.iter().map(|m| moments(quantity, m)).collect();
    let values = all.iter().flatten().filter_map(|(_, value)| *value);
    let up = unit.axis(axis, values)?;
    let end = all.iter().flatten().map(|(at, _)| *at).fold(0.0, f64::max);
    let budget = length.points(members.len());
    let curves = std::iter::zip(members, &all);
    let curves = curves.map(|(member, moments)| {
        let points = thinned(moments, budget).map(point);
        let mut curve = Curve::new(member.number, &member.label, plot::pieces(points));
        // Collections explain slow operations, and are shown with these only.
        if unit == Unit::Time {
            curve.events = collections(member, budget);
        }
        curve
    });
    let curves: Vec<Curve<'_>> = curves.collect();
    let across = Axis::between("time since the start", 0.0, end, Unit::Time);
    let table = numbers(members, &all, (end, length.table_rows()), unit);
    Some(plot::figure(
        (title, note),
        [&across, &up],
        &curves,
        Some(&table),
    ))
}

/// Pairs of each sample with the one before it.
fn steps<'a>(member: &Member<'a>) -> impl Iterator<Item = (Sample, &'a Sample)> {
    let samples = &member.result.evidence.timeline.samples;
    let before = std::iter::once(Sample::default()).chain(samples.iter().copied());
    before.zip(samples)
}

fn moments(quantity: &Quantity, member: &Member<'_>) -> Moments {
    let steps = steps(member);
    steps
        .map(|(before, now)| (now.at_ns as f64, (quantity.of)(&before, now)))
        .collect()
}

/// At most `budget` of them; of neighbours, the greatest is kept, so that no peak is lost.
fn thinned(moments: &Moments, budget: usize) -> impl Iterator<Item = (f64, Option<f64>)> {
    let of = moments.len().div_ceil(budget.max(1)).max(1);
    moments.chunks(of).map(|chunk| {
        let values = chunk.iter().filter_map(|(_, value)| *value);
        (
            chunk.last().map_or(0.0, |(at, _)| *at),
            values.reduce(f64::max),
        )
    })
}

fn point((x, y): (f64, Option<f64>)) -> Option<PlotPoint> {
    Some(PlotPoint { x, y: y? })
}

/// When the heap collected: the samples that count more collections than the one before.
fn collections(member: &Member<'_>, budget: usize) -> Vec<f64> {
    let again = steps(member).filter(|(before, now)| now.collections > before.collections);
    let events: Vec<f64> = again.map(|(_, now)| now.at_ns as f64).collect();
    let step = events.len().div_ceil(budget.max(1)).max(1);
    events.into_iter().step_by(step).collect()
}

fn numbers(
    members: &[Member<'_>],
    all: &[Moments],
    (end, rows): (f64, usize),
    unit: Unit,
) -> Table {
    let mut table = Table::of_series("until", &series(members));
    let slot = end / rows as f64;
    for row in 0..rows {
        let (from, to) = (row as f64 * slot, (row + 1) as f64 * slot);
        let greatest = |moments: &Moments| {
            let within = moments.iter().filter(|(at, _)| *at > from && *at <= to);
            let values = within.filter_map(|(_, value)| *value);
            values.reduce(f64::max).map(|value| unit.show(value))
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
        let thin: Moments = thinned(&moments, 100).collect();
        assert_eq!((thin.len(), thin[99].0), (100, 1000.0));
        assert_eq!(
            thin.iter().filter(|(_, value)| *value == Some(9.0)).count(),
            1
        );
        let gap = [
            (1.0, Some(1.0)),
            (2.0, None),
            (3.0, Some(2.0)),
            (4.0, Some(3.0)),
        ];
        let pieces = plot::pieces(gap.map(point));
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
    }
}
