//! Results as Markdown that fits a CI job's summary: the verdict first, what went wrong and how to
//! do it again, then the figures side by side.

use std::fmt::Write as _;

use super::beside::{self, Beside};
use super::commonmark::{self, BoundedPage, escaped};
use super::headline::{self, HEADLINES};
use super::{Collected, Group, Member, crash, stacks};
use crate::check::Verdict;
use crate::result::figures::{self, NONE};
use crate::result::{Outcome, RunResult};

/// Draws them.
pub fn markdown(collected: &Collected) -> String {
    let mut page = BoundedPage::new(format!(
        "## {} gcstorm: {}\n\n{}.\n",
        sign(collected.verdict()),
        collected.verdict().name(),
        collected.tally()
    ));
    let results = collected.results.iter();
    for result in results.filter(|result| is_remarkable(result)) {
        page.add(commonmark::FAILURE, &complaint(result));
    }
    for absent in &collected.absent {
        let (workload, heap) = (escaped(&absent.workload), escaped(&absent.heap));
        let (what, why) = (absent.what.name(), escaped(&absent.why));
        let line = format!("\n- **{workload} on {heap} {what}**: {why}\n");
        page.add(commonmark::NOTE, &line);
    }
    for group in &collected.groups() {
        page.add(commonmark::TABLE, &figures_of(group));
        page.add(commonmark::TABLE, &operations(&group.members));
    }
    page.add(commonmark::NOTE, &provenance(&collected.results));
    page.finish()
}

/// Whether there is more to say of a result than its figures.
fn is_remarkable(result: &RunResult) -> bool {
    result.verdict != Outcome::Held || !result.caveats.is_empty()
}

/// What is wrong with a result, or should be known about it, and the line that does it again.
fn complaint(result: &RunResult) -> String {
    let (workload, subject) = (escaped(&result.workload.name), escaped(&result.subject()));
    let name = result.verdict.name();
    let mut text = format!("\n**{workload} on {subject}: {name}**\n\n");
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
        text.push('\n');
        text += &commonmark::fenced_lines("", result.commands());
    }
    if let Some(stacks) = &result.evidence.stacks {
        text += "\n<details><summary>stacks of its threads</summary>\n\n";
        text += &commonmark::fenced_lines("", stacks::brief(stacks).lines());
        text += "\n</details>\n";
    }
    if let Some(crash) = &result.evidence.crash {
        text += "\nwhere it crashed:\n\n";
        text += &commonmark::fenced_lines("", crash::brief(crash).lines());
    }
    text
}

/// The headlines of a group's members, side by side.
fn figures_of(group: &Group<'_>) -> String {
    let mut text = format!(
        "\n### {}\n\n{}",
        escaped(&group.name),
        labels(&group.members)
    );
    let verdicts = group.members.iter().map(|member| {
        let verdict = member.result.verdict;
        format!("{} {}", sign(verdict), verdict.name())
    });
    text += &line("verdict", verdicts);
    for head in &HEADLINES {
        let row = beside::row(head, &group.members);
        if row.iter().any(|beside| beside.figure.is_some()) {
            text += &line(head.name, row.into_iter().map(cell));
        }
    }
    text
}

/// The head of a table with a column for each member.
fn labels(members: &[Member<'_>]) -> String {
    let labels = members.iter().map(|member| escaped(&member.label));
    commonmark::head(std::iter::once(String::new()).chain(labels))
}

/// Each operation in figures.
fn operations(members: &[Member<'_>]) -> String {
    let mut names: Vec<&String> = members.iter().flat_map(|m| m.result.ops.keys()).collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return String::new();
    }
    let about = headline::of_operations(members.iter().map(|member| member.result));
    let mut text = format!(
        "\n<details><summary>operations: {about}</summary>\n\n{}",
        labels(members)
    );
    for name in names {
        let cells = members.iter().map(|member| {
            let told = headline::operation(member.result, name);
            told.unwrap_or_else(|| NONE.to_owned())
        });
        text += &line(name, cells);
    }
    text + "\n</details>\n"
}

fn cell(Beside { figure, ratio, .. }: Beside) -> String {
    let figure = figure.unwrap_or_else(|| NONE.to_owned());
    ratio.map_or(figure.clone(), |ratio| format!("{figure} ({ratio})"))
}

fn line(name: &str, cells: impl IntoIterator<Item = String>) -> String {
    commonmark::row(std::iter::once(escaped(name)).chain(cells))
}

/// So many seeds are named.
const SEEDS_MAX: usize = 10;

/// What made the results, and where.
fn provenance(results: &[RunResult]) -> String {
    let Some(result) = results.first() else {
        return String::new();
    };
    let tool = &result.tool;
    let mut seeds: Vec<u64> = results.iter().map(|result| result.seed).collect();
    seeds.dedup();
    let more = match seeds.len().saturating_sub(SEEDS_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let seeds: Vec<String> = (seeds.iter().take(SEEDS_MAX))
        .map(ToString::to_string)
        .collect();
    let dirty = match tool.dirty {
        Some(true) => ", with changes",
        Some(false) | None => "",
    };
    let commit = match tool.commit.as_str() {
        "" => "commit unknown",
        commit => commit,
    };
    let mut interpreters: Vec<String> = results.iter().filter_map(interpreter).collect();
    interpreters.dedup();
    let program = match tool.name.as_str() {
        "gcstorm" => String::new(),
        name => format!("{}, ", escaped(name)),
    };
    format!(
        "\n<sub>{program}gcstorm {} ({}{dirty}), seed {}{more}, {}, {}, kernel {}{}</sub>\n",
        escaped(&tool.version),
        escaped(commit),
        seeds.join(", "),
        figures::several(result.host.cpus as u64, "processor", "processors"),
        escaped(&result.host.cpu_model),
        escaped(&result.host.kernel),
        interpreters.concat(),
    )
}

/// Which interpreter a heap is.
fn interpreter(result: &RunResult) -> Option<String> {
    let about = result.interpreter.as_ref()?.about();
    Some(format!(
        "; {} is {}",
        escaped(&result.heap),
        escaped(&about)
    ))
}

fn sign(verdict: Outcome) -> &'static str {
    match verdict {
        Outcome::Held => "✅",
        Outcome::Violated | Outcome::Crashed | Outcome::Hung => "❌",
        Outcome::Vacuous | Outcome::Interrupted => "⚠️",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// Goal: the verdict comes first, what is wrong with its reproduce line next, and every row of
    /// a table has as many cells as its head, whatever the checks say.
    #[test]
    fn is_whole() {
        let collected = Collected {
            results: vec![
                sample::result("gil"),
                sample::violated("racy"),
                sample::result("lock-free"),
            ],
            absent: Vec::new(),
        };
        let text = markdown(&collected);
        assert!(text.starts_with("## ❌ gcstorm: violated\n"), "{text}");
        assert!(
            text.contains(
                "object &lt;0\\> &amp; \"1\" \\| \\`2\\` is \\]\\]\\> gone \\\\u\\{1b\\}"
            ),
            "{text}"
        );
        let reproduce = "\n```\ngcstorm run shared-list --heap racy --seed 7\n```\n";
        assert!(text.contains(reproduce), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text}");
        let rows = text.lines().filter(|line| line.starts_with('|'));
        for row in rows {
            assert_eq!(row.matches(" |").count(), 4, "{row}");
        }
        // Only what held is compared.
        let longest = "| longest operation | 200 µs | – | 200 µs (×1.00) |";
        assert!(text.contains(longest), "{text}");
        assert!(text.len() < 4096, "{}", text.len());
    }

    /// Goal: however many results there are and whatever they say, the page fits a job's summary,
    /// the verdict comes first, and what is missing is said.
    #[test]
    fn fits_a_summary() {
        let mut wordy = sample::violated("gil");
        wordy.checks[0].detail = Some("<b>|".repeat(50_000));
        let collected = Collected {
            results: vec![wordy; 200],
            absent: Vec::new(),
        };
        let text = markdown(&collected);
        assert!(text.len() < commonmark::PAGE_BYTES_MAX, "{}", text.len());
        assert!(text.starts_with("## ❌ gcstorm: violated\n"));
        assert!(
            text.contains("\n**Left out**, since "),
            "{}",
            &text[text.len() - 300..]
        );
    }
}
