//! The rows of the matrix: each fault of the catalogue in each heap that can have it, and the same
//! runs without a fault.

use crate::fuzz::catalogue::{Danger, Likelihood, Planted, Show};
use crate::heap::Fault;

/// A run of this many operations takes a second or more.
const LONG_OPS: u64 = 10_000_000;

/// What is expected of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// A named check fires on every seed.
    Always,
    /// A named check fires on at least nineteen seeds of twenty.
    Usually,
    /// No check ever fires: nothing is planted, or the fault is a negative control.
    Nothing,
}

impl Expect {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Usually => "usually",
            Self::Nothing => "never",
        }
    }
}

/// One fault in one heap under one workload, or a run without a fault.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The fault; `None` if nothing is planted.
    pub fault: Option<&'a Planted>,
    /// The heap's name.
    pub heap: &'a str,
    /// The run.
    pub show: &'a Show,
    /// What is expected.
    pub expect: Expect,
}

impl Row<'_> {
    /// The checks of which at least one must fire; empty if none may.
    pub fn caught_by(&self) -> &'static [&'static str] {
        match (self.expect, self.fault) {
            (Expect::Nothing, _) | (_, None) => &[],
            (_, Some(planted)) => planted.caught_by,
        }
    }

    /// What the fault may do to the process. If that happens, the fault counts as caught.
    pub fn danger(&self) -> Option<Danger> {
        self.fault.and_then(|planted| planted.danger)
    }

    /// Whether a trial takes so long that only a few are made in a quick test.
    pub fn is_long(&self) -> bool {
        self.show.ops >= LONG_OPS || self.danger() == Some(Danger::Hang)
    }

    /// The fault's name, or `none`.
    pub fn name(&self) -> &'static str {
        self.fault.map_or("none", |planted| planted.fault.name())
    }
}

/// The rows of a catalogue for these heaps, each given with the faults that it can have. After the
/// rows with faults, every distinct run follows once without a fault. Faults that only models or
/// soaks show have no row.
///
/// A heap that the catalogue does not name is one of the user's own. It is tried
/// by all runs that show its faults, if it can do what they need, which `can_run` says.
pub fn rows<'a>(
    catalogue: &'a [Planted],
    heaps: &[(&'a str, Vec<Fault>)],
    can_run: impl Fn(&str, &Show) -> bool,
) -> Vec<Row<'a>> {
    let shows = || catalogue.iter().flat_map(|planted| planted.shows);
    let is_named = |heap: &str| shows().any(|show| show.heaps.contains(&heap));
    let is_meant = |show: &Show, heap: &str| {
        show.heaps.contains(&heap) || (!is_named(heap) && can_run(heap, show))
    };
    let mut rows: Vec<Row<'a>> = Vec::new();
    for planted in catalogue {
        let expect = match planted.likelihood {
            Likelihood::Certain => Expect::Always,
            Likelihood::Usually => Expect::Usually,
            Likelihood::Never => Expect::Nothing,
            Likelihood::ModelOnly | Likelihood::SoakOnly => continue,
        };
        for show in planted.shows {
            let able = heaps
                .iter()
                .filter(|(heap, faults)| faults.contains(&planted.fault) && is_meant(show, heap));
            rows.extend(able.map(|(heap, _)| Row {
                fault: Some(planted),
                heap,
                show,
                expect,
            }));
        }
    }
    let mut sound: Vec<Row<'a>> = Vec::new();
    for row in &rows {
        if !sound.iter().any(|other| is_same_run(other, row)) {
            sound.push(Row {
                fault: None,
                expect: Expect::Nothing,
                ..*row
            });
        }
    }
    rows.extend(sound);
    rows
}

fn is_same_run(a: &Row<'_>, b: &Row<'_>) -> bool {
    a.heap == b.heap
        && a.show.workload == b.show.workload
        && a.show.parameters == b.show.parameters
        && a.show.ops == b.show.ops
        && a.show.delays == b.show.delays
        && a.show.collect_every == b.show.collect_every
        && a.show.history == b.show.history
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::catalogue;

    /// Goal: a heap that the catalogue does not know is tried by each run that shows one of its
    /// faults and that it can make, and by the same run without a fault; no other heap is.
    #[test]
    fn outside_heaps_have_rows() {
        let faults = vec![Fault::AdditionLost, Fault::AppendLost];
        let heaps = [("mine", faults.clone()), ("lock-free", faults)];
        let rows = rows(catalogue::ALL, &heaps, |heap, show| {
            assert_eq!(heap, "mine", "built-in heaps need not be asked");
            show.workload == "counter"
        });
        let named: Vec<_> = rows.iter().map(|row| (row.heap, row.name())).collect();
        assert_eq!(named, [("mine", "addition-lost"), ("mine", "none")]);
    }
}
