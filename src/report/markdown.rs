//! Results as Markdown that fits a CI job's summary: the verdict first, what went wrong and how to do it
//! again, then the figures side by side.

use std::fmt::Write as _;

use super::headline::{self, HEADLINES};
use super::{Collected, Group, Member};
use crate::check::Verdict;
use crate::result::figures::{self, NONE};
use crate::result::{Outcome, RunResult};

/// Draws them.
pub fn markdown(collected: &Collected) -> String {
    let mut text = format!(
        "## {} gcstorm: {}\n\n{}.\n",
        sign(collected.verdict()),
        collected.verdict().name(),
        collected.tally()
    );
    for result in &collected.results {
        text += &complaint(result);
    }
    for absent in &collected.absent {
        let (workload, heap) = (escaped(&absent.workload), escaped(&absent.heap));
        let (what, why) = (absent.what.name(), escaped(&absent.why));
        let _ = writeln!(text, "\n- **{workload} on {heap} {what}**: {why}");
    }
    for group in &collected.groups() {
        text += &self::group(group);
    }
    text += &provenance(&collected.results);
    text
}

/// What is wrong with a result, or should be known about it, and the line that does it again.
fn complaint(result: &RunResult) -> String {
    let mut text = String::new();
    if result.verdict == Outcome::Held && result.caveats.is_empty() {
        return text;
    }
    let (workload, subject) = (escaped(&result.workload.name), escaped(&result.subject()));
    let name = result.verdict.name();
    let _ = writeln!(text, "\n**{workload} on {subject}: {name}**\n");
    for check in &result.checks {
        let detail = check.detail.as_deref().unwrap_or("no details");
        match check.verdict {
            Verdict::Violated | Verdict::Vacuous => {
                let (check, name) = (escaped(&check.name), check.verdict.name());
                let _ = writeln!(text, "- {check} is {name}: {}", escaped(detail));
            }
            Verdict::Held | Verdict::Skipped => {}
        }
    }
    for caveat in &result.caveats {
        let about = match caveat.check.as_str() {
            "" => String::new(),
            check => format!(" on {}", escaped(check)),
        };
        let _ = writeln!(text, "- note{about}: {}", escaped(&caveat.text));
    }
    if result.verdict != Outcome::Held {
        // Indented code ends with its line and knows no escapes, whatever is in it.
        let _ = writeln!(text, "\n    {}", one_line(&result.reproduce));
    }
    text
}

fn group(group: &Group<'_>) -> String {
    let mut text = format!("\n### {}\n\n|  |", escaped(&group.name));
    for member in &group.members {
        let _ = write!(text, " {} |", escaped(&member.label));
    }
    text += "\n| --- |";
    text += &" --: |".repeat(group.members.len());
    text.push('\n');
    let verdicts = group.members.iter().map(|member| {
        let verdict = member.result.verdict;
        format!("{} {}", sign(verdict), verdict.name())
    });
    text += &line("verdict", verdicts);
    for head in &HEADLINES {
        let row = headline::row(head, &group.members);
        if row.iter().any(|(figure, _)| figure.is_some()) {
            text += &line(head.name, row.into_iter().map(cell));
        }
    }
    text + &operations(&group.members)
}

/// Each operation's 99th percentile, which is where heaps begin to differ, and its number.
fn operations(members: &[Member<'_>]) -> String {
    let mut names: Vec<&String> = members.iter().flat_map(|m| m.result.ops.keys()).collect();
    names.sort();
    names.dedup();
    let mut text =
        String::from("\n<details><summary>operations: a second, p99, longest</summary>\n\n|  |");
    for member in members {
        let _ = write!(text, " {} |", escaped(&member.label));
    }
    text += "\n| --- |";
    text += &" --: |".repeat(members.len());
    text.push('\n');
    for name in names {
        let cells = members.iter().map(|member| {
            let Some(op) = member.result.ops.get(name) else {
                return NONE.to_owned();
            };
            let latency = op.response.as_ref().or(op.service.as_ref());
            let p99 = latency.and_then(|latency| latency.quantile(0.99));
            let timed = latency.filter(|latency| latency.count() > 0);
            let or_none = |nanos: Option<u64>| nanos.map_or(NONE.to_owned(), figures::nanos);
            format!(
                "{}, {}, {}",
                figures::rate(op.per_second),
                or_none(p99),
                or_none(timed.map(|latency| latency.max()))
            )
        });
        text += &line(name, cells.collect::<Vec<_>>());
    }
    text + "\n</details>\n"
}

fn cell((figure, ratio): (Option<String>, Option<String>)) -> String {
    let figure = figure.unwrap_or_else(|| NONE.to_owned());
    ratio.map_or(figure.clone(), |ratio| format!("{figure} ({ratio})"))
}

fn line(name: &str, cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().collect();
    format!("| {} | {} |\n", escaped(name), cells.join(" | "))
}

fn provenance(results: &[RunResult]) -> String {
    let Some(result) = results.first() else {
        return String::new();
    };
    let tool = &result.tool;
    let mut seeds: Vec<String> = results.iter().map(|r| r.seed.to_string()).collect();
    seeds.dedup();
    let dirty = match tool.dirty {
        Some(true) => ", with changes",
        Some(false) | None => "",
    };
    format!(
        "\n<sub>{} {} ({}{dirty}), seed {}, {}, {}, kernel {}</sub>\n",
        escaped(&tool.name),
        escaped(&tool.version),
        escaped(if tool.commit.is_empty() {
            "commit unknown"
        } else {
            &tool.commit
        }),
        seeds.join(", "),
        figures::several(result.host.cpus as u64, "processor", "processors"),
        escaped(&result.host.cpu_model),
        escaped(&result.host.kernel),
    )
}

fn sign(verdict: Outcome) -> &'static str {
    match verdict {
        Outcome::Held => "✅",
        Outcome::Violated | Outcome::Crashed | Outcome::Hung => "❌",
        Outcome::Vacuous | Outcome::Interrupted => "⚠️",
    }
}

/// Text that means nothing to Markdown, nor to the HTML in it, in one line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in one_line(text).chars() {
        match letter {
            '<' => escaped += "&lt;",
            '&' => escaped += "&amp;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '>' | '~' | '#' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}

fn one_line(text: &str) -> String {
    let plain = anstream::adapter::strip_str(text).to_string();
    plain.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::sample;

    /// Goal: the verdict comes first, what is wrong with its reproduce line next, and every row of a
    /// table has as many cells as its head, whatever the checks say.
    #[test]
    fn is_whole() {
        let collected = Collected {
            results: vec![sample::result("gil"), sample::violated("lock-free")],
            absent: Vec::new(),
        };
        let text = markdown(&collected);
        assert!(text.starts_with("## ❌ gcstorm: violated\n"), "{text}");
        assert!(
            text.contains("object &lt;0\\> &amp; \"1\" \\| \\`2\\` is"),
            "{text}"
        );
        let reproduce = "\n    gcstorm run shared-list --heap lock-free --seed 7\n";
        assert!(text.contains(reproduce), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text}");
        let rows = text.lines().filter(|line| line.starts_with('|'));
        for row in rows {
            assert_eq!(row.matches(" |").count(), 3, "{row}");
        }
        assert!(text.contains("(×1.00)"), "{text}");
        assert!(text.len() < 4096, "{}", text.len());
    }
}
