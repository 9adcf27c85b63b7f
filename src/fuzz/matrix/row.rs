//! The rows: each fault of the catalogue in each heap that can have it, and the same runs without a
//! fault.

use crate::fuzz::catalogue::{Danger, Likelihood, Planted, Show};
use crate::heap::Fault;

/// Operations that take a second or more.
const LONG_OPS: u64 = 10_000_000;

/// What a row must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// A named check fires on every seed.
    Always,
    /// On nineteen seeds of twenty.
    Usually,
    /// No check fires, ever: there is no fault, or it is the negative control.
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
    /// The fault; `None` where nothing is planted.
    pub fault: Option<&'a Planted>,
    /// The heap's name.
    pub heap: &'a str,
    /// What is run on it.
    pub show: &'a Show,
    /// What must come of it.
    pub expect: Expect,
}

impl Row<'_> {
    /// The checks of which one must fire.
    pub fn caught_by(&self) -> &'static [&'static str] {
        match (self.expect, self.fault) {
            (Expect::Nothing, _) | (_, None) => &[],
            (_, Some(planted)) => planted.caught_by,
        }
    }

    /// What the fault may do to the process; if that happens, it counts like a check that fires.
    pub fn danger(&self) -> Option<Danger> {
        self.fault.and_then(|planted| planted.danger)
    }

    /// Whether a trial takes so long that only few are made when time is short.
    pub fn is_long(&self) -> bool {
        self.show.ops >= LONG_OPS || self.danger() == Some(Danger::Hang)
    }

    /// The fault's name, or `none`.
    pub fn name(&self) -> &'static str {
        self.fault.map_or("none", |planted| planted.fault.name())
    }
}

/// The rows of a catalogue for these heaps, each given with the faults that it can have. Every run
/// comes once more without a fault. Faults that only models or soaks show have no row.
pub fn rows<'a>(catalogue: &'a [Planted], heaps: &[(&'a str, Vec<Fault>)]) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for planted in catalogue {
        let expect = match planted.likelihood {
            Likelihood::Certain => Expect::Always,
            Likelihood::Usually => Expect::Usually,
            Likelihood::Never => Expect::Nothing,
            Likelihood::ModelOnly | Likelihood::SoakOnly => continue,
        };
        for show in planted.shows {
            let able = heaps.iter().filter(|(heap, faults)| {
                show.heaps.contains(heap) && faults.contains(&planted.fault)
            });
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
