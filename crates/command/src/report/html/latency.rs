//! Percentile curves, as HdrHistogram's plotter draws them: each step to the right is rarer by a
//! factor of ten. A curve ends where only ten values are left beyond it; the longest of all stands
//! apart.

use maud::{Markup, html};

use super::axis::{Axis, Unit, percentile};
use super::page::{Table, missing};
use super::plot::{self, Curve, PlotPoint};
use crate::evidence::Latency;
use crate::report::{Member, headline};
use crate::result::figures;

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

const SERVICE: &str = "From the start of each operation to its end.";
const RESPONSE: &str = "From the intended start to the end, under a rate.";
const EITHER: &str =
    "Response times where operations were to begin at a rate, and else service times.";

/// All operations together, and each kind of them.
pub(super) fn draw(members: &[Member<'_>]) -> Markup {
    let all = members
        .iter()
        .map(|member| headline::latencies(member.result));
    let all: Vec<Latency> = all.collect();
    if all.iter().all(|latency| latency.count() == 0) {
        return missing("No operation was timed, so there are no latencies to show.");
    }
    let have = |member: &&Member<'_>| headline::has_responses(member.result);
    let note = match members.iter().filter(have).count() {
        0 => SERVICE,
        count if count == members.len() => RESPONSE,
        _ => EITHER,
    };
    let all: Vec<Option<&Latency>> = all.iter().map(Some).collect();
    let each = by_count(members).into_iter().filter_map(|name| {
        let ops = members.iter().map(|member| member.result.ops.get(name));
        let has_responses = ops.clone().flatten().any(|op| op.response.is_some());
        let note = if has_responses { RESPONSE } else { SERVICE };
        let latencies = ops.map(|op| op?.response.as_ref().or(op?.service.as_ref()));
        percentiles(name, note, members, &latencies.collect::<Vec<_>>())
    });
    let all = percentiles("all operations", note, members, &all);
    html! { div.figures { @for figure in all.into_iter().chain(each) { (figure) } } }
}

/// The kinds of operations, the most frequent first.
fn by_count<'a>(members: &[Member<'a>]) -> Vec<&'a str> {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for (name, op) in members.iter().flat_map(|member| &member.result.ops) {
        match counts.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += op.count,
            None => counts.push((name, op.count)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.into_iter().map(|(name, _)| name).collect()
}

/// One picture of percentiles; `None` if there is nothing to draw.
pub(super) fn percentiles(
    title: &str,
    note: &str,
    members: &[Member<'_>],
    latencies: &[Option<&Latency>],
) -> Option<Markup> {
    let timed = latencies
        .iter()
        .map(|latency| latency.filter(|latency| latency.count() > 0));
    let timed: Vec<Option<&Latency>> = timed.collect();
    let curves: Vec<Curve<'_>> = (members.iter().zip(&timed).enumerate())
        .filter_map(|(number, (member, latency))| Some(curve(number, &member.label, (*latency)?)))
        .collect();
    let points = || curves.iter().flat_map(Curve::points);
    let up = Unit::Time.axis("time", points().map(|point| point.y))?;
    let across = Axis::percentiles(points().map(|point| point.x).fold(1.0, f64::max));
    let table = numbers(members, &timed);
    Some(plot::figure(
        (title, note),
        [&across, &up],
        &curves,
        Some(&table),
    ))
}

fn curve<'a>(number: usize, name: &'a str, latency: &Latency) -> Curve<'a> {
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
            points.push(PlotPoint {
                x: beyond,
                y: value as f64,
                label: format!("{} {}", percentile(beyond), figures::nanos(value)),
            });
            step += 1.0;
        }
    }
    let mut curve = Curve::new(number, name, vec![points]);
    curve.apart = Some(PlotPoint {
        x: count,
        y: latency.max() as f64,
        label: format!("longest {}", figures::nanos(latency.max())),
    });
    curve
}

fn numbers(members: &[Member<'_>], timed: &[Option<&Latency>]) -> Table {
    let mut table = Table::of_members("", members);
    let mut row = |name, show: &dyn Fn(&Latency) -> Option<String>| {
        table.row_of(name, timed.iter().map(|latency| latency.and_then(show)));
    };
    row("count", &|latency| Some(figures::count(latency.count())));
    row("mean", &|latency| Some(figures::time(latency.mean())));
    for (name, at) in QUANTILES {
        row(name, &|latency| latency.quantile(at).map(figures::nanos));
    }
    row("longest", &|latency| Some(figures::nanos(latency.max())));
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
