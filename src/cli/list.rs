//! `list`: everything that can be named on the command line or in a workload.

use super::args::Listed;
use super::terminal::Terminal;
use crate::check;
use crate::heap::Caps;
use crate::report::columns::{Cell, Columns, Side};
use crate::report::{Detail, FAINT, STRONG};
use crate::run::Registry;
use crate::workload::{self, Parameter, ParameterKind, Workload};

/// Prints the list.
pub(super) fn list(registry: &Registry, what: Listed, terminal: &mut Terminal) {
    let text = match what {
        Listed::Heaps => heaps(registry),
        Listed::Workloads => workloads(terminal.detail()),
        Listed::Checks => checks(),
    };
    terminal.data(&text);
}

fn heaps(registry: &Registry) -> String {
    let mut columns = Columns::new([Side::Left, Side::Left]);
    for heap in registry.entries() {
        let about = match heap.is_default {
            true => format!("{} (default)", heap.about),
            false => heap.about.clone(),
        };
        columns.row([Cell::styled(STRONG, &heap.name), about.into()]);
        columns.row(["".into(), Cell::styled(FAINT, abilities(&heap.caps))]);
    }
    columns.draw()
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
        (certifies_death, "certifies death"),
    ];
    let there: Vec<&str> = named
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, name)| *name)
        .collect();
    there.join(", ")
}

fn workloads(detail: Detail) -> String {
    let mut columns = Columns::new([Side::Left, Side::Left]);
    // They are what the tests parse one by one; one that did not would be left out here.
    let all = workload::embedded()
        .iter()
        .filter_map(|embedded| Workload::named(embedded.name).ok());
    for workload in all {
        columns.row([
            Cell::styled(STRONG, &workload.name),
            workload.summary.as_str().into(),
        ]);
        if detail == Detail::Everything {
            for parameter in workload.parameters() {
                columns.row([
                    format!("  {}", parameter.name).into(),
                    described(parameter).into(),
                ]);
            }
        }
    }
    columns.draw()
}

fn described(parameter: &Parameter) -> String {
    let values = match &parameter.kind {
        ParameterKind::Number { min, max } => format!("{min} to {max}"),
        ParameterKind::Flag => "true or false".to_owned(),
        ParameterKind::Choice { choices } => choices.join(" or "),
    };
    format!(
        "{} ({values}; default {})",
        parameter.about, parameter.default
    )
}

fn checks() -> String {
    let mut columns = Columns::new([Side::Left, Side::Left]);
    for check in &check::ALL {
        columns.row([Cell::styled(STRONG, check.name), check.about.into()]);
    }
    columns.draw()
}
