//! `list`: the names of heaps, workloads, operations, counters, checks, faults and profiles.

use super::args::IsolateArg;
use super::command_line::Listed;
use super::exit::Exit;
use super::faults;
use super::laboratory;
use super::profile;
use super::terminal::Terminal;
use super::usage::Usage;
use crate::check::{self, Check};
use crate::heap::{Caps, Stats};
use crate::plan::OpKind;
use crate::report::prose::wrapped;
use crate::report::{Detail, STRONG, Width};
use crate::result::figures;
use crate::run::{Entry, Registry, pythons};
use crate::workload::{
    self, COUNTERS, Counter, FORMS, Form, Parameter, ParameterKind, Presence, Workload,
};

/// Prints the list.
pub(super) fn list(
    registry: &Registry,
    what: Listed,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let listed = match what {
        Listed::Heaps => heaps(registry),
        Listed::Workloads => workloads(terminal.detail()),
        Listed::Ops => ops(),
        Listed::Counters => counters(registry),
        Listed::Checks => checks(),
        Listed::Faults => faults::described(registry, terminal.detail()),
        Listed::Profiles => profile::listed(registry)?,
    };
    terminal.data(&rows(&listed, terminal.look().width));
    Ok(Exit::Held)
}

/// Names on the left, descriptions on the right, wrapped within their column.
fn rows(rows: &[(String, String)], width: Width) -> String {
    let longest = rows.iter().map(|(name, _)| name.chars().count()).max();
    let indent = longest.unwrap_or(0) + 2;
    let row = |(name, about): &(String, String)| {
        let lead = format!(
            "{STRONG}{name}{STRONG:#}{:1$}",
            "",
            indent - name.chars().count()
        );
        wrapped(width, &lead, indent, about)
    };
    rows.iter().map(row).collect()
}

fn heaps(registry: &Registry) -> Vec<(String, String)> {
    // No library is among them, so there is nothing to refuse.
    let _ = laboratory::learn_caps(registry.entries(), IsolateArg::Yes);
    let described = |heap: &Entry| {
        let default = if heap.is_default { " (default)" } else { "" };
        let about = format!("{}{default}; has {}", heap.about, abilities(&heap.caps()));
        (heap.name.clone(), about)
    };
    let mut listed: Vec<_> = registry.entries().iter().map(described).collect();
    listed.extend(pythons());
    listed
}

fn abilities(caps: &Caps) -> String {
    let Caps {
        threads,
        cycles,
        lists,
        counters,
        globals,
        weak,
        finalizers,
        weak_survives,
        one_per_process,
        certifies_death,
    } = *caps;
    let named = [
        (threads, "threads"),
        (cycles, "cycles"),
        (lists, "lists"),
        (counters, "counters"),
        (globals, "shared roots"),
        (weak, "weak references"),
        (finalizers, "finalizers"),
        (weak_survives, "weak references that survive finalizers"),
        (one_per_process, "one heap a process"),
        (certifies_death, "certified deaths"),
    ];
    let there: Vec<&str> = named
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, name)| *name)
        .collect();
    there.join(", ")
}

fn workloads(detail: Detail) -> Vec<(String, String)> {
    // A test parses each of them, so none is left out here.
    let all = workload::embedded()
        .iter()
        .filter_map(|embedded| Workload::named(embedded.name).ok());
    let mut listed = Vec::new();
    for workload in all {
        listed.push((workload.name.clone(), workload.summary.clone()));
        if detail == Detail::Everything {
            let parameters = workload.parameters().iter();
            listed.extend(parameters.map(|one| (format!("  {}", one.name), described(one))));
        }
    }
    listed
}

fn described(parameter: &Parameter) -> String {
    let values = match &parameter.kind {
        ParameterKind::Number { min, max } => format!("{} to {}", number(*min), number(*max)),
        ParameterKind::Flag => "true or false".to_owned(),
        ParameterKind::Choice { choices } => choices.join(" or "),
    };
    format!(
        "{} ({values}; default {})",
        parameter.about, parameter.default
    )
}

/// Operations that steps of a workload name, with their keys and what a heap must be able to do.
fn ops() -> Vec<(String, String)> {
    let described = |form: &Form| {
        let keys = form.keys.iter().map(|key| match key.presence {
            Presence::Needed => key.name.to_owned(),
            Presence::Optional => format!("[{}]", key.name),
        });
        let keys: Vec<String> = keys.collect();
        let needs = form.needs().missing_from(&Caps::NONE);
        let mut others = form.may_need().missing_from(&Caps::NONE);
        others.retain(|ability| !needs.contains(ability));
        let parts = [
            ("keys: ", keys.join(" ")),
            ("needs ", needs.join(", ")),
            ("may need ", others.join(", ")),
        ];
        let parts = parts.iter().filter(|(_, list)| !list.is_empty());
        let parts: String = parts
            .map(|(word, list)| format!("; {word}{list}"))
            .collect();
        (form.name.to_owned(), format!("{}{parts}", form.about))
    };
    FORMS.iter().map(described).collect()
}

/// Counters that can be required, what they count, and which heaps have them.
fn counters(registry: &Registry) -> Vec<(String, String)> {
    let python = registry.get("python");
    let heaps: Vec<(&str, Stats)> = (registry.entries().iter().chain(python))
        .map(|heap| (heap.name.as_str(), laboratory::figures(heap)))
        .collect();
    let whose = |counter: &str| {
        if check::is_counted(counter, &Stats::default()) {
            return "every heap".to_owned();
        }
        let have = heaps
            .iter()
            .filter(|(_, stats)| check::is_counted(counter, stats));
        have.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    let operations = OpKind::ALL.into_iter().map(|kind| {
        let ops: Vec<String> = kind.ops().iter().map(|op| format!("`{op}`")).collect();
        (
            kind.name().to_owned(),
            format!("operations: {}; every heap", ops.join(" and ")),
        )
    });
    let others = COUNTERS.iter().map(|Counter { name, unit, about }| {
        (
            (*name).to_owned(),
            format!("{unit} {about}; {}", whose(name)),
        )
    });
    operations.chain(others).collect()
}

fn checks() -> Vec<(String, String)> {
    let described = |check: &Check| (check.name.to_owned(), check.about.to_owned());
    check::ALL.iter().map(described).collect()
}

/// A number; large ones have separators.
fn number(value: i64) -> String {
    u64::try_from(value).map_or_else(|_| value.to_string(), figures::count)
}
