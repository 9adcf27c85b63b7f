//! The pictures of the page: the last minute by seconds, and the last rounds by heap.

use maud::Markup;

use super::Watched;
use crate::report::html::axis::{Axis, Unit};
use crate::report::html::page::gallery;
use crate::report::html::plot::{self, Curve, PlotPoint};
use crate::result::subject;
use crate::soak::{Recent, Snapshot};

/// How many seconds the first picture has.
const SECONDS: usize = 60;

/// One thing of each round.
struct Quantity {
    title: &'static str,
    note: &'static str,
    axis: &'static str,
    unit: Unit,
    of: fn(&Recent) -> Option<f64>,
}

const QUANTITIES: [Quantity; 3] = [
    Quantity {
        title: "throughput",
        note: "Operations a second of each round. A line joins successive rounds of one lane.",
        axis: "operations a second",
        unit: Unit::Rate,
        of: |round| round.throughput,
    },
    Quantity {
        title: "p99.9",
        note: "Of the slowest kind of operation in each round.",
        axis: "time",
        unit: Unit::Time,
        of: |round| Some(round.p99_9_ns? as f64),
    },
    Quantity {
        title: "resident memory",
        note: "The peak of each round's process.",
        axis: "memory",
        unit: Unit::Memory,
        of: |round| (round.rss_bytes_peak > 0).then_some(round.rss_bytes_peak as f64),
    },
];

/// Draws all that there is.
pub(super) fn draw(watched: &Watched<'_>) -> Markup {
    let now = watched.now;
    let subjects = subjects(now);
    let rounds = QUANTITIES
        .iter()
        .filter_map(|quantity| of_rounds(quantity, now, &subjects));
    let pictures: Vec<Markup> = last_minute(watched).into_iter().chain(rounds).collect();
    match pictures.is_empty() {
        true => gallery([Err("Nothing has happened yet.")]),
        false => gallery(pictures.into_iter().map(Ok)),
    }
}

fn last_minute(watched: &Watched<'_>) -> Option<Markup> {
    let now = watched.now.elapsed.as_secs();
    let rates = watched.lately.rates(now, SECONDS);
    let up = Unit::Rate.axis("operations a second", rates.iter().copied().flatten())?;
    let across = Axis::between("seconds ago", -(SECONDS as f64), 0.0, |ago| {
        format!("{ago:.0} s")
    });
    let points = rates.iter().enumerate();
    let points = points.map(|(at, rate)| point(at as f64 - SECONDS as f64, *rate, Unit::Rate));
    let curve = Curve::new(0, "all lanes", plot::pieces(points));
    let said = (
        "the last minute",
        "Operations a second while mutators ran, over all lanes.",
    );
    Some(plot::figure(said, [&across, &up], &[curve], None))
}

fn of_rounds(quantity: &Quantity, now: &Snapshot<'_>, subjects: &[String]) -> Option<Markup> {
    let recent = &now.standing.recent;
    let values = recent.iter().filter_map(quantity.of);
    let up = quantity.unit.axis(quantity.axis, values)?;
    let over = now.standing.rounds as f64;
    let first = over - recent.len() as f64 + 1.0;
    let across = Axis::between("rounds", first, over, |round| format!("{round:.0}"));
    let curves = subjects.iter().enumerate();
    let curves = curves
        .map(|(number, name)| Curve::new(number, name, stretches(quantity, now, first, name)));
    let curves: Vec<Curve<'_>> = curves.collect();
    Some(plot::figure(
        (quantity.title, quantity.note),
        [&across, &up],
        &curves,
        None,
    ))
}

/// The rounds of one heap, those of each lane as a piece of their own.
fn stretches(
    quantity: &Quantity,
    now: &Snapshot<'_>,
    first: f64,
    name: &str,
) -> Vec<Vec<PlotPoint>> {
    let rounds: Vec<&Recent> = now.standing.recent.iter().collect();
    let mut at = first;
    let mut all = Vec::new();
    for stint in rounds.chunk_by(|before, after| before.lane == after.lane) {
        let lane = now.header.lanes.get(stint[0].lane);
        if lane.is_some_and(|lane| subject(&lane.heap, lane.fault.as_deref()) == name) {
            let points = stint.iter().enumerate().map(|(place, round)| {
                point(at + place as f64, (quantity.of)(round), quantity.unit)
            });
            all.extend(plot::pieces(points));
        }
        at += stint.len() as f64;
    }
    all
}

fn point(x: f64, y: Option<f64>, unit: Unit) -> Option<PlotPoint> {
    let y = y?;
    let label = unit.show(y);
    Some(PlotPoint { x, y, label })
}

/// The heaps of the last rounds, with their faults, each once.
fn subjects(now: &Snapshot<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for lane in &now.header.lanes {
        let name = subject(&lane.heap, lane.fault.as_deref());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
