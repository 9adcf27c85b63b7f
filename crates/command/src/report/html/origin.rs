//! Where results come from, and how to make them again. What all of them share is said once.

use maud::{Markup, html};

use crate::report::Member;
use crate::result::RunResult;
use crate::result::figures::{self, NONE};

/// How many facts [`facts`] has.
const FACTS: usize = 13;
type Facts = [(&'static str, String); FACTS];

/// Of all results: what they share.
pub(super) fn shared(results: &[RunResult]) -> Markup {
    let all: Vec<Facts> = results.iter().map(facts).collect();
    let shared = (0..FACTS).filter_map(|at| {
        let (name, first) = &all.first()?[at];
        let is_shared = *first != NONE && all.iter().all(|facts| facts[at].1 == *first);
        is_shared.then_some((*name, first))
    });
    html! { dl { @for (name, fact) in shared { dt { (name) } dd { (fact) } } } }
}

/// Of one group: what is not the same for all results of the page.
pub(super) fn draw(members: &[Member<'_>], results: &[RunResult]) -> Markup {
    let all: Vec<Facts> = results.iter().map(facts).collect();
    let own: Vec<Facts> = members.iter().map(|member| facts(member.result)).collect();
    let is_own = |at: &usize| all.iter().any(|facts| facts[*at].1 != all[0][*at].1);
    html! {
        dl {
            @for at in (0..FACTS).filter(is_own) {
                dt { (own[0][at].0) }
                dd {
                    @if own.iter().all(|facts| facts[at] == own[0][at]) { (own[0][at].1) }
                    @else {
                        @for (member, facts) in std::iter::zip(members, &own) {
                            div { (member.label) ": " (facts[at].1) }
                        }
                    }
                }
            }
            dt { "again" }
            dd { @for member in members { div { code { (member.result.reproduce) } } } }
        }
    }
}

fn facts(result: &RunResult) -> Facts {
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
    let stopped = stopped.map_or(String::new(), |ns| {
        format!(
            "; stopped for {}, which is in no figure",
            figures::nanos(ns)
        )
    });
    let commit = match tool.commit.as_str() {
        "" => "unknown",
        commit => commit,
    };
    let started = Some(result.evidence.started_unix_ms).filter(|started| *started > 0);
    let ran = Some(result.elapsed_ns).filter(|ran| *ran > 0);
    let ran = ran.map(|ran| format!("ran for {}", figures::span(ran)));
    let started: Vec<String> = started.map(figures::utc).into_iter().chain(ran).collect();
    let started = match started.is_empty() {
        true => NONE.to_owned(),
        false => started.join(", "),
    };
    let threads = match result.threads.len() {
        // Its process was lost before it told.
        0 => NONE.to_owned(),
        threads => threads.to_string(),
    };
    let parameters = workload.parameters.iter();
    let parameters: Vec<String> = parameters
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let parameters = match parameters.is_empty() {
        true => NONE.to_owned(),
        false => parameters.join(" "),
    };
    let interpreter = result.interpreter.as_ref();
    let interpreter = interpreter.map_or_else(
        || NONE.to_owned(),
        |it| format!("{} ({})", it.about(), it.details()),
    );
    let cpus = figures::several(host.cpus as u64, "processor", "processors");
    let clock = figures::time(host.clock.cost_ns);
    [
        ("program", tool.name.clone()),
        (
            "gcstorm",
            format!("{}, commit {commit}{dirty}", tool.version),
        ),
        ("interpreter", interpreter),
        ("processor", format!("{cpus}, {}", host.cpu_model)),
        ("kernel", host.kernel.clone()),
        ("clock", host.clock.source.to_string()),
        ("clock reading", clock),
        ("seed", result.seed.to_string()),
        ("workload", format!("{} ({})", workload.name, workload.hash)),
        ("parameters", parameters),
        ("threads", threads),
        ("started", started),
        ("machine", format!("{noisy}{stopped}")),
    ]
}
