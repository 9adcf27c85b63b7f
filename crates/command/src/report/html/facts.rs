//! What is said in words and figures: the comparison at a glance, the checks, and where each result
//! comes from.

use maud::{Markup, html};

use super::page::Table;
use crate::check::{Judgement, Verdict};
use crate::report::Member;
use crate::report::headline::{self, HEADLINES};
use crate::result::figures::{self, NONE};
use crate::result::{Outcome, RunResult};

/// The verdict's word in its colour.
fn word(name: &str) -> Markup {
    html! { span class={ "word " (name) } { (name) } }
}

/// The headline figures side by side, each with its ratio to the first result's.
pub(super) fn glance(members: &[Member<'_>]) -> Table {
    let mut table = Table::of_members("", members);
    table.class = Some("first");
    let verdicts = members.iter().map(|member| member.result.verdict);
    table.row("verdict", verdicts.map(|verdict| word(verdict.name())));
    for head in &HEADLINES {
        let row = headline::row(head, members);
        if row.iter().any(|(figure, _)| figure.is_some()) {
            let cells = row.into_iter().map(|(figure, ratio)| {
                html! {
                    (figure.as_deref().unwrap_or(NONE))
                    @if let Some(ratio) = ratio { " " small { (ratio) } }
                }
            });
            table.row(head.name, cells);
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
    table
}

/// What a reader must know first of one result: what is wrong, and how to do it again.
pub(super) fn complaint(result: &RunResult) -> Option<Markup> {
    if result.verdict == Outcome::Held {
        return None;
    }
    let mut checks = result.checks.iter();
    let violated = checks.find(|check| check.verdict == Verdict::Violated);
    Some(html! {
        li {
            b { (result.workload.name) " on " (result.subject()) } ": " (result.verdict.name())
            @if let Some(check) = violated {
                " (" (check.name) ": " (check.detail.as_deref().unwrap_or("no details")) ")"
            } @else if let Some(caveat) = result.caveats.first() {
                " (" (caveat.text) ")"
            }
            br; code { (result.reproduce) }
        }
    })
}

/// Every check of every result, and what it found if it did not hold; below that the notes.
pub(super) fn checks(members: &[Member<'_>]) -> Markup {
    let mut names: Vec<&str> = Vec::new();
    for check in members.iter().flat_map(|member| &member.result.checks) {
        if !names.contains(&check.name.as_str()) {
            names.push(&check.name);
        }
    }
    let mut table = Table::of_members("check", members);
    table.class = Some("words");
    for name in names {
        let cells = members.iter().map(|member| {
            let mut checks = member.result.checks.iter();
            let check = checks.find(|check| check.name == name);
            check.map_or_else(|| html! { (NONE) }, judgement)
        });
        table.row(name, cells);
    }
    html! {
        (table)
        @for member in members {
            @for caveat in &member.result.caveats {
                p {
                    b { (member.label) ", note" @if !caveat.check.is_empty() { " on " (caveat.check) } }
                    ": " (caveat.text)
                }
            }
        }
    }
}

fn judgement(check: &Judgement) -> Markup {
    html! {
        (word(check.verdict.name())) " "
        @if check.verdict == Verdict::Held { (figures::count(check.examined)) }
        @else { (check.detail.as_deref().unwrap_or_default()) }
    }
}

/// Where one result comes from, and how to make it again.
pub(super) fn provenance(member: &Member<'_>) -> Markup {
    let result = member.result;
    let (tool, host, workload) = (&result.tool, &result.host, &result.workload);
    let dirty = match tool.dirty {
        Some(true) => ", with changes that were not committed",
        Some(false) => ", clean",
        None => "",
    };
    let noisy = match (result.noisy, &result.evidence.hiccups) {
        (Some(true), _) => "noisy: the times are in doubt",
        (Some(false), _) => "quiet",
        (None, Some(_)) => "the run was too short to tell",
        (None, None) => "not measured",
    };
    let stopped = Some(result.stopped_ns).filter(|stopped| *stopped > 0);
    let stopped = stopped.map(|ns| {
        format!(
            "; stopped for {}, which is in no figure",
            figures::nanos(ns)
        )
    });
    let commit = Some(tool.commit.as_str()).filter(|commit| !commit.is_empty());
    let started = Some(result.evidence.started_unix_ms).filter(|started| *started > 0);
    let parameters = workload.parameters.iter();
    let parameters: Vec<String> = parameters
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let parameters = Some(parameters.join(" ")).filter(|all| !all.is_empty());
    let cpus = figures::several(host.cpus as u64, "processor", "processors");
    html! {
        h4 { (member.label) }
        dl {
            dt { "program" } dd { (tool.name) " " (tool.version) }
            dt { "commit" } dd { (commit.unwrap_or("unknown")) (dirty) }
            dt { "started" } dd { (started.map_or("unknown".to_owned(), figures::utc)) }
            dt { "ran for" } dd { (figures::span(result.elapsed_ns)) }
            dt { "threads" } dd { (result.threads.len()) }
            dt { "seed" } dd { (result.seed) }
            dt { "workload" } dd { (workload.name) " (" (workload.hash) ")" }
            dt { "parameters" } dd { (parameters.as_deref().unwrap_or(NONE)) }
            @if let Some(interpreter) = &result.interpreter {
                dt { "interpreter" } dd { (interpreter.about()) " (" (interpreter.details()) ")" }
            }
            dt { "processor" } dd { (cpus) ", " (host.cpu_model) }
            dt { "kernel" } dd { (host.kernel) }
            dt { "clock" } dd {
                (host.clock.source) ", " (figures::time(host.clock.cost_ns)) " a reading"
            }
            dt { "machine" } dd { (noisy) (stopped.unwrap_or_default()) }
            dt { "again" } dd { code { (result.reproduce) } }
        }
    }
}
