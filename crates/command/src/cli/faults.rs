//! Faults on the command line: finds them by name, refuses heaps that cannot have them, lists all.

use super::args::Run;
use super::usage::Usage;
use crate::fuzz::catalogue::{self, Likelihood};
use crate::heap::Fault;
use crate::report::Detail;
use crate::run::{Entry, Registry};

/// The fault of this name, which each of the heaps must be able to have.
pub(super) fn planted(registry: &Registry, heaps: &[&Entry], name: &str) -> Result<Fault, Usage> {
    let Some(fault) = Fault::named(name) else {
        let known = carried(registry).map(Fault::name);
        return Err(Usage::unknown("fault", name, known).hint("`gcstorm list faults` shows them"));
    };
    let unfit: Vec<&str> = heaps
        .iter()
        .filter(|heap| !heap.can_have(fault))
        .map(|heap| heap.name.as_str())
        .collect();
    if unfit.is_empty() {
        return Ok(fault);
    }
    let usage = Usage::new(format!(
        "fault `{name}` cannot be planted in {}",
        unfit.join(", nor in ")
    ));
    Err(match carriers(registry, fault).as_slice() {
        [] => usage.hint("none of the heaps here can have it; `list faults` shows what they can"),
        heaps => usage.hint(format!(
            "it can in {}: name heaps with --heap",
            heaps.join(", ")
        )),
    })
}

/// What to tell a user before runs with a fault that runs are not expected to show.
pub(super) fn beyond_runs(name: &str) -> Option<String> {
    let entry = catalogue::of(Fault::named(name)?)?;
    match entry.likelihood {
        Likelihood::Certain | Likelihood::Usually => None,
        Likelihood::ModelOnly | Likelihood::SoakOnly | Likelihood::Never => {
            Some(format!("fault `{name}` is {}", expectation(entry)))
        }
    }
}

/// Refuses delays, refused allocations and slow collections on heaps that do not support them.
pub(super) fn refuse_unplantable(heaps: &[&Entry], args: &Run) -> Result<(), Usage> {
    let asked = match (args.delays, args.fail_alloc, args.slow_collection) {
        (Some(_), ..) => "--delays",
        (None, Some(_), _) => "--fail-alloc",
        (None, None, Some(_)) => "--slow-collection",
        (None, None, None) => return Ok(()),
    };
    match heaps.iter().find(|heap| !heap.is_plantable()) {
        None => Ok(()),
        Some(heap) => Err(
            Usage::new(format!("{asked} cannot be used with {}", heap.name))
                .hint("the heap has no support for planting; name other heaps with --heap"),
        ),
    }
}

/// The faults that some heap can have, each once.
pub(super) fn carried(registry: &Registry) -> impl Iterator<Item = Fault> {
    let all = Fault::ALL.iter().copied();
    all.filter(|fault| !carriers(registry, *fault).is_empty())
}

/// The heaps that can have this fault.
fn carriers(registry: &Registry, fault: Fault) -> Vec<&str> {
    let heaps = registry.entries().iter();
    let interpreter = registry.get("python");
    heaps
        .chain(interpreter)
        .filter(|heap| heap.can_have(fault))
        .map(|heap| heap.name.as_str())
        .collect()
}

/// The faults and their descriptions.
pub(super) fn described(registry: &Registry, detail: Detail) -> Vec<(String, String)> {
    carried(registry)
        .map(|fault| {
            let heaps = carriers(registry, fault).join(", ");
            let mut text = format!("{} (in {heaps})", fault.change());
            if let Some(entry) = catalogue::of(fault) {
                text += "; ";
                text += &expectation(entry);
                if detail == Detail::Everything {
                    for show in entry.shows {
                        text += &format!("; try {}", show.line(fault));
                    }
                }
                if let Some(bug) = entry.bug {
                    text += &format!("; {}: {}", bug.what, bug.link);
                }
            }
            (fault.name().to_owned(), text)
        })
        .collect()
}

fn expectation(entry: &catalogue::Planted) -> String {
    // A fault that crashes or hangs the process, and does nothing else, is seen by that.
    let checks = match entry.caught_by {
        [] => "the end of its process".to_owned(),
        checks => checks.join(" or "),
    };
    let mut text = match entry.likelihood {
        Likelihood::Certain => format!("caught by {checks}"),
        Likelihood::Usually => format!("usually caught by {checks}"),
        Likelihood::ModelOnly => "shown by models or by `fuzz` only, not by workloads".to_owned(),
        Likelihood::SoakOnly => "shown by `soak` only: by memory, over many rounds".to_owned(),
        Likelihood::Never => "caught by nothing here: the negative control".to_owned(),
    };
    if let Some(danger) = entry.danger {
        text += match danger {
            catalogue::Danger::Crash => "; may crash the process",
            catalogue::Danger::Hang => "; may hang the process",
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: for a fault that no check catches, the list says that it is seen by how its process
    /// ends.
    #[test]
    fn a_fault_without_a_check_is_seen_by_its_end() {
        for entry in catalogue::ALL {
            let text = expectation(entry);
            let alone = entry.caught_by.is_empty() && entry.danger.is_some();
            let by_its_end = text.contains("caught by the end of its process");
            assert!(
                by_its_end == (alone && entry.likelihood != Likelihood::ModelOnly),
                "{text}"
            );
        }
    }

    /// Goal: a user who plants a fault that runs do not show is told so, and only then.
    #[test]
    fn what_runs_do_not_show_is_said() {
        let said = |fault: Fault| beyond_runs(fault.name()).unwrap_or_default();
        assert!(said(Fault::PlainSet).contains("by models or by `fuzz` only"));
        assert!(said(Fault::MemoryKept).contains("by `soak` only"));
        assert_eq!(said(Fault::CellLost), "");
    }
}
