//! The matrix as one self-contained HTML page, with styles and drawings inside it.

use maud::{Markup, html};

use super::{Matrix, MatrixRow, lane_sentence, tally};
use crate::fuzz::matrix::{RowStanding, Verified};
use crate::report::html::page::{Activity, document};
use crate::result::figures::{self, NONE};

const STYLE: &str = "\
body{font:14px/1.5 system-ui,sans-serif;margin:2em;color:#222;background:#fff}\
table{border-collapse:collapse}th,td{padding:.25em .7em;text-align:left;border-bottom:1px solid #ddd}\
td.n{text-align:right;font-variant-numeric:tabular-nums}tr.failed{background:#fde8e8}\
tr.untried{color:#888}svg{vertical-align:middle}code{background:#f4f4f4;padding:.1em .3em}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,td{border-color:#444}\
tr.failed{background:#4a2020}code{background:#2a2a2a}a{color:#8ab4f8}}";

/// Draws the page.
pub fn html(matrix: &Matrix) -> String {
    let tool = &matrix.tool;
    let failed = matrix
        .all()
        .filter(|row| row.standing == RowStanding::Failed);
    let body = html! {
        h1 { "Which check catches which fault" }
        p {
            (tool.name) " " (tool.version) " " (tool.commit) ", "
            (figures::several(matrix.host.cpus as u64, "processor", "processors")) ", "
            (figures::span(matrix.elapsed_ns)) ". " b { (matrix.conclusion()) } "."
        }
        ul {
            @for &lane in &Verified::ALL {
                @if let Some(sentence) = lane_sentence(matrix, lane) { li { (sentence) } }
            }
        }
        table {
            thead {
                tr {
                    th { "fault" } th { "heap" } th { "workload" } th { "expected" }
                    th { "end" } th { "every" } th { "first check" } th { "operations" }
                    th { "time" } th { "cost, end" } th { "cost, every" }
                }
            }
            tbody { @for row in matrix.all() { (line(row)) } }
        }
        @for (what, names) in [("models show", &matrix.by_model), ("a soak shows", &matrix.by_soak)] {
            @if !names.is_empty() { p { "Only " (what) ": " (names.join(", ")) } }
        }
        @for row in failed {
            p {
                b { (row.name()) " in " (row.heap) } ": " (row.why.as_deref().unwrap_or_default())
                br; code { (row.reproduce) }
            }
        }
    };
    document("selftest", STYLE, Activity::None, &body)
}

fn line(row: &MatrixRow) -> Markup {
    let class = match row.standing {
        RowStanding::Met => "met",
        RowStanding::Failed => "failed",
        RowStanding::Untried => "untried",
    };
    let end = row.end();
    let cost = |lane| row.lane(lane)?.wall_ns_median.map(figures::nanos);
    let figures = [
        end.and_then(|end| end.ops_median).map(figures::count),
        end.and_then(|end| end.ns_median).map(figures::nanos),
        cost(Verified::End),
        cost(Verified::Every),
    ];
    html! {
        tr class=(class) {
            td title=(row.change.as_deref().unwrap_or("nothing is planted")) {
                (row.name())
                @if let Some((what, link)) = &row.history { " " a href=(link) { (what) } }
            }
            @for cell in [&row.heap, &row.run(), &row.expected] { td { (cell) } }
            @for lane in Verified::ALL { td.n { (bar(row, lane)) } }
            td { (end.and_then(|end| end.foremost(&row.caught_by)).unwrap_or(NONE)) }
            @for figure in figures { td.n { (figure.as_deref().unwrap_or(NONE)) } }
        }
        "\n"
    }
}

/// The tally of a lane, with a bar whose length is the share of trials that caught the fault.
fn bar(row: &MatrixRow, lane: Verified) -> Markup {
    let (Some(score), Some(tally)) = (row.lane(lane), tally(row, lane)) else {
        return html! { (NONE) };
    };
    let width = score.caught * 60 / score.tried.max(1);
    html! {
        svg width="60" height="10" role="img" aria-label=(tally) {
            rect width="60" height="10" fill="#8884" {}
            rect width=(width) height="10" fill="#2e8b57" {}
        }
        " " (tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::page::tests::{EVIL, assert_tame};

    /// Goal: names of heaps and faults and the messages of trials are escaped, whatever they
    /// contain.
    #[test]
    fn escapes_everything() {
        let mut matrix = super::super::tests::matrix();
        let evil = || EVIL.to_owned();
        matrix.tool.name = evil();
        matrix.by_model.push(evil());
        for row in &mut matrix.rows {
            row.fault = Some(evil());
            row.change = Some(evil());
            row.heap = evil();
            row.parameters.insert(evil(), evil());
            row.why = Some(evil());
            row.reproduce = evil();
        }
        assert_tame(&html(&matrix), 0);
    }
}
