//! A comparison as Markdown, for the summary of a CI job or a pull request.

use super::table::{alarm, cells, coarse, conclusion, runs};
use super::{Change, Comparison, WIDER};
use crate::report::commonmark::{self, BoundedPage, escaped};

/// Draws the page.
pub fn markdown(comparison: &Comparison) -> String {
    let mut page = BoundedPage::new(format!("## {}\n\n", capital(&conclusion(comparison))));
    for (group, row) in comparison.regressions() {
        let code = commonmark::fenced("  ", &group.reproduce);
        let alarm = escaped(&alarm(group, row));
        page.add(commonmark::FAILURE, &format!("- **{alarm}**\n\n{code}"));
    }
    for note in &comparison.notes {
        page.add(commonmark::NOTE, &format!("- {}\n", escaped(note)));
    }
    for group in &comparison.groups {
        let title = escaped(&format!("{} on {}", group.workload, group.heap));
        page.add(
            commonmark::TABLE,
            &format!("\n### {title}: {}\n", runs(group)),
        );
        if group.says_nothing() {
            continue;
        }
        let names = ["metric", "base", "new", "ratio", "at 95 %", "verdict"];
        let mut table = format!("\n{}", commonmark::head(names));
        for row in &group.metrics {
            let [base, new, ratio, interval] = cells(row);
            let verdict = match row.verdict {
                Change::Regression => format!("**{}**", row.text()),
                _ => row.text().to_owned(),
            };
            let metric = escaped(&row.metric);
            table += &commonmark::row([metric, base, new, ratio, interval, verdict]);
        }
        page.add(commonmark::TABLE, &table);
    }
    if comparison.has_wider_verdicts() {
        page.add(commonmark::NOTE, &format!("\n{}.\n", capital(WIDER)));
    }
    if let Some(coarse) = coarse(comparison) {
        page.add(
            commonmark::NOTE,
            &format!("\n{}.\n", capital(&escaped(&coarse))),
        );
    }
    page.finish()
}

/// The text with a capital first letter.
pub(in crate::report) fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}
