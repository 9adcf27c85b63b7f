//! Several results in one table: a row for each workload on each heap.

use std::collections::BTreeMap;

use super::columns::{Cell, Columns, Side};
use super::prose::wrapped;
use super::style::{ERROR, FAINT, STRONG, of_outcome, paint};
use super::versus::versus;
use super::{Absence, Absent, Collected, Width};
use crate::evidence::Latency;
use crate::result::RunResult;
use crate::result::figures::{self, NONE};

/// Draws the table, why some did not run, one line with the number of each verdict, and one that
/// compares heaps that held.
pub fn summary(collected: &Collected, width: Width) -> String {
    let results = &collected.results;
    let is_paced = results.iter().any(|result| result.rate.is_some());
    let mut heads = vec!["workload", "heap", "verdict", "ops/s", "p99.9", "max"];
    heads.extend(
        is_paced
            .then_some(["response p99.9", "response max"])
            .into_iter()
            .flatten(),
    );
    heads.push("objects");
    let left = [Side::Left; 3];
    let right = vec![Side::Right; heads.len() - left.len()];
    let mut columns = Columns::new([&left[..], &right].concat()).with_two_names();
    columns.head(&heads);
    for result in results {
        columns.row(row(result, is_paced));
    }
    for absent in &collected.absent {
        let style = match absent.what {
            Absence::Failed => ERROR,
            Absence::NotStarted => FAINT,
            // They stand below, a line for each reason.
            Absence::Skipped => continue,
        };
        let what = Cell::styled(style, absent.what.name());
        columns.row([
            absent.workload.as_str().into(),
            absent.heap.as_str().into(),
            what,
        ]);
    }
    let mut text = columns.draw(width);
    text.push('\n');
    let failed = |absent: &&Absent| absent.what == Absence::Failed;
    for absent in collected.absent.iter().filter(failed) {
        let Absent {
            workload,
            heap,
            what,
            why,
        } = absent;
        let lead = format!("{}: ", what.name());
        text += &wrapped(width, &lead, 4, &format!("{workload} on {heap}: {why}"));
    }
    for line in collected.skipped() {
        text += &wrapped(width, "skipped: ", 4, &line);
    }
    let (runs, counts) = collected.counts();
    text += &format!("{}: {counts}\n", paint(STRONG, &runs));
    if results.iter().any(|it| it.verdict.is_broken()) {
        text += &wrapped(
            width,
            "",
            2,
            "beside others no speed is shown of a run that was violated, crashed or hung",
        );
    }
    if let Some(sentence) = versus(collected) {
        text += &wrapped(width, "", 2, &sentence);
    }
    text
}

/// The cells of a result. If any result has a rate, all have a column for response times.
fn row(result: &RunResult, is_paced: bool) -> Vec<Cell> {
    // Of a broken heap no speed is shown beside others.
    let is_broken = result.verdict.is_broken();
    let known = |figure: Option<String>| match figure.filter(|_| !is_broken) {
        Some(figure) => figure.into(),
        None => Cell::styled(FAINT, NONE),
    };
    let time = |time: Option<u64>| known(time.map(figures::nanos));
    let service = sum(&result.evidence.service);
    // A run whose process was lost has none.
    let rates = result.ops.values().map(|op| op.per_second);
    let per_second = known(rates.reduce(|sum, rate| sum + rate).map(figures::short));
    let mut cells = vec![
        result.workload.name.as_str().into(),
        result.subject().into(),
        Cell::styled(of_outcome(result.verdict), result.verdict.name()),
        per_second,
        time(service.quantile(0.999)),
        time((service.count() > 0).then(|| service.max())),
    ];
    if is_paced {
        let response = sum(&result.evidence.response);
        cells.push(time(response.quantile(0.999)));
        cells.push(time((response.count() > 0).then(|| response.max())));
    }
    // Where the process was lost, so are its counts.
    cells.push(match result.evidence.mutators.is_empty() {
        true => Cell::styled(FAINT, NONE),
        false => figures::count(result.evidence.allocated()).into(),
    });
    cells
}

/// All operations together.
fn sum(times: &BTreeMap<String, Latency>) -> Latency {
    let mut all = Latency::default();
    for latency in times.values() {
        all.add(latency);
    }
    all
}
