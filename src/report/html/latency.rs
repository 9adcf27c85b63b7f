//! Percentile curves, as HdrHistogram's plotter has them: to the right, what is rarer by a factor of ten
//! each step. A curve ends where ten values are left beyond it; the longest of all stands apart.

use super::axis::{Axis, percentile};
use super::markup::{Table, figure, missing};
use super::plot::{self, Curve, Point};
use crate::evidence::Latency;
use crate::report::Member;
use crate::report::figures;
use crate::report::headline;

/// Points a decade of a curve: more would lie on one pixel of a small screen.
const POINTS_PER_DECADE: f64 = 16.0;
/// How many values a percentile needs beyond it: as in [`Latency::quantile`].
const BEYOND: f64 = 10.0;
/// The rows of the table.
const QUANTILES: [(&str, f64); 7] = [
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
    ("p99.999", 0.99999),
];

/// All operations together, and each kind of them.
pub(super) fn draw(members: &[Member<'_>]) -> String {
    let all: Vec<Latency> = members
        .iter()
        .map(|m| headline::latencies(m.result))
        .collect();
    if all.iter().all(|latency| latency.count() == 0) {
        return missing("No operation was timed, so there are no latencies to show.");
    }
    let times = |responses| match responses {
        true => "From the intended start to the end, under a rate.",
        false => "From the start of each operation to its end.",
    };
    let responses = |member: &Member<'_>| headline::has_responses(member.result);
    let note = if members.iter().any(responses) != members.iter().all(responses) {
        "Response times where there was a rate that was kept, and else service times."
    } else {
        times(members.iter().all(responses))
    };
    let all: Vec<Option<&Latency>> = all.iter().map(Some).collect();
    let mut text = String::from("<div class=\"figures\">\n");
    text += &percentiles("all operations", note, members, &all).unwrap_or_default();
    for name in by_count(members) {
        let of = |member: &Member<'_>| {
            member
                .result
                .ops
                .get(name)
                .is_some_and(|op| op.response.is_some())
        };
        let latencies: Vec<Option<&Latency>> = members
            .iter()
            .map(|member| {
                let op = member.result.ops.get(name)?;
                op.response.as_ref().or(op.service.as_ref())
            })
            .collect();
        let note = times(members.iter().any(of));
        text += &percentiles(name, note, members, &latencies).unwrap_or_default();
    }
    text + "</div>\n"
}

/// The kinds of operations, the most frequent first.
fn by_count<'a>(members: &[Member<'a>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in members.iter().flat_map(|member| &member.result.ops) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let count = |name: &str| -> u64 {
        let ops = members
            .iter()
            .filter_map(|member| member.result.ops.get(name));
        ops.map(|op| op.count).sum()
    };
    names.sort_by_key(|name| std::cmp::Reverse(count(name)));
    names
}

/// One picture of percentiles; `None` if there is nothing to draw.
pub(super) fn percentiles(
    title: &str,
    note: &str,
    members: &[Member<'_>],
    latencies: &[Option<&Latency>],
) -> Option<String> {
    let curves: Vec<Curve> = (members.iter().zip(latencies).enumerate())
        .filter_map(|(number, (member, latency))| {
            let latency = latency.filter(|latency| latency.count() > 0)?;
            Some(curve(number, &member.label, latency))
        })
        .collect();
    let points = || {
        curves
            .iter()
            .flat_map(|c| c.pieces.iter().flatten().chain(&c.apart))
    };
    let up = Axis::times("time", points().map(|point| point.y))?;
    let across = Axis::percentiles(points().map(|point| point.x).fold(1.0, f64::max));
    let about = format!("{title}: time over percentile");
    let picture = plot::draw(&about, &across, &up, &curves);
    Some(figure(
        title,
        note,
        &picture,
        members,
        &numbers(members, latencies),
    ))
}

fn curve(number: usize, name: &str, latency: &Latency) -> Curve {
    let count = latency.count() as f64;
    let histogram = latency.histogram();
    let mut points = Vec::new();
    let mut seen = 0;
    let mut step = 0.0;
    for item in histogram.iter_recorded() {
        seen += item.count_since_last_iteration();
        let value = histogram.highest_equivalent(item.value_iterated_to());
        loop {
            let beyond = 10_f64.powf(step / POINTS_PER_DECADE);
            let is_supported = beyond <= (count / BEYOND).max(1.0);
            if !is_supported || (1.0 - 1.0 / beyond) * count > seen as f64 {
                break;
            }
            points.push(Point {
                x: beyond,
                y: value as f64,
                label: format!("{} {}", percentile(beyond), figures::nanos(value)),
            });
            step += 1.0;
        }
    }
    Curve {
        number,
        name: name.to_owned(),
        pieces: vec![points],
        apart: Some(Point {
            x: count,
            y: latency.max() as f64,
            label: format!("longest {}", figures::nanos(latency.max())),
        }),
        events: Vec::new(),
    }
}

fn numbers(members: &[Member<'_>], latencies: &[Option<&Latency>]) -> Table {
    let mut table = Table::of_members("", members);
    let timed: Vec<Option<&Latency>> = latencies
        .iter()
        .map(|latency| latency.filter(|latency| latency.count() > 0))
        .collect();
    let of = |show: &dyn Fn(&Latency) -> Option<String>| -> Vec<Option<String>> {
        timed.iter().map(|latency| latency.and_then(show)).collect()
    };
    table.row_of(
        "count",
        of(&|latency| Some(figures::count(latency.count()))),
    );
    table.row_of("mean", of(&|latency| Some(figures::time(latency.mean()))));
    for (name, at) in QUANTILES {
        table.row_of(
            name,
            of(&|latency| latency.quantile(at).map(figures::nanos)),
        );
    }
    table.row_of(
        "longest",
        of(&|latency| Some(figures::nanos(latency.max()))),
    );
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a curve says what the histogram says at each percentile, and ends where too few values
    /// support it.
    #[test]
    fn curves_are_the_histogram() {
        let mut latency = Latency::default();
        (1..=100_000).for_each(|nanos| latency.record(nanos));
        let curve = curve(0, "gil", &latency);
        let points = &curve.pieces[0];
        assert_eq!(points[0].label, "p0 1 ns");
        for point in points {
            let quantile = 1.0 - 1.0 / point.x;
            let exact = quantile * 100_000.0;
            assert!((point.y - exact).abs() <= 1.0 + exact / 500.0, "{point:?}");
        }
        let last = points.last().expect("points");
        assert!(last.x <= 10_000.1 && last.x > 8_000.0, "{last:?}");
        assert!(points.iter().any(|point| point.label.starts_with("p99.9 ")));
        assert_eq!(curve.apart.map(|point| point.x), Some(100_000.0));
    }
}
