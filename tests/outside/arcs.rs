//! A heap of counted pointers, here those of the standard library: the adapter that others begin
//! with.

use gcstorm::check::{self, Verdict};
use gcstorm::fuzz::check_steps;
use gcstorm::heap::{Caps, Defect, Heap, HeapConfig, PointerHeap, Seat};
use gcstorm::plan::Case;
use gcstorm::run::{Budget, Options, Registry, Unobserved};
use gcstorm::workload::Workload;

use gcstorm::heap::pointers::PointerMutator;

use arc_mutex::ArcMutex;

#[path = "../../adapters/src/arc_mutex.rs"]
mod arc_mutex;

mod suite {
    use super::{ArcMutex, PointerHeap};

    gcstorm::conformance_tests!(PointerHeap::<ArcMutex>::open);
}

/// Goal: a case that was kept is a test of its own.
#[test]
fn a_kept_case_holds() {
    let text = include_str!("../cases/copy-of-nothing.case");
    let case = Case::parse("copy-of-nothing.case", text).expect("it is a case");
    check_steps(PointerHeap::<ArcMutex>::open, &case).expect("the heap follows the model");
}

/// Says that it frees cycles.
struct Boast(PointerHeap<ArcMutex>);

impl Heap for Boast {
    type Mutator<'h> = PointerMutator<ArcMutex>;

    fn caps(&self) -> Caps {
        Caps {
            cycles: true,
            ..self.0.caps()
        }
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        self.0.attach(seat)
    }

    fn settle(&self) -> Result<(), Defect> {
        self.0.settle()
    }
}

fn open(config: &HeapConfig) -> Result<Boast, Defect> {
    PointerHeap::open(config).map(Boast)
}

/// Goal: pointers that only count keep cyclic garbage, and if they were to free it, `completeness`
/// says that they did not.
#[test]
fn cycles_of_arcs_are_garbage_for_ever() {
    let registry = Registry::empty().with("boast", "", open);
    let workload = Workload::named("cycles").expect("a workload that comes with gcstorm");
    let plan = workload.plan(&[], 1).expect("it has defaults");
    let options = Options {
        budget: Budget::Ops(1000),
        ..Options::default()
    };
    let ran = registry.entries()[0].run(&plan, &options, &Unobserved);
    let judged = check::judge(&plan, &ran.expect("it opens"));
    let violated = judged.iter().filter(|it| it.verdict == Verdict::Violated);
    let first = violated.map(|it| it.name.as_str()).next();
    assert_eq!(first, Some("completeness"), "{judged:?}");
}
