//! The pictures of the page: the last minute by seconds, and the last rounds by heap.

use std::collections::BTreeMap;

use maud::Markup;

use super::Watched;
use crate::median::median;
use crate::report::html::axis::Axis;
use crate::report::html::page::gallery;
use crate::report::html::plot::{self, Curve, PlotPoint};
use crate::report::html::unit::Unit;
use crate::result::{Outcome, subject};
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

/// Workloads differ more than heaps change. So that the rounds of a heap make one line, what depends
/// on the workload is drawn as a multiple of what is usual under it.
const QUANTITIES: [Quantity; 3] = [
    Quantity {
        title: "throughput",
        note: "Of each round, against the median of its lane. Ticks below: rounds that did not hold.",
        axis: "times the lane's median",
        unit: Unit::Times,
        of: |round| round.throughput,
    },
    Quantity {
        title: "p99.9",
        note: "Of the slowest kind of operation, against the median of the lane.",
        axis: "times the lane's median",
        unit: Unit::Times,
        of: |round| Some(round.p99_9_ns? as f64),
    },
    Quantity {
        title: "resident memory",
        note: "The peak of each round's process. A line goes on where other heaps ran.",
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
    let mut pictures: Vec<_> = last_minute(watched)
        .into_iter()
        .chain(rounds)
        .map(Ok)
        .collect();
    if pictures.is_empty() {
        pictures.push(Err("Nothing has happened yet."));
    }
    pictures.extend(not_compared(
        &now.standing
            .recent
            .iter()
            .map(|it| it.lane)
            .collect::<Vec<_>>(),
    ));
    gallery(pictures)
}

/// What is not drawn as a multiple of the median of its lane, given the lanes of all rounds: what was run
/// once would be drawn as equal to itself.
fn not_compared(lanes: &[usize]) -> Option<Result<Markup, &'static str>> {
    let mut times: BTreeMap<usize, u32> = BTreeMap::new();
    for lane in lanes {
        *times.entry(*lane).or_default() += 1;
    }
    let once = times.values().filter(|times| **times == 1).count();
    match once {
        0 => None,
        _ if once == times.len() => Some(Err(
            "No lane had more than one round, so there is nothing to compare its throughput and p99.9 with.",
        )),
        _ => Some(Err(
            "Rounds of lanes that had no other are missing from throughput and p99.9: there is nothing to \
             compare them with.",
        )),
    }
}

fn last_minute(watched: &Watched<'_>) -> Option<Markup> {
    let now = watched.now.elapsed.as_secs();
    let rates = watched.lately.rates(now, SECONDS);
    let up = Unit::Rate.axis("operations a second", rates.iter().copied().flatten())?;
    let across = Axis::between("seconds ago", -(SECONDS as f64), 0.0, Unit::Seconds);
    let points = rates.iter().enumerate();
    let points = points.map(|(at, rate)| {
        let x = at as f64 - SECONDS as f64;
        rate.map(|y| PlotPoint { x, y })
    });
    let curve = Curve::new(0, "all lanes", plot::pieces(points));
    let said = (
        "the last minute",
        "Operations a second while mutators ran, over all lanes.",
    );
    Some(plot::figure(said, [&across, &up], &[curve], None))
}

fn of_rounds(quantity: &Quantity, now: &Snapshot<'_>, subjects: &[String]) -> Option<Markup> {
    let recent = &now.standing.recent;
    let values = values(quantity, now);
    let up = quantity
        .unit
        .axis(quantity.axis, values.iter().copied().flatten())?;
    let over = now.standing.rounds as f64;
    let first = over - recent.len() as f64 + 1.0;
    let across = Axis::between("rounds", first, over, Unit::Rounds);
    let rounds = || (0..).zip(std::iter::zip(recent, &values));
    let curves = subjects.iter().enumerate().map(|(number, name)| {
        let own = rounds().filter(|(_, (round, _))| is_on(now, round, name));
        let place = |at: u32| first + f64::from(at);
        let points = own.clone().filter_map(|(at, (_, value))| {
            let (x, y) = (place(at), (*value)?);
            Some(PlotPoint { x, y })
        });
        let pieces = vec![points.collect()];
        let mut curve = Curve::new(number, name, pieces);
        if quantity.title == "throughput" {
            let amiss = own.filter(|(_, (round, _))| round.outcome != Outcome::Held);
            curve.events = amiss.map(|(at, _)| place(at)).collect();
        }
        curve
    });
    let curves: Vec<Curve<'_>> = curves.collect();
    Some(plot::figure(
        (quantity.title, quantity.note),
        [&across, &up],
        &curves,
        None,
    ))
}

/// What is drawn of each recent round.
fn values(quantity: &Quantity, now: &Snapshot<'_>) -> Vec<Option<f64>> {
    let recent = now.standing.recent.iter();
    let mut of_lane: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (lane, value) in recent
        .clone()
        .filter_map(|it| Some((it.lane, (quantity.of)(it)?)))
    {
        of_lane.entry(lane).or_default().push(value);
    }
    // Against itself, every round is what is usual.
    let usual = of_lane
        .iter_mut()
        .filter(|(_, values)| values.len() > 1)
        .map(|(lane, values)| (*lane, median(values)));
    let usual: BTreeMap<usize, f64> = usual.collect();
    let values = recent.map(|round| {
        let value = (quantity.of)(round)?;
        match quantity.unit {
            Unit::Times => {
                let usual = usual.get(&round.lane).filter(|usual| **usual > 0.0)?;
                Some(value / usual)
            }
            _ => Some(value),
        }
    });
    values.collect()
}

/// Whether a round was on this heap.
fn is_on(now: &Snapshot<'_>, round: &Recent, name: &str) -> bool {
    let lane = now.header.lanes.get(round.lane);
    lane.is_some_and(|lane| subject(&lane.heap, lane.fault.as_deref()) == name)
}

/// The heaps of the last rounds, with their faults, each once.
pub(super) fn subjects(now: &Snapshot<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for lane in &now.header.lanes {
        let name = subject(&lane.heap, lane.fault.as_deref());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::soak::sample::{Sample, header, record};

    /// Goal: a round is not drawn as a multiple of itself, and it is said that it is missing.
    #[test]
    fn one_round_is_compared_with_nothing() {
        let mut sample = Sample::begun(header("churn", "cell-lost"));
        let mut ratios = |round, lane| {
            let mut made = record(round, Outcome::Held);
            made.lane = lane;
            sample.standing.add(&made);
            let now = sample.snapshot(100);
            let page = draw(&sample.watched(&now)).into_string();
            (values(&QUANTITIES[0], &now), page)
        };
        let (values, page) = ratios(0, 0);
        assert_eq!(values, [None]);
        assert!(page.contains("No lane had more than one round"), "{page}");
        assert!(!page.contains("<h4>throughput</h4>") && page.contains("<h4>resident memory</h4>"));
        let (values, page) = ratios(1, 0);
        assert!(values.iter().all(Option::is_some), "{values:?}");
        assert!(page.contains("<h4>throughput</h4>") && !page.contains("class=\"missing\""));
        let (values, page) = ratios(2, 1);
        assert_eq!(values[2], None);
        assert!(
            page.contains("Rounds of lanes that had no other are missing"),
            "{page}"
        );
    }
}
