//! What held the mutators up: pauses by cause, what slow operations waited for, the share of time that
//! was left to them, how long garbage waited, and what the machine itself took.

use std::collections::BTreeMap;

use super::axis::Axis;
use super::latency::percentiles;
use super::markup::{Table, figure, missing};
use super::plot::{self, Curve, Point};
use super::rows::{self, Row, Rows};
use crate::evidence::Latency;
use crate::report::Member;
use crate::report::figures::{self, NONE};

/// What of a slow operation's time no cause explains.
const UNATTRIBUTED: &str = "unattributed";

/// Draws all of it.
pub(super) fn draw(members: &[Member<'_>]) -> String {
    let lag: Vec<Option<&Latency>> = members
        .iter()
        .map(|m| m.result.evidence.reclaim_lag.as_ref())
        .collect();
    let hiccups: Vec<Option<&Latency>> = members
        .iter()
        .map(|m| m.result.evidence.hiccups.as_ref())
        .collect();
    let parts = [
        (
            pauses(members),
            "No heap here held its mutators up, or tells for how long.",
        ),
        (
            slow(members),
            "No slow operation was recorded, so none is explained.",
        ),
        (
            mmu(members),
            "What share of time the mutators had was not worked out in these results.",
        ),
        (
            percentiles(
                "reclamation lag",
                "From the moment when an object was unlinked until it was freed.",
                members,
                &lag,
            ),
            "No heap here tells how long garbage waited to be freed.",
        ),
        (
            percentiles(
                "the machine itself",
                "How much too late an idle thread woke up: what no heap is to blame for.",
                members,
                &hiccups,
            ),
            "What the machine itself took was not measured in these results.",
        ),
    ];
    let (mut figures, mut absent) = (String::new(), String::new());
    for (part, why) in parts {
        match part {
            Some(part) => figures += &part,
            None => absent += &missing(why),
        }
    }
    if figures.is_empty() {
        return absent;
    }
    format!("<div class=\"figures\">\n{figures}</div>\n{absent}")
}

/// Names that come up in any member, in order.
fn names<'a>(of: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut names: Vec<&str> = of.map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn pauses(members: &[Member<'_>]) -> Option<String> {
    let timed = |member: &Member<'_>, cause: &str| {
        let latency = member.result.pauses.get(cause).cloned();
        latency.filter(|latency| latency.count() > 0)
    };
    let causes = names(
        members
            .iter()
            .flat_map(|member| member.result.pauses.keys()),
    );
    let mut blocks = Vec::new();
    let mut table = Table::new(
        [
            "cause", "heap", "count", "in all", "p50", "p99", "p99.9", "longest",
        ]
        .map(str::to_owned),
    );
    let mut values = Vec::new();
    for cause in causes {
        let mut block = Rows {
            name: cause.to_owned(),
            rows: Vec::new(),
        };
        for (number, member) in members.iter().enumerate() {
            let Some(latency) = timed(member, cause) else {
                continue;
            };
            let at = |quantile| latency.quantile(quantile);
            let show = |nanos: Option<u64>| nanos.map_or(NONE.to_owned(), figures::nanos);
            let low = at(0.5).unwrap_or_else(|| latency.histogram().min()).max(1);
            let longest = latency.max().max(1);
            values.extend([low as f64, longest as f64]);
            block.rows.push(Row {
                number,
                result: member.label.clone(),
                range: (low as f64, longest as f64),
                thick: at(0.99).map_or(low, |p99| p99.min(longest)) as f64,
                label: format!(
                    "{} for {} in all, p50 {}, p99 {}, longest {}",
                    figures::several(latency.count(), "pause", "pauses"),
                    figures::nanos(latency.total_ns()),
                    show(at(0.5)),
                    show(at(0.99)),
                    figures::nanos(latency.max())
                ),
            });
            table.row([
                cause.to_owned(),
                member.label.clone(),
                figures::count(latency.count()),
                figures::nanos(latency.total_ns()),
                show(at(0.5)),
                show(at(0.99)),
                show(at(0.999)),
                figures::nanos(latency.max()),
            ]);
        }
        if !block.rows.is_empty() {
            blocks.push(block);
        }
    }
    let across = Axis::times("how long a pause was", values.into_iter())?;
    let picture = rows::draw("pauses by cause", &across, &blocks);
    let note = "From the median to the longest, marked; thick up to p99.";
    Some(figure("pauses by cause", note, &picture, members, &table))
}

/// What the time of slow operations went into.
fn slow(members: &[Member<'_>]) -> Option<String> {
    if members
        .iter()
        .all(|member| member.result.evidence.slow.count == 0)
    {
        return None;
    }
    let by_cause = members.iter().map(|m| &m.result.evidence.slow.by_cause);
    let mut causes = names(by_cause.flat_map(BTreeMap::keys));
    causes.push(UNATTRIBUTED);
    let mut blocks = Vec::new();
    let mut table = Table::new(["cause", "heap", "time", "share"].map(str::to_owned));
    for cause in causes {
        let mut block = Rows {
            name: cause.to_owned(),
            rows: Vec::new(),
        };
        for (number, member) in members.iter().enumerate() {
            let (nanos, total) = slow_ns(member, cause);
            if nanos == 0 {
                continue;
            }
            let share = format!("{:.1} %", nanos as f64 * 100.0 / total.max(1) as f64);
            let time = figures::nanos(nanos);
            block.rows.push(Row {
                number,
                result: member.label.clone(),
                range: (0.0, nanos as f64),
                thick: nanos as f64,
                label: format!("{time}, {share} of {}", figures::nanos(total)),
            });
            table.row([cause.to_owned(), member.label.clone(), time, share]);
        }
        if !block.rows.is_empty() {
            blocks.push(block);
        }
    }
    let longest = blocks
        .iter()
        .flat_map(|block| &block.rows)
        .map(|row| row.range.1);
    let longest = longest.fold(0.0, f64::max);
    let across = Axis::from_zero("time within slow operations", longest, figures::time);
    let title = "what slow operations waited for";
    let picture = rows::draw(title, &across, &blocks);
    Some(figure(
        title,
        &slow_note(members),
        &picture,
        members,
        &table,
    ))
}

/// What a cause took of a result's slow operations, and what these took in all.
fn slow_ns(member: &Member<'_>, cause: &str) -> (u64, u64) {
    let slow = &member.result.evidence.slow;
    let nanos = match cause {
        UNATTRIBUTED => slow.unattributed_ns,
        _ => slow.by_cause.get(cause).copied().unwrap_or(0),
    };
    (nanos, slow.total_ns)
}

fn slow_note(members: &[Member<'_>]) -> String {
    let slow = members
        .iter()
        .filter(|member| member.result.evidence.slow.count > 0);
    let notes: Vec<String> = slow
        .map(|member| {
            let slow = &member.result.evidence.slow;
            let attributed = slow.attributed().map_or(0.0, |share| share * 100.0);
            let (count, over) = (
                figures::count(slow.count),
                figures::nanos(slow.threshold_ns),
            );
            format!(
                "{}: {count} over {over}, {attributed:.1} % explained",
                member.label
            )
        })
        .collect();
    format!("{}.", notes.join("; "))
}

/// The least share of its time that a mutator had, over the length of the window.
fn mmu(members: &[Member<'_>]) -> Option<String> {
    let points = || members.iter().flat_map(|member| &member.result.mmu);
    let least = points().map(|point| point.window_ms).min()?;
    let most = points().map(|point| point.window_ms).max()?;
    let curves: Vec<Curve> = members
        .iter()
        .enumerate()
        .filter(|(_, member)| !member.result.mmu.is_empty())
        .map(|(number, member)| {
            let points = member.result.mmu.iter().map(|point| Point {
                x: point.window_ms as f64,
                y: point.utilization,
                label: format!(
                    "{:.1} % of any {}",
                    point.utilization * 100.0,
                    figures::time(point.window_ms as f64 * 1e6)
                ),
            });
            Curve {
                number,
                name: member.label.clone(),
                pieces: vec![points.collect()],
                apart: None,
                events: Vec::new(),
            }
        })
        .collect();
    let mut windows: Vec<u64> = points().map(|point| point.window_ms).collect();
    windows.sort_unstable();
    windows.dedup();
    let mut table = Table::of_members("window", members);
    for window in windows {
        let cells = members.iter().map(|member| {
            let mut points = member.result.mmu.iter();
            let point = points.find(|point| point.window_ms == window)?;
            Some(format!("{:.2} %", point.utilization * 100.0))
        });
        table.row_of(&figures::time(window as f64 * 1e6), cells);
    }
    let across = Axis::windows("length of the window", least.max(1) as f64, most as f64);
    let up = Axis::shares("least share of time");
    let title = "minimum mutator utilization";
    let picture = plot::draw(title, &across, &up, &curves);
    let note = "Under a lock: of the time in which anybody ran. Else: of the worst-off mutator's.";
    Some(figure(title, note, &picture, members, &table))
}
