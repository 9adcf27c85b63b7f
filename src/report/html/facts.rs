//! What is said in words and figures: the comparison at a glance, the checks, and where it all comes
//! from.

use std::fmt::Write as _;

use super::markup::escaped;
use crate::check::{Judgement, Verdict};
use crate::report::figures::{self, NONE};
use crate::report::headline::{self, HEADLINES};
use crate::report::{Caveat, Member, RunResult};

/// The verdict's word in its colour.
pub(super) fn word(name: &str) -> String {
    format!("<span class=\"word {name}\">{name}</span>")
}

/// The headline figures side by side, each with its ratio to the first result's.
pub(super) fn glance(members: &[Member<'_>]) -> String {
    let mut text = String::from("<div class=\"wide\"><table class=\"first\"><thead><tr><th></th>");
    for member in members {
        let _ = write!(text, "<th scope=\"col\">{}</th>", escaped(&member.label));
    }
    text += "</tr></thead><tbody>\n<tr><th scope=\"row\">verdict</th>";
    for member in members {
        let _ = write!(text, "<td>{}</td>", word(member.result.verdict.name()));
    }
    text += "</tr>\n";
    for head in &HEADLINES {
        let row = headline::row(head, members);
        if row.iter().all(|(figure, _)| figure.is_none()) {
            continue;
        }
        let _ = write!(text, "<tr><th scope=\"row\">{}</th>", head.name);
        for (figure, ratio) in row {
            let figure = figure.unwrap_or_else(|| NONE.to_owned());
            let ratio = ratio.map_or(String::new(), |ratio| format!(" <small>{ratio}</small>"));
            let _ = write!(text, "<td>{}{ratio}</td>", escaped(&figure));
        }
        text += "</tr>\n";
    }
    text += &rates(members);
    text + "</tbody></table></div>\n"
}

/// Offered against achieved, where there was a rate.
fn rates(members: &[Member<'_>]) -> String {
    if members.iter().all(|member| member.result.rate.is_none()) {
        return String::new();
    }
    let mut text = String::from("<tr><th scope=\"row\">offered, achieved</th>");
    for member in members {
        let cell = member.result.rate.as_ref().map_or(NONE.to_owned(), |rate| {
            let saturated = if rate.saturated { ", saturated" } else { "" };
            format!(
                "{}, {}{saturated}",
                figures::rate(rate.offered_per_second),
                figures::rate(rate.achieved_per_second)
            )
        });
        let _ = write!(text, "<td>{}</td>", escaped(&cell));
    }
    text + "</tr>\n"
}

/// What a reader must know first of one result: what is wrong, and how to do it again.
pub(super) fn complaint(result: &RunResult) -> Option<String> {
    if result.verdict == crate::report::Outcome::Held {
        return None;
    }
    let mut text = format!(
        "<li><b>{} on {}</b>: {}",
        escaped(&result.workload.name),
        escaped(&result.subject()),
        escaped(result.verdict.name())
    );
    let mut checks = result.checks.iter();
    if let Some(check) = checks.find(|check| check.verdict == Verdict::Violated) {
        let detail = check.detail.as_deref().unwrap_or("no details");
        let _ = write!(text, " ({}: {})", escaped(&check.name), escaped(detail));
    } else if let Some(caveat) = result.caveats.first() {
        let _ = write!(text, " ({})", escaped(&caveat.text));
    }
    let _ = write!(text, "<br><code>{}</code></li>", escaped(&result.reproduce));
    Some(text)
}

/// Every check of every result; what it found where that was not all in order.
pub(super) fn checks(members: &[Member<'_>]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for check in members.iter().flat_map(|member| &member.result.checks) {
        if !names.contains(&check.name.as_str()) {
            names.push(&check.name);
        }
    }
    let mut text =
        String::from("<div class=\"wide\"><table class=\"words\"><thead><tr><th>check</th>");
    for member in members {
        let _ = write!(text, "<th scope=\"col\">{}</th>", escaped(&member.label));
    }
    text += "</tr></thead><tbody>\n";
    for name in names {
        let _ = write!(text, "<tr><th scope=\"row\">{}</th>", escaped(name));
        for member in members {
            let mut checks = member.result.checks.iter();
            let cell = checks
                .find(|check| check.name == name)
                .map_or(NONE.to_owned(), judgement);
            let _ = write!(text, "<td>{cell}</td>");
        }
        text += "</tr>\n";
    }
    text += "</tbody></table></div>\n";
    for member in members {
        for Caveat { check, text: note } in &member.result.caveats {
            let about = if check.is_empty() {
                String::new()
            } else {
                format!(" on {check}")
            };
            let lead = format!("{}, note{about}", member.label);
            let _ = writeln!(text, "<p><b>{}</b>: {}</p>", escaped(&lead), escaped(note));
        }
    }
    text
}

fn judgement(check: &Judgement) -> String {
    let detail = check.detail.as_deref().unwrap_or_default();
    match check.verdict {
        Verdict::Held => {
            format!("{} {}", word("held"), figures::count(check.examined))
        }
        other => format!("{} {}", word(other.name()), escaped(detail)),
    }
}

/// Where one result comes from, and how to make it again.
pub(super) fn provenance(member: &Member<'_>) -> String {
    let mut text = format!("<h4>{}</h4><dl>", escaped(&member.label));
    for (name, fact) in origin(member.result) {
        let _ = write!(text, "<dt>{name}</dt><dd>{}</dd>", escaped(&fact));
    }
    let _ = writeln!(
        text,
        "<dt>again</dt><dd><code>{}</code></dd></dl>",
        escaped(&member.result.reproduce)
    );
    text
}

fn origin(result: &RunResult) -> [(&'static str, String); 12] {
    let (tool, host) = (&result.tool, &result.host);
    let dirty = match tool.dirty {
        Some(true) => ", with changes that were not committed",
        Some(false) => ", clean",
        None => "",
    };
    let commit = if tool.commit.is_empty() {
        "unknown"
    } else {
        &tool.commit
    };
    let started = match result.evidence.started_unix_ms {
        0 => "unknown".to_owned(),
        at => figures::utc(at),
    };
    let parameters = result.workload.parameters.iter();
    let parameters: Vec<String> = parameters
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let noisy = match result.noisy {
        Some(true) => "noisy: the times are in doubt",
        Some(false) => "quiet",
        None => "not measured",
    };
    [
        ("program", format!("{} {}", tool.name, tool.version)),
        ("commit", format!("{commit}{dirty}")),
        ("started", started),
        ("ran for", figures::span(result.elapsed_ns)),
        ("threads", result.threads.len().to_string()),
        ("seed", result.seed.to_string()),
        (
            "workload",
            format!("{} ({})", result.workload.name, result.workload.hash),
        ),
        (
            "parameters",
            if parameters.is_empty() {
                NONE.to_owned()
            } else {
                parameters.join(" ")
            },
        ),
        (
            "processor",
            format!(
                "{}, {}",
                figures::several(host.cpus as u64, "processor", "processors"),
                host.cpu_model
            ),
        ),
        ("kernel", host.kernel.clone()),
        (
            "clock",
            format!(
                "{}, {} a reading",
                host.clock.source,
                figures::time(host.clock.cost_ns)
            ),
        ),
        ("machine", noisy.to_owned()),
    ]
}
