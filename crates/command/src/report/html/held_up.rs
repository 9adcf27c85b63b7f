//! What held the mutators up: pauses by cause, what slow operations waited for, the share of time
//! that was left to them, how long garbage waited, and how late the machine woke threads up.

use std::collections::BTreeSet;

use maud::Markup;

use super::axis::Axis;
use super::length::Length;
use super::page::{gallery, series};
use super::percentiles::percentiles;
use super::plot::{self, Curve, PlotPoint};
use super::rows::{self, Bar, Rows};
use super::table::Table;
use super::unit::Unit;
use crate::evidence::{Evidence, Latency, Slow};
use crate::report::Member;
use crate::result::figures::{self, NONE};

/// That part of a slow operation's time which no cause explains.
const UNATTRIBUTED: &str = "unattributed";

/// Draws all of it.
pub(super) fn draw(members: &[Member<'_>], length: Length) -> Markup {
    let waits = |title, note, of: fn(&Evidence) -> &Option<Latency>| {
        let latencies = members
            .iter()
            .map(|member| of(&member.result.evidence).as_ref());
        percentiles(
            (title, note),
            &series(members),
            &latencies.collect::<Vec<_>>(),
        )
    };
    let lag = waits(
        "reclamation lag",
        "From the death or truncation of objects until their memory can be used again. How long a \
         garbage cycle waits to be found is not in it.",
        |evidence| &evidence.reclaim_lag,
    );
    let hiccups = waits(
        "the machine itself",
        "How late an idle thread woke up: delays for which no heap is to blame.",
        |evidence| &evidence.hiccups,
    );
    let mut pictures = vec![
        pauses(members).ok_or("No heap here paused its mutators, or tells for how long."),
        slow(members).ok_or("No slow operation was recorded."),
        mmu(members)
            .ok_or("The share of time left to the mutators was not recorded in these results."),
    ];
    if length == Length::Whole {
        pictures.extend([
            lag.ok_or("No heap here tells how long the dead waited to be freed."),
            hiccups
                .ok_or("How late the machine wakes threads up was not measured in these results."),
        ]);
    }
    gallery(pictures)
}

/// What the members have of each cause, as rows of bars and as a table. `of` gives the bar of one
/// member, and the cells behind it.
fn by_cause<'a>(
    causes: impl IntoIterator<Item = &'a str>,
    members: &'a [Member<'_>],
    head: &[&str],
    of: impl Fn(&Member<'_>, &str) -> Option<(Bar, Vec<String>)>,
) -> (Vec<Rows<'a>>, Table) {
    let mut table = Table::new(["cause", "heap"].iter().chain(head).copied());
    let mut rows = Vec::new();
    for name in causes {
        let mut bars = Vec::new();
        for member in members {
            if let Some((bar, cells)) = of(member, name) {
                table.row(name, std::iter::once(member.label.clone()).chain(cells));
                bars.push((member.series(), bar));
            }
        }
        if !bars.is_empty() {
            rows.push(Rows { name, bars });
        }
    }
    (rows, table)
}

fn pauses(members: &[Member<'_>]) -> Option<Markup> {
    let causes = members
        .iter()
        .flat_map(|member| member.result.pauses.keys());
    let causes: BTreeSet<&str> = causes.map(String::as_str).collect();
    let head = ["pauses", "p50, p99, longest"];
    let (rows, table) = by_cause(causes, members, &head, |member, cause| {
        let latency = member.result.pauses.get(cause)?;
        let (count, longest) = (latency.count(), latency.max().max(1));
        if count == 0 {
            return None;
        }
        let [p50, p99] = [0.5, 0.99].map(|quantile| latency.quantile(quantile));
        let show = |nanos: Option<u64>| nanos.map_or(NONE.to_owned(), figures::nanos);
        let [in_all, max] = [latency.total_ns(), latency.max()].map(figures::nanos);
        let low = p50.unwrap_or_else(|| latency.histogram().min()).max(1);
        let bar = Bar {
            from: low,
            thick: p99.map_or(low, |p99| p99.min(longest)),
            to: longest,
        };
        let [p50, p99] = [p50, p99].map(show);
        let cells = [
            format!("{} in {in_all}", figures::count(count)),
            format!("{p50}, {p99}, {max}"),
        ];
        Some((bar, cells.to_vec()))
    });
    let bars = rows.iter().flat_map(|rows| &rows.bars);
    let ends = bars.flat_map(|(_, bar)| [bar.from as f64, bar.to as f64]);
    let across = Unit::Time.axis("how long a pause was", ends)?;
    let note = "A line from the median to the longest, thick up to p99.";
    let said = ("pauses by cause", note);
    Some(rows::figure(said, &across, &rows, &table))
}

fn slow_of<'a>(member: &Member<'a>) -> &'a Slow {
    &member.result.evidence.slow
}

/// What the time of slow operations went into.
fn slow(members: &[Member<'_>]) -> Option<Markup> {
    let slow = members.iter().filter(|member| slow_of(member).count > 0);
    slow.clone().next()?;
    let causes = members
        .iter()
        .flat_map(|member| slow_of(member).by_cause.keys());
    let causes: BTreeSet<&str> = causes.map(String::as_str).collect();
    let causes = causes.into_iter().chain([UNATTRIBUTED]);
    let (rows, table) = by_cause(causes, members, &["time", "share"], |member, cause| {
        let slow = slow_of(member);
        let nanos = match cause {
            UNATTRIBUTED => slow.unattributed_ns,
            _ => slow.by_cause.get(cause).copied().unwrap_or(0),
        };
        let percent = nanos as f64 * 100.0 / slow.total_ns.max(1) as f64;
        let share = format!("{percent:.1} %");
        let time = figures::nanos(nanos);
        let bar = Bar {
            from: 0,
            thick: nanos,
            to: nanos,
        };
        (nanos > 0).then(|| (bar, vec![time, share]))
    });
    let bars = rows.iter().flat_map(|rows| &rows.bars);
    let longest = bars.map(|(_, bar)| bar.to).max().unwrap_or(0);
    let across = Axis::from_zero("time within slow operations", longest as f64, Unit::Time);
    let notes = slow.map(|member| {
        let slow = slow_of(member);
        let attributed = slow.attributed().map_or(0.0, |share| share * 100.0);
        let (count, over) = (slow.count, figures::nanos(slow.threshold_ns));
        let count = figures::count(count);
        format!(
            "{}: {count} over {over}, {attributed:.1} % explained",
            member.label
        )
    });
    let note = format!("{}.", notes.collect::<Vec<_>>().join("; "));
    let said = ("what slow operations waited for", note.as_str());
    Some(rows::figure(said, &across, &rows, &table))
}

/// The least share of its time that a mutator had, over the length of the window.
fn mmu(members: &[Member<'_>]) -> Option<Markup> {
    let points = members.iter().flat_map(|member| &member.result.mmu);
    let windows: BTreeSet<u64> = points.map(|point| point.window_ms).collect();
    let nanos = |window_ms: u64| window_ms as f64 * 1e6;
    let across = Unit::Time.axis("length of the window", windows.iter().map(|ms| nanos(*ms)))?;
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let up = Axis::from_zero("least share of time", 1.0, Unit::Share);
    let curves = members.iter().map(|member| {
        let points = member.result.mmu.iter().map(|point| PlotPoint {
            x: nanos(point.window_ms),
            y: point.utilization,
        });
        Curve::new(member.number, &member.label, vec![points.collect()])
    });
    let curves: Vec<Curve<'_>> = curves.collect();
    let mut table = Table::of_series("window", &series(members));
    for window in windows {
        let cells = members.iter().map(|member| {
            let mut points = member.result.mmu.iter();
            points
                .find(|point| point.window_ms == window)
                .map(|point| percent(point.utilization))
        });
        table.row_of(&figures::time(nanos(window)), cells);
    }
    let note = "Under a lock: the time in which any mutator ran. Otherwise: that of the mutator with the least.";
    let said = ("minimum mutator utilization", note);
    Some(plot::figure(said, [&across, &up], &curves, Some(&table)))
}
