//! The matrix as one HTML page that needs nothing else: styles and drawings are inside it.

use std::fmt::Write as _;

use super::{Matrix, MatrixRow, lane_sentence, tally};
use crate::fuzz::matrix::{Lane, Standing};
use crate::report::figures::{self, NONE};

const STYLE: &str = "\
body{font:14px/1.5 system-ui,sans-serif;margin:2em;color:#222;background:#fff}\
table{border-collapse:collapse}th,td{padding:.25em .7em;text-align:left;border-bottom:1px solid #ddd}\
td.n{text-align:right;font-variant-numeric:tabular-nums}tr.failed{background:#fde8e8}\
tr.untried{color:#888}svg{vertical-align:middle}code{background:#f4f4f4;padding:.1em .3em}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,td{border-color:#444}\
tr.failed{background:#4a2020}code{background:#2a2a2a}a{color:#8ab4f8}}";

/// Draws it.
pub fn html(matrix: &Matrix) -> String {
    let mut page =
        String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    let _ = writeln!(
        page,
        "<title>selftest</title><style>{STYLE}</style></head><body>"
    );
    let tool = &matrix.tool;
    let took = figures::span(matrix.elapsed_ns);
    let _ = writeln!(
        page,
        "<h1>Which check catches which fault</h1>\n<p>{} {} {}, {} processors, {took}. <b>{}</b>.</p>",
        escaped(&tool.name),
        escaped(&tool.version),
        escaped(&tool.commit),
        matrix.host.cpus,
        escaped(&matrix.conclusion()),
    );
    page += "<ul>";
    for sentence in Lane::ALL
        .iter()
        .filter_map(|&lane| lane_sentence(matrix, lane))
    {
        let _ = write!(page, "<li>{}</li>", escaped(&sentence));
    }
    page += "</ul>\n<table><thead><tr>";
    for head in [
        "fault",
        "heap",
        "workload",
        "expected",
        "end",
        "every",
        "first check",
        "operations",
        "time",
        "cost, end",
        "cost, every",
    ] {
        let _ = write!(page, "<th>{head}</th>");
    }
    page += "</tr></thead><tbody>\n";
    matrix.all().for_each(|row| page += &line(row));
    page += "</tbody></table>\n";
    if !matrix.by_model.is_empty() {
        let names = matrix.by_model.join(", ");
        let _ = writeln!(page, "<p>Only models show: {}</p>", escaped(&names));
    }
    if !matrix.by_soak.is_empty() {
        let names = matrix.by_soak.join(", ");
        let _ = writeln!(page, "<p>Only a soak shows: {}</p>", escaped(&names));
    }
    for row in matrix.all().filter(|row| row.standing == Standing::Failed) {
        let why = row.why.as_deref().unwrap_or_default();
        let _ = writeln!(
            page,
            "<p><b>{} in {}</b>: {}<br><code>{}</code></p>",
            escaped(row.name()),
            escaped(&row.heap),
            escaped(why),
            escaped(&row.reproduce)
        );
    }
    page + "</body></html>\n"
}

fn line(row: &MatrixRow) -> String {
    let class = match row.standing {
        Standing::Met => "met",
        Standing::Failed => "failed",
        Standing::Untried => "untried",
    };
    let end = row.end();
    let name = match &row.history {
        Some((what, link)) => format!(
            "{} <a href=\"{}\">{}</a>",
            escaped(row.name()),
            escaped(link),
            escaped(what)
        ),
        None => escaped(row.name()),
    };
    let change = escaped(row.change.as_deref().unwrap_or("nothing is planted"));
    let mut text = format!("<tr class=\"{class}\"><td title=\"{change}\">{name}</td>");
    for cell in [&row.heap, &row.run(), &row.expected] {
        let _ = write!(text, "<td>{}</td>", escaped(cell));
    }
    for lane in Lane::ALL {
        let _ = write!(text, "<td class=\"n\">{}</td>", bar(row, lane));
    }
    let first = end
        .and_then(|end| end.foremost(&row.caught_by))
        .unwrap_or(NONE);
    let _ = write!(text, "<td>{}</td>", escaped(first));
    let cost = |lane| row.lane(lane).and_then(|score| score.wall_ns_median);
    let figures = [
        end.and_then(|end| end.ops_median).map(figures::count),
        end.and_then(|end| end.ns_median).map(figures::nanos),
        cost(Lane::End).map(figures::nanos),
        cost(Lane::Every).map(figures::nanos),
    ];
    for figure in figures {
        let _ = write!(
            text,
            "<td class=\"n\">{}</td>",
            figure.as_deref().unwrap_or(NONE)
        );
    }
    text + "</tr>\n"
}

/// A lane's share, and a bar as long as it.
fn bar(row: &MatrixRow, lane: Lane) -> String {
    let (Some(score), Some(tally)) = (row.lane(lane), tally(row, lane)) else {
        return NONE.to_owned();
    };
    let width = score.caught * 60 / score.tried.max(1);
    format!(
        "<svg width=\"60\" height=\"10\" role=\"img\" aria-label=\"{tally}\">\
         <rect width=\"60\" height=\"10\" fill=\"#8884\"/>\
         <rect width=\"{width}\" height=\"10\" fill=\"#2e8b57\"/></svg> {tally}"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
