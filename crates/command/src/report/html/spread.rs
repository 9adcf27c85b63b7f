//! How far times spread: a bar for each heap under each workload, on one scale.

use maud::{Markup, html};

use super::page::missing;
use super::rows::{self, Bar, Rows};
use super::table::Table;
use super::unit::Unit;
use crate::evidence::Latency;
use crate::result::figures::{self, NONE};

/// The times of one workload.
#[derive(Debug)]
pub(crate) struct Spread<'a> {
    pub(crate) name: &'a str,
    /// By the number and the name of the heap.
    pub(crate) times: Vec<((usize, &'a str), Latency)>,
}

/// Draws them in up to three pictures, which stand side by side on a wide screen.
pub(crate) fn draw(all: &[Spread<'_>]) -> Markup {
    let timed = |spread: &&Spread<'_>| spread.times.iter().any(|(_, times)| times.count() > 0);
    let all: Vec<&Spread<'_>> = all.iter().filter(timed).collect();
    let bars = all.iter().flat_map(|spread| &spread.times);
    let bars = bars.filter_map(|(_, times)| bar(times));
    let ends: Vec<f64> = bars
        .flat_map(|bar| [bar.from as f64, bar.to as f64])
        .collect();
    let Some(across) = Unit::Time.axis("how long an operation took", ends.into_iter()) else {
        return missing("No operation was timed, so there are no latencies to show.");
    };
    let note = "A line from the median to the longest of all operations, thick up to p99.9.";
    html! {
        div.figures {
            @for part in all.chunks(all.len().div_ceil(3).max(4)) {
                @let title = match part {
                    [one, other] => format!("{} and {}", one.name, other.name),
                    [first, .., last] => format!("{} to {}", first.name, last.name),
                    _ => part.iter().map(|spread| spread.name).collect(),
                };
                @let rows: Vec<Rows<'_>> = part.iter().map(|spread| rows_of(spread)).collect();
                (rows::figure((&title, note), &across, &rows, &numbers(part)))
            }
        }
    }
}

fn rows_of<'a>(spread: &Spread<'a>) -> Rows<'a> {
    let bars = spread.times.iter();
    let bars = bars.filter_map(|(series, times)| Some((*series, bar(times)?)));
    Rows {
        name: spread.name,
        bars: bars.collect(),
    }
}

fn bar(times: &Latency) -> Option<Bar> {
    let to = Some(times.max()).filter(|_| times.count() > 0)?.max(1);
    let median = times
        .quantile(0.5)
        .unwrap_or_else(|| times.histogram().min());
    let from = median.clamp(1, to);
    let thick = times.quantile(0.999).map_or(from, |p99_9| p99_9.min(to));
    Some(Bar { from, thick, to })
}

/// A row for each bar.
fn numbers(spreads: &[&Spread<'_>]) -> Table {
    let mut table = Table::new(["workload", "heap", "p50, p99.9, longest"]);
    for spread in spreads {
        let timed = spread.times.iter().filter(|(_, times)| times.count() > 0);
        for ((_, heap), times) in timed {
            let nanos = |nanos: Option<u64>| nanos.map_or(NONE.to_owned(), figures::nanos);
            let [p50, p99_9] = [0.5, 0.999].map(|quantile| nanos(times.quantile(quantile)));
            let longest = figures::nanos(times.max());
            let told = format!("{p50}, {p99_9}, {longest}");
            table.row(spread.name, [*heap, &told]);
        }
    }
    table
}
