//! What is said first: what is wrong with which run, and the headline figures of one workload side
//! by side.

use maud::{Markup, html};

use super::page::{prose, series, word};
use super::table::Table;
use crate::check::Verdict;
use crate::report::beside::{self, Beside};
use crate::report::headline::{self, HEADLINES};
use crate::report::{Absence, Absent, Collected, Member};
use crate::result::figures::{self, NONE};
use crate::result::{Outcome, RunResult};

/// So many complaints are shown at once, and the others on request.
const COMPLAINTS: usize = 3;

/// The verdict over all first, and what is behind it.
pub(super) fn banner(collected: &Collected, title: &str) -> Markup {
    let verdict = collected.verdict().name();
    let complaints = collected.results.iter().filter_map(complaint);
    let skipped = |absent: &&Absent| absent.what == Absence::Skipped;
    let absent = collected.absent.iter();
    let lost = absent.clone().filter(|absent| !skipped(absent)).map(missed);
    let lines: Vec<Markup> = complaints.chain(lost).collect();
    let skipped_runs = absent.filter(skipped).count() as u64;
    let (first, others) = lines.split_at(lines.len().min(COMPLAINTS));
    html! {
        header class={ "banner " (verdict) } {
            h1 { (title) ": " (verdict) }
            p { (collected.tally()) "." }
            @if !first.is_empty() { ul.lead { @for line in first { (line) } } }
            @if !others.is_empty() {
                details {
                    summary { "and " (others.len()) " more" }
                    ul.lead { @for line in others { (line) } }
                }
            }
            @if skipped_runs > 0 {
                details {
                    summary {
                        (figures::several(skipped_runs, "run", "runs"))
                        " skipped, since the heap lacks what the workload needs"
                    }
                    ul.lead { @for line in collected.skipped() { li { (prose(&line)) } } }
                }
            }
        }
    }
}

/// What a reader must know first of one result: what is wrong, and how to do it again.
fn complaint(result: &RunResult) -> Option<Markup> {
    if result.verdict == Outcome::Held {
        return None;
    }
    let mut checks = result.checks.iter();
    let to_blame = match result.verdict {
        Outcome::Vacuous => Verdict::Vacuous,
        _ => Verdict::Violated,
    };
    let violated = checks.find(|check| check.verdict == to_blame);
    Some(html! {
        li {
            b { (result.workload.name) " on " (result.subject()) } ": " (result.verdict.name())
            @if let Some(check) = violated {
                " (" (check.name) ": " (prose(check.detail.as_deref().unwrap_or("no details"))) ")"
            } @else if let Some(caveat) = result.caveats.first() {
                " (" (prose(&caveat.text)) ")"
            }
            @for command in result.commands() { br; code { (command) } }
        }
    })
}

/// A run without a result.
fn missed(absent: &Absent) -> Markup {
    html! {
        li {
            b { (absent.workload) " on " (absent.heap) } " " (absent.what.name()) ": " (prose(&absent.why))
        }
    }
}

/// A figure, and how it compares. A figure and its unit stay on one line.
pub(super) fn figure(beside: &Beside) -> Markup {
    let together = |text: &str| text.replace(' ', "\u{a0}");
    html! {
        @match (&beside.figure, beside.why) {
            (Some(figure), _) => (together(figure)),
            (None, None) => (NONE),
            (None, Some(why)) => span title=(why) { (NONE) },
        }
        @if let Some(ratio) = &beside.ratio {
            " " small class=[beside.word] title=[beside.why] {
                (ratio) @if let Some(word) = beside.word { span { "\u{a0}" (word) } }
            }
        }
    }
}

/// What ratios are to, if there are any.
pub(super) fn measure(members: &[Member<'_>]) -> Option<Markup> {
    let base = beside::base(members)?;
    let held = members
        .iter()
        .filter(|member| member.result.verdict == Outcome::Held);
    (held.count() > 1).then(|| {
        html! {
            p.note {
                "× is against " (base.label) ", for runs that held; better or worse from a tenth on. "
                "Single runs vary: " code { "gcstorm compare" } " judges repeated ones."
                (doubt(members.iter().map(|member| member.result)))
            }
        }
    })
}

/// What to say of ratios where the machine delayed one of these runs, and of figures where one is
/// broken.
pub(super) fn doubt<'a>(results: impl Iterator<Item = &'a RunResult> + Clone) -> Markup {
    html! {
        @if results.clone().any(|result| result.noisy == Some(true)) {
            " The machine was noisy in some of these runs: their ratios say little, are grey, and are not "
            "called better or worse."
        }
        @if results.clone().any(|result| result.verdict.is_broken()) {
            " No speed is shown of a run that was violated, crashed or hung."
        }
    }
}

/// The headline figures side by side, those that held with their ratio to the first of them.
pub(super) fn glance(members: &[Member<'_>]) -> Markup {
    let mut table = Table::with_marks("", &series(members));
    table.class = Some("first");
    let verdicts = members.iter().map(|member| {
        html! {
            (word(member.result.verdict.name()))
            @if let Some(how) = headline::cut_short(member.result) { " " small { (how) } }
        }
    });
    table.row("verdict", verdicts);
    for head in &HEADLINES {
        let row = beside::row(head, members);
        if row.iter().any(|beside| beside.figure.is_some()) {
            table.row(head.name, row.iter().map(figure));
        }
    }
    if members.iter().any(|member| member.result.rate.is_some()) {
        let rates = members.iter().map(|member| {
            let rate = member.result.rate.as_ref()?;
            let saturated = if rate.saturated { ", saturated" } else { "" };
            let [offered, achieved] =
                [rate.offered_per_second, rate.achieved_per_second].map(figures::rate);
            Some(format!("{offered}, {achieved}{saturated}"))
        });
        table.row_of("offered, achieved", rates);
    }
    html! { (table) @if let Some(line) = measure(members) { (line) } }
}
