//! A comparison as Markdown, for a job's summary or a pull request.

use std::fmt::Write as _;

use super::table::{alarm, cells, conclusion, runs};
use super::{Comparison, Verdict};

/// Draws it.
pub fn markdown(comparison: &Comparison) -> String {
    let mut text = format!("## {}\n\n", capital(&conclusion(comparison)));
    for (group, row) in comparison.regressions() {
        let _ = writeln!(
            text,
            "- **{}**  \n  `{}`",
            escaped(&alarm(group, row)),
            group.reproduce
        );
    }
    for note in &comparison.notes {
        let _ = writeln!(text, "- {}", escaped(note));
    }
    for group in &comparison.groups {
        let title = escaped(&format!("{} on {}", group.workload, group.heap));
        let _ = writeln!(text, "\n### {title}: {}\n", runs(group));
        text += "| metric | base | new | ratio | at 95 % | verdict |\n";
        text += "| --- | --: | --: | --: | --- | --- |\n";
        for row in &group.metrics {
            let [base, new, ratio, interval] = cells(row);
            let verdict = match row.verdict {
                Verdict::Regression => format!("**{}**", row.verdict.text()),
                verdict => verdict.text().to_owned(),
            };
            let metric = escaped(&row.metric);
            let _ = writeln!(
                text,
                "| {metric} | {base} | {new} | {ratio} | {interval} | {verdict} |"
            );
        }
    }
    text
}

pub(in crate::report) fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}

/// Names of workloads are their files', and may hold what Markdown means something by.
pub(in crate::report) fn escaped(text: &str) -> String {
    let special = |c: char| "\\`*_{}[]<>|#".contains(c);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
