//! How fast a run was: its operations, what held them up, and how much time was left to mutators.

use super::super::Width;
use super::super::columns::{Cell, Columns};
use super::super::prose::wrapped;
use super::super::style::FAINT;
use crate::evidence::Latency;
use crate::result::RunResult;
use crate::result::figures::{self, NONE};

/// What stands in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// Operations.
    Operations,
    /// Operations, and below them what held threads up.
    WithPauses,
}

/// Operations, with pauses below them in the same columns.
pub(super) fn operations(result: &RunResult, rows: Rows, width: Width) -> String {
    let mut columns = Columns::of_figures(7);
    columns.head(&[
        "operation",
        "count",
        "ops/s",
        "mean",
        "p50",
        "p99",
        "p99.9",
        "max",
    ]);
    let mut ops: Vec<_> = result.ops.iter().collect();
    ops.sort_by_key(|(_, op)| std::cmp::Reverse(op.count));
    for (name, op) in ops {
        let figures = [figures::count(op.count), figures::short(op.per_second)];
        columns.row(distribution(name, figures, op.service.as_ref()));
    }
    responses(result, &mut columns);
    if rows == Rows::Operations || result.pauses.is_empty() {
        return columns.draw(width);
    }
    columns.space();
    columns.head(&[
        "pause", "count", "total", "mean", "p50", "p99", "p99.9", "max",
    ]);
    for (cause, latency) in &result.pauses {
        let total = figures::nanos(latency.total_ns());
        let figures = [figures::count(latency.count()), total];
        columns.row(distribution(cause, figures, Some(latency)));
    }
    columns.draw(width)
}

/// Response times: from when operations were due until they were done.
fn responses(result: &RunResult, columns: &mut Columns) {
    let ops = result.ops.iter();
    let mut responses: Vec<_> = ops
        .filter_map(|(name, op)| Some((name, op.response.as_ref()?)))
        .collect();
    if responses.is_empty() {
        return;
    }
    responses.sort_by_key(|(_, response)| std::cmp::Reverse(response.count()));
    columns.space();
    columns.head(&[
        "response", "count", "", "mean", "p50", "p99", "p99.9", "max",
    ]);
    for (name, response) in responses {
        let figures = [figures::count(response.count()), String::new()];
        columns.row(distribution(name, figures, Some(response)));
    }
}

fn distribution(name: &str, figures: [String; 2], latency: Option<&Latency>) -> Vec<Cell> {
    let mut cells = vec![Cell::from(name)];
    cells.extend(figures.map(Cell::from));
    let quantile = |at| latency.and_then(|latency| latency.quantile(at));
    let timed = latency.filter(|latency| latency.count() > 0);
    let times = [
        timed.map(|latency| figures::time(latency.mean())),
        quantile(0.5).map(figures::nanos),
        quantile(0.99).map(figures::nanos),
        quantile(0.999).map(figures::nanos),
        timed.map(|latency| figures::nanos(latency.max())),
    ];
    cells.extend(times.map(|time| time.map_or(Cell::styled(FAINT, NONE), Cell::from)));
    cells
}

/// Where the time of the slow operations went, in a sentence.
pub(super) fn slow(result: &RunResult, width: Width) -> String {
    let slow = &result.evidence.slow;
    if slow.count == 0 {
        return String::new();
    }
    let share = |nanos: u64| format!("{:.1} %", 100.0 * nanos as f64 / slow.total_ns as f64);
    let mut causes: Vec<_> = slow.by_cause.iter().collect();
    causes.sort_by_key(|(_, nanos)| std::cmp::Reverse(**nanos));
    let causes = causes
        .iter()
        .map(|(cause, nanos)| (cause.as_str(), **nanos));
    let all = causes.chain([("unattributed", slow.unattributed_ns)]);
    let parts: Vec<String> = all
        .filter(|(_, nanos)| *nanos > 0)
        .map(|(cause, nanos)| format!("{cause} {}", share(nanos)))
        .collect();
    let text = format!(
        "{} took {} or more, {} in all: {}",
        figures::several(slow.count, "timed operation", "timed operations"),
        figures::nanos(slow.threshold_ns),
        figures::nanos(slow.total_ns),
        parts.join(", "),
    );
    wrapped(width, "slow: ", 4, &text)
}

/// The windows, in milliseconds, whose minimum mutator utilization a page shows.
const WINDOWS_MS: [u64; 4] = [1, 10, 100, 1000];

/// The minimum mutator utilization, in a sentence.
pub(super) fn utilization(result: &RunResult, width: Width) -> String {
    let points = result.mmu.iter();
    let shown: Vec<String> = points
        .filter(|point| WINDOWS_MS.contains(&point.window_ms))
        .map(|point| {
            let share = 100.0 * point.utilization;
            format!("{share:.1} % of any {} ms", point.window_ms)
        })
        .collect();
    if shown.is_empty() {
        return String::new();
    }
    let stats = &result.evidence.stats;
    if result.evidence.pauses.is_empty() && stats.switches.is_none() {
        let text = "the heap reported no pauses, so what share of the time it left its mutators is \
            not known: see `slow` and the longest operations";
        return wrapped(width, "time: ", 4, text);
    }
    let whose = match stats.switches {
        Some(_) => "all mutators together had at least",
        None => "each mutator had at least",
    };
    wrapped(width, "time: ", 4, &format!("{whose} {}", shown.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::MmuPoint;
    use crate::sample;

    /// Goal: where nobody reported a pause, no share of the time is claimed, unless there is a lock,
    /// whose holds are pauses of the others.
    #[test]
    fn no_pauses_are_no_share() {
        let mut result = sample::result("own");
        result.mmu = vec![MmuPoint {
            window_ms: 10,
            utilization: 0.75,
            each: None,
        }];
        let share = "had at least 75.0 % of any 10 ms\n";
        let known = utilization(&result, Width::Unknown);
        assert!(known.ends_with(share), "{known}");
        result.evidence.pauses.clear();
        result.evidence.stats.switches = None;
        let unknown = utilization(&result, Width::Unknown);
        assert!(
            unknown.starts_with("time: the heap reported no pauses, so what share of the time"),
            "{unknown}"
        );
        assert!(!unknown.contains('%'), "{unknown}");
        result.evidence.stats.switches = Some(3);
        let lock = utilization(&result, Width::Unknown);
        assert!(lock.ends_with(share), "{lock}");
    }
}
