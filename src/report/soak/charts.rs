//! The pictures of the page: the last minute by seconds, and the last rounds by heap.

use super::Watched;
use crate::report::figures;
use crate::report::html::axis::Axis;
use crate::report::html::markup::{framed, missing};
use crate::report::html::plot::{self, Curve, Point};
use crate::report::subject;
use crate::soak::{Recent, Snapshot};

/// How many seconds the first picture has.
const SECONDS: usize = 60;

/// One thing of each round.
struct Quantity {
    title: &'static str,
    note: &'static str,
    axis: &'static str,
    of: fn(&Recent) -> Option<f64>,
    show: fn(f64) -> String,
    scale: fn(&str, &[f64]) -> Option<Axis>,
}

const QUANTITIES: [Quantity; 3] = [
    Quantity {
        title: "throughput",
        note: "Operations a second of each round; a line is rounds of one lane in a row.",
        axis: "operations a second",
        of: |round| round.throughput,
        show: figures::rate,
        scale: |title, values| Some(Axis::from_zero(title, most(values), figures::rate)),
    },
    Quantity {
        title: "p99.9",
        note: "Of the slowest kind of operation in each round.",
        axis: "time",
        of: |round| Some(round.p99_9_ns? as f64),
        show: figures::time,
        scale: |title, values| Axis::times(title, values.iter().copied()),
    },
    Quantity {
        title: "resident memory",
        note: "The most that the process of each round had.",
        axis: "memory",
        of: |round| (round.rss_bytes_peak > 0).then_some(round.rss_bytes_peak as f64),
        show: figures::memory,
        scale: |title, values| Some(Axis::memory(title, most(values))),
    },
];

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// Draws all that there is.
pub(super) fn draw(watched: &Watched<'_>) -> String {
    let now = watched.now;
    let subjects = subjects(now);
    let rounds = QUANTITIES
        .iter()
        .filter_map(|quantity| of_rounds(quantity, now, &subjects));
    let figures: String = last_minute(watched).into_iter().chain(rounds).collect();
    if figures.is_empty() {
        return missing("Nothing has happened yet.");
    }
    format!("<div class=\"figures\">\n{figures}</div>\n")
}

fn last_minute(watched: &Watched<'_>) -> Option<String> {
    let now = watched.now.elapsed.as_secs();
    let rates = watched.lately.rates(now, SECONDS);
    let values: Vec<f64> = rates.iter().copied().flatten().collect();
    let up = (!values.is_empty())
        .then(|| Axis::from_zero("operations a second", most(&values), figures::rate))?;
    let ago = |ago: f64| match ago {
        0.0 => "now".to_owned(),
        _ => format!("{ago:.0} s"),
    };
    let across = Axis::between("seconds ago", -(SECONDS as f64), 0.0, ago);
    let places = rates.iter().enumerate();
    let points: Vec<Option<Point>> = places
        .map(|(place, rate)| point(place as f64 - SECONDS as f64, *rate, figures::rate))
        .collect();
    let curve = Curve {
        number: 0,
        name: "all".to_owned(),
        pieces: pieces(&points),
        apart: None,
        events: Vec::new(),
    };
    let picture = plot::draw("operations a second, by seconds", &across, &up, &[curve]);
    let note = "Operations a second while mutators ran, whichever lane it was.";
    Some(framed(
        "the last minute",
        note,
        &picture,
        std::iter::empty(),
        "",
    ))
}

fn of_rounds(quantity: &Quantity, now: &Snapshot<'_>, subjects: &[String]) -> Option<String> {
    let recent = &now.standing.recent;
    let values: Vec<f64> = recent.iter().filter_map(quantity.of).collect();
    if values.is_empty() {
        return None;
    }
    let up = (quantity.scale)(quantity.axis, &values)?;
    let over = now.standing.rounds as f64;
    let first = over - recent.len() as f64 + 1.0;
    let show = |round: f64| format!("{round:.0}");
    let across = Axis::between("rounds", first, over, show);
    let curves = subjects.iter().enumerate().map(|(number, name)| Curve {
        number,
        name: name.clone(),
        pieces: stretches(quantity, now, first, name),
        apart: None,
        events: Vec::new(),
    });
    let curves: Vec<Curve> = curves.collect();
    let about = format!("{} of the last rounds, by heap", quantity.title);
    let picture = plot::draw(&about, &across, &up, &curves);
    let labels = subjects.iter().map(String::as_str);
    Some(framed(quantity.title, quantity.note, &picture, labels, ""))
}

/// The rounds of one heap, each lane's for itself.
fn stretches(quantity: &Quantity, now: &Snapshot<'_>, first: f64, name: &str) -> Vec<Vec<Point>> {
    let rounds: Vec<&Recent> = now.standing.recent.iter().collect();
    let mut at = first;
    let mut all = Vec::new();
    for stint in rounds.chunk_by(|before, after| before.lane == after.lane) {
        let is_own = of_lane(now, stint[0].lane) == name;
        let place = |(place, round): (usize, &&Recent)| {
            let value = (quantity.of)(round);
            point(at + place as f64, value, quantity.show)
        };
        let points: Vec<Option<Point>> = stint.iter().enumerate().map(place).collect();
        if is_own {
            all.extend(pieces(&points));
        }
        at += stint.len() as f64;
    }
    all
}

fn point(x: f64, y: Option<f64>, show: fn(f64) -> String) -> Option<Point> {
    let y = y?;
    Some(Point {
        x,
        y,
        label: show(y),
    })
}

/// What lies between gaps.
fn pieces(points: &[Option<Point>]) -> Vec<Vec<Point>> {
    let pieces = points.split(Option::is_none);
    let pieces = pieces.map(|piece| piece.iter().flatten().cloned().collect::<Vec<_>>());
    pieces.filter(|piece| !piece.is_empty()).collect()
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

fn of_lane(now: &Snapshot<'_>, lane: usize) -> String {
    let lane = now.header.lanes.get(lane);
    lane.map_or_else(String::new, |lane| {
        subject(&lane.heap, lane.fault.as_deref())
    })
}
