//! The matrix as Markdown, for issues and documentation.

use std::fmt::Write as _;

use super::{Matrix, MatrixRow, lane_sentence, tally};
use crate::fuzz::matrix::{RowStanding, Verified};
use crate::report::commonmark::{self, escaped};
use crate::result::figures::{self, NONE};

/// Draws the page.
pub fn markdown(matrix: &Matrix) -> String {
    let tool = &matrix.tool;
    let mut text = format!(
        "# Which check catches which fault\n\n{} {}",
        tool.name, tool.version
    );
    if !tool.commit.is_empty() {
        let _ = write!(text, " ({})", tool.commit);
    }
    let took = figures::span(matrix.elapsed_ns);
    let cpus = figures::several(matrix.host.cpus as u64, "processor", "processors");
    let _ = writeln!(text, ", on {cpus}, in {took}. {}.\n", matrix.conclusion());
    text += "| fault | heap | workload | expected | end | every | first check | operations | time | \
             cost, end | cost, every |\n| --- | --- | --- | --- | --: | --: | --- | --: | --: | --: \
             | --: |\n";
    for row in matrix.all() {
        text += &line(row);
    }
    text.push('\n');
    for sentence in Verified::ALL
        .iter()
        .filter_map(|&lane| lane_sentence(matrix, lane))
    {
        let _ = writeln!(text, "- {sentence}");
    }
    if !matrix.by_soak.is_empty() {
        let _ = writeln!(text, "- only a soak shows: {}", matrix.by_soak.join(", "));
    }
    if !matrix.by_model.is_empty() {
        let _ = writeln!(
            text,
            "- only `fuzz` or models show: {}",
            matrix.by_model.join(", ")
        );
    }
    for row in matrix
        .all()
        .filter(|row| row.standing == RowStanding::Failed)
    {
        let why = row.why.as_deref().unwrap_or_default();
        let (name, heap, why) = (escaped(row.name()), escaped(&row.heap), escaped(why));
        let code = commonmark::fenced("", &row.reproduce);
        let _ = write!(
            text,
            "\n**Not as expected**: {name} in {heap}: {why}\n\n{code}"
        );
    }
    text
}

fn line(row: &MatrixRow) -> String {
    let end = row.end();
    let none = || NONE.to_owned();
    let cost = |lane| {
        let median = row.lane(lane).and_then(|score| score.wall_ns_median);
        median.map_or_else(none, figures::nanos)
    };
    let name = match &row.history {
        Some((what, link)) => format!("{} ([{}]({link}))", escaped(row.name()), escaped(what)),
        None => escaped(row.name()),
    };
    let cells = [
        name,
        escaped(&row.heap),
        escaped(&row.run()),
        escaped(&row.expected),
        tally(row, Verified::End).unwrap_or_else(none),
        tally(row, Verified::Every).unwrap_or_else(none),
        end.and_then(|end| end.foremost(&row.caught_by))
            .unwrap_or(NONE)
            .to_owned(),
        end.and_then(|end| end.ops_median)
            .map_or_else(none, figures::count),
        end.and_then(|end| end.ns_median)
            .map_or_else(none, figures::nanos),
        cost(Verified::End),
        cost(Verified::Every),
    ];
    commonmark::row(cells)
}
