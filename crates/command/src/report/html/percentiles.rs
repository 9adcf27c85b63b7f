//! Percentile curves, as HdrHistogram's plotter draws them: each step to the right is rarer by a
//! factor of ten. A curve ends where only ten values are left beyond it; the longest of all stands
//! apart.

use maud::Markup;

use super::axis::Axis;
use super::plot::{self, Curve, PlotPoint};
use super::table::Table;
use super::unit::Unit;
use crate::evidence::Latency;
use crate::result::figures;

/// Points a decade of a curve. The script knows this number as well, to name percentiles.
const POINTS_PER_DECADE: f64 = 8.0;
/// How many values a percentile needs beyond it: as in [`Latency::quantile`].
const BEYOND: f64 = 10.0;
/// The rows of the table.
const QUANTILES: [(&str, f64); 6] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
    ("p99.999", 0.99999),
];

/// One picture of percentiles; `None` if there is nothing to draw.
pub(crate) fn percentiles(
    said: (&str, &str),
    series: &[(usize, &str)],
    latencies: &[Option<&Latency>],
) -> Option<Markup> {
    let timed = latencies
        .iter()
        .map(|latency| latency.filter(|latency| latency.count() > 0));
    let timed: Vec<Option<&Latency>> = timed.collect();
    let curves = series.iter().zip(&timed);
    let curves = curves.map(|((number, name), latency)| curve(*number, name, *latency));
    let curves: Vec<Curve<'_>> = curves.collect();
    let points = || curves.iter().flat_map(Curve::points);
    let up = Unit::Time.axis("time", points().map(|point| point.y))?;
    let across = Axis::percentiles(points().map(|point| point.x).fold(1.0, f64::max));
    let table = numbers(series, &timed);
    Some(plot::figure(said, [&across, &up], &curves, Some(&table)))
}

fn curve<'a>(number: usize, name: &'a str, latency: Option<&Latency>) -> Curve<'a> {
    let mut curve = Curve::new(number, name, Vec::new());
    let Some(latency) = latency else {
        return curve;
    };
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
            let y = value as f64;
            points.push(PlotPoint { x: beyond, y });
            step += 1.0;
        }
    }
    let y = latency.max() as f64;
    let longest = format!("longest {}", figures::nanos(latency.max()));
    curve.apart = Some((PlotPoint { x: count, y }, longest));
    curve.pieces.push(points);
    curve
}

fn numbers(series: &[(usize, &str)], timed: &[Option<&Latency>]) -> Table {
    let mut table = Table::of_series("", series);
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
        let curve = curve(0, "gil", Some(&latency));
        let points = &curve.pieces[0];
        assert_eq!((points[0].x, points[0].y), (1.0, 1.0));
        for point in points {
            let quantile = 1.0 - 1.0 / point.x;
            let exact = quantile * 100_000.0;
            assert!((point.y - exact).abs() <= 1.0 + exact / 500.0, "{point:?}");
        }
        let last = points.last().expect("points");
        assert!(last.x <= 10_000.1 && last.x > 8_000.0, "{last:?}");
        assert!(
            points.iter().any(|point| (point.x - 1000.0).abs() < 1e-6),
            "p99.9"
        );
        let (apart, told) = curve.apart.expect("the longest stands apart");
        assert_eq!((apart.x, told.as_str()), (100_000.0, "longest 100 µs"));
    }
}
