//! What a test of one's own heap looks like: the public strategy and the public model.

use gcstorm::check::{self, Verdict};
use gcstorm::forward_mutator;
use gcstorm::fuzz::{check_steps, on_threads, programs};
use gcstorm::heap::counted::GilHeap;
use gcstorm::heap::{
    Belief, Caps, Census, Defect, Fault, Field, Finalizer, Global, Heap, HeapConfig, Mutator,
    Ordeal, Seat, Shape, Slot, counted, lock_free,
};
use gcstorm::plan::{Case, Op, Turn};
use gcstorm::run::{Budget, Options, Registry, Unobserved};
use gcstorm::workload::Workload;
use proptest::prelude::*;

/// A heap that only one mutator can use.
struct Alone(GilHeap);

impl Alone {
    fn open(config: &HeapConfig) -> Result<Self, Defect> {
        Ok(Self(counted::open_gil(config)))
    }
}

impl Heap for Alone {
    type Mutator<'h> = <GilHeap as Heap>::Mutator<'h>;

    fn caps(&self) -> Caps {
        Caps {
            threads: false,
            ..self.0.caps()
        }
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        if seat.number > 0 {
            return Err(Defect::Other {
                message: "one is enough".to_owned(),
            });
        }
        self.0.attach(seat)
    }

    fn settle(&self) -> Result<(), Defect> {
        self.0.settle()
    }
}

/// A heap that counts references and never looks for cycles, as it says; with another fault or
/// none.
struct Counting(GilHeap<Ordeal>);

impl Heap for Counting {
    type Mutator<'h> = <GilHeap<Ordeal> as Heap>::Mutator<'h>;

    fn caps(&self) -> Caps {
        Caps {
            cycles: false,
            ..self.0.caps()
        }
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        self.0.attach(seat)
    }

    fn settle(&self) -> Result<(), Defect> {
        Ok(())
    }

    fn census(&self, each: &mut dyn FnMut(Belief)) -> Option<Census> {
        self.0.census(each)
    }
}

/// Goal: on threads, too, a heap that reclaims no cycles is not blamed for those that programs
/// close by chance; and is blamed for what it keeps without one.
#[test]
fn a_heap_without_cycles_is_not_blamed_for_them() {
    let counting = |fault: Fault| {
        let registry = Registry::empty();
        registry.with("counting", "no cycles", move |config| {
            let ordeal = Ordeal::of(fault);
            Ok(Counting(counted::open_gil_with(config, ordeal)))
        })
    };
    let registry = counting(Fault::CollectorNeverRuns);
    let heap = registry.get("counting").expect("it is there");
    let all = programs().for_caps(heap.caps());
    for seed in 0..300 {
        let case = all.draw(seed);
        let finding = on_threads(heap, None, &case).expect("it opens");
        assert_eq!(finding, None, "{case}");
    }
    let registry = counting(Fault::ObjectKept);
    let leaky = registry.get("counting").expect("it is there");
    let mut case = Case::of_mutators(1, 1, 0, 8);
    let (dst, shape) = (Slot(0), Shape::Leaf);
    case.turns = vec![
        Turn {
            mutator: 0,
            op: Op::Alloc { dst, shape },
        };
        1_000_000
    ];
    let finding = on_threads(leaky, None, &case).expect("it opens");
    assert_eq!(finding.expect("it keeps objects").check, "completeness");
}

/// A heap whose weak references outlast finalizers, and whether it says so.
struct Lasting(GilHeap<Ordeal>, Caps);

impl Heap for Lasting {
    type Mutator<'h> = <GilHeap<Ordeal> as Heap>::Mutator<'h>;

    fn caps(&self) -> Caps {
        self.1
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        self.0.attach(seat)
    }

    fn settle(&self) -> Result<(), Defect> {
        self.0.settle()
    }
}

/// Goal: weak references that survive finalizers are right on a heap that says so, and on no other:
/// turn by turn, and in a run.
#[test]
fn weak_references_survive_where_the_heap_says_so() {
    let says = |weak_survives| Caps {
        weak_survives,
        ..Caps::ALL
    };
    let open = |caps| {
        move |config: &HeapConfig| {
            let ordeal = Ordeal::of(Fault::WeakAfterFinalizer);
            Ok(Lasting(counted::open_gil_with(config, ordeal), caps))
        }
    };
    let workload = Workload::named("finalizers").expect("it comes with gcstorm");
    let plan = workload.plan(&[], 1).expect("it has defaults");
    let options = Options {
        budget: Budget::Ops(20_000),
        ..Options::default()
    };
    for survives in [true, false] {
        let caps = says(survives);
        let all = programs().for_caps(caps);
        let right = (0..2000).all(|seed| check_steps(open(caps), &all.draw(seed)).is_ok());
        assert_eq!(right, survives);
        let registry = Registry::empty().with("lasting", "", open(caps));
        let ran = registry.entries()[0].run(&plan, &options, &Unobserved);
        let judged = check::judge(&plan, &ran.expect("it opens"));
        let weak = judged
            .iter()
            .find(|it| it.name == "weak")
            .map(|it| it.verdict);
        let expected = if survives {
            Verdict::Held
        } else {
            Verdict::Violated
        };
        assert_eq!(weak, Some(expected));
    }
}

/// A heap that collects before it upgrades, and whose weak references outlast finalizers.
struct Eager(GilHeap<Ordeal>);

struct EagerMutator<M>(M);

impl Heap for Eager {
    type Mutator<'h> = EagerMutator<<GilHeap<Ordeal> as Heap>::Mutator<'h>>;

    fn caps(&self) -> Caps {
        Caps {
            weak_survives: true,
            ..Caps::ALL
        }
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        self.0.attach(seat).map(EagerMutator)
    }

    fn settle(&self) -> Result<(), Defect> {
        self.0.settle()
    }
}

impl<M: Mutator> Mutator for EagerMutator<M> {
    forward_mutator!(self => self.0; alloc alloc_with_finalizer copy clear load store peek);
    forward_mutator!(self => self.0; safepoint rest wake collect append len get set pop add read);
    forward_mutator!(self => self.0; truncate_front truncate_back write publish fetch downgrade);

    fn upgrade(&mut self, dst: Slot, weak: Slot) -> bool {
        self.0.collect();
        self.0.upgrade(dst, weak)
    }
}

/// Goal: a heap whose weak references survive finalizers may run a finalizer in the turn that
/// upgrades such a reference.
#[test]
fn an_upgrade_may_follow_a_finalizer_at_once() {
    let [object, weak, copy] = [Slot(0), Slot(1), Slot(2)];
    let ops = [
        Op::AllocFinalized {
            dst: object,
            shape: Shape::Node,
            finalizer: Finalizer::Resurrect(Global(0)),
        },
        Op::Downgrade {
            dst: weak,
            src: object,
        },
        Op::Copy {
            dst: copy,
            src: object,
        },
        Op::Store {
            obj: object,
            field: Field(0),
            val: copy,
        },
        Op::Clear { slot: object },
        Op::Upgrade { dst: object, weak },
    ];
    let mut case = Case::of_mutators(1, 3, 1, 8);
    case.turns = ops.map(|op| Turn { mutator: 0, op }).into();
    let open = |config: &HeapConfig| {
        let ordeal = Ordeal::of(Fault::WeakAfterFinalizer);
        Ok(Eager(counted::open_gil_with(config, ordeal)))
    };
    check_steps(open, &case).expect("it follows the model");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    /// Goal: the heap under a lock does what the model does, whatever the program.
    #[test]
    fn gil_follows_the_model(case in programs()) {
        check_steps(|config| Ok(counted::open_gil(config)), &case)?;
    }

    /// Goal: so does the one without a lock.
    #[test]
    fn lock_free_follows_the_model(case in programs()) {
        check_steps(|config| Ok(lock_free::open(config)), &case)?;
    }

    /// Goal: so does one that only one mutator can use: nobody else is made to sit down at it.
    #[test]
    fn a_heap_for_one_follows_the_model(
        case in programs().for_caps(Caps { threads: false, ..Caps::ALL })
    ) {
        check_steps(Alone::open, &case)?;
    }

    /// Goal: so does the one whose lock was taken away, as long as one thread does all.
    #[test]
    fn racy_follows_the_model(case in programs().with_ops(20)) {
        check_steps(|config| Ok(counted::open_racy(config)), &case)?;
    }
}
