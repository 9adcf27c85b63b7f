//! Cases under the model checker: `RUSTFLAGS="--cfg shuttle" cargo test --lib controlled`.

use super::by_schedules;
use crate::heap::Fault;
use crate::plan::{Case, Control};
use crate::run::{Entry, Exploration, Registry, SCHEDULES};

/// An append to a list of three elements races with a pop. `fuzz` found this case, with this seed.
const MEETING: &str = "gcstorm-case 1
schedule pct
seed 1513358432138499309
capacity 5
roots 1
shared met list
mutator m0 registers 2 holds r0=met
mutator m1 registers 2 holds r0=met

m0 alloc r1 leaf
m0 append r0 r1
m0 alloc r1 leaf
m0 append r0 r1
m0 alloc r1 leaf
m0 append r0 r1
start
m0 append r0 r0
m1 pop r1 r0
";

fn with_heap<T>(name: &str, test: impl FnOnce(&Entry, &Case) -> T) -> T {
    let registry = Registry::builtin();
    let heap = registry.get(name).expect("it is built in");
    test(heap, &Case::parse("meeting", MEETING).expect("a case"))
}

fn how(by: Control, kept: Option<&str>) -> Exploration<'_> {
    Exploration {
        by,
        kept,
        schedules: SCHEDULES,
    }
}

/// Goal: heaps without a fault are linearizable in every schedule that is tried.
#[test]
fn nothing_is_wrong_with_sound_heaps() {
    for heap in ["lock-free", "gil"] {
        for by in Control::ALL {
            with_heap(heap, |heap, case| {
                let raced = by_schedules(heap, None, how(by, None), case).expect("it opens");
                assert_eq!(raced.finding, None, "{} {}", heap.name, by.name());
                assert_eq!(raced.schedules, SCHEDULES as u64);
            });
        }
    }
}

/// Goal: a fault that needs a switch between two memory accesses is found, and replaying the
/// schedule gives the same race each time.
#[test]
fn a_schedule_that_fails_fails_again() {
    with_heap("lock-free", |heap, case| {
        let fault = Some(Fault::TrustHint);
        let explored = by_schedules(heap, fault, how(Control::Pct, None), case);
        let explored = explored.expect("it opens");
        let (race, schedule) = explored.race.expect("a schedule fails");
        assert!(explored.finding.is_some());
        for _ in 0..100 {
            let kept = how(Control::Pct, Some(&schedule));
            let again = by_schedules(heap, fault, kept, case).expect("it opens");
            assert_eq!(again.finding, explored.finding);
            assert_eq!(again.race.map(|it| it.0.digest()), Some(race.digest()));
        }
        let other = how(Control::Pct, Some("0.z"));
        let other = by_schedules(heap, fault, other, case).expect("it opens");
        assert!(other.has_diverged && other.race.is_none(), "{other:?}");
    });
}
