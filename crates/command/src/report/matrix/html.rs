//! The matrix as one HTML page that needs nothing else.

use maud::{Markup, Render as _, html};

use super::{Matrix, MatrixRow, lane_sentence, tally};
use crate::fuzz::matrix::{RowStanding, Verified};
use crate::report::html::contents::Book;
use crate::report::html::page::{Activity, STYLE, document, missing, note};
use crate::result::figures::{self, NONE};

/// Draws the page.
pub fn html(matrix: &Matrix) -> String {
    let verdict = match (
        matrix.count(RowStanding::Failed),
        matrix.count(RowStanding::Untried),
    ) {
        (0, 0) => "held",
        (0, _) => "interrupted",
        _ => "violated",
    };
    let tool = &matrix.tool;
    let banner = html! {
        header class={ "banner " (verdict) } {
            h1 { "gcstorm selftest: which check catches which fault" }
            p { b { (matrix.conclusion()) } "." }
            ul.lead {
                @for &lane in &Verified::ALL {
                    @if let Some(sentence) = lane_sentence(matrix, lane) { li { (sentence) } }
                }
            }
        }
    };
    let sections = [
        ("Not as expected", failed(matrix)),
        ("Faults", faults(matrix)),
        ("Found otherwise", otherwise(matrix)),
    ];
    let book = Book {
        banner,
        sections: &sections,
        chapters: &[],
        series: &[],
        footer: html! {
            (tool.name) " " (tool.version) " " (tool.commit) ", "
            (figures::several(matrix.host.cpus as u64, "processor", "processors")) ", "
            (figures::span(matrix.elapsed_ns)) "."
        },
    };
    document(
        &format!("{verdict} – gcstorm selftest"),
        STYLE,
        Activity::None,
        &book.render(),
    )
}

fn failed(matrix: &Matrix) -> Markup {
    let is_failed = |row: &&MatrixRow| row.standing == RowStanding::Failed;
    html! {
        @if !matrix.all().any(|row| is_failed(&row)) { (missing("None.")) }
        @for row in matrix.all().filter(is_failed) {
            p {
                b { (row.name()) " in " (row.heap) } ": " (row.why.as_deref().unwrap_or_default())
                br; code { (row.reproduce) }
            }
        }
    }
}

fn otherwise(matrix: &Matrix) -> Markup {
    let found = [
        ("fuzz or models show", &matrix.by_model),
        ("a soak shows", &matrix.by_soak),
    ];
    html! {
        @if found.iter().all(|(_, names)| names.is_empty()) { (missing("None.")) }
        @for (what, names) in found {
            @if !names.is_empty() { p { "Only " (what) ": " (names.join(", ")) "." } }
        }
    }
}

fn faults(matrix: &Matrix) -> Markup {
    html! {
        (note("A bar is the share of trials that caught the fault: verified at the end only, and at \
               pauses too. Operations and time are medians until it was caught."))
        table.faults.words.many.short {
            thead {
                tr {
                    th { "fault" } th { "heap" } th { "workload" } th { "expected" }
                    th { "end" } th { "every" } th { "first check" } th { "operations" }
                    th { "time" } th { "cost, end" } th { "cost, every" }
                }
            }
            tbody { @for row in matrix.all() { (line(row)) } }
        }
    }
}

fn line(row: &MatrixRow) -> Markup {
    let class = match row.standing {
        RowStanding::Met => None,
        RowStanding::Failed => Some("violated"),
        RowStanding::Untried => Some("skipped"),
    };
    let end = row.end();
    let cost = |lane| row.lane(lane)?.wall_ns_median.map(figures::nanos);
    let figures = [
        (
            "operations",
            end.and_then(|end| end.ops_median).map(figures::count),
        ),
        (
            "time",
            end.and_then(|end| end.ns_median).map(figures::nanos),
        ),
        ("cost, end", cost(Verified::End)),
        ("cost, every", cost(Verified::Every)),
    ];
    html! {
        tr class=[class] {
            th title=(row.change.as_deref().unwrap_or("nothing is planted")) {
                (row.name())
                @if let Some((what, link)) = &row.history { " " a href=(link) { (what) } }
            }
            @for cell in [&row.heap, &row.run(), &row.expected] { td { (cell) } }
            @for lane in Verified::ALL { td data-h=(lane.name()) { (bar(row, lane)) } }
            td { (end.and_then(|end| end.foremost(&row.caught_by)).unwrap_or(NONE)) }
            @for (name, figure) in figures {
                td.n data-h=(name) { (figure.as_deref().unwrap_or(NONE)) }
            }
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
            rect.good width=(width) height="10" {}
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
